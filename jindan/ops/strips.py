"""Convolution of few channels: neighbouring outputs in pairs, by one product with the inputs that either of them sees.

A window of k inputs and the next one are k + 1 inputs together. So the matrix of copied windows has half the rows of
one row an output, and its product twice the columns: both are what makes a product of few channels slow.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .windows import Steps, pad, taps, window

Array = jax.Array

PAIR = 2
CHANNELS = 8  # from which Winograd's transforms and the library's convolution are quicker
COPIES = 64  # of the inputs, at most; each is a slice to compile
# Of one channel a sum over the taps, vectorised over the filters, is quicker from so many of these: forward, slope.
FILTERS, FILTERS_SLOPE = 16, 32


def suits(channels: int, filters: int, windows: Steps, strides: Steps, dilation: Steps, *, slope: bool = False) -> bool:
    """Whether a float32 convolution on a CPU, or its slope by the kernel, is quickest this way.

    Measured, an update of a network of two convolutions 3 × 3 with pooling, batch 64, 28 × 28 pixels: 8 and 16 filters
    of one channel 4.0 → 2.3 ms, 16 and 32 filters 3.8 → 2.8 ms; of three channels 6.9 → 3.1, with 32 and 64 filters
    12.4 → 7.8 ms.
    """
    alike = len(windows) <= 2 and windows[-1] > 1 and set(strides) | set(dilation) == {1}
    few = channels < CHANNELS and math.prod(windows[:-1]) * (windows[-1] + 1) <= COPIES
    return alike and few and (channels > 1 or filters < (FILTERS_SLOPE if slope else FILTERS))


def convolved(x: Array, kernel: Array) -> Array:
    """x (rows, *space, channels), padded, by a kernel (*window, channels, filters), at stride 1.

    An input that is no number also reaches the neighbour of an output that sees it, as each pair multiplies it by 0.

    >>> convolved(jnp.arange(5.0).reshape(1, 5, 1), jnp.array([1.0, 10.0]).reshape(2, 1, 1)).ravel().tolist()
    [10.0, 21.0, 32.0, 43.0]
    """
    windows, filters = kernel.shape[:-2], kernel.shape[-1]
    copies, spaces = _copies(x, windows)
    axis = len(windows) - 1
    edges = [[(0, 0, 0)] * kernel.ndim for _ in range(PAIR)]
    for j, edge in enumerate(edges):
        edge[axis] = (j, PAIR - 1 - j, 0)
    # The kernel as each of the pair sees it: (*window and one more, channels, pair, filters).
    band = jnp.stack([lax.pad(kernel, np.asarray(0, kernel.dtype), edge) for edge in edges], -2)
    y = copies @ band.reshape(-1, PAIR * filters)
    y = y.reshape(x.shape[0], *spaces[:-1], -(-spaces[-1] // PAIR) * PAIR, filters)
    return lax.slice_in_dim(y, 0, spaces[-1], axis=axis + 1)


def kernel_slope(x: Array, dy: Array, windows: Steps) -> Array:
    """The slope by the kernel (*window, channels, filters), from padded x and the slope dy of `convolved`."""
    copies, spaces = _copies(x, windows)
    axis, filters, k = len(windows) - 1, dy.shape[-1], windows[-1]
    pairs = pad(dy, (*((0, 0) for _ in windows[1:]), (0, -spaces[-1] % PAIR))).reshape(len(copies), PAIR * filters)
    both = (copies.T @ pairs).reshape(*windows[:-1], k + PAIR - 1, x.shape[-1], PAIR, filters)
    first, second = both[..., 0, :], both[..., 1, :]
    return lax.slice_in_dim(first, 0, k, axis=axis) + lax.slice_in_dim(second, 1, k + 1, axis=axis)


def _copies(x: Array, windows: Steps) -> tuple[Array, Steps]:
    """What each pair of outputs sees, (pairs, window and one more · channels), and the numbers of outputs by axis."""
    spaces = tuple(n - k + 1 for n, k in zip(x.shape[1:-1], windows, strict=True))
    pairs, seen = -(-spaces[-1] // PAIR), (*windows[:-1], windows[-1] + PAIR - 1)
    whole, ones = (0, 0), (1,) * len(windows)
    x = pad(x, (*(whole for _ in windows[1:]), (0, pairs * PAIR - spaces[-1])))
    counts, steps = (*spaces[:-1], pairs), (*ones[1:], PAIR)
    parts = [window(x, tap, counts, steps, ones) for tap in taps(seen)]
    return jnp.concatenate(parts, -1).reshape(x.shape[0] * math.prod(counts), len(parts) * x.shape[-1]), spaces
