"""Pooling against PyTorch: values and slopes, ties, windows that overlap, padding that does not count."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

from jindan.ops.pooling import average_pool, max_pool, same_padding

torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")

# lengths, windows, strides, cells of padding on both sides
CASES = {
    "tiles": ((8,), (2,), (2,), (0,)),
    "tiles with a rest": ((7, 5), (2, 2), (2, 2), (0, 0)),
    "tiles of many cells": ((13, 7), (6, 6), (6, 6), (0, 0)),
    "uneven tiles": ((6, 9), (2, 3), (2, 3), (0, 0)),
    "overlapping": ((7,), (3,), (2,), (0,)),
    "overlapping and padded": ((7, 9), (3, 3), (2, 2), (1, 1)),
    "every place": ((5, 4), (3, 3), (1, 1), (1, 1)),
    "gaps": ((8,), (2,), (3,), (0,)),
    "mixed": ((5, 5), (3, 2), (1, 3), (0, 0)),
    "one cell": ((1,), (1,), (1,), (0,)),
}
KINDS = {"max": (max_pool, {}), "avg": (average_pool, {"count_include_pad": False})}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CASES)
def test_as_in_torch(name, kind, x64):
    lengths, windows, strides, cells = CASES[name]
    pool, more = KINDS[kind]
    rng = np.random.default_rng(417)
    x = rng.normal(size=(2, *lengths, 3))
    theirs = torch.tensor(np.moveaxis(x, -1, 1).copy(), requires_grad=True)
    ty = getattr(torch.nn.functional, f"{kind}_pool{len(lengths)}d")(theirs, windows, strides, cells, **more)
    mix = rng.normal(size=ty.shape)
    ty.backward(torch.tensor(mix))

    def both(x, mix):
        y, back = jax.vjp(lambda x: pool(x, windows, strides, tuple((c, c) for c in cells)), x)
        return y, back(mix)[0]

    y, dx = jax.jit(both)(x, np.moveaxis(mix, 1, -1))
    agree(y, ty.detach().movedim(1, -1).numpy(), 1e-15)
    agree(dx, theirs.grad.movedim(1, -1).numpy(), 1e-14)  # up to nine shares, summed in another order


@pytest.mark.parametrize("strides", [(2, 2), (1, 1)])
def test_equal_cells_share_the_slope(strides):
    """Any split among equals is a subgradient; ours is the even one, and what comes in goes out."""
    x = jnp.zeros((1, 4, 4, 1))
    y, back = jax.vjp(lambda x: max_pool(x, (2, 2), strides, ((0, 0), (0, 0))), x)
    (dx,) = back(jnp.ones_like(y))
    assert float(jnp.sum(dx)) == pytest.approx(y.size)
    assert float(dx[0, 0, 0, 0]) == pytest.approx(0.25)


@pytest.mark.parametrize("strides", [(2,), (1,)])
def test_a_population_equals_a_loop(strides):
    x = np.random.default_rng(417).normal(size=(3, 2, 6, 2)).astype(np.float32)
    slope = jax.grad(lambda x: jnp.sum(jnp.sin(max_pool(x, (2,), strides, ((0, 0),)))))
    together = jax.jit(jax.vmap(slope))(x)
    for member, rows in zip(together, x, strict=True):
        agree(member, slope(rows), 1e-6)


def test_padding_never_wins():
    y = max_pool(jnp.full((1, 3, 1), -5.0), (2,), (2,), ((0, 1),))
    assert y.ravel().tolist() == [-5, -5]


@pytest.mark.parametrize("n", [1, 4, 5, 7])
@pytest.mark.parametrize(("window", "stride", "gap"), [(1, 1, 1), (2, 2, 1), (3, 2, 1), (3, 1, 2), (2, 3, 1)])
def test_same_padding_gives_length_over_stride(n, window, stride, gap):
    ((low, high),) = same_padding((n,), (window,), (stride,), (gap,))
    assert 0 <= high - low <= 1
    outputs = (n + low + high - gap * (window - 1) - 1) // stride + 1
    assert outputs == -(-n // stride)


def test_a_largest_cell_that_is_computed_anew_and_rounded_otherwise_does_no_harm():
    """XLA's older emitters compute a thin convolution again in the slope's kernels: no cell then equals the largest."""
    from jindan.engine.compiling import known
    from jindan.ops.convolution import convolution

    if not known({"xla_cpu_use_fusion_emitters": False}):
        pytest.skip("this XLA has no older emitters")
    rng = np.random.default_rng(417)
    x, kernel = (rng.normal(size=s).astype(np.float32) for s in ((40, 28, 28, 1), (3, 3, 1, 16)))

    def cost(kernel):
        y = convolution(x, kernel, padding=((1, 1), (1, 1)))
        return jnp.sum(jnp.tanh(max_pool(y, (2, 2), (2, 2), ((0, 0), (0, 0)))))

    slope, wanted = (jax.jit(jax.grad(cost), compiler_options={"xla_cpu_use_fusion_emitters": present})(kernel)
                     for present in (False, True))  # fmt: skip
    assert np.isfinite(slope).all()
    agree(slope, wanted, 1e-5)  # sums of 8,000 terms in float32


@pytest.mark.parametrize("strides", [(2,), (1,)])
def test_a_cell_that_is_infinite_has_the_slope(strides):
    x = jnp.array([1.0, math.inf, 3.0, 2.0, -math.inf, -math.inf]).reshape(1, 6, 1)
    y, back = jax.vjp(lambda x: max_pool(x, (2,), strides, ((0, 0),)), x)
    wanted = [0, 1, 1, 0, 0.5, 0.5] if strides == (2,) else [0, 2, 1, 1, 0.5, 0.5]
    assert back(jnp.ones_like(y))[0].ravel().tolist() == wanted
