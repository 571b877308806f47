"""Groups are in one part, rows in time follow one another: splits, folds, searches, resumed runs."""

import numpy as np
import polars as pl
import pytest

import jindan as jd
from jindan.data import Preprocessing
from jindan.errors import InputError
from jindan.runs.diagnosis import diagnose_run
from jindan.runs.folding import folded
from jindan.runs.prepare import prepare
from jindan.runs.search import _folds, _rows, search_table
from jindan.runs.tables import train_table

SMALL = {"layers": "4 tanh", "epochs": 3, "batch_size": 16}
rng = np.random.default_rng(0)
PATIENT = np.repeat(np.arange(20), 3)
DAYS = rng.permutation(60)
TABLE = pl.DataFrame({
    "patient": [f"p{k:02}" for k in PATIENT],
    "day": [str(np.datetime64("2024-01-01") + int(k)) for k in DAYS],
    "a": rng.normal(size=60),
    "b": rng.normal(size=60),
    "y": np.where(rng.random(60) < 0.5, "no", "yes"),
    "z": rng.normal(size=60),
})  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    place = tmp_path_factory.mktemp("ties") / "visits.csv"
    TABLE.write_csv(place)
    return place


def test_a_group_is_in_one_part_and_is_not_learnt_from(path):
    prepared = prepare(path, "y", groups="patient")
    parts = [set(PATIENT[prepared.part(name)]) for name in ("train", "validation", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 20
    assert all(parts)
    assert "patient" not in prepared.preprocessor.input_columns
    for train, held in folded(prepared, 4).pairs:
        assert not set(PATIENT[train]) & set(PATIENT[held])


@pytest.mark.parametrize("target", ["y", "z"])
def test_rows_in_time_follow_one_another(path, target):
    prepared = prepare(path, target, time="day")
    train, validation, test = (DAYS[prepared.part(name)] for name in ("train", "validation", "test"))
    assert train.max() < validation.min() <= validation.max() < test.min()
    assert "day" in prepared.preprocessor.input_columns
    for before, held in folded(prepared, 4).pairs:
        assert DAYS[before].max() < DAYS[held].min()


def test_the_order_of_the_file_is_a_time():
    prepared = prepare(TABLE, "z", time="rows")
    assert prepared.split.test.tolist() == list(range(48, 60))
    named = TABLE.with_columns(rows=pl.Series(-np.arange(60)))
    assert sorted(prepare(named, "z", time="rows").split.test) == list(range(12))


def test_the_watched_rows_of_a_fold_are_the_last_and_of_other_groups(path):
    plan = jd.Plan(early_stopping="earlystopping")
    ties = prepare(path, "y", groups="patient").ties
    own, watched = ties.apart(plan, np.arange(60), None, 0)
    assert not set(PATIENT[own]) & set(PATIENT[watched])
    ties = prepare(path, "y", time="day").ties
    (rows, _), *_ = ties.pairs(np.arange(60), 1, 0, None)
    own, watched = ties.apart(plan, rows, None, 0)
    assert DAYS[own].max() < DAYS[watched].min()


def test_a_run_tells_of_it_goes_on_and_predicts_without_the_column(path, tmp_path):
    run = train_table(path, "y", groups="patient", out=tmp_path / "run", folds=2, **SMALL)
    assert run.record["data"]["parted"] == {"by": "groups", "column": "patient", "count": 20}
    assert any("20 groups" in note for note in run.record["data"]["notes"]["en"])
    assert any("20개" in note for note in run.record["data"]["notes"]["ko"])
    model = jd.load(run.folder)
    assert model.predict(TABLE.drop("patient", "y", "z").with_columns(z=0.0)).shape == (60, 2)
    on = train_table(path, "y", groups="patient", start=run.folder, out=tmp_path / "on", epochs=2)
    assert on.record["seen_before"]["count"] == 0  # split alike

    in_time = train_table(path, "z", time="day", out=tmp_path / "time", **SMALL)
    assert in_time.record["data"]["parted"] == {"by": "time", "column": "day"}
    assert in_time.record.get("time_order") is None


def test_a_run_cut_off_is_resumed_on_the_same_parts(path, tmp_path):
    class Cut:
        cancelled = False

        def __call__(self, told):
            return told.epoch >= 2

    settings = {"groups": "patient", **SMALL, "epochs": 6}
    whole = train_table(path, "y", out=tmp_path / "whole", **settings)
    cut = train_table(path, "y", out=tmp_path / "cut", listen=Cut(), **settings)
    if cut.interrupted:  # few epochs may be over before anyone is asked
        from jindan.runs.tables import resume_table

        cut = resume_table(cut.folder)
    assert cut.record["metrics"] == whole.record["metrics"]


def test_a_search_parts_its_folds_alike(path, tmp_path):
    prepared = prepare(path, "y", groups="patient")
    rows = _rows(prepared)
    for train, held in _folds(prepared, 3, 0):
        assert not set(PATIENT[rows[train]]) & set(PATIENT[rows[held]])
    prepared = prepare(path, "y", time="day")
    rows = _rows(prepared)
    ((train, held),) = _folds(prepared, 1, 0)
    assert DAYS[rows[train]].max() < DAYS[rows[held]].min()
    found = search_table(path, "y", groups="patient", trials=2, folds=2, epochs=2, out=tmp_path / "search")
    assert found.run.record["data"]["parted"]["by"] == "groups"


GAPS = TABLE.with_columns(day=pl.when(pl.arange(0, 60) == 7).then(None).otherwise(pl.col("day")))


@pytest.mark.parametrize(
    ("table", "wanted", "message"),
    [
        (TABLE, {"groups": "patient", "time": "day"}, "grouped as well"),
        (TABLE, {"groups": "patint"}, "patient"),
        (TABLE, {"groups": "y"}, "target itself"),
        (TABLE, {"time": "y"}, "target itself"),
        (TABLE, {"time": "patient"}, "does not say when"),
        (GAPS, {"time": "day"}, "row 8"),
        (GAPS, {"groups": "day"}, "gaps"),
        (TABLE.with_columns(patient=pl.lit("one")), {"groups": "patient"}, "groups"),
    ],
)
def test_what_cannot_be_is_refused(table, wanted, message):
    with pytest.raises(InputError, match=message):
        prepare(table, "y", **wanted)


def test_a_group_column_that_is_dropped_anyway_is_no_trouble():
    prepared = prepare(TABLE, "y", groups="patient", preprocessing=Preprocessing(drop=("patient",)))
    assert prepared.preprocessor.config.drop == ("patient",)


def test_rows_of_one_time_are_in_one_part():
    dates = np.repeat(["2024-01-01", "2024-04-01", "2024-07-01", "2024-10-01", "2025-01-01"], 24)
    table = pl.DataFrame({"date": dates, "a": rng.normal(size=120), "z": rng.normal(size=120)})
    prepared = prepare(table, "z", time="date")
    parts = [set(dates[prepared.part(name)]) for name in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [3, 1, 1]
    pairs = prepared.ties.pairs(np.arange(120), 4, 0, None)
    assert [(len(set(dates[train])), len(set(dates[held]))) for train, held in pairs] == [(k, 1) for k in range(1, 5)]
    with pytest.raises(InputError, match="too few different times"):
        prepared.ties.pairs(np.arange(120), 5, 0, None)


def test_a_class_that_was_never_learnt_is_told(tmp_path):
    table = pl.DataFrame({"a": rng.normal(size=60), "y": ["a", "b"] * 24 + ["c"] * 12})
    run = train_table(table, "y", time="rows", out=tmp_path / "run", **SMALL)
    assert any("Class `c` has 12 row(s), none of them" in note for note in run.record["untold"]["en"])
    assert any("`c`" in note and "본 적이 없습니다" in note for note in run.record["untold"]["ko"])


def test_figures_by_groups_say_on_how_many_they_rest(path, tmp_path):
    run = train_table(path, "y", groups="patient", out=tmp_path / "run", **SMALL)
    assert any("rest on 4 group(s) of `patient`" in note for note in run.record["untold"]["en"])


def test_true_is_the_order_of_the_file_and_false_is_none():
    assert prepare(TABLE, "z", time=True).split.test.tolist() == list(range(48, 60))
    assert not prepare(TABLE, "z", time=False).ties


@pytest.mark.parametrize("wanted", [{"groups": True}, {"time": 1.5}, {"groups": ["patient"]}, {"groups": PATIENT}])
def test_what_is_no_column_is_refused(wanted):
    with pytest.raises(InputError, match="not the name of a column"):
        prepare(TABLE, "y", **wanted)


def test_the_first_cell_that_is_no_time_is_named():
    odd = TABLE.with_columns(day=pl.when(pl.arange(0, 60) == 7).then(pl.lit("soon")).otherwise(pl.col("day")))
    with pytest.raises(InputError, match="'soon' in row 8"):
        prepare(odd, "z", time="day")


def test_parts_that_differ_in_time_are_no_other_preprocessing(tmp_path):
    trend = pl.DataFrame({"month": np.arange(120), "a": rng.normal(size=120)}).with_columns(z=pl.col("month") * 2.0)
    trend.write_csv(tmp_path / "trend.csv")
    run = train_table(tmp_path / "trend.csv", "z", time="month", out=tmp_path / "run", layers="8 relu", epochs=20)
    found = diagnose_run(run.folder)
    assert "preprocessing-mismatch" not in [finding.code for finding in found.report.findings]


def test_a_repaired_run_is_parted_alike(tmp_path):
    table = TABLE.with_columns(answer=pl.col("y").replace({"yes": "1 yes", "no": "0 no"}))
    table.write_csv(tmp_path / "leak.csv")
    run = train_table(tmp_path / "leak.csv", "y", groups="patient", out=tmp_path / "run", **SMALL)
    repaired = diagnose_run(run.folder, repair=True).repaired
    assert repaired.record["data"]["parted"] == {"by": "groups", "column": "patient", "count": 20}
    assert "answer" not in [encoder.name for encoder in jd.load(repaired.folder).facts.preprocessor.encoders]
