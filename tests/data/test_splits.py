"""Splits and folds: they partition the rows, keep classes and groups, and agree with scikit-learn."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jindan.data import k_fold, split_rows, train_test_split
from jindan.errors import InputError, ShapeError


def partition(parts, n):
    assert sorted(np.concatenate(parts).tolist()) == list(range(n))


@settings(max_examples=80, deadline=None)
@given(st.integers(3, 200), st.sampled_from([0, 0.1, 0.2, 0.3]), st.sampled_from([0, 0.1, 0.25]), st.integers(0, 9))
def test_split_partitions(n, validation, test, seed):
    labels = np.random.default_rng(seed).integers(0, 4, n)
    times = labels.copy()
    times[:3] = 7, 8, 9  # a time a part
    for options in ({}, {"stratify": labels}, {"time": True}, {"time": times}):
        split = split_rows(n, validation=validation, test=test, seed=seed, **options)
        partition((split.train, split.validation, split.test), n)
        again = split_rows(n, validation=validation, test=test, seed=seed, **options)
        assert all(np.array_equal(a, b) for a, b in zip(split.__dict__.values(), again.__dict__.values(), strict=True))
        assert len(split.train) > 0
        assert (len(split.test) > 0) == (test > 0) or "stratify" in options
        if options.get("time") is times:
            parts = [set(times[part]) for part in (split.train, split.validation, split.test)]
            assert sum(map(len, parts)) == len(set.union(*parts))


def test_fewer_times_than_parts_are_refused():
    with pytest.raises(InputError, match="too few different times"):
        split_rows(6, time=[1, 1, 1, 2, 2, 2])
    assert [len(part) for part in split_rows(6, time=[1, 1, 1, 2, 2, 2], validation=0).__dict__.values()] == [3, 0, 3]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=20, max_size=120), st.integers(0, 5))
def test_groups_are_never_split(groups, seed):
    groups = np.array([*groups, 100, 101, 102, 103, 104])
    n = len(groups)
    split = split_rows(n, groups=groups, seed=seed)
    parts = (split.train, split.validation, split.test)
    partition(parts, n)
    sets = [set(groups[p]) for p in parts]
    assert all(sets)
    assert not sets[0] & sets[1] | sets[0] & sets[2] | sets[1] & sets[2]
    for train, held in k_fold(n, 5, groups=groups, seed=seed):
        assert not set(groups[train]) & set(groups[held])
        assert len(held)


def test_split_sizes_and_strata():
    labels = np.repeat([0, 1, 2, 3], [50, 30, 3, 1])
    split = split_rows(84, stratify=labels, seed=417)
    assert {0, 1, 2} <= set(labels[split.validation])
    assert {0, 1, 2} <= set(labels[split.test])
    assert 3 in labels[split.train]
    assert abs(len(split.test) - 17) <= 1
    assert np.bincount(labels[split.test])[:2].tolist() == [10, 6]
    assert len(split_rows(150, validation=0.2, test=0.2).train) == 90
    assert len(split_rows(10, validation=0, test=0).train) == 10
    time = split_rows(6, validation=0.2, test=0.2, time=[6, 5, 4, 3, 2, 1])
    assert (time.train.tolist(), time.validation.tolist(), time.test.tolist()) == ([5, 4, 3, 2], [1], [0])
    assert not np.array_equal(split_rows(50, seed=1).test, split_rows(50, seed=2).test)


def test_balanced_groups():
    groups = np.repeat(np.arange(20), 5)
    labels = np.repeat([0, 1], 50)
    for _, held in k_fold(100, 5, groups=groups, stratify=labels):
        assert np.bincount(labels[held]).tolist() == [10, 10]


@pytest.mark.parametrize(
    ("n", "options", "words"),
    [
        (2, {}, "too few rows"),
        (9, {"validation": 0.5, "test": 0.5}, "leave no rows"),
        (9, {"test": 1.5}, "must be a fraction"),
        (9, {"groups": [0] * 9}, "too few groups"),
        (9, {"time": True, "stratify": [0] * 9}, "cannot be stratified"),
    ],
)
def test_impossible_splits(n, options, words):
    with pytest.raises(InputError, match=words):
        split_rows(n, **options)


def test_wrong_length():
    with pytest.raises(ShapeError, match="one value per row"):
        split_rows(9, stratify=[0, 1])


@settings(max_examples=60, deadline=None)
@given(st.integers(4, 150), st.integers(2, 4), st.integers(0, 5), st.booleans())
def test_folds_partition(n, folds, seed, shuffle):
    labels = np.random.default_rng(seed).integers(0, 3, n)
    for stratify in (None, labels):
        made = k_fold(n, folds, seed=seed, shuffle=shuffle, stratify=stratify)
        partition([held for _, held in made], n)
        for train, held in made:
            partition((train, held), n)
            assert len(held) in (n // folds, n // folds + 1)
        if stratify is not None:
            counts = np.array([np.bincount(labels[held], minlength=3) for _, held in made])
            assert np.ptp(counts, axis=0).max() <= 1


def test_time_folds_and_too_few_rows():
    for train, held in k_fold(50, 4, time=True):
        assert train.max() < held.min()
    with pytest.raises(InputError, match="Use fewer folds"):
        k_fold(3, 5)
    with pytest.raises(InputError, match=r"too few folds(.|\n)*where:    folds(.|\n)*>= 2(.|\n)*received: 1"):
        k_fold(50, 1)


@pytest.mark.parametrize("seed", [0, 42, 417])
@pytest.mark.parametrize("n", [10, 150, 768])
def test_same_rows_as_scikit_learn(seed, n):
    sk = pytest.importorskip("sklearn.model_selection")
    X, y = np.arange(2 * n).reshape(n, 2), np.arange(n) % 3
    for options in (
        {},
        {"test_size": 0.3},
        {"test_size": 0.33, "train_size": 0.5},
        {"test_size": 4},
        {"train_size": 0.7},
        {"train_size": 5, "test_size": 3},
        {"test_size": 0.4, "stratify": y},
        {"train_size": 0.61, "stratify": np.array(list("abc"))[y]},
        {"shuffle": False},
    ):
        options = options if "shuffle" in options else {**options, "random_state": seed}
        ours, theirs = train_test_split(X, y, **options), sk.train_test_split(X, y, **options)
        assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_global_seed_and_kinds_of_arrays():
    sk = pytest.importorskip("sklearn.model_selection")
    pd = pytest.importorskip("pandas")
    np.random.seed(417)
    ours = train_test_split(np.arange(20))
    np.random.seed(417)
    assert np.array_equal(ours[1], sk.train_test_split(np.arange(20))[1])
    rows = list(range(8))
    out = train_test_split(rows, pl.DataFrame({"a": rows}), pd.Series(rows), random_state=1)
    assert isinstance(out[0], list)
    assert out[1] == out[3]["a"].to_list() == out[5].tolist()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"test_size": 1.0}, "test_size is impossible"),
        ({"test_size": 10}, "test_size is impossible"),
        ({"train_size": 0.8, "test_size": 0.8}, "do not fit"),
        ({"stratify": [0] * 9 + [1]}, "cannot be stratified"),
        ({"shuffle": False, "stratify": [0] * 10}, "needs shuffle"),
    ],
)
def test_impossible_train_test_split(options, words):
    with pytest.raises(InputError, match=words):
        train_test_split(np.arange(10), **options)


def test_nothing_and_unequal():
    with pytest.raises(InputError, match="nothing to split"):
        train_test_split()
    with pytest.raises(ShapeError, match="different lengths"):
        train_test_split([1, 2], [1])
