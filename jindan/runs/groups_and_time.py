"""What ties rows of a table to one another: groups that no two parts may share, or an order in time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data import Split, k_fold, present_rows, resolve_column, split_rows
from ..data.columns import Column, as_numbers
from ..data.dates import DATE_FORMATS, parse_dates
from ..data.look_words import sentence
from ..errors import InputError, JindanWarning
from ..select.task import apart
from .group_names import pairs_of, twins_of

IN_FILE = "rows"  # as a time: the order in which the rows stand in the file


@dataclass(frozen=True)
class Ties:
    """How rows may be parted; without groups and time in any way.

    Attributes:
        column: The column that says so, or `IN_FILE`.
        groups: (rows,) the group of each row.
        time: (rows,) the place in time of each row.
        twins: Columns that name the groups as their own column does, and are not learnt from either.
        alike: Columns that measure one value a group, another in each: they are learnt from, and told.
        together: Columns that name the groups two by two: so are they.
    """

    column: str | None = None
    groups: np.ndarray | None = None
    time: np.ndarray | None = None
    twins: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    together: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return self.column is not None

    def of(self, rows: np.ndarray) -> np.ndarray | None:
        """(rows,) the groups of some rows; None without groups."""
        return None if self.groups is None else self.groups[rows]

    def split(self, n: int, validation: float, test: float, seed: int, classes: np.ndarray | None) -> Split:
        """Training, validation and test rows, stratified by class where they have no order in time."""
        codes = classes if self.time is None else None
        return split_rows(
            n, validation=validation, test=test, seed=seed, stratify=codes, groups=self.groups, time=self.time
        )

    def pairs(
        self, rows: np.ndarray, folds: int, seed: int, classes: np.ndarray | None
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """(training, held-out) row numbers of the folds of some rows; of one fold a fifth is held out.

        In order of time each fold is trained on what was before it.
        """
        groups, codes = self.of(rows), None if classes is None or self.time is not None else classes[rows]
        time = False if self.time is None else self.time[rows]
        if folds == 1:
            one = split_rows(len(rows), validation=0.2, test=0.0, seed=seed, stratify=codes, groups=groups, time=time)
            found = [(one.train, one.validation)]
        else:
            found = k_fold(len(rows), folds, seed=seed, stratify=codes, groups=groups, time=time)
        return [(rows[train], rows[held]) for train, held in found]

    def apart(
        self, plan: Any, rows: np.ndarray, classes: np.ndarray | None, seed: int
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """The rows to train on, and those that the plan watches; of rows in time the last ones, of whole times."""
        time = False if self.time is None else self.time[rows]
        return apart(plan, rows, classes, seed, self.of(rows), time)

    @property
    def one_row_each(self) -> bool:
        """Whether every row is a group of its own, so that grouping changes nothing."""
        return self.groups is not None and len(np.unique(self.groups)) == len(self.groups)

    def basis(self, rows: np.ndarray) -> dict[str, Any] | None:
        """What intervals of figures on some rows are over: the groups' column and their count; None where rows are."""
        found = self.of(rows)
        return None if found is None else {"column": self.column, "count": len(np.unique(found))}

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        if self.groups is not None:
            return {"by": "groups", "column": self.column, "count": len(np.unique(self.groups))}
        return {"by": "time", "column": self.column}


NONE = Ties()


def ties_of(
    table: Any, frame: Any, columns: tuple[Column, ...], numbers: np.ndarray, groups: Any, time: Any, target: str
) -> Ties:
    """The ties of a table's rows.

    Args:
        table: The table, for its columns' names.
        frame: Its rows that have a target.
        columns: What they are.
        numbers: Row numbers of the frame in the table.
        groups: The column that names each row's group (a patient, a user), or None.
        time: The column that says when each row was, `IN_FILE` for the order of the file, or None.
        target: The column that is predicted.

    Raises:
        InputError: when both are given, or a column is the target, has gaps, or does not say when.
    """
    groups, time = (_column(value, where) for value, where in ((groups, "groups"), (time, "time")))
    if groups is None and time is None:
        return NONE
    if groups is not None and time is not None:
        raise InputError("Rows in order of time cannot be grouped as well.", where="--groups, --time",
                         expected="one of them", received="both", help="Leave one out.")  # fmt: skip
    if time == IN_FILE and IN_FILE not in table.columns:
        return Ties(IN_FILE, time=np.arange(len(frame)))
    option = "--groups" if groups is not None else "--time"
    name = resolve_column(table, groups if groups is not None else time)
    if name == target:
        raise InputError("The target itself cannot say how rows are parted.", where=option, received=name,
                         expected="another column")  # fmt: skip
    series = frame[name]
    _refuse_gaps(~np.asarray(present_rows(series)), option, name, numbers)
    if groups is not None:
        codes = np.unique(series.cast(str).to_numpy(), return_inverse=True)[1]
        twins, alike = twins_of(frame, columns, (name, target), codes)
        together = pairs_of(frame, columns, (name, target, *twins, *alike), codes)
        return Ties(name, codes, twins=twins, alike=alike, together=together)
    return Ties(name, time=_places(series, next(column for column in columns if column.name == name), numbers))


class GroupsWarning(JindanWarning):
    """Every row is a group of its own."""


def warn_of_groups(ties: Ties, lang: str) -> None:
    """Warn where every row is a group of its own."""
    if ties.one_row_each:
        warnings.warn(sentence("groups-are-rows", {"column": ties.column}, lang), GroupsWarning, stacklevel=3)


@contextmanager
def told_of_groups() -> Iterator[None]:
    """Within, nothing is said again of groups of one row."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GroupsWarning)
        yield


def _column(value: Any, where: str) -> Any:
    """The name or place of a column; of a time True stands for the order of the file, and False for nothing."""
    if value is None or value is False:
        return None
    if value is True and where == "time":
        return IN_FILE
    if isinstance(value, bool) or not isinstance(value, (str, int, np.integer)):
        raise InputError("This is not the name of a column.", where=where, expected="a name, or a place in the table",
                         received=repr(value), help="Put the values into a column of the table.")  # fmt: skip
    return value


def _places(series: Any, column: Column, numbers: np.ndarray) -> np.ndarray:
    """When each row was, as numbers."""
    if column.kind == "date":
        places = parse_dates(series, column.format or "").cast(int)
    elif column.dtype.startswith(("Int", "UInt", "Float")) or column.kind == "numeric":
        places = as_numbers(series)
    else:
        raise InputError(
            "This column does not say when a row was.", where=f"--time {column.name}", expected="dates or numbers",
            received=_first_odd(series, numbers), help=f"--time {IN_FILE} takes the rows in the order of the file.",
        )  # fmt: skip
    _refuse_gaps(places.is_null().to_numpy(), "--time", column.name, numbers)
    return places.to_numpy()


def _first_odd(series: Any, numbers: np.ndarray) -> str:
    """The first cell that is none of the dates that the most others are, or the first of all."""
    read = max((parse_dates(series, form) for form in DATE_FORMATS), key=lambda dates: len(dates) - dates.null_count())
    odd = int(np.flatnonzero(read.is_null().to_numpy())[0])
    return f"{str(series[odd])!r} in row {int(numbers[odd]) + 1}"


def _refuse_gaps(gaps: np.ndarray, option: str, name: str, numbers: np.ndarray) -> None:
    if gaps.any():
        row = int(numbers[np.flatnonzero(gaps)[0]]) + 1
        raise InputError(
            "The column that parts the rows has gaps.", where=f"{option} {name}, row {row}",
            expected="a value in every row", received=f"{int(gaps.sum())} without", help="Fill them, or drop the rows.",
        )  # fmt: skip
