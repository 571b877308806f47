"""Tests of the data alone: sizes of columns and targets, columns that fell silent, shares of classes. Numbers only.

Rows in two parts are counted in `data_duplicates`, drift in `data_drift`, wrong labels and columns that tell of the
target in `data_labels`; all can be had from here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import judge
from .data_drift import affine_drift, drift, separability
from .data_duplicates import duplicates
from .data_labels import label_noise, leaking_columns_of, predictable_inputs
from .references import sampled, table_of

__all__ = [
    "affine_drift",
    "constant_columns",
    "drift",
    "duplicates",
    "imbalance",
    "label_noise",
    "leaking_columns_of",
    "predictable_inputs",
    "scales",
    "separability",
    "silent_columns",
    "targets_scale",
]

USUAL = 0.95  # a value this frequent makes the rest of a column too rare to be missed by learning


def scales(x: Any) -> dict[str, Any]:
    """Sizes of the input columns.

    Args:
        x: Inputs (rows, …); of large arrays two million numbers are looked at. What is not finite counts as 0.

    Returns:
        "spread_ratio" (greatest ÷ least spread of columns that vary; the range of a column of 0 and 1 is its scale, and
        columns within 1 of one another are not told apart), "raw_ratio" (the same of all columns that vary), "largest"
        (greatest |value|, a thousandth of outliers left out), "extreme" (greatest |value|), "mean" (greatest |mean|),
        "typical" (median spread), "offset" (greatest |mean| ÷ spread, of columns that vary), "constant" (share of
        columns), "sparse" (share of the columns that vary that are 0 in most rows), "column" (the widest one),
        "spreads" ((column, spread), the largest first). The pixels of an image share one scale. Empty without numbers.

    >>> found = scales(np.array([[0.0, -100.0], [2.0, 100.0]]))
    >>> found["spread_ratio"], found["extreme"], found["column"]
    (100.0, 100.0, 1)
    """
    table = sampled(x)
    if not table.size:
        return {}
    size = np.abs(table)
    spread, mean = table.std(0), table.mean(0)
    moving = spread > 1e-9 * np.maximum(np.abs(mean), 1e-30)
    found: dict[str, Any] = {
        "constant": float(np.mean(~moving)), "largest": float(np.quantile(size, 0.999)), "extreme": float(size.max()),
        "mean": float(np.abs(mean).max()),
        "sparse": float(np.mean((table == 0).mean(0)[moving] > 0.5)) if moving.any() else 0.0,
    }  # fmt: skip
    flags = np.all((table == 0) | (table == 1), axis=0)
    if not isinstance(x, tuple) and np.ndim(x) > 2:
        spread, mean = np.array([table.std()]), np.array([table.mean()])
        moving, flags = spread > 0, np.zeros(1, bool)
        found["mean"] = float(np.abs(mean[0]))
    if not moving.any():
        return found
    order = np.argsort(-spread, kind="stable")
    # A rare flag has a small spread by nature: of columns of 0 and 1 the range is the scale.
    plain = moving & ~flags if (moving & ~flags).any() else moving
    least, most = float(spread[plain].min()), float(spread[plain].max())
    return found | {
        "spread_ratio": most / max(min(least, 1.0), 1e-30) if most > 1 else max(1.0, most / max(least, 1e-300)),
        "raw_ratio": float(spread[moving].max() / spread[moving].min()), "typical": float(np.median(spread[moving])),
        "offset": float((np.abs(mean[moving]) / spread[moving]).max()), "column": int(order[0]),
        "spreads": [[int(k), float(spread[k])] for k in order[:16]],
    }  # fmt: skip


def targets_scale(y: Any) -> dict[str, float]:
    """Mean and spread of real targets; of several columns, those that are largest.

    >>> targets_scale([[1.0], [3.0]])
    {'mean': 2.0, 'spread': 1.0}
    """
    table = table_of(y)
    if not table.size:
        return {}
    mean, spread = table.mean(0), table.std(0)
    return {"mean": float(mean[np.abs(mean).argmax()]), "spread": float(spread.max())}


def constant_columns(x: Any) -> dict[str, Any]:
    """Columns (for images, pixels) with one value in all rows.

    Returns:
        "share" and "columns" (numbers of the first sixteen). Empty below two rows.

    >>> constant_columns([[1.0, 2.0], [1.0, 3.0]])
    {'share': 0.5, 'columns': [0]}
    """
    low, high, rows = _span(x)
    if rows < 2 or not low.size:
        return {}
    same = low == high
    return {"share": float(same.mean()), "columns": [int(k) for k in np.flatnonzero(same)[:16]]}


def silent_columns(x: Any, held_x: Any) -> dict[str, Any]:
    """Columns constant in the training rows that are not so elsewhere: what they tell cannot have been learned.

    Args:
        x: Training inputs (rows, columns).
        held_x: The other part.

    Returns:
        "share" and "columns" (numbers of the first sixteen) of those that vary among the held-out rows, where no value
        holds 95 % of them (a rare flag may be absent by chance); "moved": columns constant in both, at different
        values. Empty for images, below eight training or two held-out rows, and where columns differ in number.

    >>> silent_columns(np.zeros((8, 2)), [[0.0, 1.0], [0.0, 2.0]])
    {'share': 0.5, 'columns': [1], 'moved': []}
    """
    low, high, rows = _span(x)
    other_low, other_high, others = _span(held_x)
    if len(low) != len(other_low) or not low.size or others < 2 or rows < 8:
        return {}
    if not isinstance(x, tuple) and np.ndim(x) > 2:
        return {}
    silent = (low == high) & (other_high > other_low)
    moved = np.flatnonzero((low == high) & (other_low == other_high) & (low != other_low))
    if silent.any():
        held = sampled(held_x)
        for column in np.flatnonzero(silent):
            counts = np.unique(held[:, column], return_counts=True)[1]
            silent[column] = counts.max() / len(held) < USUAL
    return {"share": float(silent.mean()), "columns": [int(k) for k in np.flatnonzero(silent)[:16]],
            "moved": [int(k) for k in moved[:16]]}  # fmt: skip


def _span(x: Any) -> tuple[np.ndarray, np.ndarray, int]:
    """Least and greatest value of each column, in the type it is in, and the number of rows; NaN is a value too."""
    if isinstance(x, tuple):
        found = [_span(part) for part in x]
        return np.concatenate([one[0] for one in found]), np.concatenate([one[1] for one in found]), found[0][2]
    rows = np.asarray(x)
    if not rows.size:
        return np.zeros(0), np.zeros(0), len(rows)
    rows = rows.reshape(len(rows), -1)
    if rows.dtype.kind != "f":
        return rows.min(0), rows.max(0), len(rows)
    low, high = np.fmin.reduce(rows, axis=0), np.fmax.reduce(rows, axis=0)
    missing = np.isnan(rows).any(0)
    if missing.any():
        # Like a value of its own, below all others; a column of nothing else is constant.
        empty = np.isnan(low)
        low = np.where(missing, -np.inf, low)
        high = np.where(empty, -np.inf, high)
    return low, high, len(rows)


def imbalance(task: str, y: Any) -> dict[str, Any]:
    """Shares of the classes.

    Returns:
        "largest", "smallest" (of classes that occur), "shares" by class; empty for targets that are no classes.

    >>> imbalance("binary", [[0.0], [1.0], [1.0], [1.0]])
    {'largest': 0.75, 'smallest': 0.25, 'shares': [0.25, 0.75]}
    """
    if task not in ("binary", "multiclass") or not len(y):
        return {}
    counts = np.bincount(judge.labels(task, y))
    shares = counts[counts > 0] / counts.sum()
    return {"largest": float(shares.max()), "smallest": float(shares.min()), "shares": (counts / counts.sum()).tolist()}
