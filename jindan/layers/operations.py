"""What Python's own `x / y`, `x ** 2`, `2 ** x`, `abs(x)`, `x[:, 0]` and `if training:` are in a graph."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from ..errors import InputError, ShapeError
from ..rules import Number
from ..spec import item
from .base import Array, Context, Layer, Shape
from .merge import _Merge, _need_two

PLACE = Number(integer=True)


class Divide(_Merge):
    """x₁ / x₂ of exactly two inputs; shapes, masks and errors as Add's. `x / y` of values of a graph.

    >>> Divide().apply({}, [jnp.array([[1.0, 6.0]]), jnp.array([[4.0, 3.0]])], Context()).tolist()
    [[0.25, 2.0]]
    """

    def output_shape(self, shape: Any) -> Shape:
        _need_two(self, shape, most=2)
        return super().output_shape(shape)

    def merge(self, x: list[Array]) -> Array:
        return x[0] / x[1]


class Power(Layer):
    """x to the power of a number, number by number; `x ** 2` and, by −1, `1 / x` of values of a graph.

    Args:
        exponent: The power. Where it is no whole number, numbers below 0 have none and give NaN.

    >>> Power(2).apply({}, jnp.array([[3.0, -4.0]]), Context()).tolist()
    [[9.0, 16.0]]
    """

    passes_mask = True
    exponent: float = item(rule=Number())

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        whole = float(self.exponent).is_integer()
        return x ** (int(self.exponent) if whole else jnp.asarray(self.exponent, x.dtype))


class PowerOf(Layer):
    """A number to the power of x, number by number; `2 ** x` of values of a graph.

    Args:
        base: The number, above 0.

    >>> PowerOf(2).apply({}, jnp.array([[3.0, -1.0]]), Context()).tolist()
    [[8.0, 0.5]]
    """

    passes_mask = True
    base: float = item(rule=Number(0, open_low=True))

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return jnp.asarray(self.base, x.dtype) ** x


class Absolute(Layer):
    """|x|, number by number; `abs(x)` of values of a graph.

    >>> Absolute().apply({}, jnp.array([[3.0, -4.0]]), Context()).tolist()
    [[3.0, 4.0]]
    """

    passes_mask = True

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return jnp.abs(x)


class GetItem(Layer):
    """A part of each row, as NumPy's brackets take it. `x[:, 0]` of values of a graph. The output has no mask.

    Args:
        index: What stands in the brackets, the batch axis, `:`, first: whole numbers, slices, `...`, and None for a new
            axis of length 1. It is kept in JSON's forms: a slice is ("slice", start, stop, step).

    Raises:
        InputError: when it would leave rows out, or holds anything else.
        ShapeError: when rows have no such place.

    >>> GetItem((slice(None), -1)).output_shape((5, 3)), GetItem((..., slice(0, 2))).output_shape((5, 3))
    ((3,), (5, 2))
    >>> GetItem((slice(None), None)).index
    (('slice', None, None, None), None)
    """

    moves = True
    index: Any = item()

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.index
        if not isinstance(given, tuple) or given[:1] == ("slice",):
            given = (given,)
        index = tuple(map(_written, given))
        if index[0] not in (_written(slice(None)), "...") or index.count("...") > 1 or "?" in index:
            raise InputError(
                "A part is taken of every row alike, by places that are known.", where="index of GetItem",
                expected="[:, …] with whole numbers, slices, … or None", received=repr(self.index),
                help="Lambda(lambda x: …) computes what is not a place.",
            )  # fmt: skip
        object.__setattr__(self, "index", index)

    @property
    def _places(self) -> tuple:
        read = {"...": Ellipsis}
        return tuple(slice(*p[1:]) if isinstance(p, tuple) else read.get(p, p) for p in self.index)

    def output_shape(self, shape: Shape) -> Shape:
        axes = sum(place is not None and place != "..." for place in self.index)
        try:
            if self.index[0] == "..." and axes > len(shape):
                raise IndexError
            return np.broadcast_to(np.zeros(()), (1, *shape))[self._places].shape[1:]
        except IndexError:
            raise ShapeError(
                "Rows have no such place.", where=self.name or "GetItem", expected=f"places in rows of shape {shape}",
                received=f"[{_shown(self.index)}]", help="The first axis in the brackets is that of the batch.",
            ) from None  # fmt: skip

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return x[self._places]


class InTraining(Layer):
    """The first of two inputs while training, the second at inference; what `if training:` in a model's `call` becomes.

    Shapes: two inputs (rows, …) of one shape → the same. The output has the first's mask.

    Raises:
        ShapeError: when there are not two inputs of one shape.

    >>> InTraining().apply({}, [1.0, 2.0], Context(training=True)), InTraining().apply({}, [1.0, 2.0], Context())
    (1.0, 2.0)
    """

    many = True

    def output_shape(self, shape: Any) -> Shape:
        if len(shape) != 2 or shape[0] != shape[1]:
            raise ShapeError(
                "Training and inference give values of different shapes.", where=self.name or "InTraining",
                expected="two values of one shape", received=", ".join(map(str, shape)),
                help="A branch on `training` may change numbers, not shapes.",
            )  # fmt: skip
        return shape[0]

    def mask_of(self, x: Any, mask: Any) -> Any:
        return mask[0]

    def apply(self, w: dict[str, Array], x: Any, ctx: Context) -> Array:
        return x[0] if ctx.training else x[1]


def _written(place: Any) -> Any:
    """A place in JSON's forms; "?" for what is none."""
    if isinstance(place, slice):
        place = ("slice", place.start, place.stop, place.step)
    if isinstance(place, (tuple, list)) and len(place) == 4 and place[0] == "slice":
        ends = tuple(end if end is None else int(end) if PLACE.accepts(end) else "?" for end in place[1:])
        return "?" if "?" in ends or ends[2] == 0 else ("slice", *ends)
    if place is Ellipsis or place == "...":
        return "..."
    return place if place is None else int(place) if PLACE.accepts(place) else "?"


def _shown(index: tuple) -> str:
    """Places as they stand in brackets."""
    found = []
    for place in index:
        if isinstance(place, tuple):
            start, stop, step = ("" if end is None else str(end) for end in place[1:])
            found.append(f"{start}:{stop}" + (f":{step}" if step else ""))
        else:
            found.append(str(place))
    return ", ".join(found)
