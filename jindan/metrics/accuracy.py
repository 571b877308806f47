"""Accuracies: shares of rows that are predicted right."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ..lazy import defined
from ..metric_base import _Mean
from ..spec import COUNT, UNIT, item

Array = jax.Array


class BinaryAccuracy(_Mean):
    """Share of outputs on the right side of the threshold: y = 1 if p > threshold else 0.

    Shapes: (rows, …, outputs) of 0 and 1, and of probabilities; each row counts by its mean.

    Args:
        threshold: What a probability must exceed to be a 1.

    >>> BinaryAccuracy()([[1.0], [0.0]], [[0.7], [0.6]]), BinaryAccuracy(threshold=0.65)([[1.0], [0.0]], [[0.7], [0.6]])
    (0.5, 1.0)
    """

    threshold: float = item(default=0.5, rule=UNIT)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return (y_true == (y_pred > self.threshold)).astype(y_pred.dtype)


class CategoricalAccuracy(_Mean):
    """Share of rows (or steps) whose largest output is the one-hot class; of equal outputs the first counts.

    Shapes: y_true and y_pred (rows, …, classes).

    >>> CategoricalAccuracy()([[0.0, 1.0], [1.0, 0.0]], [[0.3, 0.7], [0.4, 0.6]])
    0.5
    """

    targets = "one-hot"

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return (jnp.argmax(y_true, -1) == jnp.argmax(y_pred, -1)).astype(y_pred.dtype)


class SparseCategoricalAccuracy(_Mean):
    """Share of rows (or steps) whose largest output is the class number.

    Shapes: y_true (rows, …) or (rows, …, 1), y_pred (rows, …, classes).

    >>> SparseCategoricalAccuracy()([1, 0], [[0.3, 0.7], [0.4, 0.6]])
    0.5
    """

    targets = "integer"

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return (y_true.astype(jnp.int32) == jnp.argmax(y_pred, -1)).astype(y_pred.dtype)


class AccuracyByShape(_Mean):
    """Share of rows whose largest output is the class, told by the targets' shape to be one-hot or a number.

    >>> metric, p = AccuracyByShape(), [[0.3, 0.7], [0.4, 0.6]]
    >>> metric([1, 0], p), metric([[0.0, 1.0], [1.0, 0.0]], p)
    (0.5, 0.5)
    """

    targets = "any"

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        if y_true.ndim == y_pred.ndim and y_true.shape[-1] == y_pred.shape[-1]:
            return CategoricalAccuracy().rows(y_true, y_pred)
        return SparseCategoricalAccuracy().rows(y_true.reshape(y_pred.shape[:-1]), y_pred)


class TopKCategoricalAccuracy(_Mean):
    """Share of rows whose one-hot class is among the k largest outputs; equal outputs do not push it out.

    NaN at the class is a miss.

    Args:
        k: How many outputs count.

    >>> [TopKCategoricalAccuracy(k)([[0.0, 0.0, 1.0]], [[0.5, 0.2, 0.3]]) for k in (1, 2)]
    [0.0, 1.0]
    """

    targets = "one-hot"
    k: int = item(default=5, rule=COUNT)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return _in_top(jnp.argmax(y_true, -1), y_pred, self.k)


class SparseTopKCategoricalAccuracy(_Mean):
    """Share of rows whose class number is among the k largest outputs; equal outputs do not push it out.

    NaN at the class, or a number that is none of the classes, is a miss.

    Args:
        k: How many outputs count.

    >>> [SparseTopKCategoricalAccuracy(k)([2], [[0.5, 0.2, 0.3]]) for k in (1, 2)]
    [0.0, 1.0]
    """

    targets = "integer"
    k: int = item(default=5, rule=COUNT)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return _in_top(y_true.astype(jnp.int32), y_pred, self.k)


def _in_top(labels: Array, y_pred: Array, k: int) -> Array:
    known = (labels >= 0) & (labels < y_pred.shape[-1])
    own = jnp.take_along_axis(y_pred, jnp.where(known, labels, 0)[..., None], axis=-1)
    before = jnp.sum(y_pred > own, axis=-1)
    return (known & ~jnp.isnan(own[..., 0]) & (before < k)).astype(y_pred.dtype)


__all__ = defined(globals())
