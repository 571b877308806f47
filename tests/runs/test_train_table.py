"""train_table: what a run folder holds, that it is whole or not there, that a seed fixes everything, unusual tables."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import r2_score

import jindan as jd
from jindan.data import Preprocessing
from jindan.errors import FileError, InputError
from jindan.models import folders
from jindan.runs import folder, tables
from jindan.runs.tables import train_table

FILES = {
    "plan.json", "model.safetensors", "state.safetensors", "history.json", "preprocessing.json", "metrics.json",
    "record.json", "report.html",
}  # fmt: skip


def _weights(folder):
    return (Path(folder) / "model.safetensors").read_bytes()


def _names(folder):
    return sorted(entry.name for entry in Path(folder).iterdir())


# -- what it leaves ----------------------------------------------------------------------------------------------


def test_a_run_folder_is_complete_and_holds_no_pickle(flowers):
    assert {entry.name for entry in flowers.folder.iterdir()} == FILES
    for name in FILES:
        if name.endswith(".json"):
            json.loads((flowers.folder / name).read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert (flowers.folder / "report.html").read_text(encoding="utf-8").startswith("<!")
    assert flowers.folder.stat().st_mode & 0o777 == 0o755


def test_it_learns(flowers, houses):
    assert flowers.record["metrics"]["test"]["accuracy"]["value"] > 0.7
    assert houses.record["metrics"]["test"]["r2"]["value"] > 0.9
    assert not flowers.interrupted


def test_rows_are_split_into_fifths(flowers):
    assert flowers.record["data"]["n"] == {"train": 54, "validation": 18, "test": 18}


def test_the_summary_names_what_a_script_needs(flowers, houses):
    for run, figure in ((flowers, "accuracy"), (houses, "r2")):
        summary = run.summary()
        assert {"run", "metrics", "baselines", "findings", "seconds"} <= set(summary)
        assert summary["measured_on"] == "test"
        low, high = summary["intervals"][figure]
        assert low <= summary["metrics"][figure] <= high
        json.dumps(summary, allow_nan=False)
    assert set(flowers.summary()["baselines"]) == {"majority", "linear", "knn", "svm"}
    assert set(houses.summary()["baselines"]) == {"mean", "linear", "knn", "svm"}


def test_figures_are_those_of_the_test_rows(place, houses):
    frame = pl.read_csv(place / "houses.csv")
    prepared = tables.prepare(place / "houses.csv", "price")
    guess = houses.model.predict(frame)[:, 0]
    rows = prepared.split.test
    figure = houses.record["metrics"]["test"]["r2"]["value"]
    assert figure == pytest.approx(r2_score(frame["price"].to_numpy()[rows], guess[rows]), abs=1e-6)


# -- determinism -------------------------------------------------------------------------------------------------


def test_a_seed_fixes_everything(place, flowers, tmp_path):
    again = train_table(place / "flowers.csv", "kind", epochs=40, seed=3, out=tmp_path / "again")
    assert _weights(again.folder) == _weights(flowers.folder)
    assert again.record["metrics"] == flowers.record["metrics"]
    other = train_table(place / "flowers.csv", "kind", epochs=40, seed=4, out=tmp_path / "other")
    assert _weights(other.folder) != _weights(flowers.folder)


def test_the_plan_of_a_run_given_back_gives_its_weights(place, tmp_path):
    first = train_table(
        place / "flowers.csv", "kind", epochs=5, seed=11, layers="6 tanh", optimizer="sgd", learning_rate=0.2,
        preprocessing=Preprocessing(numeric="minmax", drop=("colour",)), out=tmp_path / "first",
    )  # fmt: skip
    again = train_table(place / "flowers.csv", "kind", plan=first.folder / "plan.json", out=tmp_path / "again")
    assert _weights(again.folder) == _weights(first.folder)
    assert again.run.plan == first.run.plan
    object_form = train_table(place / "flowers.csv", "kind", plan=first.run.plan, out=tmp_path / "object")
    assert _weights(object_form.folder) == _weights(first.folder)
    moved = train_table(place / "flowers.csv", "kind", plan=first.run.plan, seed=12, out=tmp_path / "moved")
    assert moved.run.plan.seed == 12


# -- whole or not at all -----------------------------------------------------------------------------------------


BAD = [
    ({"target": "knid"}, "Did you mean `kind`"),
    ({"target": "kind", "epochs": -1}, "epochs"),
    ({"target": "kind", "layers": "30 rlu"}, "Did you mean `relu`"),
    ({"target": "kind", "optimizer": "adm"}, "Did you mean `Adam`"),
    ({"target": "kind", "loss": "binary_crosentropy"}, "Did you mean `BinaryCrossentropy`"),
    ({"target": "kind", "seed": -1}, "seed must not be negative"),
    ({"target": "kind", "validation": 1.0}, "share of the rows"),
    ({"target": "kind", "test": -0.1}, "share of the rows"),
    ({"target": "kind", "validation": 0.6, "test": 0.5}, "no rows to train on"),
    ({"target": "kind", "task": "binary"}, "exactly two classes"),
    ({"target": "kind", "task": "regression"}, "Regression needs numbers"),
    ({"target": "kind", "learning_rate": 0}, "learning rate"),
    ({"target": "kind", "preprocessing": Preprocessing(drop=("kind",))}, "target itself"),
    ({"target": "kind", "preprocessing": Preprocessing(drop=("sze",))}, "Did you mean `size`"),
    ({"target": "kind", "preprocessing": Preprocessing(drop=("size", "width", "colour"))}, "No column can be used"),
    ({"target": "kind", "layers": "1000000000 relu, 1000000000 relu"}, "memory"),
]


@pytest.mark.parametrize(("arguments", "says"), BAD)
def test_a_failure_writes_nothing(place, tmp_path, arguments, says):
    with pytest.raises(InputError, match=says):
        train_table(place / "flowers.csv", out=tmp_path / "deep" / "run", **arguments)
    assert _names(tmp_path) == []


def test_a_failure_while_writing_leaves_the_old_run_and_no_litter(place, tmp_path, monkeypatch):
    train_table(place / "houses.csv", "price", epochs=2, out=tmp_path / "run")
    before = _weights(tmp_path / "run")

    def full(record):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder, "build_report", full)
    with pytest.raises(FileError, match="cannot be written"):
        train_table(place / "houses.csv", "price", epochs=3, out=tmp_path / "run")
    assert _names(tmp_path) == ["run"]
    assert _weights(tmp_path / "run") == before


def test_what_jindan_did_not_write_is_never_replaced(place, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "keep.txt").write_text("x")
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "mine", tmp_path / "file"):
        with pytest.raises(FileError, match="Something else stands"):
            train_table(place / "houses.csv", "price", epochs=2, out=out)
    with pytest.raises(FileError, match="cannot be written"):
        train_table(place / "houses.csv", "price", epochs=2, out=tmp_path / "file" / "run")
    assert _names(tmp_path) == ["file", "mine"]
    assert _names(tmp_path / "mine") == ["keep.txt"]


def test_an_empty_folder_and_an_old_run_may_be_filled(place, tmp_path):
    (tmp_path / "run").mkdir()
    train_table(place / "houses.csv", "price", epochs=1, out=tmp_path / "run")
    again = train_table(place / "houses.csv", "price", epochs=2, out=tmp_path / "run")
    assert again.run.epochs == 2
    assert _names(tmp_path) == ["run"]


def test_the_folder_is_named_after_the_table_unless_given(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one = train_table(place / "houses.csv", "price", epochs=1)
    two = train_table(place / "houses.csv", "price", epochs=1)
    assert one.folder != two.folder
    assert all(run.folder.parent == Path("runs") and run.folder.name.startswith("houses-") for run in (one, two))


# -- unusual tables ----------------------------------------------------------------------------------------------


def test_an_infinite_value_is_found_in_its_row_of_the_table(place, tmp_path):
    frame = pl.read_csv(place / "houses.csv").with_columns(
        pl.when(pl.int_range(80) == 40).then(float("inf")).otherwise("age").alias("age")
    )
    with pytest.raises(InputError, match="column 'age', row 41") as caught:
        train_table(frame, "price", out=tmp_path / "r")
    assert "--drop age" in str(caught.value)
    train_table(frame, "price", epochs=1, preprocessing=Preprocessing(drop=("age",)), out=tmp_path / "r")


@pytest.mark.filterwarnings("error::RuntimeWarning:jindan")
def test_extreme_tables_train(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=40)
    cases = {
        "huge": {"a": x * 1e300, "y": x * 1e200},
        "tiny": {"a": x * 1e-30, "y": x * 1e-30},
        "three rows": {"a": [1.0, 2.0, 4.0], "y": [1.5, 2.5, 0.5]},
        "rare class": {"a": x, "y": ["u", "v"] * 19 + ["u", "w"]},
        "constant beside": {"a": x, "k": [3] * 40, "y": x * 2},
        "mostly empty": {"a": x, "b": [None] * 39 + [1.0], "y": x * 2},
    }
    for name, columns in cases.items():
        run = train_table(columns, "y", epochs=2, layers="4 relu", out=tmp_path / "r")
        assert (run.folder / "report.html").exists(), name


def test_an_untaught_figure_is_null_not_nan(tmp_path):
    run = train_table({"a": [1.0, 2.0, 4.0], "y": [1.5, 2.5, 0.5]}, "y", epochs=1, layers="2 relu", out=tmp_path / "r")
    assert run.summary()["metrics"]["r2"] is None
    assert run.summary()["metrics"]["mae"] is not None


def test_where_the_numbers_broke_down_no_class_is_predicted(place, tmp_path):
    run = train_table(place / "flowers.csv", "kind", optimizer="sgd", learning_rate=1e30, layers="4 relu", epochs=3,
                      out=tmp_path / "r")  # fmt: skip
    assert not np.isfinite(jd.load(run.folder).predict(place / "flowers.csv")).all()
    assert np.sum(run.record["confusion"]["matrix"]) == 0
    assert run.record["examples"] == []


def test_a_series_is_told_from_rows_in_random_order(tmp_path):
    months = pl.date_range(pl.date(2000, 1, 1), pl.date(2007, 12, 1), "1mo", eager=True)
    run = train_table({"month": months, "sales": np.arange(96.0)}, "sales", epochs=1, out=tmp_path / "r")
    assert run.record["time_order"]["column"] == "month"


def test_damaged_files_of_a_run_are_named(flowers, tmp_path):
    import shutil

    for name in ("plan.json", "model.safetensors", "state.safetensors", "preprocessing.json", "history.json"):
        for content in (b"", b"[]", b"\xff\xfe\x00", (flowers.folder / name).read_bytes()[:40]):
            shutil.rmtree(tmp_path / "r", ignore_errors=True)
            shutil.copytree(flowers.folder, tmp_path / "r")
            (tmp_path / "r" / name).write_bytes(content)
            with pytest.raises(InputError) as caught:
                jd.load(tmp_path / "r")
            assert name in str(caught.value)


def test_the_interrupt_is_held_back_while_writing():
    import signal

    before = signal.getsignal(signal.SIGINT)
    with folder.undisturbed():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGINT) is before


def test_plan_json_is_a_plan_and_more(flowers):
    body = json.loads((flowers.folder / folders.PLAN).read_text(encoding="utf-8"))
    assert body["input_shape"] == list(flowers.run.input_shape)
    assert body["run"]["epochs"] == flowers.run.epochs


def test_an_unknown_setting_is_refused(place, tmp_path):
    with pytest.raises(TypeError, match="epoch"):
        train_table(place / "houses.csv", "price", epoch=2, out=tmp_path / "r")
    assert not (tmp_path / "r").exists()
