"""Weights as one vector: nothing is lost on the way, and trainings are those of weights that lie apart."""

import itertools

import jax
import numpy as np
import pytest

from jindan.engine import supervised
from jindan.engine.packing import SMALL, Packing, best
from jindan.engine.train import train
from jindan.layers import Dense
from jindan.optimizers import SGD, Adam
from jindan.plan import Plan

from .helpers import forget

RNG = np.random.default_rng(417)
TREE = ({"kernel": (3, 4), "bias": (4,)}, {"kernel": (2, 3, 1)}, {}, {"kernel": (4, 4), "bias": (4,), "gain": (4,)})
TREE = tuple({name: RNG.normal(size=shape).astype("float32") for name, shape in layer.items()} for layer in TREE)


@pytest.mark.parametrize("movable", [False, True])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("most", [None, 6, 4])
@pytest.mark.parametrize("slots", [0, 2])
def test_a_state_comes_out_as_it_went_in(most, turned, movable, slots):
    how = Packing.of(TREE, turned=turned, most=most, movable=movable)
    leaves = jax.tree.leaves(TREE)
    memory = tuple(tuple(leaf + k for k in range(1, slots + 1)) for leaf in leaves)
    state = {"trained": TREE, "optimizer": {"step": 3, "slots": memory}, "best": {"trained": TREE}}
    packed = how.enter(state, np)
    assert (
        len(packed["trained"])
        == len(packed["optimizer"]["slots"])
        == 1 + sum(leaf.size > (most or leaf.size) for leaf in leaves)
    )
    for found, wanted in zip(jax.tree.leaves(how.leave(packed)), jax.tree.leaves(state), strict=True):
        np.testing.assert_array_equal(found, wanted)
    within = jax.jit(lambda t: how.unpack(how.pack(jax.tree.leaves(t))))(TREE)
    for found, wanted in zip(jax.tree.leaves(within), leaves, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_what_is_packed():
    def network(*units):
        pairs = itertools.pairwise(units)
        return tuple({"kernel": np.zeros(pair), "bias": np.zeros(pair[1])} for pair in pairs)

    assert best(network(4, 3)[0]["kernel"], False) is None
    assert best(network(4, 8, 3), False).most is None
    assert best(network(300, 200, 200, 3), False).inside == (True, False, True, False, True, True)
    assert best(network(300, 200, SMALL + 1), False) is None
    assert best(network(300, 200, 200, 3), True).most is None


@pytest.mark.parametrize("optimizer", [Adam(), SGD(0.05)], ids=["adam", "sgd"])
def test_biases_beside_large_weights_train_as_they_would_apart(optimizer, monkeypatch):
    layers = (Dense(150, activation="relu"), Dense(150, activation="tanh"), Dense(3, activation="softmax"))
    plan = Plan(layers, "sparse_categorical_crossentropy", optimizer, epochs=4, batch_size=8, seed=3)
    data = RNG.normal(size=(30, 5)), RNG.integers(0, 3, 30)
    whole = train(plan, data)
    resumed = train(plan, data, start=train(plan, data, until=(2, 1)))
    for a, b in zip(jax.tree.leaves(whole.weights), jax.tree.leaves(resumed.weights), strict=True):
        np.testing.assert_array_equal(a, b)
    asked = []
    monkeypatch.setattr(supervised, "best", lambda *given: asked.append(given))
    forget()
    apart = train(plan, data)
    assert asked
    forget()
    for a, b in zip(jax.tree.leaves(whole.weights), jax.tree.leaves(apart.weights), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)  # float32, other kernels
