"""Augmentation of colours: grey, inverted, paler, coarser images; contrast stretched; rectangles erased."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp

from ..errors import InputError
from ..spec import UNIT, Number, item
from .augmentation import _Augmentation, _check_range
from .base import Array, Context, is_zero, real
from .stream import Stream

GREY = (0.2989, 0.5870, 0.1140)  # how bright red, green and blue look (ITU-R BT.601)
BITS = 8
_SEED = Number(integer=True)


class _Colours(_Augmentation, abstract=True):
    """Base: factors are shares; pixels lie in a range of values."""

    _shares: ClassVar[tuple[str, ...]] = ("factor",)
    _red_green_blue = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self._shares:
            object.__setattr__(self, name, _share(self, name, getattr(self, name)))
        if hasattr(self, "value_range"):
            _check_range(self)

    @property
    def random(self) -> bool:
        return not all(is_zero(getattr(self, name)) for name in self._shares)

    def output_shape(self, shape: Any) -> Any:
        super().output_shape(shape)
        if self._red_green_blue and shape[-1] != len(GREY):
            raise self._too_few(shape)
        return shape

    def _too_few(self, shape: Any) -> InputError:
        name = type(self).__name__
        return InputError(
            f"{name} is for images of three colours.", where=f"layer {self.name or name}",
            expected="images (height, width, 3): red, green, blue", received=f"rows of shape {shape}",
            help="Images in grey have no colour to change.",
        )  # fmt: skip

    @property
    def _span(self: Any) -> tuple[float, float]:
        """(low, high − low) of the pixels."""
        low, high = self.value_range
        return low, high - low


class _ByFactor(_Colours, abstract=True):
    """Base: what one factor does to images of three colours."""

    factor: Any = item(traced=True)
    value_range: Any = item(default=(0, 255))
    seed: int | None = item(default=None, rule=_SEED, host=True, optional=True)
    _red_green_blue = True


class RandomGrayscale(_Colours):
    """An image is grey with probability `factor`: 0.30 red + 0.59 green + 0.11 blue in all three channels.

    Shapes: (rows, height, width, 3) → the same. At inference images pass as they are.

    Args:
        factor: The probability.
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        InputError: when images have not three channels.

    >>> import jax
    >>> image, ctx = jnp.array([1.0, 0.0, 0.0]).reshape(1, 1, 1, 3), Context(training=True, key=jax.random.key(0))
    >>> [round(v, 2) for v in RandomGrayscale(1.0).apply({}, image, ctx).ravel().tolist()]
    [0.3, 0.3, 0.3]
    """

    factor: float = item(default=0.5, rule=UNIT, traced=True)
    seed: int | None = item(default=None, rule=_SEED, host=True, optional=True)
    _red_green_blue = True

    def change(self, x: Array, key: Stream) -> Array:
        return jnp.where(key.uniform((x.shape[0], 1, 1, 1)) < self.factor, _grey(x), x)


class RandomColorDegeneration(_ByFactor):
    """x + f (grey − x): colours fade by a share f of each image's own, from U(0, factor), or U(f₀, f₁) for a pair.

    At inference images pass as they are.

    Args:
        factor: The share, or a pair, within [0, 1].
        value_range: (low, high) of the pixels.
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        InputError: when images have not three channels, or a factor is no share.

    >>> import jax
    >>> image, ctx = jnp.array([1.0, 0.0, 0.0]).reshape(1, 1, 1, 3), Context(training=True, key=jax.random.key(0))
    >>> layer = RandomColorDegeneration((0.5, 0.5), value_range=(0, 1))
    >>> [round(v, 2) for v in layer.apply({}, image, ctx).ravel().tolist()]
    [0.65, 0.15, 0.15]
    """

    def change(self, x: Array, key: Stream) -> Array:
        share = _between(key, self.factor, x)
        return jnp.clip(x + share * (_grey(x) - x), *self.value_range)


class RandomSaturation(_ByFactor):
    """The saturation of each image times f / (1 − f), f from U(0, factor), or U(f₀, f₁) for a pair.

    At f = ½ it stays, at 0 all is grey. Hue and value (the largest channel) stay; saturation is at most 1. At inference
    images pass as they are.

    Args:
        factor: f, or a pair, within [0, 1].
        value_range: (low, high) of the pixels.
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        InputError: when images have not three channels, or a factor is no share.

    >>> import jax
    >>> image, ctx = jnp.array([1.0, 0.5, 0.5]).reshape(1, 1, 1, 3), Context(training=True, key=jax.random.key(0))
    >>> layer = RandomSaturation((0.2, 0.2), value_range=(0, 1))
    >>> [round(v, 3) for v in layer.apply({}, image, ctx).ravel().tolist()]
    [1.0, 0.875, 0.875]
    """

    def change(self, x: Array, key: Stream) -> Array:
        share = _between(key, self.factor, x)
        low, _ = self._span
        red, green, blue = jnp.split(x - low, 3, -1)
        value, least = jnp.maximum(jnp.maximum(red, green), blue), jnp.minimum(jnp.minimum(red, green), blue)
        # A channel is value · (1 − saturation · k), with k by hue alone.
        most = value / jnp.where(value > least, value - least, 1)
        scale = jnp.minimum(share / (1 - share + 1e-7), most)
        return jnp.where(value > least, low + value - (low + value - x) * scale, x)


class RandomInvert(_Colours):
    """An image is inverted, high − x, with a probability of its own from U(0, factor), or U(f₀, f₁) for a pair.

    At inference images pass as they are.

    Args:
        factor: The probability, or a pair, within [0, 1].
        value_range: (low, high) of the pixels.
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        InputError: when the factor or the range is none.

    >>> import jax
    >>> image, ctx = jnp.array([0.0, 0.75]).reshape(1, 1, 2, 1), Context(training=True, key=jax.random.key(0))
    >>> RandomInvert((1, 1), value_range=(0, 1)).apply({}, image, ctx).ravel().tolist()
    [1.0, 0.25]
    """

    factor: Any = item(default=1.0, traced=True)
    value_range: Any = item(default=(0, 255))
    seed: int | None = item(default=None, rule=_SEED, host=True, optional=True)

    def change(self, x: Array, key: Stream) -> Array:
        turned = key.fold(1).uniform((x.shape[0], 1, 1, 1)) < _between(key, self.factor, x)
        low, span = self._span
        return jnp.where(turned, 2 * low + span - x, x)


class Solarization(_Colours):
    """x + a, cut to the range, and inverted where it reaches a threshold; both drawn for each image.

    a is a share of the range from U(0, addition_factor), or U(a₀, a₁), the threshold likewise from threshold_factor;
    with the defaults all is inverted. At inference images pass as they are.

    Args:
        addition_factor, threshold_factor: Shares of the range, or pairs, within [0, 1].
        value_range: (low, high) of the pixels.
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        InputError: when a factor or the range is none.

    >>> import jax
    >>> image, ctx = jnp.array([0.25, 0.75]).reshape(1, 1, 2, 1), Context(training=True, key=jax.random.key(0))
    >>> Solarization(threshold_factor=(0.5, 0.5), value_range=(0, 1)).apply({}, image, ctx).ravel().tolist()
    [0.25, 0.25]
    """

    addition_factor: Any = item(default=0.0, traced=True)
    threshold_factor: Any = item(default=0.0, traced=True)
    value_range: Any = item(default=(0, 255))
    seed: int | None = item(default=None, rule=_SEED, host=True, optional=True)
    _shares = ("addition_factor", "threshold_factor")

    @property
    def random(self) -> bool:
        return True

    def change(self, x: Array, key: Stream) -> Array:
        low, span = self._span
        more, bound = (_between(key.fold(i), f, x) * span for i, f in enumerate((self.addition_factor,
                                                                                self.threshold_factor)))  # fmt: skip
        x = jnp.clip(x - low + more, 0, span)
        return low + jnp.where(x < bound, x, span - x)


class RandomPosterization(_Colours):
    """Pixels keep their first bits of eight: from `factor[0]` to below `factor[1]`, another number for each image.

    At inference images pass as they are.

    Args:
        factor: How many bits, 1 to 8, a pair of such, or one for (1, factor).
        value_range: (low, high) of the pixels.
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        InputError: when the factor or the range is none.

    >>> import jax
    >>> image, ctx = jnp.array([63.0, 200.0]).reshape(1, 1, 2, 1), Context(training=True, key=jax.random.key(0))
    >>> RandomPosterization((1, 1)).apply({}, image, ctx).ravel().tolist()
    [0.0, 128.0]
    """

    factor: Any = item()
    value_range: Any = item(default=(0, 255))
    seed: int | None = item(default=None, rule=_SEED, host=True, optional=True)
    _shares = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        pair, rule = self.factor if isinstance(self.factor, tuple) else (1, self.factor), Number(1, BITS, integer=True)
        if len(pair) != 2 or not all(map(rule.accepts, pair)):
            raise InputError(
                "RandomPosterization keeps 1 to 8 bits.", where="factor of RandomPosterization",
                expected=f"{rule}, or a pair of such", received=repr(self.factor), help="(3, 6) keeps 3, 4 or 5 bits.",
            )  # fmt: skip
        object.__setattr__(self, "factor", tuple(sorted(map(int, pair))))

    @property
    def random(self) -> bool:
        return True

    def change(self, x: Array, key: Stream) -> Array:
        low, span = self._span
        first, after = self.factor
        bits = key.integers((x.shape[0], 1, 1, 1), first, max(after, first + 1))
        coarse = (2 ** (BITS - bits)).astype(x.dtype)
        return low + jnp.floor(jnp.floor((x - low) / span * 255) / coarse) * coarse / 255 * span


class RandomErasing(_Colours):
    """A rectangle of an image becomes `fill_value`, or noise, with a probability of its own from U(0, factor).

    Its sides are √s of the image's, s from U(*scale) for each side; it lies anywhere within. At inference images pass
    as they are.

    Args:
        factor: The probability, or a pair for U(f₀, f₁), within [0, 1].
        scale: A pair of shares, or one for (0, scale).
        fill_value: A number, one for each channel, or None for normal noise times the highest value.
        value_range: (low, high) of the pixels, to which what is filled in is cut.
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        InputError: when a factor or the range is none.

    >>> import jax
    >>> image, ctx = jnp.ones((1, 2, 2, 1)), Context(training=True, key=jax.random.key(0))
    >>> RandomErasing((1, 1), (1, 1), fill_value=0.0).apply({}, image, ctx).ravel().tolist()
    [0.0, 0.0, 0.0, 0.0]

    Source: Zhong, Zheng, Kang, Li & Yang, "Random erasing data augmentation", 2020.
    """

    factor: Any = item(default=1.0, traced=True)
    scale: Any = item(default=(0.02, 0.33))
    fill_value: Any = item(default=None)
    value_range: Any = item(default=(0, 255))
    seed: int | None = item(default=None, rule=_SEED, host=True, optional=True)
    _shares = ("factor", "scale")

    @property
    def random(self) -> bool:
        return not is_zero(self.factor)

    def change(self, x: Array, key: Stream) -> Array:
        erased = key.fold(1).uniform((x.shape[0], 1, 1, 1)) < _between(key, self.factor, x)
        for axis in (1, 2):
            side = jnp.sqrt(_between(key.fold(2 * axis), self.scale, x)) * x.shape[axis]
            start = key.fold(2 * axis + 1).uniform((x.shape[0], 1, 1, 1)) * (x.shape[axis] - side)
            place = jnp.arange(x.shape[axis]).reshape(-1, *[1] * (3 - axis))
            erased = erased & (place >= start) & (place < start + side)
        high = self.value_range[1]
        fill = (
            key.fold(6).normal(x.shape, x.dtype) * high
            if self.fill_value is None
            else jnp.asarray(self.fill_value, x.dtype)
        )
        return jnp.where(erased, jnp.clip(fill, *self.value_range), x)


class AutoContrast(_Colours):
    """Each channel of each image stretched over the whole range, in training and at inference; one that is flat stays.

    Args:
        value_range: (low, high) of the pixels.

    Raises:
        InputError: when the range is none.

    >>> image = jnp.array([0.25, 0.375, 0.5]).reshape(1, 1, 3, 1)
    >>> AutoContrast(value_range=(0, 1)).apply({}, image, Context()).ravel().tolist()
    [0.0, 0.5, 1.0]
    """

    value_range: Any = item(default=(0, 255))
    _shares = ()

    @property
    def random(self) -> bool:
        return False

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        x = real(x)
        least, most = jnp.min(x, (1, 2), keepdims=True), jnp.max(x, (1, 2), keepdims=True)
        low, span = self._span
        return jnp.where(most > least, low + (x - least) * (span / jnp.where(most > least, most - least, 1)), x)


def _grey(x: Array) -> Array:
    return jnp.sum(x * jnp.asarray(GREY, x.dtype), -1, keepdims=True)


def _between(key: Stream, factor: Any, x: Array) -> Array:
    """One number an image (rows, 1, 1, 1) from U(0, factor), or U(*factor)."""
    low, high = factor if isinstance(factor, tuple) else (0.0, factor)
    drawn = key.uniform((x.shape[0], 1, 1, 1), jnp.promote_types(x.dtype, jnp.float32))
    return (low + (high - low) * drawn).astype(x.dtype)


def _share(layer: Any, name: str, value: Any) -> Any:
    """A share: a number within [0, 1], or a pair in order."""
    pair = isinstance(value, tuple)
    if all(UNIT.accepts(v) for v in (value if pair else (value,))) and (not pair or len(value) == 2):
        return tuple(sorted(value)) if pair else value
    raise InputError(
        f"The {name} of {type(layer).__name__} must be {UNIT}, or a pair of such.",
        where=f"{name} of {type(layer).__name__}", expected=f"{UNIT}, or (low, high)", received=repr(value),
        help="0.1 is a mild beginning.",
    )  # fmt: skip
