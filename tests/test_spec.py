"""Spec: names, rules, equality, repr and the errors of values that do not belong."""

from __future__ import annotations

import numpy as np
import pytest

from jindan import spec
from jindan.errors import InputError, UnknownNameError
from jindan.initializers import Zeros
from jindan.layers import Dense, Dropout, Input
from jindan.losses import MeanSquaredError
from jindan.optimizers import Adam


def test_names_ignore_case_and_separators():
    for name in ("mean_squared_error", "MeanSquaredError", "mean-squared error", "MSE"):
        assert spec.get("loss", name) == MeanSquaredError()
    assert "mse" in spec.names("loss")
    assert spec.get("optimizer", Adam) == Adam()
    assert spec.get("optimizer", {"type": "Adam", "learning_rate": 0.5}) == Adam(0.5)


def test_names_become_objects_and_lists_tuples():
    layer = Dense(3, kernel_initializer="zeros")
    assert layer.kernel_initializer == Zeros()
    assert Input([4, 2]).shape == (4, 2)
    assert repr(layer) == "Dense(units=3, kernel_initializer=Zeros())"
    assert layer == Dense(3, kernel_initializer=Zeros())
    assert hash(layer) == hash(Dense(3, kernel_initializer=Zeros()))


def test_numpy_numbers_are_numbers():
    for units in (np.int64(3), np.array(3), 3.0):
        layer = Dense(units)
        assert layer.units == 3
        assert type(layer.units) is int
    assert type(Dropout(np.float32(0.5)).rate) is float


@pytest.mark.parametrize(
    ("call", "phrases"),
    [
        (
            lambda: Dense(0),
            ["The units of Dense must be an integer >= 1.", "where:    units of Dense", "received: 0"],
        ),
        (lambda: Dense("3"), ["must be an integer >= 1", "received: '3'"]),
        (lambda: Dense(True), ["received: True"]),
        (lambda: Dropout(1.0), ["The rate of Dropout must be a number >= 0 and < 1.", "received: 1.0"]),
        (lambda: Dropout(None), ["The rate of Dropout must be"]),
        (lambda: Adam(-1), ["The learning_rate of Adam", "help: The default is 0.001."]),
        (lambda: Dense(3, input_dim=0), ["input_dim of Dense", "received: 0"]),
        (lambda: Input(), ["Input needs the shape of one row", "shape=(4,)"]),
        (lambda: Input((0,)), ["the length of every axis", "(0,)"]),
        (lambda: Dense(3, kernel_regularizer=3), ["This is not a regularizer", "3 (int)"]),
        (lambda: Dense(3, kernel_initializer=MeanSquaredError()), ["A loss stands where a initializer belongs"]),
    ],
)
def test_bad_values_in_words(call, phrases):
    with pytest.raises(InputError) as caught:
        call()
    for phrase in phrases:
        assert phrase in str(caught.value)


@pytest.mark.parametrize(
    ("call", "phrase"),
    [
        (lambda: Dense(3, activation="rellu"), "Did you mean `relu`?"),
        (lambda: Dense(3, kernel_initializer="he_norml"), "Did you mean"),
        (lambda: spec.get("optimizer", "adamm"), "Did you mean `Adam`?"),
        (lambda: spec.from_json("optimizer", {"type": "Adam", "learningrate": 1}), "Did you mean `learning_rate`?"),
    ],
)
def test_unknown_names_suggest_the_nearest(call, phrase):
    with pytest.raises(UnknownNameError) as caught:
        call()
    assert phrase in str(caught.value)


def test_a_class_of_your_own_is_known_by_its_name():
    from jindan.layers import Layer

    class TripleOfTheTests(Layer):
        factor: float = spec.item(default=3.0, rule=spec.POSITIVE, traced=True)

        def apply(self, w, x, ctx):
            return self.factor * x

    layer = TripleOfTheTests(2.0)
    assert spec.from_json("layer", spec.to_json(layer)) == layer
    assert spec.split(layer)[1] == {("factor",): 2.0}
    with pytest.raises(InputError, match="factor of TripleOfTheTests"):
        TripleOfTheTests(-1.0)


def test_a_zero_is_structure():
    assert spec.split(Dropout(0.0))[1] == {}
    assert spec.split(Dropout(0.5))[1] == {("rate",): 0.5}
    assert spec.split(Dropout(0.5))[0] == spec.split(Dropout(0.25))[0] != spec.split(Dropout(0.0))[0]


def test_host_fields_are_no_structure():
    assert spec.split(Dense(3, name="a"))[0] == spec.split(Dense(3, kernel_initializer="zeros"))[0]


def test_a_copy_is_parted_anew():
    """Structures hold marks that are known by identity: kept parts must not travel with a copy."""
    import copy

    from jindan.layers import Dense
    from jindan.plan import Plan

    plan = Plan((Dense(3, activation="relu"),), loss="mse", optimizer="adam")
    structure, numbers = plan.structure, plan.numbers
    for other in (copy.deepcopy(plan), copy.copy(plan)):
        assert other == plan
        assert (other.structure, other.numbers) == (structure, numbers)
        assert other.network((2,)).parameters() == 9
