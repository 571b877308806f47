"""Normalisation layers: over the batch, a row, groups of channels, by length or by root mean square."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from ..errors import InputError, ShapeError
from ..ops.normalization import standardise
from ..spec import FRACTION, POSITIVE, Number, item
from .base import AlongAxis, Array, Context, Layer, Shape, Weight, axis_of


class _Normalization(Layer, abstract=True):
    """Base: y = γ x̂ + β with γ and β along the normalised axis; computed in float32 at least."""

    passes_mask = True
    full_precision = True

    def _gain(self, shape: Shape) -> dict[str, Weight]:
        """γ and β of a shape, where they are wanted."""
        found = {}
        if self.scale:  # type: ignore[attr-defined]
            found["gamma"] = Weight(
                shape, self.gamma_initializer, self.gamma_regularizer, self.gamma_constraint  # type: ignore[attr-defined]
            )  # fmt: skip
        if self.center:  # type: ignore[attr-defined]
            found["beta"] = Weight(
                shape, self.beta_initializer, self.beta_regularizer, self.beta_constraint  # type: ignore[attr-defined]
            )  # fmt: skip
        return found

    @property
    def streams(self) -> bool:
        return getattr(self, "axis", None) in (-1, (-1,)) and not hasattr(self, "groups")

    def flops(self, shape: Shape) -> int:
        return 8 * math.prod(shape)


def _gained(w: dict[str, Array], x: Array, form: Any = None) -> Array:
    """γ x + β, broadcast in a shape."""
    for name, join in (("gamma", jnp.multiply), ("beta", jnp.add)):
        if name in w:
            value = w[name] if form is None else w[name].reshape(form)
            x = join(x, value.astype(x.dtype))
    return x


def _wide(x: Array) -> Array:
    """Half-precision numbers as float32: moments of thousands of them need the digits."""
    return x.astype(jnp.float32) if x.dtype in (jnp.bfloat16, jnp.float16) else x


class BatchNormalization(_Normalization):
    """y = γ (x − μ) / √(σ² + ε) + β by the moments of the batch in training, by running ones at inference.

    μ, σ² (biased) are taken over all axes but `axis`, over rows that exist and time steps that are not masked. After
    each training batch, running ← momentum · running + (1 − momentum) · batch. A layer with `trainable=False`, or
    inside one with it, uses the running moments in training too. Defaults are Keras's.

    Shapes: rows (…, features) → the same; γ, β and the running moments (features,).

    Args:
        axis: The axis of features, the batch axis being 0.
        momentum: Of the running moments.
        epsilon: ε.
        center, scale: Whether there are β and γ.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: How they start.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: Penalties and bounds.
        synchronized: Taken for Keras's sake: where a batch is split among devices, moments are those of all of it.

    Raises:
        ShapeError: when rows have no such axis.

    >>> [(name, w.trainable) for name, w in BatchNormalization().weights((4,)).items()]
    [('gamma', True), ('beta', True), ('moving_mean', False), ('moving_variance', False)]
    >>> w = {"moving_mean": jnp.zeros(1), "moving_variance": jnp.ones(1)}
    >>> ctx = Context(training=True)
    >>> x = BatchNormalization(center=False, scale=False).apply(w, jnp.array([[2.0], [6.0]]), ctx)
    >>> [round(v, 2) for v in x.ravel().tolist()], [round(v.item(), 2) for v in ctx.updates.values()]
    ([-1.0, 1.0], [0.04, 1.03])

    Source: Ioffe & Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate
    shift", 2015.
    """

    reads_mask = True
    axis: int = item(default=-1, rule=Number(integer=True))
    momentum: float = item(default=0.99, rule=FRACTION)
    epsilon: float = item(default=1e-3, rule=POSITIVE)
    center: bool = item(default=True)
    scale: bool = item(default=True)
    beta_initializer: Any = item(default="zeros", kind="initializer", host=True)
    gamma_initializer: Any = item(default="ones", kind="initializer", host=True)
    moving_mean_initializer: Any = item(default="zeros", kind="initializer", host=True)
    moving_variance_initializer: Any = item(default="ones", kind="initializer", host=True)
    beta_regularizer: Any = item(default=None, kind="regularizer")
    gamma_regularizer: Any = item(default=None, kind="regularizer")
    beta_constraint: Any = item(default=None, kind="constraint")
    gamma_constraint: Any = item(default=None, kind="constraint")
    synchronized: bool = item(default=False, host=True)

    @property
    def in_pieces(self) -> bool:  # type: ignore[override]
        """Whether it takes no moments of a batch."""
        return bool(self.inference) or not self.trainable

    def output_shape(self, shape: Shape) -> Shape:
        axis_of(self, self.axis, len(shape))
        return shape

    def weights(self, shape: Shape) -> dict[str, Weight]:
        form = (shape[axis_of(self, self.axis, len(shape)) - 1],)
        return {
            **self._gain(form),
            "moving_mean": Weight(form, self.moving_mean_initializer, trainable=False),
            "moving_variance": Weight(form, self.moving_variance_initializer, trainable=False),
        }

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        axis = axis_of(self, self.axis, x.ndim - 1)
        form = tuple(-1 if a == axis else 1 for a in range(x.ndim))
        wide = _wide(x)
        if ctx.training and self.trainable and not ctx.frozen:
            mask = _counting(ctx, x.ndim, axis)
            axes = tuple(a for a in range(x.ndim) if a != axis)
            normal, mean, variance = standardise(wide, mask, axes, self.epsilon, ctx.axis)
            for name, new in (("moving_mean", mean), ("moving_variance", variance)):
                old = ctx.known(name, w[name])
                fresh = self.momentum * old + (1 - self.momentum) * jax.lax.stop_gradient(new).reshape(-1)
                fresh = fresh.astype(old.dtype)
                if mask is not None:
                    counted = jnp.sum(mask) if ctx.axis is None else jax.lax.psum(jnp.sum(mask), ctx.axis)
                    fresh = jnp.where(counted > 0, fresh, old)
                ctx.update(name, fresh)
            return _gained(w, normal, form).astype(x.dtype)
        # γ / √(σ² + ε) and the shift are numbers a feature: one multiply-add for each of x.
        factor = jax.lax.rsqrt(w["moving_variance"] + self.epsilon) * w.get("gamma", 1.0)
        shift = w.get("beta", 0.0) - w["moving_mean"] * factor
        return (wide * factor.reshape(form) + shift.reshape(form)).astype(x.dtype)


def _counting(ctx: Context, rank: int, axis: int) -> Array | None:
    """1 for numbers that count in the moments of a batch: those of rows that exist and of steps not masked."""
    mask = None if ctx.rows is None else ctx.rows.reshape(-1, *[1] * (rank - 1))
    if ctx.mask is not None and rank > ctx.mask.ndim and axis >= ctx.mask.ndim:
        steps = _over(ctx.mask, rank)
        mask = steps if mask is None else mask * steps
    return mask


def _over(mask: Array, rank: int) -> Array:
    """A mask of the first axes of arrays of that rank, to broadcast with them."""
    return mask.reshape(*mask.shape, *[1] * (rank - mask.ndim))


class LayerNormalization(_Normalization):
    """y = γ (x − μ) / √(σ² + ε) + β, the moments being those of each row along `axis`; the same in training and at
    inference.

    Where an axis is that of time, masked steps do not count.

    Shapes: rows of any shape → the same; γ and β have the lengths of the axes.

    Args:
        axis: An axis, or several; the batch axis is 0.
        epsilon: ε.
        center, scale: Whether there are β and γ.
        beta_initializer, gamma_initializer: How they start.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: Penalties and bounds.

    Raises:
        ShapeError: when rows have no such axis.

    >>> LayerNormalization().weights((5, 4))["gamma"].shape
    (4,)
    >>> x = LayerNormalization().apply({}, jnp.array([[2.0, 6.0], [1.0, 1.0]]), Context())
    >>> [[round(v, 2) for v in row] for row in x.tolist()]
    [[-1.0, 1.0], [0.0, 0.0]]

    Source: Ba, Kiros & Hinton, "Layer normalization", 2016.
    """

    axis: Any = item(default=-1)
    epsilon: float = item(default=1e-3, rule=POSITIVE)
    center: bool = item(default=True)
    scale: bool = item(default=True)
    beta_initializer: Any = item(default="zeros", kind="initializer", host=True)
    gamma_initializer: Any = item(default="ones", kind="initializer", host=True)
    beta_regularizer: Any = item(default=None, kind="regularizer")
    gamma_regularizer: Any = item(default=None, kind="regularizer")
    beta_constraint: Any = item(default=None, kind="constraint")
    gamma_constraint: Any = item(default=None, kind="constraint")

    def _axes(self, rank: int) -> tuple[int, ...]:
        given = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        return tuple(sorted(axis_of(self, axis, rank) for axis in given))

    def output_shape(self, shape: Shape) -> Shape:
        self._axes(len(shape))
        return shape

    def weights(self, shape: Shape) -> dict[str, Weight]:
        return self._gain(tuple(shape[axis - 1] for axis in self._axes(len(shape))))

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        axes = self._axes(x.ndim - 1)
        form = tuple(x.shape[a] if a in axes else 1 for a in range(x.ndim))
        mask = None
        # A mask of rows alone is that of one step of `generate`, which has no axis of steps.
        if ctx.mask is not None and 1 in axes and x.ndim > ctx.mask.ndim > 1:
            mask = _over(ctx.mask, x.ndim)
        normal, _, _ = standardise(_wide(x), mask, axes, self.epsilon)
        return _gained(w, normal, form).astype(x.dtype)


class RMSNormalization(_Normalization):
    """y = γ x / √(mean x² + ε) along `axis`: lengths are evened, means left alone.

    Shapes: rows of any shape → the same; γ, called "scale", has the length of the axis.

    Args:
        axis: The axis, the batch axis being 0.
        epsilon: ε.

    Raises:
        ShapeError: when rows have no such axis.

    >>> x = RMSNormalization().apply({"scale": jnp.ones(2)}, jnp.array([[3.0, 4.0]]), Context())
    >>> [round(v, 3) for v in x.ravel().tolist()]
    [0.849, 1.131]

    Source: Zhang & Sennrich, "Root mean square layer normalization", 2019.
    """

    axis: int = item(default=-1, rule=Number(integer=True))
    epsilon: float = item(default=1e-6, rule=POSITIVE)

    def output_shape(self, shape: Shape) -> Shape:
        axis_of(self, self.axis, len(shape))
        return shape

    def weights(self, shape: Shape) -> dict[str, Weight]:
        from ..initializers import Ones

        return {"scale": Weight((shape[axis_of(self, self.axis, len(shape)) - 1],), Ones())}

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        axis, wide = axis_of(self, self.axis, x.ndim - 1), _wide(x)
        form = tuple(-1 if a == axis else 1 for a in range(x.ndim))
        normal = wide * jax.lax.rsqrt(jnp.mean(wide**2, axis=axis, keepdims=True) + self.epsilon)
        return (normal * w["scale"].reshape(form)).astype(x.dtype)


class GroupNormalization(_Normalization):
    """y = γ x̂ + β, the moments being those of a row over all axes and one group of channels; masked steps do not
    count.

    Shapes: rows (…, channels) → the same; γ and β (channels,).

    Args:
        groups: How many groups the channels are parted in; −1 is one a channel (instance normalisation).
        axis: The axis of channels; only the last is supported.
        epsilon: ε.
        center, scale: Whether there are β and γ.
        beta_initializer, gamma_initializer: How they start.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: Penalties and bounds.

    Raises:
        ShapeError: when the groups do not divide the channels.
        InputError: when the channels are not last.

    >>> x = GroupNormalization(2).apply({}, jnp.array([[2.0, 6.0, 10.0, 30.0]]), Context())
    >>> [round(v, 2) for v in x.ravel().tolist()]
    [-1.0, 1.0, -1.0, 1.0]

    Source: Wu & He, "Group normalization", 2018.
    """

    groups: int = item(default=32, rule=Number(-1, integer=True))
    axis: int = item(default=-1, rule=Number(integer=True))
    epsilon: float = item(default=1e-3, rule=POSITIVE)
    center: bool = item(default=True)
    scale: bool = item(default=True)
    beta_initializer: Any = item(default="zeros", kind="initializer", host=True)
    gamma_initializer: Any = item(default="ones", kind="initializer", host=True)
    beta_regularizer: Any = item(default=None, kind="regularizer")
    gamma_regularizer: Any = item(default=None, kind="regularizer")
    beta_constraint: Any = item(default=None, kind="constraint")
    gamma_constraint: Any = item(default=None, kind="constraint")

    def _groups(self, channels: int) -> int:
        groups = channels if self.groups == -1 else self.groups
        if groups < 1 or channels % groups:
            raise ShapeError(
                "The channels cannot be parted into that many groups.", where="GroupNormalization",
                expected=f"a divisor of {channels}", received=self.groups, help="Change groups.",
            )  # fmt: skip
        return groups

    def output_shape(self, shape: Shape) -> Shape:
        if axis_of(self, self.axis, len(shape)) != len(shape):
            raise InputError("GroupNormalization has its channels last.", where="axis", expected=-1, received=self.axis)
        self._groups(shape[-1])
        return shape

    def weights(self, shape: Shape) -> dict[str, Weight]:
        return self._gain((shape[-1],))

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        groups = self._groups(x.shape[-1])
        wide = _wide(x).reshape(x.shape[0], -1, groups, x.shape[-1] // groups)
        mask = None
        if ctx.mask is not None and x.ndim > ctx.mask.ndim:
            steps = _over(ctx.mask, x.ndim - 1)
            mask = jnp.broadcast_to(steps, x.shape[:-1]).reshape(x.shape[0], -1, 1, 1)
        normal, _, _ = standardise(wide, mask, (1, 3), self.epsilon)
        return _gained(w, normal.reshape(x.shape)).astype(x.dtype)


class UnitNormalization(AlongAxis):
    """x / √max(Σ x², 1e-12): each vector along `axis` is divided by its length.

    Args:
        axis: The axis, the batch axis being 0.

    Raises:
        InputError: when the axis is that of the batch.
        ShapeError: when rows have no such axis.

    >>> x = UnitNormalization().apply({}, jnp.array([[3.0, 4.0]]), Context())
    >>> [round(v, 3) for v in x.ravel().tolist()]
    [0.6, 0.8]
    """

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        axis = axis_of(self, self.axis, x.ndim - 1)
        return x * jax.lax.rsqrt(jnp.maximum(jnp.sum(x**2, axis=axis, keepdims=True), 1e-12))
