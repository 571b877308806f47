"""The direct forms of convolution for a CPU: strips, XLA's own, a product by tap; both slopes written out."""

from __future__ import annotations

import itertools
import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import strips
from .calls import called
from .windows import Pads, Steps, outputs, pad, seen_alike, taps, window

Array = jax.Array

# Up to this many inputs to a window, one matmul over copied windows beats a matmul by tap.
FEW = 64


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def direct(x: Array, kernel: Array, strides: Steps, padding: Pads, dilation: Steps) -> Array:
    """The convolution of x (rows, *space, channels) with a kernel (*window, channels, filters)."""
    return _forward(x, kernel, strides, padding, dilation)


def _direct_saving(x: Array, kernel: Array, strides: Steps, padding: Pads, dilation: Steps) -> tuple:
    if _in_strips(x, kernel, strides, dilation):
        # The copies of the inputs serve the slope by the kernel, too: alone, the forms below are often quicker.
        return strips.convolved(pad(x, padding), kernel), (x, kernel)
    return _forward(x, kernel, strides, padding, dilation), (x, kernel)


def _direct_back(strides: Steps, padding: Pads, dilation: Steps, saved: tuple, dy: Array) -> tuple[Array, Array]:
    x, kernel = saved
    dx = _transpose(dy, kernel, strides, padding, dilation, x.shape[1:-1])
    return dx, _kernel_slope(x, dy, kernel.shape[:-2], strides, padding, dilation)


direct.defvjp(_direct_saving, _direct_back)


@partial(jax.custom_vjp, nondiff_argnums=(3, 4, 5))
def biased(x: Array, kernel: Array, bias: Array, strides: Steps, padding: Pads, dilation: Steps) -> Array:
    """`direct` and a bias by filter, whose slope is that by the kernel of one more tap, which sees 1 everywhere.

    A sum over all outputs takes a third of the time of the slope by the kernel; one more tap in its product a tenth.
    """
    return _forward(x, kernel, strides, padding, dilation) + bias


def _biased_saving(
    x: Array, kernel: Array, bias: Array, strides: Steps, padding: Pads, dilation: Steps
) -> tuple[Array, tuple[Array, Array]]:
    y, saved = _direct_saving(x, kernel, strides, padding, dilation)
    return y + bias, saved


def _biased_back(
    strides: Steps, padding: Pads, dilation: Steps, saved: tuple[Array, Array], dy: Array
) -> tuple[Array, Array, Array]:
    x, kernel = saved
    dx = _transpose(dy, kernel, strides, padding, dilation, x.shape[1:-1])
    slopes = _copied_slope(pad(x, padding), dy, kernel.shape[:-2], strides, dilation, True)
    return dx, slopes[:-1].reshape(kernel.shape), slopes[-1]


biased.defvjp(_biased_saving, _biased_back)


def copied_by_tap(x: Array, filters: int, windows: Steps, strides: Steps, dilation: Steps) -> bool:
    """Whether the slope by the kernel is a product with the one channel copied for each tap: then `biased` pays."""
    paired = x.dtype == jnp.float32 and strips.suits(x.shape[-1], filters, windows, strides, dilation, slope=True)
    return x.shape[-1] == 1 and math.prod(windows) <= FEW and not paired


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4, 5))
def transposed(
    y: Array, kernel: Array, strides: Steps, padding: Pads, dilation: Steps, lengths: tuple[int, ...]
) -> Array:
    """The transpose of `direct` with that kernel: y (rows, *space, filters) back to (rows, *lengths, channels)."""
    return _transpose(y, kernel, strides, padding, dilation, lengths)


def _transposed_saving(
    y: Array, kernel: Array, strides: Steps, padding: Pads, dilation: Steps, lengths: tuple[int, ...]
) -> tuple:
    return _transpose(y, kernel, strides, padding, dilation, lengths), (y, kernel)


def _transposed_back(
    strides: Steps, padding: Pads, dilation: Steps, lengths: tuple[int, ...], saved: tuple, dx: Array
) -> tuple[Array, Array]:
    y, kernel = saved
    dy = _forward(dx, kernel, strides, padding, dilation)
    return dy, _kernel_slope(dx, y, kernel.shape[:-2], strides, padding, dilation)


transposed.defvjp(_transposed_saving, _transposed_back)


def depthwise(x: Array, kernel: Array, strides: Steps, padding: Pads, dilation: Steps) -> Array:
    """Each channel with its own `multiplier` kernels: multiply-adds in one loop.

    Kernel (*window, channels, multiplier); the output has channels · multiplier features, the multiplier fastest.
    """
    x = pad(x, padding)
    spaces = outputs(x.shape[1:-1], kernel.shape[:-2], strides, dilation)
    total: Array | float = 0.0
    for tap in taps(kernel.shape[:-2]):
        part = window(x, tap, spaces, strides, dilation)
        total = total + part[..., None] * kernel[tap]
    return jnp.reshape(total, (x.shape[0], *spaces, -1))


# -- the three products -----------------------------------------------------------------------------------------


def _forward(x: Array, kernel: Array, strides: Steps, padding: Pads, dilation: Steps) -> Array:
    if x.dtype == jnp.float32 and x.shape[-1] > 1 and math.prod(kernel.shape[:-2]) > 1:
        cuts = tuple((min(low, 0), min(high, 0)) for low, high in padding)
        rest = tuple((max(low, 0), max(high, 0)) for low, high in padding)
        return _library(pad(x, cuts), kernel, strides, rest, dilation)
    if x.shape[-1] == 1:
        return _multiplied(x, kernel, strides, padding, dilation)
    return _by_taps(x, kernel, strides, padding, dilation)


def _in_strips(x: Array, kernel: Array, strides: Steps, dilation: Steps) -> bool:
    channels, filters = kernel.shape[-2:]
    return x.dtype == jnp.float32 and strips.suits(channels, filters, kernel.shape[:-2], strides, dilation)


def _by_taps(x: Array, kernel: Array, strides: Steps, padding: Pads, dilation: Steps) -> Array:
    windows, (channels, filters) = kernel.shape[:-2], kernel.shape[-2:]
    x = pad(x, padding)
    spaces = outputs(x.shape[1:-1], windows, strides, dilation)
    parts = [window(x, tap, spaces, strides, dilation) for tap in taps(windows)]
    if channels == 1:
        y = sum(part * kernel[tap] for part, tap in zip(parts, taps(windows), strict=True))
    elif len(parts) > 1 and len(parts) * channels <= FEW:
        y = jnp.concatenate(parts, -1).reshape(-1, len(parts) * channels) @ kernel.reshape(-1, filters)
    else:
        y = sum(part.reshape(-1, channels) @ kernel[tap] for part, tap in zip(parts, taps(windows), strict=True))
    return jnp.reshape(y, (x.shape[0], *spaces, filters))


# Inlined, these multiply-adds would be computed anew in each kernel that reads them.
_multiplied = called(2, 3, 4)(_by_taps)


def _kernel_slope(
    x: Array, dy: Array, windows: tuple[int, ...], strides: Steps, padding: Pads, dilation: Steps
) -> Array:
    x = pad(x, padding)
    channels, filters, spaces = x.shape[-1], dy.shape[-1], dy.shape[1:-1]
    if copied_by_tap(x, filters, windows, strides, dilation):
        return _copied_slope(x, dy, windows, strides, dilation, False).reshape(*windows, channels, filters)
    if x.dtype == jnp.float32 and strips.suits(channels, filters, windows, strides, dilation, slope=True):
        return strips.kernel_slope(x, dy, windows)
    flat = dy.reshape(-1, filters)
    seen = [window(x, tap, spaces, strides, dilation) for tap in taps(windows)]
    parts = [part.reshape(-1, channels) for part in seen]
    if len(parts) * channels <= FEW:
        return (jnp.concatenate(parts, -1).T @ flat).reshape(*windows, channels, filters)
    return jnp.stack([part.T @ flat for part in parts]).reshape(*windows, channels, filters)


def _copied_slope(x: Array, dy: Array, windows: Steps, strides: Steps, dilation: Steps, ones: bool) -> Array:
    """(taps, filters) for one channel: copied tap by tap, as side by side each copy would stride through the others."""
    parts = [part[..., 0] for part in seen_alike(x, windows, dy.shape[1:-1], strides, dilation)]
    if not ones:
        return _summed(lax.optimization_barrier(jnp.stack(parts)), dy)
    return _summed_apart(lax.optimization_barrier(jnp.stack([*parts, jnp.ones_like(parts[0])])), dy)


def _summed(copies: Array, dy: Array) -> Array:
    """Σ copies · dy over all outputs: (taps, rows, *space), (rows, *space, filters) → (taps, filters)."""
    return copies.reshape(len(copies), -1) @ dy.reshape(-1, dy.shape[-1])


# Inlined where nothing else reads dy, such as a sum for the bias, the kernel that gives dy (of a ReLU and a pooling)
# would write it flat, and divide each place into its axes.
_summed_apart = called()(_summed)


def _transpose(
    dy: Array, kernel: Array, strides: Steps, padding: Pads, dilation: Steps, lengths: tuple[int, ...]
) -> Array:
    """Input h of the padded row takes part in output o by tap k where h = stride·o + dilation·k.

    The inputs with one remainder h mod stride see every stride-th tap only, so each remainder ("phase") is a
    convolution of dy at stride 1 with a part of the kernel, and the phases interleave.
    """
    for axis, (stride, gap) in enumerate(zip(strides, dilation, strict=True)):
        if stride > 1 and gap > 1:
            dy = _interior(dy, axis + 1, stride - 1)
            strides = (*strides[:axis], 1, *strides[axis + 1 :])
    # Numbers of a phase, from h = 0 to the last input asked for.
    counts = [-(-(length + low) // s) for length, (low, _), s in zip(lengths, padding, strides, strict=True)]
    flipped = jnp.flip(kernel, tuple(range(kernel.ndim - 2))).swapaxes(-1, -2)
    phases = [
        _phase(dy, kernel, flipped, phase, strides, dilation, counts)
        for phase in itertools.product(*map(range, strides))
    ]
    x = jnp.stack(phases).reshape(*strides, *phases[0].shape)
    axes = len(strides)
    order = [axes, *(place for axis in range(axes) for place in (axes + 1 + axis, axis)), 2 * axes + 1]
    x = x.transpose(order).reshape(dy.shape[0], *(n * s for n, s in zip(counts, strides, strict=True)), -1)
    edges = [(0, 0, 0), *((-low, low + length - n * s, 0) for length, (low, _), n, s in
             zip(lengths, padding, counts, strides, strict=True)), (0, 0, 0)]  # fmt: skip
    return x if not any(map(any, edges)) else lax.pad(x, np.asarray(0, x.dtype), edges)


def _phase(
    dy: Array, kernel: Array, flipped: Array, phase: Steps, strides: Steps, dilation: Steps, counts: list[int]
) -> Array:
    pads, picks = [], []
    for axis, (p, s, gap, count) in enumerate(zip(phase, strides, dilation, counts, strict=True)):
        width = kernel.shape[axis]
        number = len(range(p, width, s))
        if number == 0:
            return jnp.zeros((dy.shape[0], *counts, kernel.shape[-2]), dy.dtype)
        # The taps p, p + s, … of the kernel, found from the other end in the flipped one.
        first = width - 1 - (p + s * (number - 1))
        picks.append(slice(first, width, s))
        reach = gap * (number - 1)
        pads.append((reach, count - dy.shape[axis + 1]))
    # Without the barrier XLA folds the flip into the convolution, which then has no quick form.
    part = lax.optimization_barrier(flipped[tuple(picks)])
    return _forward(dy, part, (1,) * len(strides), tuple(pads), dilation)


# -- the library's convolution, where it is quick ---------------------------------------------------------------


def _library(x: Array, kernel: Array, strides: Steps, padding: Pads, dilation: Steps) -> Array:
    """XLA's convolution: quick for single-precision outputs of one kernel, and very slow for a kernel by member."""

    @jax.custom_batching.custom_vmap
    def call(x: Array, kernel: Array) -> Array:
        names = ("NWC", "WIO", "NWC") if kernel.ndim == 3 else ("NHWC", "HWIO", "NHWC")
        if kernel.ndim == 5:
            names = ("NDHWC", "DHWIO", "NDHWC")
        return lax.conv_general_dilated(x, kernel, strides, padding, None, dilation, names)

    @call.def_vmap
    def by_member(size: int, batched: list[bool], x: Array, kernel: Array) -> tuple[Array, bool]:
        if not batched[1]:
            y = call(x.reshape(-1, *x.shape[2:]), kernel)
            return y.reshape(size, -1, *y.shape[1:]), True
        in_axes = (0 if batched[0] else None, 0)

        def one(x: Array, kernel: Array) -> Array:
            if _in_strips(x, kernel, strides, dilation):
                return strips.convolved(pad(x, padding), kernel)
            return _by_taps(x, kernel, strides, padding, dilation)

        return jax.vmap(one, in_axes)(x, kernel), True

    return call(x, kernel)


def _interior(x: Array, axis: int, zeros: int) -> Array:
    edges = [(0, 0, 0)] * x.ndim
    edges[axis] = (0, 0, zeros)
    return lax.pad(x, np.asarray(0, x.dtype), edges)
