"""Reading images between their pixels and outside their borders, along one axis or anywhere."""

from __future__ import annotations

import jax.numpy as jnp

from .base import Array

FILLS = ("reflect", "wrap", "constant", "nearest")
"""What lies outside: the mirror image (d c b a | a b c d | d c b a), the image again, one value, or the border."""
INTERPOLATIONS = ("bilinear", "nearest")


def take(x: Array, index: Array, axis: int) -> Array:
    """x with its rows (or columns) replaced by those of index (rows, size); all indices lie inside."""
    shape = [x.shape[0], 1, 1, 1]
    shape[axis] = index.shape[1]
    return jnp.take_along_axis(x, index.reshape(shape), axis, mode="promise_in_bounds")


def _inside(index: Array, size: int, fill_mode: str) -> Array:
    """Indices brought into 0 … size - 1; for "constant" any will do."""
    if fill_mode == "wrap":
        return index % size
    if fill_mode == "reflect":
        index = index % (2 * size)
        return jnp.where(index < size, index, 2 * size - 1 - index)
    return jnp.clip(index, 0, size - 1)


def _neighbours(position: Array, interpolation: str) -> list[tuple[Array, Array | None]]:
    """(index, share) of the pixels that a position lies between."""
    if interpolation == "nearest":
        return [(jnp.floor(position + 0.5).astype(jnp.int32), None)]
    low = jnp.floor(position)
    share = position - low
    index = low.astype(jnp.int32)
    return [(index, 1 - share), (index + 1, share)]


def along(x: Array, position: Array, axis: int, fill_mode: str, interpolation: str, fill_value: float) -> Array:
    """Images sampled at positions (rows, size) along one axis."""
    shape = [x.shape[0], 1, 1, 1]
    shape[axis] = position.shape[1]
    size = x.shape[axis]
    parts = []
    for index, share in _neighbours(position, interpolation):
        value = take(x, _inside(index, size, fill_mode), axis)
        if fill_mode == "constant":
            value = jnp.where(((index >= 0) & (index < size)).reshape(shape), value, fill_value)
        parts.append(value if share is None else value * share.reshape(shape).astype(x.dtype))
    return sum(parts[1:], parts[0])


def at(x: Array, down: Array, across: Array, fill_mode: str, interpolation: str, fill_value: float) -> Array:
    """Images sampled at positions down, across (rows, height, width)."""
    n, height, width, channels = x.shape
    flat = x.reshape(n, height * width, channels)
    parts = []
    for i, share_i in _neighbours(down, interpolation):
        for j, share_j in _neighbours(across, interpolation):
            place = _inside(i, height, fill_mode) * width + _inside(j, width, fill_mode)
            value = jnp.take_along_axis(flat, place.reshape(n, -1, 1), 1, mode="promise_in_bounds").reshape(x.shape)
            if fill_mode == "constant":
                known = (i >= 0) & (i < height) & (j >= 0) & (j < width)
                value = jnp.where(known[..., None], value, fill_value)
            if share_i is not None and share_j is not None:
                value = value * (share_i * share_j)[..., None].astype(x.dtype)
            parts.append(value)
    return sum(parts[1:], parts[0])
