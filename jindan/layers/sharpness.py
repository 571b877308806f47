"""Augmentation of shapes and edges: images made sharper or softer, blurred, sheared."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp

from ..errors import InputError
from ..spec import COUNT, Choice, Number, item
from .base import Array, is_zero
from .colours import _SEED, _between, _Colours
from .resampling import FILLS, INTERPOLATIONS, at
from .stream import Stream


class RandomSharpness(_Colours):
    """x + (1 − 2 f) (soft x − x): softer for f < ½, as it is at ½, sharper above; f from U(0, factor), or U(f₀, f₁).

    Soft x is the mean with its eight neighbours, weighted 5 to 1; outside the image all is 0. At inference images pass
    as they are.

    Args:
        factor: f, or a pair, within [0, 1].
        value_range: (low, high) of the pixels.
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        InputError: when the factor or the range is none.

    >>> import jax
    >>> from jindan.layers import Context
    >>> image, ctx = jnp.array([0.0, 13.0, 0.0]).reshape(1, 1, 3, 1), Context(training=True, key=jax.random.key(0))
    >>> [round(v, 3) for v in RandomSharpness((0, 0)).apply({}, image, ctx).ravel().tolist()]
    [1.0, 5.0, 1.0]
    """

    factor: Any = item(traced=True)
    value_range: Any = item(default=(0, 255))
    seed: int | None = item(default=None, rule=_SEED, host=True, optional=True)

    @property
    def random(self) -> bool:
        return True  # of factor 0, softer

    def change(self, x: Array, key: Stream) -> Array:
        around = _weighted(_weighted(x, [1.0, 1.0, 1.0], 1), [1.0, 1.0, 1.0], 2)
        soft = (around + 4 * x) / 13
        return jnp.clip(x + (1 - 2 * _between(key, self.factor, x)) * (soft - x), *self.value_range)


class RandomGaussianBlur(_Colours):
    """An image is blurred by a Gaussian with a probability of its own from U(0, factor), or U(f₀, f₁) for a pair.

    Its standard deviations down and across are drawn for each image from U(0, sigma), or U(s₀, s₁); outside the image
    all is 0. (In Keras a batch has one draw.) At inference images pass as they are.

    Args:
        factor: The probability, or a pair, within [0, 1].
        kernel_size: Odd number of pixels that count, or (across, down).
        sigma: Standard deviation in pixels, or a pair, within [0, 1].
        value_range: (low, high) of the pixels.
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        InputError: when a factor or the range is none, or a size is not odd.

    >>> import jax
    >>> from jindan.layers import Context
    >>> image, ctx = jnp.array([0.0, 1.0, 0.0]).reshape(1, 1, 3, 1), Context(training=True, key=jax.random.key(0))
    >>> layer = RandomGaussianBlur((1, 1), (3, 1), (1, 1))
    >>> [round(v, 3) for v in layer.apply({}, image, ctx).ravel().tolist()]
    [0.274, 0.452, 0.274]
    """

    factor: Any = item(default=1.0, traced=True)
    kernel_size: Any = item(default=3)
    sigma: Any = item(default=1.0)
    value_range: Any = item(default=(0, 255))
    seed: int | None = item(default=None, rule=_SEED, host=True, optional=True)
    _shares: ClassVar[tuple[str, ...]] = ("factor", "sigma")

    def __post_init__(self) -> None:
        super().__post_init__()
        pair = self.kernel_size if isinstance(self.kernel_size, tuple) else (self.kernel_size,) * 2
        if len(pair) != 2 or not all(COUNT.accepts(n) and n % 2 for n in pair):
            raise InputError(
                "A blur has a middle.", where="kernel_size of RandomGaussianBlur",
                expected="an odd number of pixels, or a pair of such", received=repr(self.kernel_size), help="Try 3.",
            )  # fmt: skip
        object.__setattr__(self, "kernel_size", tuple(map(int, pair)))

    @property
    def random(self) -> bool:
        return not is_zero(self.factor)

    def change(self, x: Array, key: Stream) -> Array:
        blurred, chosen = x, key.fold(1).uniform((x.shape[0], 1, 1, 1)) < _between(key, self.factor, x)
        for axis, size in zip((2, 1), self.kernel_size, strict=True):
            sigma = _between(key.fold(1 + axis), self.sigma, x) + 1e-6
            taps = [jnp.exp(-(((k - size // 2) / sigma) ** 2) / 2) for k in range(size)]
            total = sum(taps[1:], taps[0])
            blurred = _weighted(blurred, [tap / total for tap in taps], axis)
        return jnp.clip(jnp.where(chosen, blurred, x), *self.value_range)


class RandomShear(_Colours):
    """Rows are moved across by s times their place from the top, columns down by t times theirs from the left.

    s is from U(−x_factor, x_factor), or ± U(f₀, f₁) for a pair, t likewise from y_factor, with one sign for both. At
    inference images pass as they are.

    Args:
        x_factor, y_factor: Factors, or pairs, within [0, 1].
        interpolation: "bilinear" or "nearest".
        fill_mode, fill_value: What lies outside the image, as in RandomTranslation.
        seed: Of calls on arrays; in a training numbers come from the plan's seed.

    Raises:
        InputError: when a factor is none.

    >>> import jax
    >>> from jindan.layers import Context
    >>> image, layer = jnp.arange(1.0, 7.0).reshape(1, 2, 3, 1), RandomShear((1, 1), fill_mode="constant")
    >>> draws = (Context(training=True, key=jax.random.key(seed)) for seed in range(9))
    >>> sorted({tuple(layer.apply({}, image, ctx).ravel().tolist()) for ctx in draws})
    [(1.0, 2.0, 3.0, 0.0, 4.0, 5.0), (1.0, 2.0, 3.0, 5.0, 6.0, 0.0)]
    """

    x_factor: Any = item(default=0.0, traced=True)
    y_factor: Any = item(default=0.0, traced=True)
    interpolation: str = item(default="bilinear", rule=Choice(INTERPOLATIONS))
    fill_mode: str = item(default="reflect", rule=Choice(FILLS))
    fill_value: float = item(default=0.0, rule=Number())
    seed: int | None = item(default=None, rule=_SEED, host=True, optional=True)
    _shares: ClassVar[tuple[str, ...]] = ("x_factor", "y_factor")

    def change(self, x: Array, key: Stream) -> Array:
        sign = jnp.where(key.fold(1).uniform((x.shape[0], 1, 1, 1)) > 0.5, -1, 1)
        across, down = (
            (sign * _between(key.fold(2 + i), f if isinstance(f, tuple) else (-f, f), x))[..., 0]
            for i, f in enumerate((self.x_factor, self.y_factor))
        )
        row, column = jnp.arange(x.shape[1])[:, None], jnp.arange(x.shape[2])
        return at(x, row + down * column, column + across * row, *self._reading)


def _weighted(x: Array, weights: list, axis: int) -> Array:
    """Σ_k weights[k] · x, moved by k from the middle along an axis; 0 outside."""
    half = len(weights) // 2
    pads = [(half, half) if i == axis else (0, 0) for i in range(x.ndim)]
    padded = jnp.pad(x, pads)
    parts = [jnp.moveaxis(jnp.moveaxis(padded, axis, 0)[k : k + x.shape[axis]], 0, axis) for k in range(len(weights))]
    return sum(part * weight for part, weight in zip(parts, weights, strict=True))  # type: ignore[return-value]
