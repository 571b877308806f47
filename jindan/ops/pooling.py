"""Max and average pooling over space axes, and the padding that Keras calls "same"."""

from __future__ import annotations

import itertools
import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .windows import Pads, Steps, outputs, pad, taps, window

Array = jax.Array

FEW = 25  # cells of a window that are counted one by one: each is a slice to compile
ROUNDING = 8  # units in the last place by which the same sum may differ where it is computed twice


def same_padding(lengths: Steps, windows: Steps, strides: Steps, dilation: Steps | None = None) -> Pads:
    """The (low, high) padding by axis that gives ⌈length / stride⌉ outputs; the odd cell goes to the end.

    >>> same_padding((5, 6), (2, 3), (1, 2))
    ((0, 1), (0, 1))
    """
    pads = []
    for n, width, stride, gap in zip(lengths, windows, strides, dilation or (1,) * len(lengths), strict=True):
        total = max((-(-n // stride) - 1) * stride + gap * (width - 1) + 1 - n, 0)
        pads.append((total // 2, total - total // 2))
    return tuple(pads)


@partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3))
def max_pool(x: Array, windows: Steps, strides: Steps, padding: Pads) -> Array:
    """The largest value in each window of x (rows, *space, channels); cells of the padding never win.

    The slope goes to the largest value, in equal parts where several are equally large.

    >>> max_pool(jnp.array([3.0, 1.0, 2.0, 5.0]).reshape(1, 4, 1), (2,), (2,), ((0, 0),)).ravel().tolist()
    [3.0, 5.0]
    """
    x = pad(x, padding, -math.inf)
    spaces = outputs(x.shape[1:-1], windows, strides, (1,) * len(windows))
    if windows == strides:
        return jnp.max(_tiles(x, windows, spaces), tuple(range(2, 2 * len(windows) + 1, 2)))
    if jax.default_backend() != "cpu":
        low = np.asarray(-math.inf, x.dtype)
        return lax.reduce_window(x, low, lax.max, (1, *windows, 1), (1, *strides, 1), "VALID")
    parts = [window(x, tap, spaces, strides, (1,) * len(windows)) for tap in taps(windows)]
    y = parts[0]
    for part in parts[1:]:
        y = jnp.maximum(y, part)
    return y


def _max_saving(x: Array, windows: Steps, strides: Steps, padding: Pads) -> tuple[Array, tuple[Array, Array]]:
    y = max_pool(x, windows, strides, padding)
    return y, (x, y)


def _max_back(windows: Steps, strides: Steps, padding: Pads, saved: tuple[Array, Array], dy: Array) -> tuple[Array]:
    x, y = saved
    lengths, spaces = x.shape[1:-1], y.shape[1:-1]
    x = pad(x, padding, -math.inf)
    if windows == strides:
        tiles, inner = _tiles(x, windows, spaces), tuple(range(2, 2 * len(windows) + 1, 2))
        won = tiles >= jnp.expand_dims(_least(y), inner)
        few = math.prod(windows) <= FEW
        wins = _wins(x, y, windows, strides) if few else jnp.maximum(jnp.sum(won, inner, dtype=dy.dtype), 1)
        # Without the barrier XLA counts the largest anew for each cell of their window.
        share = lax.optimization_barrier(dy / wins)
        dx = jnp.where(won, jnp.expand_dims(share, inner), 0)
        dx = dx.reshape(dx.shape[0], *(n * w for n, w in zip(spaces, windows, strict=True)), -1)
        return (_cut(dx, padding, lengths),)
    return (_cut(_spill(x, y, dy / _wins(x, y, windows, strides), windows, strides), padding, lengths),)


max_pool.defvjp(_max_saving, _max_back)


def average_pool(x: Array, windows: Steps, strides: Steps, padding: Pads) -> Array:
    """The mean of each window of x (rows, *space, channels), over real cells: padding does not count.

    >>> average_pool(jnp.array([3.0, 1.0, 2.0]).reshape(1, 3, 1), (2,), (2,), ((0, 1),)).ravel().tolist()
    [2.0, 2.0]
    """
    lengths = x.shape[1:-1]
    x = pad(x, padding)
    spaces = outputs(x.shape[1:-1], windows, strides, (1,) * len(windows))
    if windows == strides:
        total = jnp.sum(_tiles(x, windows, spaces), tuple(range(2, 2 * len(windows) + 1, 2)))
    else:
        # An axis at a time: k + k additions for a k × k window.
        total = x
        for axis, (width, stride, space) in enumerate(zip(windows, strides, spaces, strict=True)):
            ends = stride * (space - 1) + 1
            parts = [lax.slice_in_dim(total, k, k + ends, stride, axis + 1) for k in range(width)]
            total = sum(parts[1:], parts[0])
    cells: np.ndarray = np.ones(())
    for n, width, stride, (low, _), space in zip(lengths, windows, strides, padding, spaces, strict=True):
        starts = np.arange(space) * stride - low
        cells = np.multiply.outer(cells, np.minimum(starts + width, n) - np.maximum(starts, 0))
    return jnp.asarray(total) / cells[..., None].astype(x.dtype)


# -- helpers ----------------------------------------------------------------------------------------------------


def _least(y: Array) -> Array:
    """What a cell must reach to count as the largest y of its window: y but for rounding.

    XLA may compute x anew inside the slope's kernels, and round a product and a sum at once where y's were rounded
    apart: none of the cells then equals y. Half precision is too coarse to tell neighbours from equals, and infinity
    less a share of itself is no number.
    """
    if y.dtype.itemsize < 4:
        return y
    return jnp.where(jnp.isfinite(y), y - ROUNDING * jnp.finfo(y.dtype).eps * jnp.abs(y), y)


def _wins(x: Array, y: Array, windows: Steps, strides: Steps) -> Array:
    """How many cells of each window are its largest, at least 1."""
    ones, least = (1,) * len(windows), _least(y)
    won = [(window(x, tap, y.shape[1:-1], strides, ones) >= least).astype(y.dtype) for tap in taps(windows)]
    return jnp.maximum(sum(won[1:], won[0]), 1)


def _tiles(x: Array, windows: Steps, spaces: Steps) -> Array:
    """Rows cut into windows that do not overlap: (rows, outputs, window, outputs, window, …, channels)."""
    used = tuple(slice(0, n * w) for n, w in zip(spaces, windows, strict=True))
    pairs = [length for n, w in zip(spaces, windows, strict=True) for length in (n, w)]
    return x[(slice(None), *used)].reshape(x.shape[0], *pairs, x.shape[-1])


def _cut(dx: Array, padding: Pads, lengths: Steps) -> Array:
    """The slope of padded rows without the padding, zero where no window came."""
    edges = [(-low, low + n - length) for (low, _), n, length in zip(padding, lengths, dx.shape[1:-1], strict=True)]
    return pad(dx, tuple(edges))


def _spill(x: Array, y: Array, share: Array, windows: Steps, strides: Steps) -> Array:
    """For each input, the sum of the shares of the windows it won.

    Inputs with one remainder h mod stride stand at the same taps of their windows, so each remainder is a sum of
    shifted outputs, and the remainders interleave.
    """
    least = _least(y)
    counts = [-(-length // s) for length, s in zip(x.shape[1:-1], strides, strict=True)]
    whole = pad(x, tuple((0, n * s - length) for n, s, length in zip(counts, strides, x.shape[1:-1], strict=True)))
    phases = []
    for phase in itertools.product(*map(range, strides)):
        mine = window(whole, phase, tuple(counts), strides, (1,) * len(strides))
        total = jnp.zeros_like(mine)
        reaches = [range(len(range(p, w, s))) for p, w, s in zip(phase, windows, strides, strict=True)]
        for steps in itertools.product(*reaches):
            shift = tuple((j, n - length - j) for j, n, length in zip(steps, counts, y.shape[1:-1], strict=True))
            # A window that is not there has no share.
            total = total + jnp.where(mine >= pad(least, shift), pad(share, shift), 0)
        phases.append(total)
    axes = len(strides)
    dx = jnp.stack(phases).reshape(*strides, *phases[0].shape)
    order = [axes, *(place for axis in range(axes) for place in (axes + 1 + axis, axis)), 2 * axes + 1]
    return dx.transpose(order).reshape(whole.shape)
