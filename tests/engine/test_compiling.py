"""Code that is made fast: numbers of the same sense, and chosen by the size of trainings alone."""

import numpy as np
import pytest

from jindan.engine import compiling
from jindan.engine.data import Data
from jindan.engine.train import train
from jindan.layers import LSTM, BatchNormalization, Conv2D, Dense, Dropout, Flatten, LayerNormalization, MaxPooling2D
from jindan.losses import SparseCategoricalCrossentropy
from jindan.optimizers import Adam
from jindan.plan import Plan

from .helpers import ON_CPU

NETWORKS = {
    "dense": ((6,), (Dense(9, "tanh"), Dropout(0.2), LayerNormalization(), Dense(7, "gelu"), Dense(3, "softmax"))),
    "images": (
        (6, 6, 1),
        (Conv2D(8, 3, activation="relu"), BatchNormalization(), MaxPooling2D(2), Flatten(), Dense(3, "softmax")),
    ),
    "sequences": ((5, 3), (LSTM(7), Dense(3, "softmax"))),
}


def trained(name):
    shape, layers = NETWORKS[name]
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(20, *shape)).astype("float32")
    data = Data(x, numbers.integers(0, 3, 20))
    plan = Plan(layers, loss=SparseCategoricalCrossentropy(), optimizer=Adam(0.01), batch_size=8, epochs=3, seed=5)
    return train(plan, data)


def numbers_of(run):
    import jax

    return [np.asarray(leaf) for leaf in jax.tree.leaves(run.weights)]


@ON_CPU
@pytest.mark.parametrize("name", NETWORKS)
def test_short_trainings_in_a_study_get_quick_code_of_the_same_sense(name, monkeypatch):
    usual = trained(name)
    asked = []
    real = compiling.options
    monkeypatch.setattr(compiling, "options", lambda *given, **named: asked.append(real(*given, **named)) or asked[-1])
    with compiling.briefly():
        quick = trained(name)
    assert asked == [compiling.known(compiling.QUICK)]
    for a, b in zip(numbers_of(usual), numbers_of(quick), strict=True):
        # Nine updates of float32 that are rounded otherwise.
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@ON_CPU
def test_the_code_depends_on_what_a_study_asks_of_a_program():
    quick = compiling.known(compiling.QUICK)
    assert compiling.options("a", 0.01) is compiling.USUAL
    for _ in range(2):  # a second study comes out as the first
        with compiling.briefly():
            assert compiling.options("a", 0.04) == quick
            assert compiling.options("b", 1.0) is compiling.USUAL
            with compiling.briefly():  # part of the study around it
                assert compiling.options("a", 0.04) is compiling.USUAL
            assert compiling.options("a", 0.01) is compiling.USUAL
    assert compiling.options("a", 0.01) is compiling.USUAL


@ON_CPU
def test_cores_with_a_device_each_part_no_kernels(monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    found = compiling.options("a", 1.0, each_core=True)
    assert found == {**(compiling.USUAL or {}), **compiling.EACH_CORE}
    with compiling.briefly():
        assert compiling.options("a", 0.01, each_core=True) == compiling.known(compiling.QUICK)
        assert compiling.options("a", 1.0, each_core=True) == found
    monkeypatch.setenv("XLA_FLAGS", "--xla_disable_hlo_passes=cse")  # the user's own choice of passes
    assert compiling.options("a", 1.0, each_core=True) is compiling.USUAL


def test_options_that_the_compiler_lacks_are_left_out():
    assert compiling.known({"xla_backend_optimization_level": 0, "xla_no_such_option": 1}) == {
        "xla_backend_optimization_level": 0
    }
