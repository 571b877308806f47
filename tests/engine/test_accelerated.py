"""What the engine does otherwise on a GPU, as far as a CPU can show it; the rest of the suite runs on both."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jindan.engine import compiling, devices, shape, waves
from jindan.engine.data import Data
from jindan.engine.train import train
from jindan.layers import Conv2D, Dense, Flatten
from jindan.plan import Plan

from .helpers import EXACT, ON_CPU, same_run

pytestmark = ON_CPU

PLAN = Plan((Dense(4, activation="tanh"), Dense(1)), loss="mse", batch_size=8, epochs=3, dtype="float64")
RNG = np.random.default_rng(417)
DATA = Data.of(RNG.normal(size=(30, 3)), RNG.normal(size=(30, 1)))


@pytest.fixture
def gpu(monkeypatch):
    """The engine believes that it runs on a GPU."""
    for room in (devices, compiling, shape, waves):
        monkeypatch.setattr(room, "accelerated", lambda: True)


def test_all_members_lie_side_by_side(gpu):
    assert shape.layout(100, 1e10, 1) == shape.Layout(devices=1, turns=1, tile=100)
    lay = shape.layout(5000, 1.0, 1)
    assert (lay.turns, lay.tile) == (2, 2500)


def test_members_side_by_side_each_need_room_for_their_activations(gpu):
    own, shared = waves.footprint(PLAN, DATA)
    wide, same = waves.footprint(PLAN.edit({"batch_size": 24}), DATA)
    assert wide > own
    assert same == shared


def test_members_are_those_of_a_cpu(gpu, monkeypatch):
    plans = [PLAN.edit({"seed": k}) for k in range(5)]
    together = train(plans, DATA)
    monkeypatch.undo()
    for run, plan in zip(together, plans, strict=True):
        same_run(run, train(plan, DATA), EXACT)


def test_products_keep_all_their_digits(gpu):
    def form():
        return str(jax.make_jaxpr(lambda a: a @ a)(np.ones((2, 2), np.float32)))

    plain = form()
    with devices.width("float32"):
        assert jax.config.jax_default_matmul_precision == "float32"
        exact = form()
    assert form() == plain != exact
    with jax.default_matmul_precision("tensorfloat32"), devices.width("float32"):  # what the user chose stays
        assert jax.config.jax_default_matmul_precision == "tensorfloat32"


def test_a_cpu_multiplies_as_jax_comes():
    with devices.width("float32"):
        assert jax.config.jax_default_matmul_precision is None


def test_the_compiler_does_not_try_every_way_to_multiply(gpu, monkeypatch):
    wanted = compiling.known(compiling.ACCELERATED) or None
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    assert compiling.usual() == wanted
    assert compiling.options("a program", 1.0) == wanted
    assert compiling.options("a program", 1e3) is None  # worth all that the compiler can do
    with compiling.briefly():  # quick code is a CPU's
        assert compiling.options("a program", 1e-3) == wanted
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_enable_triton_gemm=true")
    assert compiling.usual() is None
    assert float(compiling.jit(lambda a: a + 1)(1.0)) == 2.0


def test_convolutions_are_the_librarys(monkeypatch):
    from jindan.ops import convolution as door

    x, kernel = RNG.normal(size=(2, 7, 6, 4)), RNG.normal(size=(3, 2, 4, 5))
    ours = door.convolution(x, kernel, strides=(2, 1), padding=((1, 0), (0, 2)))
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    # Sums of 24 terms in another order, in float32 unless float64 is on.
    np.testing.assert_allclose(
        door.convolution(x, kernel, strides=(2, 1), padding=((1, 0), (0, 2))), ours, rtol=0, atol=1e-5
    )


def test_a_network_of_images_says_the_same_by_the_librarys_convolution(monkeypatch):
    from jindan.engine import forward

    plan = Plan((Conv2D(9, 3), Flatten(), Dense(2)), loss="mse", epochs=1, seed=0)
    x = RNG.normal(size=(4, 8, 8, 8)).astype(np.float32)
    run = train(plan, (x, np.zeros((4, 2), np.float32)))
    ours = forward.predict(run.plan, (8, 8, 8), run.weights, x)
    forward._predictor.cache_clear()
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    theirs = forward.predict(run.plan, (8, 8, 8), run.weights, x)
    forward._predictor.cache_clear()
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-4)  # sums of 72 terms, once by Winograd's transforms
