"""What each column of a table is: numeric, categorical, boolean, date, text, images, or of no use; and its numbers."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jindan.data.cells import type_column
from jindan.data.dates import date_format, parse_dates
from jindan.data.images_files import is_image_name
from jindan.data.lazy import pl
from jindan.data.text import is_text

if TYPE_CHECKING:
    import polars

KINDS = ("numeric", "categorical", "boolean", "date", "text", "image", "constant", "identifier", "empty")
USABLE = ("numeric", "categorical", "boolean", "date")
"""Kinds that become features of the matrix; text and images are inputs of their own, if asked for."""
MOSTLY = 0.9
"""Share of numbers from which on a column of text is said to be mostly numbers."""

_PAIRS = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"}, {"on", "off"}, {"예", "아니오"}, {"참", "거짓"})
TRUE_WORDS = ("true", "yes", "y", "t", "on", "예", "참")
_ID_NAME = re.compile(
    r"^(|id|index|idx|no|nr|row|key|number|unnamed.*|column_0|번호|순번|일련번호|아이디)$|.*(_id|Id|ID|번호)$"
)
_MEASURED_NAME = re.compile(r"^(x|t|time|day|days|hour|hours|week|month|year|step|epoch|age|dose)$", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """One column in plain numbers. What does not apply to its kind is None or ().

    `count` is the number of rows with a value, `unique` that of different values. `std` is that of the population,
    `skew` the third standardised moment; both, like all numbers here, leave infinite values out.
    `first` and `last` are the ends of a date column, `format` how its dates are written. `odd` belongs to a column of
    text that is mostly numbers: how many cells are none, the row of the first (from 1), and what it holds.
    """

    name: str
    kind: str
    dtype: str
    count: int
    missing: int
    unique: int
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    median: float | None = None
    q1: float | None = None
    q3: float | None = None
    skew: float | None = None
    n_infinite: int = 0
    top: tuple[tuple[str, int], ...] = ()
    first: str | None = None
    last: str | None = None
    format: str | None = None
    odd: tuple[int, int, str] | None = None

    @property
    def usable(self) -> bool:
        """Whether the column becomes features."""
        return self.kind in USABLE

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {**asdict(self), "top": [list(pair) for pair in self.top], "odd": self.odd and list(self.odd)}


def infer_columns(
    frame: polars.DataFrame, *, target: str | None = None, folder: str | Path | None = None
) -> tuple[Column, ...]:
    """What each column is.

    - empty: no value at all. constant: one value and none missing (in more than one row).
    - identifier: integers that count the rows (0 … n-1 or 1 … n in any order, n >= 10) beside at least one other
      feature, integers called id or the like and different in every row, or short strings of which at least 95 %
      differ (n >= 10). Floats never are.
    - date: dates, or text in one of the usual formats. boolean: true/false, yes/no, y/n, … (0/1 stays numeric).
    - image: paths of image files that exist; looked for only where `folder` is given.
    - text: strings of many words, more than half of them different (`is_text`).
    - numeric: numbers. categorical: all other strings.

    Args:
        frame: The rows.
        target: The column to predict; it is never called an identifier, text or image.
        folder: What relative paths of images count from: the folder of the table.

    >>> frame = pl.DataFrame({"x": [1.5, 2.0, None], "who": ["a", "b", "a"], "k": [1, 1, 1]})
    >>> [(c.name, c.kind) for c in infer_columns(frame)]
    [('x', 'numeric'), ('who', 'categorical'), ('k', 'constant')]
    """
    base = None if folder is None else Path(folder)
    kinds = {s.name: _kind(s, s.name == target, base) for s in frame.get_columns()}
    counters = [n for n, (kind, _) in kinds.items() if kind == "counter"]
    features = [n for n, (kind, _) in kinds.items() if kind in USABLE and n != target]
    for name in counters:
        known = bool(_ID_NAME.match(name)) and len(features) + len(counters) > 1
        alone = not features or bool(_MEASURED_NAME.match(name))
        kinds[name] = ("numeric" if alone and not known else "identifier", None)
    return tuple(_describe(s, *kinds[s.name]) for s in frame.get_columns())


def as_numbers(series: polars.Series) -> polars.Series:
    """Float64 values of a numeric, boolean or number-like text column; null where there is no number.

    >>> as_numbers(pl.Series(["1", "x", None])).to_list()
    [1.0, None, None]
    """
    if series.dtype.is_integer():
        return series.cast(pl.Float64)
    if series.dtype == pl.Float64:
        return series.fill_nan(None)
    if series.dtype == pl.String:
        series = series.str.strip_chars().cast(pl.Float64, strict=False)
    return series.cast(pl.Float64, strict=False).fill_nan(None)


def as_booleans(series: polars.Series) -> polars.Series:
    """True/False of a boolean column, of words such as yes/no, or of 0/1; null elsewhere.

    >>> as_booleans(pl.Series(["yes", "No", "?"])).to_list()
    [True, False, None]
    """
    if series.dtype == pl.Boolean:
        return series
    if series.dtype == pl.String:
        word = series.str.strip_chars().str.to_lowercase()
        words = sorted(set().union(*_PAIRS) | {"0", "1"})
        return pl.select(pl.when(word.is_in(words)).then(word.is_in([*TRUE_WORDS, "1"])).alias(series.name)).to_series()
    number = series.cast(pl.Float64, strict=False)
    return pl.select(pl.when(number.is_in([0.0, 1.0])).then(number == 1.0).alias(series.name)).to_series()


def _kind(series: polars.Series, is_target: bool, folder: Path | None) -> tuple[str, str | None]:
    """Kind (or "counter" for a candidate identifier) and, for dates, the format."""
    present = series.drop_nulls()
    n = present.len()
    if n == 0 or series.dtype == pl.Null:
        return "empty", None
    unique = present.n_unique()
    if unique == 1 and n == series.len() and n > 1:
        return "constant", None
    if series.dtype == pl.Boolean:
        return "boolean", None
    form = date_format(series)
    if form is not None:
        return "date", form
    if series.dtype.is_integer():
        low, high = int(present.min()), int(present.max())  # type: ignore[arg-type]
        if not is_target and n >= 10 and n == series.len() == unique:
            if low in (0, 1) and high - low == n - 1:
                return "counter", None
            if n >= 20 and _ID_NAME.match(series.name) and series.name != "column_0":
                return "counter", None
        return "numeric", None
    if series.dtype != pl.String:
        return "numeric", None
    if set(present.head(100).str.to_lowercase()) <= set().union(*_PAIRS) and any(
        set(present.str.to_lowercase().unique()) == pair for pair in _PAIRS
    ):
        return "boolean", None
    if type_column(present).dtype.is_numeric() and as_numbers(series).null_count() == series.null_count():
        return "numeric", None
    if is_target:
        return "categorical", None
    if folder is not None and _names_images(present, folder):
        return "image", None
    if is_text(present):
        return "text", None
    return ("identifier" if n >= 10 and unique >= 0.95 * n else "categorical"), None


def _names_images(present: polars.Series, folder: Path) -> bool:
    """Whether nearly all of a few values, evenly taken, are image files that exist."""
    names = present[:: max(1, present.len() // 20)].to_list()
    good = [name for name in names if is_image_name(name.strip())]
    if len(good) < MOSTLY * len(names):
        return False
    return sum((folder / name.strip()).is_file() for name in good) >= MOSTLY * len(names)


def _describe(series: polars.Series, kind: str, form: str | None) -> Column:
    present = series.drop_nulls()
    common: dict[str, Any] = {
        "name": series.name,
        "kind": kind,
        "dtype": str(series.dtype),
        "count": present.len(),
        "missing": series.len() - present.len(),
        "unique": present.n_unique() if present.len() else 0,
    }
    if kind == "date":
        dates = parse_dates(present, form or "")
        first, last = dates.min(), dates.max()
        return Column(**common, first=first.isoformat(), last=last.isoformat(), format=form)  # type: ignore[union-attr]
    if kind == "numeric" or (kind in ("constant", "identifier") and series.dtype.is_numeric()):
        return Column(**common, **_moments(as_numbers(present).drop_nulls().to_numpy()))
    counts = present.cast(pl.String).value_counts(name="rows").rows() if present.len() else []
    top = sorted(((str(v), int(c)) for v, c in counts), key=lambda pair: (-pair[1], pair[0]))[:20]
    return Column(**common, top=tuple(top), odd=_odd(series) if series.dtype == pl.String else None)


def _odd(series: polars.Series) -> tuple[int, int, str] | None:
    """How many cells of a text column are no numbers, where nearly all are; the first one's row and value.

    Where at least half are numbers, a few words that come again and again ("unknown") look like marks of no value.
    """
    text = series.str.strip_chars()
    number = text.str.replace_all(",", "", literal=True).cast(pl.Float64, strict=False).is_not_null()
    n = series.len() - series.null_count()
    odd = (~number) & series.is_not_null()
    # Codes such as 00123 stay text for good.
    if not odd.any() or text.str.contains(r"^0\d").any():
        return None
    marks = 2 * odd.sum() <= n and text.filter(odd).n_unique() <= 3 and text.filter(~odd).n_unique() > 10
    if odd.sum() > (1 - MOSTLY) * n and not marks:
        return None
    row = int(odd.arg_true()[0])
    return int(odd.sum()), row + 1, series[row]


def _moments(values: np.ndarray) -> dict[str, Any]:
    finite = values[np.isfinite(values)]
    infinite = {"n_infinite": int(values.size - finite.size)}
    if finite.size == 0:
        return infinite
    # Squares and cubes of values near the end of float64 overflow; divided by the largest they do not.
    scale = float(np.abs(finite).max()) or 1.0
    scaled = finite / scale
    mean, std = float(scaled.mean()), float(scaled.std())
    skew = float((((scaled - mean) / std) ** 3).mean()) if std > 1e-12 else 0.0
    q1, median, q3 = np.quantile(finite, [0.25, 0.5, 0.75])
    numbers = {
        "min": finite.min(),
        "max": finite.max(),
        "mean": mean * scale,
        "std": std * scale,
        "median": median,
        "q1": q1,
        "q3": q3,
        "skew": skew,
    }
    return {k: float(v) if math.isfinite(v) else None for k, v in numbers.items()} | infinite
