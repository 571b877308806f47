"""Metrics: accuracies, counts, areas and means, and the names they go by; what a metric is says `metric_base`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from . import losses as _losses
from .closures import closed
from .confusion import confusion_matrix
from .errors import InputError, UnknownNameError
from .lazy import defined
from .losses import Loss
from .metric_base import Metric, _floor, _Mean, snake
from .spec import COUNT, UNIT, Choice, _key, get, item, names

Array = jax.Array


class BinaryAccuracy(_Mean):
    """Share of outputs on the right side of the threshold.

    >>> BinaryAccuracy()([[1.0], [0.0]], [[0.7], [0.6]])
    0.5
    """

    threshold: float = item(default=0.5, rule=UNIT)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return (y_true == (y_pred > self.threshold)).astype(y_pred.dtype)


class CategoricalAccuracy(_Mean):
    """Share of rows whose largest output is the one-hot class."""

    targets = "one-hot"

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return (jnp.argmax(y_true, -1) == jnp.argmax(y_pred, -1)).astype(y_pred.dtype)


class SparseCategoricalAccuracy(_Mean):
    """Share of rows whose largest output is the class number."""

    targets = "integer"

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return (y_true.astype(jnp.int32) == jnp.argmax(y_pred, -1)).astype(y_pred.dtype)


class AccuracyByShape(_Mean):
    """Share of rows whose largest output is the class, told by the targets' shape to be one-hot or a number."""

    targets = "any"

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        if y_true.ndim == y_pred.ndim and y_true.shape[-1] == y_pred.shape[-1]:
            return CategoricalAccuracy().rows(y_true, y_pred)
        return SparseCategoricalAccuracy().rows(y_true.reshape(y_pred.shape[:-1]), y_pred)


class TopKCategoricalAccuracy(_Mean):
    """Share of rows whose one-hot class is among the k largest outputs."""

    targets = "one-hot"
    k: int = item(default=5, rule=COUNT)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return _in_top(jnp.argmax(y_true, -1), y_pred, self.k)


class SparseTopKCategoricalAccuracy(_Mean):
    """Share of rows whose class number is among the k largest outputs."""

    targets = "integer"
    k: int = item(default=5, rule=COUNT)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return _in_top(y_true.astype(jnp.int32), y_pred, self.k)


class LossMetric(_Mean):
    """A loss reported as a metric, unweighted. Cosine similarity is so reported: 1 when both point the same way.

    Attributes:
        loss: The loss.
        as_loss: Whether its sign is the loss's own.
    """

    loss: Any = item(kind="loss")
    as_loss: bool = item(default=False)

    @property
    def higher_is_better(self) -> bool:  # type: ignore[override]
        return isinstance(self.loss, _losses.CosineSimilarity) and not self.as_loss

    @property
    def label(self) -> str:
        return self.name or snake(type(self.loss).__name__)

    @property
    def targets(self) -> str:  # type: ignore[override]
        return self.loss.targets

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        rows = self.loss.rows(y_true, y_pred)
        return -rows if self.higher_is_better else rows

    def value(self, total: Any) -> Any:
        mean = total[0] / _floor(total[1])
        return mean**0.5 if isinstance(self.loss, _losses.RootMeanSquaredError) else mean


class Perplexity(_Mean):
    """e^(mean cross-entropy): how many equally likely classes the model hesitates between. One-hot or class numbers.

    `from_logits`: the predictions are logits; a loss `from_logits` sees to that.
    """

    higher_is_better = False
    targets = "integer"
    from_logits: bool = item(default=False)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        if y_true.ndim == y_pred.ndim:
            return _losses.CategoricalCrossentropy(self.from_logits).rows(y_true.astype(y_pred.dtype), y_pred)
        return _losses.SparseCategoricalCrossentropy(self.from_logits).rows(y_true, y_pred)

    def value(self, total: Any) -> Any:
        return (jnp if isinstance(total, jax.Array) else np).exp(total[0] / _floor(total[1]))


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
    """TP / (TP + FP) over all outputs together, outputs above the threshold counting as positive."""

    threshold: float = item(default=0.5, rule=UNIT)

    def value(self, total: Any) -> Any:
        tp, fp, _ = total.reshape(3, -1).sum(1)
        return tp / _floor(tp + fp)


class Recall(_Counts):
    """TP / (TP + FN) over all outputs together, outputs above the threshold counting as positive."""

    threshold: float = item(default=0.5, rule=UNIT)

    def value(self, total: Any) -> Any:
        tp, _, fn = total.reshape(3, -1).sum(1)
        return tp / _floor(tp + fn)


class F1Score(_Counts):
    """2 TP / (2 TP + FP + FN), averaged over the classes."""

    aliases = ("f1",)

    @property
    def label(self) -> str:
        return self.name or "f1"

    def value(self, total: Any) -> Any:
        tp, fp, fn = total.reshape(3, -1)
        return (2 * tp / _floor(2 * tp + fp + fn)).mean()


class AUC(Metric):
    """Area under the ROC curve, from 400 bins of the prediction by the trapezoidal rule (Hanley & McNeil 1982).

    `from_logits`: the predictions go through the sigmoid (or "softmax") first; a loss `from_logits` sees to that.
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
        y, w = y_true.reshape(p.shape).astype(p.dtype), jnp.broadcast_to(weight[:, None], p.shape)
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


class R2Score(Metric):
    """1 − Σ(y − ŷ)² / Σ(y − ȳ)², averaged over the outputs.

    Sums are of y − `shift`, a number or one an output: near the mean of y, float32 loses no digits. `centred` finds it.
    """

    aliases = ("r2",)
    shift: Any = item(default=0.0)

    @property
    def label(self) -> str:
        return self.name or "r2"

    def sums(self, y_true: Array, y_pred: Array, weight: Array) -> Array:
        p = y_pred.reshape(y_pred.shape[0], -1)
        y, p = (a - jnp.asarray(self.shift, p.dtype) for a in (y_true.reshape(p.shape), p))
        w = weight[:, None]
        count = jnp.broadcast_to(jnp.sum(weight), p.shape[1:])
        parts = [jnp.sum(w * (y - p) ** 2, 0), jnp.sum(w * y, 0), jnp.sum(w * y**2, 0), count]
        return jnp.concatenate(parts)

    def value(self, total: Any) -> Any:
        residual, first, second, count = total.reshape(4, -1)
        spread = second - first**2 / _floor(count)
        return (1 - residual / _floor(spread)).mean()

    def centred(self, y: Any) -> R2Score:
        """The same with a shift near the mean of targets (rows, …), where that is far from 0 beside their spread."""
        y = np.asarray(y, np.float64).reshape(len(y), -1)
        mean, spread = y.mean(0), y.std(0)
        # Within 10 spreads, cancellation costs two of float32's seven digits.
        if not np.isfinite(mean).all() or (np.abs(mean) <= 10 * spread).all():
            return self.replace(shift=0.0)
        # The shift is part of what is compiled: on a grid, much the same rows share a program.
        grid = 2.0 ** np.floor(np.log2(np.maximum(spread, np.abs(mean) * 2**-24 + 1e-30)))
        shift = (np.round(mean / grid) * grid).tolist()
        return self.replace(shift=shift[0] if len(shift) == 1 else tuple(shift))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        return super(R2Score, self.centred(y_true)).__call__(y_true, y_pred, sample_weight)


class CustomMetric(_Mean):
    """A JAX function (y_true, y_pred) → one number a row or a batch; batches are averaged by their rows.

    It only ever sees rows that exist: a last partial batch reaches it in its own size.
    """

    targets = "any"
    function: Any = item(kind="metric")

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "function", closed(self.function))

    @property
    def label(self) -> str:
        return self.name or str(getattr(self.function, "__name__", "metric"))

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        values = jnp.asarray(self.function(y_true, y_pred))
        return jnp.broadcast_to(values, y_pred.shape[:1]) if values.ndim == 0 else values


def _loss_metric(name: str, loss: str, alias: str) -> type[Metric]:
    def __new__(cls: type, *, name: str | None = None) -> LossMetric:
        return LossMetric(get("loss", loss), name=name or snake(cls.__name__))

    return type(name, (), {"__new__": __new__, "__doc__": f"`{loss}` as a metric.", "__module__": __name__})


MeanSquaredError = _loss_metric("MeanSquaredError", "mse", "mse")
MeanAbsoluteError = _loss_metric("MeanAbsoluteError", "mae", "mae")
RootMeanSquaredError = _loss_metric("RootMeanSquaredError", "rmse", "rmse")


def resolve(identifier: Any, loss: Any, outputs: int) -> Metric:
    """The metric for a name, object or function; "accuracy" fits itself to the loss.

    Args:
        identifier: "accuracy", "mae", `AUC()`, a function, …
        loss: The loss of the plan, which says what form the targets have.
        outputs: Width of the output layer.
    """
    if isinstance(identifier, type) and issubclass(identifier, (Metric, Loss)):
        identifier = identifier()
    if isinstance(identifier, (AUC, Perplexity)) and not identifier.from_logits and getattr(loss, "from_logits", False):
        softmax = isinstance(identifier, AUC) and "softmax" in loss.fused
        return identifier.replace(from_logits="softmax" if softmax else True)
    if isinstance(identifier, Metric):
        return identifier
    identifier = getattr(identifier, "stands_for", identifier)
    if isinstance(identifier, Loss):
        return LossMetric(identifier)
    if isinstance(identifier, str):
        key = _key(identifier)
        if key in ("accuracy", "acc"):
            return _accuracy(loss, outputs).replace(name=identifier)
        try:
            if _is_loss(key):
                return LossMetric(get("loss", key), name=identifier)
            found = get("metric", identifier)
            return resolve(found, loss, outputs) if isinstance(found, Metric) else CustomMetric(found, name=identifier)
        except UnknownNameError:
            known = ["accuracy", *names("metric"), *names("loss")]
            raise UnknownNameError("metric", identifier, known, where="metrics") from None
    if callable(identifier):
        return CustomMetric(identifier)
    raise InputError(
        "This is not a metric.", where="metrics", received=repr(identifier),
        expected="a name, an object from jindan.metrics or a function (y_true, y_pred)",
        help='For instance metrics=["accuracy"].',
    )  # fmt: skip


def is_own(identifier: Any) -> bool:
    """Whether a metric is a function of the user's."""
    if isinstance(identifier, str):
        from .spec import _FUNCTIONS

        return _key(identifier) in _FUNCTIONS.get("metric", {})
    if isinstance(identifier, (Metric, Loss, type)) or hasattr(identifier, "stands_for"):
        return isinstance(identifier, CustomMetric)
    return callable(identifier)


def _accuracy(loss: Any, outputs: int) -> Metric:
    form = getattr(loss, "targets", "real")
    if form == "integer":
        return SparseCategoricalAccuracy()
    if outputs == 1:
        return BinaryAccuracy()
    return AccuracyByShape() if form == "any" else CategoricalAccuracy()


def _is_loss(key: str) -> bool:
    from .spec import _CLASSES, _FUNCTIONS

    return key in _CLASSES["loss"] and key not in _CLASSES["metric"] and key not in _FUNCTIONS.get("metric", {})


def _by_step(y_true: Array, y_pred: Array, weight: Array) -> tuple[Array, Array, Array]:
    """Outputs (rows, time, …, classes) as one row a step, with targets of that shape or class numbers."""
    if y_pred.ndim < 3:
        return y_true, y_pred, weight
    guess = y_pred.reshape(-1, y_pred.shape[-1])
    truth = y_true.reshape(guess.shape if y_true.size == guess.size else -1)
    return truth, guess, jnp.repeat(weight, guess.shape[0] // y_pred.shape[0])


def _in_top(labels: Array, y_pred: Array, k: int) -> Array:
    own = jnp.take_along_axis(y_pred, labels[..., None], axis=-1)
    return (jnp.sum(y_pred > own, axis=-1) < k).astype(y_pred.dtype)


__all__ = [*defined(globals()), "Metric", "confusion_matrix"]
