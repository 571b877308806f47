"""Masks that a call gives: to attention, to recurrent and other layers that read them; against Keras."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from contracts.numerics import agree
from jax.flatten_util import ravel_pytree

import jindan as jd
import jindan.layers as ours
from jindan.engine.train import train
from jindan.errors import InputError, ShapeError
from jindan.layers import LSTM, Dense, Input, MultiHeadAttention, WithMask
from jindan.models import Model
from layers.beside_keras import agree_with_keras, both

RNG = np.random.default_rng(417)


def some(*shape):
    """A mask in which every row of the last axis has something to see."""
    mask = RNG.integers(0, 2, shape).astype(float)
    mask[..., 0] = 1
    return mask


@pytest.mark.parametrize(
    ("rows", "queries", "keys", "form"),
    [
        (1, 1, 1, (1, 1)),
        (3, 4, 4, (4, 4)),
        (2, 3, 5, (3, 5)),
        (2, 3, 5, (1, 5)),
        (2, 3, 5, (2, 3, 5)),
        (2, 3, 5, (1, 1, 5)),
    ],
)
def test_attention_masks_as_in_keras(rows, queries, keys, form, keras):
    def build(layers, x):
        return layers.MultiHeadAttention(2, 3)(x[0], x[1], attention_mask=x[2])

    x = [RNG.normal(size=(rows, queries, 4)), RNG.normal(size=(rows, keys, 3)), some(rows, *form)]
    agree_with_keras(build, [(queries, 4), (keys, 3), form], x, keras)


def test_all_masks_of_attention_together_as_in_keras(keras):
    def build(layers, x):
        value = layers.Masking()(x[1])
        return layers.MultiHeadAttention(2, 3, value_dim=2)(
            x[0], value, key=value, attention_mask=x[2], use_causal_mask=True, return_attention_scores=True
        )

    value = RNG.normal(size=(3, 4, 3))
    value[0, 3:], value[1, 1:] = 0, 0
    mask = np.ones((3, 4, 4))
    mask[2, 1:, 0] = 0
    agree_with_keras(build, [(4, 2), (4, 3), (4, 4)], [RNG.normal(size=(3, 4, 2)), value, mask], keras)


def test_masks_of_query_value_and_key(keras):
    def build(layers, x):
        return layers.MultiHeadAttention(1, 2)(x[0], x[1], value_mask=x[2], key_mask=x[3])

    x = [RNG.normal(size=(2, 3, 2)), RNG.normal(size=(2, 5, 2)), some(2, 5), some(2, 5)]
    mine, _ = agree_with_keras(build, [(3, 2), (5, 2), (5,), (5,)], x, keras)
    # A masked query reads all places alike: Keras says so of query_mask and yet takes only the query's own mask.
    q, v, m = Input((3, 2)), Input((5, 2)), Input((3,))
    given = Model([q, v, m], MultiHeadAttention(1, 2)(q, v, query_mask=m), dtype="float64")
    attached = Model([q, v, m], MultiHeadAttention(1, 2)(WithMask()([q, m]), v), dtype="float64")
    rows = [x[0], x[1], np.array([[1, 1, 0], [0, 1, 1]], float)]
    given.set_weights(mine.get_weights())
    attached.set_weights(mine.get_weights())
    agree(given.predict(rows), attached.predict(rows), 1e-12)
    assert not np.allclose(given.predict(rows)[0, 2], given.predict([*rows[:2], np.ones((2, 3))])[0, 2])


def test_attention_without_heads_as_in_keras(keras):
    def build(layers, x):
        out, shares = layers.Attention(use_scale=True)(
            [x[0], x[1]], mask=[None, x[2]], return_attention_scores=True, use_causal_mask=True
        )
        return [out, shares, layers.AdditiveAttention()([x[0], x[1]], mask=[x[3], x[2]])]

    x = [RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 5, 4)), some(2, 5), some(2, 3)]
    agree_with_keras(build, [(3, 4), (5, 4), (5,), (3,)], x, keras)


@pytest.mark.parametrize("rows", [1, 3])
def test_recurrent_layers_and_means_as_in_keras(rows, keras):
    def build(layers, x):
        read = layers.LSTM(3, return_sequences=True)(x[0], mask=x[1])
        both_ways = layers.Bidirectional(layers.GRU(2))(read)  # the mask goes on
        return [both_ways, layers.GlobalAveragePooling1D()(x[0], mask=x[1]),
                layers.TimeDistributed(layers.Dense(2))(x[0], mask=x[1])]  # fmt: skip

    agree_with_keras(build, [(4, 2), (4,)], [RNG.normal(size=(rows, 4, 2)), some(rows, 4)], keras)


def test_batch_norm_counts_the_steps_that_exist(keras):
    def build(layers, x):
        return layers.BatchNormalization(momentum=0.5)(x[0], mask=x[1])

    mine, theirs = both(build, [(4, 2), (4,)], keras)
    for model in (mine, theirs):
        model.set_weights([np.ones(2), np.zeros(2), np.zeros(2), np.ones(2)])
        model.compile(jd.optimizers.SGD(0.0) if model is mine else keras.optimizers.SGD(0.0), "mse")
    x, mask = RNG.normal(size=(3, 4, 2)), some(3, 4)
    mine.fit([x, mask], np.zeros((3, 4, 2)), epochs=1, batch_size=3, doctor=False)
    theirs.fit([x, mask], np.zeros((3, 4, 2)), epochs=1, batch_size=3, verbose=0)
    for a, b in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def masked_model():
    x, pairs, steps = Input((4, 3)), Input((4, 4)), Input((4,))
    read = MultiHeadAttention(2, 2)(x, x, attention_mask=pairs)
    return Model([x, pairs, steps], Dense(1)(LSTM(3)(read, mask=steps)))


def test_they_train_are_saved_and_go_into_populations(tmp_path):
    x, y = [RNG.normal(size=(10, 4, 3)), some(10, 4, 4), some(10, 4)], RNG.normal(size=10)
    model = masked_model()
    model.compile("adam", "mse")
    assert model.fit(x, y, epochs=5, batch_size=4, seed=0).history["loss"][-1] > 0
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(jd.load(tmp_path / "m").predict(x), model.predict(x))
    assert "attention_mask" in repr(model.get_layer("multi_head_attention").spec)
    plans = [model.plan.replace(epochs=2, batch_size=4, seed=seed, dtype="float64") for seed in (0, 1)]
    with jax.enable_x64(True):
        together, alone = train(plans, (tuple(x), y)), [train(plan, (tuple(x), y)) for plan in plans]
        for a, b in zip(together, alone, strict=True):
            # All at once: some (the bias of keys) stay 0 but for rounding.
            agree(ravel_pytree(a.weights)[0], ravel_pytree(b.weights)[0], 1e-9)


def test_masked_steps_do_not_matter():
    x, mask = RNG.normal(size=(3, 4, 2)), np.array([[1, 1, 0, 0], [1, 0, 0, 1], [1, 1, 1, 1]], float)
    a, m = Input((4, 2)), Input((4,))
    model = Model([a, m], ours.GRU(3)(a, mask=m))
    other = x + 7 * (1 - mask)[:, :, None]
    np.testing.assert_allclose(model.predict([x, mask]), model.predict([other, mask]), rtol=1e-6)
    nothing = model.predict([x, np.zeros((3, 4))])
    np.testing.assert_array_equal(nothing, np.zeros((3, 3)))


def test_arrays_are_masked_too():
    x, mask = np.array([[[3.0], [1.0], [9.0]]]), np.array([[1, 1, 0]])
    assert np.asarray(ours.GlobalAveragePooling1D()(x, mask=mask)).tolist() == [[2.0]]
    found = ours.Attention()([x, x], mask=[None, mask], return_attention_scores=True)
    assert np.asarray(found[1])[0, :, 2].tolist() == [0, 0, 0]


def test_what_is_refused():
    x, m, wide = Input((4, 2)), Input((4,)), Input((5,))
    with pytest.raises(InputError, match="mask cannot be given in a call"):
        Dense(2)(x, mask=m)
    with pytest.raises(ShapeError, match="The mask does not fit what it is for"):
        LSTM(2)(x, mask=wide)
    with pytest.raises(InputError, match="more masks than inputs"):
        LSTM(2)(x, mask=[m, m])
    for name, mask in (
        ("attention_mask", m),
        ("value_mask", wide),
        ("query_mask", x),
        ("attention_mask", Input((4, 5))),
    ):
        with pytest.raises(ShapeError, match=f"The {name} does not fit what is attended to"):
            MultiHeadAttention(2, 2)(x, x, **{name: mask})
    with pytest.raises(InputError, match="These are no masks of MultiHeadAttention"):
        MultiHeadAttention(2, 2, masks=("causal",))
    with pytest.raises(InputError, match="A mask that is an array is one for all rows"):
        MultiHeadAttention(2, 2)(x, x, attention_mask=np.ones((2, 4, 4)))
    with pytest.raises(InputError, match="connected to what other layers give"):
        MultiHeadAttention(2, 2)(x, np.ones((1, 4, 2)))
