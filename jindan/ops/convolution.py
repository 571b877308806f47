"""Convolution over one, two or three space axes: the one door, which chooses the form by device and shape."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from ..errors import ShapeError
from .patches import biased, copied_by_tap, depthwise, direct, transposed
from .windows import Pads, Steps, outputs
from .winograd import LARGEST, saving, winograd

Array = jax.Array

# Winograd moves more bytes than the direct form: below these its saved multiplications do not pay.
FEWEST_CHANNELS = 8
LEAST_SAVING = 1.5


def convolution(
    x: Array,
    kernel: Array,
    *,
    strides: Steps | None = None,
    padding: Pads | None = None,
    dilation: Steps | None = None,
    groups: int = 1,
    bias: Array | None = None,
) -> Array:
    """y[o, f] = Σ_{k, c} x[stride·o + dilation·k − low, c] · kernel[k, c, f] + bias[f], x being 0 outside.

    Sums on a CPU run in another order than on a GPU, and in float32 through Winograd's transforms where these are
    quicker (largest error seen: 1.3e-6 of the largest output). float64 is always summed directly.

    Args:
        x: (rows, *space, channels), one to three space axes.
        kernel: (*window, channels / groups, filters).
        strides: Steps between outputs, by axis (1).
        padding: Zeros before and after, a pair by axis (none).
        dilation: Steps between the taps of a window, by axis (1).
        groups: Parts of the channels that are convolved apart, each giving filters / groups outputs.
        bias: (filters,), or none.

    Returns:
        (rows, *outputs, filters).

    Raises:
        ShapeError: when the shapes do not fit one another.

    >>> convolution(jnp.arange(5.0).reshape(1, 5, 1), jnp.ones((3, 1, 1)), padding=((1, 1),)).ravel().tolist()
    [1.0, 3.0, 6.0, 9.0, 7.0]
    """
    axes = kernel.ndim - 2
    strides, dilation = strides or (1,) * axes, dilation or (1,) * axes
    padding = padding or ((0, 0),) * axes
    _check(x, kernel, strides, padding, dilation, groups)
    if bias is not None:
        on_cpu = jax.default_backend() == "cpu" and x.dtype.itemsize >= 4
        if on_cpu and groups == 1 and copied_by_tap(x, kernel.shape[-1], kernel.shape[:-2], strides, dilation):
            return biased(x, kernel, bias, strides, padding, dilation)
        return bias + convolution(x, kernel, strides=strides, padding=padding, dilation=dilation, groups=groups)
    if jax.default_backend() != "cpu":
        return _library(x, kernel, strides, padding, dilation, groups)
    if x.dtype.itemsize < 4:  # a CPU has no arithmetic for half precision
        full = convolution(
            x.astype(jnp.float32), kernel.astype(jnp.float32), strides=strides, padding=padding, dilation=dilation,
            groups=groups,
        )  # fmt: skip
        return full.astype(x.dtype)
    if groups == 1:
        return _one_group(x, kernel, strides, padding, dilation)
    channels, filters = kernel.shape[-2] * groups, kernel.shape[-1]
    if groups == channels:
        weights = kernel.reshape(*kernel.shape[:-2], channels, filters // channels)
        return depthwise(x, weights, strides, padding, dilation)
    parts = x.reshape(*x.shape[:-1], groups, channels // groups)
    kernels = kernel.reshape(*kernel.shape[:-1], groups, filters // groups)
    y = jax.vmap(lambda x, k: _one_group(x, k, strides, padding, dilation), (-2, -2), -2)(parts, kernels)
    return y.reshape(*y.shape[:-2], filters)


def convolution_transposed(
    x: Array,
    kernel: Array,
    *,
    strides: Steps | None = None,
    padding: Pads | None = None,
    dilation: Steps | None = None,
    lengths: tuple[int, ...],
) -> Array:
    """The transpose of `convolution`: y[stride·o + dilation·k − low, c] sums x[o, f] · kernel[k, c, f].

    Args:
        x: (rows, *space, filters).
        kernel: (*window, channels, filters): from the result's channels to x's, as in Keras.
        strides, padding, dilation: Those of the convolution that it transposes; what padding adds at the end follows
            from `lengths`.
        lengths: Length of the result along each axis; what falls outside is cut, what nothing reaches is 0.

    Returns:
        (rows, *lengths, channels).

    >>> convolution_transposed(jnp.ones((1, 2, 1)), jnp.ones((3, 1, 1)), strides=(2,), lengths=(5,)).ravel().tolist()
    [1.0, 1.0, 2.0, 1.0, 1.0]
    """
    axes = kernel.ndim - 2
    strides, dilation = strides or (1,) * axes, dilation or (1,) * axes
    pairs = padding or ((0, 0),) * axes
    # The convolution from `lengths` must end where x does, whatever was cut there.
    padding = tuple(
        (low, (n - 1) * stride + gap * (width - 1) + 1 - low - length)
        for (low, _), n, stride, gap, width, length in zip(
            pairs, x.shape[1:-1], strides, dilation, kernel.shape[:-2], lengths, strict=True
        )
    )
    if jax.default_backend() != "cpu":
        like = jax.ShapeDtypeStruct((x.shape[0], *lengths, kernel.shape[-2]), x.dtype)
        return jax.linear_transpose(lambda v: _library(v, kernel, strides, padding, dilation, 1), like)(x)[0]
    if x.dtype.itemsize < 4:
        y = transposed(x.astype(jnp.float32), kernel.astype(jnp.float32), strides, padding, dilation, lengths)
        return y.astype(x.dtype)
    return transposed(x, kernel, strides, padding, dilation, lengths)


def _one_group(x: Array, kernel: Array, strides: Steps, padding: Pads, dilation: Steps) -> Array:
    if by_winograd(x.shape, x.dtype, kernel.shape, strides, padding, dilation):
        return winograd(x, kernel, padding)
    return direct(x, kernel, strides, padding, dilation)


def by_winograd(
    shape: tuple[int, ...], dtype: object, kernel: tuple[int, ...], strides: Steps, padding: Pads, dilation: Steps
) -> bool:
    """Whether a convolution on a CPU goes through Winograd's transforms."""
    windows, lengths = kernel[:-2], shape[1:-1]
    if dtype != jnp.float32 or len(windows) > 2 or max(windows) > LARGEST or set(strides) | set(dilation) != {1}:
        return False
    if any(w == 1 and pads != (0, 0) for w, pads in zip(windows, padding, strict=True)):
        return False
    spaces = outputs(tuple(n + sum(p) for n, p in zip(lengths, padding, strict=True)), windows, strides, dilation)
    return min(kernel[-2:]) >= FEWEST_CHANNELS and saving(windows, spaces) >= LEAST_SAVING


def _library(x: Array, kernel: Array, strides: Steps, padding: Pads, dilation: Steps, groups: int) -> Array:
    space = "DHW"[3 - (kernel.ndim - 2) :] if kernel.ndim > 3 else "W"
    names = (f"N{space}C", f"{space}IO", f"N{space}C")
    return lax.conv_general_dilated(
        x, kernel, strides, padding, rhs_dilation=dilation, dimension_numbers=names, feature_group_count=groups
    )


def _check(x: Array, kernel: Array, strides: Steps, padding: Pads, dilation: Steps, groups: int) -> None:
    axes = kernel.ndim - 2
    if axes not in (1, 2, 3) or x.ndim != kernel.ndim or not len(strides) == len(padding) == len(dilation) == axes:
        _refuse(x, kernel, "rows of as many space axes as the window has, one to three, and a setting for each")
    channels, filters = kernel.shape[-2:]
    if x.shape[-1] != channels * groups or filters % groups:
        _refuse(x, kernel, f"channels = {channels} x {groups} groups, and filters that the groups divide")
    spaces = tuple(n + sum(p) for n, p in zip(x.shape[1:-1], padding, strict=True))
    if min(outputs(spaces, kernel.shape[:-2], strides, dilation)) < 1:
        _refuse(x, kernel, "a window no longer than the padded rows")


def _refuse(x: Array, kernel: Array, expected: str) -> None:
    raise ShapeError(
        "This kernel cannot pass over these rows.", where="convolution", expected=expected,
        received=f"x of shape {x.shape}, kernel of shape {kernel.shape}",
    )  # fmt: skip
