"""What a network relies on: against scikit-learn, on columns of every kind, in record, report, terminal and Python."""

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.inspection import permutation_importance

import jindan as jd
from jindan.data import Preprocessing
from jindan.report.page import build_report
from jindan.runs.column_importance import figure, relied_on
from jindan.runs.prepare import prepare
from jindan.runs.tables import train_table

rng = np.random.default_rng(1)
N = 300
TABLE = pl.DataFrame({
    "key": rng.normal(size=N),
    "idle": rng.normal(size=N),
    "kind": rng.choice(["red", "green", "blue"], N),
    "day": [str(np.datetime64("2024-01-01") + int(k)) for k in rng.integers(0, 300, N)],
})  # fmt: skip
TABLE = TABLE.with_columns(
    y=pl.when((pl.col("key") + 2 * (pl.col("kind") == "red") - 0.7) > 0).then(pl.lit("yes")).otherwise(pl.lit("no")),
    z=3 * pl.col("key") + 0.1 * pl.col("idle"),
)
SMALL = {"layers": "16 relu", "epochs": 40, "batch_size": 32}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train_table(TABLE.drop("z"), "y", out=tmp_path_factory.mktemp("relied") / "run", **SMALL)


def test_the_columns_that_decide_stand_first(run):
    block = run.record["relied_on"]
    names = [entry["feature"] for entry in block["features"]]
    assert set(names[:2]) == {"key", "kind"}
    assert sorted(names) == ["day", "idle", "key", "kind"]
    assert block["score"] == pytest.approx(run.record["metrics"]["test"]["accuracy"]["value"])
    assert (block["part"], block["rows"], block["scoring"]) == ("test", 60, "accuracy")
    assert run.summary()["relied_on"] == block


def test_the_page_shows_it(run):
    page = build_report(run.record)
    assert 'id="relied"' in page
    assert "무엇을 보고 맞히는가" in page


class Wrapped(ClassifierMixin, BaseEstimator):
    """A table's model as scikit-learn calls one."""

    def __init__(self, model=None):
        self.model = model

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, x):
        return np.asarray(self.model.predict_table(x)["prediction"])

    def score(self, x, y):
        return float((self.predict(x) == np.asarray(y)).mean())


def test_it_is_scikit_learns_permutation_importance(run):
    model = jd.load(run.folder)
    found = jd.permutation_importance(model, TABLE.drop("z"), TABLE["y"], repeats=40)
    columns = list(found.names)
    x = TABLE.select(columns).to_pandas()
    theirs = permutation_importance(Wrapped(model).fit(x, TABLE["y"]), x, TABLE["y"].to_numpy(), n_repeats=40,
                                    random_state=0)  # fmt: skip
    # Other shuffles: means of 40 differ by their standard errors.
    error = np.hypot(found.std, theirs.importances_std) / np.sqrt(40)
    assert np.all(np.abs(found.values - theirs.importances_mean) <= 4 * error + 1e-12)
    again = jd.permutation_importance(model, TABLE.drop("z"), TABLE["y"], repeats=40)
    np.testing.assert_array_equal(found.values, again.values)
    labelled = model.column_importance(TABLE.drop("z"), repeats=40)  # the target is in the rows
    np.testing.assert_array_equal(found.values, labelled.values)


@pytest.mark.parametrize("numeric", ["minmax", "none", "sum", "whiten-pca", "whiten-zca"])
def test_a_number_is_shuffled_before_it_is_scaled_with_others(tmp_path, numeric):
    table = TABLE.select(pl.col("key", "idle").abs() + 1).with_columns(z=3 * pl.col("key"))
    found = train_table(table, "z", out=tmp_path / "run", preprocessing=Preprocessing(numeric=numeric), **SMALL)
    (first, second) = found.record["relied_on"]["features"]
    assert first["feature"] == "key"
    assert first["importance"] > second["importance"]


def test_an_unshuffled_order_changes_nothing():
    prepared = prepare(TABLE.drop("z"), "y")
    order = np.arange(N)
    for _, (same,) in prepared.preprocessor.shuffled(prepared.frame, [order]):
        np.testing.assert_array_equal(same, prepared.x)


def test_ensembles_and_texts(tmp_path):
    words = rng.choice(["좋아요 정말 좋아요", "별로예요 다시는 안 사요"], N)
    table = pl.DataFrame({"text": [f"{w} {k}" for k, w in enumerate(words)], "idle": rng.normal(size=N),
                          "y": np.where([w.startswith("좋") for w in words], "up", "down")})  # fmt: skip
    run = train_table(table, "y", out=tmp_path / "run", ensemble=2, epochs=6)
    block = run.record["relied_on"]
    assert block["features"][0]["feature"] == "text"
    assert block["features"][0]["importance"] > 0.2


def test_where_there_is_nothing_to_say(tmp_path):
    alone = train_table(TABLE.select("key", "z"), "z", out=tmp_path / "one", layers="none", epochs=2)
    assert "relied_on" not in alone.record
    assert np.isnan(figure(np.ones(3), np.ones(3), False))
    prepared = prepare(TABLE.select("key", "idle", "z"), "z")
    plan = jd.Plan(loss="mse")
    assert relied_on(prepared, plan, lambda x: np.full((len(x), 1), np.nan), "test", 0) is None


def test_of_long_and_wide_tables_fewer_rows_are_looked_at():
    wide = pl.DataFrame({f"c{k}": rng.normal(size=2000) for k in range(30)} | {"z": rng.normal(size=2000)})
    prepared = prepare(wide, "z", test=0.7, validation=0.1)
    block = relied_on(prepared, jd.Plan(loss="mse"), lambda x: x[:, :1], "test", 0)
    assert block["rows"] == 1000
    assert block["features"][0]["feature"] == "c0"


def test_what_cannot_be_shuffled_is_refused(run):
    model, rows = jd.load(run.folder), TABLE.drop("z")
    with pytest.raises(jd.JindanError, match="inner"):
        jd.permutation_importance(model, rows, TABLE["y"], scoring="accuracy")
    for wrong in ({"repeats": 0}, {"repeats": "a"}):
        with pytest.raises(jd.JindanError, match="at least once"):
            model.column_importance(rows, **wrong)
    with pytest.raises(jd.JindanError, match="5 targets"):
        model.column_importance(rows, TABLE["y"][:5])
    with pytest.raises(jd.JindanError, match="1 rows"):
        model.column_importance(rows[:1])


def test_it_reads_in_both_languages(run):
    found = jd.load(run.folder).column_importance(TABLE.drop("z"))
    assert "falls most when these are shuffled: k" in found.text()
    assert "가장 많이 떨어지는" in found.text("ko")
