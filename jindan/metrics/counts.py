"""Metrics of counts: precision, recall, their mean, the counts themselves, and the area under the ROC curve."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from ..lazy import defined
from ..metric_base import Metric, _floor
from ..spec import COUNT, UNIT, Choice, item

Array = jax.Array


class _Counts(Metric):
    """True positives, false positives and false negatives by class, at the threshold or the largest output.

    Of sequences (rows, time, classes), each step counts as a row does.
    """

    targets = "any"

    def sums(self, y_true: Array, y_pred: Array, weight: Array) -> Array:
        y_true, y_pred, weight = _by_step(y_true, y_pred, weight)
        truth, guess = self._decide(y_true, y_pred)
        w = weight[:, None]
        both = jnp.sum(truth * guess * w, 0)
        return jnp.concatenate([both, jnp.sum((1 - truth) * guess * w, 0), jnp.sum(truth * (1 - guess) * w, 0)])

    def _decide(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        threshold = getattr(self, "threshold", None)
        p = y_pred.reshape(y_pred.shape[0], -1)
        if p.shape[-1] > 1 and y_true.size != p.size:
            truth = jax.nn.one_hot(y_true.reshape(-1).astype(jnp.int32), p.shape[-1], dtype=p.dtype)
        else:
            truth = y_true.reshape(p.shape).astype(p.dtype)
        if p.shape[-1] > 1 and threshold is None:
            return truth, jax.nn.one_hot(jnp.argmax(p, -1), p.shape[-1], dtype=p.dtype)
        return truth, (p > (0.5 if threshold is None else threshold)).astype(p.dtype)


class Precision(_Counts):
    """TP / (TP + FP) over all outputs together, outputs above the threshold counting as positive; 0 where none is.

    Shapes: y_pred (rows, …, outputs), y_true the same or class numbers (rows, …).

    Args:
        threshold: What a probability must exceed to be positive.

    >>> round(Precision()([[1.0], [0.0], [1.0]], [[0.9], [0.8], [0.7]]), 3)
    0.667

    Source: Kent, Berry, Luehrs & Perry, "Machine literature searching VIII: operational criteria for designing
    information retrieval systems", 1955.
    """

    threshold: float = item(default=0.5, rule=UNIT)

    def value(self, total: Any) -> Any:
        tp, fp, _ = total.reshape(3, -1).sum(1)
        return tp / _floor(tp + fp)


class Recall(_Counts):
    """TP / (TP + FN) over all outputs together, outputs above the threshold counting as positive; 0 where none is one.

    Shapes: y_pred (rows, …, outputs), y_true the same or class numbers (rows, …).

    Args:
        threshold: What a probability must exceed to be positive.

    >>> Recall()([[1.0], [0.0], [1.0]], [[0.9], [0.8], [0.2]])
    0.5

    Source: Kent, Berry, Luehrs & Perry, "Machine literature searching VIII: operational criteria for designing
    information retrieval systems", 1955.
    """

    threshold: float = item(default=0.5, rule=UNIT)

    def value(self, total: Any) -> Any:
        tp, _, fn = total.reshape(3, -1).sum(1)
        return tp / _floor(tp + fn)


class F1Score(_Counts):
    """2 TP / (2 TP + FP + FN), averaged over the classes (macro); a class that neither occurs nor is predicted has 0.

    Of one output, its positives alone count, those above ½; of several, the largest is the prediction.

    Shapes: y_pred (rows, …, outputs), y_true the same or class numbers (rows, …).

    >>> round(F1Score()([[1.0], [0.0], [1.0]], [[0.9], [0.8], [0.7]]), 3)
    0.8

    Source: van Rijsbergen, "Information retrieval", 1979.
    """

    aliases = ("f1",)

    @property
    def label(self) -> str:
        return self.name or "f1"

    def value(self, total: Any) -> Any:
        tp, fp, fn = total.reshape(3, -1)
        return (2 * tp / _floor(2 * tp + fp + fn)).mean()


class _Cell(_Counts, abstract=True):
    """One cell of the confusion matrix of decisions at a threshold, counted over all outputs together."""

    truth: ClassVar[int]
    guess: ClassVar[int]

    def sums(self, y_true: Array, y_pred: Array, weight: Array) -> Array:
        y_true, y_pred, weight = _by_step(y_true, y_pred, weight)
        truth, guess = self._decide(y_true, y_pred)
        # A padded row may hold anything.
        inside = (truth == self.truth) & (guess == self.guess)
        return jnp.sum(jnp.where(inside, weight[:, None], 0.0))[None]

    def value(self, total: Any) -> Any:
        return total[0]


class TruePositives(_Cell):
    """The number of positives that are told as such, each row counted with its weight.

    Shapes: y_pred (rows, …, outputs), y_true the same or class numbers (rows, …).

    Args:
        threshold: What a probability must exceed to be positive.

    >>> TruePositives()([[1.0], [0.0], [1.0]], [[0.9], [0.8], [0.2]])
    1.0
    """

    truth, guess = 1, 1
    threshold: float = item(default=0.5, rule=UNIT)


class TrueNegatives(_Cell):
    """The number of negatives that are told as such, each row counted with its weight.

    Shapes: y_pred (rows, …, outputs), y_true the same or class numbers (rows, …).

    Args:
        threshold: What a probability must exceed to be positive.

    >>> TrueNegatives()([[1.0], [0.0], [1.0]], [[0.9], [0.8], [0.2]])
    0.0
    """

    truth, guess = 0, 0
    threshold: float = item(default=0.5, rule=UNIT)


class FalsePositives(_Cell):
    """The number of negatives taken for positives, each row counted with its weight.

    Shapes: y_pred (rows, …, outputs), y_true the same or class numbers (rows, …).

    Args:
        threshold: What a probability must exceed to be positive.

    >>> FalsePositives()([[1.0], [0.0], [1.0]], [[0.9], [0.8], [0.2]])
    1.0
    """

    truth, guess = 0, 1
    higher_is_better = False
    threshold: float = item(default=0.5, rule=UNIT)


class FalseNegatives(_Cell):
    """The number of positives taken for negatives, each row counted with its weight.

    Shapes: y_pred (rows, …, outputs), y_true the same or class numbers (rows, …).

    Args:
        threshold: What a probability must exceed to be positive.

    >>> FalseNegatives()([[1.0], [0.0], [1.0]], [[0.9], [0.8], [0.2]])
    1.0
    """

    truth, guess = 1, 0
    higher_is_better = False
    threshold: float = item(default=0.5, rule=UNIT)


class AUC(Metric):
    """Area under the ROC curve: of all pairs of a positive and a negative, those whose positive has the larger output.

    Outputs are sorted into bins of equal width from 0 to 1; pairs in one bin count half (the trapezoidal rule). Of
    several outputs, the pairs of all count together. 0 where there are no positives, or no negatives; NaN where an
    output is NaN.

    Shapes: y_pred (rows, …, outputs), y_true the same or class numbers (rows, …).

    Args:
        num_thresholds: Bins.
        from_logits: Whether predictions go through the sigmoid (or "softmax") first; a loss `from_logits` sees to that.

    >>> AUC()([[0.0], [1.0], [1.0]], [[0.3], [0.1], [0.9]])
    0.5

    Source: Hanley & McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC)
    curve", 1982.
    """

    targets = "any"
    num_thresholds: int = item(default=400, rule=COUNT)
    from_logits: Any = item(default=False, rule=Choice((False, True, "softmax")))

    @property
    def label(self) -> str:
        return self.name or "auc"

    def sums(self, y_true: Array, y_pred: Array, weight: Array) -> Array:
        if self.from_logits:
            y_pred = jax.nn.softmax(y_pred) if self.from_logits == "softmax" else jax.nn.sigmoid(y_pred)
        y_true, y_pred, weight = _by_step(y_true, y_pred, weight)
        p = y_pred.reshape(y_pred.shape[0], -1)
        if p.shape[-1] > 1 and y_true.size != p.size:
            y_true = jax.nn.one_hot(y_true.reshape(-1).astype(jnp.int32), p.shape[-1], dtype=p.dtype)
        # No bin is that of NaN; a padded row may hold anything.
        w = jnp.where(jnp.isnan(p) & (weight[:, None] > 0), jnp.nan, weight[:, None])
        y = y_true.reshape(p.shape).astype(p.dtype)
        bins = jnp.clip((p * self.num_thresholds).astype(jnp.int32), 0, self.num_thresholds - 1).ravel()
        empty = jnp.zeros(self.num_thresholds, p.dtype)
        positive = empty.at[bins].add((y * w).ravel())
        negative = empty.at[bins].add(((1 - y) * w).ravel())
        return jnp.concatenate([positive, negative])

    def value(self, total: Any) -> Any:
        positive, negative = total.reshape(2, -1)
        # Pairs in one bin count half: the trapezoid.
        below = negative.cumsum() - negative
        wins = (positive * (below + negative / 2)).sum()
        return wins / _floor(positive.sum() * negative.sum())


def _by_step(y_true: Array, y_pred: Array, weight: Array) -> tuple[Array, Array, Array]:
    """Outputs (rows, time, …, classes) as one row a step, with targets of that shape or class numbers."""
    if y_pred.ndim < 3:
        return y_true, y_pred, weight
    guess = y_pred.reshape(-1, y_pred.shape[-1])
    truth = y_true.reshape(guess.shape if y_true.size == guess.size else -1)
    return truth, guess, jnp.repeat(weight, guess.shape[0] // y_pred.shape[0])


__all__ = defined(globals())
