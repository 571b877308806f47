"""Data that do not fit are refused in words that say what, where and what to do; NaN trains on and is recorded."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.engine.data import Data
from jindan.engine.forward import predict
from jindan.engine.train import train
from jindan.errors import InputError, ShapeError
from jindan.layers import Dense, Embedding, Flatten, Input, Lambda, Reshape, TimeDistributed
from jindan.plan import Plan

from .helpers import blobs, classifier, line, regressor

X, LABELS, Y = blobs(12)
SPARSE = "sparse_categorical_crossentropy"
DENSE = Plan((Dense(3, activation="softmax"),), loss="categorical_crossentropy")

# (plan, data, error, phrases of its message)
REFUSED = {
    "lengths": (DENSE, (X, Y[:-1]), ShapeError, ["x and y differ in their number of rows", "12 rows", "(11, 3)"]),
    "weights": (DENSE, (X, Y, np.ones(5)), ShapeError, ["x and sample_weight differ", "(5,)"]),
    "words": (DENSE, ([["a", "b"]] * 12, Y), InputError, ["not numbers", "where:    x", "'a'", "Encode words"]),
    "mixed": (DENSE, ([[1.0, "b"]] * 12, Y), InputError, ["not numbers", "Encode words"]),
    "dates": (DENSE, (np.array([["2024-01-01"]] * 12, "datetime64[D]"), Y), InputError, ["not numbers"]),
    "ragged": (DENSE, ([[1.0, 2.0], [1.0]], Y[:2]), InputError, ["rows differ in length", "ragged"]),
    "empty": (DENSE, (X[:0], Y[:0]), InputError, ["There are no rows", "at least one row", "received: shape (0, 3)"]),
    "class numbers with a one-hot loss": (
        DENSE, (X, LABELS), ShapeError, ["3 outputs, and the targets are single numbers", "sparse_categorical"],
    ),
    "one-hot with a sparse loss": (
        DENSE.edit(loss=SPARSE), (X, Y), ShapeError, ["takes class numbers, and the targets are one-hot", "argmax"],
    ),
    "class out of range": (
        DENSE.edit(loss=SPARSE), (X, LABELS + 1), InputError, ["not class numbers", "0 … 2", "from 1 to 3"],
    ),
    "negative class": (DENSE.edit(loss=SPARSE), (X, LABELS - 1), InputError, ["not class numbers", "from -1 to 1"]),
    "half a class": (DENSE.edit(loss=SPARSE), (X, LABELS + 0.5), InputError, ["not class numbers"]),
    "NaN as a class": (DENSE.edit(loss=SPARSE), (X, LABELS * np.nan), InputError, ["not class numbers"]),
    "too many targets": (
        DENSE, (X, np.eye(5)[LABELS]), ShapeError, ["do not fit the outputs of layer 1, Dense", "(12, 5)"],
    ),
    "validation shape": (
        DENSE, (X, Y, None, (X[:, :2], Y)), ShapeError, ["validation rows differ in shape", "(3,)", "(2,)"],
    ),
    "validation targets": (DENSE, (X, Y, None, (X, Y[:, :2])), ShapeError, ["validation y", "do not fit"]),
    "validation that is no pair": (DENSE, (X, Y, None, X), InputError, ["validation_data is not a pair", "(x, y)"]),
    "first layer": (
        DENSE.replace(layers=(Input((5,)), *DENSE.layers)), (X, Y), ShapeError,
        ["do not fit the first layer", "layer 1, Input", "(5,)", "(3,)"],
    ),
    "inner layer": (
        Plan((Dense(2), Dense(3, input_shape=(4,)))), (X, Y), ShapeError,
        ["one input shape and gets another", "layer 2"],
    ),
    "rows that are not there": (
        DENSE.edit(rows=[0, 12]), (X, Y), InputError, ["rows that the data do not have", "0 … 11"],
    ),
    "no rows named": (DENSE.edit(rows=[]), (X, Y), InputError, ["names no rows at all"]),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_words(name):
    plan, data, error, phrases = REFUSED[name]
    with pytest.raises(error) as caught:
        train(plan, data)
    for phrase in phrases:
        assert phrase in str(caught.value)


@pytest.mark.parametrize("ids", [[1, 2, 3, 99], [1, 2, 3, -2]])
def test_numbers_outside_a_table_that_others_hand_on(ids):
    rows = np.array([ids])
    inside = Plan((TimeDistributed(Embedding(5, 3)), Flatten(), Dense(1)))
    behind = Plan((Reshape((2, 2)), Embedding(5, 3), Flatten(), Dense(1)))
    joined = Plan((Reshape((2, 2)), Lambda(lambda x: x[:, :1]), Embedding(5, 3), Flatten(), Dense(1)))
    for plan, x in ((inside, rows.reshape(1, 2, 2)), (behind, rows)):
        with pytest.raises(InputError, match=r"not numbers of entries of the table(.|\n)*(Embedding|TimeDistributed)"):
            train(plan, (x, [[1.0]]))
        run = train(plan, (x * 0, [[1.0]]))
        with pytest.raises(InputError, match=r"whole numbers 0 … 4"):
            run.predict(x)
    train(joined, (rows, [[1.0]]))  # what an Embedding does not read is none of its business


def test_a_weight_that_is_no_number():
    weight = np.ones(12)
    weight[3] = np.nan
    with pytest.raises(InputError, match=r"sample_weight(.|\n)*row 4"):
        train(DENSE, (X, Y, weight))


def test_runs_and_plans_must_be_as_many():
    with pytest.raises(InputError, match="differ in number"):
        train([classifier()] * 2, (X, Y), start=[None])


def test_predicting_rows_of_another_shape():
    run = train(classifier(epochs=1), (X, Y))
    with pytest.raises(ShapeError, match=r"One row alone needs an axis in front: x\[None\]"):
        run.predict(X[0])
    with pytest.raises(ShapeError, match=r"rows of shape \(3,\)"):
        predict(run.plan, run.input_shape, run.weights, X[:, :2])


def test_many_forms_of_the_same_data():
    pl, pd = pytest.importorskip("polars"), pytest.importorskip("pandas", reason="one of the forms data come in")
    torch = pytest.importorskip("torch", reason="one of the forms data come in")
    for x in (X.tolist(), pl.DataFrame(X), pd.DataFrame(X), torch.tensor(X), X.astype(object)):
        found = Data.of(x, Y)
        np.testing.assert_array_equal(found.x, X)
    assert Data.of([1, 2], [[1], [0]]).x.shape == (2, 1)


@pytest.mark.parametrize("y", [lambda y: y, lambda y: y[:, 0]], ids=["(rows, 1)", "(rows,)"])
def test_a_single_output_takes_flat_targets(y):
    x, target = line()
    plan = regressor(epochs=2)
    assert train(plan, (x, y(target))).history["loss"] == train(plan, (x, target)).history["loss"]


def test_nan_inputs_are_recorded_not_raised():
    x = X.copy()
    x[5] = np.nan
    run = train(classifier(epochs=2, shuffle=False, metrics=("accuracy",)), (x, Y))
    assert np.isnan(run.history["loss"]).all()
    assert run.first_nonfinite == 1  # row 5 belongs to the second batch of four
    assert run.epochs == 2
    assert train(classifier(epochs=2, shuffle=False), (X, Y)).first_nonfinite is None


def test_an_explosion_is_recorded():
    x, y = line()
    run = train(regressor(epochs=40, shuffle=False, dtype="float32").edit(learning_rate=1e6), (x, y))
    assert run.first_nonfinite is not None
    assert not np.isfinite(run.history["loss"][-1])


def test_a_nan_in_one_member_leaves_the_others_alone():
    x, y = line()
    plans = [regressor(epochs=200).edit(learning_rate=rate) for rate in (0.05, 1e6)]
    fine, broken = train(plans, (x, y))
    assert broken.first_nonfinite is not None
    assert fine.first_nonfinite is None
    assert np.isfinite(fine.history["loss"]).all()
