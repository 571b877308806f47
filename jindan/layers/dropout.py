"""Layers that are random while training and do nothing at inference: dropout and noise."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp

from ..spec import FRACTION, NOT_NEGATIVE, Choice, Number, item
from .base import Array, Context, Layer, Shape, Stream, is_zero, need_rank

_CHANNELS_LAST = Choice(("channels_last",))


class _Random(Layer, abstract=True):
    """Base: silent at inference and where its strength is 0."""

    passes_mask = True

    @property
    def _strength(self) -> Any:
        return getattr(self, "rate", None) if hasattr(self, "rate") else getattr(self, "stddev", 0)

    @property
    def random(self) -> bool:
        return not is_zero(self._strength)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        if not ctx.training or not self.random:
            return x
        return self.disturb(x, ctx.stream())

    def disturb(self, x: Array, draw: Stream) -> Array:
        """What training does to the inputs."""
        raise NotImplementedError


class Dropout(_Random):
    """Each input is 0 with probability `rate`, the others are divided by 1 − rate (Srivastava et al. 2014)."""

    rate: float = item(rule=FRACTION, traced=True)
    noise_shape: Any = item(default=None)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)

    def disturb(self, x: Array, draw: Stream) -> Array:
        keep = _drawn(x, draw, self.noise_shape) >= self.rate
        return jnp.where(keep, x / (1.0 - self.rate), 0.0)


class _SpatialDropout(_Random):
    rate: float = item(rule=FRACTION, traced=True)

    axes: ClassVar[int] = 2

    def output_shape(self, shape: Shape) -> Shape:
        form = ("time", "height, width", "depth, height, width")[self.axes - 1]
        need_rank(self, shape, (self.axes + 1,), f"rows ({form}, channels)")
        return shape

    def disturb(self, x: Array, draw: Stream) -> Array:
        keep = draw.uniform((x.shape[0], *[1] * self.axes, x.shape[-1])) >= self.rate
        return jnp.where(keep, x / (1.0 - self.rate), 0.0).astype(x.dtype)


class SpatialDropout1D(_SpatialDropout):
    """Each feature of a sequence (time, features) is 0 at all steps with probability `rate` (Tompson et al. 2015).

    The others are divided by 1 − rate, as in Dropout. Cells beside each other are alike after a convolution, so that
    dropping single ones hides little.

    >>> SpatialDropout1D(0.5).output_shape((7, 3))
    (7, 3)
    """

    axes = 1
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)


class SpatialDropout2D(_SpatialDropout):
    """Each channel of an image (height, width, channels) is 0 as a whole with probability `rate`; see SpatialDropout1D.

    >>> SpatialDropout2D(0.5).output_shape((7, 7, 3))
    (7, 7, 3)
    """

    data_format: str | None = item(default=None, rule=_CHANNELS_LAST)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)


class SpatialDropout3D(_SpatialDropout):
    """Each channel of a volume (depth, height, width, channels) is 0 as a whole; see SpatialDropout1D.

    >>> SpatialDropout3D(0.5).output_shape((2, 7, 7, 3))
    (2, 7, 7, 3)
    """

    axes = 3
    data_format: str | None = item(default=None, rule=_CHANNELS_LAST)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)


class AlphaDropout(_Random):
    """a · x + b, where with probability `rate` x is the lowest value of SELU, α′ = −λα ≈ −1.758.

    a = ((1 − rate)(1 + rate α′²))^−½ and b = −a α′ rate keep mean 0 and variance 1 as they are, as networks of SELUs
    need (Klambauer et al. 2017).

    Args:
        rate: Share of inputs set to α′.
        noise_shape: Axes of length 1 share one draw; None in it is the input's own length.
        seed: Taken for Keras's sake: numbers come from the plan's seed.
    """

    rate: float = item(rule=FRACTION, traced=True)
    noise_shape: Any = item(default=None)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)

    def disturb(self, x: Array, draw: Stream) -> Array:
        low = -1.0507009873554805 * 1.6732632423543772
        keep = _drawn(x, draw, self.noise_shape) >= self.rate
        a = ((1.0 - self.rate) * (1.0 + self.rate * low**2)) ** -0.5
        return (a * jnp.where(keep, x, low) - a * low * self.rate).astype(x.dtype)


class GaussianNoise(_Random):
    """N(0, stddev²) is added to the inputs."""

    stddev: float = item(rule=NOT_NEGATIVE, traced=True)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)

    def disturb(self, x: Array, draw: Stream) -> Array:
        return x + self.stddev * draw.normal(x.shape, x.dtype)


class GaussianDropout(_Random):
    """Inputs are multiplied by N(1, rate / (1 − rate)) (Srivastava et al. 2014)."""

    rate: float = item(rule=FRACTION, traced=True)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)

    def disturb(self, x: Array, draw: Stream) -> Array:
        spread = jnp.sqrt(self.rate / (1.0 - self.rate))
        return x * (1 + spread * draw.normal(x.shape, x.dtype))


def _drawn(x: Array, draw: Stream, noise_shape: Any) -> Array:
    """Uniform numbers for inputs, one for those that a noise_shape has in common."""
    form = x.shape
    if noise_shape is not None:
        form = tuple(n if wanted is None else wanted for n, wanted in zip(x.shape, noise_shape, strict=True))
    # A noise_shape that names the rows has one draw for all of them.
    return draw.uniform(form, rows=0 if noise_shape is None or noise_shape[0] is None else -1)
