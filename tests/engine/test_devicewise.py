"""Programs written for each device give the same without XLA's partitioner as with it."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.sharding import PartitionSpec as P

from jindan.engine import compiling, devices, devicewise, supervised
from jindan.engine.data import Data
from jindan.engine.train import train
from jindan.layers import Dense, SimpleRNN
from jindan.plan import Plan

from .helpers import ON_CPU, forget

pytestmark = [
    ON_CPU,
    pytest.mark.skipif(len(jax.devices("cpu")) < 2, reason="there is one CPU device only"),
]
SPLIT, ALL = P(devices.ROWS), P()


def looped(a, b):
    def turn(k, carry):
        return carry + lax.psum(a * k, devices.ROWS) * b.sum()

    return lax.fori_loop(0, 3, turn, jnp.zeros_like(a))


PROGRAMS = {
    "a sum": (lambda a, b: lax.psum(a, devices.ROWS) + b.sum(), ALL),
    "parts": (lambda a, b: a * 2 + b[0], SPLIT),
    "its place": (lambda a, b: a + lax.axis_index(devices.ROWS) + b[1], SPLIT),
    "gathered": (lambda a, b: lax.all_gather(a, devices.ROWS, tiled=True) * b[2], ALL),
    "an argument not used": (lambda a, b: b + 1, ALL),
    "an argument handed on": (lambda a, b: (b, a), (ALL, SPLIT)),
    "one thing twice": (lambda a, b: (a + b[0],) * 2, (SPLIT, SPLIT)),
    "a large constant": (lambda a, b: a + np.arange(3.0, dtype=np.float32) + b[0], SPLIT),
    "a loop": (looped, ALL),
    "random numbers": (lambda a, b: a + jax.random.normal(jax.random.key(3), a.shape), SPLIT),
    "asks Python": (
        lambda a, b: a + jax.pure_callback(lambda v: np.asarray(v) * 2, jax.ShapeDtypeStruct((3,), "float32"), b),
        SPLIT,
    ),
}


def placed():
    numbers = np.random.default_rng(1)
    a, b = numbers.normal(size=6).astype("float32"), numbers.normal(size=3).astype("float32")
    return jax.device_put(a, devices.split(2, devices.ROWS)), jax.device_put(b, devices.replicated(2, devices.ROWS))


@pytest.mark.filterwarnings("ignore:Some donated buffers were not usable")
@pytest.mark.parametrize("name", PROGRAMS)
def test_as_by_the_partitioner(name):
    run, found = PROGRAMS[name]
    mesh = devices.mesh(2)
    usual = jax.jit(jax.shard_map(run, mesh=mesh, in_specs=(SPLIT, ALL), out_specs=found, check_vma=False))(*placed())
    lowered = devicewise.jit(run, mesh, (SPLIT, ALL), found).lower(*placed())
    program = devicewise.compiled(lowered, None)
    assert devicewise.MARK in program.as_text().splitlines()[0]
    direct = program(*placed())
    for a, b in zip(jax.tree.leaves(usual), jax.tree.leaves(direct), strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.sharding.is_equivalent_to(b.sharding, a.ndim)


def part(spec, scale):
    return jax.shard_map(lambda v: v * scale, mesh=devices.mesh(2), in_specs=spec, out_specs=spec, check_vma=False)


LEFT = {
    "a sum outside": lambda a, b: part(SPLIT, 2)(a) + b.sum(),
    "a part that is not the wrapper's": lambda a, b: (part(ALL, 2)(b), a * 3),
    "two wrappers": lambda a, b: (part(SPLIT, 2)(a), part(ALL, 3)(b)),
    "no wrapper": lambda a, b: a.sum() + b,
}


@pytest.mark.parametrize("name", LEFT)
def test_what_has_to_be_parted_is_left_to_the_partitioner(name):
    usual = jax.jit(LEFT[name])
    lowered = usual.lower(*placed())
    before = lowered.as_text()
    assert not devicewise.unwrapped(lowered)
    assert lowered.as_text() == before
    found = devicewise.compiled(lowered, None)(*placed())
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(usual(*placed())), strict=True):
        np.testing.assert_array_equal(one, other)


def test_programs_of_one_device_are_compiled_as_ever():
    alone = jax.jit(lambda a: a + 1).lower(np.ones(3))
    assert not devicewise.unwrapped(alone)
    assert list(devicewise.compiled(alone, None)(np.ones(3))) == [2, 2, 2]


def fits(how):
    numbers = np.random.default_rng(2)
    data = Data(numbers.normal(size=(40, 5, 3)), numbers.normal(size=(40, 1)))
    plan = Plan((SimpleRNN(6), Dense(1)), loss="mse", batch_size=32, epochs=2, seed=4, dtype="float64")
    if how == "rows":
        return [train(plan, data)]
    return train([replace(plan, seed=seed) for seed in range(5)], data)


@pytest.mark.parametrize("how", ["rows", "members"])
def test_trainings_take_that_way(how, monkeypatch):
    monkeypatch.setattr(supervised, "ENOUGH", 0)
    monkeypatch.setattr(supervised, "EACH_WEIGHT", 0)
    taken = []
    real = devicewise.unwrapped
    monkeypatch.setattr(devicewise, "unwrapped", lambda lowered: taken.append(real(lowered)) or taken[-1])
    forget()
    direct = fits(how)
    assert taken == [True]
    monkeypatch.setenv("XLA_FLAGS", "--xla_disable_hlo_passes=none")  # the user's word on passes stays
    forget()
    usual = fits(how)
    assert taken == [True]
    for a, b in zip(direct, usual, strict=True):
        for one, other in zip(jax.tree.leaves(a.weights), jax.tree.leaves(b.weights), strict=True):
            # XLA may fuse what it has gone through twice otherwise: a rounding of float64.
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_options_of_the_compiler_are_kept():
    given = {"xla_disable_hlo_passes": "reshape-mover", "xla_backend_optimization_level": 1}
    seen = {}

    class Lowered:
        def compile(self, options):
            seen.update(options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(devicewise, "unwrapped", lambda lowered: True)
        compiling.compiled(Lowered(), given)
    assert seen == {**given, "xla_disable_hlo_passes": f"reshape-mover,{devicewise.PARTITIONER}"}
    assert given["xla_disable_hlo_passes"] == "reshape-mover"
