"""Frozen layers: what is inside a layer with trainable=False stays as it is, too."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.layers import BatchNormalization, Dense, Flatten, Residual, Sampling, TimeDistributed
from jindan.models import Sequential

RNG = np.random.default_rng(3)
X, Y = RNG.normal(5, 3, (64, 4)).astype("f"), RNG.normal(size=(64, 1)).astype("f")
SEQUENCES = RNG.normal(5, 3, (64, 3, 4)).astype("f")
QUIET = {"batch_size": 32, "epochs": 2, "verbose": 0, "doctor": False, "seed": 0}


def moved(model, x):
    """Which layers a training changes."""
    model.build()
    before = [layer.get_weights() for layer in model.layers]
    model.compile("sgd", "mse")
    model.fit(x, Y, **QUIET)
    after = [layer.get_weights() for layer in model.layers]
    return [
        any(not np.array_equal(a, b) for a, b in zip(*pair, strict=True)) for pair in zip(before, after, strict=True)
    ]


def block(**settings):
    return Residual([Dense(4), BatchNormalization()], shortcut=BatchNormalization(), **settings)


@pytest.mark.parametrize("held", [block(), Residual([block()]), Residual([block(trainable=False)]),
                                  TimeDistributed(BatchNormalization()), TimeDistributed(Residual([block()])),
                                  Residual([Dense(8), Sampling(warm_up=9.0)])])  # fmt: skip
def test_nothing_inside_a_frozen_holder_moves(held):
    x = SEQUENCES if isinstance(held, TimeDistributed) else X
    model = Sequential([held.replace(trainable=False), Flatten(), Dense(1)])
    model.input_shape = x.shape[1:]
    assert moved(model, x) == [False, False, True]


def test_what_is_frozen_inside_a_trained_holder():
    inner = Residual([Residual([BatchNormalization()], trainable=False), Dense(4)], input_shape=(4,))
    model = Sequential([inner, Dense(1)])
    model.build()
    before = dict(zip(model.network.specs[0], model.layers[0].get_weights(), strict=True))
    assert moved(model, X) == [True, True]
    after = dict(zip(model.network.specs[0], model.layers[0].get_weights(), strict=True))
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {"1.kernel", "1.bias"}


def test_a_wholly_frozen_model():
    model = Sequential([block(input_shape=(4,)), Dense(1)])
    model.trainable = False
    assert moved(model, X) == [False, False]


def test_a_frozen_holder_trains_the_rest_as_keras_does():
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    ours = Sequential([TimeDistributed(BatchNormalization(), trainable=False, input_shape=(3, 4)), Flatten(), Dense(1)])
    ours.build()
    start = [np.abs(w) + 0.5 for w in ours.get_weights()]
    held = keras.layers.TimeDistributed(keras.layers.BatchNormalization())
    theirs = keras.Sequential([keras.Input((3, 4)), held, keras.layers.Flatten(), keras.layers.Dense(1)])
    held.trainable = False
    for model in (ours, theirs):
        model.compile("sgd", "mse")
    ours.set_weights(start)
    for layer, weights in zip((theirs.layers[0], theirs.layers[2]), (start[:4], start[4:]), strict=True):
        layer.set_weights(weights)
    ours.fit(SEQUENCES / 10, Y, batch_size=64, shuffle=False, verbose=0, doctor=False)
    theirs.fit(SEQUENCES / 10, Y, batch_size=64, shuffle=False, verbose=0)
    for mine, his in zip((*ours.layers[0].get_weights(), *ours.layers[2].get_weights()),
                         (*theirs.layers[0].get_weights(), *theirs.layers[2].get_weights()), strict=True):  # fmt: skip
        np.testing.assert_allclose(mine, his, rtol=2e-5, atol=1e-6)
