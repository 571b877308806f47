"""Constraints: weights are brought back into a set after each update."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from .lazy import defined
from .losses import EPSILON
from .spec import NOT_NEGATIVE, POSITIVE, UNIT, Number, Spec, item

Array = jax.Array


class Constraint(Spec, kind="constraint"):
    """Base: calling it gives the nearest allowed weights."""

    def __call__(self, w: Array) -> Array:
        raise NotImplementedError


class MaxNorm(Constraint):
    """Each unit's incoming weights are shrunk to norm ≤ max_value (Srebro & Shraibman 2005).

    >>> [round(w, 2) for w in MaxNorm(1.0)(jnp.array([[3.0], [4.0]])).ravel().tolist()]
    [0.6, 0.8]
    """

    aliases = ("max_norm",)
    max_value: float = item(default=2.0, rule=POSITIVE, traced=True)
    axis: Any = item(default=0)

    def __call__(self, w: Array) -> Array:
        norms = jnp.sqrt(jnp.sum(w**2, axis=self.axis, keepdims=True))
        return w * (jnp.clip(norms, 0, self.max_value) / (EPSILON + norms))


class NonNeg(Constraint):
    """Negative weights become 0."""

    def __call__(self, w: Array) -> Array:
        return jnp.maximum(w, 0)


class UnitNorm(Constraint):
    """Each unit's incoming weights get norm 1."""

    axis: Any = item(default=0)

    def __call__(self, w: Array) -> Array:
        return w / (EPSILON + jnp.sqrt(jnp.sum(w**2, axis=self.axis, keepdims=True)))


class MinMaxNorm(Constraint):
    """Norms are moved towards [min_value, max_value] by the fraction `rate`."""

    min_value: float = item(default=0.0, rule=NOT_NEGATIVE)
    max_value: float = item(default=1.0, rule=POSITIVE)
    rate: float = item(default=1.0, rule=UNIT)
    axis: Any = item(default=0)

    def __call__(self, w: Array) -> Array:
        norms = jnp.sqrt(jnp.sum(w**2, axis=self.axis, keepdims=True))
        wanted = self.rate * jnp.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (EPSILON + norms))


class ClipWeights(Constraint):
    """Every weight stays within ±value."""

    value: float = item(default=1.0, rule=Number(0, open_low=True), traced=True)

    def __call__(self, w: Array) -> Array:
        return jnp.clip(w, -self.value, self.value)


max_norm, non_neg, unit_norm = MaxNorm, NonNeg, UnitNorm


__all__ = defined(globals())
