"""Kinds of columns and kinds of tasks."""

import numpy as np
import polars as pl
import pytest

from jindan.data import infer_columns, infer_task
from jindan.errors import InputError, UnknownNameError

N = 40


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.5, 2.5] * 20, "numeric"),
        ([0, 1] * 20, "numeric"),
        (["1", "2"] * 20, "numeric"),
        ([f"{i / 7}" for i in range(N)], "numeric"),
        (["a", "b"] * 20, "categorical"),
        (["yes", "no"] * 20, "boolean"),
        (["예", "아니오"] * 20, "boolean"),
        ([True, False] * 20, "boolean"),
        ([3] * N, "constant"),
        ([None] * N, "empty"),
        ([3.0, None] * 20, "numeric"),
        (list(range(N)), "identifier"),
        (list(range(N, 0, -1)), "identifier"),
        ([f"user{i}" for i in range(N)], "identifier"),
        ([f"the quick brown fox number {i}" for i in range(N)], "text"),
        ([f"19{40 + i}-01" for i in range(N)], "date"),
        ([f"2020-01-{1 + i % 28:02}" for i in range(N)], "date"),
        ([f"2020/01/{1 + i % 28:02}" for i in range(N)], "date"),
        ([f"2020-01-02 10:{i:02}" for i in range(N)], "date"),
        ([f"2020년 {1 + i % 12}월 3일" for i in range(N)], "date"),
        ([float(i) for i in range(N)], "numeric"),
    ],
)
def test_kinds(values, kind):
    frame = pl.DataFrame({"v": values, "other": [0.5, 1.5] * 20})
    assert infer_columns(frame)[0].kind == kind


def test_the_only_feature_and_the_target_are_no_identifiers():
    frame = pl.DataFrame({"x": list(range(N)), "y": [2 * i for i in range(N)]})
    assert [c.kind for c in infer_columns(frame, target="y")] == ["numeric", "numeric"]
    frame = pl.DataFrame({"score": list(range(N)), "z": [0.5, 1.0] * 20})
    assert infer_columns(frame, target="score")[0].kind == "numeric"


def test_numbers_and_counts():
    column, text = infer_columns(
        pl.DataFrame({"v": [1.0, 2.0, 3.0, None, float("inf")], "s": ["a", "b", "a", None, "c"]})
    )
    assert (column.min, column.mean, column.median, column.max) == (1, 2, 2, 3)
    assert (column.count, column.missing, column.n_infinite) == (4, 1, 1)
    assert text.top == (("a", 2), ("b", 1), ("c", 1))


def test_one_row_and_huge_values():
    assert [c.kind for c in infer_columns(pl.DataFrame({"a": [1.0], "b": ["x"]}))] == ["numeric", "categorical"]
    (column,) = infer_columns(pl.DataFrame({"v": [1e38, -1e38, 1e300]}))
    assert np.isfinite(column.std)


def test_kinds_of_shared_tables(data_set):
    table, target = data_set
    kinds = {c.name: c.kind for c in infer_columns(table.frame, target=target)}
    unusable = {name: kind for name, kind in kinds.items() if kind in ("identifier", "text", "constant", "empty")}
    assert unusable == ({"column_1": "constant"} if table.name == "ionosphere" else {})


@pytest.mark.parametrize(
    ("values", "kind", "classes"),
    [
        (["b", "a"] * 5, "binary", ("a", "b")),
        (["10", "9", "9", "10"], "binary", ("9", "10")),
        (["a", "b", "c"], "multiclass", ("a", "b", "c")),
        ([True, False], "binary", (False, True)),
        ([0, 1] * 5, "binary", (0, 1)),
        ([0.0, 1.0, np.nan], "binary", (0, 1)),
        ([0, 1, 2] * 30, "multiclass", (0, 1, 2)),
        ([1, 2, 3] * 2, "multiclass", (1, 2, 3)),
        ([3, 14, 15, 92, 65], "regression", ()),
        (list(range(100)), "regression", ()),
        ([0.5, 1.25, 3.0], "regression", ()),
    ],
)
def test_task(values, kind, classes):
    task = infer_task(values)
    assert (task.kind, task.classes) == (kind, classes)
    assert task.reason_en
    assert task.reason_ko


@pytest.mark.parametrize(
    ("values", "task", "words"),
    [
        (["a", "b"], "regression", "Regression needs numbers"),
        ([True, False], "regression", "Regression needs numbers"),
        ([1, 2, 3], "binary", "exactly two classes"),
        ([i / 7 for i in range(50)], "multiclass", "a measured number"),
        (["a", "a"], "auto", "one value only"),
        ([None, None], "auto", "no value"),
        (["2020-01-01", "2020-01-02"], "auto", "Dates cannot be predicted"),
        ([f"name{i}" for i in range(30)], "auto", "Every row has a class of its own"),
    ],
)
def test_impossible_tasks(values, task, words):
    with pytest.raises(InputError, match=words):
        infer_task(values, task)


def test_task_names_and_rare_classes():
    with pytest.raises(UnknownNameError, match="Did you mean `regression`"):
        infer_task([1, 2], "regresion")
    assert infer_task(["a", "a", "b"]).rare == ("b",)
    assert infer_task(["a", "b"], "multiclass").kind == "multiclass"
    assert infer_task([0, 1, 1], "regression").kind == "regression"
