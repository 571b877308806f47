"""Rows of one part that are in another part too, exactly or nearly, beside how often rows are alike by nature."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from .references import some

MOST_ROWS = 2000  # held-out rows that are asked for near rows
MOST_BASE = 3000  # training rows these are compared with
OWN = 500  # training rows that tell how near rows usually are
NEAR = 0.02  # of the usual distance to the nearest other row: below it two rows are the same but for noise


def duplicates(x: Any, y: Any, held_x: Any, held_y: Any) -> dict[str, Any]:
    """Held-out rows that are in the training rows, exactly or nearly, beside how often training rows are alike.

    Rows of few distinct values (truth tables, questionnaires) are alike by nature. A held-out row drawn like the others
    has a twin among the training rows as often as a training row has one among the rest, so the share that counts is
    what exceeds that (leave-one-out).

    Near rows: the distance to the nearest training row, in standardised columns, is below a fiftieth of the median
    distance from a training row to its nearest other one. With rows spread evenly in d dimensions that happens by
    chance with probability 1 − 2^(−0.02^d) (nearest neighbours of a Poisson process: Clark & Evans 1954): 1.4 % in one
    dimension, 0.03 % in two, less in more. One column is not asked.

    Args:
        x, y: Training rows and targets.
        held_x, held_y: The other part.

    Returns:
        "count" and "share" (of held-out rows, near ones included in the share), "near", "near_within" (share of
        training rows near another), "within" (share of training rows equal to another), "distinct" (share of training
        rows that differ), "half" (share of distinct rows that equal another in half of the columns: 0 where equal rows
        cannot be chance), "equal_targets" (share of exact twins whose targets agree; None without twins or targets),
        "all" (whether every held-out row is a training row), "leak" (whether the share is more than chance and nature
        explain). Empty where the parts cannot be compared.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(100, 3))
    >>> found = duplicates(x, x[:, 0], np.r_[x[:10], rng.normal(size=(10, 3))], None)
    >>> found["count"], found["share"], found["within"]
    (10, 0.5, 0.0)
    """
    table, held = _single(x), _single(held_x)
    if table.shape[1] != held.shape[1] or not table.shape[1] or not len(held) or not len(table):
        return {}
    place: dict[bytes, int] = {}
    keys = [row.tobytes() for row in table]
    for number, key in enumerate(keys):
        place.setdefault(key, number)
    times = Counter(keys)
    twin = np.array([place.get(row.tobytes(), -1) for row in held])
    exact = twin >= 0
    within = float(np.mean([times[key] > 1 for key in keys]))
    near, near_within = _near(table, held)
    near &= ~exact
    share = float(np.mean(exact | near))
    # Three standard errors; one row more than there are, so that none in a few rows is no proof of none.
    expected = within + 3 * np.sqrt(max(within * (1 - within), 1 / len(held)) / len(held)) + near_within
    leak = share > max(0.02, 2 * expected) and int(np.sum(exact | near)) >= 3 and within < 0.5
    first = np.array(sorted(place.values()))
    return {"count": int(exact.sum()), "near": int(near.sum()), "share": share, "within": within,
            "near_within": near_within, "distinct": len(first) / len(table), "half": _alike_by_half(table[first]),
            "equal_targets": _equal_targets(y, held_y, twin), "all": bool(exact.all()), "leak": bool(leak)}  # fmt: skip


def _single(x: Any) -> np.ndarray:
    """The rows in single precision, which is what networks are fed; one bit pattern for zero and for what is not
    finite."""
    if isinstance(x, tuple):
        return np.concatenate([_single(part) for part in x], axis=1)
    rows = np.asarray(x)
    with np.errstate(over="ignore"):
        rows = rows.reshape(len(rows), -1).astype(np.float32) if rows.size else np.zeros((len(rows), 0), np.float32)
    return np.where(np.isfinite(rows), rows, np.float32(0)) + np.float32(0)


def _near(table: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, float]:
    """Which held-out rows are far nearer to a training row than training rows are to one another, and the share of
    training rows for which that holds."""
    from sklearn.neighbors import NearestNeighbors

    found = np.zeros(len(held), bool)
    if len(table) < 30 or table.shape[1] < 2:
        return found, 0.0
    base = table[some(len(table), MOST_BASE)].astype(np.float64)
    spread = base.std(0)
    size = np.where(spread > 0, spread, 1.0)
    base = np.unique(base / size, axis=0)
    if len(base) < 3:
        return found, 0.0
    finder = NearestNeighbors(n_neighbors=2).fit(base)
    own = finder.kneighbors(base[some(len(base), OWN)])[0][:, 1]
    limit = NEAR * float(np.median(own))
    rows = some(len(held), MOST_ROWS)
    found[rows] = finder.kneighbors(held[rows].astype(np.float64) / size)[0][:, 0] < limit
    within = float(np.mean(own < limit))
    # Where training rows themselves are as near to one another, nearness tells nothing.
    return (found, within) if within < 0.005 else (np.zeros(len(held), bool), within)


def _alike_by_half(distinct: np.ndarray) -> float | None:
    """The share of distinct rows equal to another in a half of the columns that vary; the greater of two halves."""
    varying = np.flatnonzero(np.ptp(distinct, axis=0) > 0) if len(distinct) else np.empty(0, int)
    if len(varying) < 2:
        return None
    order = np.random.default_rng(0).permutation(varying)
    part = distinct[some(len(distinct), MOST_BASE)]
    shares = []
    for half in (order[: (len(order) + 1) // 2], order[len(order) // 2 :]):
        keys = [row.tobytes() for row in part[:, half]]
        times = Counter(keys)
        shares.append(sum(times[key] > 1 for key in keys) / len(keys))
    return max(shares)


def _equal_targets(y: Any, held_y: Any, twin: np.ndarray) -> float | None:
    if y is None or held_y is None or isinstance(y, tuple) or isinstance(held_y, tuple) or not np.any(twin >= 0):
        return None
    one, other = (np.asarray(part).reshape(len(part), -1) for part in (y, held_y))
    if one.shape[1] != other.shape[1]:
        return None
    rows = np.flatnonzero(twin >= 0)
    return float(np.mean(np.all(one[twin[rows]] == other[rows], axis=1)))
