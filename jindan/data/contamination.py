"""What spoils an evaluation: rows in two parts, columns that give the target away, time series that were shuffled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jindan.data.columns import Column, as_numbers
from jindan.data.dates import parse_dates
from jindan.data.lazy import pl
from jindan.data.task import infer_task
from jindan.errors import InputError, ShapeError

if TYPE_CHECKING:
    import polars

MIN_ROWS = 20
"""Fewer rows than that say nothing about leaks or time."""
PURITY = 0.999
"""Share of rows whose target the column determines, from which on it gives the target away."""
ROWS_PER_VALUE = 5
"""A value of fewer rows than that proves nothing: a name determines everything."""


@dataclass(frozen=True)
class Duplicates:
    """How many rows of `b` are also in `a`: equal in all values, or near; pairs are (row of a, row of b)."""

    rows_a: int
    rows_b: int
    exact: int
    near: int
    exact_pairs: tuple[tuple[int, int], ...]
    near_pairs: tuple[tuple[int, int], ...]
    complete: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return asdict(self)


def duplicate_rows(
    a: Any, b: Any, *, near: bool = True, tolerance: float = 0.01, max_pairs: int = 500_000, examples: int = 10
) -> Duplicates:
    """Rows of `b` (test) that are also in `a` (train).

    Near means a root mean square difference of at most `tolerance` standard deviations of `a`; text must be equal.
    Near rows are looked for along the direction of most variance, where near rows must be neighbours.

    Args:
        a: Rows: array (n, …), or frame. Of frames, the columns they share are compared.
        b: Rows with the same columns.
        near: Whether to look for near rows.
        tolerance: See above.
        max_pairs: Bound of the cost: so many pairs are compared at most; `complete` says whether that was enough.
        examples: How many pairs to return.

    >>> found = duplicate_rows(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[3.0, 4.0], [9.0, 9.0]]))
    >>> found.exact, found.exact_pairs
    (1, ((1, 0),))
    """
    x, y, numeric = _matrices(a, b)
    where: dict[bytes, int] = {}
    for i, key in enumerate(_keys(x)):
        where.setdefault(key, i)
    matches = [where.get(key, -1) for key in _keys(y)]
    exact = [(i, j) for j, i in enumerate(matches) if i >= 0]
    rest = np.flatnonzero(np.array(matches) < 0) if matches else np.empty(0, np.intp)
    close, complete = (
        _near(x, y[rest], numeric, tolerance, max_pairs) if near and numeric.any() and len(x) else ([], True)
    )
    pairs = [(i, int(rest[j])) for i, j in close]
    return Duplicates(
        len(x), len(y), len(exact), len(pairs), tuple(exact[:examples]), tuple(pairs[:examples]), complete
    )


def repeated_rows(frame: polars.DataFrame) -> int:
    """Number of rows that are a copy of an earlier one.

    >>> repeated_rows(pl.DataFrame({"x": [1, 1, 2, 1]}))
    2
    """
    return int(frame.height - frame.n_unique()) if frame.width else 0


def leaking_columns(frame: polars.DataFrame, target: str, task: str = "auto") -> list[dict[str, Any]]:
    """Columns that give the target away by themselves; `task` as for `infer_task`.

    - `mapping`: each value of the column goes with one class in 99.9 % of the rows (for a number as target: the values
      explain 99.9 % of its variance), where values with fewer than five rows do not count and may not hold more than
      a twentieth of the rows.
    - `correlation`: |Pearson's r| with a numeric target above 0.999. Not asked of a table's only feature.

    Each entry: column, kind, strength, values (different ones), rows, mapping ("one-to-one" or "many-to-one").

    >>> y = [0, 1] * 20
    >>> frame = pl.DataFrame({"y": y, "x": list(range(40)), "alive": ["no", "yes"] * 20})
    >>> [entry["column"] for entry in leaking_columns(frame, "y")]
    ['alive']
    """
    if target not in frame.columns:
        raise InputError("The target is not a column of the table.", expected=", ".join(frame.columns), received=target)
    frame = frame.filter(pl.col(target).is_not_null())
    if frame.height < MIN_ROWS or frame[target].n_unique() < 2:
        return []
    try:
        regression = infer_task(frame[target], task).kind == "regression"
    except InputError:
        return []
    y = as_numbers(frame[target]).to_numpy() if regression else _coded(frame[target])
    others = [name for name in frame.columns if name != target]
    found = []
    for name in others:
        present = frame[name].is_not_null().to_numpy()
        if present.sum() < MIN_ROWS:
            continue
        entry = _mapping(frame[name].filter(pl.Series(present)), y[present], regression)
        if entry is None and regression and len(others) > 1 and frame[name].dtype.is_numeric():
            entry = _correlation(as_numbers(frame[name]).to_numpy()[present], y[present])
        if entry is not None:
            found.append({"column": name, "rows": int(present.sum()), **entry})
    return found


def looks_like_time_series(
    frame: polars.DataFrame, columns: Sequence[Column], target: str | None = None
) -> dict[str, Any] | None:
    """Whether the rows are one series in time: a date column that ascends in even steps, and a target that goes on.

    Steps are even when nine in ten lie within 15 % of their median (months have 28 to 31 days). A numeric target must
    have an autocorrelation of neighbours above 2 / √n, the limit for independent rows.

    Returns:
        column, rows, step_days, regular (share of even steps), autocorrelation (None without a numeric target), or
        None.
    """
    for column in columns:
        if column.kind != "date" or column.missing or column.name == target or frame.height < MIN_ROWS:
            continue
        stamps = parse_dates(frame[column.name], column.format or "").cast(pl.Int64).to_numpy() / 86_400_000_000
        steps = np.diff(stamps)
        if not (steps > 0).all():
            continue
        median = float(np.median(steps))
        regular = float((np.abs(steps - median) <= 0.15 * median).mean())
        if regular < 0.9:
            continue
        correlation = _autocorrelation(frame[target]) if target is not None else None
        if correlation is not None and abs(correlation) <= 2 / np.sqrt(frame.height):
            continue
        return {
            "column": column.name,
            "rows": frame.height,
            "step_days": median,
            "regular": regular,
            "autocorrelation": correlation,
        }
    return None


def _mapping(series: polars.Series, y: NDArray[Any], regression: bool) -> dict[str, Any] | None:
    codes = _coded(series)
    counts = np.bincount(codes)
    enough = counts >= ROWS_PER_VALUE
    if (counts > 0).sum() < 2 or enough.sum() < 2 or counts[enough].sum() < 0.95 * len(y):
        return None
    rows = enough[codes]
    codes, y = codes[rows], y[rows]
    values = int(enough.sum())
    if regression:
        sums = np.bincount(codes, weights=y)
        means = np.divide(sums, np.bincount(codes), out=np.zeros(len(sums)), where=np.bincount(codes) > 0)
        total = float(((y - y.mean()) ** 2).sum())
        if total == 0:
            return None
        strength = 1 - float(((y - means[codes]) ** 2).sum()) / total
        goals = len(np.unique(y))
        if values < MIN_ROWS and values < goals:
            return None
    else:
        table = np.zeros((codes.max() + 1, int(y.max()) + 1), np.int64)
        np.add.at(table, (codes, y.astype(np.intp)), 1)
        strength = float(table.max(axis=1).sum() / len(y))
        goals = int((table.sum(axis=0) > 0).sum())
        if goals < 2 or len(y) - table.sum(axis=0).max() < ROWS_PER_VALUE:
            return None
    if strength < PURITY:
        return None
    kind = "one-to-one" if values == goals else "many-to-one"
    return {"kind": "mapping", "strength": strength, "values": values, "mapping": kind}


def _correlation(x: NDArray[Any], y: NDArray[Any]) -> dict[str, Any] | None:
    good = np.isfinite(x) & np.isfinite(y)
    x, y = x[good], y[good]
    if len(x) < MIN_ROWS or x.std() == 0 or y.std() == 0:
        return None
    r = float(np.corrcoef(x, y)[0, 1])
    if not abs(r) > PURITY:
        return None
    return {"kind": "correlation", "strength": abs(r), "values": len(np.unique(x)), "mapping": "linear"}


def _autocorrelation(series: polars.Series) -> float | None:
    if not series.dtype.is_numeric():
        return None
    y = as_numbers(series).to_numpy()
    y = y[np.isfinite(y)]
    if len(y) < MIN_ROWS or y.std() == 0:
        return None
    y = (y - y.mean()) / y.std()
    return float((y[1:] * y[:-1]).mean())


def _coded(series: polars.Series) -> NDArray[np.intp]:
    codes = series.rank("dense") if series.dtype != pl.Boolean else series.cast(pl.Int8).rank("dense")
    return codes.cast(pl.Int64).to_numpy().astype(np.intp) - 1


def _matrices(a: Any, b: Any) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Both as float64, text as codes, and which columns are numbers."""
    if hasattr(a, "get_columns") and hasattr(b, "get_columns"):
        names = [name for name in a.columns if name in b.columns]
        if not names:
            raise InputError(
                "The tables share no column.", expected=", ".join(a.columns), received=", ".join(b.columns)
            )
        left, right, numeric = [], [], []
        for name in names:
            number = a[name].dtype.is_numeric() and b[name].dtype.is_numeric()
            if number:
                both = np.concatenate([as_numbers(a[name]).to_numpy(), as_numbers(b[name]).to_numpy()])
            else:
                text = pl.concat([a[name].cast(pl.String), b[name].cast(pl.String)]).fill_null("")
                both = text.rank("dense").cast(pl.Float64).to_numpy()
            left.append(both[: a.height])
            right.append(both[a.height :])
            numeric.append(number)
        return np.stack(left, 1), np.stack(right, 1), np.array(numeric)
    x, y = (np.asarray(m, np.float64).reshape(len(m), -1) for m in (a, b))
    if x.shape[1] != y.shape[1]:
        raise ShapeError("The two parts have different columns.", expected=x.shape[1], received=y.shape[1])
    return x, y, np.ones(x.shape[1], bool)


def _keys(matrix: NDArray[np.float64]) -> list[bytes]:
    # One bit pattern for NaN and for zero.
    clean = np.ascontiguousarray(np.where(np.isnan(matrix), np.nan, matrix + 0.0))
    return [row.tobytes() for row in clean]


def _near(
    x: NDArray[np.float64], y: NDArray[np.float64], numeric: NDArray[np.bool_], tolerance: float, max_pairs: int
) -> tuple[list[tuple[int, int]], bool]:
    with np.errstate(all="ignore"):
        scale = np.nanstd(x, axis=0)
        centre = np.nanmean(x, axis=0)
    # Different text lies a whole unit or more apart, which no tolerance below 1 bridges.
    scale = np.where(numeric & np.isfinite(scale) & (scale > 0), scale, 1.0)
    centre = np.where(numeric & np.isfinite(centre), centre, 0.0)
    x, y = (np.nan_to_num((m - centre) / scale, nan=-9.0, posinf=1e6, neginf=-1e6) for m in (x, y))
    x, y = (np.where(numeric, m, m * 1e3) for m in (x, y))
    if not len(y):
        return [], True
    radius = tolerance * np.sqrt(numeric.sum())
    direction = _main_direction(x[:, numeric])
    px, py = x[:, numeric] @ direction, y[:, numeric] @ direction
    order = np.argsort(px)
    low = np.searchsorted(px[order], py - radius)
    high = np.searchsorted(px[order], py + radius, side="right")
    budget, found, complete = max_pairs, [], True
    for j in range(len(y)):
        rows = order[low[j] : high[j]]
        if len(rows) > budget:
            rows, complete = rows[:budget], False
        budget -= len(rows)
        if not len(rows):
            continue
        distance = ((x[rows] - y[j]) ** 2).sum(axis=1)
        best = int(distance.argmin())
        if distance[best] <= radius**2:
            found.append((int(rows[best]), j))
    return found, complete


def _main_direction(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vector of about the most variance, by a few power iterations on at most 2,000 rows."""
    sample = x[:: max(1, len(x) // 2000)]
    vector: Any = np.random.default_rng(0).normal(size=x.shape[1])
    for _ in range(10):
        vector = vector / max(float(np.linalg.norm(vector)), 1e-300)
        step = sample.T @ (sample @ vector)
        if not np.linalg.norm(step) > 0:
            break
        vector = step
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-300))
