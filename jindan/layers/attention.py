"""Attention without heads: a place of a sequence reads from all others, weighted by how well query and key agree."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..errors import ShapeError
from ..spec import FRACTION, Choice, Number, item
from .base import Array, Context, Layer, Weight, is_zero
from .heads import DRAWN, SCORED


class _Scored(Layer, abstract=True):
    """Base: softmax(score(query, key)) value without heads; inputs [query, value] or [query, value, key]."""

    many = True
    reads_mask = True
    return_attention_scores: bool = item(default=False, kw_only=True)

    @property
    def _sums(self) -> bool:
        """Whether scores are of query plus key, where one feature is spread over many."""
        return True

    @property
    def random(self) -> bool:
        return not is_zero(self.dropout)  # type: ignore[attr-defined]

    def output_shape(self, shape: Any) -> Any:
        if not 2 <= len(shape) <= 3 or any(len(form) != 2 for form in shape):
            raise ShapeError(
                f"{type(self).__name__} reads two or three sequences.", where=type(self).__name__,
                expected="[query, value] or [query, value, key], rows (time, features)",
                received=", ".join(map(str, shape)), help="For self-attention give the same twice.",
            )  # fmt: skip
        query, value, key = shape[0], shape[1], shape[-1]
        if value[0] != key[0]:
            raise ShapeError(
                "Key and value differ in length.", where=type(self).__name__, expected=f"{value[0]} steps in each",
                received=f"{key[0]} keys", help="Each value has its key.",
            )  # fmt: skip
        if query[1] != key[1] and not (self._sums and 1 in (query[1], key[1])):
            raise ShapeError(
                "Query and key differ in their features.", where=type(self).__name__,
                expected=f"{query[1]} features in each", received=f"{key[1]} in the {'key' if shape[2:] else 'value'}",
                help="Bring them to one width by a Dense, or use MultiHeadAttention, which does.",
            )  # fmt: skip
        out = (query[0], value[1])
        return (out, (query[0], key[0])) if self.return_attention_scores else out

    def mask_of(self, x: Any, mask: Any) -> Any:
        return (mask[0], None) if self.return_attention_scores else mask[0]

    def apply(self, w: dict[str, Array], x: Any, ctx: Context) -> Any:
        query, value, key = x[0], x[1], x[2] if len(x) > 2 else x[1]
        scores = self.scores(w, query, key)
        masks = ctx.mask if isinstance(ctx.mask, (list, tuple)) else [None, None]
        if self.use_causal_mask:  # type: ignore[attr-defined]
            allowed = jnp.tril(jnp.ones(scores.shape[1:], bool))
            scores = jnp.where(allowed, scores, jnp.asarray(-1e9, scores.dtype))
        if masks[1] is not None:
            scores = jnp.where((masks[1] > 0)[:, None, :], scores, jnp.asarray(-1e9, scores.dtype))
        share = jax.nn.softmax(scores, axis=-1)
        if ctx.training and self.random:
            keep = ctx.stream().uniform(share.shape) >= self.dropout  # type: ignore[attr-defined]
            share = jnp.where(keep, share / (1 - self.dropout), 0).astype(value.dtype)  # type: ignore[attr-defined]
        found = share @ value
        found = found if masks[0] is None else found * masks[0][:, :, None].astype(found.dtype)
        return (found, share) if self.return_attention_scores else found

    def keeps(self, shape: Any) -> int:
        return (DRAWN if self.random else SCORED) * shape[0][0] * shape[1][0] * self._width(shape)

    def _width(self, shape: Any) -> int:
        """Numbers that each score is made of."""
        return 1

    def scores(self, w: dict[str, Array], query: Array, key: Array) -> Array:
        """How well each query agrees with each key: (rows, queries, keys)."""
        raise NotImplementedError


class Attention(_Scored):
    """softmax(Q Kᵀ) V, unscaled, or with `score_mode="concat"` scores c · Σ tanh(Q + K).

    Shapes: query (rows, T, d), value (rows, S, v), key (rows, S, d), output (rows, T, v). Inputs are [query, value] or
    [query, value, key]; without a key it is the value. The value's mask hides its padding; outputs of masked queries
    are 0.

    Args:
        use_scale: Whether the scores are multiplied by a learned number; of "concat", the sums before tanh.
        score_mode: "dot" or "concat", with a learned number c.
        dropout: Share of attention weights dropped in training.
        seed: Taken for Keras's sake: numbers come from the plan's seed.
        use_causal_mask: Whether a place reads from itself and earlier ones only.
        return_attention_scores: Whether the shares (queries, keys) follow the output; a call may say so, too.

    Raises:
        ShapeError: when inputs are not two or three sequences (time, features), or differ where they must not.

    >>> query, value = jnp.array([[[1.0, 0.0]]]), jnp.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> [round(a, 3) for a in Attention().apply({}, [query, value], Context()).ravel().tolist()]
    [0.731, 0.269]

    Source: Luong, Pham & Manning, "Effective approaches to attention-based neural machine translation", 2015.
    """

    use_scale: bool = item(default=False)
    score_mode: str = item(default="dot", rule=Choice(("dot", "concat")))
    dropout: float = item(default=0.0, rule=FRACTION, traced=True)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)
    use_causal_mask: bool = item(default=False)

    @property
    def _sums(self) -> bool:
        return self.score_mode == "concat"

    def weights(self, shape: Any) -> dict[str, Weight]:
        from ..initializers import Ones

        found = {"scale": Weight((), Ones())} if self.use_scale else {}
        return found | ({"concat_score_weight": Weight((), Ones())} if self.score_mode == "concat" else {})

    def _width(self, shape: Any) -> int:
        return 1 if self.score_mode == "dot" else shape[0][1]

    def scores(self, w: dict[str, Array], query: Array, key: Array) -> Array:
        if self.score_mode == "dot":
            found = query @ jnp.swapaxes(key, 1, 2)
            return found * w["scale"] if self.use_scale else found
        total = query[:, :, None] + key[:, None]
        total = total * w["scale"] if self.use_scale else total
        return w["concat_score_weight"] * jnp.sum(jnp.tanh(total), axis=-1)


class AdditiveAttention(_Scored):
    """softmax(Σ v tanh(Q + K)) V with a learned vector v (d,).

    Shapes: query (rows, T, d), value (rows, S, …), key (rows, S, d), output (rows, T, …). Inputs and masks are as
    Attention's.

    Args:
        use_scale: Whether v is learned; else it is all ones.
        dropout: Share of attention weights dropped in training.
        seed: Taken for Keras's sake: numbers come from the plan's seed.
        use_causal_mask: Whether a place reads from itself and earlier ones only.
        return_attention_scores: Whether the shares (queries, keys) follow the output; a call may say so, too.

    Raises:
        ShapeError: when inputs are not two or three sequences (time, features), or differ where they must not.

    >>> layer, query, value = AdditiveAttention(), jnp.array([[[1.0, 0.0]]]), jnp.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> [round(a, 3) for a in layer.apply({"scale": jnp.ones(2)}, [query, value], Context()).ravel().tolist()]
    [0.364, 0.636]

    Source: Bahdanau, Cho & Bengio, "Neural machine translation by jointly learning to align and translate", 2015.
    """

    use_scale: bool = item(default=True)
    dropout: float = item(default=0.0, rule=FRACTION, traced=True)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)
    use_causal_mask: bool = item(default=False)

    def weights(self, shape: Any) -> dict[str, Weight]:
        from ..initializers import GlorotUniform

        return {"scale": Weight((shape[0][1],), GlorotUniform())} if self.use_scale else {}

    def _width(self, shape: Any) -> int:
        return shape[0][1]

    def scores(self, w: dict[str, Array], query: Array, key: Array) -> Array:
        total = jnp.tanh(query[:, :, None] + key[:, None])
        return jnp.sum(total * w["scale"] if self.use_scale else total, axis=-1)
