"""GroupQueryAttention: attention whose heads share keys and values in groups."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..activations import resolve
from ..errors import InputError
from ..ops.product import product
from ..spec import COUNT, FRACTION, Choice, Number, item
from .base import Array, Context, Weight, kernel
from .heads import DRAWN, SCORED, Heads


class GroupQueryAttention(Heads):
    """Attention by several heads, of which each group has keys and values in common: fewer weights, and less to keep.

    One group is multi-query attention, as many groups as heads is MultiHeadAttention. Inputs, masks and scores are
    those of that layer.

    Shapes: query (rows, T, d), value and key (rows, S, …), output (rows, T, d). Weights: query.kernel (d, query heads,
    head_dim), key.kernel and value.kernel (…, key-value heads, head_dim), gate.kernel as query.kernel where there is
    one, output.kernel (query heads, head_dim, d), and biases.

    Args:
        head_dim: Length of each head's queries, keys and values.
        num_query_heads: Heads.
        num_key_value_heads: Groups of them; divides the number of heads.
        dropout: Share of attention weights dropped in training.
        use_bias: Whether the linear maps have biases.
        sliding_window: A place reads from those less than so many places away; None from all.
        flash_attention: Taken for Keras's sake.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint: As in Dense, for each of its linear maps.
        use_gate: Whether what the heads answer is multiplied by a sigmoid of a linear map of the query.
        seed: Taken for Keras's sake: numbers come from the plan's seed.
        use_causal_mask, masks, return_attention_scores: As in MultiHeadAttention.

    Raises:
        InputError: when the groups do not divide the heads.
        ShapeError: when inputs are not one to three sequences (time, features), key and value differ in length, or a
            mask does not fit.

    >>> layer = GroupQueryAttention(8, 4, 2)
    >>> layer.output_shape(((10, 16),)), layer.weights(((10, 16),))["key.kernel"].shape
    ((10, 16), (16, 2, 8))

    Source: Ainslie et al., "GQA: training generalized multi-query transformer models from multi-head checkpoints",
    2023.
    """

    aliases = ("GroupedQueryAttention",)
    head_dim: int = item(rule=COUNT)  # type: ignore[misc]
    num_query_heads: int = item(rule=COUNT)  # type: ignore[misc]
    num_key_value_heads: int = item(rule=COUNT)  # type: ignore[misc]
    dropout: float = item(default=0.0, rule=FRACTION, traced=True)
    use_bias: bool = item(default=True)
    sliding_window: int | None = item(default=None, rule=COUNT)
    flash_attention: bool | None = item(default=None, rule=Choice((True, False)), host=True)
    kernel_initializer: Any = item(default="glorot_uniform", kind="initializer", host=True)
    bias_initializer: Any = item(default="zeros", kind="initializer", host=True)
    kernel_regularizer: Any = item(default=None, kind="regularizer")
    bias_regularizer: Any = item(default=None, kind="regularizer")
    activity_regularizer: Any = item(default=None, kind="regularizer")
    kernel_constraint: Any = item(default=None, kind="constraint")
    bias_constraint: Any = item(default=None, kind="constraint")
    use_gate: bool = item(default=False)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)
    use_causal_mask: bool = item(default=False, kw_only=True)

    value_dim = output_features = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_query_heads % self.num_key_value_heads:
            raise InputError(
                "The heads cannot be parted into that many groups.", where="num_key_value_heads of GroupQueryAttention",
                expected=f"a divisor of {self.num_query_heads}, the number of heads", received=self.num_key_value_heads,
                help="1 is one group of all heads, as many groups as heads is MultiHeadAttention.",
            )  # fmt: skip

    @property  # type: ignore[misc]
    def num_heads(self) -> int:  # type: ignore[override]
        """How many queries a place asks."""
        return self.num_query_heads

    @property  # type: ignore[misc]
    def key_dim(self) -> int:  # type: ignore[override]
        """Length of each head's queries and keys."""
        return self.head_dim

    def weights(self, shape: Any) -> dict[str, Weight]:
        query, value, key = (form[1] for form in self._inputs(shape))
        heads, groups = (self.num_query_heads, self.head_dim), (self.num_key_value_heads, self.head_dim)
        found = self._linear("query", (query, *heads), heads) | self._linear("key", (key, *groups), groups)
        if self.use_gate:
            found |= self._linear("gate", (query, *heads), heads)
        return (
            found | self._linear("value", (value, *groups), groups) | self._linear("output", (*heads, query), (query,))
        )

    def _for_each_head(self, found: Array) -> Array:
        return jnp.repeat(found, self.num_query_heads // self.num_key_value_heads, axis=2)

    def _gate(self, w: dict[str, Array], query: Array, ctx: Context) -> Array | None:
        if not self.use_gate:
            return None
        matrix = kernel(ctx, w["gate.kernel"], 5)
        z = product(query, matrix.reshape(matrix.shape[0], -1)).reshape(*query.shape[:-1], *matrix.shape[1:])
        return resolve("sigmoid")(z + w["gate.bias"] if self.use_bias else z)

    def _allowed(self, queries: int, keys: int, masks: dict[str, Any]) -> Array | None:
        found = super()._allowed(queries, keys, masks)
        if self.sliding_window is None:
            return found
        near = jnp.abs(jnp.arange(queries)[:, None] - jnp.arange(keys)) < self.sliding_window
        return near[None, None] if found is None else found & near

    def flops(self, shape: Any) -> int:
        query, value, key = self._inputs(shape)
        heads, groups = self.num_query_heads, self.num_key_value_heads
        linear = heads * query[0] * query[1] * (3 if self.use_gate else 2)
        linear += groups * (key[0] * key[1] + value[0] * value[1])
        return 2 * self.head_dim * (linear + 2 * heads * query[0] * key[0])

    def keeps(self, shape: Any) -> int:
        query, _, key = self._inputs(shape)
        linear = 2 * self.head_dim * (query[0] * (2 if self.use_gate else 1) + key[0])
        return self.num_query_heads * (linear + (DRAWN if self.random else SCORED) * query[0] * key[0])
