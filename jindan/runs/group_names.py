"""Columns that name a table's groups in other words: alone, or two of them together."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from ..data import present_rows
from ..data.columns import Column, as_numbers

NAMES = ("boolean", "categorical", "identifier")  # kinds of columns whose values are names, and measure nothing
MOST_COLUMNS = 20  # among which pairs are looked for
DRAWS, MOST_GROUPS = 2000, 1000  # by which a pair is told from chance


def twins_of(
    frame: Any, columns: tuple[Column, ...], others: tuple[str, str], groups: np.ndarray
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns one-to-one with the groups where they have a value: those of names, and those of measured values.

    A number of the patient is a name; weight and date of birth are something to learn from, as are texts and images.

    Args:
        frame: The rows.
        columns: What its columns are.
        others: The groups' own column and the target.
        groups: (rows,) from 0.
    """
    count = int(groups.max()) + 1
    names: list[str] = []
    measured: list[str] = []
    if count == len(groups):
        return (), ()
    for column in columns:
        series = frame[column.name]
        gaps = series.null_count()
        if column.name in others or gaps > len(series) / 2 or not count / 2 <= series.n_unique() - (gaps > 0) <= count:
            continue
        there = np.asarray(present_rows(series))
        values = np.unique(series.filter(there).cast(str).to_numpy(), return_inverse=True)[1]
        met = len(np.unique(groups[there]))
        if not met == values.max(initial=-1) + 1 == len(np.unique(values * count + groups[there])):
            continue
        if _named(column, series):
            names.append(column.name)
        elif column.kind in ("numeric", "date"):
            measured.append(column.name)
    return tuple(names), tuple(measured)


def pairs_of(
    frame: Any, columns: tuple[Column, ...], others: tuple[str, ...], groups: np.ndarray
) -> tuple[tuple[str, str], ...]:
    """Pairs of columns of names, or of whole numbers, that say which group a row is of, though neither does alone.

    As a hospital and the patient's number in it do. Values of the groups that have nothing to do with one another part
    a few groups as well: a pair counts where none of 2,000 draws, the values of one column being shuffled among the
    groups, parts them all.

    Args:
        frame, columns, groups: As for `twins_of`.
        others: Columns that are not looked at: the groups' own, the target, twins.

    Returns:
        (column, column), the one of more values last. Columns with gaps are left out.
    """
    count = int(groups.max()) + 1
    if count == len(groups):
        return ()
    values = {}
    for column in columns:
        series = frame[column.name]
        if column.name in others or not 2 <= series.n_unique() < count or not _named(column, series):
            continue
        if not np.asarray(present_rows(series)).all():
            continue
        codes = np.unique(series.cast(str).to_numpy(), return_inverse=True)[1]
        own = np.zeros(count, np.int64)
        own[groups] = codes
        if (own[groups] == codes).all():
            values[column.name] = own
    if len(values) > MOST_COLUMNS:
        return ()
    ordered = sorted(values, key=lambda name: int(values[name].max()))
    return tuple(pair for pair in combinations(ordered, 2) if _part(*(values[name] for name in pair)))


def _named(column: Column, series: Any) -> bool:
    """Whether its values are names, or numbers that may be names."""
    if column.kind != "numeric":
        return column.kind in NAMES
    numbers = as_numbers(series).drop_nulls().to_numpy()
    return bool((numbers == np.round(numbers)).all())


def _part(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two values of each group differ from those of all other groups, and that is no chance."""
    width = int(other.max()) + 1
    if len(np.unique(one * width + other)) < len(one):
        return False
    rng = np.random.default_rng(0)
    some = rng.permutation(len(one))[:MOST_GROUPS]
    one, other = one[some], other[some]
    return all(len(np.unique(one * width + rng.permutation(other))) < len(one) for _ in range(DRAWS))
