"""Augmentation: images changed at random, each its own way, in training steps only."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp

from ..errors import InputError, ShapeError
from ..spec import COUNT, Choice, Number, item
from .base import Array, Context, Layer, Shape, is_zero, need_rank, real
from .resampling import FILLS, INTERPOLATIONS, along, at, take
from .stream import Stream

FLIPS = ("horizontal", "vertical", "horizontal_and_vertical")
_SEED = Number(integer=True)


class _Augmentation(Layer, abstract=True):
    """Base: rows are images (height, width, channels); at inference they pass as they are.

    Called on arrays, as in a pipeline of data, it changes them as in training; `training=False` leaves them alone.
    """

    draws_on_arrays: ClassVar[bool] = True
    _strengths: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self._strengths:
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _checked(self, name, getattr(self, name)))

    @property
    def random(self) -> bool:
        return any(not _idle(getattr(self, name)) for name in self._strengths)

    def output_shape(self, shape: Shape) -> Shape:
        need_rank(self, shape, (3,), "images of shape (height, width, channels)")
        return shape

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        x = real(x)
        return self.change(x, ctx.stream()) if ctx.training and self.random else x

    @property
    def _reading(self) -> tuple[str, str, float]:
        """How pixels that lie between or outside others are read."""
        how: Any = self
        return how.fill_mode, how.interpolation, how.fill_value

    def change(self, x: Array, key: Stream) -> Array:
        """The images (rows, height, width, channels) as training sees them."""
        raise NotImplementedError

    def flops(self, shape: Shape) -> int:
        return 0


class RandomFlip(_Augmentation):
    """Each image is mirrored with probability ½: left–right, top–bottom, or in both directions independently.

    Shapes: (rows, height, width, channels) → the same. At inference images pass as they are.

    Args:
        mode: "horizontal", "vertical" or "horizontal_and_vertical".
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    >>> import jax
    >>> image = jnp.array([1.0, 2.0]).reshape(1, 1, 2, 1)
    >>> draws = (Context(training=True, key=jax.random.key(seed)) for seed in range(8))
    >>> sorted({tuple(RandomFlip("horizontal").apply({}, image, ctx).ravel().tolist()) for ctx in draws})
    [(1.0, 2.0), (2.0, 1.0)]

    Source: Krizhevsky, Sutskever & Hinton, "ImageNet classification with deep convolutional neural networks", 2012.
    """

    mode: str = item(default="horizontal_and_vertical", rule=Choice(FLIPS))
    seed: int | None = item(default=None, rule=_SEED, host=True, optional=True)

    @property
    def random(self) -> bool:
        return True

    def change(self, x: Array, key: Stream) -> Array:
        across, down = key.uniform((2, x.shape[0], 1, 1, 1), rows=1) < 0.5
        if "horizontal" in self.mode:
            x = jnp.where(across, x[:, :, ::-1], x)
        return jnp.where(down, x[:, ::-1], x) if "vertical" in self.mode else x


class RandomCrop(_Augmentation):
    """A window of (height, width) from a random place of each image; at inference the window in the middle.

    Keras resizes at inference; here the middle is cut out, so that things keep the size they had in training.

    Args:
        height, width: Of the window, pixels.
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        ShapeError: when rows are no images, or smaller than the window.

    >>> RandomCrop(24, 20).output_shape((28, 28, 3))
    (24, 20, 3)
    >>> RandomCrop(1, 2).apply({}, jnp.arange(4.0).reshape(1, 1, 4, 1), Context()).ravel().tolist()
    [1.0, 2.0]

    Source: Krizhevsky, Sutskever & Hinton, "ImageNet classification with deep convolutional neural networks", 2012.
    """

    height: int = item(rule=COUNT)
    width: int = item(rule=COUNT)
    seed: int | None = item(default=None, rule=_SEED, host=True, optional=True)

    @property
    def random(self) -> bool:
        return True

    def output_shape(self, shape: Shape) -> Shape:
        super().output_shape(shape)
        if shape[0] < self.height or shape[1] < self.width:
            raise ShapeError(
                "The images are smaller than the window to crop.",
                where=f"layer {self.name or 'RandomCrop'}",
                expected=f"at least {self.height} × {self.width} pixels",
                received=f"{shape[0]} × {shape[1]} pixels",
                help="Lower height and width, or read the images in a larger size.",
            )
        return (self.height, self.width, shape[2])

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        x = real(x)
        if ctx.training:
            return self.change(x, ctx.stream())
        top, left = (x.shape[1] - self.height) // 2, (x.shape[2] - self.width) // 2
        return x[:, top : top + self.height, left : left + self.width]

    def change(self, x: Array, key: Stream) -> Array:
        for axis, size in ((1, self.height), (2, self.width)):
            start = key.fold(axis).integers((x.shape[0], 1), 0, x.shape[axis] - size + 1)
            x = take(x, start + jnp.arange(size), axis)
        return x


class RandomTranslation(_Augmentation):
    """Each image moves down by a share of its height and to the right by a share of its width.

    Shares are drawn from U(-f, f), or U(f₀, f₁) for a pair. What comes in from outside is decided by `fill_mode`:
    reflect (d c b a | a b c d | d c b a), wrap, nearest, or constant (`fill_value`). At inference images pass as they
    are.

    Args:
        height_factor, width_factor: f, or a pair, within [-1, 1].
        fill_mode, fill_value: What lies outside the image.
        interpolation: "bilinear" or "nearest".
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        InputError: when a factor is none.

    >>> import jax
    >>> image, ctx = jnp.arange(1.0, 5.0).reshape(1, 1, 4, 1), Context(training=True, key=jax.random.key(0))
    >>> RandomTranslation(0.0, (0.25, 0.25), "constant").apply({}, image, ctx).ravel().tolist()
    [0.0, 1.0, 2.0, 3.0]

    Source: Simard, Steinkraus & Platt, "Best practices for convolutional neural networks applied to visual document
    analysis", 2003.
    """

    height_factor: Any = item(traced=True)
    width_factor: Any = item(traced=True)
    fill_mode: str = item(default="reflect", rule=Choice(FILLS))
    interpolation: str = item(default="bilinear", rule=Choice(INTERPOLATIONS))
    seed: int | None = item(default=None, rule=_SEED, host=True, optional=True)
    fill_value: float = item(default=0.0, rule=Number())

    _strengths = ("height_factor", "width_factor")

    def change(self, x: Array, key: Stream) -> Array:
        for axis, factor in ((1, self.height_factor), (2, self.width_factor)):
            if is_zero(factor):
                continue
            share = _uniform(key.fold(axis), factor, x)
            size = x.shape[axis]
            x = along(x, jnp.arange(size) - share[:, None] * size, axis, *self._reading)
        return x


class RandomRotation(_Augmentation):
    """Each image turns about its middle by 2π · U(-f, f), or 2π · U(f₀, f₁) for a pair.

    At inference images pass as they are.

    Args:
        factor: f as a share of a full turn, or a pair, within [-1, 1].
        fill_mode, fill_value: What lies outside the image, as in RandomTranslation.
        interpolation: "bilinear" or "nearest".
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        InputError: when the factor is none.

    >>> import jax
    >>> image, ctx = jnp.arange(1.0, 5.0).reshape(1, 2, 2, 1), Context(training=True, key=jax.random.key(0))
    >>> RandomRotation((0.5, 0.5), interpolation="nearest").apply({}, image, ctx).ravel().tolist()
    [4.0, 3.0, 2.0, 1.0]

    Source: Simard, Steinkraus & Platt, "Best practices for convolutional neural networks applied to visual document
    analysis", 2003.
    """

    factor: Any = item(traced=True)
    fill_mode: str = item(default="reflect", rule=Choice(FILLS))
    interpolation: str = item(default="bilinear", rule=Choice(INTERPOLATIONS))
    seed: int | None = item(default=None, rule=_SEED, host=True, optional=True)
    fill_value: float = item(default=0.0, rule=Number())

    _strengths = ("factor",)

    def change(self, x: Array, key: Stream) -> Array:
        turn = 2 * jnp.pi * _uniform(key, self.factor, x)[:, None, None]
        middle, centre = (x.shape[1] - 1) / 2, (x.shape[2] - 1) / 2
        down, right = jnp.arange(x.shape[1])[:, None] - middle, jnp.arange(x.shape[2]) - centre
        sine, cosine = jnp.sin(turn), jnp.cos(turn)
        return at(x, sine * right + cosine * down + middle, cosine * right - sine * down + centre, *self._reading)


class RandomZoom(_Augmentation):
    """Each image is zoomed about its middle: 1 + U(-f, f) times as much of it is seen (positive: it gets smaller).

    At inference images pass as they are.

    Args:
        height_factor: f, or a pair, within (-1, 1].
        width_factor: The same across; None keeps the proportions.
        fill_mode, fill_value: What lies outside the image, as in RandomTranslation.
        interpolation: "bilinear" or "nearest".
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        InputError: when a factor is none.

    >>> import jax
    >>> image, ctx = jnp.array([2.0, 2.0, 4.0, 4.0]).reshape(1, 1, 4, 1), Context(training=True, key=jax.random.key(0))
    >>> RandomZoom(0.0, (1.0, 1.0), "constant").apply({}, image, ctx).ravel().tolist()
    [0.0, 2.0, 4.0, 0.0]
    """

    height_factor: Any = item(traced=True)
    width_factor: Any = item(default=None, traced=True)
    fill_mode: str = item(default="reflect", rule=Choice(FILLS))
    interpolation: str = item(default="bilinear", rule=Choice(INTERPOLATIONS))
    seed: int | None = item(default=None, rule=_SEED, host=True, optional=True)
    fill_value: float = item(default=0.0, rule=Number())

    _strengths = ("height_factor", "width_factor")

    def change(self, x: Array, key: Stream) -> Array:
        down = 1 + _uniform(key.fold(1), self.height_factor, x)
        across = down
        if self.width_factor is not None:
            across = 1 + _uniform(key.fold(2), self.width_factor, x)
        for axis, zoom in ((1, down), (2, across)):
            middle = (x.shape[axis] - 1) / 2
            x = along(x, zoom[:, None] * (jnp.arange(x.shape[axis]) - middle) + middle, axis, *self._reading)
        return x


class RandomBrightness(_Augmentation):
    """δ · (high - low) is added to each image, δ from U(-f, f) or U(f₀, f₁); values are cut to `value_range`.

    At inference images pass as they are.

    Args:
        factor: f, or a pair, within [-1, 1].
        value_range: (low, high) of the pixels: (0, 255) for bytes, (0, 1) after `Rescaling(1 / 255)`.
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        InputError: when the factor or the range is none.

    >>> import jax
    >>> image, ctx = jnp.array([0.0, 0.75]).reshape(1, 1, 2, 1), Context(training=True, key=jax.random.key(0))
    >>> RandomBrightness((0.5, 0.5), value_range=(0, 1)).apply({}, image, ctx).ravel().tolist()
    [0.5, 1.0]

    Source: Howard, "Some improvements on deep convolutional neural network based image classification", 2013.
    """

    factor: Any = item(traced=True)
    value_range: Any = item(default=(0, 255))
    seed: int | None = item(default=None, rule=_SEED, host=True, optional=True)

    _strengths = ("factor",)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_range(self)

    def change(self, x: Array, key: Stream) -> Array:
        low, high = self.value_range
        delta = _uniform(key, self.factor, x).reshape(-1, 1, 1, 1) * (high - low)
        return jnp.clip(x + delta.astype(x.dtype), low, high)


class RandomContrast(_Augmentation):
    """(x - mean) · c + mean for each channel of each image, c from U(1 - f, 1 + f); values are cut to `value_range`.

    At inference images pass as they are.

    Args:
        factor: f, or (f₀, f₁) for U(1 - f₀, 1 + f₁), within [0, 1].
        value_range: (low, high) of the pixels: (0, 255) for bytes, (0, 1) after `Rescaling(1 / 255)`.
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        InputError: when the factor or the range is none.

    >>> import jax
    >>> image, ctx = jnp.array([0.25, 0.75]).reshape(1, 1, 2, 1), Context(training=True, key=jax.random.key(0))
    >>> dark, light = RandomContrast(0.5, value_range=(0, 1)).apply({}, image, ctx).ravel().tolist()
    >>> round(dark + light, 3), 0.25 <= light - dark <= 0.75
    (1.0, True)

    Source: Howard, "Some improvements on deep convolutional neural network based image classification", 2013.
    """

    factor: Any = item(traced=True)
    value_range: Any = item(default=(0, 255))
    seed: int | None = item(default=None, rule=_SEED, host=True, optional=True)

    _strengths = ("factor",)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_range(self)

    def change(self, x: Array, key: Stream) -> Array:
        low, high = self.factor if isinstance(self.factor, tuple) else (self.factor, self.factor)
        contrast = _uniform(key, (1 - low, 1 + high), x).reshape(-1, 1, 1, 1).astype(x.dtype)
        mean = jnp.mean(x, axis=(1, 2), keepdims=True)
        return jnp.clip((x - mean) * contrast + mean, *self.value_range)


# -- helpers ----------------------------------------------------------------------------------------------------


def _idle(factor: Any) -> bool:
    return factor is None or is_zero(factor) or (isinstance(factor, tuple) and factor == (0, 0))


def _checked(layer: Layer, name: str, value: Any) -> Any:
    """A factor: a number, or a pair in order."""
    pair = isinstance(value, tuple)
    low = -1.0 if not isinstance(layer, RandomContrast) else 0.0
    rule = Number(low, 1, open_low=isinstance(layer, RandomZoom))
    if all(rule.accepts(v) for v in (value if pair else (value,))) and (not pair or len(value) == 2):
        if isinstance(layer, RandomContrast):
            return value
        return tuple(sorted(value)) if pair else abs(value)
    raise InputError(
        f"The {name} of {type(layer).__name__} must be {rule}, or a pair of such.",
        where=f"{name} of {type(layer).__name__}",
        expected=f"{rule}, or (low, high)",
        received=repr(value),
        help="0.1 is a mild beginning.",
    )


def _check_range(layer: Any) -> None:
    value = layer.value_range
    if isinstance(value, tuple) and len(value) == 2 and all(Number().accepts(v) for v in value) and value[0] < value[1]:
        return
    raise InputError(
        f"The value_range of {type(layer).__name__} must be two numbers, the lower one first.",
        where=f"value_range of {type(layer).__name__}",
        expected="(low, high)",
        received=repr(value),
        help="(0, 255) for bytes, (0, 1) after Rescaling(1 / 255).",
    )


def _uniform(key: Stream, factor: Any, x: Array) -> Array:
    """One number an image from U(-factor, factor), or U(*factor); half precision would move images in jumps."""
    low, high = factor if isinstance(factor, tuple) else (-factor, factor)
    drawn = key.uniform((x.shape[0],), jnp.promote_types(x.dtype, jnp.float32))
    return low + (high - low) * drawn
