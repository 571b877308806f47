"""Metrics of areas: intersection over union by class, from class numbers or from scores; as in Keras 3."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..lazy import defined
from ..metric_base import Metric, _floor
from ..spec import COUNT, UNIT, item

Array = jax.Array


class IoU(Metric):
    """TP / (TP + FP + FN) of each class asked for, averaged over those that occur or are predicted; else 0.

    Shapes: y_true and y_pred are class numbers of one shape; with a False in `sparse_…`, scores or one-hot rows of
    one axis more, the last, whose largest is the class. Every entry counts; a number that is no class does not.

    Args:
        num_classes: How many classes there are.
        target_class_ids: Those to average over; None is all.
        ignore_class: Targets of this class do not count.
        sparse_y_true, sparse_y_pred: Whether these are class numbers.

    >>> round(IoU(2, (0,))([0, 0, 1, 1], [0, 1, 0, 1]), 3)
    0.333

    Source: Jaccard, "Étude comparative de la distribution florale dans une portion des Alpes et du Jura", 1901.
    """

    targets = "any"
    num_classes: int = item(rule=COUNT)
    target_class_ids: Any = item(default=None)
    ignore_class: int | None = item(default=None, kw_only=True)
    sparse_y_true: bool = item(default=True, kw_only=True)
    sparse_y_pred: bool = item(default=True, kw_only=True)

    def sums(self, y_true: Array, y_pred: Array, weight: Array) -> Array:
        truth, guess = self._classes(y_true, y_pred)
        each = jnp.broadcast_to(weight.reshape(-1, *[1] * (guess.ndim - 1)), guess.shape).reshape(-1)
        truth, guess = truth.reshape(-1), guess.reshape(-1)
        each = jnp.where(truth == self.ignore_class, 0, each) if self.ignore_class is not None else each
        rows, columns = (jax.nn.one_hot(label, self.num_classes, dtype=weight.dtype) for label in (truth, guess))
        return ((rows * each[:, None]).T @ columns).reshape(-1)

    def value(self, total: Any) -> Any:
        table = total.reshape(self.num_classes, self.num_classes)
        both = table.diagonal()
        either = table.sum(0) + table.sum(1) - both
        if self.target_class_ids is not None:
            chosen = np.asarray(self.target_class_ids)
            both, either = both[chosen], either[chosen]
        return (both / _floor(either)).sum() / _floor((either > 0).sum())

    def _classes(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        """The class of each entry, of target and prediction."""
        truth = y_true if self.sparse_y_true else jnp.argmax(y_true, axis=-1)
        guess = y_pred if self.sparse_y_pred else jnp.argmax(y_pred, axis=-1)
        truth = truth[..., 0] if truth.ndim == guess.ndim + 1 and truth.shape[-1] == 1 else truth
        # As in Keras, a fraction is cut.
        return truth.astype(jnp.int32).reshape(guess.shape), guess.astype(jnp.int32)


class MeanIoU(IoU):
    """Intersection over union, averaged over the classes that occur or are predicted; see `IoU`.

    >>> round(MeanIoU(2)([0, 0, 1, 1], [0, 1, 0, 1]), 3)
    0.333

    Source: Everingham et al., "The Pascal visual object classes (VOC) challenge", 2010.
    """


class OneHotIoU(IoU):
    """`IoU` of one-hot targets and of scores, whose largest is the class.

    >>> OneHotIoU(2)([[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.6, 0.4]])
    0.25
    """

    sparse_y_true: bool = item(default=False, kw_only=True)
    sparse_y_pred: bool = item(default=False, kw_only=True)


class OneHotMeanIoU(OneHotIoU):
    """`MeanIoU` of one-hot targets and of scores, whose largest is the class.

    >>> OneHotMeanIoU(2)([[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.6, 0.4]])
    0.25
    """


class BinaryIoU(IoU):
    """`IoU` of the classes 0 and 1, which is what reaches the threshold.

    Args:
        target_class_ids: The classes to average over.
        threshold: What a prediction must reach to be of class 1.

    >>> round(BinaryIoU((1,))([[0.0], [1.0], [1.0]], [[0.1], [0.2], [0.5]]), 3)
    0.5
    """

    num_classes: int = item(default=2, rule=COUNT, kw_only=True)
    target_class_ids: Any = item(default=(0, 1))
    threshold: float = item(default=0.5, rule=UNIT)

    def _classes(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        return super()._classes(y_true, (y_pred >= self.threshold).astype(jnp.int32))


__all__ = defined(globals())
