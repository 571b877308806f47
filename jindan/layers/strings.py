"""Layers that read strings: a model that begins with one takes strings, and makes numbers of them on the way in."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError, ShapeError
from .adapting import Immediate
from .base import Shape


class OfStrings(Immediate, abstract=True):
    """Base: `read` makes numbers of strings before the compiled program, which sees these alone."""

    def read(self, values: Any) -> np.ndarray:
        """The numbers that the program is given for strings (rows, …)."""
        raise NotImplementedError

    def row_read(self, shape: Shape) -> Shape | None:
        """The shape of one row of these numbers for that of one row of strings; None where the strings tell."""
        return shape


def strings(values: Any, where: str) -> tuple[list[str], tuple[int, ...]]:
    """Strings one after another, in Unicode's form NFC, and the shape they had; what is missing is "".

    Raises:
        InputError: one string instead of many, or no strings at all.
        ShapeError: rows of different lengths.

    >>> strings([["가", None], [b"b", 3]], "a test")
    (['가', '', 'b', '3'], (2, 2))
    """
    from ..data.text import Normalization, as_texts

    column = values.to_numpy() if hasattr(values, "to_numpy") else values
    if isinstance(column, (str, bytes)) or not (isinstance(column, (list, tuple)) or np.ndim(column)):
        as_texts(column if isinstance(column, str) else str(column))
    array = np.array(column, dtype=object)
    flat = [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in array.ravel()]
    if any(isinstance(value, (list, tuple, np.ndarray)) for value in flat):
        raise ShapeError(
            "The rows of strings differ in length.", where=where, expected="rows of one length",
            received="ragged rows", help="Pad the rows with '' to one length.",
        )  # fmt: skip
    normal = Normalization("NFC", lower=False, spaces=False)
    return [normal(text) for text in as_texts(flat)], array.shape


def token_of(given: Any, setting: str, layer: str) -> str | None:
    """A setting that is a string or None, in Unicode's form NFC."""
    if given is None:
        return None
    if not isinstance(given, str):
        raise InputError(
            f"{layer} reads strings.", where=f"{setting} of {layer}", expected="a string, or None",
            received=repr(given), help="IntegerLookup is for integers.",
        )  # fmt: skip
    return strings([given], layer)[0][0]


def are_strings(values: Any) -> bool:
    """Whether an array, column or list holds strings rather than numbers.

    >>> are_strings(["가"]), are_strings(np.array([[b"a"]])), are_strings([[1, 2]]), are_strings([None, "a"])
    (True, True, False, True)
    """
    if isinstance(values, (str, bytes)):
        return True
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    if not isinstance(values, (list, tuple)) and not hasattr(values, "dtype"):
        return False
    try:
        kind = values.dtype.kind if hasattr(values, "dtype") else np.asarray(values).dtype.kind
    except (ValueError, AttributeError):
        return isinstance(values, (list, tuple)) and any(isinstance(row, str) for part in values for row in part)
    return kind in "OSUT"


def refuse_inside(layer: Any) -> InputError:
    """The error of a layer of strings that stands where numbers go."""
    kind = type(layer).__name__
    return InputError(
        f"{kind} reads strings, and stands where a model has numbers already.", where=layer.name or kind,
        expected="the first layer, or the only one that reads an Input",
        received=f"{kind} behind or beside other layers",
        help="Sequential([vectorizer, …]); in a graph, vectorizer(Input((1,), dtype='string')) alone.",
    )  # fmt: skip
