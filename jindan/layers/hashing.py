"""Hashing: strings and integers as one of so many numbers without a vocabulary; crosses of several columns."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..errors import InputError, ShapeError
from ..spec import COUNT, Choice, Spec, item
from .base import Array, Context, Shape
from .categories import CODES, NO, as_whole, encoded, need_whole, shape_encoded
from .fingerprints import fingerprint, hashed, joined, salt_of
from .strings import OfStrings, are_strings, strings, token_of

KEY = 0xDECAFCAFFE  # TensorFlow's, from which crosses start


class Hashing(OfStrings):
    """Strings or integers as numbers 0 … num_bins − 1: their FarmHash fingerprint mod num_bins, as in Keras.

    Nothing is learnt: a string has its number for ever, and shares it with others. In a model it stands first and takes
    strings; numbers that a model is given there are taken for what it would make of strings.

    Args:
        num_bins: How many numbers there are.
        mask_value: A string or integer that gets 0 to itself; None is none.
        salt: One or two integers: SipHash by this key in place of FarmHash.
        output_mode: "int", "one_hot", "multi_hot" or "count", see `CategoryEncoding`.
        sparse: Taken for Keras's sake.

    >>> Hashing(3)(["A", "B", "C", "D", "E"]).tolist(), Hashing(3, salt=[133, 137])(["A", "B", "C"]).tolist()
    ([1, 0, 1, 1, 2], [1, 2, 1])
    >>> Hashing(3, mask_value="")([["A"], [""], ["D"]]).tolist(), Hashing(3)([0, 1, 2, 3, 4]).tolist()
    ([[1], [0], [2]], [1, 0, 1, 0, 2])

    Source: Weinberger et al., "Feature hashing for large scale multitask learning", 2009; Keras 3, Hashing, whose
    examples these are.
    """

    takes_integers = True
    num_bins: int = item(rule=COUNT)
    mask_value: Any = item(default=None, host=True)
    salt: Any = item(default=None, host=True)
    output_mode: str = item(default="int", rule=Choice(("int", *CODES)))
    sparse: bool = item(default=False, rule=NO, host=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "salt", salt_of(self.salt, "Hashing"))
        if not isinstance(self.mask_value, int):
            object.__setattr__(self, "mask_value", token_of(self.mask_value, "mask_value", "Hashing"))

    def read(self, values: Any) -> np.ndarray:
        """The number of each string or integer."""
        if are_strings(values):
            texts, shape = strings(values, "Hashing")
        else:
            numbers = np.asarray(values)
            whole = need_whole(np.trunc(numbers) if numbers.dtype.kind == "f" else numbers, "Hashing")
            texts, shape = [str(number) for number in whole.ravel().tolist()], whole.shape
        aside = self.mask_value is not None and self.num_bins > 1
        mask = str(self.mask_value) if aside else None
        bins = {text: hashed(text, self.salt) % (self.num_bins - aside) + aside for text in set(texts)}
        return np.array([0 if text == mask else bins[text] for text in texts], np.int32).reshape(shape)

    def of(self, values: Any) -> np.ndarray:
        """What the layer makes of strings or integers."""
        bins = self.read(values)
        return bins if self.output_mode == "int" else self.computed(bins)

    @property
    def input_dim_of_ids(self) -> int:
        """The number that whole-number inputs must stay below."""
        return self.num_bins

    @property
    def moves(self) -> bool:  # type: ignore[override]
        """Whether it passes numbers on as they are."""
        return self.output_mode == "int"

    @property
    def streams(self) -> bool:
        return self.output_mode == "int"

    def output_shape(self, shape: Shape) -> Shape:
        return shape_encoded(shape, self.output_mode, self.num_bins)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return encoded(x, self.output_mode, self.num_bins)

    def flops(self, shape: Shape) -> int:
        return 0 if self.output_mode == "int" else math.prod(shape) * self.num_bins


class _Crossing(Spec, kind="crossing"):
    """The kind a crossing is looked up under."""


class HashedCrossing(_Crossing):
    """Columns of strings or integers crossed: each combination as one of num_bins numbers, as in Keras.

    It is called on columns, before a model: what it makes is a column that models read.

    Args:
        num_bins: How many numbers there are.
        output_mode: "int" or "one_hot".
        sparse: Taken for Keras's sake.

    Raises:
        InputError: when there are not at least two columns.
        ShapeError: when columns differ in length, or are no columns.

    >>> HashedCrossing(5)([["A", "B", "A", "B", "A"], [101, 101, 101, 102, 102]]).tolist()
    [1, 4, 1, 1, 3]

    Source: Keras 3, HashedCrossing, whose example this is.
    """

    num_bins: int = item(rule=COUNT)
    output_mode: str = item(default="int", rule=Choice(("int", "one_hot")))
    sparse: bool = item(default=False, rule=NO, host=True)

    def __call__(self, columns: Any) -> np.ndarray:
        """The number of each row of the columns (rows,) or (rows, 1), or its vector."""
        if not isinstance(columns, (list, tuple)) or len(columns) < 2:
            raise InputError(
                "Columns are crossed with one another.", where="HashedCrossing", expected="a list of columns",
                received=f"{len(columns)} of them" if isinstance(columns, (list, tuple)) else type(columns).__name__,
                help="HashedCrossing(100)([weekdays, hours]).",
            )  # fmt: skip
        found = [_fingerprints(column) for column in columns]
        shapes = sorted({shape for _, shape in found})
        if len(shapes) > 1 or len(shapes[0]) not in (1, 2) or shapes[0][1:] not in ((), (1,)):
            raise ShapeError(
                "The columns do not go together.", where="HashedCrossing",
                expected="columns (rows,) or (rows, 1), all alike", received=f"shapes {', '.join(map(str, shapes))}",
                help="Row i of one belongs to row i of the others.",
            )  # fmt: skip
        rows = []
        for parts in zip(*(numbers for numbers, _ in found), strict=True):
            crossed = KEY
            for part in parts:
                crossed = joined(crossed, part)
            rows.append(crossed % self.num_bins)
        bins = jnp.asarray(np.array(rows, np.int32).reshape(shapes[0]))
        return as_whole(encoded(bins, self.output_mode, self.num_bins), self.output_mode)


def _fingerprints(column: Any) -> tuple[list[int], tuple[int, ...]]:
    """What stands for each value in a cross: strings by their fingerprint, integers by themselves."""
    if are_strings(column):
        texts, shape = strings(column, "HashedCrossing")
        return [fingerprint(text.encode("utf-8", "surrogatepass")) for text in texts], shape
    whole = need_whole(column, "HashedCrossing")
    return [number % 2**64 for number in whole.ravel().tolist()], whole.shape
