"""The confusion matrix: what was predicted for the rows of each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .errors import InputError, ShapeError


def confusion_matrix(y_true: Any, y_pred: Any, classes: int | Sequence[Any] | None = None) -> np.ndarray:
    """C[i, j] = how many rows of class i were predicted to be class j.

    Args:
        y_true, y_pred: (rows,) or (rows, 1) classes, numbers or names; or (rows, classes) one-hot or probabilities, of
            which the largest counts. Fractions in one column are probabilities of the second of two classes, which
            begins above ½: of the two given, or that occur in y_true, sorted; of 1 where these are 0 and 1.
        classes: Their number, for class numbers from 0, or all of them in the order wanted; those that occur, sorted,
            unless given.

    Returns:
        (classes, classes) counts, a row a true class, a column a predicted one.

    Raises:
        ShapeError: when the two differ in their number of rows.
        InputError: when a row has no class or another than those given; for one probability a row, when there are not
            two classes.

    >>> confusion_matrix(["cat", "dog", "dog"], ["cat", "cat", "dog"]).tolist()
    [[1, 0], [1, 1]]
    >>> confusion_matrix([0, 1], [[0.3, 0.6, 0.1], [0.1, 0.7, 0.2]], classes=3).tolist()
    [[0, 1, 0], [0, 1, 0], [0, 0, 0]]
    >>> confusion_matrix(["no", "yes"], [[0.3], [0.9]]).tolist()
    [[1, 0], [0, 1]]

    Source: Stehman, "Selecting and interpreting measures of thematic classification accuracy", 1997.
    """
    if isinstance(classes, (int, np.integer)):
        known: Sequence[Any] | None = range(classes)
    else:
        known = None if classes is None else list(classes)
    truth = _labels(y_true, "y_true", known, known)
    guess = _labels(y_pred, "y_pred", known, np.unique(truth).tolist() if known is None else known)
    if len(truth) != len(guess):
        raise ShapeError(
            "The two differ in their number of rows.", where="y_pred", expected=f"{len(truth)} rows, as many as y_true",
            received=f"{len(guess)} rows", help="Row i of one belongs to row i of the other.",
        )  # fmt: skip
    order = np.union1d(truth, guess) if known is None else np.asarray(known)
    place = {label: k for k, label in enumerate(order.tolist())}
    table = np.zeros((len(place), len(place)), np.int64)
    np.add.at(table, (_places(truth, place, "y_true"), _places(guess, place, "y_pred")), 1)
    return table


def _labels(values: Any, where: str, known: Sequence[Any] | None, two: Sequence[Any] | None) -> np.ndarray:
    """(rows,) the class of each row; a column stands for that of its place in `known`, p for the second of `two`."""
    given = np.asarray(values)
    given = np.array(given.tolist()) if given.dtype == object else given
    if given.ndim > 2 or given.ndim == 0:
        raise ShapeError("A row has one class.", where=where, expected="(rows,) or (rows, classes)",
                         received=f"shape {given.shape}", help="Bring steps or pixels into rows first.")  # fmt: skip
    column = given.ndim == 1 or given.shape[1] == 1
    # Infinity is the largest of its columns; beside NaN nothing is.
    told = given.dtype.kind != "f" or bool((np.isfinite(given) if column else ~np.isnan(given)).all())
    if given.dtype == object or not told:
        raise InputError("Some rows have no class.", where=where, expected="numbers or names of classes",
                         received="None, NaN or infinity", help="Leave those rows out.")  # fmt: skip
    if not column:
        if known is not None and len(known) != given.shape[1]:
            raise ShapeError("There is one column a class.", where=where, expected=f"{len(known)} columns",
                             received=f"shape {given.shape}", help="Give as many classes.")  # fmt: skip
        return given.argmax(1) if known is None else np.asarray(known)[given.argmax(1)]
    given = given.reshape(-1)
    parts = given.dtype.kind == "f" and bool((given != np.floor(given)).any())
    if not (parts and given.min() >= 0 and given.max() <= 1):
        return given
    two = (0, 1) if two is None or set(two) <= {0, 1} else two
    if len(two) != 2:
        raise InputError(
            "One probability a row is that of the second of two classes.", where=where, expected="two classes",
            received=", ".join(map(str, list(two)[:10])) + (", …" if len(two) > 10 else ""),
            help="Give the two: classes=[first, second].",
        )  # fmt: skip
    return np.asarray(two)[(given > 0.5).astype(int)]


def _places(labels: np.ndarray, place: dict[Any, int], where: str) -> np.ndarray:
    """(rows,) the number of each row's class."""
    found, inverse = np.unique(labels, return_inverse=True)
    other = [label for label in found.tolist() if label not in place]
    if other:
        raise InputError(
            "A row has a class that is not among those given.", where=where, received=repr(other[0]),
            expected=", ".join(map(str, list(place)[:10])) + (", …" if len(place) > 10 else ""),
            help="Give all classes, or leave classes out.",
        )  # fmt: skip
    return np.array([place[label] for label in found.tolist()], np.intp)[inverse.reshape(-1)]
