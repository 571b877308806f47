"""Whether the rows of one part lie elsewhere than those of another: column by column, all together, and how."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from .references import sampled, some, standardising

MOST_ROWS = 2000  # rows of each part that distributions are compared by
MOST_COLUMNS = 200
SEPARATED = 500  # rows of each part that models are to tell apart
FOLDS = 3
FEW = 8  # rows below which nothing is said of how they are spread
SURE = 1e-6  # of a distance that decides by itself, as five standard errors are


def drift(x: Any, held_x: Any) -> dict[str, Any]:
    """Whether held-out columns lie elsewhere, or spread otherwise, than training columns beyond what chance allows.

    A column has moved where its mean lies half a standard deviation and five standard errors off, or its spread doubled
    or halved and its logarithm five standard errors off; that error grows with the fourth moment, so that long tails
    are no drift. Of a column in which one value prevails (flags, counts of words) the share of that value is compared,
    and the others by themselves. Images are compared as a whole.

    Args:
        x: Training inputs (rows, …).
        held_x: The other part.

    Returns:
        "share" (of columns that moved), "shift" (of means, in training standard deviations) and "spread_ratio" (≥ 1) of
        the "column" that moved most, "columns" ((column, shift), the most first), "ks" (its Kolmogorov–Smirnov
        distance, the greatest of all columns) and "ks_limit" (what chance allows all columns together, at 1 %), "auc"
        and "auc_error" (see `separability`), "affine" (see `affine_drift`), "mismatch", "strength". Empty below eight
        rows.

    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> found = drift(x[:100], x[100:] * 10 + 3)
    >>> found["share"], found["affine"]["share"]
    (1.0, 1.0)
    """
    table, held = sampled(x), sampled(held_x)
    if table.shape[1] != held.shape[1] or len(held) < FEW or len(table) < FEW:
        return {}
    with np.errstate(all="ignore"):
        moving = _moving(table)
        if not moving.any():
            return {}
        shift, ratio, moved = _moved(table[:, moving], held[:, moving])
    if np.asarray(x if not isinstance(x, tuple) else x[0]).ndim > 2:
        whole = table.std() or 1.0
        moved = np.array([abs(held.mean() - table.mean()) > 0.5 * whole or not 0.5 < held.std() / whole < 2])
    share = float(moved.mean())
    numbers = np.flatnonzero(moving)
    worst = int(np.argmax(np.maximum(shift, ratio)))
    order = np.argsort(-shift, kind="stable")[:12]
    asked = np.union1d(numbers[np.argsort(-np.maximum(shift, ratio), kind="stable")[:MOST_COLUMNS]], numbers[worst])
    distances = _distances(table, held, asked)
    return {
        "share": share, "column": int(numbers[worst]), "shift": float(shift[worst]),
        "spread_ratio": float(np.exp(min(ratio[worst], 700.0))),
        "columns": [[int(numbers[k]), float(shift[k])] for k in order],
        "ks": float(distances.max()), "ks_limit": smirnov(0.01 / len(numbers), len(table), len(held)),
        **separability(x, held_x), "affine": affine_drift(x, held_x),
        "mismatch": share >= 0.3, "strength": float(0.6 + 0.4 * min(1.0, share)),
    }  # fmt: skip


def _moving(table: np.ndarray) -> np.ndarray:
    """Columns that vary by more than rounding."""
    return np.asarray(table.std(0) > 1e-9 * np.maximum(np.abs(table.mean(0)), 1e-30))


def _moved(table: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By column: the shift of the mean in spreads, |log| of the ratio of spreads, and whether that is no chance."""
    mean, spread = table.mean(0), table.std(0)
    noise = np.sqrt(1 / len(table) + 1 / len(held))
    shift = np.abs(held.mean(0) - mean) / spread
    # The standard error of a spread grows with the tails: that of the fourth moment.
    squares = np.square((table - mean) / spread)
    tails = np.sqrt(np.maximum(np.square(squares).mean(0) - 1, 0.5)) / 2
    ratio = np.abs(np.log(np.maximum(held.std(0), 1e-12 * spread) / spread))
    moved = (shift > np.maximum(0.5, 5 * noise)) | (ratio > np.maximum(np.log(2), 5 * noise * tails))
    common = np.quantile(table, 0.5, axis=0, method="lower")
    odd, others = (np.abs(part - common) > 1e-6 * spread for part in (table, held))
    rare = odd.mean(0) <= 0.5
    # Of both parts together, as a rare value may be missing in either by chance.
    share = np.maximum(np.concatenate([odd, others]).mean(0), 0.5 / (len(odd) + len(others)))
    apart = np.abs(odd.mean(0) - others.mean(0)) / np.sqrt(share * (1 - share))
    shift, ratio = np.where(rare, apart, shift), np.where(rare, 0.0, ratio)
    moved = np.where(rare, apart > np.maximum(0.5, 5 * noise), moved)
    asked = np.flatnonzero(rare & (odd.sum(0) >= FEW) & (others.sum(0) >= FEW))
    chosen = asked[np.linspace(0, len(asked) - 1, min(len(asked), MOST_COLUMNS)).astype(int)]
    far = np.zeros(len(chosen), bool)
    for place, k in enumerate(chosen):
        sizes = [part[some, k] - common[k] for part, some in ((table, odd[:, k]), (held, others[:, k]))]
        ratio[k] = abs(math.log(np.median(np.abs(sizes[1])) / np.median(np.abs(sizes[0]))))
        beyond = distance(*sizes) > smirnov(SURE, len(sizes[0]), len(sizes[1]))
        far[place] = ratio[k] > math.log(2) and beyond
    # Of very many columns each counts as the one next to it that was looked at: it is their share that is told.
    moved[asked] |= far[np.rint(np.linspace(0, len(chosen) - 1, len(asked))).astype(int)]
    return shift, ratio, moved


def _distances(table: np.ndarray, held: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Kolmogorov–Smirnov distance of each of the columns."""
    one, other = table[some(len(table), MOST_ROWS)], held[some(len(held), MOST_ROWS)]
    return np.array([distance(one[:, k], other[:, k]) for k in columns])


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """The Kolmogorov–Smirnov distance of two samples: max over t of |F(t) − G(t)|, their distribution functions.

    Args:
        one: (n,) values.
        other: (m,) values.

    >>> distance(np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 4.0, 5.0, 6.0]))
    0.5
    """
    values = np.concatenate([one, other])
    shares = [np.searchsorted(np.sort(part), values, side="right") / len(part) for part in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())


def smirnov(alpha: float, n: int, m: int) -> float:
    """The distance of two samples of one distribution that is exceeded with probability alpha (Smirnov 1948).

    √(−ln(alpha / 2) / 2 · (n + m) / (n m)), at most 1.

    >>> round(smirnov(0.05, 100, 100), 3)
    0.192
    """
    return min(1.0, math.sqrt(-math.log(alpha / 2) / 2 * (n + m) / (n * m)))


def affine_drift(x: Any, held_x: Any) -> dict[str, Any]:
    """Whether held-out columns are those of the training rows in other units: scaled and shifted.

    A column counts where its distribution differs (Smirnov's limit at 0.1 % over all columns) but not once it is mapped
    onto the training column by mean and spread, or by median and quartiles (limit at 5 %). That is what a scaler fitted
    anew, or forgotten, does; rows of another population mostly differ in form as well.

    Args:
        x: Training inputs (rows, …).
        held_x: The other part.

    Returns:
        "share" of the columns that vary which are such an image, of those "scale" (median of held-out spread ÷ training
        spread) and "offset" (median |difference of means| ÷ training spread), "columns" (column, scale, offset); and
        whether either part has means near 0 and spreads near 1 as a scaler leaves them: "training_standard",
        "held_standard", or lies in 0 … 1: "training_unit", "held_unit". Empty below eight rows.
    """
    table, held = sampled(x), sampled(held_x)
    if table.shape[1] != held.shape[1] or len(held) < FEW or len(table) < FEW:
        return {}
    table, held = table[some(len(table), MOST_ROWS)], held[some(len(held), MOST_ROWS)]
    with np.errstate(all="ignore"):
        moving = np.flatnonzero(_moving(table) & _moving(held))
        asked = moving[np.linspace(0, len(moving) - 1, min(len(moving), MOST_COLUMNS)).astype(int)]
        far = smirnov(0.001 / max(len(asked), 1), len(table), len(held))
        alike = smirnov(0.05, len(table), len(held))
        found = []
        for column in asked:
            one, other = table[:, column], held[:, column]
            scale, offset = other.std() / one.std(), (other.mean() - one.mean()) / one.std()
            if distance(one, other) > far and _mapped_distance(one, other) <= alike:
                found.append([int(column), float(scale), float(abs(offset))])
    return {
        "share": len(found) / max(len(asked), 1),
        "scale": float(np.median([one[1] for one in found])) if found else None,
        "offset": float(np.median([one[2] for one in found])) if found else None,
        "columns": found[:16],
        "training_standard": _standard(table[:, asked]), "held_standard": _standard(held[:, asked]),
        "training_unit": _unit(table[:, asked]), "held_unit": _unit(held[:, asked]),
    }  # fmt: skip


def _mapped_distance(one: np.ndarray, other: np.ndarray) -> float:
    """The distance once mean and spread, or median and quartiles, are made equal; long tails spoil the former."""
    quarters = [np.quantile(part, [0.25, 0.5, 0.75]) for part in (one, other)]
    moments = [(part.mean(), part.std()) for part in (one, other)]
    robust = [(q[1], q[2] - q[0]) for q in quarters]
    # Rounding would part equal values of a column of few: compare to six digits.
    step = 1e-6 * moments[0][1]
    found = [1.0]
    for (middle, size), (other_middle, other_size) in (moments, robust):
        if size > 0 and other_size > 0:
            mapped = (other - other_middle) / other_size * size + middle
            found.append(distance(np.rint(one / step), np.rint(mapped / step)))
    return min(found)


def _standard(table: np.ndarray) -> bool:
    """Whether means are 0 and spreads 1 within the noise of the rows, taken over the columns."""
    if not table.size:
        return False
    noise = 4 / math.sqrt(len(table))
    return bool(np.median(np.abs(table.mean(0))) < noise and np.median(np.abs(table.std(0) - 1)) < noise)


def _unit(table: np.ndarray) -> bool:
    """Whether the values lie in 0 … 1 (a tenth beyond is let pass) and fill half of it in most columns."""
    if not table.size:
        return False
    inside = table.min() >= -0.1 and table.max() <= 1.1
    return bool(inside and np.median(np.ptp(table, axis=0)) > 0.5)


def separability(x: Any, held_x: Any, *, seed: int = 0) -> dict[str, Any]:
    """Whether simple models can tell rows of the two parts apart, judged on rows they have not seen (Lopez-Paz & Oquab
    2017, "Revisiting classifier two-sample tests").

    Logistic regression on standardised columns sees shifts, random trees see the rest; the greater area under the ROC
    curve is told. Up to 500 rows of each part; three folds.

    Args:
        x: Training inputs (rows, …).
        held_x: The other part.
        seed: For rows, folds and trees.

    Returns:
        "auc" (0.5: not to be told apart) and "auc_error" (its standard error where they are alike, √((n + m + 1) /
        (12 n m)), Hanley & McNeil 1982); None below 20 rows of either.
    """
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    none = {"auc": None, "auc_error": None}
    one, other = sampled(x), sampled(held_x)
    if min(len(one), len(other)) < 20 or one.shape[1] != other.shape[1] or not one.shape[1]:
        return none
    one, other = one[some(len(one), SEPARATED, seed)], other[some(len(other), SEPARATED, seed)]
    both, part = np.concatenate([one, other]), np.r_[np.zeros(len(one), int), np.ones(len(other), int)]
    columns = standardising(both, seed)(both)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    areas = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for model in (LogisticRegression(C=0.1, max_iter=50),
                      ExtraTreesClassifier(30, min_samples_leaf=3, random_state=seed)):  # fmt: skip
            p = cross_val_predict(model, columns, part, cv=folds, method="predict_proba")[:, 1]
            areas.append(area(part, p))
    n, m = len(one), len(other)
    return {"auc": max(areas), "auc_error": math.sqrt((n + m + 1) / (12 * n * m))}


def area(part: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve: the share of pairs (0, 1) in which the 1 scores higher, ties counting half.

    >>> area(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    """
    _, which, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[which]
    ones = int(part.sum())
    zeros = len(part) - ones
    return float((ranks[part == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros)) if ones and zeros else 0.5
