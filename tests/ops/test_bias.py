"""Adding a bias: values, both slopes, and those of many rows, in every width of numbers."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

from jindan.ops.bias import MANY, add_bias

RNG = np.random.default_rng(417)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5, 2), (MANY, 3), (4, 20, 20, 7), (0, 3)])
def test_slopes_are_sums(shape, x64):
    y, bias, slope = (jnp.asarray(RNG.normal(size=s)) for s in (shape, shape[-1:], shape))
    found, back = jax.vjp(add_bias, y, bias)
    np.testing.assert_array_equal(found, y + bias)
    dy, dbias = back(slope)
    np.testing.assert_array_equal(dy, slope)
    agree(dbias, np.asarray(slope).reshape(-1, shape[-1]).sum(0), 1e-12)  # sums in another order


def test_half_precision_is_summed_in_full():
    y = jnp.ones((4096, 2), jnp.bfloat16)
    dy, dbias = jax.vjp(add_bias, y, jnp.zeros(2, jnp.bfloat16))[1](y)
    assert (dy.dtype, dbias.dtype) == (jnp.bfloat16, jnp.bfloat16)
    assert dbias.tolist() == [4096, 4096]  # one by one, the sum would stop at 256
