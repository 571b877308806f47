"""Looking at a table before training: `look` gathers plain numbers, `Look.notes` says what is remarkable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jindan.data.association import correlation_ratio, cramers_v, pearson
from jindan.data.columns import MOSTLY, Column, as_booleans, as_numbers, infer_columns
from jindan.data.contamination import leaking_columns, looks_like_time_series, repeated_rows
from jindan.data.encoders import as_categories
from jindan.data.lazy import pl
from jindan.data.look_words import sentence
from jindan.data.tables import read_table, resolve_column
from jindan.data.task import infer_task
from jindan.errors import InputError

if TYPE_CHECKING:
    import polars

MAX_CORRELATIONS = 50
"""Numeric columns in the matrix of correlations."""
_MAX_GROUPS = 20


@dataclass(frozen=True)
class Look:
    """A table in plain numbers; see `to_dict`. Numbers that do not exist are None.

    `histograms`: column → edges, counts. `correlations`: columns, matrix. `target`: name, task, classes, and class
    counts or a histogram. `associations`: column, measure, value, strongest first. `by_target`: for each feature its
    mean by class, or the target's mean by category. `remarks`: (code, parameters) behind `notes`.
    """

    name: str
    rows: int
    columns: tuple[Column, ...]
    memory_bytes: int
    duplicate_rows: int
    missing: dict[str, int]
    histograms: dict[str, dict[str, list[float]]]
    correlations: dict[str, Any]
    target: dict[str, Any] | None = None
    associations: tuple[dict[str, Any], ...] = ()
    by_target: dict[str, dict[str, Any]] = field(default_factory=dict)
    leaking: tuple[dict[str, Any], ...] = ()
    time_series: dict[str, Any] | None = None
    remarks: tuple[tuple[str, dict[str, Any]], ...] = ()

    def notes(self, lang: str = "en") -> list[str]:
        """What is remarkable, one sentence each, in English ("en") or Korean ("ko").

        >>> look({"x": [1, 2, 3, 4], "k": [7, 7, 7, 7]}).notes()[:1]
        ['Column `k` holds one value only and will be left out.']
        """
        return [sentence(code, values, lang) for code, values in self.remarks]

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        state = {name: getattr(self, name) for name in self.__dataclass_fields__}
        state["columns"] = [c.to_dict() for c in self.columns]
        state["remarks"] = [{"code": code, **values} for code, values in self.remarks]
        return {k: list(v) if isinstance(v, tuple) else v for k, v in state.items()}


def look(
    source: Any, target: str | int | None = None, *, header: bool | None = None, folder: str | Path | None = None,
    task: str = "auto",
) -> Look:  # fmt: skip
    """Look at a table: types, distributions, missing values, correlations, and each feature beside the target.

    Args:
        source: Whatever `read_table` takes.
        target: Name or position of the column to predict.
        header: As for `read_table`.
        folder: What relative paths of images count from; that of the file unless given.
        task: What the target is, as for `infer_task`.

    Raises:
        InputError: see `read_table` and `resolve_column`.

    >>> seen = look({"x": [1.0, 2.0, 3.0, 4.0], "y": ["a", "a", "b", "b"]}, target="y")
    >>> seen.target["counts"], seen.by_target["x"]["mean"]
    ([2, 2], [1.5, 3.5])
    """
    table = read_table(source, header=header)
    frame = table.frame
    goal = resolve_column(table, target) if target is not None else None
    if folder is None and table.path:
        folder = Path(table.path).parent
    columns = infer_columns(frame, target=goal, folder=folder)
    numeric = [c.name for c in columns if c.kind == "numeric"]
    seen: dict[str, Any] = {
        "name": table.name,
        "rows": frame.height,
        "columns": columns,
        "memory_bytes": int(frame.estimated_size()),
        "duplicate_rows": repeated_rows(frame),
        "missing": {c.name: c.missing for c in columns if c.missing},
        "histograms": {name: histogram(as_numbers(frame[name]).to_numpy()) for name in numeric},
        "correlations": _correlations(frame, numeric),
    }
    if goal is not None:
        seen |= _beside_target(frame, columns, goal, task)
    seen["time_series"] = looks_like_time_series(frame, columns, goal)
    return Look(**seen, remarks=tuple(_remarks(seen)))


def histogram(values: np.ndarray, bins: int = 20) -> dict[str, list[float]]:
    """Edges (k + 1) and counts (k) of the finite values; whole numbers get bins of whole width.

    >>> histogram(np.array([1.0, 2.0, 2.0, np.nan]))
    {'edges': [0.5, 1.5, 2.5], 'counts': [1, 2]}
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return {"edges": [], "counts": []}
    low, high = float(finite.min()), float(finite.max())
    whole = bool(np.all(finite == np.round(finite)))
    if whole and high - low < bins:
        edges = np.arange(low - 0.5, high + 1.0)
    elif low == high or not np.isfinite(high - low):
        edges = np.array([low, np.nextafter(high, np.inf)]) if low == high else np.array([low, 0.0, high])
    else:
        edges = np.linspace(low, high, bins + 1)
        edges = edges if np.all(np.diff(edges) > 0) else np.array([low, high])
    counts, _ = np.histogram(finite, edges)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def _correlations(frame: polars.DataFrame, numeric: list[str]) -> dict[str, Any]:
    names = numeric[:MAX_CORRELATIONS]
    values = [as_numbers(frame[name]).to_numpy() for name in names]
    matrix: list[list[float | None]] = [[None] * len(names) for _ in names]
    for i in range(len(names)):
        for j in range(i + 1):
            matrix[i][j] = matrix[j][i] = pearson(values[i], values[j])
    return {"columns": names, "matrix": matrix, "left_out": len(numeric) - len(names)}


def _beside_target(frame: polars.DataFrame, columns: tuple[Column, ...], goal: str, asked: str) -> dict[str, Any]:
    rows = frame.filter(pl.col(goal).is_not_null())
    try:
        task = infer_task(rows[goal], asked)
    except InputError as error:
        return {"target": {"name": goal, "task": None, "problem": error.what, "missing": frame.height - rows.height}}
    about: dict[str, Any] = {"name": goal, "task": task.kind, "missing": frame.height - rows.height}
    about |= {"reason_en": task.reason_en, "reason_ko": task.reason_ko}
    if task.kind == "regression":
        y = as_numbers(rows[goal]).to_numpy()
        about["histogram"] = histogram(y)
    else:
        text = as_categories(rows[goal]).to_list()
        labels = [str(as_categories(pl.Series([c]))[0]) for c in task.classes]
        place = {label: i for i, label in enumerate(labels)}
        y = np.array([place[v] for v in text], np.intp)
        counts = np.bincount(y, minlength=len(labels))
        about |= {"classes": list(task.classes), "counts": counts.tolist(), "shares": (counts / counts.sum()).tolist()}
    ranked, by_target = [], {}
    for column in columns:
        if column.name == goal or not column.usable or column.kind == "date":
            continue
        measure, value, table = _association(rows[column.name], column, y, task.kind == "regression")
        ranked.append({"column": column.name, "measure": measure, "value": value})
        by_target[column.name] = table
    ranked.sort(key=lambda entry: -(entry["value"] if entry["value"] is not None else -1.0))
    leaking = tuple(leaking_columns(frame, goal, asked))
    return {"target": about, "associations": tuple(ranked), "by_target": by_target, "leaking": leaking}


def _association(
    series: polars.Series, column: Column, y: np.ndarray, regression: bool
) -> tuple[str, Any, dict[str, Any]]:
    """Measure, value, and the table of means (numeric feature by class, numeric target by category) or of shares."""
    if column.kind == "numeric":
        x = as_numbers(series).to_numpy()
        if regression:
            r = pearson(x, y)
            return "|pearson|", None if r is None else abs(r), {}
        means = [_mean(x[y == k]) for k in range(int(y.max()) + 1)]
        return "correlation-ratio", correlation_ratio(y, x), {"mean": means}
    text = (as_booleans(series).cast(pl.String) if column.kind == "boolean" else as_categories(series)).fill_null(
        "missing"
    )
    codes = text.rank("dense").cast(pl.Int64).to_numpy().astype(np.intp) - 1
    labels = sorted(text.unique().to_list())
    top = np.argsort(-np.bincount(codes), kind="stable")[:_MAX_GROUPS]
    table: dict[str, Any] = {"category": [labels[i] for i in top], "count": np.bincount(codes)[top].tolist()}
    if regression:
        return (
            "correlation-ratio",
            correlation_ratio(codes, y, corrected=True),
            table | {"mean": [_mean(y[codes == i]) for i in top]},
        )
    k = int(y.max()) + 1
    shares = [(np.bincount(y[codes == i], minlength=k) / (codes == i).sum()).tolist() for i in top]
    return "cramers-v", cramers_v(codes, y), table | {"shares": shares}


def _mean(values: np.ndarray) -> float | None:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    unit = float(np.abs(finite).max()) or 1.0
    return float((finite / unit).mean() * unit) if unit > 1e100 else float(finite.mean())


def _remarks(seen: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    """(code, parameters), gravest first."""
    rows: int = seen["rows"]
    target: Any = seen.get("target")
    for entry in seen.get("leaking", ()):
        yield "leaking-column", {"column": entry["column"], "target": target["name"], "kind": entry["kind"]}
    if target:
        if target.get("problem"):
            yield "bad-target", {"column": target["name"], "problem": target["problem"]}
        if target["missing"]:
            yield "missing-target", {"column": target["name"], "count": target["missing"]}
        counts = target.get("counts", [])
        if counts and min(counts) / sum(counts) < 0.1 and max(counts) > 5 * min(counts):
            small = target["classes"][int(np.argmin(counts))]
            yield "rare-class", {"label": str(small), "count": int(min(counts)), "rows": sum(counts)}
    if seen["time_series"]:
        yield "time-series", {"column": seen["time_series"]["column"]}
    for c in seen["columns"]:
        if c.odd:
            few = c.odd[0] <= (1 - MOSTLY) * c.count
            values = dict(zip(("column", "count", "row", "value"), (c.name, *c.odd), strict=True))
            yield "mostly-numbers" if few else "numbers-and-marks", values
        if target and c.name == target["name"]:
            continue
        if c.kind in ("text", "image"):
            yield f"{c.kind}-column", {"column": c.name}
        elif not c.usable:
            yield f"dropped-{c.kind}", {"column": c.name}
        if c.n_infinite:
            yield "infinite-values", {"column": c.name, "count": c.n_infinite}
        if c.missing and c.kind != "empty" and c.missing > 0.2 * rows:
            yield "many-missing", {"column": c.name, "percent": round(100 * c.missing / rows)}
        if c.kind == "categorical" and c.unique > 50:
            yield "many-categories", {"column": c.name, "count": c.unique}
        if c.kind == "numeric" and c.skew is not None and abs(c.skew) > 3 and c.unique > 20:
            yield "skewed", {"column": c.name, "skew": round(c.skew, 1)}
    if seen["duplicate_rows"]:
        yield "duplicate-rows", {"count": seen["duplicate_rows"], "rows": rows}
    names, matrix = seen["correlations"]["columns"], seen["correlations"]["matrix"]
    for i in range(len(names)):
        for j in range(i):
            both = matrix[i][j]
            if both is not None and abs(both) > 0.95 and not (target and target["name"] in (names[i], names[j])):
                yield "correlated-pair", {"a": names[j], "b": names[i], "r": round(both, 3)}
    if seen["correlations"]["left_out"]:
        yield "wide-table", {"shown": len(names), "columns": len(names) + seen["correlations"]["left_out"]}
    if rows < 50:
        yield "few-rows", {"rows": rows}
