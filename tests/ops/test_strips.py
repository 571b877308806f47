"""Few channels convolved in pairs of outputs: values and slopes are the library's, for one network and for many."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jindan.ops import strips
from jindan.ops.convolution import convolution
from jindan.ops.windows import pad

CASES = [
    # space, channels, window, filters, padding
    ((7, 7), 1, (3, 3), 8, ((0, 0), (0, 0))),
    ((6, 5), 3, (3, 3), 4, ((1, 1), (1, 1))),
    ((9, 4), 2, (2, 4), 33, ((0, 1), (2, 1))),
    ((3, 3), 1, (3, 3), 1, ((0, 0), (0, 0))),
    ((8, 9), 7, (5, 2), 3, ((-1, 0), (0, -2))),
    ((4, 6), 5, (1, 3), 2, ((0, 0), (1, 1))),
    ((11,), 1, (4,), 6, ((3, 0),)),
    ((2,), 6, (2,), 1, ((0, 0),)),
    ((12,), 3, (7,), 40, ((3, 3),)),
]


def by_library(x, kernel, padding):
    names = ("NWC", "WIO", "NWC") if kernel.ndim == 3 else ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(
        pad(x, padding), kernel, (1,) * len(padding), "VALID", dimension_numbers=names, precision="highest"
    )


def slopes(function):
    """Values of a convolution and both its slopes, compiled as one."""

    @jax.jit
    def compiled(x, kernel, dy):
        y, back = jax.vjp(function, x, kernel)
        return y, *back(dy)

    return compiled


def numbers(shape, seed):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


@pytest.mark.parametrize(("space", "channels", "window", "filters", "padding"), CASES)
@pytest.mark.parametrize("rows", [1, 3])
def test_values_and_slopes(space, channels, window, filters, padding, rows):
    x, kernel = numbers((rows, *space, channels), 0), numbers((*window, channels, filters), 1)
    dy = numbers(jax.eval_shape(lambda x, k: by_library(x, k, padding), x, kernel).shape, 2)
    wanted, *back = slopes(lambda x, k: by_library(x, k, padding))(x, kernel, dy)
    found = jax.jit(lambda x, k: strips.convolved(pad(x, padding), k))(x, kernel)
    # Sums of at most 70 products, in another order.
    np.testing.assert_allclose(found, wanted, atol=2e-5)
    slope = jax.jit(lambda x, dy: strips.kernel_slope(pad(x, padding), dy, window))(x, dy)
    np.testing.assert_allclose(slope, back[1], atol=5e-5)
    door, *own = slopes(lambda x, k: convolution(x, k, padding=padding))(x, kernel, dy)
    np.testing.assert_allclose(door, wanted, atol=2e-5)
    for mine, theirs in zip(own, back, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=5e-5)


def test_a_kernel_for_each_member():
    x, kernels = numbers((4, 2, 6, 7, 3), 0), numbers((4, 3, 3, 3, 5), 1)

    def own(x, k):
        y, back = jax.vjp(convolution, x, k)
        return y, *back(jnp.cos(y))

    one = jax.jit(own)
    for together in (x, x[0]):
        many = jax.jit(jax.vmap(own, (0 if together is x else None, 0)))(together, kernels)
        alone = [one(together[i] if together is x else together, k) for i, k in enumerate(kernels)]
        for mine, each in zip(many, zip(*alone, strict=True), strict=True):
            np.testing.assert_allclose(mine, each, atol=5e-5)


def test_no_rows_and_other_widths():
    kernel = numbers((3, 3, 3, 5), 1)
    none, slope = jax.jit(
        lambda x, dy: (strips.convolved(x, kernel), strips.kernel_slope(x, dy, (3, 3)))
    )(np.zeros((0, 6, 6, 3), np.float32), np.zeros((0, 4, 4, 5), np.float32))  # fmt: skip
    assert none.shape == (0, 4, 4, 5)
    assert not np.asarray(slope).any()
    x = numbers((2, 6, 6, 3), 0)
    half, full = (jax.jit(convolution)(x.astype(dtype), kernel.astype(dtype)) for dtype in (jnp.bfloat16, jnp.float32))
    assert half.dtype == jnp.bfloat16
    # Eight bits of digits.
    np.testing.assert_allclose(np.asarray(half, np.float32), full, atol=0.1)


def test_where_it_is_taken():
    one, same = (1, 1), (1, 1)
    assert strips.suits(1, 8, (3, 3), one, same)
    assert not strips.suits(1, 16, (3, 3), one, same)
    assert strips.suits(1, 16, (3, 3), one, same, slope=True)
    assert strips.suits(3, 64, (7, 7), one, same)
    assert not strips.suits(8, 8, (3, 3), one, same)
    assert not strips.suits(3, 8, (3, 3), (2, 2), same)
    assert not strips.suits(3, 8, (3, 3), one, (1, 2))
    assert not strips.suits(3, 8, (3, 1), one, same)
    assert not strips.suits(3, 8, (11, 11), one, same)
    assert not strips.suits(3, 8, (3, 3, 3), (1, 1, 1), (1, 1, 1))
