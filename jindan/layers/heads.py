"""MultiHeadAttention: every place of a sequence reads from all others, by several heads side by side."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, TypeVar

import jax
import jax.numpy as jnp

from ..errors import InputError, ShapeError
from ..ops.product import product
from ..spec import COUNT, FRACTION, Number, item
from .base import Array, Context, Layer, Shape, Weight, is_zero, kernel, mean_penalty
from .masks import as_layer

Made = TypeVar("Made", bound=type)
# Tables of scores, shares and their slopes that an update holds at its height, and where shares are dropped at random.
SCORED, DRAWN = 4, 9
MASKS = ("query_mask", "value_mask", "key_mask", "attention_mask")  # in the order of Keras's calls


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


class Heads(Layer, abstract=True):
    """Base of attention by several heads: how it is called, its masks, scores and shares."""

    many = True
    splits = True
    masks: Any = item(default=(), kw_only=True)
    return_attention_scores: bool = item(default=False, kw_only=True)

    if TYPE_CHECKING:  # each layer lists its own, in Keras's order, or has them as properties
        num_heads: Any
        key_dim: Any
        value_dim: Any
        output_features: Any
        dropout: Any
        use_bias: Any
        use_causal_mask: Any
        kernel_initializer: Any
        bias_initializer: Any
        kernel_regularizer: Any
        bias_regularizer: Any
        activity_regularizer: Any
        kernel_constraint: Any
        bias_constraint: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        if not set(self.masks) <= set(MASKS) or len(set(self.masks)) < len(self.masks):
            raise InputError(
                f"These are no masks of {type(self).__name__}.", where=f"masks of {type(self).__name__}",
                expected=f"some of {', '.join(MASKS)}", received=", ".join(map(str, self.masks)),
                help="A call in a graph sets them: layer(x, x, attention_mask=mask).",
            )  # fmt: skip

    def __call__(
        self, query: Any, value: Any = None, key: Any = None, query_mask: Any = None, value_mask: Any = None,
        key_mask: Any = None, attention_mask: Any = None, **named: Any,
    ) -> Any:  # fmt: skip
        """Connect it to query, value, key and masks, as in Keras: by name or in this order."""
        given = list(query) if isinstance(query, (list, tuple)) else [query]
        given += [part for part in (value, key) if part is not None]
        told = dict(zip(MASKS, (query_mask, value_mask, key_mask, attention_mask), strict=True))
        told = {name: self._told(name, mask, given[0]) for name, mask in told.items() if mask is not None}
        return super().__call__([*given, *told.values()], masks=tuple(told), **named)

    def _told(self, name: str, mask: Any, query: Any) -> Any:
        """A mask of a call as a value of its graph; one that is an array, for all rows."""
        from .graph import in_graph

        pairs = name == "attention_mask" and getattr(mask, "ndim", 0) == 2
        return in_graph(as_layer(mask, rows_first=not pairs), query)

    @property
    def random(self) -> bool:
        return not is_zero(self.dropout)

    def _inputs(self, found: Any) -> tuple[Any, Any, Any]:
        """Query, value and key of one to three inputs, whatever masks follow."""
        found = found[: len(found) - len(self.masks)]
        query = found[0]
        value = found[1] if len(found) > 1 else query
        return query, value, found[2] if len(found) > 2 else value

    def output_shape(self, shape: Any) -> Any:
        given = shape[: len(shape) - len(self.masks)]
        if not 1 <= len(given) <= 3 or any(len(form) != 2 for form in given):
            raise ShapeError(
                f"{type(self).__name__} reads one to three sequences.", where=type(self).__name__,
                expected="rows (time, features) for query, value and key", received=", ".join(map(str, given)),
                help="Images become sequences by Reshape((height * width, channels)).",
            )  # fmt: skip
        query, value, key = self._inputs(shape)
        if value[0] != key[0]:
            raise ShapeError(
                "Key and value differ in length.", where=type(self).__name__, expected=f"{value[0]} steps in each",
                received=f"{key[0]} keys", help="Each value has its key.",
            )  # fmt: skip
        for name, form in zip(self.masks, shape[len(given) :], strict=True):
            self._need_mask(name, tuple(form), query[0], key[0])
        out = (query[0], self.output_features or query[1])
        return (out, (self.num_heads, query[0], key[0])) if self.return_attention_scores else out

    def _need_mask(self, name: str, form: Shape, queries: int, keys: int) -> None:
        of_pairs = name == "attention_mask"
        wanted: Shape = (queries,) if name == "query_mask" else (keys,)
        if of_pairs:
            wanted = (self.num_heads, queries, keys) if len(form) == 3 else (queries, keys)
        # An axis of 1 is for all.
        fits = (a in ((b, 1) if of_pairs else (b,)) for a, b in zip(form, wanted, strict=False))
        if len(form) != len(wanted) or not all(fits):
            raise ShapeError(
                f"The {name} does not fit what is attended to.", where=type(self).__name__,
                expected=f"rows of shape {wanted}", received=f"rows of shape {form}",
                help="attention_mask is (queries, keys), the others are (time,); 0 hides, all else is seen.",
            )  # fmt: skip

    def weights(self, shape: Any) -> dict[str, Weight]:
        query, value, key = self._inputs(shape)
        heads, width = self.num_heads, self.value_dim or self.key_dim
        found: dict[str, Weight] = {}
        for name, source, length in (("query", query, self.key_dim), ("key", key, self.key_dim),
                                     ("value", value, width)):  # fmt: skip
            found |= self._linear(name, (source[1], heads, length), (heads, length))
        out = self.output_features or query[1]
        return found | self._linear("output", (heads, width, out), (out,))

    def _linear(self, name: str, form: Shape, bias: Shape) -> dict[str, Weight]:
        found = {f"{name}.kernel": Weight(form, self.kernel_initializer, self.kernel_regularizer,
                                          self.kernel_constraint)}  # fmt: skip
        if self.use_bias:
            found[f"{name}.bias"] = Weight(bias, self.bias_initializer, self.bias_regularizer, self.bias_constraint)
        return found

    def mask_of(self, x: Any, mask: Any) -> Any:
        return (mask[0], None) if self.return_attention_scores else mask[0]

    def apply(self, w: dict[str, Array], x: Any, ctx: Context) -> Any:
        query, value, key = self._inputs(list(x))
        known: dict[str, Any] = {}
        if isinstance(ctx.mask, (list, tuple)):
            known = dict(zip(MASKS[:3], self._inputs(ctx.mask), strict=True))
        known |= dict(zip(self.masks, x[len(x) - len(self.masks) :], strict=True))
        maps: tuple[Array, ...] = self._projected(w, query, key, value, ctx)
        q, k, v = maps
        k, v = self._for_each_head(k), self._for_each_head(v)
        scores = jnp.einsum("nqhd,nkhd->nhqk", q, k) * (1 / math.sqrt(self.key_dim))
        allowed = self._allowed(q.shape[1], k.shape[1], known)
        if allowed is not None:
            scores = jnp.where(allowed, scores, jnp.asarray(-1e9, scores.dtype))
        share = jax.nn.softmax(scores, axis=-1)
        if ctx.training and self.random:
            keep = ctx.stream().uniform(share.shape) >= self.dropout
            share = jnp.where(keep, share / (1 - self.dropout), 0).astype(v.dtype)
        heads = jnp.einsum("nhqk,nkhd->nqhd", share, v)
        gate = self._gate(w, query, ctx)
        if gate is not None:
            heads, maps = heads * gate, (*maps, gate)
        out = self._out(w, heads, ctx)
        if self.activity_regularizer is not None:
            # As in Keras, each of the linear maps is penalised.
            ctx.penalties.extend(mean_penalty(self.activity_regularizer, a, ctx.rows) for a in (*maps, out))
        return (out, share) if self.return_attention_scores else out

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

    def _for_each_head(self, found: Array) -> Array:
        """Keys or values (rows, time, heads, length) for every head of the queries."""
        return found

    def _gate(self, w: dict[str, Array], query: Array, ctx: Context) -> Array | None:
        """Factors of what the heads answer, or None."""
        return None

    def _out(self, w: dict, heads: Array, ctx: Context) -> Array:
        """The heads' answers, joined and mapped to the output's features."""
        matrix = kernel(ctx, w["output.kernel"], 4)
        z = product(heads.reshape(*heads.shape[:-2], -1), matrix.reshape(-1, matrix.shape[-1]))
        return z + w["output.bias"] if self.use_bias else z

    def _allowed(self, queries: int, keys: int, masks: dict[str, Any]) -> Array | None:
        """Which query may read which key, to broadcast with (rows, heads, queries, keys); None is all."""
        found = []
        if self.use_causal_mask:
            found.append(jnp.tril(jnp.ones((queries, keys), bool))[None, None])  # query t reads keys 0 … t, as in Keras
        for name, mask in masks.items():
            if mask is None:
                continue
            if name == "attention_mask":
                spread = mask if mask.ndim == 4 else mask[:, None]
            else:
                # As in Keras, a masked query reads all places alike.
                spread = mask[:, None, :, None] if name == "query_mask" else mask[:, None, None, :]
            found.append(spread != 0)
        return functools.reduce(jnp.logical_and, found) if found else None

    def flops(self, shape: Any) -> int:
        query, value, key = self._inputs(shape)
        width = self.value_dim or self.key_dim
        linear = query[0] * query[1] * self.key_dim + key[0] * key[1] * self.key_dim + value[0] * value[1] * width
        scores = query[0] * key[0] * (self.key_dim + width)
        out = query[0] * width * (self.output_features or query[1])
        return 2 * self.num_heads * (linear + scores + out)

    def keeps(self, shape: Any) -> int:
        query, _, key = self._inputs(shape)
        width = self.value_dim or self.key_dim
        linear = (query[0] + key[0]) * (self.key_dim + width)
        return self.num_heads * (linear + (DRAWN if self.random else SCORED) * query[0] * key[0])


@_named_as_in_keras
class MultiHeadAttention(Heads):
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
        masks: Names of the masks that follow query, value and key among the inputs. A call in a graph sets it:
            `layer(x, x, attention_mask=mask)`; attention_mask is (queries, keys), or (heads, queries, keys), 0 where a
            query must not read a key; query_mask, value_mask and key_mask are (time,). All that are given count.
        return_attention_scores: Whether the shares (heads, queries, keys) follow the output; a call may say so, too.

    Raises:
        ShapeError: when inputs are not one to three sequences (time, features), key and value differ in length, or a
            mask does not fit.

    >>> MultiHeadAttention(2, 8).output_shape(((10, 16),)), MultiHeadAttention(2, 8, output_shape=4).output_features
    ((10, 16), 4)

    Source: Vaswani et al., "Attention is all you need", 2017.
    """

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
