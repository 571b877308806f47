"""Standardising along axes, with the backward pass written out: one pass over the data where autodiff takes several."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

Array = jax.Array


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def standardise(
    x: Array, mask: Array | None, axes: tuple[int, ...], epsilon: float, devices: str | None = None
) -> tuple[Array, Array, Array]:
    """x̂ = (x − μ) / √(σ² + ε), with μ and σ² (biased) over `axes`.

    Args:
        x: Any shape.
        mask: Broadcasts with x: 1 for numbers that count in μ and σ², 0 for those that do not; None when all do.
        axes: Axes averaged over.
        epsilon: ε.
        devices: Name of the axis of devices that hold the other numbers to average over, or None.

    Returns:
        x̂, μ and σ² (with axes of length 1). μ and σ² carry no gradient of their own: they are for running averages.
    """
    return _forward(x, mask, axes, epsilon, devices)[0]


def _sum(values: Array, weight: Array | None, axes: tuple[int, ...], devices: str | None) -> Array:
    total = jnp.sum(values if weight is None else values * weight, axis=axes, keepdims=True)
    return total if devices is None else jax.lax.psum(total, devices)


def _forward(x: Array, mask: Array | None, axes: tuple[int, ...], epsilon: float, devices: str | None) -> tuple:
    weight = None if mask is None else jnp.broadcast_to(mask, x.shape).astype(x.dtype)
    if weight is None:
        size = math.prod(x.shape[axis] for axis in axes)
        count = jnp.asarray(size * (1 if devices is None else jax.lax.axis_size(devices)), x.dtype)
    else:
        count = jnp.maximum(_sum(weight, None, axes, devices), 1)
    mean = _sum(x, weight, axes, devices) / count
    centred = x - mean
    variance = _sum(centred**2, weight, axes, devices) / count
    inverse = jax.lax.rsqrt(variance + epsilon)
    result = centred * inverse
    return (result, mean, variance), (result, inverse, weight, count)


def _backward(
    axes: tuple[int, ...], epsilon: float, devices: str | None, saved: Any, cotangents: Any
) -> tuple[Array, None]:
    result, inverse, weight, count = saved
    slope = cotangents[0]
    # Numbers that do not count in the moments are moved by them, but do not move them.
    rest = _sum(slope, None, axes, devices) + result * _sum(slope * result, None, axes, devices)
    rest = rest / count
    return inverse * (slope - (rest if weight is None else weight * rest)), None


standardise.defvjp(_forward, _backward)
