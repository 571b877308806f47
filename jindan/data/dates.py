"""Dates written as text: which format a column is in, and its dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jindan.data.lazy import pl

if TYPE_CHECKING:
    import polars

# Each with what has to be appended to a cell so that it names a day.
_FORMATS = (
    ("%Y-%m-%d", ""),
    ("%Y/%m/%d", ""),
    ("%Y.%m.%d", ""),
    ("%Y.%m.%d.", ""),
    ("%Y-%m", "-01"),
    ("%Y/%m", "/01"),
    ("%Y-%m-%d %H:%M:%S", ""),
    ("%Y-%m-%d %H:%M:%S%.f", ""),
    ("%Y-%m-%d %H:%M", ""),
    ("%Y-%m-%dT%H:%M:%S%.f", ""),
    ("%Y-%m-%dT%H:%M", ""),
    ("%Y/%m/%d %H:%M:%S", ""),
    ("%Y/%m/%d %H:%M", ""),
    ("%+", ""),
    ("%m/%d/%Y", ""),
    ("%d/%m/%Y", ""),
    ("%d.%m.%Y", ""),
    ("%d-%m-%Y", ""),
    ("%m/%d/%Y %H:%M", ""),
    ("%d/%m/%Y %H:%M", ""),
    ("%m/%d/%Y %I:%M %p", ""),
    ("%m/%d/%Y %I:%M:%S %p", ""),
    ("%d/%m/%Y %I:%M %p", ""),
    ("%d/%m/%Y %I:%M:%S %p", ""),
    ("%Y-%m-%d %I:%M %p", ""),
    ("%Y-%m-%d %I:%M:%S %p", ""),
    ("%Y-%m-%d %p %I:%M", ""),
    ("%Y-%m-%d %p %I:%M:%S", ""),
    ("%Y.%m.%d %p %I:%M:%S", ""),
    ("%Y.%m.%d. %p %I:%M", ""),
    ("%Y.%m.%d. %p %I:%M:%S", ""),
    ("%Y/%m/%d %I:%M:%S %p GMT+9", ""),
    ("%d %b %Y", ""),
    ("%d-%b-%Y", ""),
    ("%d-%b-%y", ""),
    ("%b %d, %Y", ""),
    ("%B %d, %Y", ""),
    ("%Y년 %m월 %d일", ""),
    ("%Y년 %m월", " 01일"),
)
# Of two-digit numbers any may be the year.
_SHORT = ("%y-%m-%d", "%d-%m-%y", "%y.%m.%d", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%y/%m/%d")
DATE_FORMATS = (*(form for form, _ in _FORMATS), *_SHORT)
_DAYS_OF_A_MONTH = 13
"""Different days from which on a number can be no month, and is hardly a year."""


def date_format(series: polars.Series) -> str | None:
    """The format all present cells of a text column are in, or None; "" for a column that holds dates already.

    Where day and month cannot be told apart (01/02/2020), the month is taken to come first. With years of two digits,
    cells that can be read in several ways are dates only where one reading alone has days all over the month.

    >>> date_format(pl.Series(["1949-01", "1949-02", None])), date_format(pl.Series(["a", "b"]))
    ('%Y-%m', None)
    >>> date_format(pl.Series(["30.09.21", "31.12.99"])), date_format(pl.Series(["05.04.21", "06.04.21"]))
    ('%d.%m.%y', None)
    """
    if series.dtype.is_temporal():
        return ""
    if series.dtype != pl.String:
        return None
    present = series.drop_nulls()
    head = present.head(50)
    if head.len() == 0 or not head.str.contains(r"\d").all() or not head.str.contains(r"\d\D+\d|^\D+\d").all():
        return None
    for form, _ in _FORMATS:
        if _fits(head, form) and _fits(present, form):
            return form
    readings = [form for form in _SHORT if _fits(head, form) and _fits(present, form)]
    if len(readings) > 1:
        readings = [f for f in readings if parse_dates(present, f).dt.day().n_unique() >= _DAYS_OF_A_MONTH]
    return readings[0] if len(readings) == 1 else None


def parse_dates(series: polars.Series, form: str) -> polars.Series:
    """The column as dates with microseconds; null where a cell is not in the format. 오전 and 오후 are AM and PM.

    `%Y` are four digits, `%y` two: 69 is 2069, 70 is 1970.

    >>> parse_dates(pl.Series(["2020/01/31", "20/01/31", "?"]), "%Y/%m/%d").dt.day().to_list()
    [31, None, None]
    >>> str(parse_dates(pl.Series(["2021-01-05 오후 3:20"]), "%Y-%m-%d %p %I:%M")[0])
    '2021-01-05 15:20:00'
    """
    if series.dtype.is_temporal():
        return series.cast(pl.Datetime("us"))
    suffix = dict(_FORMATS).get(form, "")
    text = series.cast(pl.String).str.strip_chars() + suffix
    if "%p" in form:
        text = text.str.replace("오전", "AM", literal=True).str.replace("오후", "PM", literal=True)
    complete = "%Y년 %m월 %d일" if form == "%Y년 %m월" else form + suffix.replace("01", "%d")
    parsed = text.str.strptime(pl.Datetime("us"), complete, strict=False)
    parsed = parsed.set(~text.str.contains(_year_pattern(form)), None)
    return parsed.dt.replace_time_zone(None) if form == "%+" else parsed


def _fits(present: polars.Series, form: str) -> bool:
    return parse_dates(present, form).null_count() == 0


def _year_pattern(form: str) -> str:
    """Where a cell has its year, which Polars would take with fewer digits as well."""
    digits = r"\d{2}" if "%y" in form else r"\d{4}"
    return rf"^{digits}\D" if form.startswith(("%Y", "%y", "%+")) else rf"\D{digits}(\D|$)"
