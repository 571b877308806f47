"""Groups are in one part, rows in time follow one another: splits, folds, searches, resumed runs."""

import numpy as np
import polars as pl
import pytest

import jindan as jd
from jindan.data import Preprocessing
from jindan.errors import InputError
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
