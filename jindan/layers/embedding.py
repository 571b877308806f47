"""Embedding of numbered things as learned vectors; where in a sequence something stands, learned or as waves."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from ..ops.lookup import lookup
from ..spec import COUNT, item
from .base import Array, Context, Layer, Shape, Weight, need_rank


class Embedding(Layer):
    """Each whole number becomes its row of a learned table: (…) → (…, output_dim).

    Args:
        input_dim: Entries of the table: the largest number plus one.
        output_dim: Length of a vector.
        embeddings_initializer: How the table starts (uniform in ±0.05).
        embeddings_regularizer, embeddings_constraint: Penalty and bound.
        mask_zero: Whether 0 is padding, masked for the layers that follow.
        input_length: Taken for Keras's sake: numbers in a row, as `input_shape=(input_length,)`.

    >>> Embedding(1000, 16).output_shape((20,))
    (20, 16)
    >>> table = {"embeddings": jnp.array([[0.0, 0.0], [1.0, 2.0]])}
    >>> Embedding(2, 2).apply(table, jnp.array([[1, 0, 1]]), Context()).tolist()
    [[[1.0, 2.0], [0.0, 0.0], [1.0, 2.0]]]

    Source: Bengio, Ducharme, Vincent & Jauvin, "A neural probabilistic language model", 2003.
    """

    takes_integers = True
    input_dim: int = item(rule=COUNT)
    output_dim: int = item(rule=COUNT)
    embeddings_initializer: Any = item(default="random_uniform", kind="initializer", host=True)
    embeddings_regularizer: Any = item(default=None, kind="regularizer")
    embeddings_constraint: Any = item(default=None, kind="constraint")
    mask_zero: bool = item(default=False)
    input_length: int | None = item(default=None, rule=COUNT, host=True, kw_only=True)

    def __post_init__(self) -> None:
        if self.input_length is not None and self.input_shape is None:
            object.__setattr__(self, "input_shape", (self.input_length,))
        super().__post_init__()

    @property
    def in_pieces(self) -> bool:  # type: ignore[override]
        """Whether it makes no mask."""
        return not self.mask_zero

    @property
    def input_dim_of_ids(self) -> int:
        """The number that whole-number inputs must stay below."""
        return self.input_dim

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape, self.output_dim)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        form = (self.input_dim, self.output_dim)
        return {
            "embeddings": Weight(
                form, self.embeddings_initializer, self.embeddings_regularizer, self.embeddings_constraint
            )
        }

    def mask_of(self, x: Array, mask: Any) -> Any:
        return (x != 0).astype(jnp.float32) if self.mask_zero else None

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return lookup(w["embeddings"], x.astype(jnp.int32))

    def flops(self, shape: Shape) -> int:
        return 0


class PositionEmbedding(Layer):
    """x + a learned vector for each place in the sequence: (rows, time, features) → the same.

    The table is as long as the rows it was built for, so a model with it generates no longer ones.

    Args:
        initializer: How the vectors start (uniform in ±0.05).

    Raises:
        ShapeError: when rows are not (time, features).

    >>> PositionEmbedding().weights((20, 16))["position_embeddings"].shape
    (20, 16)

    Source: Gehring, Auli, Grangier, Yarats & Dauphin, "Convolutional sequence to sequence learning", 2017.
    """

    passes_mask = True
    initializer: Any = item(default="random_uniform", kind="initializer", host=True)

    def output_shape(self, shape: Shape) -> Shape:
        need_rank(self, shape, (2,), "rows (time, features)")
        return shape

    def weights(self, shape: Shape) -> dict[str, Weight]:
        return {"position_embeddings": Weight(tuple(shape), self.initializer)}

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return x + w["position_embeddings"].astype(x.dtype)

    @property
    def streams(self) -> bool:
        return False  # there are no vectors for places past its length


class PositionalEncoding(Layer):
    """x + sin and cos of the place at wavelengths from 2π to `max_wavelength` · 2π: (rows, time, features) → the same.

    Features 2i and 2i + 1 get sin(t / max_wavelength^(2i / features)) and cos of the same. Nothing is learned.

    Args:
        max_wavelength: Over 2π, in steps.

    Raises:
        ShapeError: when rows are not (time, features).

    >>> PositionalEncoding().table(2, 4).round(2).tolist()
    [[0.0, 1.0, 0.0, 1.0], [0.84, 0.54, 0.01, 1.0]]

    Source: Vaswani et al., "Attention is all you need", 2017.
    """

    passes_mask = True
    max_wavelength: int = item(default=10_000, rule=COUNT)

    def output_shape(self, shape: Shape) -> Shape:
        need_rank(self, shape, (2,), "rows (time, features)")
        return shape

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return x + jnp.asarray(self.table(*x.shape[1:]), x.dtype)

    def start(self, shape: Shape, rows: int, dtype: Any) -> Any:
        return jnp.zeros((), jnp.int32)

    def step(self, w: dict[str, Array], x: Array, state: Any, ctx: Context) -> tuple[Array, Any]:
        features = x.shape[-1]
        half = np.arange(features) // 2 * 2
        angle = state / self.max_wavelength ** (half / features)
        wave = jnp.where(np.arange(features) % 2 == 0, jnp.sin(angle), jnp.cos(angle))
        return x + wave.astype(x.dtype), state + 1

    def table(self, length: int, features: int) -> np.ndarray:
        """What is added: (length, features)."""
        half = np.arange(features) // 2 * 2
        angle = np.arange(length)[:, None] / self.max_wavelength ** (half / features)
        return np.where(np.arange(features) % 2 == 0, np.sin(angle), np.cos(angle))
