"""Adaptive pooling: as many windows as outputs are wanted, whatever the length of the rows."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..ops.pooling import average_pool, max_pool
from ..spec import item
from .base import Array, Context, Shape
from .spatial import CHANNELS_LAST, Spatial


class _Adaptive(Spatial):
    output_size: Any = item()
    data_format: str | None = item(default=None, rule=CHANNELS_LAST)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("output_size")

    @property
    def _lengths(self) -> tuple[int, ...]:
        return self._along(self.output_size)

    def output_shape(self, shape: Shape) -> Shape:
        self._need_space(shape)
        return (*self._lengths, shape[-1])

    def flops(self, shape: Shape) -> int:
        return math.prod(self.output_shape(shape)) * math.prod(map(len, map(np.transpose, self._windows(shape))))

    def _windows(self, shape: Shape) -> list[np.ndarray]:
        """Of each axis, the cells that each output sees (outputs, longest window); shorter ones end in their last."""
        return [_cells(n, wanted) for n, wanted in zip(shape[:-1], self._lengths, strict=True)]

    def _even(self, shape: Shape) -> tuple[int, ...] | None:
        """The length of windows that lie side by side, where the outputs divide the cells."""
        pairs = list(zip(shape[:-1], self._lengths, strict=True))
        return None if any(n % wanted for n, wanted in pairs) else tuple(n // wanted for n, wanted in pairs)


class _AdaptiveAverage(_Adaptive):
    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        even = self._even(x.shape[1:])
        if even is not None:
            return average_pool(x, even, even, ((0, 0),) * self.axes)
        for axis, (n, wanted) in enumerate(zip(x.shape[1:-1], self._lengths, strict=True), 1):
            shares = jnp.asarray(_shares(n, wanted), x.dtype)
            x = jnp.moveaxis(jnp.tensordot(shares, x, (1, axis)), 0, axis)
        return x


class _AdaptiveMax(_Adaptive):
    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        even = self._even(x.shape[1:])
        if even is None:
            # Windows that overlap or differ in length are laid side by side first.
            cells = self._windows(x.shape[1:])
            for axis, own in enumerate(cells, 1):
                x = jnp.take(x, jnp.asarray(own.reshape(-1)), axis=axis)
            even = tuple(own.shape[1] for own in cells)
        return max_pool(x, even, even, ((0, 0),) * self.axes)


class AdaptiveAveragePooling1D(_AdaptiveAverage):
    """The mean of each of `output_size` windows over time: from step ⌊i n / outputs⌋ to before ⌈(i + 1) n / outputs⌉.

    Shapes: input (rows, n, features), output (rows, output_size, features).

    Args:
        output_size: How many outputs.
        data_format: "channels_last" is the only one.

    Raises:
        InputError: when it is no integer >= 1.
        ShapeError: when rows are not (time, features).

    >>> x = jnp.array([[[1.0], [2.0], [6.0]]])
    >>> AdaptiveAveragePooling1D(2).apply({}, x, Context()).ravel().tolist()
    [1.5, 4.0]
    """

    axes = 1


class AdaptiveAveragePooling2D(_AdaptiveAverage):
    """The mean of each of `output_size` × `output_size` windows of an image; windows as in AdaptiveAveragePooling1D.

    Args:
        output_size: How many outputs along each axis, or (rows, columns).
        data_format: "channels_last" is the only one.

    Raises:
        InputError: when a number is no integer >= 1.
        ShapeError: when rows are no images.

    >>> AdaptiveAveragePooling2D((7, 5)).output_shape((30, 30, 8))
    (7, 5, 8)
    """


class AdaptiveAveragePooling3D(_AdaptiveAverage):
    """The mean of each of `output_size`³ windows of a volume (rows, depth, height, width, channels); arguments and
    errors as AdaptiveAveragePooling2D.

    >>> AdaptiveAveragePooling3D(2).output_shape((5, 9, 9, 1))
    (2, 2, 2, 1)
    """

    axes = 3


class AdaptiveMaxPooling1D(_AdaptiveMax):
    """The largest value of each of `output_size` windows over time; windows, arguments and errors as
    AdaptiveAveragePooling1D.

    >>> AdaptiveMaxPooling1D(2).apply({}, jnp.array([[[1.0], [2.0], [6.0]]]), Context()).ravel().tolist()
    [2.0, 6.0]
    """

    axes = 1


class AdaptiveMaxPooling2D(_AdaptiveMax):
    """The largest value of each of `output_size` × `output_size` windows of an image; arguments and errors as
    AdaptiveAveragePooling2D.

    >>> AdaptiveMaxPooling2D(7).output_shape((30, 30, 8))
    (7, 7, 8)
    """


class AdaptiveMaxPooling3D(_AdaptiveMax):
    """The largest value of each of `output_size`³ windows of a volume (rows, depth, height, width, channels); arguments
    and errors as AdaptiveAveragePooling2D.

    >>> AdaptiveMaxPooling3D(2).output_shape((5, 9, 9, 1))
    (2, 2, 2, 1)
    """

    axes = 3


def _cells(n: int, wanted: int) -> np.ndarray:
    """The cells of n that each of the wanted outputs sees."""
    first = np.arange(wanted) * n // wanted
    last = -(-np.arange(1, wanted + 1) * n // wanted) - 1
    longest = int((last - first).max()) + 1
    return np.minimum(first[:, None] + np.arange(longest), last[:, None])


def _shares(n: int, wanted: int) -> np.ndarray:
    """What part of each output each of n cells is: (wanted, n)."""
    first = np.arange(wanted) * n // wanted
    after = -(-np.arange(1, wanted + 1) * n // wanted)
    seen = (np.arange(n) >= first[:, None]) & (np.arange(n) < after[:, None])
    return seen / seen.sum(1, keepdims=True)
