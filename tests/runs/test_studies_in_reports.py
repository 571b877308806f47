"""Studies in the report of a run: added one by one, kept by the folder, both languages."""

import json
import os
from dataclasses import replace

import pytest
from sklearn.datasets import load_iris

import jindan as jd
from jindan.errors import FileError
from jindan.layers import Dense
from jindan.models import Sequential
from jindan.plan import Plan
from jindan.runs.tables import resume_table, train_table


@pytest.fixture(scope="module")
def run(place, tmp_path_factory):
    return train_table(place / "flowers.csv", "kind", layers="6 tanh", epochs=3, batch_size=16,
                       out=tmp_path_factory.mktemp("studies") / "run")  # fmt: skip


def test_a_study_is_an_entry_of_the_report(run, place):
    found = jd.seed_study(*_problem(), epochs=2, seeds=3)
    other = jd.lr_range_test(*_problem(), steps=5, updates=3)
    run.add_study(found)
    run.add_study(other)
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "Over 3 seeds the score is" in page
    assert "시드 3개의 점수는" in page
    record = json.loads((run.folder / "record.json").read_text(encoding="utf-8"))
    assert [entry["kind"] for entry in record["studies"]] == ["seeds", "rates"]
    assert run.record["studies"] == record["studies"]
    assert not [name for name in os.listdir(run.folder) if name.startswith(".")]
    assert len(run.model.predict(place / "flowers.csv")) == 90  # the folder is still a run


def test_a_resumed_run_keeps_its_studies(place, tmp_path):
    cut = train_table(place / "houses.csv", "price", plan=Plan((), early_stopping=None), layers="8 relu", epochs=4000,
                      out=tmp_path / "run", listen=lambda told: True)  # fmt: skip
    assert cut.interrupted
    cut.add_study(jd.seed_study(*_problem(), epochs=1, seeds=2))
    done = resume_table(tmp_path / "run")
    assert not done.interrupted
    assert [entry["kind"] for entry in done.record["studies"]] == ["seeds"]
    assert "Over 2 seeds the score is" in (done.folder / "report.html").read_text(encoding="utf-8")


def test_a_folder_that_is_gone_is_named(run, tmp_path):
    with pytest.raises(FileError, match="cannot be written"):
        replace(run, folder=tmp_path / "gone").add_study(jd.seed_study(*_problem(), epochs=1, seeds=2))


def _problem():
    x, y = load_iris(return_X_y=True)
    model = Sequential([Dense(4, activation="tanh"), Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x, y
