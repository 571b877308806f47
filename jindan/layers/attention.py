"""Attention: every place of a sequence reads from all others, weighted by how well query and key agree."""

from __future__ import annotations

import functools
import math
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from ..errors import ShapeError
from ..ops.product import product
from ..spec import COUNT, FRACTION, Choice, Number, item
from .base import Array, Context, Layer, Shape, Weight, is_zero, kernel, mean_penalty

Made = TypeVar("Made", bound=type)
# Tables of scores, shares and their slopes that an update holds at its height, and where shares are dropped at random.
SCORED, DRAWN = 4, 9


def _named_as_in_keras(made: Made) -> Made:
    """The class, which takes Keras's `output_shape=`, here the name of a method, for its field `output_features`."""
    settle = made.__init__  # type: ignore[misc]

    @functools.wraps(settle)
    def begin(self: Any, *given: Any, output_shape: Any = None, **named: Any) -> None:
        if output_shape is not None:
            axes = output_shape if isinstance(output_shape, (tuple, list)) else (output_shape,)
            named["output_features"] = axes[0] if len(axes) == 1 else output_shape
        settle(self, *given, **named)

    made.__init__ = begin  # type: ignore[misc]
    return made


@_named_as_in_keras
class MultiHeadAttention(Layer):
    """Σ_heads softmax(Q Kᵀ / √key_dim) V W_o, with Q, K, V linear in query, key and value.

    One input is all three (self-attention); two are query and value, three query, value and key, as in Keras.

    Shapes: query (rows, T, d), value and key (rows, S, …), output (rows, T, d). Weights: query.kernel (d, heads,
    key_dim), key.kernel and value.kernel likewise, output.kernel (heads, value_dim, features), and biases. The mask of
    the value hides its padding; a masked query reads all places alike; the output has the query's mask.

    Args:
        num_heads: Heads.
        key_dim: Length of each head's queries and keys.
        value_dim: Length of each head's values; None is key_dim.
        dropout: Share of attention weights dropped in training.
        use_bias: Whether the linear maps have biases.
        output_features: Features of the output; None is those of the query. By keyword, `output_shape` as in Keras.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint: As in Dense, for each of its linear maps.
        seed: Taken for Keras's sake: numbers come from the plan's seed.
        use_causal_mask: Whether a place reads from itself and earlier ones only.

    Raises:
        ShapeError: when inputs are not one to three sequences (time, features), or key and value differ in length.

    >>> MultiHeadAttention(2, 8).output_shape(((10, 16),)), MultiHeadAttention(2, 8, output_shape=4).output_features
    ((10, 16), 4)

    Source: Vaswani et al., "Attention is all you need", 2017.
    """

    many = True
    splits = True
    num_heads: int = item(rule=COUNT)
    key_dim: int = item(rule=COUNT)
    value_dim: int | None = item(default=None, rule=COUNT)
    dropout: float = item(default=0.0, rule=FRACTION, traced=True)
    use_bias: bool = item(default=True)
    output_features: int | None = item(default=None, rule=COUNT)
    kernel_initializer: Any = item(default="glorot_uniform", kind="initializer", host=True)
    bias_initializer: Any = item(default="zeros", kind="initializer", host=True)
    kernel_regularizer: Any = item(default=None, kind="regularizer")
    bias_regularizer: Any = item(default=None, kind="regularizer")
    activity_regularizer: Any = item(default=None, kind="regularizer")
    kernel_constraint: Any = item(default=None, kind="constraint")
    bias_constraint: Any = item(default=None, kind="constraint")
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)
    use_causal_mask: bool = item(default=False)

    def __call__(self, query: Any, value: Any = None, key: Any = None, **named: Any) -> Any:
        """Connect it to query, value and key, as in Keras: by name or in this order."""
        return super().__call__(*(part for part in (query, value, key) if part is not None), **named)

    @property
    def random(self) -> bool:
        return not is_zero(self.dropout)

    def _inputs(self, found: Any) -> tuple[Any, Any, Any]:
        """Query, value and key of one to three inputs."""
        query = found[0]
        value = found[1] if len(found) > 1 else query
        return query, value, found[2] if len(found) > 2 else value

    def output_shape(self, shape: Any) -> Shape:
        if not 1 <= len(shape) <= 3 or any(len(form) != 2 for form in shape):
            raise ShapeError(
                "MultiHeadAttention reads one to three sequences.", where="MultiHeadAttention",
                expected="rows (time, features) for query, value and key", received=", ".join(map(str, shape)),
                help="Images become sequences by Reshape((height * width, channels)).",
            )  # fmt: skip
        query, value, key = self._inputs(shape)
        if value[0] != key[0]:
            raise ShapeError(
                "Key and value differ in length.", where="MultiHeadAttention", expected=f"{value[0]} steps in each",
                received=f"{key[0]} keys", help="Each value has its key.",
            )  # fmt: skip
        return (query[0], self.output_features or query[1])

    def weights(self, shape: Any) -> dict[str, Weight]:
        query, value, key = self._inputs(shape)
        heads, width = self.num_heads, self.value_dim or self.key_dim
        found: dict[str, Weight] = {}
        for name, source, length in (("query", query, self.key_dim), ("key", key, self.key_dim),
                                     ("value", value, width)):  # fmt: skip
            found |= self._linear(name, (source[1], heads, length), (heads, length))
        out = self.output_shape(shape)[1]
        return found | self._linear("output", (heads, width, out), (out,))

    def _linear(self, name: str, form: Shape, bias: Shape) -> dict[str, Weight]:
        found = {f"{name}.kernel": Weight(form, self.kernel_initializer, self.kernel_regularizer,
                                          self.kernel_constraint)}  # fmt: skip
        if self.use_bias:
            found[f"{name}.bias"] = Weight(bias, self.bias_initializer, self.bias_regularizer, self.bias_constraint)
        return found

    def mask_of(self, x: Any, mask: Any) -> Any:
        return mask[0]

    def apply(self, w: dict[str, Array], x: Any, ctx: Context) -> Array:
        query, value, key = self._inputs(list(x))
        masks = ctx.mask if isinstance(ctx.mask, (list, tuple)) else [ctx.mask]
        asked, known, _ = self._inputs(masks)
        q, k, v = self._projected(w, query, key, value, ctx)
        scores = jnp.einsum("nqhd,nkhd->nhqk", q, k) * (1 / math.sqrt(self.key_dim))
        allowed = self._allowed(q.shape[1], k.shape[1], asked, known)
        if allowed is not None:
            scores = jnp.where(allowed, scores, jnp.asarray(-1e9, scores.dtype))
        share = jax.nn.softmax(scores, axis=-1)
        if ctx.training and self.random:
            keep = ctx.stream().uniform(share.shape) >= self.dropout
            share = jnp.where(keep, share / (1 - self.dropout), 0).astype(v.dtype)
        heads = jnp.einsum("nhqk,nkhd->nqhd", share, v)
        out = self._out(w, heads, ctx)
        if self.activity_regularizer is not None:
            # As in Keras, each of the four linear maps is penalised.
            ctx.penalties.extend(mean_penalty(self.activity_regularizer, a, ctx.rows) for a in (q, k, v, out))
        return out

    def _projected(self, w: dict, query: Array, key: Array, value: Array, ctx: Context) -> tuple[Array, Array, Array]:
        """Q, K and V: (rows, time, heads, length) each; by one matrix product where all read the same."""
        names = ("query", "key", "value")
        kernels = [kernel(ctx, w[f"{name}.kernel"], 1 + i) for i, name in enumerate(names)]
        biases = [w.get(f"{name}.bias") for name in names]
        if query is key and key is value:
            joined = jnp.concatenate([k.reshape(k.shape[0], -1) for k in kernels], axis=1)
            z = product(query, joined)
            if self.use_bias:
                z = z + jnp.concatenate([b.reshape(-1) for b in biases])  # type: ignore[union-attr]
            cuts = [kernels[0][0].size, kernels[0][0].size + kernels[1][0].size]
            parts = jnp.split(z, cuts, axis=-1)
            return tuple(p.reshape(*p.shape[:-1], *k.shape[1:]) for p, k in zip(parts, kernels, strict=True))  # type: ignore[return-value]
        found = []
        for source, k, b in zip((query, key, value), kernels, biases, strict=True):
            z = product(source, k.reshape(k.shape[0], -1)).reshape(*source.shape[:-1], *k.shape[1:])
            found.append(z if b is None else z + b)
        return tuple(found)  # type: ignore[return-value]

    def _out(self, w: dict, heads: Array, ctx: Context) -> Array:
        """The heads' answers, joined and mapped to the output's features."""
        matrix = kernel(ctx, w["output.kernel"], 4)
        z = product(heads.reshape(*heads.shape[:-2], -1), matrix.reshape(-1, matrix.shape[-1]))
        return z + w["output.bias"] if self.use_bias else z

    def _allowed(self, queries: int, keys: int, asked: Any, mask: Any) -> Array | None:
        """Which query may read which key, to broadcast with (rows, heads, queries, keys); None is all."""
        allowed = None
        if self.use_causal_mask:
            allowed = jnp.tril(jnp.ones((queries, keys), bool))[None, None]  # query t reads keys 0 … t, as in Keras
        if mask is not None:
            padding = (mask > 0)[:, None, None, :]
            allowed = padding if allowed is None else allowed & padding
        if asked is not None:
            # As in Keras, a masked query reads all places alike.
            asking = (asked > 0)[:, None, :, None]
            allowed = asking if allowed is None else allowed & asking
        return allowed

    def flops(self, shape: Any) -> int:
        query, value, key = self._inputs(shape)
        width = self.value_dim or self.key_dim
        linear = query[0] * query[1] * self.key_dim + key[0] * key[1] * self.key_dim + value[0] * value[1] * width
        scores = query[0] * key[0] * (self.key_dim + width)
        out = query[0] * width * self.output_shape(shape)[1]
        return 2 * self.num_heads * (linear + scores + out)

    def keeps(self, shape: Any) -> int:
        query, _, key = self._inputs(shape)
        width = self.value_dim or self.key_dim
        linear = (query[0] + key[0]) * (self.key_dim + width)
        return self.num_heads * (linear + (DRAWN if self.random else SCORED) * query[0] * key[0])


class _Scored(Layer, abstract=True):
    """Base: softmax(score(query, key)) value without heads; inputs [query, value] or [query, value, key]."""

    many = True

    @property
    def _sums(self) -> bool:
        """Whether scores are of query plus key, where one feature is spread over many."""
        return True

    @property
    def random(self) -> bool:
        return not is_zero(self.dropout)  # type: ignore[attr-defined]

    def output_shape(self, shape: Any) -> Shape:
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
        return (query[0], value[1])

    def mask_of(self, x: Any, mask: Any) -> Any:
        return mask[0]

    def apply(self, w: dict[str, Array], x: Any, ctx: Context) -> Array:
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
        return found if masks[0] is None else found * masks[0][:, :, None].astype(found.dtype)

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
