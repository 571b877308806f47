"""Losses of numbers: squared, absolute, relative and robust errors, the angle between vectors."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ..lazy import defined
from ..spec import POSITIVE, item
from .base import EPSILON, Array, Loss


class MeanSquaredError(Loss):
    """mean (y − ŷ)² over the outputs of a row, in the targets' unit squared; 0 at a perfect prediction.

    Best of constants is the mean of y, and a far-off row outweighs many near ones.

    >>> float(MeanSquaredError()([[0.0], [0.0]], [[1.0], [7.0]]))
    25.0

    Source: Legendre, "Nouvelles méthodes pour la détermination des orbites des comètes", 1805.
    """

    aliases = ("mse",)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return jnp.mean((y_true - y_pred) ** 2, axis=-1)


class SumSquaredError(Loss):
    """½ Σ (y − ŷ)² over the outputs of a row (the notes' SSE); its derivative is ŷ − y.

    >>> float(SumSquaredError()([[0.0, 0.0]], [[1.0, 2.0]]))
    2.5
    """

    aliases = ("sse", "sum_of_squares")

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return 0.5 * jnp.sum((y_true - y_pred) ** 2, axis=-1)


class RootMeanSquaredError(Loss):
    """√(mean (y − ŷ)²) over the batch, in the targets' unit.

    It is no mean of rows, so the epoch's figure is a mean of its batches. At 0 its slope is set to 0, where the root
    has no finite one.

    >>> float(RootMeanSquaredError()([[0.0], [0.0]], [[1.0], [7.0]]))
    5.0
    """

    aliases = ("rmse",)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return jnp.mean((y_true - y_pred) ** 2, axis=-1)

    def finish(self, mean: Array) -> Array:
        # The root has no finite slope at 0; a perfect batch must not yield NaN gradients.
        return jnp.where(mean > 0, jnp.sqrt(jnp.where(mean > 0, mean, 1.0)), 0.0)


class MeanAbsoluteError(Loss):
    """mean |y − ŷ| over the outputs of a row, in the targets' unit; best of constants is the median of y.

    >>> float(MeanAbsoluteError()([[0.0], [0.0]], [[1.0], [7.0]]))
    4.0
    """

    aliases = ("mae",)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return jnp.mean(jnp.abs(y_true - y_pred), axis=-1)


class MeanAbsolutePercentageError(Loss):
    """100 mean |y − ŷ| / max(|y|, 1e-7), percent. Targets near 0 make it huge.

    >>> round(float(MeanAbsolutePercentageError()([[100.0]], [[90.0]])), 3)
    10.0
    """

    aliases = ("mape",)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return 100.0 * jnp.mean(jnp.abs((y_true - y_pred) / jnp.maximum(jnp.abs(y_true), EPSILON)), axis=-1)


class MeanSquaredLogarithmicError(Loss):
    """mean (log(1 + y) − log(1 + ŷ))², both floored at 1e-7: ratios count, not differences. For targets ≥ 0.

    >>> loss = MeanSquaredLogarithmicError()
    >>> [round(float(loss([[y]], [[p]])), 4) for y, p in ((1.0, 3.0), (99.0, 199.0))]
    [0.4805, 0.4805]
    """

    aliases = ("msle",)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        a, b = jnp.log1p(jnp.maximum(y_pred, EPSILON)), jnp.log1p(jnp.maximum(y_true, EPSILON))
        return jnp.mean((a - b) ** 2, axis=-1)


class Huber(Loss):
    """½e² where |e| ≤ δ, else δ(|e| − ½δ), e = y − ŷ; mean over outputs: squared near 0, linear for outliers.

    Args:
        delta: δ, in the targets' unit.

    >>> Huber(delta=1.0).rows(jnp.zeros((2, 1)), jnp.array([[0.5], [3.0]])).tolist()
    [0.125, 2.5]

    Source: Huber, "Robust estimation of a location parameter", 1964.
    """

    delta: float = item(default=1.0, rule=POSITIVE, traced=True)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        size = jnp.abs(y_true - y_pred)
        return jnp.mean(jnp.where(size <= self.delta, 0.5 * size**2, self.delta * (size - 0.5 * self.delta)), axis=-1)


class LogCosh(Loss):
    """mean log cosh(ŷ − y), a smooth absolute error: near ½e² at 0, near |e| − log 2 far from it.

    >>> [round(float(LogCosh()([[0.0]], [[error]])), 3) for error in (0.1, 10.0)]
    [0.005, 9.307]
    """

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        error = y_pred - y_true
        return jnp.mean(error + jax.nn.softplus(-2.0 * error) - jnp.log(2.0).astype(error.dtype), axis=-1)


class CosineSimilarity(Loss):
    """−cos(y, ŷ) along the last axis: −1 when both point the same way, 0 at a right angle, 1 when opposite.

    Squared lengths are floored at 1e-12, so a vector of zeros has 0 with all others.

    >>> round(float(CosineSimilarity()([[1.0, 0.0]], [[3.0, 4.0]])), 3)
    -0.6
    """

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return -jnp.sum(_unit(y_true) * _unit(y_pred), axis=-1)


def _unit(x: Array) -> Array:
    return x / jnp.sqrt(jnp.maximum(jnp.sum(x**2, axis=-1, keepdims=True), 1e-12))


__all__ = defined(globals())
