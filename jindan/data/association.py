"""How strongly two columns go together: Pearson, correlation ratio, Cramér's V."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def pearson(x: ArrayLike, y: ArrayLike) -> float | None:
    """Pearson's r over the rows in which both are finite; None where one of them does not vary.

    >>> pearson([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    1.0
    """
    a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
    good = np.isfinite(a) & np.isfinite(b)
    a, b = _centred(a[good]), _centred(b[good])
    size = float(np.sqrt((a * a).sum() * (b * b).sum())) if a.size > 1 else 0.0
    return float(np.clip((a * b).sum() / size, -1, 1)) if size > 0 else None


def correlation_ratio(groups: NDArray[np.intp], y: ArrayLike, *, corrected: bool = False) -> float | None:
    """η, the square root of the share of the variance of y that lies between the groups (codes 0 … k-1).

    With `corrected`, the share that as many groups explain by chance is taken off: 1 - (1 - η²)(n - 1)/(n - k).

    Sources: Fisher, "Statistical Methods for Research Workers" (1925); Kelley, "An unbiased correlation ratio" (1935).

    >>> correlation_ratio(np.array([0, 0, 1, 1]), [0.0, 0.0, 2.0, 2.0])
    1.0
    """
    values = np.asarray(y, np.float64)
    good = np.isfinite(values)
    codes, values = groups[good], _centred(values[good])
    total = float((values**2).sum())
    if total == 0 or values.size < 2:
        return None
    counts = np.bincount(codes)
    sums = np.bincount(codes, weights=values)
    between = float((sums[counts > 0] ** 2 / counts[counts > 0]).sum())
    share = min(1.0, between / total)
    n, k = values.size, int((counts > 0).sum())
    if corrected:
        share = max(0.0, 1 - (1 - share) * (n - 1) / (n - k)) if n > k else 0.0
    return float(np.sqrt(share))


def cramers_v(a: NDArray[np.intp], b: NDArray[np.intp]) -> float | None:
    """Cramér's V of two lists of codes, corrected for chance (Bergsma, "A bias-correction for Cramér's V", 2013).

    >>> cramers_v(np.array([0, 1] * 50), np.array([1, 0] * 50))
    1.0
    """
    table = np.zeros((a.max() + 1, b.max() + 1)) if a.size else np.zeros((0, 0))
    np.add.at(table, (a, b), 1.0)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0] if a.size else table
    r, k = table.shape
    n = table.sum()
    if min(r, k) < 2 or n < 2:
        return None
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    phi = float(((table - expected) ** 2 / expected).sum() / n)
    excess = max(0.0, phi - (r - 1) * (k - 1) / (n - 1))
    room = min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)) - 1
    return float(min(1.0, np.sqrt(excess / room))) if room > 0 else None


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Less the mean and in units of the largest, so that squares neither overflow nor vanish."""
    if not values.size:
        return values
    unit = float(np.abs(values).max()) or 1.0
    scaled = values / unit
    scaled = scaled - scaled.mean()
    # What rounding leaves of a constant column is no variation.
    return np.where(np.abs(scaled).max() < 1e-14, 0.0, scaled)
