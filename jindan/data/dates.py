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
    ("%d %b %Y", ""),
    ("%d-%b-%Y", ""),
    ("%b %d, %Y", ""),
    ("%B %d, %Y", ""),
    ("%Y년 %m월 %d일", ""),
    ("%Y년 %m월", " 01일"),
)


def date_format(series: polars.Series) -> str | None:
    """The format all present cells of a text column are in, or None; "" for a column that holds dates already.

    Where day and month cannot be told apart (01/02/2020), the month is taken to come first.

    >>> date_format(pl.Series(["1949-01", "1949-02", None])), date_format(pl.Series(["a", "b"]))
    ('%Y-%m', None)
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
        if parse_dates(head, form).null_count() == 0 and parse_dates(present, form).null_count() == 0:
            return form
    return None


def parse_dates(series: polars.Series, form: str) -> polars.Series:
    """The column as dates with microseconds; null where a cell is not in the format.

    >>> parse_dates(pl.Series(["2020/01/31", "?"]), "%Y/%m/%d").dt.day().to_list()
    [31, None]
    """
    if series.dtype.is_temporal():
        return series.cast(pl.Datetime("us"))
    suffix = dict(_FORMATS).get(form, "")
    text = series.cast(pl.String).str.strip_chars() + suffix
    complete = "%Y년 %m월 %d일" if form == "%Y년 %m월" else form + suffix.replace("01", "%d")
    parsed = text.str.strptime(pl.Datetime("us"), complete, strict=False)
    return parsed.dt.replace_time_zone(None) if form == "%+" else parsed
