"""jd.backprop walks as the engine does: masks, and layers that take lists, in a stack."""

from __future__ import annotations

import numpy as np
import pytest

import jindan as jd
from jindan.layers import (
    LSTM,
    ActivityRegularization,
    Dense,
    Embedding,
    Flatten,
    Lambda,
    Masking,
    MultiHeadAttention,
    TimeDistributed,
)
from jindan.models import Sequential

RNG = np.random.default_rng(0)


def ready(stack, loss="mse"):
    model = Sequential(stack)
    model.build()
    model.compile("sgd", loss, seed=0)
    model.set_weights([RNG.normal(size=w.shape) for w in model.get_weights()])
    return model


STACKS = {
    "a masked sequence": ([Embedding(5, 3, mask_zero=True, input_shape=(4,)), LSTM(4), Dense(1)],
                          np.array([[1, 2, 0, 0], [3, 0, 0, 0]]), np.array([[1.0], [0.0]])),
    "a masked loss": ([Masking(input_shape=(3, 2)), Dense(2, "tanh"), TimeDistributed(Dense(1))],
                      np.array([[[1.0, 2], [3, 4], [0, 0]], [[1, 1], [0, 0], [0, 0]]]), np.ones((2, 3, 1))),
    "a function": ([Lambda(lambda x: x * 2, input_shape=(3,)), Dense(1)], RNG.normal(size=(4, 3)), np.ones((4, 1))),
    "attention": ([MultiHeadAttention(1, 2, input_shape=(3, 4)), Flatten(), Dense(1)], RNG.normal(size=(2, 3, 4)),
                  np.ones((2, 1))),
    "a penalty": ([Dense(3, input_shape=(3,)), ActivityRegularization(l2=0.3), Dense(1)], RNG.normal(size=(4, 3)),
                  np.ones((4, 1))),
}  # fmt: skip


@pytest.mark.parametrize("name", STACKS)
def test_outputs_and_slopes_are_those_of_the_engine(name):
    stack, x, y = STACKS[name]
    model = ready(stack)
    steps = jd.backprop(model, x, y)
    assert len(steps) == len(stack)
    np.testing.assert_allclose(steps[-1].A, model.predict(x), rtol=1e-5, atol=1e-6)
    # One step of plain gradient descent at rate 1 goes by exactly these slopes.
    before = model.get_weights()
    model.compile(jd.optimizers.SGD(1.0), "mse")
    model.fit(x, y, batch_size=len(x), shuffle=False, verbose=0, doctor=False)
    slopes = [step.gradients[name] for step, spec in zip(steps, model.network.specs, strict=True) for name in spec]
    for old, new, slope in zip(before, model.get_weights(), slopes, strict=True):
        np.testing.assert_allclose(old - new, slope, rtol=2e-4, atol=2e-5)
