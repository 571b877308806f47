"""Losses of rare classes and of areas: focal cross-entropies, Dice and Tversky, formulas and defaults Keras 3's."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..lazy import defined
from ..spec import NOT_NEGATIVE, UNIT, item
from .base import EPSILON, Array, Loss
from .crossentropy import BinaryCrossentropy, CategoricalCrossentropy, _logistic


class BinaryFocalCrossentropy(BinaryCrossentropy):
    """(1 − pₜ)^γ times the binary cross-entropy, averaged over the outputs; pₜ is the chance given to what is true.

    Rows that are right already count little, so that a rare class is not drowned. From logits it is computed stably; a
    plan whose output layer ends in a sigmoid computes it so by itself.

    Args:
        apply_class_balancing: Whether outputs of target 1 weigh α and those of target 0 weigh 1 − α.
        alpha: α.
        gamma: γ; 0 is the binary cross-entropy.

    >>> [round(float(BinaryFocalCrossentropy()([[1.0]], [[p]])), 4) for p in (0.5, 0.9)]
    [0.1733, 0.0011]

    Source: Lin et al., "Focal loss for dense object detection", 2017.
    """

    aliases = ()  # type: ignore[assignment]
    apply_class_balancing: bool = item(default=False)
    alpha: float = item(default=0.25, rule=UNIT, traced=True)
    gamma: float = item(default=2.0, rule=NOT_NEGATIVE, traced=True)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        if self.from_logits:
            return self.logit_rows(y_true, y_pred)
        y, p = self._smooth(y_true), jnp.clip(y_pred, EPSILON, 1 - EPSILON)
        cost = -(y * jnp.log(p) + (1 - y) * jnp.log1p(-p))
        return self._weighed(y, y * (1 - y_pred) + (1 - y) * y_pred, cost)

    def logit_rows(self, y_true: Array, logits: Array) -> Array:
        y = self._smooth(y_true)
        wrong = y * jax.nn.sigmoid(-logits) + (1 - y) * jax.nn.sigmoid(logits)
        return self._weighed(y, wrong, _logistic(logits, y))

    def _weighed(self, y: Array, wrong: Array, cost: Array) -> Array:
        cost = _power(wrong, self.gamma) * cost
        if self.apply_class_balancing:
            cost = (y * self.alpha + (1 - y) * (1 - self.alpha)) * cost
        return jnp.mean(cost, axis=-1)


class CategoricalFocalCrossentropy(CategoricalCrossentropy):
    """−Σ α (1 − p)^γ y log p over one-hot (or soft) targets; p is normalised to sum 1 and clipped.

    From logits it is computed stably; a plan whose output layer ends in a softmax computes it so by itself.

    Args:
        alpha: α, a weight of all classes.
        gamma: γ; 0 is α times the cross-entropy.

    >>> [round(float(CategoricalFocalCrossentropy()([[0.0, 1.0]], [[1 - p, p]])), 4) for p in (0.5, 0.9)]
    [0.0433, 0.0003]

    Source: Lin et al., "Focal loss for dense object detection", 2017.
    """

    aliases = ()  # type: ignore[assignment]
    alpha: float = item(default=0.25, rule=NOT_NEGATIVE, traced=True)
    gamma: float = item(default=2.0, rule=NOT_NEGATIVE, traced=True)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        if self.from_logits:
            return self.logit_rows(y_true, y_pred)
        p = jnp.clip(y_pred / jnp.sum(y_pred, axis=-1, keepdims=True), EPSILON, 1 - EPSILON)
        return -jnp.sum(self.alpha * _power(1 - p, self.gamma) * self._smooth(y_true) * jnp.log(p), axis=-1)

    def logit_rows(self, y_true: Array, logits: Array) -> Array:
        log_p = jax.nn.log_softmax(logits, axis=-1)
        factor = self.alpha * _power(-jnp.expm1(log_p), self.gamma)
        return -jnp.sum(factor * self._smooth(y_true) * log_p, axis=-1)


class Tversky(Loss):
    """1 − Σyŷ / (Σyŷ + α Σy(1 − ŷ) + β Σŷ(1 − y) + 1e-7), over the whole batch or over `axis`.

    α is the price of what is missed, β that of what is found in vain, as Keras 3 computes it (its text names them the
    other way round); both 0.5 is Dice, both 1 the Jaccard distance.

    Shapes: y_true and y_pred (rows, …, outputs), in [0, 1].

    Args:
        alpha, beta: α and β.
        axis: The axes summed over; None is all, the rows of a batch too, which then have one loss together.

    >>> round(float(Tversky(alpha=0.2, beta=0.8)([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])), 4)
    0.1667

    Source: Salehi, Erdogmus & Gholipour, "Tversky loss function for image segmentation using 3D fully convolutional
    deep networks", 2017.
    """

    targets = "any"
    batchwise = True
    alpha: float = item(default=0.5, rule=NOT_NEGATIVE, traced=True)
    beta: float = item(default=0.5, rule=NOT_NEGATIVE, traced=True)
    axis: Any = item(default=None)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        both, missed, vain = (
            jnp.sum(part, axis=self.axis) for part in (y_true * y_pred, y_true * (1 - y_pred), y_pred * (1 - y_true))
        )
        return _spread(1 - both / (both + self.alpha * missed + self.beta * vain + EPSILON), y_pred, self.axis)


class Dice(Loss):
    """1 − 2 Σyŷ / (Σy + Σŷ + 1e-7), over the whole batch or over `axis`: how little two areas overlap.

    Shapes: y_true and y_pred (rows, …, outputs), in [0, 1].

    Args:
        axis: The axes summed over; None is all, the rows of a batch too, which then have one loss together. (1, 2, 3)
            gives each image its own.

    >>> round(float(Dice()([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])), 4)
    0.3333

    Source: Milletari, Navab & Ahmadi, "V-Net: fully convolutional neural networks for volumetric medical image
    segmentation", 2016.
    """

    targets = "any"
    batchwise = True
    axis: Any = item(default=None)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        both, truth, guess = (jnp.sum(part, axis=self.axis) for part in (y_true * y_pred, y_true, y_pred))
        return _spread(1 - 2 * both / (truth + guess + EPSILON), y_pred, self.axis)


def _power(x: Array, gamma: Any) -> Array:
    """x^γ whose slope at 0 is finite for every γ."""
    if isinstance(gamma, float) and gamma == 0:
        return jnp.ones_like(x)
    return jnp.where(x == 0, 0.0, jnp.where(x == 0, 1.0, x) ** gamma)


def _spread(values: Array, y_pred: Array, axis: Any) -> Array:
    """One number for the batch, or its classes, is every row's; what rows have apart is theirs."""
    axes = range(y_pred.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    if any(entry in (0, -y_pred.ndim) for entry in axes):
        return jnp.broadcast_to(jnp.mean(values), y_pred.shape[:1])
    return values


__all__ = defined(globals())
