"""How a table's model is judged on rows it is given: figures over groups where it knows them, rows it has seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..select import Score, score_classes, score_numbers
from .prepare import arrays, counted
from .seen import Seen, marks_of


class JudgesMixin:
    """`score`, and what its figures rest on, for a table's model."""

    def score(self: Any, x: Any, y: Any = None) -> dict[str, Score]:
        """Figures with 95 % intervals on labelled raw rows, in the target's units.

        Where the run was parted by groups whose column the rows have, intervals are over groups: see `interval_groups`.
        """
        frame, y, numbers = self._labelled(x, y)
        with counted(numbers):
            values = self.predict(frame)
            codes = self.facts.encoder.encode(y)
        groups = self._groups(frame)
        if self.facts.task == "regression":
            return score_numbers(self.facts.encoder.decode(codes), values[:, 0], groups=groups)
        return score_classes(codes, values, groups=groups)

    def interval_groups(self: Any, x: Any, y: Any = None) -> dict[str, Any] | None:
        """What the intervals of `score` on these rows are over: the groups' column and their count, which is 0 where
        the rows lack that column; None of a run without groups."""
        column = self._grouped_by()
        if column is None:
            return None
        groups = self._groups(self._labelled(x, y)[0])
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
        frame, y, numbers = self._labelled(x, y)
        with counted(numbers):
            marks = marks_of(arrays(self.facts.preprocessor, frame), np.asarray(self.facts.encoder.encode(y)))
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
