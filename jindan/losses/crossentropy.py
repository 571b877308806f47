"""Losses of probabilities and counts: cross-entropies, stably from logits, divergence, Poisson's."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from ..lazy import defined
from ..spec import UNIT, item
from .base import EPSILON, Array, Loss


class BinaryCrossentropy(Loss):
    """−y log p − (1 − y) log(1 − p) in nats, averaged over the outputs; p is clipped to [1e-7, 1 − 1e-7].

    From logits z: y log(1 + e^(−z)) + (1 − y) log(1 + e^z), which neither overflows nor loses digits, nor is clipped. A
    plan whose output layer ends in a sigmoid computes it so by itself.

    Args:
        from_logits: Whether predictions are logits.
        label_smoothing: s: y becomes y(1 − s) + s/2.

    >>> round(float(BinaryCrossentropy()([[1.0]], [[0.5]])), 4)
    0.6931
    >>> float(BinaryCrossentropy(from_logits=True)([[1.0]], [[-1000.0]]))
    1000.0

    Source: Solla, Levin & Fleisher, "Accelerated learning in layered neural networks", 1988.
    """

    aliases = ("bce",)
    targets = "binary"
    fused = ("sigmoid",)
    from_logits: bool = item(default=False)
    label_smoothing: float = item(default=0.0, rule=UNIT, traced=True)

    def _smooth(self, y: Array) -> Array:
        if isinstance(self.label_smoothing, float) and self.label_smoothing == 0:
            return y
        return y * (1.0 - self.label_smoothing) + 0.5 * self.label_smoothing

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        if self.from_logits:
            return self.logit_rows(y_true, y_pred)
        y = self._smooth(y_true)
        p = jnp.clip(y_pred, EPSILON, 1 - EPSILON)
        return -jnp.mean(y * jnp.log(p) + (1 - y) * jnp.log1p(-p), axis=-1)

    def logit_rows(self, y_true: Array, logits: Array) -> Array:
        return jnp.mean(_logistic(logits, self._smooth(y_true)), axis=-1)


@jax.custom_jvp
def _logistic(z: Array, y: Array) -> Array:
    """y log(1 + e^(−z)) + (1 − y) log(1 + e^z), with one exponential and one logarithm."""
    return jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z)))


def _logistic_slope(primals: tuple[Array, Array], tangents: tuple[Any, Any]) -> tuple[Array, Array]:
    """σ(z) − y by z, and −z by y: max(z, 0) and |z| have kinks at 0 whose one-sided slopes would not cancel."""
    (z, y), (dz, dy) = primals, tangents
    out = _logistic(z, y)
    slope = jnp.zeros_like(out)
    if not isinstance(dz, SymbolicZero):
        slope = slope + (jax.nn.sigmoid(z) - y) * dz
    if not isinstance(dy, SymbolicZero):
        slope = slope - z * dy
    return out, slope


_logistic.defjvp(_logistic_slope, symbolic_zeros=True)


class CategoricalCrossentropy(Loss):
    """−Σ y log p in nats over one-hot (or soft) targets; p is normalised to sum 1 and clipped to [1e-7, 1 − 1e-7].

    From logits z: Σ y (log Σ e^z − z), unclipped. A plan whose output layer ends in a softmax computes it so by itself.

    Args:
        from_logits: Whether predictions are logits.
        label_smoothing: s: y becomes y(1 − s) + s / classes (Szegedy et al., "Rethinking the Inception architecture for
            computer vision", 2016).

    >>> round(float(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931

    Source: Bridle, "Probabilistic interpretation of feedforward classification network outputs, with relationships to
    statistical pattern recognition", 1990.
    """

    aliases = ("cce",)
    targets = "one-hot"
    fused = ("softmax",)
    from_logits: bool = item(default=False)
    label_smoothing: float = item(default=0.0, rule=UNIT, traced=True)

    def _smooth(self, y: Array) -> Array:
        if isinstance(self.label_smoothing, float) and self.label_smoothing == 0:
            return y
        return y * (1.0 - self.label_smoothing) + self.label_smoothing / y.shape[-1]

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        if self.from_logits:
            return self.logit_rows(y_true, y_pred)
        p = y_pred / jnp.sum(y_pred, axis=-1, keepdims=True)
        return -jnp.sum(self._smooth(y_true) * jnp.log(jnp.clip(p, EPSILON, 1 - EPSILON)), axis=-1)

    def logit_rows(self, y_true: Array, logits: Array) -> Array:
        return -jnp.sum(self._smooth(y_true) * jax.nn.log_softmax(logits, axis=-1), axis=-1)


class SparseCategoricalCrossentropy(Loss):
    """−log p_y in nats, the targets being class numbers 0 … classes − 1; p is normalised and clipped as in
    CategoricalCrossentropy.

    Shapes: y_true (rows, …) or (rows, …, 1), y_pred (rows, …, classes). A number that is no class costs NaN.

    Args:
        from_logits: Whether predictions are logits.

    >>> [round(float(SparseCategoricalCrossentropy()([y], [[0.25, 0.75]])), 4) for y in (0, 1)]
    [1.3863, 0.2877]
    """

    aliases = ("scce",)
    targets = "integer"
    fused = ("softmax",)
    from_logits: bool = item(default=False)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        if self.from_logits:
            return self.logit_rows(y_true, y_pred)
        p = jnp.clip(y_pred / jnp.sum(y_pred, axis=-1, keepdims=True), EPSILON, 1 - EPSILON)
        return -_take(jnp.log(p), y_true)

    def logit_rows(self, y_true: Array, logits: Array) -> Array:
        return _class_cost(logits, y_true.astype(jnp.int32))


@jax.custom_jvp
def _class_cost(z: Array, labels: Array) -> Array:
    """log Σ e^z − z_y."""
    z = z - lax.stop_gradient(jnp.max(z, axis=-1, keepdims=True))
    return jnp.log(jnp.sum(jnp.exp(z), axis=-1)) - _take(z, labels)


def _class_slope(primals: tuple[Array, Array], tangents: tuple[Array, Any]) -> tuple[Array, Array]:
    """softmax(z) less 1 for class y: one product with what comes from above, where derived rules scatter."""
    (z, labels), (dz, _) = primals, tangents
    slope = jax.nn.softmax(z, axis=-1) - _own(z, labels).astype(z.dtype)
    return _class_cost(z, labels), jnp.sum(slope * dz, axis=-1)


_class_cost.defjvp(_class_slope)


class KLDivergence(Loss):
    """Σ y log(y / p) in nats, both clipped to [1e-7, 1]: what is lost by taking p for y; 0 where they are equal.

    >>> round(float(KLDivergence()([[0.5, 0.5]], [[0.75, 0.25]])), 4)
    0.1438

    Source: Kullback & Leibler, "On information and sufficiency", 1951.
    """

    aliases = ("kld", "kl_divergence", "kullback_leibler_divergence")
    targets = "one-hot"

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        y, p = jnp.clip(y_true, EPSILON, 1), jnp.clip(y_pred, EPSILON, 1)
        return jnp.sum(y * jnp.log(y / p), axis=-1)


class Poisson(Loss):
    """mean (ŷ − y log(ŷ + 1e-7)), the negative log-likelihood of counts up to a constant; least at ŷ = y.

    ŷ must be positive: let the output layer end in exponential or softplus.

    >>> [round(float(Poisson()([[3.0]], [[rate]])), 3) for rate in (2.0, 3.0, 4.0)]
    [-0.079, -0.296, -0.159]

    Source: Nelder & Wedderburn, "Generalized linear models", 1972.
    """

    targets = "count"

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return jnp.mean(y_pred - y_true * jnp.log(y_pred + EPSILON), axis=-1)


def _own(values: Array, labels: Array) -> Array:
    """(…, classes) whether a class is the row's own."""
    return labels[..., None] == lax.broadcasted_iota(labels.dtype, values.shape, values.ndim - 1)


def _take(values: Array, labels: Array) -> Array:
    """The value of each row's own class, NaN where there is none. The slope of a gather would be a slow scatter."""
    labels = labels.astype(jnp.int32)
    found = jnp.sum(jnp.where(_own(values, labels), values, 0), axis=-1)
    return jnp.where((labels >= 0) & (labels < values.shape[-1]), found, jnp.nan)


__all__ = defined(globals())
