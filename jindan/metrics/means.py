"""Metrics made of losses and of functions, and the share of variance explained."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import losses as _losses
from ..closures import closed
from ..lazy import defined
from ..metric_base import Metric, _floor, _Mean, snake
from ..spec import get, item

Array = jax.Array


class LossMetric(_Mean):
    """A loss reported as a metric. Cosine similarity is reported with its sign turned: 1 when both point the same way.

    The root mean square is taken over all rows, not as a mean of batches.

    Attributes:
        loss: The loss.
        as_loss: Whether its sign is the loss's own.

    >>> round(LossMetric("cosine_similarity")([[1.0, 0.0]], [[3.0, 4.0]]), 3), LossMetric("mae").label
    (0.6, 'mean_absolute_error')
    """

    loss: Any = item(kind="loss")
    as_loss: bool = item(default=False)

    @property
    def higher_is_better(self) -> bool:  # type: ignore[override]
        return isinstance(self.loss, _losses.CosineSimilarity) and not self.as_loss

    @property
    def label(self) -> str:
        return self.name or self.loss.name or snake(type(self.loss).__name__)

    @property
    def targets(self) -> str:  # type: ignore[override]
        return self.loss.targets

    @property
    def batchwise(self) -> bool:  # type: ignore[override]
        return self.loss.batchwise

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        rows = self.loss.rows(y_true, y_pred)
        return -rows if self.higher_is_better else rows

    def value(self, total: Any) -> Any:
        mean = total[0] / _floor(total[1])
        return mean**0.5 if isinstance(self.loss, _losses.RootMeanSquaredError) else mean


class Perplexity(_Mean):
    """e^(mean cross-entropy): how many equally likely classes the model hesitates between. One-hot or class numbers.

    Shapes: y_pred (rows, …, classes), y_true the same or (rows, …).

    Args:
        from_logits: Whether predictions are logits; a loss `from_logits` sees to that.

    >>> round(Perplexity()([2], [[0.25, 0.25, 0.25, 0.25]]), 3)
    4.0

    Source: Jelinek, Mercer, Bahl & Baker, "Perplexity – a measure of the difficulty of speech recognition tasks", 1977.
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


class R2Score(Metric):
    """1 − Σ(y − ŷ)² / Σ(y − ȳ)², averaged over the outputs: 1 is perfect, 0 as good as the mean, below 0 worse.

    Of targets that are all equal it is 0, or 1 where all predictions are right, as in scikit-learn. Sums are of
    y − `shift`: near the mean of y, float32 loses no digits.

    Args:
        shift: A number, or one an output; `centred` finds it, and calling the metric does so by itself.

    >>> R2Score()([[1.0], [2.0], [3.0]], [[1.0], [2.0], [4.0]])
    0.5

    Source: Wright, "Correlation and causation", 1921.
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
        xp = jnp if isinstance(total, jax.Array) else np
        # Equal targets leave what rounding does to their two sums.
        flat = spread <= 16 * jnp.finfo(total.dtype).eps * second
        return xp.where(flat & (residual > 0), 0.0, 1 - residual / xp.where(flat, 1.0, spread)).mean()

    def centred(self, y: Any) -> R2Score:
        """The same with a shift near the mean of targets (rows, …), where that is far from 0 beside their spread.

        >>> R2Score().centred([[1000.0], [1002.0]]).shift
        1001.0
        """
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

    Args:
        function: The function; or the name under which it was registered, so that the plan can be saved.

    >>> CustomMetric(lambda y, p: jnp.max(jnp.abs(y - p), axis=-1))([[0.0], [0.0]], [[1.0], [3.0]])
    2.0
    """

    targets = "any"
    batchwise = True
    function: Any = item(kind="metric")

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "function", closed(self.function))

    @property
    def label(self) -> str:
        return self.name or str(getattr(self.function, "__name__", "metric"))

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return _losses.by_row(self.function(y_true, y_pred), y_pred, f"{self.label} as a metric")


class _OfLoss:
    """What the classes are that give a loss as a metric."""


def _loss_metric(name: str, loss: str, doc: str) -> type[Metric]:
    def __new__(cls: type, *, name: str | None = None) -> LossMetric:
        return LossMetric(get("loss", loss), name=name or snake(cls.__name__))

    return type(name, (_OfLoss,), {"__new__": __new__, "__doc__": doc, "__module__": __name__})


MeanSquaredError = _loss_metric(
    "MeanSquaredError",
    "mse",
    """mean (y − ŷ)², the loss of that name as a metric, in the targets' unit squared; gives a `LossMetric`.

    >>> MeanSquaredError()([[0.0], [0.0]], [[1.0], [7.0]])
    25.0
    """,
)
MeanAbsoluteError = _loss_metric(
    "MeanAbsoluteError",
    "mae",
    """mean |y − ŷ|, the loss of that name as a metric, in the targets' unit; gives a `LossMetric`.

    >>> MeanAbsoluteError()([[0.0], [0.0]], [[1.0], [7.0]])
    4.0
    """,
)
RootMeanSquaredError = _loss_metric(
    "RootMeanSquaredError",
    "rmse",
    """√(mean (y − ŷ)²) over all rows, however they are parted in batches, in the targets' unit; gives a `LossMetric`.

    >>> RootMeanSquaredError()([[0.0], [0.0]], [[1.0], [7.0]])
    5.0
    """,
)


__all__ = defined(globals())
