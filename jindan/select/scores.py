"""Scores on rows the model has not seen, each with a 95 % interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..confusion import confusion_matrix
from .clustered import FEWEST_GROUPS, by_group, classes_resampled, ends, numbers_resampled

Z = 1.959963984540054  # of a 95 % interval
RESAMPLES = 400
UNBOUNDED = ("log_loss", "r2", "rmse", "mae")
"""Figures that are no shares of a whole."""
SHARES = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "roc_auc")


@dataclass(frozen=True)
class Score:
    """A figure with its 95 % interval; None where it has no meaning (one class in the test rows, say)."""

    value: float
    low: float | None = None
    high: float | None = None

    def to_dict(self) -> dict[str, float | None]:
        """JSON form."""
        return {"value": self.value, "low": self.low, "high": self.high}


def primary(task: str) -> str:
    """The figure a task is judged by.

    >>> primary("binary"), primary("regression")
    ('accuracy', 'r2')
    """
    return "r2" if task == "regression" else "accuracy"


def wilson(right: float, rows: int) -> tuple[float, float]:
    """The 95 % interval of a proportion (Wilson 1927): it neither leaves 0 … 1 nor has width 0 at either end.

    >>> [round(bound, 3) for bound in wilson(29, 30)]
    [0.833, 0.994]
    """
    if rows == 0:
        return 0.0, 1.0
    share, spread = right / rows, Z**2 / rows
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(share * (1 - share) / rows + spread / (4 * rows))
    # At either end the bound is exact; rounding must not put it a hair inside.
    return 0.0 if right == 0 else max(0.0, middle - half), 1.0 if right == rows else min(1.0, middle + half)


def possible(name: str) -> tuple[float, float]:
    """The least and the greatest that a score can be, by its name; an error with a minus is higher where it is better.

    >>> possible("accuracy"), possible("r2"), possible("rmse"), possible("-rmse")
    ((0.0, 1.0), (-inf, 1.0), (0.0, inf), (-inf, 0.0))
    """
    if name in SHARES:
        return 0.0, 1.0
    if name in ("mae", "mse", "rmse", "log_loss"):
        return 0.0, math.inf
    return -math.inf, {"r2": 1.0, "-mae": 0.0, "-mse": 0.0, "-rmse": 0.0}.get(name, math.inf)


def score_classes(truth: Any, p: Any, *, groups: Any = None) -> dict[str, Score]:
    """Accuracy, balanced accuracy, precision, recall, F1 (means over classes), log loss, and ROC-AUC of two classes.

    Args:
        truth: (rows,) class numbers.
        p: (rows, classes) probabilities.
        groups: (rows,) the group of each row (a patient, a user) where rows of one group are alike.

    Intervals: Wilson's for a share of rows; for a mean over classes, the classes' Wilson intervals combined by squares
    (Zou & Donner 2008), which keeps a width where every row is right; normal for log loss; Newcombe (2006) for ROC-AUC.
    With groups, for all of them the bootstrap over groups of `jindan.select.clustered`, and none of fewer than five.

    >>> score_classes([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])["recall"].value
    0.75
    """
    truth, p = np.asarray(truth, np.int64), np.asarray(p, np.float64)
    classes, guess = p.shape[1], p.argmax(1)
    table = confusion_matrix(truth, guess, classes)
    right, true, guessed = np.diag(table), table.sum(1), table.sum(0)
    hits = int(right.sum())
    seen = np.flatnonzero(true + guessed)
    # F1 = 2J / (1 + J) of the share J = right / (true or guessed), so its interval is that share's. A mistake counts in
    # two classes, which doubles the variance of the mean.
    overlap = [_share(right[c], true[c] + guessed[c] - right[c]) for c in seen]
    found = {
        "accuracy": Score(hits / len(truth), *wilson(hits, len(truth))),
        "balanced_accuracy": _mean([_share(right[c], true[c]) for c in np.flatnonzero(true)]),
        "precision": _mean([_share(right[c], guessed[c]) for c in seen]),
        "recall": _mean([_share(right[c], true[c]) for c in seen]),
        "f1": _mean([(2 * v / (1 + v), 2 * low / (1 + low), 2 * high / (1 + high)) for v, low, high in overlap], 2.0),
    }
    losses = -np.log(np.clip(p[np.arange(len(truth)), truth], 1e-15, 1.0))
    spread = Z * losses.std() / math.sqrt(len(losses))
    middle = float(losses.mean())
    found["log_loss"] = Score(middle, max(0.0, middle - float(spread)), middle + float(spread))
    if classes == 2 and 0 < truth.sum() < len(truth) and np.isfinite(p).all():
        found["roc_auc"] = _auc(truth, p[:, 1])
    return found if groups is None else _over_groups(found, groups, lambda *own: classes_resampled(truth, p, *own))


def score_numbers(truth: Any, guess: Any, *, seed: int = 0, groups: Any = None) -> dict[str, Score]:
    """R², RMSE and MAE, in the target's own units; intervals by bootstrap over rows (Efron 1979), or over groups.

    Args:
        truth, guess: (rows,) numbers.
        seed: Of the bootstrap over rows.
        groups: As for `score_classes`.

    R² is NaN where the true values do not vary.

    >>> {name: round(score.value, 3) for name, score in score_numbers([1.0, 2.0, 3.0], [1.0, 2.0, 4.0]).items()}
    {'r2': 0.5, 'rmse': 0.577, 'mae': 0.333}
    """
    truth, guess = np.asarray(truth, np.float64).ravel(), np.asarray(guess, np.float64).ravel()
    n = len(truth)
    # In units of the largest number no square overflows.
    unit = max(float(np.abs(truth).max()), float(np.nan_to_num(np.abs(guess), posinf=0.0).max())) or 1.0
    truth = truth / unit
    error = truth - guess / unit
    sizes = {name: unit if scale else 1.0 for name, (_, scale) in _OF_NUMBERS.items()}
    values = {name: float(figure(truth, error)) * sizes[name] for name, (figure, _) in _OF_NUMBERS.items()}
    if groups is not None:
        return _over_groups(
            {name: Score(value) for name, value in values.items()}, groups,
            lambda *own: {k: v * sizes[k] for k, v in numbers_resampled(truth, error, *own).items()},
        )  # fmt: skip
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, n, (RESAMPLES, n)) if n <= 20_000 else rng.integers(0, n, (100, n))
    found = {}
    for name, value in values.items():
        if n < 3 or not math.isfinite(value):
            found[name] = Score(value)
            continue
        figure = _OF_NUMBERS[name][0]
        resampled = np.array([figure(truth[rows], error[rows]) for rows in draws]) * sizes[name]
        found[name] = Score(value, *_interval(resampled))
    return found


def _over_groups(
    found: dict[str, Score], groups: Any, resampled: Callable[[np.ndarray, int], dict[str, np.ndarray]]
) -> dict[str, Score]:
    """The figures with intervals over groups; of too few groups, or of resamples without a figure, with none."""
    codes, count = by_group(groups)
    if count < FEWEST_GROUPS:
        return {name: Score(score.value) for name, score in found.items()}
    drawn = resampled(codes, count)
    return {name: Score(score.value, *_ends(name, score.value, drawn[name], count)) for name, score in found.items()}


def _ends(name: str, value: float, drawn: np.ndarray, count: int) -> tuple[float, float] | tuple[()]:
    span = ends(drawn, count) if math.isfinite(value) else None
    if span is None:
        return ()
    if span[0] == span[1] and name not in UNBOUNDED and 0 <= value <= 1:
        # Where every group gets the same, resamples do not tell how far others may be from it: each counts as a row.
        return wilson(value * count, count)
    return span


def _share(part: int, whole: int) -> tuple[float, float, float]:
    """A share with its interval; 0 with none where there is nothing to share."""
    return (part / whole, *wilson(int(part), int(whole))) if whole else (0.0, 0.0, 0.0)


def _mean(shares: list[tuple[float, float, float]], inflation: float = 1.0) -> Score:
    """The mean of figures; its interval by the method of variance estimates recovery.

    `inflation` is the variance of their sum over the sum of their variances.
    """
    value, low, high = np.array(shares).T
    below = math.sqrt(inflation * float(((value - low) ** 2).sum()))
    above = math.sqrt(inflation * float(((high - value) ** 2).sum()))
    middle, n = float(value.mean()), len(value)
    return Score(middle, max(0.0, middle - below / n), min(1.0, middle + above / n))


def _r2(truth: np.ndarray, error: np.ndarray) -> float:
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float((error**2).sum()) / spread if spread > 0 else math.nan


def _rmse(truth: np.ndarray, error: np.ndarray) -> float:
    return math.sqrt(float((error**2).mean()))


def _mae(truth: np.ndarray, error: np.ndarray) -> float:
    return float(np.abs(error).mean())


# Figure → how, and whether it has the target's unit.
_OF_NUMBERS: dict[str, tuple[Callable[[np.ndarray, np.ndarray], float], bool]] = {
    "r2": (_r2, False),
    "rmse": (_rmse, True),
    "mae": (_mae, True),
}


def _interval(values: np.ndarray) -> tuple[float, float]:
    values = values[np.isfinite(values)]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _auc(truth: np.ndarray, p: np.ndarray) -> Score:
    """Area under the ROC curve by ranks, with an interval that keeps a width where the classes are parted wholly.

    The ends are the areas a with |area − a| = z √V(a), V Hanley & McNeil's variance (1982) with (n + m)/2 rows of each
    class: a (1 − a) (1 + N (1 − a)/(2 − a) + N a/(1 + a)) / (n m), N = (n + m)/2 − 1.
    Source: Newcombe (2006), "Confidence intervals for an effect size measure based on the Mann–Whitney statistic",
    Part 2, method 5.
    """
    order = np.argsort(p, kind="stable")
    ranks = np.empty(len(p))
    ranks[order] = np.arange(1, len(p) + 1)
    _, inverse, counts = np.unique(p, return_inverse=True, return_counts=True)
    ranks = (np.bincount(inverse, ranks) / counts)[inverse]
    positives = int(truth.sum())
    negatives = len(truth) - positives
    area = (ranks[truth == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives)
    area, pairs, more = float(area), positives * negatives, (positives + negatives) / 2 - 1

    def end(outer: float) -> float:
        inner = area
        for _ in range(60):
            a = (outer + inner) / 2
            variance = a * (1 - a) * (1 + more * ((1 - a) / (2 - a) + a / (1 + a))) / pairs
            outer, inner = (outer, a) if abs(area - a) <= Z * math.sqrt(variance) else (a, inner)
        return outer

    return Score(area, end(0.0), end(1.0))
