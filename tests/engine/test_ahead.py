"""Rows fetched an update ahead, and orders of rows handed on from call to call: trainings are what they were."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jindan.callbacks import EarlyStopping
from jindan.engine import loop, shape
from jindan.engine.train import train
from jindan.layers import Dense
from jindan.ops.calls import after
from jindan.optimizers import Adam
from jindan.plan import Plan

from .helpers import forget

RNG = np.random.default_rng(31)
X, Y = RNG.normal(size=(43, 6)).astype("float32"), RNG.integers(0, 3, 43)
LAYERS = (Dense(7, activation="relu"), Dense(3, activation="softmax"))


@pytest.fixture
def small(monkeypatch):
    """As if these few rows were many, and long; gives what undoes that."""
    monkeypatch.setattr(loop, "LARGE", 1)
    monkeypatch.setattr(shape, "KEPT", 1)
    forget()
    yield monkeypatch.undo
    forget()


def plan(**other):
    settings = {"epochs": 5, "batch_size": 8, "seed": 4, **other}
    return Plan(LAYERS, "sparse_categorical_crossentropy", Adam(0.01), metrics=("accuracy",), **settings)


def same(a, b):
    for one, other in zip(jax.tree.leaves(a.weights), jax.tree.leaves(b.weights), strict=True):
        np.testing.assert_array_equal(one, other)
    assert a.history == b.history


def alike(a, b):
    for one, other in zip(jax.tree.leaves(a.weights), jax.tree.leaves(b.weights), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)  # float32, perhaps in other kernels
    for name, values in a.history.items():
        np.testing.assert_allclose(values, b.history[name], rtol=1e-4, err_msg=name)


CASES = {
    "part of a batch": ({}, (X, Y)),
    "whole batches": ({}, (X[:40], Y[:40])),
    "one batch": ({"batch_size": 64}, (X, Y)),
    "one row a batch": ({"batch_size": 1, "epochs": 2}, (X[:9], Y[:9])),
    "in order": ({"shuffle": False}, (X, Y)),
    "in order, whole batches": ({"shuffle": False}, (X[:40], Y[:40])),
    "weights of rows": ({}, (X, Y, np.linspace(0.1, 2, 43))),
    "stopping": ({"early_stopping": EarlyStopping(patience=1, monitor="loss", min_delta=0.05)}, (X, Y)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_training_is_what_it_was_however_it_is_cut(name, small):
    settings, data = CASES[name]
    ahead = train(plan(**settings), data)
    same(train(plan(**settings), data, chunk_seconds=1e-6), ahead)
    for cut in ((0, 1), (1, 0), (1, 3)):
        part = train(plan(**settings), data, until=cut)
        assert "order" not in part.state
        same(train(plan(**settings), data, start=part), ahead)
    small()
    forget()
    alike(train(plan(**settings), data), ahead)


def test_each_member_of_a_population_keeps_its_own_order(small):
    plans = [plan(seed=seed, epochs=epochs) for seed, epochs in ((4, 5), (5, 2), (6, 3), (7, 5), (8, 5))]
    found = train(plans, (X, Y), chunk_seconds=1e-6)
    for one, own in zip(found, plans, strict=True):
        alike(one, train(own, (X, Y)))
    part = train(plans, (X, Y), until=(1, 2))
    for one, whole in zip(train(plans, (X, Y), start=part), found, strict=True):
        same(one, whole)


@pytest.mark.parametrize(
    ("members", "rows", "shuffled", "kept"),
    [(1, 60_000, True, True), (100, 60_000, True, True), (1, 1_000, True, False), (1, 60_000, False, False),
     (1_000, 60_000, True, False)],
)  # fmt: skip
def test_orders_are_kept_where_that_pays_and_fits(members, rows, shuffled, kept):
    lay = shape.layout(members, 1e6, 2)
    found = shape.Shape(10, rows, rows, rows // 10, False, shuffled, 0, False, False, lay)
    assert found.keeps_order == kept


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "int32"])
def test_after_adds_nothing(dtype):
    numbers = jnp.array([jnp.nan, -jnp.inf, 3.0]).astype(dtype), jnp.array([[1.0, 2.0]]).astype(dtype)
    for tree in (numbers, numbers[::-1], jnp.zeros((0, 2), dtype), ()):
        assert float(jax.jit(after)(tree)) == 0.0
