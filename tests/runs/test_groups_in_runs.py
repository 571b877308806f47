"""Runs by groups: intervals over groups wherever they are shown, columns that name the groups, rows of one time."""

import json
import warnings

import numpy as np
import polars as pl
import pytest

import jindan as jd
from jindan.data import Preprocessing
from jindan.errors import JindanWarning
from jindan.report import build_report
from jindan.runs.folding import folded
from jindan.runs.folds import fold_table
from jindan.runs.prepare import prepare
from jindan.runs.search import search_table
from jindan.runs.simple import simple_models
from jindan.runs.tables import train_table
from jindan.select import score_classes, score_numbers

SMALL = {"layers": "4 tanh", "epochs": 3, "batch_size": 16}
rng = np.random.default_rng(0)
CLINIC = np.repeat(np.arange(40), 5)
SHIFT = rng.normal(size=40)[CLINIC]
TABLE = pl.DataFrame({
    "clinic": [f"c{k:02}" for k in CLINIC],
    "a": rng.normal(size=200).round(3),
    "b": (SHIFT + rng.normal(size=200)).round(3),
    "y": np.where(SHIFT + rng.normal(0, 0.3, 200) > 0, "yes", "no"),
    "z": (SHIFT + rng.normal(0, 0.3, 200)).round(3),
})  # fmt: skip
# Of twelve groups two or three are tested on.
FEW = TABLE.with_columns(clinic=pl.Series([f"c{k % 12:02}" for k in CLINIC]))


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    return train_table(TABLE, "y", groups="clinic", folds=3, out=tmp_path_factory.mktemp("grouped") / "run", **SMALL)


@pytest.mark.parametrize("target", ["y", "z"])
def test_figures_of_network_simple_models_and_folds_have_intervals_over_groups(tmp_path, target):
    run = train_table(TABLE, target, groups="clinic", folds=3, out=tmp_path / "run", **SMALL)
    prepared = prepare(TABLE, target, groups="clinic")
    model, rows = jd.load(run.folder), prepared.split.test
    own, score = CLINIC[rows], score_classes if target == "y" else score_numbers
    values = model.predict(TABLE[rows])
    values = values if target == "y" else values[:, 0]
    by_groups, by_rows = (score(prepared.truth[rows], values, groups=g) for g in (own, None))
    for name, found in by_groups.items():
        kept = run.record["metrics"]["test"][name]
        np.testing.assert_allclose([kept["low"], kept["high"]], [found.low, found.high], rtol=1e-5)
        assert (kept["low"], kept["high"]) != (by_rows[name].low, by_rows[name].high)
    assert run.record["interval_groups"]["test"] == {"column": "clinic", "count": 8}
    assert run.summary()["interval_groups"] == {"column": "clinic", "count": 8}
    kept = {b["name"]: b["metrics"] for b in run.record["baselines"]}
    for simple in simple_models(prepared, "test"):
        primary = kept[simple.name]["accuracy" if target == "y" else "mae"]
        found = simple.scores["accuracy" if target == "y" else "mae"]
        assert (primary["low"], primary["high"]) == (found.low, found.high)
    # All rows together: the groups are those of the table, in the order in which folds held them out.
    crossed = run.record["cross_validation"]
    assert crossed["groups"] == {"column": "clinic", "count": 40}
    parts = folded(prepared, 3)
    again = fold_table(prepared, run.run.plan, parts)
    assert again.pooled["accuracy" if target == "y" else "mae"].to_dict() == pytest.approx(
        crossed["pooled"]["accuracy" if target == "y" else "mae"]
    )


def test_a_run_without_groups_has_intervals_over_rows(tmp_path):
    run = train_table(TABLE.drop("clinic"), "y", out=tmp_path / "run", **SMALL)
    assert "interval_groups" not in run.record
    assert "interval_groups" not in run.summary()
    assert "groups" not in " ".join(run.record["untold"]["en"])


def test_the_report_names_the_groups_in_both_languages(grouped):
    page = build_report(grouped.record)
    assert "The figures rest on 8 group(s) of `clinic`; as rows of one group are alike" in page
    assert "The figures rest on 40 group(s) of `clinic`" in page  # of the cross-validation
    assert "`clinic` 그룹 8개에서 잰" in page
    assert "independent" not in " ".join(grouped.record["untold"]["en"])


def test_of_few_groups_no_interval_is_shown_and_the_reason_is(tmp_path):
    run = train_table(FEW, "y", groups="clinic", out=tmp_path / "run", **SMALL)
    count = run.record["interval_groups"]["test"]["count"]
    assert count < 5
    assert all(score["low"] is None for score in run.record["metrics"]["test"].values())
    assert all(score["low"] is not None for score in run.record["metrics"]["train"].values())
    assert any("too few for an interval" in note for note in run.record["untold"]["en"])
    assert any("구간을 표시하지 않습니다" in note for note in run.record["untold"]["ko"])
    assert "too few for an interval that can be trusted" in build_report(run.record)
    assert run.summary()["intervals"]["accuracy"] == [None, None]


def test_evaluating_takes_groups_where_the_rows_name_them(grouped):
    model = jd.load(grouped.folder)
    found, bare = model.score(TABLE), model.score(TABLE.drop("clinic"))
    values = model.predict(TABLE)
    codes = model.facts.encoder.encode(TABLE["y"])
    assert found == score_classes(codes, values, groups=CLINIC)
    assert bare == score_classes(codes, values)
    assert model.interval_groups(TABLE) == {"column": "clinic", "count": 40}
    assert model.interval_groups(TABLE.drop("clinic")) == {"column": "clinic", "count": 0}
    gaps = TABLE.with_columns(clinic=pl.when(pl.arange(0, 200) < 10).then(None).otherwise(pl.col("clinic")))
    assert model.interval_groups(gaps)["count"] == 38 + 10


def test_groups_of_one_row_are_told(tmp_path):
    alone = TABLE.with_columns(clinic=pl.Series([f"c{k:03}" for k in range(200)]))
    with pytest.warns(JindanWarning, match="`clinic` has another value in every row") as told:
        run = train_table(alone, "y", groups="clinic", out=tmp_path / "run", **SMALL)
    assert len([w for w in told if "another value" in str(w.message)]) == 1
    assert any("changes nothing" in note for note in run.record["data"]["notes"]["en"])
    assert any("달라지는 것이 없습니다" in note for note in run.record["data"]["notes"]["ko"])
    with pytest.warns(JindanWarning, match="행마다 값이 달라"):
        train_table(alone, "y", groups="clinic", out=tmp_path / "ko", lang="ko", **SMALL)
    with pytest.warns(JindanWarning, match="another value") as told:
        search_table(alone, "y", groups="clinic", trials=2, folds=2, epochs=2, out=tmp_path / "search")
    assert len([w for w in told if "another value" in str(w.message)]) == 1


def test_real_groups_warn_of_nothing(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", JindanWarning)
        train_table(TABLE, "y", groups="clinic", out=tmp_path / "run", **SMALL)


TWINS = TABLE.with_columns(
    name=pl.Series([f"Dr {chr(65 + k % 26)}{k}" for k in CLINIC]),
    number=pl.Series(1000 + 7 * CLINIC),
    altitude=pl.Series(rng.normal(300, 90, 40).round(2)[CLINIC]),
    opened=pl.Series([str(np.datetime64("2001-01-01") + 100 * int(k)) for k in CLINIC]),
    region=pl.Series([f"r{k % 7}" for k in CLINIC]),
)


def test_columns_that_name_the_groups_are_left_out_and_told(tmp_path):
    run = train_table(TWINS, "y", groups="clinic", out=tmp_path / "run", folds=2, **SMALL)
    preprocessor = jd.load(run.folder).facts.preprocessor
    assert set(preprocessor.input_columns) == {"a", "b", "z", "altitude", "opened", "region"}
    dropped = dict(map(tuple, run.record["data"]["dropped"]))
    assert dropped == {"clinic": "requested", "name": "twin", "number": "twin"}
    page = build_report(run.record)
    assert "name (names the same groups)" in page
    assert "name (같은 그룹을 가리키는 열)" in page
    # A measured value is something to learn from; that groups can be told by it is said.
    for column in ("altitude", "opened"):
        assert any(f"Column `{column}` has one value in each group" in note for note in run.record["untold"]["en"])
        assert any(f"`{column}` 열의 값은" in note for note in run.record["untold"]["ko"])
    assert not any("region" in note for note in run.record["untold"]["en"])


def test_twins_with_gaps_and_those_dropped_anyway():
    gaps = TWINS.with_columns(name=pl.when(pl.arange(0, 200) % 3 == 0).then(None).otherwise(pl.col("name")))
    assert prepare(gaps, "y", groups="clinic").ties.twins == ("name", "number")
    asked = prepare(TWINS, "y", groups="clinic", preprocessing=Preprocessing(drop=("name", "altitude")))
    assert asked.ties.twins == ("number",)
    assert asked.ties.alike == ("opened",)
    assert dict(asked.preprocessor.dropped)["name"] == "requested"


def test_a_column_that_is_nearly_the_groups_is_no_twin():
    swapped = TWINS["name"].to_list()
    swapped[0], swapped[-1] = swapped[-1], swapped[0]
    assert prepare(TWINS.with_columns(name=pl.Series(swapped)), "y", groups="clinic").ties.twins == ("number",)
    coarser = TWINS.with_columns(name=pl.Series([f"n{k // 2}" for k in CLINIC]))
    assert prepare(coarser, "y", groups="clinic").ties.twins == ("number",)


def test_where_every_row_is_a_group_no_column_is_a_twin():
    alone = TWINS.with_columns(clinic=pl.arange(0, 200), serial=pl.arange(5000, 5200))
    ties = prepare(alone, "y", groups="clinic").ties
    assert ties.one_row_each
    assert ties.twins == ties.alike == ()


def wards(sites, beds):
    """A table of patients that a site and a bed name, and that themselves have numbers."""
    rng = np.random.default_rng(0)
    site, bed = np.repeat(np.arange(sites), beds), np.tile(np.arange(beds), sites)
    rows = np.repeat(rng.permutation(sites * beds), 3)
    n = len(rows)
    return pl.DataFrame({
        "patient": [f"p{k}" for k in rows], "site": [f"s{k}" for k in site[rows]], "bed": bed[rows] + 1,
        "a": rng.normal(size=n), "y": np.where(rng.random(n) < 0.5, "no", "yes"),
    })  # fmt: skip


def test_two_columns_that_name_the_groups_together_are_told(tmp_path):
    table = wards(6, 9)
    assert prepare(table, "y", groups="patient").ties.together == (("site", "bed"),)
    run = train_table(table, "y", groups="patient", out=tmp_path / "run", **SMALL)
    assert set(jd.load(run.folder).facts.preprocessor.input_columns) == {"site", "bed", "a"}
    assert any("`site` and `bed` together name the groups of `patient`" in note for note in run.record["untold"]["en"])
    assert any("합치면 `patient` 그룹의 이름이 됩니다" in note for note in run.record["untold"]["ko"])
    dropped = prepare(table, "y", groups="patient", preprocessing=Preprocessing(drop=("bed",)))
    assert dropped.ties.together == ()
    # One patient in another's bed.
    moved = table.with_columns(bed=pl.when(pl.col("patient") == table["patient"][0]).then(pl.col("bed") % 9 + 1)
                               .otherwise(pl.col("bed")))  # fmt: skip
    assert prepare(moved, "y", groups="patient").ties.together == ()


def test_ordinary_columns_of_the_groups_do_not_name_them_together():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        count = int(rng.integers(5, 60))
        own = {
            "sex": rng.integers(0, 2, count), "age": rng.integers(20, 90, count), "city": rng.integers(0, 9, count),
            "height": rng.normal(170, 9, count).round(1), "born": rng.integers(1930, 2005, count),
        }  # fmt: skip
        rows = np.repeat(np.arange(count), 4)
        table = pl.DataFrame({
            "user": [f"u{k}" for k in rows], **{name: values[rows] for name, values in own.items()},
            "sex": [("f", "m")[k] for k in own["sex"][rows]], "city": [f"c{k}" for k in own["city"][rows]],
            "a": rng.normal(size=len(rows)), "y": rng.normal(size=len(rows)),
        })  # fmt: skip
        assert prepare(table, "y", groups="user").ties.together == (), seed


def test_rows_of_one_time_are_watched_together():
    months = np.repeat(np.arange(12), 10)
    table = pl.DataFrame({"month": months, "a": rng.normal(size=120), "z": rng.normal(size=120)})
    plan = jd.Plan(early_stopping="earlystopping")
    ties = prepare(table, "z", time="month").ties
    for rows, held in ties.pairs(np.arange(120), 4, 0, None):
        own, watched = ties.apart(plan, rows, None, 0)
        assert watched is not None
        assert not set(months[own]) & set(months[watched]), "a time stands on both sides"
        assert months[own].max() < months[watched].min() < months[held].min()
        assert len(own) + len(watched) == len(rows)
    # Of rows of one time none can be put aside.
    own, watched = ties.apart(plan, np.arange(10), None, 0)
    assert watched is None
    assert len(own) == 10


def test_folds_in_time_of_a_run_watch_whole_times(tmp_path):
    months = np.repeat(np.arange(12), 10)
    table = pl.DataFrame({"month": months, "a": rng.normal(size=120), "z": rng.normal(size=120)})
    prepared = prepare(table, "z", time="month")
    plan = jd.Plan((jd.layers.Dense(1),), epochs=2, early_stopping="earlystopping")
    found = fold_table(prepared, plan, 3)
    for run in found.runs:
        own, watched = run.plan.rows.numbers % 120, run.plan.validation_rows.numbers % 120
        assert not set(months[own]) & set(months[watched])


def test_the_command_line_tells(grouped, tmp_path, capsys):
    from jindan.cli import main

    TABLE.write_csv(tmp_path / "new.csv")
    TABLE.drop("clinic").write_csv(tmp_path / "bare.csv")

    def said(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        assert ended.value.code == 0
        return " ".join(capsys.readouterr().out.split())

    assert "rest on 40 group(s) of `clinic`" in said("evaluate", grouped.folder, tmp_path / "new.csv")
    assert "그룹을 다시 뽑는 부트스트랩" in said("evaluate", grouped.folder, tmp_path / "new.csv", "--lang", "ko")
    assert "a column that these rows lack" in said("evaluate", grouped.folder, tmp_path / "bare.csv")
    body = json.loads(said("evaluate", grouped.folder, tmp_path / "new.csv", "--json"))
    assert body["interval_groups"] == {"column": "clinic", "count": 40}
    TWINS.with_columns(clinic=FEW["clinic"]).write_csv(tmp_path / "few.csv")
    train = ("train", tmp_path / "few.csv", "--target", "y", "--groups", "clinic", "--epochs", "2",
             "--out", tmp_path / "r")  # fmt: skip
    shown = said(*train)
    assert "Too few groups to compare it" in shown
    assert "too few for an interval that can be trusted" in shown
    assert "그룹이 너무 적어 가장 나은" in said(*train, "--lang", "ko")
