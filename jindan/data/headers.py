"""Whether the first line of a table names its columns, and what they are called where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jindan.data.cells import MISSING, is_number, is_value
from jindan.data.lazy import pl


@dataclass(frozen=True)
class Known:
    """What is known of a table before it is read, as a model was trained on one like it.

    Args:
        columns: Names in their order; () where they are not known.
        target: The one of them that rows may lack.
        texts: Those that stay text, however their cells read.
        header: Whether that table had a line of names; None if nobody knows.
        marks: What commas and dots were in its numbers, as `jindan.data.cells.decimal_marks` says.

    >>> known = Known(("kind", "size", "7"), target="kind")
    >>> known.heads(["size", "7"]), known.heads(["1.5", "7"]), known.names(2), known.names(3)
    (True, False, ['size', '7'], ['kind', 'size', '7'])
    """

    columns: tuple[str, ...] = ()
    target: str | None = None
    texts: tuple[str, ...] = ()
    header: bool | None = None
    marks: tuple[bool | None, bool] | None = None

    def heads(self, first: Sequence[str | None]) -> bool:
        """Whether a first line holds these names: one that is no value, or most of the line.

        0, 1, 2, … are names as well where the table had names, though not these: pandas gives them.
        """
        cells = [cell for cell in first if cell]
        if self.header and len(cells) > 1 and cells == [str(i) for i in range(len(cells))]:
            return True
        names = set(self.columns)
        found = [cell for cell in cells if cell in names]
        if len(set(cells)) < len(cells):
            return False
        return any(not is_value(cell) for cell in found) or 2 * len(found) > len(cells)

    def names(self, width: int) -> list[str]:
        """Names by position, where the line of names is missing: all of them, or all but the target's."""
        without = [name for name in self.columns if name != self.target]
        for names in (list(self.columns), without):
            if len(names) == width:
                return names
        return numbered_names(width)


def numbered_names(width: int) -> list[str]:
    """Names of nameless columns.

    >>> numbered_names(2)
    ['column_0', 'column_1']
    """
    return [f"column_{i}" for i in range(width)]


def has_header(first: Sequence[str | None], body: pl.DataFrame) -> bool:
    """A first row names the columns when it is text where the column below is numbers, or new words above old ones.

    A date above plain numbers ("2024-01" above sales) is a name as well, and so are consecutive numbers beside names,
    and years at equal steps above numbers that are none.

    >>> has_header(["store", "2024-01"], pl.DataFrame({"a": ["1", "2"], "b": ["30", "50"]}))
    True
    """
    if body.height == 0:
        return not any(is_value(cell) for cell in first)
    named = 0
    values: list[str] = []
    years: list[bool] = []
    for cell, column in zip(first, body.head(200).get_columns(), strict=True):
        below = [v.strip() for v in column.to_list() if v is not None and v.strip() not in (*MISSING, "-")]
        if not below or cell in MISSING or cell is None:
            continue
        if sum(is_value(v) for v in below) >= 0.9 * len(below):
            if not is_value(cell) or (not is_number(cell) and sum(map(is_number, below)) >= 0.9 * len(below)):
                named += 1
            else:
                values.append(cell)
                years.append(_year(cell) and 2 * sum(map(_year, below)) < len(below))
    if 1 < len(values) < len(first) and all(years) and _rising(values):
        # The other columns have to bear nothing but new words.
        return _new(first, body)
    if named and values:
        # Pixels and other numbered columns: "label,0,1,2,…".
        numbers = [int(cell) for cell in first if cell and cell.isdigit()]
        return named >= len(values) or (len(numbers) == len(values) and bool(np.all(np.diff(numbers) == 1)))
    return named > 0 if named or values else _new(first, body)


def _new(first: Sequence[str | None], body: pl.DataFrame) -> bool:
    """Whether the cells are all different, and none comes again in its column."""
    again = (cell in set(column.to_list()) for cell, column in zip(first, body.get_columns(), strict=True))
    return len(set(first)) == len(first) and not any(again)


def _year(cell: str) -> bool:
    return cell.isdigit() and len(cell) == 4 and 1800 <= int(cell) <= 2100


def _rising(years: Sequence[str]) -> bool:
    steps = np.diff([int(year) for year in years])
    return bool(steps[0] > 0 and (steps == steps[0]).all())
