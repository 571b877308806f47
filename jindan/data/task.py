"""What is to be predicted: two classes, several classes, or a number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from jindan.data.cells import type_column
from jindan.data.columns import as_numbers
from jindan.data.dates import date_format
from jindan.data.lazy import pl
from jindan.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import polars

MOST_AMOUNTS = 20
"""Different numbers with a sign or unit ("$5", "10 kg") that may be classes; more are amounts."""
_SIGNS = "[$€£¥₩₹₽₺฿%]|USD|EUR|GBP|JPY|CNY|KRW|INR|CHF|CAD|AUD"
_AMOUNT = rf"^[+−-]?(({_SIGNS})\s*[+-]?\d[\d.,]*|\d[\d.,]*\s*({_SIGNS}|원|元|円|[a-zµ°]{{1,3}}[²³]?))$"

TASKS = ("auto", "binary", "multiclass", "regression")


@dataclass(frozen=True)
class Task:
    """The kind of prediction, the classes in their order (none for regression), and why it was chosen.

    `rare` are the classes with a single row; a split puts those in the training part.
    """

    kind: str
    classes: tuple[Any, ...]
    reason_en: str
    reason_ko: str
    rare: tuple[Any, ...] = ()

    @property
    def is_classification(self) -> bool:
        """Whether there are classes."""
        return self.kind != "regression"


def infer_task(series: polars.Series | np.ndarray | Sequence[Any], task: str = "auto") -> Task:
    """Tell the task from the target column; rows without a target are left out.

    - Strings and booleans are classes.
    - Numbers with a fractional part are regression, unless only two values occur in ten rows or more.
    - Integers are classes when there are at most 20 different ones and these are two, or at most 10 % of the rows,
      or 0 … k-1 or 1 … k with two rows each or more. Otherwise regression.

    Args:
        series: The target column.
        task: "auto", or the task the user names; it must be possible.

    Raises:
        InputError: a task that contradicts the column, one class only, no value at all, dates.

    >>> infer_task(["cat", "dog", "cat"]).kind, infer_task([1.5, 2.25, 9.0]).kind
    ('binary', 'regression')
    """
    if task not in TASKS:
        raise UnknownNameError("task", task, TASKS)
    values = as_series(series)
    where = f"target {values.name!r}" if values.name else "the target"
    present = values.drop_nulls()
    if present.len() == 0:
        raise InputError("The target column has no value.", where=where, expected="a class or number per row")
    if present.n_unique() == 1:
        raise InputError(
            "The target has one value only; there is nothing to learn.",
            where=where,
            expected="at least two different values",
            received=f"{present[0]!r} in all {present.len()} rows",
            help="Choose another target column, or add rows of the other classes.",
        )
    if present.dtype.is_temporal() or (present.dtype == pl.String and date_format(present) is not None):
        raise InputError(
            "Dates cannot be predicted.",
            where=where,
            expected="a column of classes or numbers",
            received=f"dates such as {present[0]}",
            help="Turn it into a number, for example days since a fixed date.",
        )
    if task in ("auto", "regression"):
        _refuse_amounts(present, MOST_AMOUNTS if task == "auto" else 0, where)
    kind, en, ko = _guess(present)
    if task != "auto":
        _check_possible(present, task, where)
        kind, en, ko = task, "The task was given.", "작업이 지정되었습니다."
    if kind == "regression":
        return Task(kind, (), en, ko)
    classes = sorted_classes(present)
    if kind != "regression" and classes_are_rows(present, classes):
        raise InputError(
            "Every row has a class of its own; there is nothing to learn.",
            where=where,
            expected="classes that occur in several rows",
            received=f"{len(classes)} classes in {present.len()} rows",
            help="Choose another target; this one looks like a name or an identifier.",
        )
    counts = {row[0]: row[1] for row in present.value_counts(name="rows").rows()}
    rare = tuple(c for c in classes if counts.get(c) == 1)
    return Task(kind, classes, en, ko, rare)


def as_series(values: Any) -> polars.Series:
    """A Polars series out of a series, array or list, NaN as missing.

    >>> as_series(np.array([1.0, np.nan])).to_list()
    [1.0, None]
    """
    if type(values).__module__.startswith("polars"):
        series = values
    elif type(values).__module__.startswith("pandas"):
        present = ~values.isna().to_numpy()
        plain = [v if ok else None for v, ok in zip(values.tolist(), present, strict=True)]
        series = pl.Series(str(values.name or ""), plain, strict=False)
    else:
        array = np.asarray(values)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1:
            raise InputError("A target is one column.", expected="a 1-D array", received=f"shape {array.shape}")
        series = pl.Series("", array.tolist(), strict=False)
    if series.dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    return series.fill_nan(None) if series.dtype.is_float() else series


def sorted_classes(series: polars.Series) -> tuple[Any, ...]:
    """Different values in order; text that reads as numbers in the order of the numbers.

    >>> sorted_classes(pl.Series(["10", "9", "9"]))
    ('9', '10')
    """
    values = series.drop_nulls().unique().to_list()
    if series.dtype == pl.String:
        numbers = as_numbers(pl.Series(values, dtype=pl.String)).to_list()
        if all(n is not None for n in numbers):
            return tuple(v for _, v in sorted(zip(numbers, values, strict=True)))
    if series.dtype.is_float() and all(float(v).is_integer() for v in values):
        return tuple(sorted(int(v) for v in values))
    return tuple(sorted(values))


def classes_are_rows(present: polars.Series, classes: tuple[Any, ...]) -> bool:
    """Whether the classes merely name the rows: more than twenty, and nine in ten rows have their own."""
    return len(classes) > 20 and len(classes) >= 0.9 * present.len()


def _guess(present: polars.Series) -> tuple[str, str, str]:
    n, k = present.len(), present.n_unique()
    if _is_text(present):
        kind = "binary" if k == 2 else "multiclass"
        return kind, f"The target holds {k} different texts.", f"목표 열에 서로 다른 문자열이 {k}개 있습니다."
    if present.dtype == pl.Boolean:
        return "binary", "The target holds true and false.", "목표 열이 참과 거짓으로 되어 있습니다."
    numbers = as_numbers(present).to_numpy()
    values = np.unique(numbers)
    whole = bool(np.all(np.isfinite(values)) and np.all(values == np.round(values)))
    if k == 2 and (whole or n >= 10):
        return "binary", "The target holds two different numbers.", "목표 열에 서로 다른 수가 두 개 있습니다."
    if not whole:
        return "regression", "The target holds numbers with fractions.", "목표 열이 소수가 있는 수로 되어 있습니다."
    run = (
        values[0] in (0, 1) and values[-1] - values[0] == k - 1 and np.unique(numbers, return_counts=True)[1].min() > 1
    )
    if k <= 20 and (k <= 0.1 * n or run):
        en = f"The target holds {k} different whole numbers in {n} rows."
        return "multiclass", en, f"목표 열에 {n}개 행에 걸쳐 서로 다른 정수가 {k}개 있습니다."
    en = f"The target holds {k} different whole numbers in {n} rows: too many for classes."
    return "regression", en, f"목표 열에 {n}개 행에 걸쳐 서로 다른 정수가 {k}개 있어 클래스로 보기에는 많습니다."


def _is_text(present: polars.Series) -> bool:
    if present.dtype != pl.String:
        return False
    return not type_column(present).dtype.is_numeric() or as_numbers(present).null_count() > 0


def _refuse_amounts(present: polars.Series, most: int, where: str) -> None:
    """Numbers that all have the same sign or unit would be classes, every one of its own."""
    if present.dtype != pl.String or present.n_unique() <= most or not present.str.contains(_AMOUNT).all():
        return
    if present.str.replace_all(r"[\d.,+−\s-]", "").n_unique() > 1:
        return
    raise InputError(
        "The target's numbers have a sign or a unit, and are read as words.",
        where=where,
        expected="plain numbers",
        received=repr(present[0]),
        help=f"Write them without it: {re.sub(r'[^0-9.,+−-]', '', present[0])} for {present[0]!r}.",
    )


def _check_possible(present: polars.Series, task: str, where: str) -> None:
    text = present.dtype == pl.Boolean or _is_text(present)
    k = present.n_unique()
    if task == "regression" and text:
        words = present.cast(pl.String)
        odd = words.filter(as_numbers(words).is_null())[0]
        raise InputError(
            "Regression needs numbers as target.",
            where=where,
            expected="numbers",
            received=f"{odd!r}",
            help="Use task 'binary' or 'multiclass', or another target column.",
        )
    if task == "binary" and k != 2:
        raise InputError(
            "A binary task needs exactly two classes.",
            where=where,
            expected="2 different values",
            received=f"{k} different values",
            help="Use task 'multiclass' or 'regression'.",
        )
    if task == "multiclass" and not text and k > 20:
        numbers = as_numbers(present).to_numpy()
        if np.any(numbers != np.round(numbers)) or k > 0.5 * present.len():
            raise InputError(
                "The target is a measured number, not a class.",
                where=where,
                expected="a limited set of classes",
                received=f"{k} different numbers in {present.len()} rows",
                help="Use task 'regression', or cut the number into ranges first.",
            )
