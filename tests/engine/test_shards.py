"""Splitting the rows of a batch among CPU devices changes nothing but the order of sums."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from contracts.numerics import agree
from jax.flatten_util import ravel_pytree

from jindan.engine import pieces, supervised
from jindan.engine.data import Data
from jindan.engine.train import train
from jindan.layers import (
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    Layer,
    Masking,
    Maxout,
    Normalization,
    RandomFlip,
    RandomRotation,
    Reshape,
    Residual,
    Sampling,
    SimpleRNN,
    SpectralNormalization,
    TimeDistributed,
)
from jindan.optimizers import Adam
from jindan.plan import Plan

from .helpers import ON_CPU

pytestmark = ON_CPU

RNG = np.random.default_rng(417)
X, Y = RNG.normal(size=(70, 4, 3)), RNG.normal(size=(70, 2))
PLAN = Plan((SimpleRNN(5), Dense(2)), loss="mse", optimizer=Adam(0.02), batch_size=32, epochs=3, seed=1, l2=1e-3,
            metrics=("mae",), dtype="float64")  # fmt: skip

pytestmark = pytest.mark.skipif(len(jax.devices("cpu")) < 2, reason="there is one CPU device only")


@pytest.fixture(autouse=True)
def _small_networks_are_split_too(monkeypatch):
    monkeypatch.setattr(supervised, "ENOUGH", 0)
    monkeypatch.setattr(supervised, "EACH_WEIGHT", 0)


def alone(plan, data, monkeypatch):
    """The same on one device."""
    with monkeypatch.context() as patch:
        patch.setattr(supervised.Supervised, "shards", lambda self, rows: 1)
        return train(plan, data)


def compare(plan, data, monkeypatch, tolerance=1e-9):
    program = supervised.program_of(
        plan.structure, Data.of(*data).input_shape if isinstance(data, tuple) else data.input_shape
    )
    assert program.shards(plan.batch_size) > 1
    split, whole = train(plan, data), alone(plan, data, monkeypatch)
    # All at once: a bias before a batch norm stays 0 but for rounding.
    agree(ravel_pytree(split.weights)[0], ravel_pytree(whole.weights)[0], tolerance)
    for name, values in whole.history.items():
        agree(split.history[name], values, tolerance)
    return split


def test_split_equals_whole_with_a_partial_batch_and_validation(monkeypatch):
    data = Data.of(X, Y, RNG.random(70), (X[:33], Y[:33]))
    split = compare(PLAN, data, monkeypatch)
    again = train(PLAN, data)
    for a, b in zip(jax.tree.leaves(split.weights), jax.tree.leaves(again.weights), strict=True):
        np.testing.assert_array_equal(a, b)


def test_split_equals_whole_with_masks_and_sequences(monkeypatch):
    x = X.copy()
    x[::3, 2:] = 0
    plan = PLAN.edit(layers=(Masking(), SimpleRNN(5, return_sequences=True), Dense(1)))
    compare(plan, (x, RNG.normal(size=(70, 4, 1))), monkeypatch)


def test_split_equals_whole_on_numbers_of_things(monkeypatch):
    ids = RNG.integers(0, 6, (70, 4))
    plan = PLAN.edit(layers=(Embedding(6, 3, mask_zero=True), SimpleRNN(5), Dense(2)))
    compare(plan, (ids, Y), monkeypatch)


def test_batch_norm_sees_the_rows_of_all_devices(monkeypatch):
    plan = PLAN.edit(layers=(BatchNormalization(), SimpleRNN(5), BatchNormalization(), Dense(2)))
    split = compare(plan, (X, Y), monkeypatch)
    assert not np.allclose(split.weights[0]["moving_mean"], 0)


def test_images_are_split_too(monkeypatch):
    plan = PLAN.edit(layers=(Conv2D(3, 2), BatchNormalization(), Flatten(), Dense(2)))
    compare(plan, (RNG.normal(size=(70, 4, 4, 2)), Y), monkeypatch)


def test_a_small_network_is_not_worth_it(monkeypatch):
    monkeypatch.setattr(supervised, "ENOUGH", 3e7)
    assert supervised.program_of(PLAN.structure, (4, 3)).shards(32) == 1


def test_a_member_equals_the_split_plan_alone():
    plans = [PLAN.edit(seed=s) for s in (1, 2)]
    member, single = train(plans, (X, Y))[0], train(PLAN, (X, Y))
    for ours, theirs in zip(jax.tree.leaves(member.weights), jax.tree.leaves(single.weights), strict=True):
        agree(ours, theirs, 1e-9)


def test_stopping_and_going_on_changes_nothing():
    whole = train(PLAN, (X, Y))
    part = train(PLAN, (X, Y), until=(1, 1))
    rest = train(PLAN, (X, Y), start=part)
    for a, b in zip(jax.tree.leaves(whole.weights), jax.tree.leaves(rest.weights), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "layers",
    [
        (Dropout(0.5), SimpleRNN(5, dropout=0.3, recurrent_dropout=0.2), GaussianNoise(0.1), Dense(2)),
        (Dropout(0.5, noise_shape=(16, 1, 3)), SimpleRNN(5), Dense(2)),
        (Reshape((2, 2, 3)), RandomFlip(), RandomRotation(0.1), Conv2D(2, 1), Flatten(), Dense(2)),
    ],
)
def test_noise_is_that_of_the_whole_batch(layers, monkeypatch):
    """Drawn for all rows, a share taken: neither the number of devices nor a population changes it."""
    plan = PLAN.edit(
        layers=layers, weight_noise=0.1, shuffle=False, batch_size=16 if layers[0] == Dropout(0.5, (16, 1, 3)) else 32
    )
    data = (X[:64], Y[:64])
    run = train(plan, data) if plan.batch_size == 16 else compare(plan, data, monkeypatch)
    member = train([plan, plan.edit(seed=9)], data)[0]
    agree(ravel_pytree(member.weights)[0], ravel_pytree(run.weights)[0], 1e-9)


class Own(Layer):
    """A layer of the user's may look at the batch as a whole."""

    def apply(self, w, x, ctx):
        return x - x.mean(0)


@pytest.mark.parametrize(
    "plan",
    [
        PLAN.edit(layers=(Dense(2),)),
        PLAN.edit(layers=(Own(), SimpleRNN(5), Dense(2))),
        PLAN.edit(layers=(Bidirectional(SimpleRNN(5, activity_regularizer="l2")), Dense(2))),
        PLAN.edit(layers=(Residual([Own()]), SimpleRNN(5), Dense(2))),
        PLAN.edit(layers=(SimpleRNN(5), Dense(2, activation=lambda z: z - z.mean(0)))),
        PLAN.edit(loss="rmse"),
        PLAN.edit(mixup=0.2),
        PLAN.edit(batch_size=31),
        PLAN.edit(batch_size=8),
    ],
)
def test_what_needs_the_whole_batch_is_not_split(plan):
    assert supervised.program_of(plan.structure, (4, 3)).shards(plan.batch_size) == 1


def in_pieces(plan, data, monkeypatch):
    """Whether a device takes its rows in several pieces, however few they are."""
    monkeypatch.setattr(pieces, "SHARE", 1.0)
    monkeypatch.setattr(pieces, "EACH_WEIGHT", 0.0)
    monkeypatch.setattr(pieces, "LEAST", 4)
    monkeypatch.setattr(pieces, "PLACES", 1)
    network = plan.network(data[0].shape[1:])
    return pieces.pieces(network, plan.batch_size // 2, 8)


IMAGES = RNG.normal(size=(70, 4, 4, 2))


@pytest.mark.parametrize(
    "layers",
    [
        (Conv2D(3, 2, activation="relu"), Flatten(), Dense(2)),
        (Conv2D(3, 2), Dropout(0.4), RandomFlip(), Flatten(), GaussianNoise(0.1), Dense(2)),
        (Residual([Conv2D(2, 3, padding="same")]), Flatten(), Dense(2, kernel_regularizer="l2")),
        (Normalization(mean=0.1, variance=2.0), Conv2D(2, 3), Flatten(), Dense(4), Sampling(0.3), Dense(2)),
        (BatchNormalization(trainable=False), Conv2D(2, 3), Flatten(), Dense(2)),
    ],
)
def test_rows_in_pieces_equal_rows_at_once(layers, monkeypatch):
    """Partial batches, weights of rows and penalties, random numbers and metrics included."""
    plan, data = PLAN.edit(layers=layers, weight_noise=0.1), Data.of(IMAGES, Y, RNG.random(70), (IMAGES[:33], Y[:33]))
    assert in_pieces(plan, (IMAGES, Y), monkeypatch) == 4
    compare(plan, data, monkeypatch)


@pytest.mark.parametrize(
    ("layers", "waiting"),
    [
        ((Conv2D(3, 2), Flatten(), Dropout(0.3), Dense(5, "tanh"), Maxout(4), Dense(2, use_bias=False)), {3, 4, 5}),
        ((Conv2D(3, 2), Dense(2), Flatten(), Dense(3, trainable=False), Dense(2)), {4}),
        ((Residual([Dense(2)]), Conv2D(3, 2), Reshape((9, 3)), TimeDistributed(Dense(1)), Flatten(), Dense(2)), {5}),
    ],
)
def test_matrices_that_wait_for_the_slope_of_all_rows(layers, waiting, monkeypatch):
    """Those of rows of one axis alone; without penalties on weights, which ask for slopes at once."""
    plan, data = PLAN.edit(layers=layers, weight_noise=0.1, l2=0.0), Data.of(IMAGES, Y, RNG.random(70))
    assert in_pieces(plan, (IMAGES, Y), monkeypatch) == 4
    network = plan.network(IMAGES.shape[1:])
    trained = network.init(0)[0]
    assert pieces._waiting(plan, network, trained) == waiting
    assert not pieces._waiting(plan.edit(l2=1e-3), network, trained)
    compare(plan, data, monkeypatch)


def test_a_member_equals_the_plan_in_pieces(monkeypatch):
    plan = PLAN.edit(layers=(Conv2D(3, 2), Dropout(0.4), Flatten(), Dense(2)))
    assert in_pieces(plan, (IMAGES, Y), monkeypatch) == 4
    member, single = train([plan, plan.edit(seed=5)], (IMAGES, Y))[0], train(plan, (IMAGES, Y))
    agree(ravel_pytree(member.weights)[0], ravel_pytree(single.weights)[0], 1e-9)


@pytest.mark.parametrize(
    ("layers", "x"),
    [
        ((SimpleRNN(5), Dense(2)), X),
        ((Conv2D(3, 2), BatchNormalization(), Flatten(), Dense(2)), IMAGES),
        ((Masking(), Conv1D(3, 2), Flatten(), Dense(2)), X),
        ((Embedding(6, 3, mask_zero=True), Conv1D(3, 2), Flatten(), Dense(2)), np.zeros((70, 4), int)),
        ((Conv2D(3, 2), Flatten(), Dense(4), Sampling(warm_up=9.0), Dense(2)), IMAGES),
        ((SpectralNormalization(Conv2D(3, 2)), Flatten(), Dense(2)), IMAGES),
        ((Reshape((2, 2, 3)), Residual([Conv2D(3, 1), BatchNormalization()]), Flatten(), Dense(2)), X),
    ],
)
def test_what_goes_step_by_step_or_keeps_something_is_in_one_piece(layers, x, monkeypatch):
    assert in_pieces(PLAN.edit(layers=layers), (x, Y), monkeypatch) == 1


def test_pieces_are_equal_and_no_smaller_than_they_need_to_be(monkeypatch):
    monkeypatch.setattr(pieces, "EACH_WEIGHT", 0.0)
    network = PLAN.edit(layers=(Conv2D(32, 3), Flatten(), Dense(2))).network((34, 34, 1))
    each = 4 * network.gives()
    assert [pieces.pieces(network, rows, 4) for rows in (1, 8, 15, 37)] == [1, 1, 1, 1]
    for rows in (64, 96, 200):
        count = pieces.pieces(network, rows, 4)
        assert rows % count == 0
        assert rows * each / count <= pieces.SHARE
        assert not any(rows % n == 0 and rows * each / n <= pieces.SHARE for n in range(1, count))
