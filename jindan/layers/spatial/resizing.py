"""Layers that change an image's size: its middle, another size by interpolation, up-sampling."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ...errors import InputError
from ...spec import COUNT, Choice, Number, item
from ..base import Array, Context, Shape
from .base import CHANNELS_LAST, Spatial

INTERPOLATIONS = Choice(("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"))


class CenterCrop(Spatial):
    """The middle (height, width) of an image; a smaller image is resized so that it fills them, keeping proportions.

    Shapes: (rows, h, w, channels) → (rows, height, width, channels). Of two middles it is the upper left one.

    Args:
        height, width: Of the window, pixels.
        data_format: "channels_last" is the only one.

    Raises:
        ShapeError: when rows are no images.

    >>> CenterCrop(2, 3).output_shape((5, 5, 1))
    (2, 3, 1)
    >>> CenterCrop(1, 2).apply({}, jnp.arange(4.0).reshape(1, 1, 4, 1), Context()).ravel().tolist()
    [1.0, 2.0]
    """

    height: int = item(rule=COUNT)
    width: int = item(rule=COUNT)
    data_format: str | None = item(default=None, rule=CHANNELS_LAST)

    def output_shape(self, shape: Shape) -> Shape:
        self._need_space(shape)
        return (self.height, self.width, shape[-1])

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        wanted = (self.height, self.width)
        if x.shape[1] >= self.height and x.shape[2] >= self.width:
            return _middle(x, wanted)
        return _resized(_middle(x, _largest(x, wanted)), wanted, "bilinear")


class Resizing(Spatial):
    """An image in another size, by interpolation between the centres of its cells.

    Shapes: (rows, h, w, channels) → (rows, height, width, channels).

    Args:
        height, width: The size wanted, pixels.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        crop_to_aspect_ratio: Whether the largest middle part of the wanted proportions is resized.
        pad_to_aspect_ratio: Whether the image is filled up to the wanted proportions before it is resized.
        fill_mode, fill_value: What it is filled up with: "constant", the value.
        antialias: Whether cells between the centres count too where the image gets smaller.
        data_format: "channels_last" is the only one.

    Raises:
        InputError: when proportions are to be kept in both ways.
        ShapeError: when rows are no images.

    >>> Resizing(2, 3).output_shape((5, 7, 1))
    (2, 3, 1)
    >>> Resizing(1, 4).apply({}, jnp.array([0.0, 4.0]).reshape(1, 1, 2, 1), Context()).ravel().tolist()
    [0.0, 1.0, 3.0, 4.0]
    """

    height: int = item(rule=COUNT)
    width: int = item(rule=COUNT)
    interpolation: str = item(default="bilinear", rule=INTERPOLATIONS)
    crop_to_aspect_ratio: bool = item(default=False)
    pad_to_aspect_ratio: bool = item(default=False)
    fill_mode: str = item(default="constant", rule=Choice(("constant",)))
    fill_value: float = item(default=0.0, rule=Number())
    antialias: bool = item(default=False)
    data_format: str | None = item(default=None, rule=CHANNELS_LAST)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            raise InputError(
                "Resizing keeps proportions in one way.", where="Resizing", expected="one of the two, or neither",
                received="crop_to_aspect_ratio=True, pad_to_aspect_ratio=True",
            )  # fmt: skip

    def output_shape(self, shape: Shape) -> Shape:
        self._need_space(shape)
        return (self.height, self.width, shape[-1])

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        wanted = (self.height, self.width)
        if self.crop_to_aspect_ratio:
            x = _middle(x, _largest(x, wanted))
        if self.pad_to_aspect_ratio:
            full = (x.shape[2] * self.height // self.width, x.shape[1] * self.width // self.height)
            sides = [((n - m) // 2,) * 2 if n > m else (0, 0) for n, m in zip(full, x.shape[1:3], strict=True)]
            x = jnp.pad(x, ((0, 0), *sides, (0, 0)), constant_values=self.fill_value)
        return _resized(x, wanted, self.interpolation, self.antialias)


class _UpSampling(Spatial, abstract=True):
    size: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("size")

    def output_shape(self, shape: Shape) -> Shape:
        self._need_space(shape)
        return (*(n * size for n, size in zip(shape[:-1], self._along(self.size), strict=True)), shape[-1])

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return _repeated(x, self._along(self.size))


class UpSampling1D(_UpSampling):
    """Each step `size` times: (rows, time, features) → (rows, size · time, features).

    Args:
        size: How often.

    Raises:
        ShapeError: when rows are not (time, features).

    >>> UpSampling1D(2).apply({}, jnp.array([[[1.0], [2.0]]]), Context()).ravel().tolist()
    [1.0, 1.0, 2.0, 2.0]
    """

    axes = 1
    size: Any = item(default=2)


class UpSampling2D(_UpSampling):
    """An image (height, width, channels) `size` times as large.

    Args:
        size: Factor, or (rows, columns).
        data_format: "channels_last" is the only one.
        interpolation: "nearest" repeats cells; the others interpolate between their centres.

    Raises:
        ShapeError: when rows are no images.

    >>> UpSampling2D((2, 3)).output_shape((3, 4, 1))
    (6, 12, 1)
    >>> UpSampling2D((1, 2)).apply({}, jnp.array([1.0, 2.0]).reshape(1, 1, 2, 1), Context()).ravel().tolist()
    [1.0, 1.0, 2.0, 2.0]
    """

    size: Any = item(default=(2, 2))
    data_format: str | None = item(default=None, rule=CHANNELS_LAST)
    interpolation: str = item(default="nearest", rule=INTERPOLATIONS)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        if self.interpolation == "nearest":
            return super().apply(w, x, ctx)
        return jax.image.resize(x, (x.shape[0], *self.output_shape(x.shape[1:])), self.interpolation)


class UpSampling3D(_UpSampling):
    """Each cell of a volume (depth, height, width, channels) `size` times along each axis.

    Args:
        size: Factor, or one by axis.
        data_format: "channels_last" is the only one.

    Raises:
        ShapeError: when rows are no volumes.

    >>> UpSampling3D((1, 2, 3)).output_shape((3, 3, 3, 1))
    (3, 6, 9, 1)
    """

    axes = 3
    size: Any = item(default=(2, 2, 2))
    data_format: str | None = item(default=None, rule=CHANNELS_LAST)


def _middle(x: Array, wanted: tuple[int, int]) -> Array:
    """The middle part of images; of two middles the upper left one."""
    top, left = (x.shape[1] - wanted[0]) // 2, (x.shape[2] - wanted[1]) // 2
    return x[:, top : top + wanted[0], left : left + wanted[1]]


def _largest(x: Array, wanted: tuple[int, int]) -> tuple[int, int]:
    """The largest size within images that has the proportions wanted."""
    height, width = x.shape[1:3]
    return (
        max(min(height, width * wanted[0] // wanted[1]), 1),
        max(min(width, height * wanted[1] // wanted[0]), 1),
    )


def _resized(x: Array, wanted: tuple[int, int], how: str, antialias: bool = False) -> Array:
    return jax.image.resize(x, (x.shape[0], *wanted, x.shape[-1]), how, antialias=antialias)


def _repeated(x: Array, factors: tuple[int, ...]) -> Array:
    """Every cell as often as its axis's factor says, by broadcasting: its slope is one sum."""
    spread = x.reshape(x.shape[0], *(n for length in x.shape[1:-1] for n in (length, 1)), x.shape[-1])
    form = [n for length, factor in zip(x.shape[1:-1], factors, strict=True) for n in (length, factor)]
    wide = jnp.broadcast_to(spread, (x.shape[0], *form, x.shape[-1]))
    return wide.reshape(x.shape[0], *(n * f for n, f in zip(x.shape[1:-1], factors, strict=True)), x.shape[-1])
