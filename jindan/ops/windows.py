"""Windows that pass over rows: their places, how many outputs they give, what each of their taps sees, padding."""

from __future__ import annotations

import itertools

import jax
import numpy as np
from jax import lax

from .calls import movable

Array = jax.Array
Pads = tuple[tuple[int, int], ...]
Steps = tuple[int, ...]


def taps(windows: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The places of a window, the last axis fastest."""
    return list(itertools.product(*map(range, windows)))


def outputs(lengths: tuple[int, ...], windows: tuple[int, ...], strides: Steps, dilation: Steps) -> tuple[int, ...]:
    """Numbers of outputs along each axis of a padded row."""
    return tuple(
        (length - gap * (width - 1) - 1) // s + 1
        for length, width, s, gap in zip(lengths, windows, strides, dilation, strict=True)
    )


def window(x: Array, tap: tuple[int, ...], spaces: tuple[int, ...], strides: Steps, dilation: Steps) -> Array:
    """What one tap of the window sees for every output: (rows, *spaces, channels)."""
    starts = [k * gap for k, gap in zip(tap, dilation, strict=True)]
    ends = [start + s * (space - 1) + 1 for start, s, space in zip(starts, strides, spaces, strict=True)]
    return lax.slice(x, (0, *starts, 0), (x.shape[0], *ends, x.shape[-1]), (1, *strides, 1))


def seen_alike(x: Array, windows: tuple[int, ...], spaces: tuple[int, ...], strides: Steps, dilation: Steps) -> list:
    """What each tap sees, as `window` gives it, by one piece of code for all taps: their places are no constants."""
    places = [movable(*(k * gap for k in range(width))) for width, gap in zip(windows, dilation, strict=True)]
    spans = (x.shape[0], *(s * (space - 1) + 1 for s, space in zip(strides, spaces, strict=True)), x.shape[-1])
    (first,) = movable(0)
    cut = [lax.dynamic_slice(x, (first, *place, first), spans) for place in itertools.product(*places)]
    return [lax.slice(part, (0,) * x.ndim, spans, (1, *strides, 1)) for part in cut]


def pad(x: Array, padding: Pads, value: float = 0) -> Array:
    """Rows with cells put before and after along the space axes; negative numbers cut."""
    if not any(map(any, padding)):
        return x
    edges = [(0, 0, 0), *((low, high, 0) for low, high in padding), (0, 0, 0)]
    return lax.pad(x, np.asarray(value, x.dtype), edges)
