"""Rows a run was trained on: known again by `evaluate`, also in a part of the table, and told in both languages."""

import json

import numpy as np
import polars as pl
import pytest

import jindan as jd
from jindan.runs import seen
from jindan.runs.prepare import prepare
from jindan.runs.seen import Seen, marks_of
from jindan.runs.tables import train_table

SMALL = {"layers": "4 tanh", "epochs": 3, "batch_size": 16}
rng = np.random.default_rng(0)
TABLE = pl.DataFrame({
    "a": rng.normal(size=100), "k": [["p", "q", None][k % 3] for k in range(100)], "n": rng.integers(0, 99, 100),
    "y": np.where(rng.random(100) < 0.5, "no", "yes"), "z": rng.normal(size=100),
})  # fmt: skip
NEW = TABLE.with_columns(a=pl.Series(rng.normal(size=100)))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seen")
    TABLE.write_csv(folder / "table.csv")
    NEW.write_csv(folder / "new.csv")
    train_table(folder / "table.csv", "y", out=folder / "run", **SMALL)
    return folder


def said(capsys, *arguments):
    from jindan.cli import main

    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert ended.value.code == 0
    found = capsys.readouterr()
    return found.out, " ".join(found.err.split())


def test_evaluate_tells_of_rows_trained_on(place, capsys):
    out, err = said(capsys, "evaluate", place / "run", place / "table.csv")
    assert "80 of these 100 rows equal rows that the run was trained on" in err
    assert "accuracy" in out.lower()
    _, err = said(capsys, "evaluate", place / "run", place / "table.csv", "--lang", "ko")
    assert "100개 행 중 80개는 이 모델을 학습하거나" in err
    body = json.loads(said(capsys, "evaluate", place / "run", place / "table.csv", "--json")[0])
    (remark,) = [remark for remark in body["warnings"] if remark["code"] == "trained-on"]
    assert (remark["count"], remark["rows"], remark["exact"]) == (80, 100, True)
    _, err = said(capsys, "evaluate", place / "run", place / "new.csv")
    assert "equal rows" not in err
    assert "trained-on" not in said(capsys, "evaluate", place / "run", place / "new.csv", "--json")[0]


def test_evaluate_encodes_the_rows_once(place, monkeypatch, capsys):
    encoded, transform = [], jd.data.Preprocessor.transform

    def counting(self, frame, *more):
        encoded.append(len(frame))
        return transform(self, frame, *more)

    monkeypatch.setattr(jd.data.Preprocessor, "transform", counting)
    said(capsys, "evaluate", place / "run", place / "table.csv")
    assert encoded == [100]


def test_rows_that_are_labelled_once_tell_the_same(place):
    model = jd.load(place / "run")
    gaps = TABLE.with_columns(y=pl.when(pl.arange(0, 100) < 7).then(None).otherwise(pl.col("y")))
    rows = model.labelled(gaps)
    assert len(rows) == 93
    assert model.labelled(rows) is rows
    assert model.score(rows) == model.score(gaps)
    assert model.trained_on(rows) == model.trained_on(gaps)
    assert model.column_importance(rows).values.tolist() == model.column_importance(gaps).values.tolist()
    with pytest.raises(jd.JindanError, match="There is no class called 'maybe'"):
        model.score(TABLE.with_columns(y=pl.lit("maybe")))


@pytest.mark.parametrize("target", ["y", "z"])
@pytest.mark.parametrize("numeric", ["zscore", "whiten-pca"])
def test_each_part_is_known_in_any_order_and_company(tmp_path, target, numeric):
    TABLE.write_csv(tmp_path / "table.csv")
    config = jd.data.Preprocessing(numeric=numeric)
    run = train_table(tmp_path / "table.csv", target, out=tmp_path / "run", preprocessing=config, **SMALL)
    split = prepare(tmp_path / "table.csv", target).split
    model = jd.load(run.folder)
    for part, known in (("train", 60), ("validation", 20), ("test", 0)):
        rows = TABLE[getattr(split, part)]
        assert model.trained_on(rows)["count"] == known, part
        assert model.trained_on(pl.concat([NEW, rows.sample(fraction=1.0, shuffle=True, seed=1)]))["count"] == known


def test_a_table_that_has_grown_and_other_answers(place):
    model = jd.load(place / "run")
    grown = pl.concat([TABLE, NEW])
    assert model.trained_on(grown) == {"count": 80, "rows": 200, "exact": True, "again": 0.0}
    other = TABLE.with_columns(y=pl.col("y").replace({"yes": "no", "no": "yes"}))
    assert model.trained_on(other)["count"] == 0
    assert model.trained_on(TABLE.drop("y"), TABLE["y"])["count"] == 80


def test_it_goes_with_a_saved_model_and_with_training_on(place, tmp_path):
    model = jd.load(place / "run")
    model.save(tmp_path / "copy")
    assert jd.load(tmp_path / "copy").trained_on(TABLE)["count"] == 80
    on = train_table(NEW, "y", start=place / "run", out=tmp_path / "on", epochs=2, validation=0.2, test=0.2)
    again = jd.load(on.folder)
    assert again.trained_on(TABLE)["count"] == 80
    assert again.trained_on(NEW)["count"] == 80
    # Of weights from elsewhere nothing is known.
    model.set_weights([w + 1 for w in model.get_weights()])
    assert model.trained_on(TABLE) is None


def test_a_run_that_knows_nothing_says_nothing(place, tmp_path, capsys):
    import shutil

    shutil.copytree(place / "run", tmp_path / "old")
    file = tmp_path / "old" / "preprocessing.json"
    body = json.loads(file.read_text())
    for kept in (None, {"hashes": "?", "whole": True, "again": 0.0}):
        body["settings"].pop("seen", None)
        if kept is not None:
            body["settings"]["seen"] = kept
        file.write_text(json.dumps(body))
        command = ("evaluate", tmp_path / "old", place / "table.csv")
        assert "equal rows" not in said(capsys, *command)[1]
        assert "trained-on" not in said(capsys, *command, "--json")[0]


def test_rows_that_repeat_by_chance_are_told_with_it(tmp_path, capsys):
    table = pl.DataFrame({"a": rng.integers(0, 2, 300), "b": rng.integers(0, 3, 300), "y": ["yes", "no", "no"] * 100})
    table.write_csv(tmp_path / "few.csv")
    train_table(tmp_path / "few.csv", "y", out=tmp_path / "run", **SMALL)
    _, err = said(capsys, "evaluate", tmp_path / "run", tmp_path / "few.csv")
    assert "Rows repeat in the run's table: of those kept apart, too, 100 % equalled" in err
    _, err = said(capsys, "evaluate", tmp_path / "run", tmp_path / "few.csv", "--lang", "ko")
    assert "같은 행이 반복됩니다" in err


def test_of_many_rows_a_sample_is_kept(monkeypatch):
    monkeypatch.setattr(seen, "MOST", 2000)
    marks = marks_of(np.arange(20_000.0)[:, None], np.zeros(20_000))
    found = Seen.from_dict(json.loads(json.dumps(Seen.of(marks[:10_000]).to_dict())))
    assert len(found.hashes) == 2000
    assert not found.whole
    # A fifth of the hashes is known: of 2,000 rows drawn about 400 can be told, half of which were trained on.
    assert abs(found.count(marks[9000:11_000]) - 1000) < 4 * 2000 * (0.25 / 400) ** 0.5
    assert found.count(marks[10_000:]) == 0
    assert found.count(marks[:10_000]) == 10_000
    joined = Seen.of(marks[15_000:], before=found)
    assert not joined.whole
    assert joined.count(marks[10_000:15_000]) == 0
    assert joined.count(marks[:10_000]) == 10_000
    assert joined.count(marks[15_000:]) == 5000


def test_hashes_differ_and_are_those_of_the_whole_row():
    x = np.tile(rng.normal(size=(1, 5)).astype(np.float32), (5, 1)) + np.eye(5, dtype=np.float32)
    assert len(set(marks_of(x, np.zeros(5)).tolist())) == 5
    both = (x, np.arange(5)[:, None])
    assert len(set(marks_of(both, np.zeros(5)).tolist()) & set(marks_of(x, np.zeros(5)).tolist())) == 0
    assert len(set(marks_of(x, np.arange(5)).tolist()) & set(marks_of(x, np.zeros(5)).tolist())) == 1
