"""Splits of rows: train / validation / test, folds; seeded, stratified, grouped, in order of time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jindan.data.times import between
from jindan.errors import InputError, ShapeError

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """Row numbers of the three parts; each ascending, or in order of time where time was given."""

    train: Rows
    validation: Rows
    test: Rows


def split_rows(
    n: int,
    *,
    validation: float = 0.2,
    test: float = 0.2,
    seed: int = 0,
    stratify: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    time: ArrayLike | bool | None = None,
) -> Split:
    """Split rows 0 … n-1 into train, validation and test.

    Args:
        n: Number of rows.
        validation: Fraction of the whole for validation, rounded to rows, at least one unless 0.
        test: Fraction of the whole for the test.
        seed: The same seed gives the same rows.
        stratify: Class of each row: each part gets its share of each class, and at least one row of each class that
            has as many rows as there are parts; a class of one row goes to train.
        groups: Group of each row (patient, user); a group is never split. The fractions are met as nearly as it goes.
        time: Time of each row, or True for rows in order: train is earliest and test latest. Rows of one time are in
            one part, so that the fractions are met as nearly as it goes.

    Raises:
        InputError: fractions that leave no training rows, too few rows or groups, `time` beside the other two.
        ShapeError: `stratify`, `groups` or `time` not of length n.

    >>> split = split_rows(10, seed=1)
    >>> len(split.train), len(split.validation), len(split.test)
    (6, 2, 2)
    >>> split_rows(5, time=True).test.tolist()
    [4]
    """
    sizes = _sizes(n, validation, test)
    if time is not None and time is not False:
        if stratify is not None or groups is not None:
            raise InputError(
                "Rows in order of time cannot be stratified or grouped as well.",
                where="time",
                expected="time, or stratify and groups",
                received="both",
                help="Leave out stratify and groups.",
            )
        codes = np.arange(n) if time is True else _codes(time, n, "time")
        order = np.argsort(codes, kind="stable")
        cuts = between(codes[order], np.cumsum(sizes)[:2])
        return Split(*(part.astype(np.intp) for part in np.split(order, cuts)))
    rng = np.random.default_rng(seed)
    classes = _codes(stratify, n, "stratify") if stratify is not None else np.zeros(n, np.intp)
    if groups is not None:
        part = _assign_groups(_codes(groups, n, "groups"), classes, np.array(sizes) / n, rng)
    elif stratify is not None:
        part = _assign_strata(classes, sizes, rng)
    else:
        part = np.empty(n, np.intp)
        part[rng.permutation(n)] = np.repeat([0, 1, 2], sizes)
    return Split(*(np.flatnonzero(part == i) for i in range(3)))


def train_test_split(
    *arrays: Any,
    test_size: float | int | None = None,
    train_size: float | int | None = None,
    random_state: int | np.random.RandomState | None = None,
    shuffle: bool = True,
    stratify: ArrayLike | None = None,
) -> list[Any]:
    """Split arrays into a training and a test part: signature, order and rows are scikit-learn's.

    Args:
        *arrays: Arrays, frames or lists with the same number of rows.
        test_size: Fraction (rounded up) or number of test rows; 0.25 when neither size is given.
        train_size: Fraction (rounded down) or number of training rows; the rest when None.
        random_state: Seed. The same integer gives scikit-learn's rows. None uses NumPy's global state.
        shuffle: False keeps the order: the first rows train, the last test.
        stratify: Class of each row, to keep the classes' shares.

    Returns:
        train and test part of the first array, then of the second, …

    Raises:
        InputError: no array, different lengths, impossible sizes, a class of one row with `stratify`.

    >>> train, test = train_test_split(np.arange(8), random_state=417)
    >>> len(train), len(test)
    (6, 2)
    """
    if not arrays:
        raise InputError("There is nothing to split.", where="train_test_split", expected="at least one array")
    lengths = [_length(a) for a in arrays]
    if len(set(lengths)) > 1:
        raise ShapeError("The arrays have different lengths.", expected="as many rows in each", received=lengths)
    n = lengths[0]
    n_train, n_test = _test_sizes(n, test_size, train_size)
    if not shuffle:
        if stratify is not None:
            raise InputError("Stratifying needs shuffle=True.", where="train_test_split", received="shuffle=False")
        train, test = np.arange(n_train), np.arange(n_train, n_train + n_test)
    else:
        state = _random_state(random_state)
        if stratify is None:
            order = state.permutation(n)
            test, train = order[:n_test], order[n_test : n_test + n_train]
        else:
            train, test = _stratified(_codes(stratify, n, "stratify"), n_train, n_test, state)
    return [_take(a, rows) for a in arrays for rows in (train, test)]


def k_fold(
    n: int,
    folds: int = 5,
    *,
    seed: int = 0,
    shuffle: bool = True,
    stratify: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    time: ArrayLike | bool = False,
) -> list[tuple[Rows, Rows]]:
    """Folds of rows 0 … n-1 as (training rows, validation rows); every row is validated once.

    Args:
        n: Number of rows.
        folds: Number of folds, at least 2.
        seed: The same seed gives the same folds.
        shuffle: False cuts the rows in their order (within each class when stratified).
        stratify: Class of each row; each class is dealt out evenly.
        groups: Group of each row; a group is never split, groups are dealt out largest first to the emptiest fold.
        time: Time of each row, or True for rows in order: the first of folds + 1 blocks is only trained on, each next
            block is validated after training on all before it. Rows of one time are in one block.

    Raises:
        InputError: more folds than rows, groups or times.

    >>> [v.tolist() for _, v in k_fold(6, 3, shuffle=False)]
    [[0, 1], [2, 3], [4, 5]]
    >>> [(t.tolist(), v.tolist()) for t, v in k_fold(6, 2, time=True)]
    [([0, 1], [2, 3]), ([0, 1, 2, 3], [4, 5])]
    """
    ordered = bool(time) if time is None or np.ndim(time) == 0 else True
    needed = folds + 1 if ordered else folds
    if folds < 2:
        raise InputError("There are too few folds.", where="folds", expected="an integer >= 2", received=folds,
                         help="Of 5 folds each is held out once, and trained without.")  # fmt: skip
    if n < needed:
        raise InputError(
            "There are too few rows for the folds.",
            where="folds",
            expected=f"at least 2 folds and {needed} rows",
            received=f"{folds} folds, {n} rows",
            help="Use fewer folds.",
        )
    if ordered and groups is not None:
        raise InputError("Folds in order of time do not keep groups together.", where="time", expected="one of them",
                         received="time=True and groups", help="Leave one out.")  # fmt: skip
    if ordered:
        codes = np.arange(n) if np.ndim(time) == 0 else _codes(time, n, "time")
        order = np.argsort(codes, kind="stable")
        sizes = [len(block) for block in np.array_split(order, folds + 1)]
        cuts = between(codes[order], np.cumsum(sizes)[:-1])
        return [(order[:a], order[a:b]) for a, b in pairwise([*cuts, n])]
    rng = np.random.default_rng(seed)
    classes = _codes(stratify, n, "stratify") if stratify is not None else np.zeros(n, np.intp)
    if groups is not None:
        fold = _assign_groups(_codes(groups, n, "groups"), classes, np.full(folds, 1 / folds), rng)
    else:
        order = rng.permutation(n) if shuffle else np.arange(n)
        fold = np.empty(n, np.intp)
        if stratify is None:
            fold[order] = np.repeat(np.arange(folds), [n // folds + (i < n % folds) for i in range(folds)])
        else:
            # Dealt like cards, class after class, so that folds differ by one row at most, in all and in each class.
            by_class = order[np.argsort(classes[order], kind="stable")]
            fold[by_class] = np.arange(n) % folds
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(folds)]


def _sizes(n: int, validation: float, test: float) -> tuple[int, int, int]:
    for name, fraction in (("validation", validation), ("test", test)):
        if not 0 <= fraction < 1:
            raise InputError(
                f"The {name} part must be a fraction of the rows.",
                where=f"{name}={fraction}",
                expected="a number from 0 to below 1",
                received=fraction,
                help="0.2 means a fifth of all rows.",
            )
    if validation + test >= 1:
        raise InputError(
            "Validation and test leave no rows to train on.",
            where="validation, test",
            expected="validation + test < 1",
            received=f"{validation} + {test}",
            help="Use 0.2 for each.",
        )
    n_validation, n_test = (max(1, math.floor(f * n + 0.5)) if f > 0 else 0 for f in (validation, test))
    parts = 1 + (n_validation > 0) + (n_test > 0)
    if n - n_validation - n_test < 1:
        raise InputError(
            "There are too few rows to split.",
            where="the rows",
            expected=f"at least {parts} rows for {parts} parts",
            received=f"{n} rows",
            help="Add rows, or set validation or test to 0.",
        )
    return n - n_validation - n_test, n_validation, n_test


def _assign_strata(classes: Rows, sizes: tuple[int, int, int], rng: np.random.Generator) -> Rows:
    """Part (0 train, 1 validation, 2 test) of each row."""
    counts = np.bincount(classes)
    parts = 1 + sum(size > 0 for size in sizes[1:])
    left = counts.copy()
    taken = np.zeros((3, len(counts)), np.intp)
    for part in (2, 1):
        if not sizes[part]:
            continue
        ideal = counts * (sizes[part] / counts.sum())
        take = np.floor(ideal).astype(np.intp)
        take = np.maximum(take, (counts >= parts).astype(np.intp))
        take = np.minimum(take, np.maximum(left - 1, 0))
        # Largest remainders first; ties in random order so that no class is favoured.
        for c in np.lexsort((rng.random(len(counts)), -(ideal - take))):
            if take.sum() >= sizes[part]:
                break
            take[c] += left[c] - take[c] > 1
        taken[part], left = take, left - take
    taken[0] = left
    out = np.empty(len(classes), np.intp)
    for c in range(len(counts)):
        out[rng.permutation(np.flatnonzero(classes == c))] = np.repeat([0, 1, 2], taken[:, c])
    return out


def _assign_groups(groups: Rows, classes: Rows, shares: np.ndarray, rng: np.random.Generator) -> Rows:
    """Part of each row, whole groups, largest first, each to where the class counts come nearest to the shares."""
    table = np.zeros((groups.max() + 1, classes.max() + 1))
    np.add.at(table, (groups, classes), 1.0)
    alive = np.flatnonzero(shares > 0)
    if len(table) < len(alive):
        raise InputError(
            "There are too few groups to split.",
            where="groups",
            expected=f"at least {len(alive)} groups",
            received=f"{len(table)} groups",
            help="Use fewer parts or folds, or leave out groups.",
        )
    wanted = shares[alive, None] * table.sum(axis=0)
    filled = np.zeros_like(wanted)
    part = np.empty(len(table), np.intp)
    order = rng.permutation(len(table))
    order = order[np.argsort(-table[order].sum(axis=1), kind="stable")]
    for i, group in enumerate(order):
        after = filled + table[group]
        cost = (((after - wanted) ** 2 - (filled - wanted) ** 2) / wanted).sum(axis=1)
        empty = filled.sum(axis=1) == 0
        if len(order) - i <= empty.sum():
            cost = np.where(empty, cost, np.inf)
        best = int(cost.argmin())
        filled[best] += table[group]
        part[group] = alive[best]
    return part[groups]


def _test_sizes(n: int, test_size: float | int | None, train_size: float | int | None) -> tuple[int, int]:
    if test_size is None and train_size is None:
        test_size = 0.25
    for name, size in (("test_size", test_size), ("train_size", train_size)):
        if size is None:
            continue
        whole = isinstance(size, int | np.integer) and not isinstance(size, bool)
        if not (0 < size < n if whole else 0 < size < 1):
            raise InputError(
                f"The {name} is impossible.",
                where="train_test_split",
                expected=f"a fraction between 0 and 1, or a number of rows from 1 to {n - 1}",
                received=size,
                help="test_size=0.25 means a quarter of the rows.",
            )
    n_test = None if test_size is None else math.ceil(test_size * n) if isinstance(test_size, float) else int(test_size)
    if train_size is None:
        n_train = n - (n_test or 0)
    else:
        n_train = math.floor(train_size * n) if isinstance(train_size, float) else int(train_size)
    n_test = n - n_train if n_test is None else n_test
    if n_train < 1 or n_train + n_test > n:
        raise InputError(
            "The sizes do not fit the rows.",
            where="train_test_split",
            expected=f"train and test rows that are together at most {n}, and at least one to train",
            received=f"{n_train} train, {n_test} test",
            help="Make test_size or train_size smaller.",
        )
    return n_train, n_test


def _stratified(classes: Rows, n_train: int, n_test: int, state: Any) -> tuple[Rows, Rows]:
    """scikit-learn's StratifiedShuffleSplit, draw for draw, so that a seed gives the same rows."""
    counts = np.bincount(classes)
    if counts.min() < 2 or min(n_train, n_test) < len(counts):
        raise InputError(
            "The classes cannot be stratified.",
            where="train_test_split",
            expected=f"two rows or more of each class, and {len(counts)} rows or more in each part",
            received=f"a class of {counts.min()} row(s), {n_train} train and {n_test} test rows",
            help="Leave out stratify, or join rare classes.",
        )
    members = np.split(np.argsort(classes, kind="mergesort"), np.cumsum(counts)[:-1])
    in_train = _draws(counts, n_train, state)
    in_test = _draws(counts - in_train, n_test, state)
    train: list[int] = []
    test: list[int] = []
    for rows, a, b in zip(members, in_train, in_test, strict=True):
        mixed = rows.take(state.permutation(len(rows)))
        train.extend(mixed[:a])
        test.extend(mixed[a : a + b])
    return state.permutation(train), state.permutation(test)


def _draws(counts: np.ndarray, n: int, state: Any) -> np.ndarray:
    ideal = counts / counts.sum() * n
    drawn = np.floor(ideal)
    short = int(n - drawn.sum())
    remainder = ideal - drawn
    for value in np.sort(np.unique(remainder))[::-1] if short > 0 else ():
        (ties,) = np.where(remainder == value)
        add = min(len(ties), short)
        drawn[state.choice(ties, size=add, replace=False)] += 1
        short -= add
        if short == 0:
            break
    return drawn.astype(int)


def _codes(values: Any, n: int, name: str) -> Rows:
    """Rank of each row's value among the sorted different ones."""
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    array = np.asarray(values)
    if array.ndim == 2 and name == "stratify":
        array = array.argmax(axis=1) if array.shape[1] > 1 else array[:, 0]
    if array.shape != (n,):
        raise ShapeError(f"`{name}` needs one value per row.", expected=f"shape ({n},)", received=array.shape)
    if array.dtype == object:
        array = array.astype(str)
    return np.unique(array, return_inverse=True)[1].reshape(-1).astype(np.intp)


def _random_state(seed: Any) -> Any:
    if seed is None:
        return np.random.mtrand._rand  # type: ignore[attr-defined]
    return seed if isinstance(seed, np.random.RandomState) else np.random.RandomState(seed)


def _length(array: Any) -> int:
    if hasattr(array, "shape") and len(array.shape) > 0:
        return int(array.shape[0])
    if hasattr(array, "__len__"):
        return len(array)
    raise InputError(
        "This cannot be split into rows.", expected="an array, frame or list", received=type(array).__name__
    )


def _take(array: Any, rows: Rows) -> Any:
    if hasattr(array, "iloc"):
        return array.iloc[rows]
    if hasattr(array, "shape"):
        return array[rows]
    return [array[i] for i in rows]
