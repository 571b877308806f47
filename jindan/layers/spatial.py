"""Layers that move cells about: padding, cropping, resizing, up-sampling; and how layers with space axes read sizes."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from ..errors import InputError, ShapeError
from ..spec import COUNT, Choice, Number, item
from .base import Array, Context, Layer, Shape, need_rank

CHANNELS_LAST = Choice(("channels_last",))
INTERPOLATIONS = Choice(("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"))
_AXES = {1: "(time, features)", 2: "(height, width, channels)", 3: "(depth, height, width, channels)"}


class Spatial(Layer, abstract=True):
    """Base of layers whose rows are (*space, channels)."""

    axes: ClassVar[int] = 2

    def _settle(self, *names: str, low: int = 1) -> None:
        """Bring sizes into one form: an integer for one axis, a tuple for more."""
        for name in names:
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, sizes(self, name, value, self.axes, low))

    def _along(self, value: Any) -> tuple[int, ...]:
        """A settled size by axis."""
        return value if isinstance(value, tuple) else (value,) * self.axes

    def _need_space(self, shape: Shape) -> None:
        need_rank(self, shape, (self.axes + 1,), f"rows {_AXES[self.axes]}")

    def _too_small(self, shape: Shape, what: str) -> ShapeError:
        name = type(self).__name__
        return ShapeError(
            f"{name} has no output for rows of shape {shape}: {what}.",
            where=f"layer {self.name or name}",
            expected=f"rows {_AXES[self.axes]} that its windows fit in",
            received=f"rows of shape {shape}",
            help='Take smaller windows or strides, padding="same", or larger rows.',
        )


def sizes(layer: Layer, name: str, value: Any, axes: int, low: int = 1) -> Any:
    """A size as an integer (one axis) or a tuple (more), from an integer or a sequence.

    Raises:
        InputError: when it is neither, or below `low`.
    """
    given = tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes
    whole = [entry for entry in given if isinstance(entry, (int, float)) and not isinstance(entry, bool)]
    if len(given) != axes or len(whole) != axes or any(v != int(v) or v < low for v in whole if math.isfinite(v)) or (
        not all(map(math.isfinite, whole))
    ):  # fmt: skip
        owner = type(layer).__name__
        raise InputError(
            f"The {name} of {owner} must be {_counts(axes, low)}.",
            where=f"{name} of {owner}",
            expected=_counts(axes, low),
            received=repr(value),
        )
    return int(given[0]) if axes == 1 else tuple(int(entry) for entry in given)


def _counts(axes: int, low: int) -> str:
    one = f"an integer >= {low}"
    return one if axes == 1 else f"{one}, or a tuple of {axes} of them"


def pairs(layer: Layer, name: str, value: Any, axes: int) -> tuple[tuple[int, int], ...]:
    """(before, after) by axis, from one integer, an integer by axis or a pair by axis."""
    if axes == 1 and isinstance(value, (tuple, list)) and len(value) == 2:
        value = (value,)
    if isinstance(value, (tuple, list)) and len(value) != axes:
        sizes(layer, name, value, axes, 0)  # raises
    entries = value if isinstance(value, (tuple, list)) else (value,) * axes
    return tuple(sizes(layer, name, entry, 2, 0) for entry in entries)


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
    """Zeros before and after a sequence.

    Args:
        padding: Steps on both sides, or (before, after).

    >>> ZeroPadding1D((1, 2)).output_shape((5, 3))
    (8, 3)
    """

    axes = 1


class ZeroPadding2D(_ZeroPadding):
    """Zeros around an image.

    Args:
        padding: Cells on every side, (rows, columns), or ((top, bottom), (left, right)).

    >>> ZeroPadding2D(((1, 0), (2, 2))).output_shape((5, 5, 3))
    (6, 9, 3)
    """

    padding: Any = item(default=(1, 1))


class ZeroPadding3D(_ZeroPadding):
    """Zeros around a volume (depth, height, width, channels).

    Args:
        padding: Cells on every side, one number by axis, or (before, after) by axis.

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
    """A sequence without its first and last steps.

    >>> Cropping1D((1, 2)).output_shape((5, 3))
    (2, 3)
    """

    axes = 1


class Cropping2D(_Cropping):
    """An image without its edges, ((top, bottom), (left, right)).

    >>> Cropping2D(((1, 0), (2, 2))).output_shape((5, 5, 3))
    (4, 1, 3)
    """

    cropping: Any = item(default=((0, 0), (0, 0)))


class Cropping3D(_Cropping):
    """A volume without its outer cells, (before, after) by axis.

    >>> Cropping3D(((1, 0), (2, 2), (0, 1))).output_shape((3, 5, 5, 1))
    (2, 1, 4, 1)
    """

    axes = 3
    cropping: Any = item(default=((1, 1), (1, 1), (1, 1)))


class CenterCrop(Spatial):
    """The middle (height, width) of an image; a smaller image is resized so that it fills them, keeping proportions.

    >>> CenterCrop(2, 3).output_shape((5, 5, 1))
    (2, 3, 1)
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

    Args:
        height, width: The size wanted.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        crop_to_aspect_ratio: Whether the largest middle part of the wanted proportions is resized.
        pad_to_aspect_ratio: Whether the image is filled up to the wanted proportions before it is resized.
        fill_mode, fill_value: What it is filled up with: "constant", the value.
        antialias: Whether cells between the centres count too where the image gets smaller.

    >>> Resizing(2, 3).output_shape((5, 7, 1))
    (2, 3, 1)
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


class UpSampling1D(Spatial):
    """Each step `size` times.

    >>> UpSampling1D(2).output_shape((3, 4))
    (6, 4)
    """

    axes = 1
    size: Any = item(default=2)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("size")

    def output_shape(self, shape: Shape) -> Shape:
        self._need_space(shape)
        return (shape[0] * self.size, shape[1])

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return _repeated(x, (self.size,))


class UpSampling2D(Spatial):
    """An image `size` times as large.

    Args:
        size: Factor, or (rows, columns).
        interpolation: "nearest" repeats cells; the others interpolate between their centres.

    >>> UpSampling2D((2, 3)).output_shape((3, 4, 1))
    (6, 12, 1)
    """

    size: Any = item(default=(2, 2))
    data_format: str | None = item(default=None, rule=CHANNELS_LAST)
    interpolation: str = item(default="nearest", rule=INTERPOLATIONS)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("size")

    def output_shape(self, shape: Shape) -> Shape:
        self._need_space(shape)
        return (*(n * size for n, size in zip(shape[:-1], self.size, strict=True)), shape[-1])

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        if self.interpolation == "nearest":
            return _repeated(x, self.size)
        return jax.image.resize(x, (x.shape[0], *self.output_shape(x.shape[1:])), self.interpolation)


class UpSampling3D(Spatial):
    """Each cell of a volume `size` times along each axis.

    >>> UpSampling3D((1, 2, 3)).output_shape((3, 3, 3, 1))
    (3, 6, 9, 1)
    """

    axes = 3
    size: Any = item(default=(2, 2, 2))
    data_format: str | None = item(default=None, rule=CHANNELS_LAST)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("size")

    def output_shape(self, shape: Shape) -> Shape:
        self._need_space(shape)
        return (*(n * size for n, size in zip(shape[:-1], self.size, strict=True)), shape[-1])

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return _repeated(x, self.size)


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
