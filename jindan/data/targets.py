"""Encoders of the target column: `ClassTarget` and `NumberTarget`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jindan.data.columns import as_numbers
from jindan.data.task import as_series, sorted_classes
from jindan.errors import InputError, UnknownNameError


def present_rows(values: Any) -> NDArray[np.bool_]:
    """Which rows have a target; train on those.

    >>> present_rows([1.0, float("nan"), 2.0]).tolist()
    [True, False, True]
    """
    return as_series(values).is_not_null().to_numpy()


@dataclass(frozen=True)
class ClassTarget:
    """Classes in sorted order, numbers and text that reads as numbers in the order of the numbers.

    >>> target = ClassTarget.fit(["10", "9", "10"])
    >>> target.classes, target.encode(["9", "10"]).tolist(), target.decode([1]).tolist()
    (('9', '10'), [0, 1], ['10'])
    """

    classes: tuple[Any, ...]

    @classmethod
    def fit(cls, values: Any) -> ClassTarget:
        """Learn the classes; rows without one are passed over.

        Raises:
            InputError: fewer than two classes.
        """
        series = as_series(values)
        classes = sorted_classes(series)
        if len(classes) < 2:
            raise InputError(
                "The target has fewer than two classes.",
                where=f"target {series.name!r}" if series.name else "the target",
                expected="at least two classes",
                received=f"{len(classes)}: {', '.join(map(str, classes))}" if classes else "no value",
                help="Choose another target column, or add rows of the other classes.",
            )
        if series.dtype.is_float() and any(np.isinf(v) for v in classes):
            raise _infinite(series.name)
        return cls(classes)

    def encode(self, values: Any) -> NDArray[np.int32]:
        """Classes to 0 … k-1, shape (n,). "1", 1 and 1.0 mean the same class.

        Raises:
            InputError: a missing class, or one that was not there when fitting.
        """
        series = as_series(values)
        if series.null_count():
            raise InputError(
                "A row has no target.",
                where=f"row {int(np.flatnonzero(series.is_null().to_numpy())[0]) + 1}",
                expected="a class in every row",
                received="a missing value",
                help="Leave those rows out; in Python, present_rows() says which have a target.",
            )
        boolean = all(isinstance(c, bool) for c in self.classes)
        codes = {_key(c, boolean): i for i, c in enumerate(self.classes)}
        # Beside other words, true and false are words; rows that lack those words have them as booleans.
        codes |= {c.casefold(): i for i, c in enumerate(self.classes) if isinstance(c, str) and c in _FLAGS}
        found = {v: codes.get(_key(v, boolean), -1) for v in series.unique().to_list()}
        unknown = [v for v, code in found.items() if code < 0]
        if unknown:
            raise UnknownNameError("class", unknown[0], [str(c) for c in self.classes], where="the target")
        return np.array([found[v] for v in series.to_list()], np.int32)

    def decode(self, codes: ArrayLike) -> NDArray[Any]:
        """Codes back to classes of their original type, shape (n,)."""
        index = np.asarray(codes).astype(np.intp)
        return np.array(self.classes, dtype=None if len({type(c) for c in self.classes}) == 1 else object)[index]

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {"type": "ClassTarget", "classes": list(self.classes)}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> ClassTarget:
        """The target whose `to_dict` gave this state."""
        return cls(tuple(state["classes"]))


@dataclass(frozen=True)
class NumberTarget:
    """A number as z = (y - mean) / std; mean 0 and std 1 leave it as it is.

    >>> target = NumberTarget.fit([1.0, 3.0])
    >>> target.encode([1.0, 3.0]).tolist(), target.decode([0.0]).tolist()
    ([-1.0, 1.0], [2.0])
    """

    mean: float = 0.0
    std: float = 1.0

    @classmethod
    def fit(cls, values: Any, *, scale: bool = True) -> NumberTarget:
        """Learn mean and standard deviation of the training rows; `scale=False` only checks the values.

        Raises:
            InputError: text, infinite values, no value at all.
        """
        numbers = _numbers(values)
        numbers = numbers[~np.isnan(numbers)]
        if numbers.size == 0:
            raise InputError("The target column has no value.", where="the target", expected="a number per row")
        if not scale:
            return cls()
        unit = float(np.abs(numbers).max()) or 1.0
        mean, std = float((numbers / unit).mean()), float((numbers / unit).std())
        return cls(mean * unit, std * unit if std > 1e-14 else 1.0)

    def encode(self, values: Any) -> NDArray[np.float32]:
        """Numbers to z, float32, shape (n,).

        Raises:
            InputError: a missing or infinite value, or text.
        """
        numbers = _numbers(values)
        if np.isnan(numbers).any():
            raise InputError(
                "A row has no target.",
                where=f"row {int(np.flatnonzero(np.isnan(numbers))[0]) + 1}",
                expected="a number in every row",
                received="a missing value",
                help="Leave those rows out; in Python, present_rows() says which have a target.",
            )
        return ((numbers - self.mean) / self.std).astype(np.float32)

    def decode(self, values: ArrayLike) -> NDArray[np.float64]:
        """z back to the target's own unit, any shape."""
        return np.asarray(values, np.float64) * self.std + self.mean

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {"type": "NumberTarget", "mean": self.mean, "std": self.std}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> NumberTarget:
        """The target whose `to_dict` gave this state."""
        return cls(state["mean"], state["std"])


def target_from_dict(state: Mapping[str, Any]) -> ClassTarget | NumberTarget:
    """Either target from its `to_dict`."""
    return ClassTarget.from_dict(state) if state["type"] == "ClassTarget" else NumberTarget.from_dict(state)


_FLAGS = ("True", "False", "TRUE", "FALSE")


def _numbers(values: Any) -> NDArray[np.float64]:
    series = as_series(values)
    numbers = as_numbers(series)
    odd = numbers.is_null() & series.is_not_null()
    if odd.any():
        row = int(np.flatnonzero(odd.to_numpy())[0])
        raise InputError(
            "The target is not a number.", where=f"row {row + 1}", expected="a number", received=repr(series[row])
        )
    array = numbers.to_numpy().astype(np.float64)
    if np.isinf(array).any():
        raise _infinite(series.name)
    return array


def _infinite(name: str) -> InputError:
    return InputError(
        "The target holds an infinite value.",
        where=f"target {name!r}" if name else "the target",
        expected="finite numbers",
        received="inf",
        help="Look for a division by zero, or leave the row out.",
    )


def _key(value: Any, boolean: bool) -> str:
    """One key for all ways to write a class."""
    if isinstance(value, str):
        value = value.strip()
        try:
            number = float(value)
        except ValueError:
            return value.casefold() if boolean else value
        # "007" is a code, not the number 7.
        value = number if (number.is_integer() and value == str(int(number))) or "." in value else value
    if isinstance(value, bool):
        return str(value).casefold()
    if isinstance(value, int | float):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return str(value)
