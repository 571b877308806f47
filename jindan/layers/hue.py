"""Augmentation of colours further: hues turned; brightness, contrast, saturation and hue in one."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..spec import item, with_fields
from .augmentation import RandomBrightness, RandomContrast
from .base import Array
from .colours import _SEED, RandomSaturation, _between, _ByFactor, _Colours
from .stream import Stream


class RandomHue(_ByFactor):
    """The hues of each image turned by ± f / 2 of the circle of colours, f from U(0, factor), or U(f₀, f₁) for a pair.

    Saturation and value (the largest channel) stay. At inference images pass as they are.

    Args:
        factor: f, or a pair, within [0, 1].
        value_range: (low, high) of the pixels.
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        InputError: when images have not three channels, or a factor is no share.

    >>> import jax
    >>> from jindan.layers import Context
    >>> image, ctx = jnp.array([1.0, 0.0, 0.0]).reshape(1, 1, 1, 3), Context(training=True, key=jax.random.key(0))
    >>> [round(v, 2) for v in RandomHue((1, 1), value_range=(0, 1)).apply({}, image, ctx).ravel().tolist()]
    [0.0, 1.0, 1.0]
    """

    def change(self, x: Array, key: Stream) -> Array:
        turn = _between(key, self.factor, x) / 2
        turn = jnp.where(key.fold(1).uniform(turn.shape) > 0.5, -turn, turn)[..., 0]
        low, _ = self._span
        red, green, blue = jnp.moveaxis(x - low, -1, 0)
        # The largest by comparing one with another: computed anew in a program, it may equal none of them.
        reddest, greenest = (red >= green) & (red >= blue), green >= blue
        value = jnp.where(reddest, red, jnp.where(greenest, green, blue))
        colour = value - jnp.minimum(jnp.minimum(red, green), blue)
        norm = 1 / (6 * jnp.where(colour > 0, colour, 1))
        hue = jnp.where(greenest, norm * (blue - red) + 2 / 6, norm * (red - green) + 4 / 6)
        hue = jnp.where(reddest, norm * (green - blue), hue) + turn
        # Each channel falls from the value by what its place on the circle is away from the hue.
        away = [(n + 6 * hue) % 6 for n in (5, 3, 1)]
        channels = [value - colour * jnp.clip(jnp.minimum(k, 4 - k), 0, 1) for k in away]
        return low + jnp.stack(channels, -1)


class RandomColorJitter(_Colours):
    """RandomBrightness, RandomContrast, RandomSaturation and RandomHue one after another, each if it has a factor.

    At inference images pass as they are.

    Args:
        value_range: (low, high) of the pixels.
        brightness_factor, contrast_factor, saturation_factor, hue_factor: The factors of those layers, or None.
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        InputError: when a factor or the range is none.

    >>> import jax
    >>> from jindan.layers import Context
    >>> image, ctx = jnp.array([0.2, 0.4, 0.6]).reshape(1, 1, 1, 3), Context(training=True, key=jax.random.key(0))
    >>> layer = RandomColorJitter((0, 1), brightness_factor=(0.1, 0.1), saturation_factor=(0, 0))
    >>> [round(v, 2) for v in layer.apply({}, image, ctx).ravel().tolist()]
    [0.7, 0.7, 0.7]
    """

    value_range: Any = item(default=(0, 255))
    brightness_factor: Any = item(default=None, traced=True)
    contrast_factor: Any = item(default=None, traced=True)
    saturation_factor: Any = item(default=None, traced=True)
    hue_factor: Any = item(default=None, traced=True)
    seed: int | None = item(default=None, rule=_SEED, host=True, optional=True)
    _shares = ()
    _red_green_blue = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, layer in PARTS.items():
            factor = getattr(self, name)
            if factor is not None:
                # The layers check their factors, each its own way.
                checked: Any = type(layer)(factor, self.value_range)  # type: ignore[call-arg]
                object.__setattr__(self, name, checked.factor)

    @property
    def random(self) -> bool:
        return any(getattr(self, name) is not None for name in PARTS)

    def change(self, x: Array, key: Stream) -> Array:
        for place, (name, layer) in enumerate(PARTS.items()):
            factor = getattr(self, name)
            if factor is not None:
                own: Any = with_fields(layer, factor=factor, value_range=self.value_range)
                x = own.change(x, key.fold(10 + place))
        return x


PARTS: dict[str, Any] = {
    "brightness_factor": RandomBrightness(0.5),
    "contrast_factor": RandomContrast(0.5),
    "saturation_factor": RandomSaturation(0.5),
    "hue_factor": RandomHue(0.5),
}
