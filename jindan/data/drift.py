"""How far new rows lie from the training rows: unseen categories, values out of range, drift. Numbers, no words."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from jindan.data.encoders import (
    BooleanEncoder,
    CategoryEncoder,
    ColumnEncoder,
    DateEncoder,
    NumberEncoder,
    strict_numbers,
)
from jindan.data.lazy import pl

if TYPE_CHECKING:
    import polars

MIN_ROWS = 30
"""Fewer new rows than that are not asked about drift."""
MIN_DISTANCE = 0.1
"""A Kolmogorov–Smirnov distance below this is no drift however many rows prove it."""
MAJOR_PSI = 0.25
"""Population stability index of a major shift (Siddiqi, "Credit Risk Scorecards", 2006)."""
ALPHA = 0.01
"""Chance of a false alarm over all columns together."""


def check_column(encoder: ColumnEncoder, series: polars.Series, columns: int) -> list[dict[str, Any]]:
    """Entries for `Preprocessor.check` about one column; `columns` shares out the chance of a false alarm."""
    if isinstance(encoder, NumberEncoder):
        return _check_numbers(encoder, strict_numbers(series), columns)
    if isinstance(encoder, CategoryEncoder):
        return _check_categories(encoder, series, columns)
    if isinstance(encoder, BooleanEncoder):
        new_missing = series.null_count() if not encoder.missing else 0
        return _missing(encoder.name, new_missing, series.len())
    if isinstance(encoder, DateEncoder):
        days = encoder.days(series)
        entries = _missing(encoder.name, series.len() - days.size if not encoder.missing else 0, series.len())
        high = (encoder.high - encoder.origin) / 86_400_000_000
        return entries + _range(encoder.name, days, 0.0, high)
    # Text and images: only whether they are there.
    empty = series.is_null()
    if series.dtype != pl.Binary:
        empty |= series.cast(pl.String).str.strip_chars() == ""
    return _missing(encoder.name, int(empty.sum()) if not getattr(encoder, "missing", 1) else 0, series.len())


def ks_distance(knots: np.ndarray, below: np.ndarray, values: np.ndarray) -> float:
    """Greatest difference of two distribution functions at the knots, a lower bound of the Kolmogorov–Smirnov distance.

    Args:
        knots: Values, ascending.
        below: Share of the training rows at or below each knot.
        values: The new rows.

    >>> ks_distance(np.array([0.0, 1.0]), np.array([0.5, 1.0]), np.array([2.0, 3.0]))
    1.0
    """
    new = np.searchsorted(np.sort(values), knots, side="right") / values.size
    return float(np.abs(new - below).max())


def stability_index(expected: np.ndarray, actual: np.ndarray) -> float:
    """Population stability index Σ (a - e) ln(a / e) of two lists of counts, half a row added to each.

    >>> stability_index(np.array([50, 50]), np.array([50, 50]))
    0.0
    """
    e, a = expected + 0.5, actual + 0.5
    e, a = e / e.sum(), a / a.sum()
    return float(((a - e) * np.log(a / e)).sum())


def _check_numbers(encoder: NumberEncoder, values: np.ndarray, columns: int) -> list[dict[str, Any]]:
    present = values[~np.isnan(values)]
    entries = _missing(encoder.name, values.size - present.size if not encoder.missing else 0, values.size)
    entries += _range(encoder.name, present, encoder.low, encoder.high)
    n, m = encoder.count - encoder.missing, present.size
    if min(n, m) >= MIN_ROWS:
        distance = ks_distance(np.array(encoder.knots), np.array(encoder.below), present)
        # Smirnov's two-sample limit: sqrt(-ln(alpha / 2) / 2 * (n + m) / (n m)).
        limit = math.sqrt(-math.log(ALPHA / columns / 2) / 2 * (n + m) / (n * m))
        threshold = max(MIN_DISTANCE, limit)
        if distance > threshold:
            entries.append(_drift(encoder.name, "ks", distance, threshold))
    return entries


def _check_categories(encoder: CategoryEncoder, series: polars.Series, columns: int) -> list[dict[str, Any]]:
    text = encoder.spelt(series)
    known = {*encoder.categories, *encoder.rare}
    unseen = text.filter(text.is_not_null() & ~text.is_in(sorted(known)))
    entries = _missing(encoder.name, text.null_count() if not encoder.missing else 0, text.len())
    if unseen.len():
        examples = sorted(unseen.unique().to_list())[:5]
        entries.append({"code": "unseen-category", "column": encoder.name, "count": unseen.len(), "examples": examples})
    expected = np.array([*encoder.counts, encoder.other, encoder.missing])
    place = {c: i for i, c in enumerate(encoder.categories)}
    actual = np.zeros_like(expected)
    for value in text.to_list():
        actual[-1 if value is None else place.get(value, -2)] += 1
    n, m = int(expected.sum()), text.len()
    alive = (expected + actual) > 0
    if min(n, m) >= MIN_ROWS and alive.sum() > 1:
        value = stability_index(expected[alive], actual[alive])
        # Without drift the index is about chi-square / (harmonic n): Yurdakul, "Statistical properties of PSI" (2018).
        threshold = max(MAJOR_PSI, _chi_square_limit(int(alive.sum()) - 1, ALPHA / columns) * (1 / n + 1 / m))
        if value > threshold:
            entries.append(_drift(encoder.name, "psi", value, threshold))
    return entries


def _chi_square_limit(freedom: int, alpha: float) -> float:
    """Wilson and Hilferty's approximation of the upper quantile."""
    z = NormalDist().inv_cdf(1 - alpha)
    part = 2 / (9 * freedom)
    return freedom * (1 - part + z * math.sqrt(part)) ** 3


def _drift(column: str, statistic: str, value: float, threshold: float) -> dict[str, Any]:
    return {"code": "drift", "column": column, "statistic": statistic, "value": value, "threshold": threshold}


def _missing(column: str, count: int, rows: int) -> list[dict[str, Any]]:
    if not count:
        return []
    return [{"code": "missing-values", "column": column, "count": int(count), "fraction": count / rows}]


def _range(column: str, values: np.ndarray, low: float, high: float) -> list[dict[str, Any]]:
    outside = values[(values < low) | (values > high)]
    if not outside.size:
        return []
    ends = {"min": float(values.min()), "max": float(values.max()), "low": low, "high": high}
    return [{"code": "out-of-range", "column": column, "count": int(outside.size), **ends}]
