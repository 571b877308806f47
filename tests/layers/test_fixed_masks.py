"""Masks that are arrays, the same for all rows, and the mask of Softmax: against Keras; what is refused."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

import jindan as jd
from jindan import spec
from jindan.errors import InputError, ShapeError
from jindan.layers import (
    GRU,
    LSTM,
    Dense,
    FixedMask,
    Input,
    MultiHeadAttention,
    Softmax,
)
from jindan.models import Model, Sequential
from layers.beside_keras import agree_with_keras

RNG = np.random.default_rng(417)
STEPS = np.array([[True, True, False, True]])
NONE = np.zeros((1, 4), bool)
CAUSAL = np.tril(np.ones((1, 4, 4), bool))


@pytest.mark.parametrize("rows", [1, 3])
def test_arrays_as_masks_as_in_keras(rows, keras):
    def build(layers, x):
        spread = np.repeat(STEPS, rows, 0)  # Keras wants a mask for each row here, we one for all
        mask = STEPS if layers is jd.layers else spread
        read = layers.LSTM(3, return_sequences=True)(x[0], mask=mask)
        mean = layers.GlobalAveragePooling1D()(x[0], mask=mask)
        seen = layers.MultiHeadAttention(2, 3)(x[0], x[0], attention_mask=CAUSAL)
        plain = layers.Attention()([x[0], x[0]], mask=[None, mask])
        return [read, mean, seen, plain]

    agree_with_keras(build, [(4, 2)], [RNG.normal(size=(rows, 4, 2))], keras)


def test_with_nothing_left_the_states_stay():
    x = Input((4, 2))
    model = Model(x, GRU(3)(x, mask=NONE))
    assert not model.predict(RNG.normal(size=(3, 4, 2))).any()


@pytest.mark.parametrize(
    ("shape", "mask", "axis"),
    [((1,), (1,), -1), ((4,), (4,), -1), ((3, 4), (3, 4), -1), ((3, 4), (1, 4), 2), ((3, 4), (3, 1), 1),
     ((2, 3, 4), (1, 1, 4), -1)],
)  # fmt: skip
def test_masked_softmax_as_in_keras(shape, mask, axis, keras):
    def build(layers, x):
        return layers.Softmax(axis)(x[0], mask=x[1])

    told = RNG.integers(0, 2, (3, *mask)).astype(float)
    told[0] = 0  # nothing left
    agree_with_keras(build, [shape, mask], [RNG.normal(size=(3, *shape)), told], keras)


@pytest.mark.parametrize("mask", [CAUSAL, CAUSAL[0], np.array([1.0, 0.0, 0.4, 0.6]), STEPS[:, :, None].astype(float)])
def test_softmax_of_an_array_as_in_keras(mask, keras):
    def build(layers, x):
        return layers.Softmax()(x[0], mask=mask)

    agree_with_keras(build, [(4, 4)], [RNG.normal(size=(2, 4, 4))], keras)


def test_softmax_on_arrays():
    x, mask = RNG.normal(size=(2, 3)), np.array([[1, 1, 0], [0, 0, 0]])
    found = np.asarray(Softmax()(jnp.asarray(x), mask=mask))
    agree(found[0], [*(np.exp(x[0, :2]) / np.exp(x[0, :2]).sum()), 0], 1e-6)
    assert not found[1].any()


def test_it_is_kept_and_weights_stand_as_in_keras(tmp_path, keras):
    def graph(layers, new, model):
        ids = new((4,))
        x = layers.Embedding(5, 3)(ids)
        seen = layers.MultiHeadAttention(1, 2)(x, x, attention_mask=CAUSAL)
        read = layers.LSTM(2)(seen, mask=STEPS)
        return model(ids, layers.Softmax()(layers.Dense(3)(read), mask=np.array([[1, 1, 0]])))

    model, theirs = graph(jd.layers, Input, Model), graph(keras.layers, keras.Input, keras.Model)
    theirs.set_weights([w + 0.1 for w in theirs.get_weights()])
    model.load_weights(theirs)
    ids = RNG.integers(0, 5, (1, 4))
    agree(model.predict(ids), theirs(ids), 1e-5)
    model.compile("adam", "mse")
    model.fit(ids, np.ones((1, 3)) / 3, verbose=0, doctor=False, seed=0)
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(jd.load(tmp_path / "m").predict(ids), model.predict(ids))
    layer = FixedMask(CAUSAL[0])
    assert spec.from_json("layer", spec.to_json(layer)) == layer
    assert layer != FixedMask(CAUSAL[0].T)


def test_the_last_layer_may_be_masked():
    x, mask = Input((3,)), Input((3,))
    model = Model([x, mask], Softmax()(Dense(3)(x), mask=mask))
    model.compile("adam", "sparse_categorical_crossentropy")
    rows, told = RNG.normal(size=(8, 3)), np.tile([1.0, 1.0, 0.0], (8, 1))
    history = model.fit([rows, told], (rows[:, 0] > 0).astype(int), epochs=30, verbose=0, doctor=False, seed=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    shares = model.predict([rows, told])
    agree(shares.sum(1), np.ones(8), 1e-6)
    assert not shares[:, 2].any()


def test_what_is_refused():
    x = Input((4, 3))
    with pytest.raises(InputError, match="one for all rows"):
        LSTM(2)(x, mask=np.ones((2, 4)))
    with pytest.raises(ShapeError, match="does not fit what it is for"):
        LSTM(2)(x, mask=np.ones((1, 5)))
    with pytest.raises(ShapeError, match="attention_mask does not fit"):
        MultiHeadAttention(1, 2)(x, x, attention_mask=np.ones((1, 4, 5)))
    for mask in (np.ones((1, 4, 2)), np.ones((1, 5, 3)), Input((4, 3, 1))):
        with pytest.raises(ShapeError, match="mask of a Softmax does not fit"):
            Softmax()(x, mask=mask)
    with pytest.raises(ShapeError, match="numbers and their mask"):
        Softmax(masked=True)([x])
    with pytest.raises(InputError, match="mask cannot be given in a call"):
        Dense(2)(x, mask=STEPS)
    assert Sequential([Softmax(input_shape=(3,))]).predict(np.zeros((1, 3))).tolist() == [pytest.approx([1 / 3] * 3)]
    assert not Softmax(masked=True).streams
    assert Softmax(masked=True).bare() is None
