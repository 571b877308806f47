"""Shaping layers: the same numbers in another order or form: Reshape, Permute, RepeatVector, Masking."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from ..errors import ShapeError
from ..spec import COUNT, Number, item
from .base import Array, Context, Layer, Shape, need_rank


class Reshape(Layer):
    """Rows in another shape of as many numbers; one axis may be −1.

    >>> Reshape((2, -1)).output_shape((6,))
    (2, 3)
    """

    moves = True
    target_shape: Any = item()

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
    """The axes of a row in another order, counted from 1.

    >>> Permute((2, 1)).output_shape((5, 3))
    (3, 5)
    """

    moves = True
    dims: Any = item()

    def output_shape(self, shape: Shape) -> Shape:
        if sorted(self.dims) != list(range(1, len(shape) + 1)):
            raise ShapeError(
                "Permute does not name every axis once.", where="Permute",
                expected=f"the numbers 1 … {len(shape)}, each once", received=self.dims, help="The batch axis stays.",
            )  # fmt: skip
        return tuple(shape[axis - 1] for axis in self.dims)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return jnp.transpose(x, (0, *self.dims))


class RepeatVector(Layer):
    """A row of features n times over: (features,) → (n, features).

    >>> RepeatVector(3).output_shape((4,))
    (3, 4)
    """

    moves = True
    n: int = item(rule=COUNT)

    def output_shape(self, shape: Shape) -> Shape:
        need_rank(self, shape, (1,), "rows of one axis")
        return (self.n, *shape)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return jnp.repeat(x[:, None], self.n, axis=1)


class Masking(Layer):
    """Time steps whose every feature is `mask_value` are padding; they are set to 0 and masked for what follows."""

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
    """x · scale + offset: `Rescaling(1 / 255)` brings bytes to 0 … 1, `Rescaling(1 / 127.5, -1)` to −1 … 1."""

    passes_mask = True
    scale: float = item(rule=Number())
    offset: float = item(default=0.0, rule=Number())

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return x * jnp.asarray(self.scale, x.dtype) + jnp.asarray(self.offset, x.dtype)
