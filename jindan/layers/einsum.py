"""EinsumDense: a linear map along the axes that an equation names."""

from __future__ import annotations

import math
import re
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..errors import InputError, ShapeError
from ..initializers import Initializer, VarianceScaling, _Named
from ..spec import item
from .base import Array, Context, Layer, Shape, Weight, finish, kernel, positive_shape, without_activation

FORMS = r"(?P<x>[a-zA-Z]+),(?P<w>[a-zA-Z]+)->(?P<y>[a-zA-Z]+)"
LEFT = r"\.\.\.(?P<x>[a-zA-Z]+),(?P<w>[a-zA-Z]+)->\.\.\.(?P<y>[a-zA-Z]+)"
RIGHT = r"(?P<x>[a-zA-Z]{2,})\.\.\.,(?P<w>[a-zA-Z]+)->(?P<y>[a-zA-Z]+)\.\.\."


class _Einsum(Layer, abstract=True):
    equation: str = item()
    result_shape: Any = item()
    activation: Any = item(default=None, kind="activation")
    bias_axes: str | None = item(default=None)
    kernel_initializer: Any = item(default="glorot_uniform", kind="initializer", host=True)
    bias_initializer: Any = item(default="zeros", kind="initializer", host=True)
    kernel_regularizer: Any = item(default=None, kind="regularizer")
    bias_regularizer: Any = item(default=None, kind="regularizer")
    kernel_constraint: Any = item(default=None, kind="constraint")
    bias_constraint: Any = item(default=None, kind="constraint")
    activity_regularizer: Any = item(default=None, kind="regularizer", kw_only=True)


class EinsumDense(_Einsum):
    """a = f(einsum(equation, x, W) + b): Dense along any axes, by Einstein's sums.

    Shapes: those of the equation, whose first letter of x and of the result (or the dots before them) is the axis of
    the rows: "ab,bc->ac" is Dense; "abc,cd->abd" and "...x,xy->...y" map the last axis; "abc,cde->abde" splits it.

    Args:
        equation: "x,W->y" of letters; "...x,W->...y" stands for any axes in front, "x...,W->y..." for any at the end.
        output_shape: The shape of one row of the result, without what dots stand for; None for an axis that x has. The
            field is called `result_shape`.
        activation: f.
        bias_axes: Letters of the result that b differs along, such as "d"; None is without a bias.
        kernel_initializer, bias_initializer, kernel_regularizer, …: As in Dense. Letters of W that the result lacks are
            its inputs, the others its outputs, where an initialiser counts them.

    Raises:
        InputError: when the equation has another form, mixes rows, or names axes that nothing gives.
        ShapeError: when rows have another number of axes than it says, or lengths differ.

    >>> EinsumDense("abc,cd->abd", (None, 4)).output_shape((5, 3))
    (5, 4)
    >>> layer = EinsumDense("...x,xy->...y", 2, bias_axes="y")
    >>> {name: weight.shape for name, weight in layer.weights((5, 3)).items()}
    {'kernel': (3, 2), 'bias': (2,)}
    >>> w = {"kernel": jnp.eye(3)[:, :2], "bias": jnp.ones(2)}
    >>> layer.apply(w, jnp.array([[5.0, 6.0, 7.0]]), Context()).tolist()
    [[6.0, 7.0]]
    """

    def __init__(
        self, equation: str, output_shape: Any = None, activation: Any = None, bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        bias_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, *,
        result_shape: Any = None, **named: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            equation, result_shape if output_shape is None else output_shape, activation, bias_axes, kernel_initializer,
            bias_initializer, kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint, **named,
        )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "result_shape", positive_shape(self, self.result_shape))
        x, w, y, left = self._parts
        strange = [letter for letter in w if letter not in x + y] + [letter for letter in y if letter not in x + w]
        if strange or any(len(set(part)) < len(part) for part in (x, w, y)):
            raise self._unfit(
                "has letters that fit nothing",
                "each letter once in a part, those of W and of the result in another, too",
            )
        if not left and (x[0] != y[0] or x[0] in w):
            raise self._unfit(
                "would mix the rows of a batch", "a first letter that x and the result share, and W lacks"
            )
        if len(self.result_shape) != len(y) - (not left):
            raise self._unfit(
                f"gives {len(y) - (not left)} axes a row, its output_shape {len(self.result_shape)}",
                f"an output_shape of {len(y) - (not left)} lengths",
            )
        if not set(self.bias_axes or "") <= set(y if left else y[1:]):
            raise self._unfit("has a bias along axes that the result lacks", f"letters of {y if left else y[1:]!r}")

    @property
    def _parts(self) -> tuple[str, str, str, bool]:
        """The letters of x, W and the result, and whether dots stand before them."""
        text = str(self.equation).replace(" ", "")
        for form in (FORMS, LEFT, RIGHT):
            if found := re.fullmatch(form, text):
                return found["x"], found["w"], found["y"], form == LEFT
        raise self._unfit("has another form", '"x,W->y", "...x,W->...y" or "x...,W->y..." in letters')

    def _unfit(self, what: str, expected: str) -> InputError:
        return InputError(
            f"The equation of EinsumDense {what}.", where=f"layer {self.name or 'EinsumDense'}", expected=expected,
            received=f"{self.equation!r}, output_shape {self.result_shape}, bias_axes {self.bias_axes!r}",
            help='EinsumDense("abc,cd->abd", (None, 8), bias_axes="d") maps the last axis of (time, features).',
        )  # fmt: skip

    def _lengths(self, shape: Shape) -> tuple[dict[str, int], Shape]:
        """The length of each letter but that of the rows, and the axes that dots stand for."""
        x, _, y, left = self._parts
        x, y = (x, y) if left else (x[1:], y[1:])
        more, dots = len(shape) - len(x), "..." in self.equation
        if more < 0 or (more and not dots):
            raise ShapeError(
                "EinsumDense cannot take these rows.", where=f"layer {self.name or 'EinsumDense'}",
                expected=f"rows of {len(x)} axes{' or more' if dots else ''} for {self.equation!r}",
                received=f"rows of shape {shape}", help="The axis of the rows stands first in the equation, too.",
            )  # fmt: skip
        own = shape[more:] if left else shape[: len(x)]
        found = dict(zip(x, own, strict=True))
        for letter, length in zip(y, self.result_shape, strict=True):
            known = found.setdefault(letter, length)
            if known is None or (length is not None and known != length):
                raise ShapeError(
                    "The output_shape of EinsumDense does not fit its rows.",
                    where=f"layer {self.name or 'EinsumDense'}",
                    expected=f"a length for {letter!r}" if known is None else f"{known} or None for {letter!r}",
                    received=f"{length}, rows of shape {shape}",
                    help="None stands for axes that x has; all others need a length.",
                )  # fmt: skip
        return found, shape[:more] if left else shape[len(x) :]

    def output_shape(self, shape: Shape) -> Shape:
        lengths, dots = self._lengths(tuple(shape))
        _, _, y, left = self._parts
        own = tuple(lengths[letter] for letter in (y if left else y[1:]))
        return (*dots, *own) if left else (*own, *dots)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        lengths, dots = self._lengths(tuple(shape))
        _, w, y, left = self._parts
        form = tuple(lengths[letter] for letter in w)
        start = self.kernel_initializer
        if isinstance(start, (VarianceScaling, _Named)):
            start = _AsMatrix(start, tuple(i for i, letter in enumerate(w) if letter not in y))
        found = {"kernel": Weight(form, start, self.kernel_regularizer, self.kernel_constraint)}
        if self.bias_axes:
            last = y[min(map(y.index, self.bias_axes)) :]
            bias = tuple(lengths[letter] if letter in self.bias_axes else 1 for letter in last)
            bias = bias if left else (*bias, *[1] * len(dots))
            found["bias"] = Weight(bias, self.bias_initializer, self.bias_regularizer, self.bias_constraint)
        return found

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        z = jnp.einsum(self.equation.replace(" ", ""), x, kernel(ctx, w["kernel"]))
        return finish(self, z + w["bias"] if self.bias_axes else z, ctx)

    def bare(self) -> tuple[Layer, str] | None:
        return without_activation(self)

    def flops(self, shape: Shape) -> int:
        lengths, _ = self._lengths(tuple(shape))
        summed = math.prod(lengths[letter] for letter in self._parts[1] if letter not in self._parts[2])
        return math.prod(self.output_shape(shape)) * (2 * summed + bool(self.bias_axes) + 1)


class _AsMatrix(Initializer):
    """Another initialiser's numbers, drawn as the matrix from inputs to outputs that a kernel is."""

    others: Any = item(default=None)
    inputs: Any = item(default=())

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        order = [*self.inputs, *(axis for axis in range(len(shape)) if axis not in self.inputs)]
        n = math.prod(shape[axis] for axis in self.inputs)
        drawn = self.others((n, math.prod(shape) // n), float, rng)
        return drawn.reshape([shape[axis] for axis in order]).transpose(np.argsort(order))
