"""Rows worked on apart, wherever: their random numbers, a share of the batch's, and slopes that wait for them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp

Array = jax.Array
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Piece:
    """One of the equal pieces in which a device takes its rows of a batch.

    Attributes:
        index: Which, from 0; a traced number.
        count: How many there are.
        real: Rows of the whole batch that exist, or None where all do.
    """

    index: Any
    count: int
    real: Any = None


@dataclass(frozen=True)
class Later:
    """Matrices of which no piece of the rows takes the slope: it is one product over all rows, once these are done.

    Of a product x W a piece keeps x and the slope by the outputs, which is that by the zeros added to them.

    Attributes:
        zeros: By the layer's number: (rows, outputs).
        inputs: What each of these layers was given, once it has run.
    """

    zeros: dict[int, Array] = field(default_factory=dict)
    inputs: dict[int, Array] = field(default_factory=dict)

    def marked(self, index: int, x: Array, outputs: Array) -> Array:
        """The outputs of a layer's matrix, with the zeros that tell their slope."""
        if index not in self.zeros:
            return outputs
        self.inputs[index] = x
        return outputs + self.zeros[index]


@dataclass(frozen=True)
class Stream:
    """Random numbers of one application of a layer in one step, a share of them for the rows at hand.

    Where the rows of a batch are split among devices, each draws the numbers of the whole batch and takes those of its
    rows, so that the split changes nothing. (The compiler computes only what is taken.) So it does with those of a
    piece of them.

    Attributes:
        key: JAX's random key.
        axis: Name of the devices' axis, or None.
        piece: Of the device's rows, or None.
    """

    key: Any
    axis: str | None = None
    piece: Piece | None = None

    def fold(self, number: int) -> Stream:
        """Another stream, by number."""
        return replace(self, key=jax.random.fold_in(self.key, number))

    def uniform(self, shape: Shape, dtype: Any = None, rows: int = 0) -> Array:
        """Uniform in 0 … 1; `rows` is the axis of rows, −1 where there is none."""
        return self._own(lambda form: jax.random.uniform(self.key, form, dtype or jnp.float32), shape, rows)

    def normal(self, shape: Shape, dtype: Any, rows: int = 0) -> Array:
        """Standard normal."""
        return self._own(lambda form: jax.random.normal(self.key, form, dtype), shape, rows)

    def integers(self, shape: Shape, low: int, high: int, rows: int = 0) -> Array:
        """low … high − 1."""
        return self._own(lambda form: jax.random.randint(self.key, form, low, high), shape, rows)

    def _own(self, draw: Callable[[Shape], Array], shape: Shape, rows: int) -> Array:
        if rows < 0 or (self.axis is None and self.piece is None):
            return draw(tuple(shape))
        place, parts = (0, 1) if self.axis is None else (jax.lax.axis_index(self.axis), jax.lax.axis_size(self.axis))
        if self.piece is not None:
            place, parts = place * self.piece.count + self.piece.index, parts * self.piece.count
        share = shape[rows]
        whole = draw((*shape[:rows], share * parts, *shape[rows + 1 :]))
        return jax.lax.dynamic_slice_in_dim(whole, place * share, share, rows)
