"""Delimited text: bytes to text, the delimiter, the header, rows of equal length, typed columns."""

from __future__ import annotations

import csv
import io
import re

import numpy as np

from jindan.data.lazy import pl
from jindan.errors import FileError, InputError

MISSING = ("", "NA", "N/A", "n/a", "nan", "NaN", "NAN", "null", "NULL", "None", "?")
"""Tokens that always mean "no value". "-" is one only in a column whose other values are numbers."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|[+-]?(inf|infinity)$", re.IGNORECASE)
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?([ T]\d{1,2}:\d{2}.*)?$")
_DELIMITERS = (",", "\t", ";", "|")


def decode(data: bytes, where: str) -> str:
    """Text of a file in UTF-8 (with or without BOM), UTF-16 with BOM, cp949/euc-kr or, failing all, cp1252.

    Raises:
        FileError: the bytes are not text.

    >>> decode("키,몸무게".encode("cp949"), "a.csv")
    '키,몸무게'
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    if b"\x00" in data[:65536] or data[:4] in (b"\x89PNG", b"%PDF", b"PK\x03\x04"):
        excel = data[:2] == b"PK" or data[:4] == b"\xd0\xcf\x11\xe0"
        raise FileError(
            "The file holds binary data, not a table of text.",
            where=where,
            expected="lines of values separated by a comma, tab, semicolon or |",
            received=repr(data[:12]),
            help="Save the sheet as CSV first." if excel else "Give a .csv, .tsv or .parquet file.",
        )
    for encoding in ("utf-8-sig", "euc-kr"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    try:
        text = data.decode("cp949")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
    # Any Western text may pass as cp949, but then its syllables are rare ones that euc-kr does not have.
    hangul = [c for c in text if "가" <= c <= "힣"]
    common = sum(c.encode("euc-kr", errors="ignore") != b"" for c in hangul)
    return text if common * 2 >= max(1, len(hangul)) else data.decode("cp1252", errors="replace")


def sniff_delimiter(text: str) -> str:
    """The delimiter that cuts the first lines into the same number (> 1) of fields; "" for white space or one column.

    >>> sniff_delimiter("a;b\\n1,5;2,5\\n"), sniff_delimiter("height\\n170\\n")
    (';', '')
    """
    lines = [line for line in text[:65536].splitlines()[:100] if line.strip()]
    if len(text) > 65536 and len(lines) > 1:
        lines = lines[:-1]
    best, best_score = "", (0.0, 0)
    for delimiter in _DELIMITERS:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True) if row]
        if not widths:
            continue
        common = max(set(widths), key=widths.count)
        score = (widths.count(common) / len(widths), common)
        # A ragged file should be read by its first line's delimiter and then be named ragged.
        if common > 1 and score > best_score:
            best, best_score = delimiter, score
        elif not best and widths[0] > 1:
            best = delimiter
    return best


def parse(text: str, where: str, header: bool | None) -> tuple[pl.DataFrame, bool]:
    """A typed frame out of delimited text, and whether its first row named the columns.

    Raises:
        FileError: nothing but white space, or a header and no rows.
        InputError: rows of unequal length, or two columns of one name.

    >>> frame, named = parse("a,b\\n1,x\\n?,y\\n", "t.csv", None)
    >>> frame["a"].to_list(), named
    ([1, None], True)
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip(" \n\t,;|"):
        raise FileError(
            "The file is empty.",
            where=where,
            expected="a header and rows",
            received="no text",
            help="Check that it was saved.",
        )
    text = _without_comments(text)
    delimiter = sniff_delimiter(text)
    if not delimiter and _split_by_spaces(text):
        text = "\n".join(",".join(line.split()) for line in text.split("\n"))
        delimiter = ","
    # One column may hold commas; the unit separator is in no text.
    raw = _read_strings(text, delimiter or "\x1f", where)
    first = [None if v is None else str(v).strip() for v in raw.row(0)]
    body = raw.slice(1)
    named = _has_header(first, body) if header is None else header
    if named:
        if body.height == 0:
            raise FileError(
                "The file has a header and no rows.",
                where=where,
                expected="at least one row of values below the header",
                received=f"1 line: {', '.join(v or '' for v in first)[:120]}",
                help="Add rows, or say that the first line is a row: header=False (--no-header).",
            )
        names = [name or f"column_{i}" for i, name in enumerate(first)]
        check_names(names, where)
        raw = body
    else:
        names = [f"column_{i}" for i in range(raw.width)]
    plain = _plain_numbers(raw)
    columns = [
        (column if column is not None else type_column(raw.to_series(i), decimal_comma=delimiter == ";")).alias(name)
        for i, (name, column) in enumerate(zip(names, plain, strict=True))
    ]
    return pl.DataFrame(columns), named


def check_names(names: list[str], where: str) -> None:
    """Raise InputError where two columns share a name."""
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1] if len(set(names)) < len(names) else []
    if twice:
        positions = [i for i, name in enumerate(names) if name == twice[0]]
        raise InputError(
            "Two columns have the same name.",
            where=where,
            expected="a different name for every column",
            received=f"{twice[0]!r} at positions {', '.join(map(str, positions))}",
            help="Rename one of them, or say that the first line is a row: header=False (--no-header).",
        )


def type_column(series: pl.Series, *, decimal_comma: bool = False) -> pl.Series:
    """A column of strings as integers, floats or booleans where all its values allow it; missing tokens become null.

    Codes of one length with leading zeros ("00123") stay text.

    >>> type_column(pl.Series(["1,200", "30", "-"])).to_list()
    [1200, 30, None]
    >>> type_column(pl.Series(["007", "012"])).to_list()
    ['007', '012']
    """
    text = series.cast(pl.String).str.strip_chars()
    text = text.set(text.is_in(list(MISSING)), None)
    dashless = text.set(text == "-", None)
    present = dashless.drop_nulls()
    if present.len() == 0:
        return text
    head = present.head(200)
    if _all(head, r"^[+-]?(\d|\.\d|inf|Inf|INF)"):
        codes = _all(head, r"^\d+$") and bool(present.str.contains(r"^0\d").any())
        if codes and present.str.len_chars().n_unique() == 1:
            return text
        for candidate in _readings(dashless, decimal_comma):
            for dtype in (pl.Int64, pl.Float64):
                number = candidate.cast(dtype, strict=False)
                if number.null_count() == dashless.null_count():
                    return number
        return text
    lowered = present.head(200).str.to_lowercase()
    if lowered.is_in(["true", "false"]).all() and present.str.to_lowercase().is_in(["true", "false"]).all():
        return dashless.str.to_lowercase() == "true"
    return text


def _plain_numbers(raw: pl.DataFrame) -> list[pl.Series | None]:
    """The columns that are numbers as they stand, all at once, as a table may have thousands; None for the others.

    Numbers that start with 0 or with anything but a digit may be codes or words, and are left to `type_column`.
    """
    text = raw.select(pl.all().str.strip_chars())
    usual = r"^[+-]?([1-9]\d*|0)?(\.\d*)?([eE][+-]?\d+)?$"
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


def is_value(cell: str | None) -> bool:
    """Whether a cell reads as a number or a date, which the name of a column seldom does."""
    return cell is not None and bool(_NUMBER.match(cell.strip()) or _DATE.match(cell.strip()))


def _readings(text: pl.Series, decimal_comma: bool) -> list[pl.Series]:
    readings = [text]
    present = text.drop_nulls()
    if decimal_comma and _all(present, r"^[+-]?\d*(,\d+)?([eE][+-]?\d+)?$"):
        readings.append(text.str.replace(",", ".", literal=True))
    elif decimal_comma and _all(present, r"^[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?$"):
        readings.append(text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True))
    elif _all(present, r"^[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?$"):
        readings.append(text.str.replace_all(",", "", literal=True))
    return readings


def _all(series: pl.Series, pattern: str) -> bool:
    return bool(series.str.contains(pattern).all())


def _without_comments(text: str) -> str:
    """Leading lines that start with # and hold no delimiter, above lines that do, are remarks."""
    while text.startswith("#") and "\n" in text:
        line, rest = text.split("\n", 1)
        delimiter = sniff_delimiter(rest)
        if not delimiter or delimiter in line:
            break
        text = rest
    return text


def _split_by_spaces(text: str) -> bool:
    widths = [len(line.split()) for line in text[:65536].splitlines()[:50] if line.strip()]
    cells = [cell for line in text[:65536].splitlines()[1:20] for cell in line.split()]
    numbers = sum(is_value(cell) for cell in cells)
    return len(set(widths)) == 1 and widths[0] > 1 and numbers * 2 > len(cells)


def _read_strings(text: str, delimiter: str, where: str) -> pl.DataFrame:
    """All cells as strings, blank lines dropped; the careful way only where the quick one cannot be sure."""
    if _even(text, delimiter):
        try:
            raw = pl.read_csv(
                io.BytesIO(text.encode()), has_header=False, separator=delimiter, infer_schema=False, quote_char=None
            )
            # Quotes that guard no delimiter: taken off cell by cell, so that a stray one cannot swallow lines.
            if '"' in text:
                whole = pl.all().str.contains(r'(?s)^\s*".*"\s*$')
                bare = pl.all().str.strip_chars().str.head(-1).str.tail(-1).str.replace_all('""', '"', literal=True)
                raw = raw.with_columns(pl.when(whole).then(bare).otherwise(pl.all()))
            return raw.filter(~pl.all_horizontal(pl.all().is_null()))
        except pl.exceptions.PolarsError:
            pass
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    start = 1
    try:
        for row in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in row):
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
    except csv.Error as error:
        raise FileError(
            "The file cannot be read as a table.",
            where=f"{where}, line {reader.line_num}",
            expected="rows of delimited text",
            received=str(error),
            help="Look for an unclosed quote.",
        ) from None
    return pl.DataFrame({f"column_{i}": cells for i, cells in enumerate(zip(*rows, strict=True))})


def _even(text: str, delimiter: str) -> bool:
    data = np.frombuffer(text.encode(), np.uint8)
    ends = np.append(np.flatnonzero(data == ord("\n")), len(data))
    cuts = np.searchsorted(np.flatnonzero(data == ord(delimiter)), ends)
    filled = np.diff(ends, prepend=-1) > 1
    counts = np.diff(cuts, prepend=0)[filled]
    return bool(counts.size) and bool((counts == counts[0]).all())


def _has_header(first: list[str | None], body: pl.DataFrame) -> bool:
    """A first row names the columns when it is text where the column below is numbers, or new words above old ones."""
    if body.height == 0:
        return not any(is_value(cell) for cell in first)
    named = valued = 0
    for cell, column in zip(first, body.head(200).get_columns(), strict=True):
        below = [v.strip() for v in column.to_list() if v is not None and v.strip() not in (*MISSING, "-")]
        if not below or cell in MISSING or cell is None:
            continue
        if sum(is_value(v) for v in below) >= 0.9 * len(below):
            named, valued = (named, valued + 1) if is_value(cell) else (named + 1, valued)
    if named and valued:
        numbers = [int(cell) for cell in first if cell and cell.isdigit()]
        # Pixels and other numbered columns: "label,0,1,2,…".
        return named >= valued or (len(numbers) == valued and bool(np.all(np.diff(numbers) == 1)))
    if named or valued:
        return named > 0
    again = (cell in set(column.to_list()) for cell, column in zip(first, body.get_columns(), strict=True))
    return len(set(first)) == len(first) and not any(again)
