"""Where trials of repairs are judged: inner splits of the training rows, and paired comparisons on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import judge
from .evidence import Case
from .repairs import distinct, imbalance

FEW, FEWEST = 40, 16  # rows below which there are folds, and below which the training rows themselves judge
MOST = 10_000  # rows that trials use
HELD, WATCHED = 0.25, 0.2  # shares of rows kept back to judge by, and to stop early by
FOLDS = 5
RARE = 10.0  # the mean of the classes' accuracies judges from this ratio of commonest to rarest class on


@dataclass(frozen=True)
class Fold:
    """Rows one member trains on, rows it is judged by, and those of the former that early stopping watches."""

    fit: np.ndarray
    held: np.ndarray
    kept: np.ndarray
    watched: np.ndarray


@dataclass(frozen=True)
class Design:
    """Paired runs: each pair is a seed with a fold, or with all folds of one partition.

    Attributes:
        kind: "splits", "folds" or "training rows".
        pairs: (seed, folds).
        ratio: Judged rows ÷ training rows, for the corrected test.
        repeats: Pairs that share one split, one after another.
    """

    kind: str
    pairs: tuple[tuple[int, tuple[Fold, ...]], ...]
    ratio: float
    repeats: int = 1

    @property
    def members(self) -> int:
        """Trainings for one plan."""
        return sum(len(folds) for _, folds in self.pairs)


def whole_table(x: Any) -> bool:
    """Whether rows are a whole truth table: every combination of the values in its columns, few in all."""
    if isinstance(x, tuple):
        return False
    flat = np.unique(np.asarray(x).reshape(len(x), -1), axis=0)
    values = [len(np.unique(column)) for column in flat.T]
    # One column is a list of all its values whatever they are; many values in a column are measurements.
    if len(flat) > 4 * FEWEST or len(values) < 2 or max(values) > 8:
        return False
    return len(flat) == int(np.prod(values))


def design_of(case: Case, seeds: Sequence[int], part: int = 0, repeats: int = 1) -> Design:
    """The paired runs that judge repairs of a case; never on its validation rows.

    Args:
        case: The training.
        seeds: Two splits are drawn for each.
        part: Another number draws other splits, and other seeds of the weights.
        repeats: Runs with different weights on each split.
    """
    n, x, y = len(case.data), case.data.x, case.data.y
    groups = _groups(x, y, n)
    strata = strata_of(judge.task_of(case.plan, y), y, n)
    first = [1000 * part + seed for seed in seeds]
    if n < FEWEST or groups.max() + 1 < FEWEST or whole_table(x):
        rows = np.arange(n)
        alone = Fold(rows, rows, rows, rows)
        own = [*first, *(seed + 500 for seed in first)]
        if part:
            own[0] = case.plan.seed or 0
        return Design("training rows", tuple((seed, (alone,)) for seed in own), 0.0)
    pairs = []
    for seed in first:
        for again in range(2):
            rng = np.random.default_rng([seed, again, 77])
            if n < FEW:
                parts = partition(strata, groups, FOLDS, rng)
                folds = tuple(_fold(np.flatnonzero(parts != k), np.flatnonzero(parts == k), strata, rng)
                              for k in range(FOLDS) if (parts == k).any())  # fmt: skip
            else:
                rows = rng.permutation(n)[:MOST] if n > MOST else np.arange(n)
                parts = partition(strata[rows], groups[rows], round(1 / HELD), rng)
                folds = (_fold(rows[parts != 0], rows[parts == 0], strata, rng),)
            pairs += [(seed + 500 * again + 50_000 * k, folds) for k in range(repeats)]
    some = pairs[0][1][0]
    return Design("folds" if n < FEW else "splits", tuple(pairs), len(some.held) / len(some.fit), repeats)


def _fold(fit: np.ndarray, held: np.ndarray, strata: np.ndarray, rng: np.random.Generator) -> Fold:
    parts = partition(strata[fit], np.arange(len(fit)), round(1 / WATCHED), rng)
    return Fold(fit, held, fit[parts != 0], fit[parts == 0])


def partition(strata: np.ndarray, groups: np.ndarray, parts: int, rng: np.random.Generator) -> np.ndarray:
    """A part's number for each row: groups stay together, and each part has its share of every stratum.

    Args:
        strata: (rows,) numbers of classes, or of ranges of a target.
        groups: (rows,) rows of one number stay together; its stratum is that of its first row.
        parts: How many.
        rng: Draws the order.

    >>> partition(np.array([0, 0, 1, 1]), np.arange(4), 2, np.random.default_rng(0)).reshape(2, 2).sum(1).tolist()
    [1, 1]
    """
    found, first, which = np.unique(groups, return_index=True, return_inverse=True)
    order = rng.permutation(len(found))
    order = order[np.argsort(strata[first][order], kind="stable")]
    number = np.empty(len(found), int)
    number[order] = np.arange(len(found)) % parts
    return rng.permutation(parts)[number][which]


def strata_of(task: str, y: Any, n: int) -> np.ndarray:
    """(rows,) what each part is to have its share of: classes, or fifths of the first target's range of ranks."""
    if task in ("binary", "multiclass"):
        return judge.labels(task, y)
    if task == "regression":
        ranks = np.argsort(np.argsort(np.asarray(y, np.float64).reshape(n, -1)[:, 0], kind="stable"), kind="stable")
        return ranks * 5 // n
    return np.zeros(n, int)


def _groups(x: Any, y: Any, n: int) -> np.ndarray:
    """(rows,) one number for rows that are alike, where most differ; copies on both sides of a split would tell."""
    if isinstance(x, tuple) or isinstance(y, tuple):
        return np.arange(n)
    flat = np.ascontiguousarray(np.asarray(x).reshape(n, -1))
    keys = flat.view(np.dtype((np.void, flat.dtype.itemsize * flat.shape[1]))).ravel()
    found, which = np.unique(keys, return_inverse=True)
    few = len(distinct(x, y)) < FEWEST
    return which.ravel() if len(found) >= n / 2 or few else np.arange(n)


def measure_of(case: Case) -> str:
    """How trials of a case are judged: "r2", "balanced" (unbalanced classes) or "accuracy"."""
    task = judge.task_of(case.plan, case.data.y)
    if task == "regression":
        return "r2"
    return "balanced" if imbalance(task, case.data.y) >= RARE else "accuracy"


@dataclass(frozen=True)
class Comparison:
    """Scores of paired runs against one another.

    Attributes:
        effect: Mean difference.
        error: Its standard error, corrected for rows that pairs share.
        probability: Share of pairs that are better, ties counting half.
        p: One-sided p of the corrected resampled t-test.
    """

    effect: float
    error: float
    probability: float
    p: float


def compared(scores: Any, base: Any, ratio: float, repeats: int = 1) -> Comparison:
    """Paired scores compared by the corrected resampled t-test, s² (1/J + n_test / n_train) (Nadeau & Bengio 2003).

    What pairs on one split differ in is the luck of the weights, which is new in each run. Where that is known, only
    the rest, s² between splits, is corrected for the rows that splits share: s_b² (1/S + n_test / n_train) + s_w² / J.

    Args:
        scores, base: (pairs,).
        ratio: Judged rows ÷ training rows.
        repeats: Pairs that share one split, one after another.

    >>> compared([0.9, 0.8, 0.9], [0.5, 0.6, 0.5], 0.0).probability
    1.0
    """
    gaps = np.asarray(scores, np.float64) - np.asarray(base, np.float64)
    effect, count = float(gaps.mean()), len(gaps)
    better = float(np.mean(gaps > 1e-12) + 0.5 * np.mean(np.abs(gaps) <= 1e-12))
    own, between = 0.0, float(gaps.var(ddof=1)) if count > 1 else 0.0
    splits = count // repeats
    if repeats > 1 and splits > 1:
        each = gaps.reshape(splits, repeats)
        own = float(each.var(axis=1, ddof=1).mean())
        between = max(0.0, float(each.mean(1).var(ddof=1)) - own / repeats)
    error = float(np.sqrt(between * (1 / splits + ratio) + own / count))
    if error == 0:
        return Comparison(effect, 0.0, better, 0.0 if effect > 0 else 1.0)
    from scipy.stats import t

    return Comparison(effect, error, better, float(t.sf(effect / error, count - 1)))
