"""Delimited text: bytes to text, the delimiter, the header, typed columns."""

from __future__ import annotations

import csv

from jindan.data.cells import clean_text, decimal_marks, is_value, plain_numbers, spelled, type_column
from jindan.data.delimited_rows import ONE_COLUMN, read_cells
from jindan.data.headers import Known, has_header
from jindan.data.lazy import pl
from jindan.errors import FileError, InputError

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

    Where several do, the one whose fields are numbers and dates (1,5;2,5), then the one that gives more of them.

    >>> sniff_delimiter("a;b\\n1,5;2,5\\n"), sniff_delimiter("height\\n170\\n")
    (';', '')
    """
    lines = [line for line in text[:65536].splitlines()[:100] if line.strip()]
    if len(text) > 65536 and len(lines) > 1:
        lines = lines[:-1]
    best, best_score = "", (0.0, 0.0, 0)
    for delimiter in _DELIMITERS:
        rows = [row for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True) if row]
        widths = [len(row) for row in rows]
        if not widths:
            continue
        common = max(set(widths), key=widths.count)
        share = widths.count(common) / len(widths)
        values = sum(is_value(cell) for row in rows for cell in row) / sum(widths) if share == 1 else 0.0
        score = (share, values, common)
        # A ragged file should be read by its first line's delimiter and then be named ragged.
        if common > 1 and score > best_score:
            best, best_score = delimiter, score
        elif not best and widths[0] > 1:
            best = delimiter
    return best


def parse(
    text: str, where: str, header: bool | None, known: Known | None = None
) -> tuple[pl.DataFrame, bool, tuple[bool | None, bool], dict[str, tuple[str, str]]]:
    """A typed frame of delimited text, whether its first row named the columns, its `decimal_marks`, its flags' words.

    Args:
        text: The text.
        where: What messages call it.
        header: Whether the first row names the columns; None looks.
        known: What is known of the columns.

    Raises:
        FileError: nothing but white space, or a header and no rows.
        InputError: rows of unequal length, or two columns of one name.

    >>> frame, named, *_ = parse("a,b\\n1,x\\n?,y\\n", "t.csv", None)
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
    # One column may hold commas.
    raw = _without_end(read_cells(text, delimiter or ONE_COLUMN, where))
    known = known or Known()
    top = _first_filled(raw)
    first = [None if v is None else str(v).strip() for v in raw.row(top)]
    body = raw.slice(top + 1)
    if header is None:
        named = known.heads(first) or (known.header is not False and has_header(first, body))
    else:
        named = header
    if named:
        if body.height == 0:
            raise FileError(
                "The file has a header and no rows.",
                where=where,
                expected="at least one row of values below the header",
                received=f"1 line: {', '.join(v or '' for v in first)[:120]}",
                help="Add rows."
                if known.columns
                else "Add rows, or say that the first line is a row: header=False (--no-header).",
            )
        names = [name or f"column_{i}" for i, name in enumerate(first)]
        check_names(names, where, bool(known.columns))
        raw = body
    else:
        names = known.names(raw.width)
    marks = decimal_marks(raw, delimiter, known.marks)
    frame = pl.DataFrame(_typed(raw, names, marks, frozenset(known.texts)))
    flags = {name: spelled(raw.to_series(i)) for i, name in enumerate(names) if frame.schema[name] == pl.Boolean}
    return frame, named, marks, {name: words for name, words in flags.items() if words is not None}


def check_names(names: list[str], where: str, named: bool = True) -> None:
    """Raise InputError where two columns share a name; unless they are `named` for sure, the line may be a row."""
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1] if len(set(names)) < len(names) else []
    if twice:
        positions = [i for i, name in enumerate(names) if name == twice[0]]
        raise InputError(
            "Two columns have the same name.",
            where=where,
            expected="a different name for every column",
            received=f"{twice[0]!r} at positions {', '.join(map(str, positions))}",
            help="Rename one of them."
            if named
            else "Rename one of them, or say that the first line is a row: header=False (--no-header).",
        )


def _typed(
    raw: pl.DataFrame, names: list[str], marks: tuple[bool | None, bool], texts: frozenset[str]
) -> list[pl.Series]:
    comma, dotted = marks
    columns = []
    for i, (name, plain) in enumerate(zip(names, plain_numbers(raw, dotted_thousands=dotted), strict=True)):
        if name in texts:
            column = clean_text(raw.to_series(i))
        elif plain is not None:
            column = plain
        else:
            column = type_column(raw.to_series(i), decimal_comma=comma, dotted_thousands=dotted)
        columns.append(column.alias(name))
    return columns


def _without_end(raw: pl.DataFrame) -> pl.DataFrame:
    """Without the rows of empty cells that sheets end with."""
    last = raw.height
    while last > 1 and not any(cell is not None and cell.strip() for cell in raw.row(last - 1)):
        last -= 1
    return raw.head(last)


def _first_filled(raw: pl.DataFrame) -> int:
    """The first row that is not all empty: sheets may begin with such."""
    filled = (i for i, row in enumerate(raw.iter_rows()) if any(cell is not None and cell.strip() for cell in row))
    return next(filled, 0)


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
