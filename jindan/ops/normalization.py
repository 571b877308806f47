"""Standardising along axes, with the backward pass written out: one pass over the data where autodiff takes several."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

Array = jax.Array


@partial(jax.jit, static_argnums=(2, 3, 4))
def standardise(
    x: Array, mask: Array | None, axes: tuple[int, ...], epsilon: float, devices: str | None = None
) -> tuple[Array, Array, Array]:
    """x̂ = (x − μ) / √(σ² + ε), with μ and σ² (biased) over `axes`. Several of one shape are traced once.

    Args:
        x: Any shape.
        mask: Broadcasts with x: 1 for numbers that count in μ and σ², 0 for those that do not; None when all do.
        axes: Axes averaged over.
        epsilon: ε.
        devices: Name of the axis of devices that hold the other numbers to average over, or None.

    Returns:
        x̂, μ and σ² (with axes of length 1). μ and σ² carry no gradient of their own: they are for running averages.
    """
    return _standardise(x, mask, axes, epsilon, devices)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _standardise(x: Array, mask: Array | None, axes: tuple[int, ...], epsilon: float, devices: str | None) -> Any:
    return _forward(x, mask, axes, epsilon, devices)[0]


def _moments(x: Array, weight: Array | None, axes: tuple[int, ...], devices: str | None) -> tuple[Array, ...]:
    """How many numbers count (at least 1), their mean and their variance, with axes of length 1."""
    if weight is None:
        count = jnp.full([1] * x.ndim, math.prod(x.shape[axis] for axis in axes), x.dtype)
    else:
        count = jnp.sum(weight, axis=axes, keepdims=True)
    some = jnp.maximum(count, 1)
    mean = jnp.sum(x if weight is None else x * weight, axis=axes, keepdims=True) / some
    squares = (x - mean) ** 2
    squares = jnp.sum(squares if weight is None else squares * weight, axis=axes, keepdims=True)
    if devices is None:
        return some, mean, squares / some
    # One meeting of the devices: each with its own mean, put together as Chan, Golub and LeVeque do (1983).
    counts, means, sums = jax.lax.all_gather((count + jnp.zeros_like(mean), mean, squares), devices)
    count = jnp.maximum(jnp.sum(counts, 0), 1)
    mean = jnp.sum(counts * means, 0) / count
    return count, mean, jnp.sum(sums + counts * (means - mean) ** 2, 0) / count


def _forward(x: Array, mask: Array | None, axes: tuple[int, ...], epsilon: float, devices: str | None) -> tuple:
    weight = None if mask is None else jnp.broadcast_to(mask, x.shape).astype(x.dtype)
    count, mean, variance = _moments(x, weight, axes, devices)
    centred = x - mean
    inverse = jax.lax.rsqrt(variance + epsilon)
    result = centred * inverse
    return (result, mean, variance), (result, inverse, weight, count)


def _backward(
    axes: tuple[int, ...], epsilon: float, devices: str | None, saved: Any, cotangents: Any
) -> tuple[Array, None]:
    result, inverse, weight, count = saved
    slope = cotangents[0]
    # Numbers that do not count in the moments are moved by them, but do not move them.
    sums = [jnp.sum(slopes, axis=axes, keepdims=True) for slopes in (slope, slope * result)]
    if devices is not None:
        sums = list(jax.lax.psum(jnp.stack(sums), devices))
    rest = (sums[0] + result * sums[1]) / count
    return inverse * (slope - (rest if weight is None else weight * rest)), None


_standardise.defvjp(_forward, _backward)
