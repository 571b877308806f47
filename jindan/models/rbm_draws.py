"""Cheap random numbers for sampling: a hash of (key, place), several times as fast on a CPU as JAX's own."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from ..engine.shuffle import mix

Array = jax.Array
GOLDEN = 0x9E3779B9


def bits(key: Array, shape: tuple[int, ...]) -> Array:
    """32 random bits for each place: mix(mix(g·i + k₀) ⊕ k₁), with the mixer of `engine.shuffle` and the key (k₀, k₁).

    A key gives each member of a population the same bits alone and side by side, which JAX's `rbg` does not.
    """
    words = jax.random.key_data(key) if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else key
    places = jnp.arange(math.prod(shape), dtype=jnp.uint32).reshape(shape)
    return mix(mix(places * jnp.uint32(GOLDEN) + words[0]) ^ words[-1])


def uniform(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """Uniform on [0, 1), in steps of 2⁻²⁴."""
    return (bits(key, shape) >> 8).astype(dtype) * jnp.asarray(2.0**-24, dtype)


def bernoulli(key: Array, probability: Array) -> Array:
    """1 with the given probability, else 0, in its dtype."""
    return (uniform(key, probability.shape, probability.dtype) < probability).astype(probability.dtype)


def normal(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """Standard normal: √2 · erf⁻¹(2u − 1 + 2⁻²⁴), u in steps of 2⁻²⁴: the middle of each step.

    The sum is exact in float32 and never ±1, where the inverse is infinite.
    """
    u = uniform(key, shape, dtype)
    root, half = (jnp.asarray(number, dtype) for number in (2.0**0.5, 2.0**-24))
    return root * jax.scipy.special.erfinv((2 * u - 1) + half)
