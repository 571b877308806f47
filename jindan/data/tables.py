"""Tables: a file, a frame, a dict or a matrix becomes one `Table`; columns are found by name or position."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jindan.data.cells import clean_text, type_column
from jindan.data.delimited import check_names, decode, parse
from jindan.data.headers import Known, numbered_names
from jindan.data.lazy import pl
from jindan.errors import FileError, InputError, UnknownNameError, suggestion

if TYPE_CHECKING:
    import polars

_TEXT = (".csv", ".tsv", ".txt", ".data", ".dat", ".tab", "")


@dataclass(frozen=True)
class Table:
    """Rows and named columns with where they came from, and how their marks and flags were written.

    >>> table = read_table({"x": [1, 2], "y": ["a", "b"]})
    >>> table.columns, table.height
    (('x', 'y'), 2)
    """

    frame: polars.DataFrame
    name: str
    path: str | None = None
    has_header: bool = True
    marks: tuple[bool | None, bool] | None = None
    flags: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self.frame.columns)

    @property
    def height(self) -> int:
        """Number of rows."""
        return int(self.frame.height)


def read_table(
    source: Any, *, header: bool | None = None, name: str | None = None, known: Known | None = None
) -> Table:
    """Read a table. Text loses white space at its ends, and marks of no value ("", NA, #N/A, …) become missing.

    Args:
        source: Path of a .csv, .tsv, .txt, .data (also .gz) or .parquet file, a Polars or pandas frame, a dict of
            columns, or a 2-D NumPy array. Delimiter and encoding (UTF-8, cp949, …) are found out.
        header: Whether the first line names the columns; None looks at the values. Without one the columns are
            `column_0`, `column_1`, …
        name: What to call the table; the file's stem when None.
        known: What is known of a file's columns, for rows that go to a trained model.

    Raises:
        FileError: missing, empty, binary or unsupported file, or a header without rows.
        InputError: ragged rows, two columns of one name, an array that is not 2-D.

    >>> read_table(np.eye(2)).frame.columns
    ['column_0', 'column_1']
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, str | Path):
        return _read_file(Path(source).expanduser(), header, name, known)
    frame, has_header = _from_memory(source)
    if frame.width == 0 or frame.height == 0:
        raise InputError(
            "The table is empty.",
            where=name or "the given table",
            expected="at least one row and one column",
            received=f"{frame.height} rows, {frame.width} columns",
            help="Give the rows to learn from.",
        )
    return Table(_normalise(frame), name or "table", None, has_header)


def resolve_column(table: Table, key: str | int) -> str:
    """Name of the column that `key` means: a name, or a position such as 0 or "-1" that no column bears as name.

    Raises:
        UnknownNameError: no column of that name; suggests the nearest.
        InputError: a position out of range.

    >>> table = read_table({"height": [1.0], "weight": [2.0]})
    >>> resolve_column(table, "weight"), resolve_column(table, "-1"), resolve_column(table, 0)
    ('weight', 'weight', 'height')
    """
    names = table.columns
    if isinstance(key, str) and key in names:
        return key
    try:
        position = int(key)
    except ValueError:
        stripped = [n for n in names if n.strip() == str(key).strip()]
        if len(stripped) == 1:
            return stripped[0]
        raise UnknownNameError("column", key, names, where=table.name) from None
    if str(position) in names:
        return str(position)
    if not -len(names) <= position < len(names):
        raise InputError(
            "There is no column at that position.",
            where=table.name,
            expected=f"a position from {-len(names)} to {len(names) - 1}, or a name",
            received=key,
            help=f"The columns are: {', '.join(names[:20])}{', …' if len(names) > 20 else ''}.",
        )
    return names[position]


def _read_file(path: Path, header: bool | None, name: str | None, known: Known | None) -> Table:
    _check_path(path)
    suffixes = [s.lower() for s in path.suffixes]
    zipped = bool(suffixes) and suffixes[-1] == ".gz"
    suffix = (suffixes[-2] if len(suffixes) > 1 else "") if zipped else (suffixes[-1] if suffixes else "")
    stem = name or path.name.removesuffix(path.suffix if not zipped else "".join(path.suffixes[-2:])) or path.name
    if suffix == ".parquet":
        try:
            frame = pl.read_parquet(path)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise FileError(
                "The Parquet file cannot be read.",
                where=path,
                expected="a Parquet file",
                received=str(error).splitlines()[0][:200],
                help="Write it again, or give a CSV.",
            ) from None
        if frame.height == 0 or frame.width == 0:
            raise FileError("The file has no rows.", where=path, expected="at least one row", received="0 rows")
        return Table(_normalise(frame), stem, str(path))
    # A suffix of digits ("data.2020") is part of the name.
    if suffix not in _TEXT and not suffix[1:].isdigit():
        excel = suffix in (".xlsx", ".xls", ".ods")
        raise FileError(
            f"Files of type {suffix} cannot be read.",
            where=path,
            expected=".csv, .tsv, .txt, .data (also with .gz) or .parquet",
            received=path.name,
            help="Save the sheet as CSV first." if excel else "Convert the table to CSV or Parquet.",
        )
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise FileError(
                "The compressed file is damaged.",
                where=path,
                expected="a complete .gz file",
                received=str(error),
                help="Download or compress it again.",
            ) from None
    frame, named, marks, flags = parse(decode(data, str(path)), str(path), header, known)
    return Table(frame, stem, str(path), named, marks, flags)


def _check_path(path: Path) -> None:
    if path.is_dir():
        tables = sorted(p.name for p in path.iterdir() if p.suffix.lower() in (".csv", ".tsv", ".parquet"))
        raise FileError(
            "A folder was given where a file is needed.",
            where=path,
            expected="the path of one file",
            received="a folder",
            help=f"It holds: {', '.join(tables[:10])}." if tables else "It holds no .csv, .tsv or .parquet file.",
        )
    if path.exists():
        return
    folder = path.parent
    near = suggestion(path.name, [p.name for p in folder.iterdir()]) if folder.is_dir() else None
    raise FileError(
        "The file does not exist.",
        where=path,
        expected="the path of a table",
        received=str(path),
        help=near or (f"Look at the folder: {folder}." if folder.is_dir() else f"There is no folder {folder} either."),
    )


def _from_memory(source: Any) -> tuple[polars.DataFrame, bool]:
    module = type(source).__module__.split(".")[0]
    if module == "polars" and hasattr(source, "collect"):
        source = source.collect()
    if module == "polars" and hasattr(source, "get_columns"):
        return source, True
    if module == "pandas" and hasattr(source, "columns"):
        return _from_pandas(source), True
    if isinstance(source, Mapping):
        lengths = {
            str(k): len(v) if hasattr(v, "__len__") and not isinstance(v, str) else -1 for k, v in source.items()
        }
        if len(set(lengths.values())) > 1 or -1 in lengths.values():
            raise InputError(
                "The columns have different lengths.",
                where="the dict of columns",
                expected="sequences of one length",
                received=", ".join(f"{k}: {v if v >= 0 else 'no sequence'}" for k, v in list(lengths.items())[:10]),
                help="Give every column one value per row.",
            )
        return pl.DataFrame([_series(str(k), v) for k, v in source.items()]), True
    array = np.asarray(source)
    if array.ndim != 2:
        raise InputError(
            "A table needs rows and columns.",
            where="the given array",
            expected="a 2-D array, a frame, a dict of columns or a path",
            received=f"{type(source).__name__} of shape {array.shape}",
            help="Reshape it to (rows, columns).",
        )
    names = numbered_names(array.shape[1])
    return pl.DataFrame([_series(name, array[:, i]) for i, name in enumerate(names)]), False


def _from_pandas(source: Any) -> polars.DataFrame:
    names = [str(c) for c in source.columns]
    check_names(names, "the pandas frame")
    columns = []
    for i, column_name in enumerate(names):
        column = source.iloc[:, i]
        if column.dtype.kind in "iufbM" and type(column.dtype).__module__.startswith("numpy"):
            columns.append(pl.Series(column_name, column.to_numpy()))
        else:
            missing = column.isna().to_numpy()
            values = [None if m else v for m, v in zip(missing, column.tolist(), strict=True)]
            columns.append(_series(column_name, values))
    return pl.DataFrame(columns)


def _series(name: str, values: Any) -> polars.Series:
    if type(values).__module__.split(".")[0] == "polars":
        return values.alias(name)
    if isinstance(values, np.ndarray) and values.dtype.kind in "US":
        return type_column(pl.Series(name, values.astype(str).tolist(), dtype=pl.String)).alias(name)
    if isinstance(values, np.ndarray) and values.dtype.kind not in "O" and values.ndim == 1:
        return pl.Series(name, values.astype(np.float32) if values.dtype == np.float16 else values)
    values = [v.item() if isinstance(v, np.generic) else v for v in values]
    kinds = {type(v) for v in values if v is not None}
    if str in kinds and len(kinds) > 1:
        return pl.Series(name, [None if v is None or v != v else str(v) for v in values], dtype=pl.String)
    return pl.Series(name, values, strict=False)


def _normalise(frame: polars.DataFrame) -> polars.DataFrame:
    """One kind of missing (null), text cleaned like a file's, and only number, boolean, text and date columns."""
    columns = []
    for series in frame.get_columns():
        dtype = series.dtype
        if dtype.is_float():
            series = series.fill_nan(None)
        elif dtype.is_decimal():
            series = series.cast(pl.Float64)
        elif dtype in (pl.Categorical, pl.Enum, pl.String):
            series = clean_text(series)
        elif dtype == pl.Duration:
            series = series.dt.total_microseconds() / 1e6
        elif dtype == pl.Time:
            series = series.cast(pl.Int64) / 1e9
        elif not (dtype.is_integer() or dtype.is_temporal() or dtype in (pl.Boolean, pl.Null)):
            series = clean_text(
                pl.Series(series.name, [None if v is None else str(v) for v in series], dtype=pl.String)
            )
        columns.append(series)
    return pl.DataFrame(columns)
