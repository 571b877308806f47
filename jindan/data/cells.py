"""What cells of text say: nothing, a number, a date, true or false; and the type of a column of them."""

from __future__ import annotations

import re

from jindan.data.lazy import pl

MISSING = (
    "", "NA", "N/A", "n/a", "N.A.", "n.a.", "#N/A", "#N/A N/A", "#NA", "<NA>", "nan", "NaN", "NAN", "-nan", "-NaN",
    "null", "NULL", "None", "NaT", "?", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "1.#IND", "-1.#IND",
    "1.#QNAN", "-1.#QNAN",
)  # fmt: skip
"""Tokens that always mean "no value". "-" is one only in a column whose other values are numbers."""

_NUMBER = re.compile(
    r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|[+-]?\d+(,\d+)+(\.\d+)?$|[+-]?\d{1,3}(\.\d{3})+,\d+$|[+-]?(inf|infinity)$",
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?([ T]\d{1,2}:\d{2}.*)?$")
_THOUSANDS = r"^[+-]?([1-9]\d{0,2}(,\d{3})+|\d+)(\.\d+)?$"
_DOTTED_THOUSANDS = r"^[+-]?([1-9]\d{0,2}(\.\d{3})+|\d{1,3})$"
_DECIMAL_COMMA = r"^[+-]?(\d*|[1-9]\d{0,2}(\.\d{3})+)(,\d+)?([eE][+-]?\d+)?$"
_DECIMAL_POINT = r"^[+-]?\d*(\.\d*)?([eE][+-]?\d+)?$"


def is_number(cell: str | None) -> bool:
    """Whether a cell reads as a number, with whatever marks.

    >>> is_number("1,5"), is_number("1.234,50"), is_number("2024-01")
    (True, True, False)
    """
    return cell is not None and bool(_NUMBER.match(cell.strip()))


def is_value(cell: str | None) -> bool:
    """Whether a cell reads as a number or a date, which the name of a column seldom does."""
    return is_number(cell) or (cell is not None and bool(_DATE.match(cell.strip())))


def clean_text(series: pl.Series) -> pl.Series:
    """Text without white space at its ends; missing tokens become null.

    >>> clean_text(pl.Series(["a ", "", "#N/A"])).to_list()
    ['a', None, None]
    """
    text = series.cast(pl.String).str.strip_chars()
    return text.set(text.is_in(list(MISSING)), None)


def type_column(
    series: pl.Series, *, decimal_comma: bool | None = None, dotted_thousands: bool = False
) -> pl.Series:  # fmt: skip
    """A column of strings as integers, floats or booleans where all its values allow it; missing tokens become null.

    Codes of one length with leading zeros ("00123") stay text. A thousands number does not start with 0: "0,125" is
    an eighth.

    Args:
        series: The strings.
        decimal_comma: Whether a comma is a decimal one; None takes it for that where some number cannot have it
            between thousands ("12,75").
        dotted_thousands: Whether "1.234" is a thousand and more.

    >>> type_column(pl.Series(["1,200", "30", "-"])).to_list(), type_column(pl.Series(["1,5", "12,75"])).to_list()
    ([1200, 30, None], [1.5, 12.75])
    >>> type_column(pl.Series(["007", "012"])).to_list()
    ['007', '012']
    """
    text = clean_text(series)
    dashless = text.set(text == "-", None)
    present = dashless.drop_nulls()
    if present.len() == 0:
        return text
    head = present.head(200)
    if _all(head, r"^[+-]?(\d|\.\d|inf|Inf|INF)"):
        codes = _all(head, r"^\d+$") and bool(present.str.contains(r"^0\d").any())
        if codes and present.str.len_chars().n_unique() == 1:
            return text
        for candidate in _readings(dashless, decimal_comma, dotted_thousands):
            for dtype in (pl.Int64, pl.Float64):
                number = candidate.cast(dtype, strict=False)
                if number.null_count() == dashless.null_count():
                    return number
        return text
    lowered = present.head(200).str.to_lowercase()
    if lowered.is_in(["true", "false"]).all() and present.str.to_lowercase().is_in(["true", "false"]).all():
        return dashless.str.to_lowercase() == "true"
    return text


def spelled(series: pl.Series) -> tuple[str, str] | None:
    """How a column of strings writes false and true; None where one of them is written in two ways, or not there.

    >>> spelled(pl.Series(["TRUE", "FALSE", "TRUE "])), spelled(pl.Series(["true", "True", "false"]))
    (('FALSE', 'TRUE'), None)
    """
    words = sorted(clean_text(series).drop_nulls().unique().to_list(), key=str.casefold)
    return (words[0], words[1]) if [word.casefold() for word in words] == ["false", "true"] else None


def plain_numbers(raw: pl.DataFrame, *, dotted_thousands: bool = False) -> list[pl.Series | None]:
    """The columns that are numbers as they stand, all at once, as a table may have thousands; None for the others.

    Numbers that start with 0 or with anything but a digit may be codes or words, and are left to `type_column`.

    >>> [c if c is None else c.to_list() for c in plain_numbers(pl.DataFrame({"a": ["1", "2.5"], "b": ["x", "1"]}))]
    [[1.0, 2.5], None]
    """
    text = raw.select(pl.all().str.strip_chars())
    usual = (
        r"^[+-]?([1-9]\d*|0)?([eE][+-]?\d+)?$" if dotted_thousands else r"^[+-]?([1-9]\d*|0)?(\.\d*)?([eE][+-]?\d+)?$"
    )
    found = text.select(pl.all().str.contains(usual).all() & (pl.all().null_count() == 0)).row(0)
    floats = text.select(pl.all().cast(pl.Float64, strict=False))
    wholes = text.select(pl.all().cast(pl.Int64, strict=False))
    columns: list[pl.Series | None] = []
    for i, good in enumerate(found):
        for numbers in (wholes, floats):
            if good and numbers.to_series(i).null_count() == 0:
                columns.append(numbers.to_series(i))
                break
        else:
            columns.append(None)
    return columns


def decimal_marks(
    raw: pl.DataFrame, delimiter: str, before: tuple[bool | None, bool] | None = None
) -> tuple[bool | None, bool]:
    """What commas and dots are in the numbers of a table: `decimal_comma` and `dotted_thousands` of `type_column`.

    A column proves a decimal comma where its numbers have one that cannot stand between thousands (1,5), and a decimal
    point likewise (2.5). Beside a semicolon a comma is a decimal one unless only points are proved. Beside a tab or |
    it is one in the whole table where only that is proved. Between commas, in quotes, each column speaks for itself
    unless points are proved. Dots stand between thousands where the comma alone is proved; between commas they do not.
    Where nothing is proved, marks are what they were in the table a model was trained on (`before`), if it is known.

    >>> decimal_marks(pl.DataFrame({"people": ["999", "1.234"], "price": ["1,50", "2,50"]}), ";")
    (True, True)
    """
    with_commas = raw.select(pl.all().str.contains(",", literal=True).any()).row(0)
    if not any(with_commas) and before is None:
        return False, False
    comma = any(_proves_comma(clean_text(raw.to_series(i))) for i, found in enumerate(with_commas) if found)
    with_dots = raw.select(pl.all().str.contains(".", literal=True).any()).row(0)
    point = any(_proves_point(clean_text(raw.to_series(i))) for i, found in enumerate(with_dots) if found)
    if before is not None and delimiter != "," and not comma and not point:
        return before
    if not any(with_commas):
        return False, False
    if delimiter == ";":
        return comma or not point, comma and not point
    if point or not comma:
        return False, False
    return (None, False) if delimiter == "," else (True, True)


def _proves_comma(text: pl.Series) -> bool:
    return _all(_dashless(text), _DECIMAL_COMMA) and not _all(_dashless(text), _THOUSANDS)


def _proves_point(text: pl.Series) -> bool:
    return _all(_dashless(text), _DECIMAL_POINT) and not _all(_dashless(text), _DOTTED_THOUSANDS)


def _dashless(text: pl.Series) -> pl.Series:
    return text.filter(text != "-")


def _readings(text: pl.Series, decimal_comma: bool | None, dotted_thousands: bool) -> list[pl.Series]:
    present = text.drop_nulls()
    if dotted_thousands and _all(present, _DOTTED_THOUSANDS):
        return [text.str.replace_all(".", "", literal=True)]
    readings = [text]
    thousands = _all(present, _THOUSANDS)
    if (decimal_comma or (decimal_comma is None and not thousands)) and _all(present, _DECIMAL_COMMA):
        readings.append(text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True))
    elif not decimal_comma and thousands:
        readings.append(text.str.replace_all(",", "", literal=True))
    return readings


def _all(series: pl.Series, pattern: str) -> bool:
    return bool(series.str.contains(pattern).all())
