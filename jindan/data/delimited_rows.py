"""Rows of delimited text as strings: at once where quotes guard nothing, else cell by cell."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import numpy as np

from jindan.data.lazy import pl
from jindan.errors import FileError, InputError

ONE_COLUMN = "\x1f"
"""The delimiter of a text of one column: the unit separator, which is in no text."""


def read_cells(text: str, delimiter: str, where: str) -> pl.DataFrame:
    """All cells as strings. Lines without any character are no rows; lines of delimiters alone are.

    Quotes guard delimiters and ends of lines where the whole text can be read so. Where it cannot, but all lines have
    the same number of delimiters, they are characters like others.

    Raises:
        FileError: a quote that is never closed.
        InputError: rows of unequal length.

    >>> read_cells('"Austin, TX",960\\n,\\n', ",", "a.csv").rows()
    [('Austin, TX', '960'), ('', '')]
    """
    data = np.frombuffer(text.encode(), np.uint8)
    even = _even(data, delimiter)
    raw = _at_once(text, delimiter) if even and not _guarded(data, delimiter) else None
    if raw is not None:
        return raw
    before = csv.field_size_limit(max(len(text), 1))
    try:
        return _frame(_rows(text, delimiter, where, strict=True))
    except (csv.Error, InputError, FileError) as error:
        raw = _at_once(text, delimiter) if even else None
        if raw is not None:
            return raw
        rows = _rows(text, delimiter, where, strict=False)
        if isinstance(error, FileError):
            raise
        return _frame(rows)
    finally:
        csv.field_size_limit(before)


def _even(data: np.ndarray, delimiter: str) -> bool:
    """Whether all lines have the same number of delimiters."""
    ends = np.append(np.flatnonzero(data == ord("\n")), len(data))
    cuts = np.searchsorted(np.flatnonzero(data == ord(delimiter)), ends)
    filled = np.diff(ends, prepend=-1) > 1
    counts = np.diff(cuts, prepend=0)[filled]
    return bool(counts.size) and bool((counts == counts[0]).all())


def _guarded(data: np.ndarray, delimiter: str) -> bool:
    """Whether a delimiter or an end of line has an odd number of quotes before it, some of which open a cell."""
    quotes = np.flatnonzero(data == ord('"'))
    before = data[np.maximum(quotes - 1, 0)]
    opening = (quotes == 0) | (before == ord("\n")) | (before == ord(delimiter)) | (before == ord(" "))
    if not opening.any():
        return False  # inches
    marks = np.flatnonzero((data == ord(delimiter)) | (data == ord("\n"))) if quotes.size else quotes
    return bool((np.searchsorted(quotes, marks) % 2).any())


def _at_once(text: str, delimiter: str) -> pl.DataFrame | None:
    """The cells between delimiters, quotes around a whole cell taken off; None where Polars cannot read them."""
    if text.startswith("\n") or "\n\n" in text:
        text = re.sub(r"\n{2,}", "\n", text).strip("\n")
    try:
        raw = pl.read_csv(
            io.BytesIO(text.encode()), has_header=False, separator=delimiter, infer_schema=False, quote_char=None
        )
    except pl.exceptions.PolarsError:
        return None
    if '"' in text:
        whole = pl.all().str.contains(r'^\s*"(?:[^"]|"")*"\s*$')
        bare = pl.all().str.strip_chars().str.head(-1).str.tail(-1).str.replace_all('""', '"', literal=True)
        raw = raw.with_columns(pl.when(whole).then(bare).otherwise(pl.all()))
    return raw


def _rows(text: str, delimiter: str, where: str, *, strict: bool) -> list[list[str]]:
    """Lists of cells; strictly, what follows a closing quote must be a delimiter, and each quote must be closed."""
    rows: list[list[str]] = []
    for line, row in _numbered_rows(text, delimiter, where, strict):
        if not row or (delimiter != ONE_COLUMN and len(row) == 1 and not row[0].strip()):
            continue
        if rows and len(row) != len(rows[0]):
            swallowed = any("\n" in cell for cell in row)
            raise InputError(
                "A row has another number of fields than the first one.",
                where=f"{where}, line {line}",
                expected=f"{len(rows[0])} field" + "s" * (len(rows[0]) != 1),
                received=f"{len(row)} field{'s' * (len(row) != 1)}: {delimiter.join(row)[:100]!r}",
                help='A quote (") that opens in this line is not closed in it: close it, or remove it.'
                if swallowed
                else 'Put values that hold the delimiter in quotes ("), or remove the stray one.',
            )
        rows.append(row)
    return rows


def _numbered_rows(text: str, delimiter: str, where: str, strict: bool) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of the line in which each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=strict)
    start = 1
    try:
        for row in reader:
            yield start, row
            start = reader.line_num + 1
    except csv.Error as error:
        if "unexpected end" not in str(error):
            raise
        raise FileError(
            "A quote is opened and never closed.",
            where=f"{where}, line {start}",
            expected="quotes in pairs",
            received=text.split("\n", start)[start - 1][:100],
            help='Close the quote ("), or remove it.',
        ) from None


def _frame(rows: list[list[str]]) -> pl.DataFrame:
    return pl.DataFrame({f"column_{i}": cells for i, cells in enumerate(zip(*rows, strict=True))})
