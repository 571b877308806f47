"""Layers that add or take away cells at the edges: padding and cropping."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ...spec import item
from ..base import Array, Context, Shape
from .base import CHANNELS_LAST, Spatial, pairs


class _ZeroPadding(Spatial):
    moves = True
    padding: Any = item(default=1)
    data_format: str | None = item(default=None, rule=CHANNELS_LAST)

    def __post_init__(self) -> None:
        super().__post_init__()
        found = pairs(self, "padding", self.padding, self.axes)
        object.__setattr__(self, "padding", found[0] if self.axes == 1 else found)

    def _pairs(self) -> tuple[tuple[int, int], ...]:
        return (self.padding,) if self.axes == 1 else self.padding

    def output_shape(self, shape: Shape) -> Shape:
        self._need_space(shape)
        return (*(n + sum(pair) for n, pair in zip(shape[:-1], self._pairs(), strict=True)), shape[-1])

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return jnp.pad(x, ((0, 0), *self._pairs(), (0, 0)))


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after a sequence: (rows, time, features) → (rows, before + time + after, features).

    Args:
        padding: Steps on both sides, or (before, after).

    Raises:
        InputError: when `padding` is no such number.
        ShapeError: when rows are not (time, features).

    >>> ZeroPadding1D((1, 2)).output_shape((5, 3))
    (8, 3)
    >>> ZeroPadding1D((1, 2)).apply({}, jnp.array([[[7.0]]]), Context()).ravel().tolist()
    [0.0, 7.0, 0.0, 0.0]
    """

    axes = 1


class ZeroPadding2D(_ZeroPadding):
    """Zeros around an image (height, width, channels).

    Args:
        padding: Cells on every side, (rows, columns), or ((top, bottom), (left, right)).
        data_format: "channels_last" is the only one.

    Raises:
        InputError: when `padding` is no such number.
        ShapeError: when rows are not (height, width, channels).

    >>> ZeroPadding2D(((1, 0), (2, 2))).output_shape((5, 5, 3))
    (6, 9, 3)
    """

    padding: Any = item(default=(1, 1))


class ZeroPadding3D(_ZeroPadding):
    """Zeros around a volume (depth, height, width, channels).

    Args:
        padding: Cells on every side, one number by axis, or (before, after) by axis.
        data_format: "channels_last" is the only one.

    Raises:
        InputError: when `padding` is no such number.
        ShapeError: when rows are not (depth, height, width, channels).

    >>> ZeroPadding3D((1, 0, 2)).output_shape((3, 5, 5, 1))
    (5, 5, 9, 1)
    """

    axes = 3
    padding: Any = item(default=((1, 1), (1, 1), (1, 1)))


class _Cropping(Spatial):
    moves = True
    cropping: Any = item(default=(1, 1))
    data_format: str | None = item(default=None, rule=CHANNELS_LAST)

    def __post_init__(self) -> None:
        super().__post_init__()
        found = pairs(self, "cropping", self.cropping, self.axes)
        object.__setattr__(self, "cropping", found[0] if self.axes == 1 else found)

    def _pairs(self) -> tuple[tuple[int, int], ...]:
        return (self.cropping,) if self.axes == 1 else self.cropping

    def output_shape(self, shape: Shape) -> Shape:
        self._need_space(shape)
        left = tuple(n - sum(pair) for n, pair in zip(shape[:-1], self._pairs(), strict=True))
        if min(left) < 1:
            raise self._too_small(shape, f"cropping {self.cropping} leaves nothing")
        return (*left, shape[-1])

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        kept = (slice(low, n - high) for n, (low, high) in zip(x.shape[1:-1], self._pairs(), strict=True))
        return x[(slice(None), *kept)]


class Cropping1D(_Cropping):
    """A sequence (time, features) without its first and last steps.

    Args:
        cropping: Steps on both sides, or (first, last).

    Raises:
        InputError: when `cropping` is no such number.
        ShapeError: when rows are not (time, features), or nothing is left of them.

    >>> Cropping1D((1, 2)).output_shape((5, 3))
    (2, 3)
    >>> Cropping1D((1, 2)).apply({}, jnp.arange(5.0).reshape(1, 5, 1), Context()).ravel().tolist()
    [1.0, 2.0]
    """

    axes = 1


class Cropping2D(_Cropping):
    """An image (height, width, channels) without its edges.

    Args:
        cropping: Cells on every side, (rows, columns), or ((top, bottom), (left, right)).
        data_format: "channels_last" is the only one.

    Raises:
        InputError: when `cropping` is no such number.
        ShapeError: when rows are not (height, width, channels), or nothing is left of them.

    >>> Cropping2D(((1, 0), (2, 2))).output_shape((5, 5, 3))
    (4, 1, 3)
    """

    cropping: Any = item(default=((0, 0), (0, 0)))


class Cropping3D(_Cropping):
    """A volume (depth, height, width, channels) without its outer cells.

    Args:
        cropping: Cells on every side, one number by axis, or (before, after) by axis.
        data_format: "channels_last" is the only one.

    Raises:
        InputError: when `cropping` is no such number.
        ShapeError: when rows are not (depth, height, width, channels), or nothing is left of them.

    >>> Cropping3D(((1, 0), (2, 2), (0, 1))).output_shape((3, 5, 5, 1))
    (2, 1, 4, 1)
    """

    axes = 3
    cropping: Any = item(default=((1, 1), (1, 1), (1, 1)))
