"""One encoder a kind of column: number, boolean, category, date; each learns from one column of training rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np

from jindan.data.cells import MISSING, clean_text
from jindan.data.columns import Column, as_booleans, as_numbers
from jindan.data.dates import date_format, parse_dates
from jindan.data.encoding import Imputer
from jindan.data.lazy import pl
from jindan.data.scaling import Matrix
from jindan.errors import InputError

if TYPE_CHECKING:
    import polars

_EMPTY = (*MISSING, "-")
_DAY = 86_400_000_000


class Settings(Protocol):
    """The part of `Preprocessing` that encoders read."""

    missing: str
    missing_indicator: bool
    one_hot_drop_first: bool
    max_categories: int


@dataclass(frozen=True)
class ColumnEncoder:
    """Base: `numbers` are scaled afterwards with those of the other columns, `flags` are not."""

    kind: ClassVar[str] = ""
    name: str

    @classmethod
    def fit(cls, series: polars.Series, column: Column, config: Any) -> Self:
        """Learn from one column of the training rows."""
        raise NotImplementedError

    def numbers(self, series: polars.Series) -> Matrix:
        """Features to be scaled, shape (rows, len(number_names()))."""
        return np.empty((series.len(), 0))

    def flags(self, series: polars.Series) -> Matrix:
        """Features that stay as they are, shape (rows, len(flag_names()))."""
        return np.empty((series.len(), 0))

    def number_names(self) -> list[str]:
        """Names of the scaled features."""
        return []

    def flag_names(self) -> list[str]:
        """Names of the other features."""
        return []

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {"kind": self.kind, **{k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """The encoder whose `to_dict` gave this state."""
        values: Any = {f.name: state[f.name] for f in fields(cls)}
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**values)


@dataclass(frozen=True)
class NumberEncoder(ColumnEncoder):
    """A number, filled where missing, and whether it was missing.

    `knots` are 101 quantiles of the training rows and `below` the share of rows at or below each, for `check`.
    """

    kind: ClassVar[str] = "numeric"
    fill: float = 0.0
    indicator: bool = False
    low: float = 0.0
    high: float = 0.0
    count: int = 0
    missing: int = 0
    knots: tuple[float, ...] = ()
    below: tuple[float, ...] = ()

    @classmethod
    def fit(cls, series: polars.Series, column: Column, config: Settings) -> Self:
        """Learn the filling and the distribution."""
        values = strict_numbers(series)
        present = values[~np.isnan(values)]
        fill = float(Imputer(config.missing).fit(values[:, None]).statistics_[0])
        knots = np.unique(np.quantile(present, np.linspace(0, 1, 101), method="lower"))
        below = np.searchsorted(np.sort(present), knots, side="right") / present.size
        missing = int(values.size - present.size)
        low, high = float(present.min()), float(present.max())
        shape = (tuple(knots.tolist()), tuple(below.tolist()))
        return cls(series.name, fill, config.missing_indicator and missing > 0, low, high, values.size, missing, *shape)

    def numbers(self, series: polars.Series) -> Matrix:
        """The number, filled."""
        values = strict_numbers(series)
        return np.where(np.isnan(values), self.fill, values)[:, None]

    def flags(self, series: polars.Series) -> Matrix:
        """Whether it was missing."""
        missing = np.isnan(strict_numbers(series))[:, None].astype(np.float64)
        return missing if self.indicator else missing[:, :0]

    def number_names(self) -> list[str]:
        """The column's name."""
        return [self.name]

    def flag_names(self) -> list[str]:
        """`name missing`, if there is an indicator."""
        return [f"{self.name} missing"] if self.indicator else []


@dataclass(frozen=True)
class BooleanEncoder(ColumnEncoder):
    """1 for true, 0 for false, the more frequent of both where missing, and whether it was missing.

    `words` are how the training rows mostly wrote false and true; empty where they were no words.
    """

    kind: ClassVar[str] = "boolean"
    fill: float = 0.0
    indicator: bool = False
    share: float = 0.0
    count: int = 0
    missing: int = 0
    words: tuple[str, ...] = ()

    @classmethod
    def fit(cls, series: polars.Series, column: Column, config: Settings) -> Self:
        """Learn the more frequent value."""
        values = cls._values(series)
        missing = int(np.isnan(values).sum())
        share = float(np.nanmean(values)) if missing < values.size else 0.0
        indicator = config.missing_indicator and missing > 0
        return cls(series.name, float(share > 0.5), indicator, share, values.size, missing, cls._words(series, values))

    def flags(self, series: polars.Series) -> Matrix:
        """Value and indicator."""
        values = self._values(series)
        missing = np.isnan(values)
        both = np.stack([np.where(missing, self.fill, values), missing.astype(np.float64)], axis=1)
        return both if self.indicator else both[:, :1]

    def flag_names(self) -> list[str]:
        """The column's name, and `name missing` if there is an indicator."""
        return [self.name, f"{self.name} missing"] if self.indicator else [self.name]

    @staticmethod
    def _words(series: polars.Series, values: Matrix) -> tuple[str, ...]:
        if series.dtype != pl.String:
            return ()
        counts = [Counter(series.filter(pl.Series(values == side)).str.strip_chars()) for side in (0.0, 1.0)]
        return tuple(min(found, key=lambda w: (-found[w], w)) for found in counts) if all(counts) else ()

    @staticmethod
    def _values(series: polars.Series) -> Matrix:
        flags = as_booleans(series)
        _refuse(series, flags.is_null(), "true or false")
        return flags.cast(pl.Float64).to_numpy().astype(np.float64)


@dataclass(frozen=True)
class CategoryEncoder(ColumnEncoder):
    """One 0/1 feature a category; "other" for the rare ones, "missing" if some were missing in the training rows."""

    kind: ClassVar[str] = "categorical"
    categories: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    other: int = 0
    missing: int = 0
    drop_first: bool = False
    rare: tuple[str, ...] = ()

    @classmethod
    def fit(cls, series: polars.Series, column: Column, config: Settings) -> Self:
        """Learn the categories and how often each occurs."""
        text = as_categories(series)
        found = text.drop_nulls().value_counts(name="rows").rows()
        ranked = sorted(found, key=lambda pair: (-pair[1], pair[0]))
        kept = sorted(ranked[: config.max_categories])
        rest = ranked[config.max_categories :]
        return cls(
            series.name,
            tuple(c for c, _ in kept),
            tuple(int(n) for _, n in kept),
            sum(int(n) for _, n in rest),
            text.null_count(),
            config.one_hot_drop_first,
            tuple(sorted(c for c, _ in rest)),
        )

    def flags(self, series: polars.Series) -> Matrix:
        """Zeros and ones."""
        place = self.places(series)
        return (place[:, None] == np.arange(int(self.drop_first), len(self._labels()))).astype(np.float64)

    def flag_names(self) -> list[str]:
        """`name=category`."""
        return [f"{self.name}={label}" for label in self._labels()[int(self.drop_first) :]]

    def places(self, series: polars.Series) -> np.ndarray:
        """Which label each row has; -1 where it has none."""
        places: dict[str | None, int] = {c: i for i, c in enumerate(self.categories)}
        text = self.spelt(series)
        other = len(self.categories) if self.other else -1
        empty = len(self.categories) + bool(self.other) if self.missing else -1
        lookup = {v: places.get(v, other) if v is not None else empty for v in text.unique().to_list()}
        return np.array([lookup[v] for v in text.to_list()], dtype=np.intp)

    def spelt(self, series: polars.Series) -> polars.Series:
        """The cells as the training rows wrote them: 1.0 as "1.00", True as "TRUE" where they did.

        >>> CategoryEncoder("smokes", ("TRUE", "unknown"), (1, 1)).spelt(pl.Series([True])).to_list()
        ['TRUE']
        """
        text = as_categories(series)
        if series.dtype == pl.String:
            return text
        known = {_plain(c): c for c in sorted({*self.categories, *self.rare}, reverse=True)}
        found = {v: known.get(_plain(v), v) for v in text.drop_nulls().unique().to_list()}
        return text.replace(found)

    def _labels(self) -> list[str]:
        extra = [name for name, rows in (("other", self.other), ("missing", self.missing)) if rows]
        return [*self.categories, *(f"({name})" if name in self.categories else name for name in extra)]


@dataclass(frozen=True)
class DateEncoder(ColumnEncoder):
    """Days since the first training date and the year, both scaled; month and weekday as sine and cosine.

    Features that are the same in all training rows are left out; missing dates are filled with the median.
    With times, the hour is added as sine and cosine.
    """

    kind: ClassVar[str] = "date"
    format: str = ""
    origin: int = 0
    fill: int = 0
    high: int = 0
    count: int = 0
    missing: int = 0
    number_parts: tuple[str, ...] = ()
    flag_parts: tuple[str, ...] = ()

    @classmethod
    def fit(cls, series: polars.Series, column: Column, config: Settings) -> Self:
        """Learn the first date and which parts vary."""
        form = column.format if column.format is not None else (date_format(series) or "")
        stamps = _stamps(series, form)
        present = stamps.drop_nulls().to_numpy()
        fill = int(np.median(present))
        made = cls(series.name, form, int(present.min()), fill, int(present.max()), stamps.len(), stamps.null_count())
        parts = made._parts(stamps)
        alive = [name for name, values in parts.items() if np.ptp(values) > 1e-9 or name == "days"]
        pairs = {name.split("_")[0] for name in alive if name.endswith(("_sin", "_cos"))}
        flags = [name for name in parts if name.split("_")[0] in pairs]
        if config.missing_indicator and made.missing:
            flags.append("missing")
        state = asdict(made) | {
            "number_parts": tuple(n for n in ("days", "year") if n in alive),
            "flag_parts": tuple(flags),
        }
        return cls(**state)

    def numbers(self, series: polars.Series) -> Matrix:
        """Days since the first training date, year."""
        parts = self._parts(_stamps(series, self.format))
        return np.stack([parts[name] for name in self.number_parts], axis=1)

    def flags(self, series: polars.Series) -> Matrix:
        """Sines, cosines, indicator."""
        stamps = _stamps(series, self.format)
        parts = self._parts(stamps) | {"missing": stamps.is_null().to_numpy().astype(np.float64)}
        empty = np.empty((series.len(), 0))
        return np.stack([parts[name] for name in self.flag_parts], axis=1) if self.flag_parts else empty

    def number_names(self) -> list[str]:
        """`name days`, `name year`."""
        return [f"{self.name} {part}" for part in self.number_parts]

    def flag_names(self) -> list[str]:
        """`name month_sin` and so on."""
        return [f"{self.name} {part}" for part in self.flag_parts]

    def days(self, series: polars.Series) -> np.ndarray:
        """Days since the first training date, without missing ones."""
        return (_stamps(series, self.format).drop_nulls().to_numpy() - self.origin) / _DAY

    def _parts(self, stamps: polars.Series) -> dict[str, Matrix]:
        filled = stamps.fill_null(self.fill)
        dates = filled.cast(pl.Datetime("us")).dt
        hour = (filled.to_numpy() % _DAY) / _DAY
        turns = {
            "month": (dates.month().to_numpy() - 1) / 12,
            "weekday": (dates.weekday().to_numpy() - 1) / 7,
            "hour": hour,
        }
        # A month's table has no weekdays: those of the first days would be noise.
        if "%d" not in self.format and self.format not in ("", "%+"):
            turns.pop("weekday")
        parts = {"days": (filled.to_numpy() - self.origin) / _DAY, "year": dates.year().to_numpy().astype(np.float64)}
        for name, turn in turns.items():
            parts |= {f"{name}_sin": np.sin(2 * np.pi * turn), f"{name}_cos": np.cos(2 * np.pi * turn)}
        return parts


def strict_numbers(series: polars.Series) -> np.ndarray:
    """Float64 values with NaN where missing.

    Raises:
        InputError: text that is no number, or an infinite value; names column, row and value.

    >>> strict_numbers(pl.Series("x", ["1.5", "?"])).tolist()
    [1.5, nan]
    """
    if series.dtype.is_numeric():  # thousands of columns pass here: what is a number needs no second look
        values: np.ndarray = series.to_numpy().astype(np.float64)
    else:
        numbers = as_numbers(series)
        _refuse(series, numbers.is_null(), "a number")
        values = numbers.to_numpy().astype(np.float64)
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0])
        raise InputError(
            "A value is infinite.",
            where=f"column {series.name!r}, row {row + 1}",
            expected="finite numbers",
            received=values[row],
            help="Look for a division by zero, or leave the row out.",
        )
    return values


def as_categories(series: polars.Series) -> polars.Series:
    """Text of categories: 1, 1.0 and "1" are the same one, missing tokens are null.

    >>> as_categories(pl.Series([1.0, 2.5, None])).to_list()
    ['1', '2.5', None]
    """
    if series.dtype.is_float():
        return series.fill_nan(None).cast(pl.String).str.replace(r"\.0$", "")
    if series.dtype == pl.Boolean:
        return series.cast(pl.String)
    return clean_text(series)


def _plain(category: str) -> str:
    """One spelling of equal numbers, and of true and false."""
    try:
        return str(float(category))
    except ValueError:
        return category.casefold()


def _stamps(series: polars.Series, form: str) -> polars.Series:
    """Microseconds since 1970."""
    dates = parse_dates(series, form) if series.dtype.is_temporal() or form else None
    if dates is None or (dates.is_null() & series.is_not_null()).any():
        other = date_format(series)
        if other is not None:
            dates = parse_dates(series, other)
    if dates is None:
        dates = pl.Series(series.name, [None] * series.len(), dtype=pl.Datetime("us"))
    _refuse(series, dates.is_null(), f"a date written as {form}" if form else "a date")
    return dates.cast(pl.Int64)


def _refuse(series: polars.Series, unread: polars.Series, expected: str) -> None:
    """Raise where a cell holds something that could not be read."""
    odd = unread & series.is_not_null()
    if series.dtype == pl.String:
        odd = odd & ~series.str.strip_chars().is_in(list(_EMPTY))
    if odd.any():
        row = int(np.flatnonzero(odd.to_numpy())[0])
        raise InputError(
            f"Column {series.name!r} holds a value of another kind than in the training rows.",
            where=f"column {series.name!r}, row {row + 1}",
            expected=expected,
            received=repr(series[row]),
            help="Correct the value, or leave the cell empty.",
        )


ENCODERS: dict[str, type[ColumnEncoder]] = {
    e.kind: e for e in (NumberEncoder, BooleanEncoder, CategoryEncoder, DateEncoder)
}
