"""Interrupted runs are resumed to the same bits, and runs are gone on from with other rows."""

from pathlib import Path

import polars as pl
import pytest

from jindan.data import Preprocessing
from jindan.errors import InputError
from jindan.plan import Plan
from jindan.runs.tables import resume_table, train_table


def _names(folder):
    return sorted(entry.name for entry in Path(folder).iterdir())


def _cut(place, out, after=2, **more):
    """A run that is cut off after some looks, as by Ctrl-C."""
    seen = []

    def listen(told):
        seen.append(told)
        return len(seen) >= after

    plan = Plan((), early_stopping=None) if "start" not in more else None
    return train_table(
        place / "houses.csv", "price", epochs=4000, out=out, listen=listen,
        **({"plan": plan, "layers": "8 relu"} if plan is not None else {}), **more,
    )  # fmt: skip


def test_a_resumed_run_has_the_bits_of_an_uninterrupted_one(place, tmp_path):
    cut = _cut(place, tmp_path / "cut")
    assert cut.interrupted
    assert cut.run.epochs < 4000
    assert cut.summary()["interrupted"]
    assert _names(tmp_path) == ["cut"]
    done = resume_table(tmp_path / "cut")
    whole = _cut(place, tmp_path / "whole", after=10**9)
    assert not done.interrupted
    for name in ("model.safetensors", "state.safetensors", "history.json"):
        assert (done.folder / name).read_bytes() == (whole.folder / name).read_bytes(), name
    assert done.record["metrics"] == whole.record["metrics"]
    assert _names(tmp_path) == ["cut", "whole"]


def test_a_resumed_continuation_keeps_its_preprocessing(place, houses, tmp_path):
    cut = _cut(place, tmp_path / "cut", after=1, start=houses.folder)
    if cut.interrupted:
        assert not resume_table(tmp_path / "cut").interrupted


def test_a_complete_run_has_nothing_to_resume(flowers):
    with pytest.raises(InputError, match="nothing to resume"):
        resume_table(flowers.folder)


def test_a_changed_table_is_noticed(place, tmp_path):
    copy = tmp_path / "houses.csv"
    copy.write_text((place / "houses.csv").read_text())
    _cut(tmp_path, tmp_path / "cut")
    lines = copy.read_text().splitlines()
    area, age, price = lines[5].split(",")
    lines[5] = f"{area},{age},{float(price) + 1}"
    copy.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match="not what it was"):
        resume_table(tmp_path / "cut")


def test_rows_from_memory_cannot_be_resumed(place, tmp_path):
    frame = pl.read_csv(place / "houses.csv")
    train_table(
        frame, "price", epochs=4000, plan=Plan((), early_stopping=None), out=tmp_path / "r", listen=lambda told: True
    )
    with pytest.raises(InputError, match="not a file"):
        resume_table(tmp_path / "r")


# -- going on ----------------------------------------------------------------------------------------------------


def test_a_run_is_gone_on_from_with_its_own_preprocessing(place, flowers, tmp_path):
    more = pl.read_csv(place / "flowers.csv")[:40].with_columns((pl.col("size") * 10).alias("size"))
    run = train_table(more, "kind", start=flowers.folder, epochs=3, out=tmp_path / "more")
    assert run.model.facts.preprocessor.to_dict() == flowers.model.facts.preprocessor.to_dict()
    assert run.model.classes == flowers.model.classes
    assert run.run.steps > flowers.run.steps


def test_classes_that_the_new_rows_lack_are_kept(place, flowers, tmp_path):
    fewer = pl.read_csv(place / "flowers.csv").filter(pl.col("kind") != "setosa")
    run = train_table(fewer, "kind", start=flowers.folder, epochs=1, out=tmp_path / "r")
    assert len(run.model.classes) == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"layers": "5 relu"}, "own network"),
        ({"preprocessing": Preprocessing(numeric="minmax")}, "own preprocessing"),
        ({"target": "colour"}, "predicted something else"),
    ],
)
def test_another_network_preprocessing_or_target_is_refused(place, flowers, tmp_path, arguments, says):
    with pytest.raises(InputError, match=says):
        train_table(place / "flowers.csv", **{"target": "kind", **arguments}, start=flowers.folder, out=tmp_path / "r")
    assert _names(tmp_path) == []


def test_new_classes_and_missing_columns_are_refused(place, flowers, tmp_path):
    frame = pl.read_csv(place / "flowers.csv")
    tulips = frame.with_columns(pl.when(pl.int_range(90) < 9).then(pl.lit("tulip")).otherwise("kind").alias("kind"))
    with pytest.raises(InputError, match="no class called 'tulip'"):
        train_table(tulips, "kind", start=flowers.folder, out=tmp_path / "r")
    with pytest.raises(InputError, match="are missing"):
        train_table(frame.drop("colour"), "kind", start=flowers.folder, out=tmp_path / "r")


def test_rows_trained_on_before_are_no_unseen_ones(place, flowers, tmp_path):
    frame = pl.read_csv(place / "flowers.csv")
    frame.write_csv(tmp_path / "t.csv")
    first = train_table(tmp_path / "t.csv", "kind", test=0.0, epochs=2, out=tmp_path / "first")
    grown = pl.concat([frame, frame.with_columns(pl.col("size") + 0.0005)])
    again = train_table(grown, "kind", start=first.folder, epochs=1, seed=5, out=tmp_path / "again")
    test = again.record["data"]["n"]["test"]
    seen = again.record["seen_before"]
    assert 0 < seen["count"] < test == seen["rows"]
    for lang, words in (("en", "were among those"), ("ko", "학습할 때 쓰인")):
        assert any(words in note for note in again.record["untold"][lang])
    page = (again.folder / "report.html").read_text(encoding="utf-8")
    assert "trained on before" in page
    assert "of unseen rows" not in page
    # The same table with the same seed has the same test rows, which the run has not seen.
    same = train_table(place / "flowers.csv", "kind", start=flowers.folder, epochs=1, out=tmp_path / "same")
    assert same.record["seen_before"]["count"] == 0
    assert "of unseen rows" in (same.folder / "report.html").read_text(encoding="utf-8")
    (tmp_path / "t.csv").unlink()
    lost = train_table(grown, "kind", start=first.folder, epochs=1, out=tmp_path / "lost")
    assert lost.record["seen_before"]["count"] is None
    assert any("not known" in " ".join(note.split()) for note in lost.record["untold"]["en"])


def test_a_task_that_was_asked_for_is_the_reports_too(tmp_path):
    grades = pl.DataFrame({"x": [k / 7 for k in range(60)], "grade": [k % 6 + 3 for k in range(60)]})
    run = train_table(grades, "grade", task="regression", epochs=1, out=tmp_path / "r")
    assert "class_balance" not in run.record["data"]
    assert [entry["measure"] for entry in run.record["data"]["association"]] == ["|pearson|"]


def test_equal_rows_of_one_table_were_not_seen_and_rows_of_a_run_before_were(place, tmp_path):
    rows = [[k % 3, "ab"[k % 3 > 1]] for k in range(60)]  # hardly a row that is not there twice
    frame = pl.DataFrame(rows, schema=["x", "y"], orient="row")
    frame.write_csv(tmp_path / "t.csv")
    first = train_table(tmp_path / "t.csv", "y", epochs=1, out=tmp_path / "first")
    again = train_table(tmp_path / "t.csv", "y", start=first.folder, epochs=1, out=tmp_path / "again")
    assert again.record["seen_before"]["count"] == 0
    other = pl.DataFrame([[k % 3 + 0.5, "ab"[k % 3 > 1]] for k in range(60)], schema=["x", "y"], orient="row")
    other.write_csv(tmp_path / "other.csv")
    second = train_table(tmp_path / "other.csv", "y", start=first.folder, epochs=1, out=tmp_path / "second")
    assert second.record["seen_before"]["count"] == 0
    third = train_table(tmp_path / "t.csv", "y", start=second.folder, epochs=1, seed=9, out=tmp_path / "third")
    assert third.record["seen_before"]["count"] == third.record["seen_before"]["rows"]
