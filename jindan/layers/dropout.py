"""Layers that are random while training and do nothing at inference: dropout and noise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import jax.numpy as jnp

from ..errors import InputError, ShapeError
from ..spec import COUNT, FRACTION, NOT_NEGATIVE, Choice, Number, item
from .base import Array, Context, Layer, Shape, is_zero, need_rank
from .stream import Stream

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


class _Shared(_Random, abstract=True):
    """Base: dropout with draws of a `noise_shape`."""

    rate: float = item(rule=FRACTION, traced=True)
    noise_shape: Any = item(default=None)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.noise_shape
        if given is None:
            return
        form = tuple(given) if isinstance(given, Iterable) else ()
        if not form or not all(n is None or COUNT.accepts(n) for n in form):
            raise InputError(
                f"The noise_shape of {type(self).__name__} needs a length for every axis.",
                where=f"noise_shape of {type(self).__name__}", expected="whole numbers from 1, or None for the input's",
                received=repr(given), help="(None, 1, None) drops the same features at all steps of a sequence.",
            )  # fmt: skip
        object.__setattr__(self, "noise_shape", tuple(None if n is None else int(n) for n in form))

    def output_shape(self, shape: Shape) -> Shape:
        form = self.noise_shape
        if form is not None:
            _fitting(self, form, (form[0], *shape))
        return shape

    def _drawn(self, x: Array, draw: Stream) -> Array:
        """Uniform numbers for inputs, one for those that a noise_shape has in common."""
        if self.noise_shape is None:
            return draw.uniform(x.shape)
        form = _fitting(self, self.noise_shape, x.shape)
        # A noise_shape that names the rows has one draw for all of them.
        return draw.uniform(form, rows=0 if self.noise_shape[0] is None else -1)


def _fitting(layer: Any, noise_shape: tuple, shape: tuple) -> Shape:
    """The shape of the draws for inputs (rows, …) of a shape."""
    fits = len(noise_shape) == len(shape) and all(
        n in (None, 1, own) for n, own in zip(noise_shape, shape, strict=True)
    )
    if not fits:
        raise ShapeError(
            f"The noise_shape of {type(layer).__name__} does not fit the inputs.", where=type(layer).__name__,
            expected=f"{len(shape)} lengths with the batch's, of {(None, *shape[1:])}: each that, None, or 1 to share",
            received=f"noise_shape={noise_shape}", help="None is the input's own length.",
        )  # fmt: skip
    return tuple(own if n is None else n for n, own in zip(noise_shape, shape, strict=True))


class Dropout(_Shared):
    """Each input is 0 with probability `rate`, the others are divided by 1 − rate; at inference they pass as they are.

    Shapes: rows of any shape → the same.

    Args:
        rate: Share of inputs dropped.
        noise_shape: The shape of the draws, the batch axis included; axes of length 1 share one draw, None in it is the
            input's own length.
        seed: Taken for Keras's sake: numbers come from the plan's seed.

    Raises:
        InputError: when lengths in noise_shape are not whole numbers from 1, or None.
        ShapeError: when noise_shape does not fit the rows.

    >>> import jax
    >>> ctx = Context(training=True, key=jax.random.key(0))
    >>> sorted(set(Dropout(0.5).apply({}, jnp.ones((4, 8)), ctx).ravel().tolist()))
    [0.0, 2.0]
    >>> Dropout(0.5).apply({}, jnp.ones(3), Context()).tolist()
    [1.0, 1.0, 1.0]

    Source: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, "Dropout: a simple way to prevent neural networks
    from overfitting", 2014.
    """

    def disturb(self, x: Array, draw: Stream) -> Array:
        return jnp.where(self._drawn(x, draw) >= self.rate, x / (1.0 - self.rate), 0.0)


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
    """Each feature of a sequence (time, features) is 0 at all steps with probability `rate`.

    The others are divided by 1 − rate, as in Dropout. Cells beside each other are alike after a convolution, so that
    dropping single ones hides little.

    Args:
        rate: Share of features dropped.
        seed: Taken for Keras's sake: numbers come from the plan's seed.

    Raises:
        ShapeError: when rows are not (time, features).

    >>> import jax
    >>> x = SpatialDropout1D(0.5).apply({}, jnp.ones((1, 3, 8)), Context(training=True, key=jax.random.key(0)))
    >>> bool((x[0, 0] == x[0, 2]).all()), sorted(set(x.ravel().tolist()))
    (True, [0.0, 2.0])

    Source: Tompson, Goroshin, Jain, LeCun & Bregler, "Efficient object localization using convolutional networks",
    2015.
    """

    axes = 1
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)


class SpatialDropout2D(_SpatialDropout):
    """Each channel of an image (height, width, channels) is 0 as a whole with probability `rate`; see SpatialDropout1D.

    Args:
        rate: Share of channels dropped.
        data_format: "channels_last" is the only one.
        seed: Taken for Keras's sake: numbers come from the plan's seed.

    Raises:
        ShapeError: when rows are not (height, width, channels).

    >>> SpatialDropout2D(0.5).output_shape((7, 7, 3))
    (7, 7, 3)

    Source: Tompson, Goroshin, Jain, LeCun & Bregler, "Efficient object localization using convolutional networks",
    2015.
    """

    data_format: str | None = item(default=None, rule=_CHANNELS_LAST)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)


class SpatialDropout3D(_SpatialDropout):
    """Each channel of a volume (depth, height, width, channels) is 0 as a whole with probability `rate`; see
    SpatialDropout1D.

    Args:
        rate: Share of channels dropped.
        data_format: "channels_last" is the only one.
        seed: Taken for Keras's sake: numbers come from the plan's seed.

    Raises:
        ShapeError: when rows are not (depth, height, width, channels).

    >>> SpatialDropout3D(0.5).output_shape((2, 7, 7, 3))
    (2, 7, 7, 3)
    """

    axes = 3
    data_format: str | None = item(default=None, rule=_CHANNELS_LAST)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)


class AlphaDropout(_Shared):
    """a · x + b, where with probability `rate` x is the lowest value of SELU, α′ = −λα ≈ −1.758; at inference x.

    a = ((1 − rate)(1 + rate α′²))^−½ and b = −a α′ rate keep mean 0 and variance 1 as they are, as networks of SELUs
    need.

    Args:
        rate: Share of inputs set to α′.
        noise_shape: As in Dropout.
        seed: Taken for Keras's sake: numbers come from the plan's seed.

    Raises:
        InputError, ShapeError: as Dropout.

    >>> import jax
    >>> x = AlphaDropout(0.5).apply({}, jnp.zeros((4, 8)), Context(training=True, key=jax.random.key(0)))
    >>> sorted({round(v, 3) for v in x.ravel().tolist()})
    [-0.779, 0.779]

    Source: Klambauer, Unterthiner, Mayr & Hochreiter, "Self-normalizing neural networks", 2017.
    """

    def disturb(self, x: Array, draw: Stream) -> Array:
        low = -1.0507009873554805 * 1.6732632423543772
        keep = self._drawn(x, draw) >= self.rate
        a = ((1.0 - self.rate) * (1.0 + self.rate * low**2)) ** -0.5
        return (a * jnp.where(keep, x, low) - a * low * self.rate).astype(x.dtype)


class GaussianNoise(_Random):
    """N(0, stddev²) is added to the inputs, each number by itself; at inference they pass as they are.

    Args:
        stddev: In the inputs' unit.
        seed: Taken for Keras's sake: numbers come from the plan's seed.

    >>> import jax
    >>> x = GaussianNoise(0.5).apply({}, jnp.ones((50, 50)), Context(training=True, key=jax.random.key(0)))
    >>> round(float(x.mean()), 1), round(float(x.std()), 1)
    (1.0, 0.5)

    Source: Bishop, "Training with noise is equivalent to Tikhonov regularization", 1995.
    """

    stddev: float = item(rule=NOT_NEGATIVE, traced=True)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)

    def disturb(self, x: Array, draw: Stream) -> Array:
        return x + self.stddev * draw.normal(x.shape, x.dtype)


class GaussianDropout(_Random):
    """Inputs are multiplied by N(1, rate / (1 − rate)): mean and variance of Dropout. At inference they pass.

    Args:
        rate: As in Dropout.
        seed: Taken for Keras's sake: numbers come from the plan's seed.

    >>> import jax
    >>> x = GaussianDropout(0.2).apply({}, jnp.ones((50, 50)), Context(training=True, key=jax.random.key(0)))
    >>> round(float(x.mean()), 1), round(float(x.std()), 1)
    (1.0, 0.5)

    Source: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, "Dropout: a simple way to prevent neural networks
    from overfitting", 2014.
    """

    rate: float = item(rule=FRACTION, traced=True)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)

    def disturb(self, x: Array, draw: Stream) -> Array:
        spread = jnp.sqrt(self.rate / (1.0 - self.rate))
        return x * (1 + spread * draw.normal(x.shape, x.dtype))
