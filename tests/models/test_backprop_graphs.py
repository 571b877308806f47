"""jd.backprop through graphs of layers: its slopes are those of finite differences, place by place."""

from __future__ import annotations

import numpy as np
import pytest

import jindan as jd
from jindan.errors import InputError
from jindan.layers import Activation, Add, Concatenate, Dense, Embedding, Flatten, Input
from jindan.losses import CategoricalCrossentropy
from jindan.models import Model

RNG = np.random.default_rng(3)
ROWS, OTHER, WORDS = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3)), RNG.integers(0, 5, (4, 2))
ONE_HOT, BITS, NUMBERS = np.eye(3)[[0, 2, 1, 1]], np.array([[0.0], [1], [1], [0]]), RNG.normal(size=(4, 1))


def skipping():
    x = Input((3,))
    hidden = Dense(4, activation="tanh")(x)
    both = Concatenate()([hidden, Dense(4, activation="sigmoid")(hidden), x])
    return x, Dense(3, activation="softmax")(both), ROWS, ONE_HOT, "categorical_crossentropy"


def shared():
    a, b = Input((3,)), Input((3,))
    twice = Dense(4, activation="tanh", kernel_regularizer="l2")
    return [a, b], Dense(1)(Add()([twice(a), twice(b)])), [ROWS, OTHER], NUMBERS, "mse"


def by_name():
    words, numbers = Input((2,), name="words"), Input((3,), name="numbers")
    both = Concatenate()([Flatten()(Embedding(5, 2)(words)), Dense(2, activation="tanh")(numbers)])
    out = Activation("sigmoid")(Dense(1)(both))
    return [words, numbers], out, {"numbers": ROWS, "words": WORDS}, BITS, "binary_crossentropy"


def read_on():
    """The output's activation feeds another branch as well, so that the loss is not fused with it."""
    x = Input((3,))
    soft = Dense(3, activation="softmax")(x)
    return x, Add()([soft, Dense(3, activation="tanh")(soft)]), ROWS, ONE_HOT, CategoricalCrossentropy(from_logits=True)


GRAPHS = [skipping, shared, by_name, read_on]


def ready(make):
    inputs, outputs, x, y, loss = make()
    model = Model(inputs, outputs, dtype="float64")
    model.compile("sgd", loss, seed=0)
    model.set_weights([RNG.normal(size=w.shape) for w in model.get_weights()])
    return model, x, y


@pytest.mark.parametrize("make", GRAPHS)
def test_slopes_of_weights_are_those_of_finite_differences(make):
    model, x, y = ready(make)
    steps = jd.backprop(model, x, y)
    by_layer = {step.name.split(", place")[0]: step.gradients for step in steps}
    specs = enumerate(model.network.specs)
    slopes = [by_layer[model.network.title(index)][name] for index, spec in specs for name in spec]
    weights = model.get_weights()
    assert [s.shape for s in slopes] == [w.shape for w in weights]
    for number, slope in enumerate(slopes):
        for place in list(np.ndindex(slope.shape))[:3]:
            costs = []
            for h in (1e-5, -1e-5):
                moved = [w.copy() for w in weights]
                moved[number][place] += h
                model.set_weights(moved)
                costs.append(float(model.evaluate(x, y, batch_size=4, verbose=0)))
            # Differences of the cost lose nine of float64's sixteen digits.
            assert slope[place] == pytest.approx((costs[0] - costs[1]) / 2e-5, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("make", GRAPHS)
def test_values_go_from_place_to_place(make):
    model, x, y = ready(make)
    steps = jd.backprop(model, x, y)
    np.testing.assert_allclose(steps[-1].A, model.predict(x, verbose=0), rtol=1e-12)
    assert len({step.name for step in steps}) == len(steps)
    for step in steps:
        if step.local is not None and step is not steps[-1]:
            np.testing.assert_allclose(step.dZ, step.dA * step.local, rtol=1e-9, atol=1e-15)


def test_a_join_receives_several_and_passes_the_slope_on():
    model, x, y = ready(shared)
    first, second, join, last = jd.backprop(model, x, y)
    assert [part.shape for part in join.inputs] == [(4, 4), (4, 4)]
    np.testing.assert_allclose(join.A, first.A + second.A)
    for step in (first, second):
        np.testing.assert_allclose(step.dA, last.dZ @ model.get_weights()[2].T)
    own = [step.inputs.T @ step.dZ for step in (first, second)]
    penalty = 2 * 0.01 * model.get_weights()[0]
    np.testing.assert_allclose(first.dW, sum(own) + penalty)
    np.testing.assert_array_equal(first.dW, second.dW)


def test_several_outputs_are_refused():
    x = Input((3,))
    model = Model(x, [Dense(1)(x), Dense(1)(x)])
    model.compile("sgd", "mse")
    with pytest.raises(InputError, match="one output back"):
        jd.backprop(model, ROWS, [NUMBERS, NUMBERS])
