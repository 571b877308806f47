"""Scores of rows that come in groups, resampled by whole groups: what an interval needs where rows are not independent.

Rows of one patient are alike, so that a hundred of them say less than a hundred patients. A cluster bootstrap draws
groups with replacement and scores all rows of those drawn (Davison & Hinkley 1997, section 3.8; Field & Welsh 2007).
Every figure here is made of sums over groups, so that no row is looked at twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..data.look_words import sentence

FEWEST_GROUPS = 5
"""With fewer groups the resamples are too few different ones for an interval that keeps its promise."""
RESAMPLES, LEAST_RESAMPLES, LARGEST = 4000, 400, 10_000_000
"""Resamples, fewer where resamples × groups would exceed the largest."""
AT_A_TIME = 1_000_000
LEVELS = 256
"""Steps of a probability for the area under the ROC curve; more steps are put together."""


def by_group(groups: np.ndarray) -> tuple[np.ndarray, int]:
    """(rows,) the number of each row's group, from 0, and how many there are.

    >>> by_group(np.array(["b", "a", "b"]))
    (array([1, 0, 1]), 2)
    """
    found, codes = np.unique(np.asarray(groups), return_inverse=True)
    return codes.reshape(-1), len(found)


def over(basis: dict[str, Any], lang: str) -> str:
    """What intervals over groups rest on, as a sentence; that there are none where groups are too few.

    Args:
        basis: The groups' `column` and their `count`.
        lang: "en" or "ko".

    >>> over({"column": "patient", "count": 2}, "en").split(":")[0]
    'The figures rest on 2 group(s) of `patient`'
    """
    code = "few-groups" if basis["count"] < FEWEST_GROUPS else "grouped-interval"
    return sentence(code, {**basis, "least": FEWEST_GROUPS}, lang)


def draws(count: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Blocks of (resamples, groups): how often each of `count` groups is drawn, `count` of them in each resample.

    >>> sum(len(block) for block in draws(6)), {int(total) for block in draws(6) for total in block.sum(1)}
    (4000, {6})
    """
    rng = np.random.default_rng(seed)
    left = max(LEAST_RESAMPLES, min(RESAMPLES, LARGEST // count))
    while left:
        some = min(left, max(1, AT_A_TIME // count))
        places = rng.integers(0, count, (some, count)) + count * np.arange(some)[:, None]
        yield np.bincount(places.ravel(), minlength=some * count).reshape(some, count).astype(np.float64)
        left -= some


def ends(values: np.ndarray, count: int) -> tuple[float, float] | None:
    """The 95 % interval from a figure's resamples over `count` groups; None where none is finite.

    Percentiles α and 1 − α with α = Φ(−√(count / (count − 1)) · t), t the 97.5 % point of Student's distribution with
    count − 1 degrees of freedom: a bootstrap's spread is too small by that root, and the spread of few groups is itself
    uncertain. With many groups α is 2.5 %.
    Source: Hesterberg (2015), "What teachers should know about the bootstrap", expanded percentiles.

    Args:
        values: (resamples,).
        count: Groups that were drawn from, two or more.

    >>> values = np.linspace(0, 1, 1001)
    >>> [round(end, 3) for end in ends(values, 10)], [round(end, 3) for end in ends(values, 100_000)]
    ([0.009, 0.991], [0.025, 0.975])
    """
    from scipy.special import ndtr, stdtrit

    values = values[np.isfinite(values)]
    if not len(values):
        return None
    level = float(ndtr(-math.sqrt(count / (count - 1)) * stdtrit(count - 1, 0.975)))
    low, high = np.quantile(values, [level, 1 - level])
    return float(low), float(high)


def classes_resampled(truth: np.ndarray, p: np.ndarray, codes: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """(resamples,) of each figure of `score_classes`, each resample so many groups drawn with replacement.

    A figure is NaN in a resample where it has no meaning, such as an area under the curve of one class.

    Args:
        truth: (rows,) class numbers.
        p: (rows, classes) probabilities.
        codes, count: As `by_group` gives them.
    """
    classes, guess = p.shape[1], p.argmax(1)
    right, true, guessed = (_table(codes, labels, count, classes, hit) for labels, hit in
                            ((truth, guess == truth), (truth, None), (guess, None)))  # fmt: skip
    losses = np.bincount(codes, -np.log(np.clip(p[np.arange(len(truth)), truth], 1e-15, 1.0)), count)
    area = _Area(truth, p[:, 1], codes, count) if classes == 2 and np.isfinite(p).all() else None
    found: dict[str, list[np.ndarray]] = {}
    for weights in draws(count):
        hits, own, told = weights @ right, weights @ true, weights @ guessed
        rows, seen = own.sum(1), (own + told > 0).sum(1)
        overlap = _ratio(hits, own + told - hits)
        figures = {
            "accuracy": hits.sum(1) / rows,
            "balanced_accuracy": _ratio(hits, own).sum(1) / (own > 0).sum(1),
            "precision": _ratio(hits, told).sum(1) / seen,
            "recall": _ratio(hits, own).sum(1) / seen,
            "f1": (2 * overlap / (1 + overlap)).sum(1) / seen,
            "log_loss": weights @ losses / rows,
        }
        if area is not None:
            figures["roc_auc"] = area(weights)
        for name, values in figures.items():
            found.setdefault(name, []).append(values)
    return {name: np.concatenate(parts) for name, parts in found.items()}


def numbers_resampled(truth: np.ndarray, error: np.ndarray, codes: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """(resamples,) of R², RMSE and MAE, each resample so many groups drawn with replacement.

    Args:
        truth, error: (rows,) numbers, in units in which no square overflows.
        codes, count: As `by_group` gives them.
    """
    # R² = 1 − Σe² / (Σt² − (Σt)² / n) loses no digits where t is counted from the mean.
    apart = truth - truth.mean()
    sums = np.stack([np.bincount(codes, part, count) for part in
                     (np.ones(len(truth)), apart, apart**2, error**2, np.abs(error))], 1)  # fmt: skip
    found = []
    for weights in draws(count):
        rows, first, second, squares, sizes = (weights @ sums).T
        spread = second - first**2 / rows
        with np.errstate(divide="ignore", invalid="ignore"):
            r2 = np.where(spread > 1e-12 * second, 1 - squares / spread, np.nan)
        found.append(np.stack([r2, np.sqrt(squares / rows), sizes / rows]))
    return dict(zip(("r2", "rmse", "mae"), np.concatenate(found, 1), strict=True))


class _Area:
    """Areas under the ROC curve of resamples, from each group's counts by step of the probability."""

    def __init__(self, truth: np.ndarray, p: np.ndarray, codes: np.ndarray, count: int) -> None:
        levels, place = np.unique(p, return_inverse=True)
        exact = _area(*(np.bincount(place, truth == label, len(levels))[None] for label in (1, 0)))
        if len(levels) > LEVELS:
            # As many rows to a step; what putting steps together changes is the same in all resamples but for noise.
            ranks = np.cumsum(np.bincount(place))
            place = ((ranks - 1) * LEVELS // len(p))[place]
        steps = int(place.max()) + 1
        self.positive, self.negative = (_table(codes, place, count, steps, truth == label) for label in (1, 0))
        self.shift = exact - _area(self.positive.sum(0)[None], self.negative.sum(0)[None])

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        return np.clip(_area(weights @ self.positive, weights @ self.negative) + self.shift, 0.0, 1.0)


def _area(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """(resamples,) share of pairs in which the positive row has the larger probability, equal ones counting half."""
    below = np.cumsum(negative, 1) - negative / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return (positive * below).sum(1) / (positive.sum(1) * negative.sum(1))


def _table(
    codes: np.ndarray, labels: np.ndarray, count: int, width: int, weights: np.ndarray | None = None
) -> np.ndarray:
    """(groups, labels) counts of rows."""
    return np.bincount(codes * width + labels, weights, count * width).reshape(count, width).astype(np.float64)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, 0 where there is nothing to share."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
