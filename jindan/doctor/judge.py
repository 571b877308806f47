"""Which task the targets set, and how well outputs do at it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import numpy as np

from ..errors import JindanError
from ..plan import Plan

TASKS = ("binary", "multiclass", "multilabel", "regression")
CELLS, MOST_ROWS = 2_000_000, 2000  # numbers that medians are taken of; so many rows at least


def task_of(plan: Plan, y: Any) -> str:
    """The task the targets set, whatever the network makes of it.

    Args:
        plan: Its loss says whether whole numbers are classes.
        y: Targets (rows, …).

    Returns:
        "binary", "multiclass" (one-hot, or class numbers), "multilabel", "regression", or "other" for several outputs,
        for targets with axes of time or space, and for rows without a class (numbers below 0, as PyTorch's −100).
    """
    if isinstance(y, tuple):
        return "other"
    y = np.asarray(y)
    if y.ndim > 2 or y.dtype.kind not in "biuf":
        return "other"
    flat = y.reshape(len(y), -1)
    if getattr(plan.loss, "targets", None) == "integer":
        if flat.shape[1] > 1 or np.any(flat < 0):
            return "other"
        return "binary" if plan_width(flat) == 2 else "multiclass"
    # Sorting all values to see which there are would take seconds of targets as wide as images.
    ones = (flat == 1) | ~np.isfinite(flat)
    if not (ones | (flat == 0)).all() and not (ones | (flat == -1)).all():
        return "regression"
    if flat.shape[1] == 1:
        return "binary"
    return "multiclass" if np.all((flat > 0).sum(1) == 1) else "multilabel"


def plan_width(flat: np.ndarray) -> int:
    """How many classes numbered targets have."""
    known = flat[np.isfinite(flat)]
    return int(known.max()) + 1 if known.size else 0


def labels(task: str, y: Any) -> np.ndarray:
    """Targets as class numbers (rows,), as signs (rows, labels) or as they are (rows, columns)."""
    y = np.asarray(y)
    flat = y.reshape(len(y), -1)
    if task in ("binary", "multiclass"):
        first = flat[:, 0]
        return flat.argmax(1) if flat.shape[1] > 1 else np.where(np.isfinite(first) & (first > 0), first, 0).astype(int)
    return (flat > 0).astype(int) if task == "multilabel" else flat.astype(np.float64)


def decided(task: str, outputs: Any, signs: bool = False) -> np.ndarray:
    """Outputs as answers in the form of `labels`."""
    outputs = np.asarray(outputs, np.float64)
    flat = outputs.reshape(len(outputs), -1)
    middle = 0.0 if signs else 0.5
    if task == "binary":
        return (flat[:, 0] > middle).astype(int) if flat.shape[1] == 1 else flat.argmax(1)
    if task == "multiclass":
        return flat.argmax(1) if flat.shape[1] > 1 else np.rint(flat[:, 0]).astype(int)
    return (flat > middle).astype(int) if task == "multilabel" else flat


def score(task: str, y: Any, outputs: Any, *, balanced: bool = False) -> float:
    """Accuracy, or R² (0 at least); 0 where outputs are not finite.

    Args:
        task: One of `TASKS`.
        y: Targets.
        outputs: What the network gives.
        balanced: Mean of the classes' accuracies in place of the accuracy.

    >>> score("binary", [[0.0], [1.0], [1.0], [0.0]], [[0.2], [0.9], [0.4], [0.1]])
    0.75
    """
    if not np.all(np.isfinite(np.asarray(outputs, np.float64))):
        return 0.0
    truth = labels(task, y)
    signs = task == "binary" and float(np.min(np.asarray(y))) < 0
    answer = decided(task, outputs, signs)
    if task == "regression":
        if answer.shape != truth.shape:
            return 0.0
        spread = ((truth - truth.mean(0)) ** 2).sum()
        return float(max(0.0, 1 - ((truth - answer) ** 2).sum() / spread)) if spread > 0 else 0.0
    right = truth == answer
    if balanced and truth.ndim == 1:
        return float(np.mean([right[truth == k].mean() for k in np.unique(truth)]))
    return float(right.mean())


def trivial(task: str, y: Any, held: Any = None, *, balanced: bool = False) -> float:
    """The score on `held` (or y itself) of always giving the commonest class, or the mean, of y."""
    truth, other = labels(task, y), labels(task, y if held is None else held)
    if task == "regression":
        return 0.0
    if truth.ndim == 2:
        return float(np.mean(other == (truth.mean(0) > 0.5)))
    if balanced:
        return 1 / max(len(np.unique(other)), 1)
    found, counts = np.unique(truth, return_counts=True)
    return float(np.mean(other == found[counts.argmax()]))


def trivial_loss(plan: Plan, task: str, y: Any, weight: Any = None) -> float | None:
    """The loss of the best answer that ignores the input: the mean of the targets or their median.

    An untrained network whose outputs are near such an answer begins there; one that has learned anything lies below.
    For cross-entropy it is the entropy of the classes' shares, for squared error the variance. Rows count by their
    weights and their classes' weights, as in the training's own loss.

    Args:
        plan: Its loss and its classes' weights.
        task: As `task_of` names it.
        y: Targets.
        weight: (rows,) of the rows, or None.

    >>> from jindan.plan import Plan
    >>> round(trivial_loss(Plan((), loss="binary_crossentropy"), "binary", [[0.0], [1.0]]), 4)  # ln 2
    0.6931
    """
    loss = plan.loss
    if task not in TASKS or getattr(loss, "from_logits", False) or getattr(loss, "function", None) is not None:
        return None
    y = np.asarray(y).reshape(len(y), -1)
    if not len(y) or not np.isfinite(y).all():
        return None
    heavy = row_weights(plan, y, weight)
    # Where a row counts less than nothing, the mean and the median need not be the best answers.
    if not (heavy.min() >= 0 and 0 < heavy.sum() < np.inf):
        return None
    truth: Any
    if loss.targets == "integer":
        shares = np.bincount(y[:, 0].astype(int), heavy) / heavy.sum()
        constants, truth = [shares], y[:, 0].astype(np.int32)
    else:
        even = weight is None and not plan.class_weight
        constants, truth = _middles(y, None if even else heavy), y.astype(np.float32)
    rows_of, found = _rows_of(loss), []
    for constant in constants:
        guess = np.broadcast_to(constant.astype(np.float32), (len(y), len(constant)))
        try:
            found.append(loss.weight * float(loss.finish(np.mean(heavy * np.asarray(rows_of(truth, guess))))))
        except (JindanError, TypeError, ValueError):
            return None
    return min((value for value in found if np.isfinite(value)), default=None)


@lru_cache(maxsize=64)
def _rows_of(loss: Any) -> Any:
    """The losses of rows as one program: done one by one, each of the operations is compiled by itself."""
    return jax.jit(loss.rows)


def _middles(y: np.ndarray, weight: np.ndarray | None) -> list[np.ndarray]:
    """The means of the columns, and their medians; rows count by their weights where there are any."""
    from .references import some

    # The median of some rows is off by chance, which adds to the loss about one part in as many rows.
    rows = some(len(y), max(MOST_ROWS, CELLS // max(y.shape[1], 1)))
    part = y[rows].astype(np.float64)
    if weight is None:
        return [y.mean(0, dtype=np.float64), np.median(part, axis=0)]
    found = [weight @ y / weight.sum()]
    if weight[rows].sum() > 0:
        found.append(np.quantile(part, 0.5, axis=0, weights=weight[rows], method="inverted_cdf"))
    return found


def row_weights(plan: Plan, y: np.ndarray, weight: Any = None) -> np.ndarray:
    """(rows,) by what each row's loss is multiplied in training: its own weight and that of its class."""
    found = np.ones(len(y)) if weight is None else np.asarray(weight, np.float64).reshape(len(y))
    if plan.class_weight:
        classes = y.argmax(1) if y.shape[1] > 1 else np.rint(y[:, 0])
        for entry in plan.class_weight:
            found = np.where(classes == entry.index, entry.weight * found, found)
    return found
