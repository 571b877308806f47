"""Pooling layers: the largest value or the mean of windows, or of whole rows."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from ..ops.pooling import average_pool, max_pool, same_padding
from ..ops.windows import Pads, outputs
from ..spec import Choice, item
from .base import Array, Context, Shape
from .spatial import CHANNELS_LAST, Spatial


class _Pooling(Spatial):
    pool_size: Any = item(default=2)
    strides: Any = item(default=None)
    padding: str = item(default="valid", rule=Choice(("valid", "same")))
    data_format: str | None = item(default=None, rule=CHANNELS_LAST)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("pool_size", "strides")

    @property
    def _windows(self) -> tuple[int, ...]:
        return self._along(self.pool_size)

    @property
    def _steps(self) -> tuple[int, ...]:
        return self._along(self.pool_size if self.strides is None else self.strides)

    def _pads(self, spaces: tuple[int, ...]) -> Pads:
        return same_padding(spaces, self._windows, self._steps) if self.padding == "same" else ((0, 0),) * self.axes

    def output_shape(self, shape: Shape) -> Shape:
        self._need_space(shape)
        padded = tuple(n + sum(p) for n, p in zip(shape[:-1], self._pads(shape[:-1]), strict=True))
        spaces = outputs(padded, self._windows, self._steps, (1,) * self.axes)
        if min(spaces) < 1:
            raise self._too_small(shape, f"its window is {self.pool_size}")
        return (*spaces, shape[-1])

    def flops(self, shape: Shape) -> int:
        return math.prod(self.output_shape(shape)) * math.prod(self._windows)


class _MaxPooling(_Pooling):
    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return max_pool(x, self._windows, self._steps, self._pads(x.shape[1:-1]))


class _AveragePooling(_Pooling):
    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return average_pool(x, self._windows, self._steps, self._pads(x.shape[1:-1]))


class MaxPooling1D(_MaxPooling):
    """The largest value of each window of a sequence, channel by channel.

    Shapes: input (rows, time, features), output (rows, outputs, features). Cells of "same" padding never win.

    Args:
        pool_size: Steps in a window.
        strides: Steps from window to window; None is `pool_size`.
        padding: "valid" drops what fills no window, "same" gives ⌈time / strides⌉ outputs.
        data_format: "channels_last" is the only one.

    Raises:
        InputError: when a size is no integer >= 1.
        ShapeError: when rows are not (time, features), or shorter than a window.

    >>> MaxPooling1D(2).output_shape((7, 3)), MaxPooling1D(2, padding="same").output_shape((7, 3))
    ((3, 3), (4, 3))
    >>> MaxPooling1D(2).apply({}, jnp.array([[[3.0], [1.0], [2.0], [5.0]]]), Context()).ravel().tolist()
    [3.0, 5.0]

    Source: Scherer, Müller & Behnke, "Evaluation of pooling operations in convolutional architectures for object
    recognition", 2010.
    """

    aliases = ("MaxPool1D",)
    axes = 1


class MaxPooling2D(_MaxPooling):
    """The largest value of each window of an image, channel by channel.

    Shapes: input (rows, height, width, channels), output (rows, outputs, outputs, channels). Cells of "same" padding
    never win.

    Args:
        pool_size: Cells in a window, or (rows, columns).
        strides: Cells from window to window; None is `pool_size`.
        padding: "valid" drops what fills no window, "same" gives ⌈length / strides⌉ outputs along an axis.
        data_format: "channels_last" is the only one.

    Raises:
        InputError: when a size is no integer >= 1.
        ShapeError: when rows are no images, or smaller than a window.

    >>> MaxPooling2D().output_shape((28, 28, 32))
    (14, 14, 32)
    >>> MaxPooling2D().apply({}, jnp.array([3.0, 1.0, 2.0, 5.0]).reshape(1, 2, 2, 1), Context()).ravel().tolist()
    [5.0]

    Source: Scherer, Müller & Behnke, "Evaluation of pooling operations in convolutional architectures for object
    recognition", 2010.
    """

    aliases = ("MaxPool2D",)
    pool_size: Any = item(default=(2, 2))


class MaxPooling3D(_MaxPooling):
    """The largest value of each window of a volume (rows, depth, height, width, channels); arguments and errors as
    MaxPooling2D.

    >>> MaxPooling3D().output_shape((4, 8, 8, 1))
    (2, 4, 4, 1)
    """

    aliases = ("MaxPool3D",)
    axes = 3
    pool_size: Any = item(default=(2, 2, 2))


class AveragePooling1D(_AveragePooling):
    """The mean of each window of a sequence; steps of "same" padding do not count. Arguments and errors as
    MaxPooling1D.

    >>> AveragePooling1D(3, strides=1).output_shape((7, 3))
    (5, 3)
    >>> AveragePooling1D(2).apply({}, jnp.array([[[3.0], [1.0], [2.0], [5.0]]]), Context()).ravel().tolist()
    [2.0, 3.5]
    """

    aliases = ("AvgPool1D",)
    axes = 1


class AveragePooling2D(_AveragePooling):
    """The mean of each window of an image; cells of "same" padding do not count. Arguments and errors as MaxPooling2D.

    >>> AveragePooling2D((2, 3)).output_shape((4, 9, 1))
    (2, 3, 1)

    Source: LeCun et al., "Handwritten digit recognition with a back-propagation network", 1990.
    """

    aliases = ("AvgPool2D",)
    pool_size: Any = item(default=(2, 2))


class AveragePooling3D(_AveragePooling):
    """The mean of each window of a volume (rows, depth, height, width, channels); cells of "same" padding do not count.
    Arguments and errors as MaxPooling2D.

    >>> AveragePooling3D().output_shape((4, 8, 8, 1))
    (2, 4, 4, 1)
    """

    aliases = ("AvgPool3D",)
    axes = 3
    pool_size: Any = item(default=(2, 2, 2))


class _Global(Spatial):
    data_format: str | None = item(default=None, rule=CHANNELS_LAST)
    keepdims: bool = item(default=False)

    def output_shape(self, shape: Shape) -> Shape:
        self._need_space(shape)
        return (*[1] * (self.axes if self.keepdims else 0), shape[-1])

    def flops(self, shape: Shape) -> int:
        return math.prod(shape)

    @property
    def _space(self) -> tuple[int, ...]:
        return tuple(range(1, self.axes + 1))


class _GlobalMax(_Global):
    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return jnp.max(x, self._space, keepdims=self.keepdims)


class _GlobalAverage(_Global):
    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return jnp.mean(x, self._space, keepdims=self.keepdims)


class GlobalMaxPooling1D(_GlobalMax):
    """The largest value of each feature over time, masked steps included: (rows, time, features) → (rows, features).

    Args:
        data_format: "channels_last" is the only one.
        keepdims: Whether the axis of time stays, with length 1.

    Raises:
        ShapeError: when rows are not (time, features).

    >>> GlobalMaxPooling1D().apply({}, jnp.array([[[3.0, 1.0], [2.0, 5.0]]]), Context()).tolist()
    [[3.0, 5.0]]

    Source: Collobert et al., "Natural language processing (almost) from scratch", 2011.
    """

    aliases = ("GlobalMaxPool1D",)
    axes = 1


class GlobalMaxPooling2D(_GlobalMax):
    """The largest value of each channel of an image: (rows, height, width, channels) → (rows, channels).

    Args:
        data_format: "channels_last" is the only one.
        keepdims: Whether the axes of space stay, with length 1.

    Raises:
        ShapeError: when rows are no images.

    >>> GlobalMaxPooling2D(keepdims=True).output_shape((7, 7, 3))
    (1, 1, 3)
    """

    aliases = ("GlobalMaxPool2D",)


class GlobalMaxPooling3D(_GlobalMax):
    """The largest value of each channel of a volume (rows, depth, height, width, channels); arguments and errors as
    GlobalMaxPooling2D.

    >>> GlobalMaxPooling3D().output_shape((2, 7, 7, 3))
    (3,)
    """

    aliases = ("GlobalMaxPool3D",)
    axes = 3


class GlobalAveragePooling1D(_GlobalAverage):
    """The mean of each feature over the time steps that exist (masked ones do not count; 0 where none exists).

    Shapes: (rows, time, features) → (rows, features).

    Args:
        data_format: "channels_last" is the only one.
        keepdims: Whether the axis of time stays, with length 1.

    Raises:
        ShapeError: when rows are not (time, features).

    >>> x, mask = jnp.array([[[3.0], [1.0], [9.0]]]), jnp.array([[1.0, 1.0, 0.0]])
    >>> GlobalAveragePooling1D().apply({}, x, Context(mask=mask)).tolist()
    [[2.0]]
    """

    aliases = ("GlobalAvgPool1D",)
    axes = 1
    reads_mask = True

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        if ctx.mask is None:
            return super().apply(w, x, ctx)
        real = (ctx.mask != 0)[..., None]
        total = jnp.sum(jnp.where(real, x, 0), 1, keepdims=self.keepdims)
        return total / jnp.maximum(jnp.sum(real, 1, keepdims=self.keepdims), 1).astype(x.dtype)


class GlobalAveragePooling2D(_GlobalAverage):
    """The mean of each channel of an image: (rows, height, width, channels) → (rows, channels).

    Args:
        data_format: "channels_last" is the only one.
        keepdims: Whether the axes of space stay, with length 1.

    Raises:
        ShapeError: when rows are no images.

    >>> GlobalAveragePooling2D().output_shape((7, 7, 3))
    (3,)

    Source: Lin, Chen & Yan, "Network in network", 2014.
    """

    aliases = ("GlobalAvgPool2D",)


class GlobalAveragePooling3D(_GlobalAverage):
    """The mean of each channel of a volume (rows, depth, height, width, channels); arguments and errors as
    GlobalAveragePooling2D.

    >>> GlobalAveragePooling3D(keepdims=True).output_shape((2, 7, 7, 3))
    (1, 1, 1, 3)
    """

    aliases = ("GlobalAvgPool3D",)
    axes = 3
