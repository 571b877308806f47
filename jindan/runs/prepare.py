"""A table becomes a split, a fitted preprocessing and arrays; everything is learned from training rows only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data import (
    ClassTarget,
    NumberTarget,
    Preprocessing,
    Preprocessor,
    Split,
    Task,
    fit_preprocessor,
    holds_images,
    infer_columns,
    infer_task,
    present_rows,
    read_table,
    resolve_column,
)
from ..data.images_column import BrokenImages
from ..errors import InputError
from .groups_and_time import NONE, Ties, ties_of


@dataclass(frozen=True)
class Prepared:
    """A table ready to train on.

    Attributes:
        name, path: Of the table.
        frame: Rows that have a target.
        target: Its column.
        columns: What the columns are.
        task: What is predicted.
        split: Row numbers of the three parts, within `frame`.
        numbers: Row numbers of `frame` in the table, from 0.
        preprocessor, encoder: Fitted on the training rows.
        x: (rows, features) float32; for texts or images what they become, for several inputs a tuple of such.
        encoded: (rows,) class numbers, or scaled values.
        truth: (rows,) class numbers, or values in the target's units.
        folder: What relative paths of images count from.
        images: Whether the rows are a set of images rather than a table.
        unlabelled: Rows of the table that have no target, and are left out of `frame`.
        flags: How the target's file writes false and true.
        ties: What ties rows to one another.
    """

    name: str
    path: str | None
    frame: Any
    target: str
    columns: tuple[Any, ...]
    task: Task
    split: Split
    numbers: np.ndarray
    preprocessor: Preprocessor
    encoder: ClassTarget | NumberTarget
    x: Any
    encoded: np.ndarray
    truth: np.ndarray
    folder: Path | None = None
    images: bool = False
    unlabelled: int = 0
    marks: tuple[bool | None, bool] | None = None
    flags: tuple[str, str] | None = None
    ties: Ties = NONE

    @property
    def classes(self) -> int:
        """Number of classes, 0 for a regression."""
        return len(self.encoder.classes) if isinstance(self.encoder, ClassTarget) else 0

    def part(self, name: str) -> np.ndarray:
        """Row numbers of "train", "validation" or "test"."""
        return getattr(self.split, name)

    @property
    def plain(self) -> Any:
        """The rows without their images, for looks that read values."""
        images = [column.name for column in self.columns if column.kind == "image"]
        return self.frame.drop(*images, *(["file"] if self.images else []))

    def through(self, preprocessor: Preprocessor) -> Any:
        """The rows as the network sees them by a fitted preprocessing."""
        with counted(self.numbers):
            return arrays(preprocessor, self.frame, self.folder)


def prepare(
    source: Any,
    target: str | int | None = None,
    *,
    task: str = "auto",
    preprocessing: Preprocessing | None = None,
    validation: float = 0.2,
    test: float = 0.2,
    seed: int = 0,
    header: bool | None = None,
    groups: str | int | None = None,
    time: str | int | None = None,
) -> Prepared:
    """Read, look, split, fit. A folder or an archive of images has its classes for a target.

    A column of groups parts the rows and is not learnt from, nor is one that names the same groups: rows to come belong
    to others.

    Raises:
        InputError: when the table, the target or the split cannot be used.
    """
    _refuse_settings(seed, validation, test)
    if holds_images(source):
        from .gallery import prepare_images

        _refuse_ties(groups, time)
        return prepare_images(
            source, target, task=task, preprocessing=preprocessing, validation=validation, test=test, seed=seed
        )
    table, config = read_table(source, header=header), preprocessing or Preprocessing()
    goal = _goal(table, target, config.drop)
    present = present_rows(table.frame[goal])
    numbers = np.flatnonzero(present)
    frame = table.frame.filter(present)
    kind = infer_task(frame[goal], task)
    folder = Path(table.path).parent if table.path else Path()
    found = infer_columns(frame, target=goal, folder=folder)
    columns = tuple(_as_in_table(column, numbers) for column in found)
    refuse_infinite(frame, columns, config.drop, goal, numbers)
    encoder = ClassTarget.fit(frame[goal]) if kind.is_classification else None
    codes = encoder.encode(frame[goal]) if encoder is not None else None
    ties, config = _without_twins(ties_of(table, frame, columns, numbers, groups, time, goal), config)
    split = ties.split(len(frame), validation, test, seed, codes)
    training = frame[split.train]
    preprocessor = fit_preprocessor(training, columns, config, target=goal, folder=folder)
    reasons = tuple((name, "twin" if name in ties.twins else why) for name, why in preprocessor.dropped)
    preprocessor = replace(preprocessor, dropped=reasons)
    _refuse_nothing_left(preprocessor, table.name)
    if encoder is not None:
        final: ClassTarget | NumberTarget = encoder
        encoded, truth = np.asarray(codes), np.asarray(codes)
    else:
        final = NumberTarget.fit(training[goal], scale=config.target != "none")
        encoded = np.asarray(final.encode(frame[goal]))
        truth = np.asarray(final.decode(encoded))
    with counted(numbers):
        x = arrays(preprocessor, frame, folder)
    return Prepared(
        name=table.name, path=table.path, frame=frame, target=goal, columns=columns, task=kind, split=split,
        numbers=numbers, preprocessor=preprocessor, encoder=final, x=x, encoded=encoded, truth=truth, folder=folder,
        unlabelled=len(present) - len(numbers), marks=table.marks,
        flags=table.flags.get(goal), ties=ties,
    )  # fmt: skip


def arrays(preprocessor: Preprocessor, frame: Any, folder: Path | None = None) -> Any:
    """What the network gets: an array, or for several inputs a tuple of arrays in their order."""
    found = preprocessor.transform(frame, folder)
    return tuple(found.values()) if isinstance(found, dict) else found


@contextmanager
def counted(numbers: np.ndarray) -> Iterator[None]:
    """Within, an error about a row of some rows names it as the table counts it, those left out included."""

    def renumbered(text: Any, pattern: str) -> str:
        def number(found: re.Match) -> str:
            place = int(found[1]) - 1
            return f"row {numbers[place] + 1 if place < len(numbers) else found[1]}"

        return re.sub(pattern, number, str(text))

    try:
        yield
    except BrokenImages as error:
        received = renumbered(error.received, r"\brow (\d+)(?=: )")
        raise InputError(
            error.what, where=error.where, expected=error.expected, received=received, help=error.help
        ) from None
    except InputError as error:
        if re.search(r"\brow \d+$", str(error.where)) is None:
            raise
        where = renumbered(error.where, r"\brow (\d+)$")
        raise type(error)(
            error.what, where=where, expected=error.expected, received=error.received, help=error.help
        ) from None


def _refuse_settings(seed: Any, validation: float, test: float) -> None:
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(
            "The seed must not be negative.", where="--seed", expected="a whole number >= 0", received=seed,
            help="Any number will do; the same one gives the same result.",
        )  # fmt: skip
    for name, share in (("--validation", validation), ("--test", test)):
        if not 0 <= share < 1:
            raise InputError(
                "A share of the rows must lie between 0 and 1.", where=name, expected="0 <= share < 1", received=share,
                help="0.2 keeps a fifth of the rows.",
            )  # fmt: skip
    if validation + test >= 1:
        raise InputError(
            "Validation and test leave no rows to train on.", where="--validation, --test",
            expected="validation + test < 1", received=f"{validation} + {test}", help="Use 0.2 for each.",
        )  # fmt: skip


def _refuse_ties(groups: Any, time: Any) -> None:
    if groups is not None or time is not None:
        raise InputError(
            "A set of images has no columns that part its rows.", where="--groups, --time", expected="neither",
            received=groups if groups is not None else time,
            help="Name the images in a column of a table, beside their groups or times.",
        )  # fmt: skip


def _refuse_nothing_left(preprocessor: Preprocessor, name: str) -> None:
    if not preprocessor.inputs:
        left_out = "; ".join(f"{name}: {why}" for name, why in preprocessor.dropped)
        raise InputError(
            "No column is left to learn from.", where=name, expected="at least one usable column",
            received=left_out or "the target alone", help="Add columns that say something about the target.",
        )  # fmt: skip


def _goal(table: Any, target: str | int | None, drop: tuple[str, ...]) -> str:
    """The column to predict, which is not among those to drop."""
    if target is None:
        raise InputError(
            "The column to predict is not named.", where="--target", expected="a column of the table",
            received="nothing", help=f"The columns are: {', '.join(table.columns[:20])}.",
        )  # fmt: skip
    goal = resolve_column(table, target)
    for name in drop:
        if resolve_column(table, name) == goal:
            raise InputError("The target itself cannot be dropped.", where="--drop", received=name)
    return goal


def _without_twins(ties: Ties, config: Preprocessing) -> tuple[Ties, Preprocessing]:
    """A preprocessing that drops the groups' columns; of columns that are dropped as asked nothing more is told."""
    if ties.groups is None:
        return ties, config
    asked = config.drop
    together = tuple(pair for pair in ties.together if not {*pair} & {*asked})
    ties = replace(ties, twins=_other_than(ties.twins, asked), alike=_other_than(ties.alike, asked), together=together)
    return ties, replace(config, drop=(*asked, *_other_than((str(ties.column), *ties.twins), asked)))


def _other_than(names: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in known)


def _as_in_table(column: Any, numbers: np.ndarray) -> Any:
    """The column with rows counted as the table counts them, those without a target included."""
    if not column.odd:
        return column
    count, row, value = column.odd
    return replace(column, odd=(count, int(numbers[row - 1]) + 1, value))


def refuse_infinite(frame: Any, columns: Any, drop: Any, target: str, numbers: np.ndarray) -> None:
    """Name the row as the table counts it; the preprocessing would count within the training rows."""
    for column in columns:
        if not column.n_infinite or column.name in (*drop, target):
            continue
        values = frame[column.name].to_numpy()
        place = int(np.flatnonzero(np.isinf(values.astype(np.float64)))[0])
        raise InputError(
            "A value is infinite.", where=f"column {column.name!r}, row {numbers[place] + 1}",
            expected="finite numbers", received=values[place],
            help=f"Correct or empty the cell, or leave the column out: --drop {column.name}",
        )  # fmt: skip
