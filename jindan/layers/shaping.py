"""Shaping layers: the same numbers in another order or form: Reshape, Permute, RepeatVector, Masking."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import jax.numpy as jnp

from ..errors import InputError, ShapeError
from ..spec import COUNT, Number, item
from .base import Array, Context, Layer, Shape, need_rank, several


class Reshape(Layer):
    """Rows in another shape of as many numbers; one axis may be −1.

    Args:
        target_shape: The shape of a row, without the batch axis.

    Raises:
        InputError: when axes are not whole numbers from 0, or −1.
        ShapeError: when rows have another number of numbers, or several axes are −1.

    >>> Reshape((2, -1)).output_shape((6,))
    (2, 3)
    """

    moves = True
    target_shape: Any = item()

    def __post_init__(self) -> None:
        super().__post_init__()
        wanted = self.target_shape if isinstance(self.target_shape, tuple) else (self.target_shape,)
        if not all(Number(-1, integer=True).accepts(axis) for axis in wanted):
            raise InputError(
                "Reshape needs the length of every axis of a row.", where="target_shape of Reshape",
                expected="whole numbers from 0, one of which may be −1", received=repr(self.target_shape),
                help="The batch axis is not among them: Reshape((28, 28, 1)).",
            )  # fmt: skip

    def output_shape(self, shape: Shape) -> Shape:
        wanted = self.target_shape if isinstance(self.target_shape, tuple) else (self.target_shape,)
        size, known = math.prod(shape), math.prod(axis for axis in wanted if axis != -1)
        free = wanted.count(-1)
        if free > 1 or (free and (known == 0 or size % known)) or (not free and known != size):
            raise ShapeError(
                "Reshape cannot bring rows into that shape.", where="Reshape", expected=f"{size} numbers",
                received=f"target_shape={wanted}", help="Their product must be that of the input's axes.",
            )  # fmt: skip
        return tuple(size // known if axis == -1 else axis for axis in wanted)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return x.reshape(x.shape[0], *self.output_shape(x.shape[1:]))


class Permute(Layer):
    """The axes of a row in another order.

    Args:
        dims: The axes, counted from 1: output axis i is input axis dims[i].

    Raises:
        InputError: when dims are not the numbers 1, 2, … in some order.
        ShapeError: when rows have another number of axes.

    >>> Permute((2, 1)).output_shape((5, 3))
    (3, 5)
    >>> Permute((2, 1)).apply({}, jnp.arange(4.0).reshape(1, 2, 2), Context()).tolist()
    [[[0.0, 2.0], [1.0, 3.0]]]
    """

    moves = True
    dims: Any = item()

    def __post_init__(self) -> None:
        super().__post_init__()
        dims = several(self.dims) if isinstance(self.dims, Iterable) else ()
        if not all(map(COUNT.accepts, dims)) or sorted(dims) != list(range(1, len(dims) + 1)) or not dims:
            raise InputError(
                "Permute names every axis of a row once.", where="dims of Permute",
                expected="the numbers 1, 2, … in some order", received=repr(self.dims),
                help="The batch axis stays: Permute((2, 1)) swaps the two axes of a row.",
            )  # fmt: skip
        object.__setattr__(self, "dims", tuple(map(int, dims)))

    def output_shape(self, shape: Shape) -> Shape:
        if len(self.dims) != len(shape):
            raise ShapeError(
                "Permute does not name every axis once.", where="Permute",
                expected=f"the numbers 1 … {len(shape)}, each once", received=self.dims, help="The batch axis stays.",
            )  # fmt: skip
        return tuple(shape[axis - 1] for axis in self.dims)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return jnp.transpose(x, (0, *self.dims))


class RepeatVector(Layer):
    """A row of features n times over: (rows, features) → (rows, n, features).

    Args:
        n: How often.

    Raises:
        ShapeError: when rows have not one axis.

    >>> RepeatVector(3).apply({}, jnp.array([[1.0, 2.0]]), Context()).tolist()
    [[[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]]
    """

    moves = True
    n: int = item(rule=COUNT)

    def output_shape(self, shape: Shape) -> Shape:
        need_rank(self, shape, (1,), "rows of one axis")
        return (self.n, *shape)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return jnp.repeat(x[:, None], self.n, axis=1)


class Masking(Layer):
    """Time steps whose every feature is `mask_value` are padding; they are set to 0 and masked for what follows.

    Shapes: (rows, time, …) → the same; the mask (rows, time), 1 for steps that exist.

    Args:
        mask_value: What padding is filled with.

    Raises:
        ShapeError: when rows are not (time, features), or one or two axes more.

    >>> x = jnp.array([[[5.0], [9.0], [0.0]]])
    >>> Masking(9.0).mask_of(x, None).tolist(), Masking(9.0).apply({}, x, Context()).ravel().tolist()
    ([[1.0, 0.0, 1.0]], [5.0, 0.0, 0.0])
    """

    in_pieces = False

    mask_value: float = item(default=0.0, rule=Number())

    def output_shape(self, shape: Shape) -> Shape:
        need_rank(self, shape, (2, 3, 4), "rows (time, features)")
        return shape

    def mask_of(self, x: Array, mask: Any) -> Any:
        return self._real(x).astype(x.dtype)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return x * self._real(x).reshape(*x.shape[:2], *[1] * (x.ndim - 2)).astype(x.dtype)

    def _real(self, x: Array) -> Array:
        return jnp.any(x.reshape(*x.shape[:2], -1) != self.mask_value, axis=-1)


class Rescaling(Layer):
    """x · scale + offset: `Rescaling(1 / 255)` brings bytes to 0 … 1, `Rescaling(1 / 127.5, -1)` to −1 … 1.

    Args:
        scale, offset: Numbers.

    >>> Rescaling(1 / 127.5, -1).apply({}, jnp.array([0.0, 127.5, 255.0]), Context()).tolist()
    [-1.0, 0.0, 1.0]
    """

    passes_mask = True
    scale: float = item(rule=Number())
    offset: float = item(default=0.0, rule=Number())

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return x * jnp.asarray(self.scale, x.dtype) + jnp.asarray(self.offset, x.dtype)
