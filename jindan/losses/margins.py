"""Losses of margins: hinges, for targets that are signs or one-hot classes."""

from __future__ import annotations

import jax.numpy as jnp

from ..lazy import defined
from .base import Array, Loss


class Hinge(Loss):
    """mean max(0, 1 − y ŷ) for targets −1/1; targets of which all are 0 or 1 are read as −1/1.

    A row on the right side by 1 or more costs nothing.

    >>> [float(Hinge()([[1.0]], [[score]])) for score in (2.0, 0.5, -1.0)]
    [0.0, 0.5, 2.0]

    Source: Cortes & Vapnik, "Support-vector networks", 1995.
    """

    targets = "signs"

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return jnp.mean(jnp.maximum(1.0 - _signs(y_true) * y_pred, 0.0), axis=-1)


class SquaredHinge(Loss):
    """mean max(0, 1 − y ŷ)² for targets −1/1; targets of which all are 0 or 1 are read as −1/1.

    >>> [float(SquaredHinge()([[1.0]], [[score]])) for score in (2.0, 0.5, -1.0)]
    [0.0, 0.25, 4.0]

    Source: Tang, "Deep learning using linear support vector machines", 2013.
    """

    targets = "signs"

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return jnp.mean(jnp.maximum(1.0 - _signs(y_true) * y_pred, 0.0) ** 2, axis=-1)


class CategoricalHinge(Loss):
    """max(0, 1 + the largest wrong score − the right one), one-hot targets.

    The largest wrong score is max (1 − y) ŷ, so at least 0, as in Keras.

    >>> [float(CategoricalHinge()([[1.0, 0.0]], [scores])) for scores in ([3.0, 1.0], [1.0, 3.0], [0.5, -3.0])]
    [0.0, 3.0, 0.5]

    Source: Crammer & Singer, "On the algorithmic implementation of multiclass kernel-based vector machines", 2001.
    """

    targets = "one-hot"

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        right = jnp.sum(y_true * y_pred, axis=-1)
        wrong = jnp.max((1.0 - y_true) * y_pred, axis=-1)
        return jnp.maximum(wrong - right + 1.0, 0.0)


def _signs(y: Array) -> Array:
    return jnp.where(jnp.all((y == 0) | (y == 1)), 2.0 * y - 1.0, y)


__all__ = defined(globals())
