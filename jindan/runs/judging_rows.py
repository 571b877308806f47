"""How a table's model is judged on rows it is given: figures over groups where it knows them, rows it has seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..select import Score, score_classes, score_numbers
from .prepare import arrays, counted
from .seen import Seen, marks_of


@dataclass(frozen=True)
class LabelledRows:
    """Raw rows that have a target; they are encoded when that is first asked for, and kept.

    Attributes:
        preprocessor, encoder: Of the model.
        frame: The rows.
        y: (rows,) targets as the table has them.
        numbers: (rows,) where they stand in the table they are of, from 0.
    """

    preprocessor: Any
    encoder: Any
    frame: Any
    y: Any
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def inputs(self) -> Any:
        """What the network sees."""
        with counted(self.numbers):
            return arrays(self.preprocessor, self.frame)

    @cached_property
    def codes(self) -> np.ndarray:
        """(rows,) class numbers, or scaled values."""
        with counted(self.numbers):
            return np.asarray(self.encoder.encode(self.y))


class JudgesMixin:
    """`score`, and what its figures rest on, for a table's model.

    Each takes raw rows (x, y), or `labelled(x, y)` in the place of x, which are then encoded once for all.
    """

    def labelled(self: Any, x: Any, y: Any = None) -> LabelledRows:
        """Those of some raw rows that have a target: the target column of x, unless y is given."""
        if isinstance(x, LabelledRows):
            return x
        return LabelledRows(self.facts.preprocessor, self.facts.encoder, *self._labelled(x, y))

    def score(self: Any, x: Any, y: Any = None) -> dict[str, Score]:
        """Figures with 95 % intervals on labelled raw rows, in the target's units.

        Where the run was parted by groups whose column the rows have, intervals are over groups: see `interval_groups`.
        """
        rows = self.labelled(x, y)
        values, groups = self._predicted(rows.inputs), self._groups(rows.frame)
        if self.facts.task == "regression":
            return score_numbers(self.facts.encoder.decode(rows.codes), values[:, 0], groups=groups)
        return score_classes(rows.codes, values, groups=groups)

    def interval_groups(self: Any, x: Any, y: Any = None) -> dict[str, Any] | None:
        """What the intervals of `score` on these rows are over: the groups' column and their count, which is 0 where
        the rows lack that column; None of a run without groups."""
        column = self._grouped_by()
        if column is None:
            return None
        groups = self._groups(self.labelled(x, y).frame)
        return {"column": column, "count": 0 if groups is None else int(groups.max()) + 1}

    def trained_on(self: Any, x: Any, y: Any = None) -> dict[str, Any] | None:
        """How many of some labelled raw rows equal rows that the network was trained on, or that were watched.

        Rows are equal where the network sees the same and the target is the same.

        Returns:
            `count` of `rows`; `exact`, or about so many; `again`, the share of rows kept apart that are equal by
            chance. None for a run that does not know.
        """
        seen = Seen.from_dict(self.facts.settings.get("seen"))
        if seen is None:
            return None
        rows = self.labelled(x, y)
        marks = marks_of(rows.inputs, rows.codes)
        return {"count": seen.count(marks), "rows": len(marks), "exact": seen.whole, "again": seen.again}

    def _grouped_by(self: Any) -> str | None:
        settings = self.facts.settings
        named = settings.get("grouped_by", settings.get("groups"))
        return named if isinstance(named, str) else None

    def _groups(self: Any, frame: Any) -> np.ndarray | None:
        """(rows,) the group of each row; one without a value is a group of its own."""
        column = self._grouped_by()
        if column is None or column not in frame.columns:
            return None
        numbers: dict[Any, int] = {}
        values = frame[column].cast(str).to_list()
        return np.array([numbers.setdefault((k,) if v is None else v, len(numbers)) for k, v in enumerate(values)])
