"""GroupQueryAttention: against Keras and against attention with as many groups as heads; windows; weights; refusals."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

import jindan.layers as ours
from jindan.errors import InputError
from jindan.layers import Context, GroupQueryAttention, Input, MultiHeadAttention
from jindan.models import Model
from layers.beside_keras import agree_with_keras

RNG = np.random.default_rng(417)


@pytest.mark.parametrize(
    ("settings", "rows", "queries", "keys"),
    [
        ((2, 1, 1), 1, 1, 1),
        ((3, 4, 2), 2, 3, 3),
        ((2, 3, 1, 0.0, False), 2, 3, 5),
        ((2, 4, 4, 0.0, True, 2), 2, 5, 4),
    ],
)
@pytest.mark.parametrize("more", [{}, {"use_gate": True}])
def test_as_in_keras(settings, rows, queries, keys, more, keras):
    def build(layers, x):
        first = layers.GroupQueryAttention(*settings, **more)(x[0], x[1], use_causal_mask=True)
        value = layers.Masking()(x[1])
        second = layers.GroupQueryAttention(*settings, **more)(x[0], value, key=x[1], attention_mask=x[2])
        out, shares = layers.GroupQueryAttention(*settings, **more)(x[0], x[1], return_attention_scores=True)
        return [first, second, out, shares]

    value = RNG.normal(size=(rows, keys, 4))
    if keys > 1:
        value[0, 1:2] = 0
    seen = RNG.integers(0, 2, (rows, queries, keys)).astype(float)
    for query in range(queries):
        seen[:, query, min(query, keys - 1)] = 1
        value[:, min(query, keys - 1)] += 0.1
    x = [RNG.normal(size=(rows, queries, 4)), value, seen]
    agree_with_keras(build, [(queries, 4), (keys, 4), (queries, keys)], x, keras)


def test_as_many_groups_as_heads_is_plain_attention(x64):
    plain, layer, x = MultiHeadAttention(2, 3), GroupQueryAttention(3, 2, 2), jnp.asarray(RNG.normal(size=(2, 5, 4)))
    specs = plain.weights(((5, 4),))
    assert {n: v.shape for n, v in layer.weights(((5, 4),)).items()} == {n: v.shape for n, v in specs.items()}
    w = {n: jnp.asarray(RNG.normal(size=v.shape)) for n, v in specs.items()}
    agree(layer.apply(w, [x], Context()), plain.apply(w, [x], Context()), 0)
    assert layer.flops(((5, 4),)) == plain.flops(((5, 4),))
    assert layer.keeps(((5, 4),)) == plain.keeps(((5, 4),))


def test_a_window_hides_what_is_far(x64):
    layer, x = GroupQueryAttention(2, 2, 1, sliding_window=2), RNG.normal(size=(1, 6, 3))
    w = {n: jnp.asarray(RNG.normal(size=v.shape)) for n, v in layer.weights(((6, 3),)).items()}
    other = x.copy()
    other[0, 5] = 9
    first, second = (layer.apply(w, [jnp.asarray(v)], Context())[0] for v in (x, other))
    same = [np.array_equal(a, b) for a, b in zip(first, second, strict=True)]
    assert same == [True] * 4 + [False] * 2


@pytest.mark.parametrize("form", ["memory", "m.keras", "m.weights.h5"])
@pytest.mark.parametrize("gate", [False, True])
def test_weights_come_from_keras(form, gate, keras, tmp_path):
    def graph(layers, new, model):
        x = new((4, 6))
        return model(x, layers.GroupQueryAttention(2, 4, 2, use_gate=gate)(layers.Masking()(x), x))

    theirs, mine = graph(keras.layers, keras.Input, keras.Model), graph(ours, Input, Model)
    theirs.set_weights([w + 0.1 * RNG.normal(size=w.shape) for w in theirs.get_weights()])
    source = theirs
    if form != "memory":
        source = tmp_path / form
        (theirs.save if form == "m.keras" else theirs.save_weights)(source)
    mine.load_weights(source)
    x = RNG.normal(size=(3, 4, 6))
    agree(mine.predict(x), theirs.predict(x, verbose=0), 1e-5)


def test_what_is_refused():
    with pytest.raises(InputError, match="cannot be parted into that many groups"):
        GroupQueryAttention(2, 4, 3)
    with pytest.raises(InputError, match="These are no masks of GroupQueryAttention"):
        GroupQueryAttention(2, 4, 2, masks=("causal",))
