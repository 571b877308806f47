"""The model of a run folder: raw rows in any form, predictions, scores, saved copies, other processes."""

import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score

import jindan as jd
from jindan.errors import InputError
from jindan.runs import tables
from jindan.runs.tables import TableModel, train_table


def test_a_fresh_process_predicts_the_same_bits(place, flowers, houses):
    code = (
        "import sys, numpy as np, jindan as jd\n"
        "for run, table in zip(sys.argv[1::2], sys.argv[2::2]):\n"
        "    print(np.asarray(jd.load(run).predict(table), np.float64).tobytes().hex())\n"
    )
    pairs = [(flowers.folder, place / "flowers.csv"), (houses.folder, place / "houses.csv")]
    arguments = [str(entry) for pair in pairs for entry in pair]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    for (run, table), line in zip(pairs, done.stdout.split(), strict=True):
        own = np.asarray(jd.load(run).predict(table), np.float64)
        assert own.tobytes().hex() == line


def test_raw_rows_come_in_any_form(place, flowers):
    model = jd.load(flowers.folder)
    assert isinstance(model, TableModel)
    assert model.classes == ("setosa", "virginica", "장미")
    frame = pl.read_csv(place / "flowers.csv")
    expected = model.predict(frame)
    assert expected.shape == (90, 3)
    assert np.allclose(expected.sum(1), 1)
    turned = frame.select(reversed(frame.columns)).with_columns(pl.lit("x").alias("more"))
    rows = frame.drop("kind").to_dicts()
    array = np.array([list(row.values()) for row in rows], dtype=object)
    for form in (str(place / "flowers.csv"), frame.to_dict(as_series=False), turned, rows, array):
        assert (model.predict(form) == expected).all()


def test_an_array_of_another_width_is_refused(flowers):
    with pytest.raises(InputError, match="columns of the training table"):
        flowers.model.predict(np.zeros((3, 2)))


def test_predictions_of_classes(place, flowers):
    model, frame = flowers.model, pl.read_csv(place / "flowers.csv")
    table = model.predict_table(frame)
    assert table.columns == ["row", "prediction", "p_setosa", "p_virginica", "p_장미"]
    assert table["row"].to_list() == list(range(1, 91))
    best = np.array(model.classes)[table.select(pl.col("^p_.*$")).to_numpy().argmax(1)]
    assert table["prediction"].to_list() == best.tolist()


def test_predictions_of_numbers_come_with_an_interval(place, houses):
    frame = pl.read_csv(place / "houses.csv")
    table = houses.model.predict_table(frame)
    assert table.columns == ["row", "prediction", "low", "high"]
    # The row with the largest error lies on the edge itself, so the rounding of float32 is allowed for.
    inside = (table["low"] - 1e-3 <= frame["price"]) & (frame["price"] <= table["high"] + 1e-3)
    test = tables.prepare(place / "houses.csv", "price").split.test
    assert inside.to_numpy()[test].mean() >= 0.95
    assert inside.mean() > 0.85


def test_there_is_no_interval_without_unseen_rows(place, tmp_path):
    run = train_table(place / "houses.csv", "price", epochs=2, validation=0, test=0, out=tmp_path / "r")
    table = run.model.predict_table(place / "houses.csv")
    assert table["low"].null_count() == table["high"].null_count() == 80
    assert run.summary()["measured_on"] == "train"


def test_numbers_that_break_down_give_no_class(flowers):
    table = flowers.model.predict_table({"size": [1e308, 0.0], "width": [-1e308, 0.0], "colour": ["red", "red"]})
    assert table["prediction"].to_list()[0] is None
    assert table["prediction"].to_list()[1] is not None


def test_scores_leave_rows_without_a_target_out(place, flowers):
    frame = pl.read_csv(place / "flowers.csv")
    holes = frame.with_columns(pl.when(pl.int_range(90) < 10).then(None).otherwise(pl.col("kind")).alias("kind"))
    guess = flowers.model.predict_table(frame)["prediction"].to_numpy()[10:]
    score = flowers.model.score(holes)["accuracy"].value
    assert score == pytest.approx(accuracy_score(frame["kind"].to_numpy()[10:], guess))
    with pytest.raises(InputError, match="No row has a target"):
        flowers.model.score(frame.with_columns(pl.lit(None).alias("kind")))
    with pytest.raises(InputError, match="rows have no target"):
        flowers.model.score(frame.drop("kind"))


def test_evaluate_gives_loss_and_metric(place, flowers):
    loss, accuracy = flowers.model.evaluate(place / "flowers.csv")
    named = flowers.model.evaluate(place / "flowers.csv", return_dict=True)
    assert named == {"loss": loss, "accuracy": accuracy}


def test_a_saved_table_model_predicts_the_same(place, flowers, tmp_path):
    flowers.model.save(tmp_path / "copy")
    again = jd.load(tmp_path / "copy").predict(place / "flowers.csv")
    assert (again == flowers.model.predict(place / "flowers.csv")).all()


@pytest.mark.parametrize("what", ["score", "evaluate"])
def test_an_error_names_its_row_as_the_table_counts_it(place, flowers, what):
    """Rows without a target are left out, and counted all the same."""
    frame = pl.read_csv(place / "flowers.csv")
    row = pl.int_range(90)
    holes = pl.when(row < 10).then(None).otherwise(pl.col("kind")).alias("kind")
    wrong = pl.when(row == 20).then(float("inf")).otherwise(pl.col("size")).alias("size")
    with pytest.raises(InputError, match=r"column 'size', row 21\n"):
        getattr(flowers.model, what)(frame.with_columns(holes, wrong))
    # A row that is left out is no error.
    unused = pl.when(row == 3).then(float("inf")).otherwise(pl.col("size")).alias("size")
    assert getattr(flowers.model, what)(frame.with_columns(holes, unused))
