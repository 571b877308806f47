"""The way back from a matrix of features to a table: units, dates and categories as the training rows had them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from ..data import Preprocessor
from ..data.encoders import BooleanEncoder, CategoryEncoder, ColumnEncoder, DateEncoder, NumberEncoder


def back(preprocessor: Preprocessor, x: np.ndarray) -> Any:
    """The table whose features these are.

    Scalings are undone; of a category's zeros and ones the largest counts; a column of whole numbers is rounded; a
    feature "missing" above one half empties its cell; a date comes from its days.

    Args:
        preprocessor: What gave the features.
        x: (rows, features).

    >>> import polars as pl
    >>> from jindan.data import fit_preprocessor
    >>> rows = pl.DataFrame({"x": [1.0, 3.0, 4.5], "who": ["a", "b", "b"]})
    >>> fitted = fit_preprocessor(rows)
    >>> back(fitted, fitted.transform(rows)).rows()
    [(1.0, 'a'), (3.0, 'b'), (4.5, 'b')]
    """
    import polars as pl

    encoders = preprocessor.encoders
    wide = sum(len(e.number_names()) for e in encoders)
    numbers, flags = np.asarray(x[:, :wide], np.float64), np.asarray(x[:, wide:], np.float64)
    for scaler in reversed(preprocessor.scalers):
        numbers = scaler.inverse_transform(numbers)  # type: ignore[attr-defined]
    columns, at, place = {}, 0, 0
    for encoder in encoders:
        own, more = len(encoder.number_names()), len(encoder.flag_names())
        columns[encoder.name] = _column(encoder, numbers[:, at : at + own], flags[:, place : place + more])
        at, place = at + own, place + more
    return pl.DataFrame(columns)


def _column(encoder: ColumnEncoder, numbers: np.ndarray, flags: np.ndarray) -> list[Any]:
    """One column's cells."""
    if isinstance(encoder, NumberEncoder):
        whole = bool(encoder.knots) and all(float(knot).is_integer() for knot in encoder.knots)
        values = np.rint(numbers[:, 0]) if whole else _short(numbers[:, 0], encoder.high - encoder.low)
        cells = [int(v) if whole and np.isfinite(v) else float(v) for v in values]
        return _emptied(cells, flags[:, 0] if encoder.indicator else None)
    if isinstance(encoder, BooleanEncoder):
        sides = encoder.words or (False, True)
        return _emptied([sides[int(v > 0.5)] for v in flags[:, 0]], flags[:, 1] if encoder.indicator else None)
    if isinstance(encoder, CategoryEncoder):
        return _categories(encoder, flags)
    if isinstance(encoder, DateEncoder):
        days = numbers[:, encoder.number_parts.index("days")]
        gone = flags[:, encoder.flag_parts.index("missing")] if "missing" in encoder.flag_parts else None
        timed = "hour_sin" in encoder.flag_parts
        return _emptied([_day(encoder.origin, value, timed) for value in days], gone)
    return [None] * len(flags)


def _categories(encoder: CategoryEncoder, flags: np.ndarray) -> list[Any]:
    labels = encoder._labels()
    if encoder.drop_first:
        # The first category is what has no feature of its own: the rest to one.
        flags = np.concatenate([1 - flags.sum(1, keepdims=True), flags], axis=1)
    gone = labels[-1] if encoder.missing else None
    if not flags.shape[1]:
        return [labels[0] if labels else None] * len(flags)
    names = [labels[k] for k in flags.argmax(1)]
    return [None if name == gone else name for name in names]


def _emptied(cells: list[Any], missing: np.ndarray | None) -> list[Any]:
    """Cells, None where their feature "missing" says so."""
    if missing is None:
        return cells
    return [None if gone > 0.5 else cell for cell, gone in zip(cells, missing, strict=True)]


def _short(values: np.ndarray, spread: float) -> np.ndarray:
    """Five digits of the column's range: features are float32, and more would be noise.

    >>> _short(np.array([1.00000012]), 10.0).tolist()
    [1.0]
    """
    if not np.isfinite(spread) or spread <= 0:
        return values
    return np.round(values, int(np.clip(4 - np.floor(np.log10(spread)), -300, 300)))


def _day(origin: int, days: float, timed: bool) -> str | None:
    """A date, or with a time the minute; None beyond the calendar.

    >>> _day(0, 1.9999, False), _day(0, 0.5, True), _day(0, 1e12, False)
    ('1970-01-03', '1970-01-01 12:00', None)
    """
    try:
        # Days are float32: a date is the nearest midnight.
        moment = datetime(1970, 1, 1) + timedelta(microseconds=origin, days=float(days if timed else np.rint(days)))
        return f"{moment:%Y-%m-%d %H:%M}" if timed else f"{moment:%Y-%m-%d}"
    except (OverflowError, ValueError):
        return None
