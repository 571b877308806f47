"""Small data, plans and comparisons the engine's tests share."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jindan.engine import group, loop, supervised
from jindan.engine.devices import accelerated
from jindan.layers import Dense
from jindan.plan import Plan

ON_CPU = pytest.mark.skipif(accelerated(), reason="it is about what is done on a CPU alone")
EXACT = 1e-9  # between implementations, or one and many members: sums in another order, over many float64 steps


def close(actual, reference, tolerance=EXACT):
    """max |Δ| ≤ tolerance · max |reference|."""
    actual, reference = np.asarray(actual, np.float64), np.asarray(reference, np.float64)
    assert actual.shape == reference.shape
    worst = np.max(np.abs(actual - reference), initial=0.0)
    assert worst <= tolerance * max(np.max(np.abs(reference), initial=0.0), 1e-3), (worst, actual, reference)


def leaves(run):
    """All weights of a run as a list of arrays."""
    return [np.asarray(leaf) for leaf in jax.tree.leaves(run.weights)]


def same_run(run, other, tolerance=EXACT):
    """Two runs hold the same numbers: weights, history, epochs, decisions."""
    for ours, theirs in zip(leaves(run), leaves(other), strict=True):
        close(ours, theirs, tolerance)
    assert run.history.keys() == other.history.keys()
    for name, values in other.history.items():
        close(run.history[name], values, tolerance)
    for field in ("epochs", "steps", "best_epoch", "stopped_early", "first_nonfinite"):
        assert getattr(run, field) == getattr(other, field), field


def same_bits(run, other):
    """Two runs are equal to the last bit."""
    for ours, theirs in zip(leaves(run), leaves(other), strict=True):
        assert ours.tobytes() == theirs.tobytes()
    for name, values in other.history.items():
        assert np.asarray(run.history[name]).tobytes() == np.asarray(values).tobytes(), name
    for field in ("epochs", "steps", "best_epoch", "stopped_early", "first_nonfinite"):
        assert getattr(run, field) == getattr(other, field), field
    memory, others = (jax.tree.leaves(r.state["optimizer"]) for r in (run, other))
    assert all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(memory, others, strict=True))


def blobs(rows=14, features=3, classes=3, seed=0):
    """Inputs, class numbers and one-hot targets."""
    rng = np.random.default_rng(seed)
    labels = np.arange(rows) % classes
    x = rng.normal(size=(rows, features)) + 1.5 * rng.normal(size=(classes, features))[labels]
    return x, labels, np.eye(classes)[labels]


def line(rows=10, features=2, seed=0):
    """A regression of one output."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features))
    return x, x @ rng.normal(size=(features, 1)) + 0.3 * rng.normal(size=(rows, 1))


def classifier(**settings):
    """3-4-3 with tanh and softmax, in float64."""
    base = {
        "loss": "categorical_crossentropy",
        "optimizer": "sgd",
        "batch_size": 4,
        "epochs": 5,
        "seed": 1,
        "dtype": "float64",
    }
    return Plan((Dense(4, activation="tanh"), Dense(3, activation="softmax")), **{**base, **settings})


def regressor(**settings):
    """One linear layer, in float64."""
    base = {"loss": "mse", "optimizer": "sgd", "batch_size": 4, "epochs": 5, "seed": 1, "dtype": "float64"}
    return Plan((Dense(1),), **{**base, **settings})


def forget():
    """Let programs go that know how their weights are packed and their rows fetched."""
    supervised.program_of.cache_clear()
    loop.compiled_loop.cache_clear()
    group._EXECUTABLES.clear()
