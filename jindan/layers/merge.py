"""Merging layers: several inputs become one, by sum, product, mean, extremes, joining or scalar products."""

from __future__ import annotations

import functools
from typing import Any

import jax.numpy as jnp

from ..errors import InputError, ShapeError
from ..spec import Number, item
from .base import Array, Context, Layer, Shape, axis_of


class _Merge(Layer, abstract=True):
    """Base: inputs of shapes that broadcast, merged number by number."""

    many = True

    def output_shape(self, shape: Any) -> Shape:
        _need_two(self, shape)
        try:
            return jnp.broadcast_shapes(*shape)
        except ValueError:
            raise ShapeError(
                f"{type(self).__name__} cannot merge these inputs.", where=type(self).__name__,
                expected="inputs of one shape", received=", ".join(map(str, shape)),
                help="Bring them to one shape first, by a Dense, a Reshape or a convolution of width 1.",
            ) from None  # fmt: skip

    def mask_of(self, x: Any, mask: Any) -> Any:
        known = [m for m in mask if m is not None]
        # As in Keras: a step exists where any input has it; an input without a mask has them all.
        return functools.reduce(jnp.maximum, known) if len(known) == len(mask) else None

    def apply(self, w: dict[str, Array], x: Any, ctx: Context) -> Array:
        rank = max(part.ndim for part in x)
        # Rows of fewer axes are spread over the others', from behind the batch axis.
        return self.merge([p.reshape(p.shape[0], *[1] * (rank - p.ndim), *p.shape[1:]) for p in x])

    def merge(self, x: list[Array]) -> Array:
        """The inputs as one array."""
        raise NotImplementedError


class Add(_Merge):
    """Σ xᵢ, number by number; axes of length 1 are spread.

    Shapes: two or more inputs (rows, …) that broadcast → (rows, …). Where all inputs are masked, a step exists that any
    of them has; else all exist. So it is in all layers here that merge number by number.

    Raises:
        ShapeError: when there are fewer than two inputs, or their shapes do not broadcast.

    >>> Add().output_shape(((4,), (4,)))
    (4,)
    >>> Add().apply({}, [jnp.array([[1.0, 2.0]]), jnp.array([[3.0, 4.0]])], Context()).tolist()
    [[4.0, 6.0]]
    """

    def merge(self, x: list[Array]) -> Array:
        return functools.reduce(jnp.add, x)


class Subtract(_Merge):
    """x₁ − x₂ of exactly two inputs; shapes, masks and errors as Add's.

    >>> Subtract().apply({}, [jnp.array([[1.0, 2.0]]), jnp.array([[3.0, 4.0]])], Context()).tolist()
    [[-2.0, -2.0]]
    """

    def output_shape(self, shape: Any) -> Shape:
        _need_two(self, shape, most=2)
        return super().output_shape(shape)

    def merge(self, x: list[Array]) -> Array:
        return x[0] - x[1]


class Multiply(_Merge):
    """Π xᵢ, number by number; shapes, masks and errors as Add's.

    >>> Multiply().apply({}, [jnp.array([[1.0, 2.0]]), jnp.array([[3.0, 4.0]])], Context()).tolist()
    [[3.0, 8.0]]
    """

    def merge(self, x: list[Array]) -> Array:
        return functools.reduce(jnp.multiply, x)


class Average(_Merge):
    """The mean of the inputs, number by number; shapes, masks and errors as Add's.

    >>> Average().apply({}, [jnp.array([[1.0, 2.0]]), jnp.array([[3.0, 4.0]])], Context()).tolist()
    [[2.0, 3.0]]
    """

    def merge(self, x: list[Array]) -> Array:
        return functools.reduce(jnp.add, x) / len(x)


class Maximum(_Merge):
    """The greatest of the inputs, number by number; shapes, masks and errors as Add's.

    >>> Maximum().apply({}, [jnp.array([[1.0, 4.0]]), jnp.array([[3.0, 2.0]])], Context()).tolist()
    [[3.0, 4.0]]
    """

    def merge(self, x: list[Array]) -> Array:
        return functools.reduce(jnp.maximum, x)


class Minimum(_Merge):
    """The least of the inputs, number by number; shapes, masks and errors as Add's.

    >>> Minimum().apply({}, [jnp.array([[1.0, 4.0]]), jnp.array([[3.0, 2.0]])], Context()).tolist()
    [[1.0, 2.0]]
    """

    def merge(self, x: list[Array]) -> Array:
        return functools.reduce(jnp.minimum, x)


class Concatenate(_Merge):
    """The inputs one after another along an axis.

    Along time their masks are joined too; along another axis a step exists that any of them has, unmasked inputs having
    all.

    Args:
        axis: The axis, the batch axis being 0, as in Keras.

    Raises:
        ShapeError: when there are fewer than two inputs, or they differ along another axis, or the axis is that of the
            batch.

    >>> Concatenate().output_shape(((2, 3), (2, 5))), Concatenate(axis=1).output_shape(((2, 3), (4, 3)))
    ((2, 8), (6, 3))
    """

    moves = True
    axis: int = item(default=-1, rule=Number(integer=True))

    def output_shape(self, shape: Any) -> Shape:
        _need_two(self, shape)
        rank = len(shape[0])
        axis = self.axis + rank if self.axis < 0 else self.axis - 1
        others = {form[:axis] + form[axis + 1 :] for form in shape}
        if not 0 <= axis < rank or len(others) > 1 or any(len(form) != rank for form in shape):
            raise ShapeError(
                "Concatenate cannot join these inputs.", where="Concatenate",
                expected=f"inputs that differ along axis {self.axis} alone, which is not the batch axis",
                received=", ".join(map(str, shape)), help="Choose another axis, or reshape the inputs.",
            )  # fmt: skip
        return (*shape[0][:axis], sum(form[axis] for form in shape), *shape[0][axis + 1 :])

    def mask_of(self, x: Any, mask: Any) -> Any:
        if all(m is None for m in mask):
            return None
        axis = self.axis % x[0].ndim
        full = [jnp.ones(part.shape[:2]) if m is None else m for part, m in zip(x, mask, strict=True)]
        if axis == 1:
            return jnp.concatenate(full, axis=1)
        return functools.reduce(jnp.maximum, full)

    def merge(self, x: list[Array]) -> Array:
        return jnp.concatenate(x, axis=self.axis)


class Dot(_Merge):
    """Scalar products of two inputs along an axis of each; what is left of the first's axes comes before the second's.

    Shapes: (rows, …, n) and (rows, …, n) → (rows, …, …), or (rows, 1) of two vectors. The output has no mask.

    Args:
        axes: The axis, or one for each input; the batch axis is 0.
        normalize: Whether each vector is divided by its length (squared at least 1e-12), which gives cosines.

    Raises:
        InputError: when axes are not one or two whole numbers.
        ShapeError: when there are not two inputs, or the axes differ in length, are not there or are that of the batch.

    >>> Dot(1).output_shape(((4,), (4,))), Dot((2, 2)).output_shape(((3, 4), (5, 4)))
    ((1,), (3, 5))
    >>> x = [jnp.array([[3.0, 4.0]]), jnp.array([[1.0, 0.0]])]
    >>> Dot(1).apply({}, x, Context()).tolist(), round(float(Dot(1, normalize=True).apply({}, x, Context())[0, 0]), 3)
    ([[3.0]], 0.6)
    """

    axes: Any = item()
    normalize: bool = item(default=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.axes if isinstance(self.axes, tuple) else (self.axes, self.axes)
        if len(given) != 2 or not all(Number(integer=True).accepts(axis) for axis in given):
            raise InputError(
                "Dot names its axes by whole numbers.", where="axes of Dot", expected="one, or one for each input",
                received=repr(self.axes), help="Dot(-1) goes along the last axis of both.",
            )  # fmt: skip

    def _axes(self, ranks: tuple[int, int]) -> tuple[int, int]:
        given = self.axes if isinstance(self.axes, tuple) else (self.axes, self.axes)
        return axis_of(self, given[0], ranks[0]), axis_of(self, given[1], ranks[1])

    def output_shape(self, shape: Any) -> Shape:
        _need_two(self, shape, most=2)
        a, b = self._axes((len(shape[0]), len(shape[1])))
        if shape[0][a - 1] != shape[1][b - 1]:
            raise ShapeError(
                "Dot cannot multiply these inputs.", where="Dot", expected="axes of one length",
                received=f"{shape[0]} and {shape[1]}, axes {self.axes}", help="Choose other axes.",
            )  # fmt: skip
        rest = (*shape[0][: a - 1], *shape[0][a:], *shape[1][: b - 1], *shape[1][b:])
        return rest or (1,)

    def mask_of(self, x: Any, mask: Any) -> Any:
        return None

    def apply(self, w: dict[str, Array], x: Any, ctx: Context) -> Array:
        return self.merge(list(x))

    def merge(self, x: list[Array]) -> Array:
        a, b = self._axes((x[0].ndim - 1, x[1].ndim - 1))
        if self.normalize:
            x = [_unit(part, axis) for part, axis in zip(x, (a, b), strict=True)]
        first, second = jnp.moveaxis(x[0], a, -1), jnp.moveaxis(x[1], b, -1)
        rows = x[0].shape[0]
        product = jnp.einsum("nik,njk->nij", first.reshape(rows, -1, first.shape[-1]),
                             second.reshape(rows, -1, second.shape[-1]))  # fmt: skip
        rest = (*first.shape[1:-1], *second.shape[1:-1])
        return product.reshape(rows, *(rest or (1,)))


def _unit(x: Array, axis: int) -> Array:
    return x / jnp.sqrt(jnp.maximum(jnp.sum(x**2, axis=axis, keepdims=True), 1e-12))


def _need_two(layer: Layer, shapes: Any, most: int | None = None) -> None:
    several = isinstance(shapes, tuple) and len(shapes) > 1 and all(isinstance(form, tuple) for form in shapes)
    if not several or (most is not None and len(shapes) > most):
        raise ShapeError(
            f"{type(layer).__name__} merges {'two' if most == 2 else 'several'} inputs.", where=type(layer).__name__,
            expected="two inputs" if most == 2 else "at least two inputs",
            received=f"{len(shapes)} inputs" if several else f"rows of shape {shapes}",
            help=f"In a functional Model: {type(layer).__name__}()([a, b]).",
        )  # fmt: skip
