"""Encoders of categories and fillers of missing values: LabelEncoder, OneHotEncoder, Imputer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jindan.data.scaling import Matrix, Transform, as_matrix
from jindan.errors import InputError, ShapeError, UnknownNameError


class LabelEncoder(Transform):
    """Labels to 0 … k-1 in sorted order, and back.

    >>> encoder = LabelEncoder().fit(["b", "a", "b"])
    >>> encoder.transform(["a", "b"]).tolist(), encoder.inverse_transform([1]).tolist()
    ([0, 1], ['b'])
    """

    _fitted = ("classes_",)

    def fit(self, X: ArrayLike) -> Self:
        """Learn the labels of a 1-D array.

        Raises:
            InputError: a missing label.
        """
        self.classes_ = _sorted_labels(_labels(X), "the labels")
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.int32]:
        """Labels (n,) to int32 codes (n,).

        Raises:
            InputError: a label that was not there when fitting.
        """
        classes = self._need("classes_")
        codes = {label: code for code, label in enumerate(classes.tolist())}
        labels = _labels(X).tolist()
        unknown = [label for label in labels if label not in codes]
        if unknown:
            raise UnknownNameError("label", unknown[0], [str(c) for c in classes])
        return np.array([codes[label] for label in labels], np.int32)

    def inverse_transform(self, codes: ArrayLike) -> NDArray[Any]:
        """Codes (n,) to labels (n,)."""
        classes: NDArray[Any] = self._need("classes_")
        return classes[_codes(codes, len(classes))]

    def _restore(self, name: str, value: Any) -> Any:
        return _label_array(value)


class OneHotEncoder(Transform):
    """One column of 0 and 1 a category, in sorted order; a category not seen when fitting gives all zeros.

    With `drop_first` the first category has no column: it is the one with all zeros.

    >>> OneHotEncoder().fit_transform([["red"], ["blue"]]).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """

    _options = ("drop_first",)
    _fitted = ("categories_",)

    def __init__(self, drop_first: bool = False) -> None:
        self.drop_first = drop_first

    def fit(self, X: ArrayLike) -> Self:
        """Learn the categories of each column of X, shape (n, d) or (n,).

        Raises:
            InputError: a missing value.
        """
        columns = _columns(X)
        self.categories_ = [_sorted_labels(column, f"column {i}") for i, column in enumerate(columns)]
        return self

    def transform(self, X: ArrayLike) -> Matrix:
        """Categories (n, d) to zeros and ones (n, total number of categories)."""
        categories = self._need("categories_")
        columns = _columns(X)
        if len(columns) != len(categories):
            raise ShapeError(
                "The array has the wrong width.", expected=f"{len(categories)} columns", received=len(columns)
            )
        skip = int(self.drop_first)
        blocks = []
        for column, known in zip(columns, categories, strict=True):
            codes = {label: code for code, label in enumerate(known.tolist())}
            found = np.array([codes.get(label, -1) for label in column.tolist()])
            blocks.append((found[:, None] == np.arange(skip, len(known))).astype(np.float64))
        return np.concatenate(blocks, axis=1)

    def inverse_transform(self, Z: ArrayLike) -> NDArray[Any]:
        """Zeros and ones back to categories (n, d) as objects; None where a row is all zero and none was dropped."""
        categories = self._need("categories_")
        Z, skip, start = np.asarray(Z), int(self.drop_first), 0
        out = np.empty((len(Z), len(categories)), dtype=object)
        for i, known in enumerate(categories):
            block = Z[:, start : start + len(known) - skip]
            start += block.shape[1]
            labels = known.tolist()
            for row in range(len(Z)):
                if block.shape[1] and block[row].any():
                    out[row, i] = labels[int(block[row].argmax()) + skip]
                else:
                    out[row, i] = labels[0] if self.drop_first else None
        return out

    def feature_names(self, names: list[str] | None = None) -> list[str]:
        """Names of the columns that `transform` gives: `column=category`.

        >>> OneHotEncoder().fit([["red"], ["blue"]]).feature_names(["colour"])
        ['colour=blue', 'colour=red']
        """
        categories = self._need("categories_")
        names = names or [f"x{i}" for i in range(len(categories))]
        pairs = zip(names, categories, strict=True)
        return [f"{name}={label}" for name, known in pairs for label in known.tolist()[int(self.drop_first) :]]

    def to_dict(self) -> dict[str, Any]:
        """Options and categories as plain lists."""
        state = super().to_dict()
        if "categories_" in state:
            state["categories_"] = [known.tolist() for known in state["categories_"]]
        return state

    def _restore(self, name: str, value: Any) -> Any:
        return [_label_array(known) for known in value]


class Imputer(Transform):
    """Fills missing values (NaN) of numeric columns with the mean, median, most frequent value or a constant.

    Of equally frequent values the least is taken; a column without any value is filled with `fill_value`.

    >>> Imputer("median").fit_transform([[1.0], [np.nan], [5.0], [3.0]]).ravel().tolist()
    [1.0, 3.0, 5.0, 3.0]
    """

    STRATEGIES = ("mean", "median", "most_frequent", "constant")
    _options = ("strategy", "fill_value")
    _fitted = ("statistics_",)

    def __init__(self, strategy: str = "mean", *, fill_value: float = 0.0) -> None:
        if strategy not in self.STRATEGIES:
            raise UnknownNameError("imputer strategy", strategy, self.STRATEGIES)
        self.strategy, self.fill_value = strategy, fill_value

    def fit(self, X: ArrayLike) -> Self:
        """Learn what to fill in.

        Raises:
            InputError: an infinite value; names its column.
        """
        X = as_matrix(X)
        self.statistics_ = np.array([self._statistic(column[~np.isnan(column)]) for column in X.T], np.float64)
        return self

    def transform(self, X: ArrayLike) -> Matrix:
        """The same rows with every NaN filled."""
        fill = self._need("statistics_")
        X = as_matrix(X, width=len(fill))
        return np.where(np.isnan(X), fill, X)

    def _statistic(self, values: Matrix) -> float:
        if self.strategy == "constant" or values.size == 0:
            return self.fill_value
        if self.strategy == "median":
            return float(np.median(values))
        if self.strategy == "most_frequent":
            found, counts = np.unique(values, return_counts=True)
            return float(found[counts.argmax()])
        scale = float(np.abs(values).max()) or 1.0
        mean = float(np.mean(values))
        return mean if np.isfinite(mean) else float(np.mean(values / scale) * scale)


def transform_from_dict(state: Mapping[str, Any]) -> Transform:
    """Any of the transforms from its `to_dict`.

    >>> transform_from_dict(Imputer("mean").fit([[1.0], [2.0]]).to_dict()).statistics_.tolist()
    [1.5]
    """
    kinds = {kind.__name__: kind for kind in _all_kinds(Transform)}
    if state.get("type") not in kinds:
        raise UnknownNameError("transform", state.get("type"), sorted(kinds))
    return kinds[state["type"]].from_dict(state)


def _all_kinds(base: type[Transform]) -> list[type[Transform]]:
    found = []
    for kind in base.__subclasses__():
        found += [kind, *_all_kinds(kind)]
    return [kind for kind in found if not kind.__name__.startswith("_")]


def _labels(X: Any) -> NDArray[Any]:
    array = np.asarray(X.to_list() if hasattr(X, "to_list") else X)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.size == 0:
        raise ShapeError("Labels are one column.", expected="shape (rows,), at least one row", received=array.shape)
    return array


def _columns(X: Any) -> list[NDArray[Any]]:
    array = np.asarray(X)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.size == 0:
        raise ShapeError("Categories are rows and columns.", expected="shape (rows, columns)", received=array.shape)
    return [array[:, i] for i in range(array.shape[1])]


def _label_array(values: list[Any]) -> NDArray[Any]:
    kinds = {type(v) for v in values}
    if len(kinds) == 1 and kinds <= {str, int, float, bool}:
        return np.array(values)
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def _sorted_labels(column: NDArray[Any], where: str) -> NDArray[Any]:
    values = list(dict.fromkeys(column.tolist()))
    if any(v is None or v != v for v in values):
        raise InputError(
            "A category is missing.",
            where=where,
            expected="a label in every row",
            received="a missing value",
            help="Leave the row out, or give missing values a label of their own.",
        )
    try:
        return _label_array(sorted(values))
    except TypeError:
        return _label_array(sorted(values, key=lambda v: (str(type(v)), v)))


def _codes(codes: ArrayLike, k: int) -> NDArray[np.intp]:
    found = np.asarray(codes)
    if found.size and (not np.issubdtype(found.dtype, np.integer) or found.min() < 0 or found.max() >= k):
        raise InputError(
            "A code stands for no label.", expected=f"integers from 0 to {k - 1}", received=found.ravel()[:5]
        )
    return found.astype(np.intp)
