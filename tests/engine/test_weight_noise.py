"""Noise on weights, and the scale they begin with: how large, on which weights, and when."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.engine.data import Data
from jindan.engine.train import train
from jindan.layers import LSTM, BatchNormalization, Conv1D, Dense, LayerNormalization
from jindan.plan import Plan

SIGMA, ROWS = 0.3, 32
EYE, NOTHING = np.eye(ROWS, dtype=np.float32), np.zeros((ROWS, ROWS), np.float32)


def resting(layer, x, y):
    """A training at rate 0: the weights rest, so that the losses of its epochs are those of the noise."""
    plan = Plan((layer,), loss="mse", optimizer="sgd", batch_size=ROWS, epochs=20, weight_noise=SIGMA, seed=1)
    return train(plan.edit(learning_rate=0.0), Data.of(x, y, validation=(x, y)))


def test_each_update_draws_noise_of_the_standard_deviation_asked_for():
    # Of rows that are unit vectors, outputs are the kernel's rows: the loss is the mean square of its noise.
    run = resting(Dense(64, kernel_initializer="zeros", use_bias=False), EYE, np.zeros((ROWS, 64)))
    squares = np.array(run.history["loss"])
    numbers = ROWS * 64
    # σ² of n numbers has a standard error of σ² √(2/n): four of them.
    assert squares.mean() == pytest.approx(SIGMA**2, rel=4 * np.sqrt(2 / (numbers * 20)))
    np.testing.assert_allclose(squares, SIGMA**2, rtol=5 * np.sqrt(2 / numbers))
    assert len(set(squares.tolist())) == 20


def test_noise_is_for_training_alone_and_leaves_the_weights_as_they_are():
    run = resting(Dense(64, kernel_initializer="zeros", use_bias=False), EYE, np.zeros((ROWS, 64)))
    assert run.history["val_loss"] == [0.0] * 20
    np.testing.assert_array_equal(run.predict(EYE), 0)
    np.testing.assert_array_equal(run.weights[0]["kernel"], 0)


def test_biases_scales_and_shifts_have_none():
    run = resting(Dense(64, bias_initializer="ones"), NOTHING, np.ones((ROWS, 64)))
    assert run.history["loss"] == [0.0] * 20
    x = np.random.default_rng(0).normal(size=(ROWS, 8)).astype(np.float32)
    run = resting(LayerNormalization(beta_initializer="ones"), x, np.zeros((ROWS, 8)))
    np.testing.assert_allclose(run.history["loss"], run.history["val_loss"], rtol=1e-6)  # one sum, in blocks or not


def test_the_initial_scale_multiplies_kernels_alone():
    layers = (Conv1D(3, 2, bias_initializer="ones"), BatchNormalization(), LSTM(2), Dense(1, bias_initializer="ones"))
    plan = Plan(layers, loss="mse", seed=4)
    one, three = (
        sum(p.network((5, 2)).init(4, scale=p.initial_scale), ()) for p in (plan, plan.edit(initial_scale=3.0))
    )
    names = []
    for before, after in zip(one, three, strict=True):
        for name, value in before.items():
            factor = np.float32(3.0 if name.endswith("kernel") else 1.0)
            np.testing.assert_array_equal(after[name], value * factor)
            names += [name] if name.endswith("kernel") else []
    assert sorted(names) == ["kernel", "kernel", "kernel", "recurrent_kernel"]
    assert np.std(three[0]["kernel"]) == pytest.approx(3 * np.std(one[0]["kernel"]))


def test_a_training_begins_at_that_scale():
    plan = Plan((Dense(4), Dense(1)), loss="mse", epochs=0, seed=2, initial_scale=0.5)
    drawn = train(plan.edit(initial_scale=1.0), (EYE, NOTHING[:, :1])).weights
    for half, whole in zip(train(plan, (EYE, NOTHING[:, :1])).weights, drawn, strict=True):
        np.testing.assert_array_equal(half["kernel"], 0.5 * whole["kernel"])
