"""Rows are judged as the first layer that learns sees them, so that layers that prepare them count."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.doctor.entering import entering
from jindan.doctor.evidence import Case
from jindan.engine.data import Data
from jindan.layers import BatchNormalization, Dense, Discretization, Flatten, Input, Normalization, Rescaling
from jindan.models import Model, Sequential
from jindan.plan import Plan

RNG = np.random.default_rng(417)
X = (RNG.random((90, 4)) * [1, 10, 1_000, 100_000]).astype(np.float32)
Y = (X[:, 0] > 0.5).astype(int)


def case(*layers, x=X):
    return Case(
        Plan((*layers, Dense(2, "softmax")), loss="sparse_categorical_crossentropy"), x.shape[1:], Data(x, Y), {}
    )


@pytest.mark.parametrize(
    "layer", [Normalization().adapt(X), BatchNormalization(), Discretization([1.0, 2.0, 3.0])],
    ids=["Normalization", "BatchNormalization", "Discretization"],
)  # fmt: skip
def test_what_a_layer_prepares_is_of_one_scale(layer):
    found = entering(case(layer))
    assert found.shape == X.shape
    assert np.abs(found).max() < 10 < X.max()
    if not isinstance(layer, Discretization):
        np.testing.assert_allclose(found, (X - X.mean(0)) / X.std(0), atol=1e-2)  # Keras's ε of batch normalisation


def test_layers_that_only_move_numbers_stand_between():
    x = RNG.integers(0, 256, (90, 5, 5)).astype(np.uint8)
    found = entering(case(Flatten(), Rescaling(1 / 255), x=x))
    np.testing.assert_allclose(found, x.reshape(90, 25) / 255, atol=1e-6)


def test_rows_that_nothing_prepares_are_as_given():
    assert entering(case(Dense(3), Normalization())) is X
    assert entering(case(Flatten())) is X


def test_a_graph_is_followed_as_far_as_it_is_a_chain():
    given = Input((4,))
    inner = Rescaling(0.5)(given)
    apart = Model(given, Dense(2)(inner))
    apart.compile(loss="mse")
    data = Data(X, np.zeros((90, 2)))
    np.testing.assert_allclose(entering(Case(apart.plan, (4,), data, {})), X / 2)
    from jindan.layers import Concatenate

    both = Model(given, Dense(2)(Concatenate()([given, inner])))
    both.compile(loss="mse")
    assert entering(Case(both.plan, (4,), data, {})) is X


def test_the_doctor_does_not_ask_for_what_is_there():
    from jindan import diagnose

    def told(*layers):
        model = Sequential([*layers, Dense(8, "relu"), Dense(2, "softmax")])
        model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
        found = diagnose(model, X, Y, epochs=15, batch_size=30, seed=0, trials=False)
        return [finding.code for finding in found.findings]

    assert "inputs-not-normalised" in told()
    assert "inputs-not-normalised" not in told(Normalization().adapt(X))
