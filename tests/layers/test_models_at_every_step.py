"""TimeDistributed around whole models: against Keras; their weights, masks and moments; what is refused."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

import jindan as jd
import jindan.layers as ours
from jindan.errors import InputError, ShapeError
from jindan.layers import (
    LSTM,
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    MultiHeadAttention,
    Nested,
    TimeDistributed,
)
from jindan.models import Model, Sequential
from layers.beside_keras import agree_with_keras

RNG = np.random.default_rng(417)


def models(layers, keras):
    """Sequential, Input and Model of the library that the layers are of."""
    return (Sequential, Input, Model) if layers is ours else (keras.Sequential, keras.Input, keras.Model)


@pytest.mark.parametrize(("rows", "time"), [(1, 1), (2, 3)])
def test_models_at_every_step_as_in_keras(rows, time, keras):
    def build(layers, x):
        sequential, new, model = models(layers, keras)
        small = sequential([new((4, 3, 1)), layers.Conv2D(2, 2, activation="tanh"), layers.Flatten(), layers.Dense(3)])
        a = new((4, 3, 1))
        b = layers.Flatten()(a)
        first, second = layers.Dense(2, activation="tanh"), layers.Dense(2)
        graph = model(a, layers.Add()([first(b), second(first(b)), layers.Dense(2)(b)]))
        return [layers.GRU(2)(layers.TimeDistributed(small)(x[0])), layers.TimeDistributed(graph)(x[0])]

    agree_with_keras(build, [(time, 4, 3, 1)], [RNG.normal(size=(rows, time, 4, 3, 1))], keras)


def test_words_of_each_sentence_are_masked_inside_as_in_keras(keras):
    words = np.zeros((3, 4, 5), int)
    words[:, :, :3] = RNG.integers(1, 9, (3, 4, 3))
    words[0, 2, 1:] = 0

    def made(layers):
        sequential, new, _ = models(layers, keras)
        inner = sequential([new((5,)), layers.Embedding(9, 4, mask_zero=True), layers.LSTM(3), layers.Dense(2)])
        return sequential([new((4, 5)), layers.TimeDistributed(inner), layers.GRU(2)])

    mine, theirs = made(ours), made(keras.layers)
    mine.set_weights([w + 0.3 * RNG.normal(size=w.shape) for w in mine.get_weights()])
    theirs.set_weights(mine.get_weights())
    agree(mine.predict(words), theirs.predict(words, verbose=0), 1e-5)


def test_a_model_has_its_weights_there_too():
    inner = Sequential([Flatten(input_shape=(2, 2)), Dense(3, activation="tanh"), Dense(2)], name="eye")
    films = RNG.normal(size=(4, 5, 2, 2))
    wanted = np.stack([inner.predict(films[:, t]) for t in range(5)], 1)
    stack = Sequential([TimeDistributed(inner, input_shape=(5, 2, 2))])
    x = Input((5, 2, 2))
    graph = Model(x, TimeDistributed(inner)(x))
    quiet = Model(x, TimeDistributed(inner)(x, training=False))
    for model in (stack, graph, quiet, Sequential([stack, Flatten()])):
        agree(model.predict(films).reshape(wanted.shape), wanted, 1e-6)
    stack.compile("adam", "mse")
    stack.fit(films, np.ones((4, 5, 2)), epochs=2, verbose=0, doctor=False, seed=0)
    assert not np.allclose(stack.predict(films), wanted)
    # As in Keras, the model and what holds it are trained together.
    agree(np.stack([inner.predict(films[:, t]) for t in range(5)], 1), stack.predict(films), 1e-6)


def test_frozen_layers_of_the_model_stay_and_moments_move():
    frozen = Dense(3, input_shape=(2,), trainable=False)
    inner = Sequential([frozen, BatchNormalization(momentum=0.5), Dropout(0.5), Dense(1)])
    model = Sequential([TimeDistributed(inner, input_shape=(4, 2))])
    model.compile("sgd", "mse")
    x, before = RNG.normal(size=(8, 4, 2)), model.get_weights()
    model.fit(x, np.ones((8, 4, 1)), epochs=1, batch_size=8, verbose=0, doctor=False, seed=0)
    after = model.get_weights()
    for place in (0, 1):
        np.testing.assert_array_equal(before[place], after[place])
    z = (x @ before[0] + before[1]).reshape(-1, 3)
    agree(after[4], 0.5 * z.mean(0), 1e-5)
    agree(after[5], 0.5 + 0.5 * z.var(0), 1e-5)
    assert model.layers[0].count_trained() == 6 + 4


def test_it_is_kept_and_counted(tmp_path):
    a = Input((6,))
    b = Dense(3, activation="relu", name="shared")
    inner = Model(a, Add()([b(a), Dense(3, name="other")(a)]), name="pair")
    model = Sequential([TimeDistributed(inner, input_shape=(4, 6)), LSTM(2)])
    assert model.count_params() == 2 * 21 + 48
    network = model.network
    assert network.flops_of(0) == 4 * inner.network.flops()
    model.save(tmp_path / "m")
    again, x = jd.load(tmp_path / "m"), RNG.normal(size=(3, 4, 6))
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert again.specs == model.specs
    assert [layer.name for layer in model.specs[0].layer.layers] == ["shared", "other", "add"]


def test_steps_go_one_by_one():
    layer = TimeDistributed(Nested([Flatten(), Dense(2)]))
    w = {n: jnp.asarray(RNG.normal(size=v.shape)) for n, v in layer.weights((3, 2, 2)).items()}
    x, ctx = jnp.asarray(RNG.normal(size=(2, 3, 2, 2))), ours.Context()
    found = [layer.step(w, x[:, t], layer.start((3, 2, 2), 2, x.dtype), ctx)[0] for t in range(3)]
    agree(jnp.stack(found, 1), layer.apply(w, x, ctx), 1e-6)
    assert layer.streams
    assert TimeDistributed(MultiHeadAttention(2, 3)).flops((4, 5, 6)) == 4 * MultiHeadAttention(2, 3).flops(((5, 6),))


def test_in_half_precision_ids_stay_whole():
    inner = Sequential([Embedding(3000, 4, input_shape=(5,)), Flatten(), Dense(2)])
    model = Sequential([TimeDistributed(inner, input_shape=(2, 5))])
    model.compile("sgd", "mse", precision="bfloat16")
    ids = np.full((4, 2, 5), 2999)
    before = model.get_weights()[0]
    model.fit(ids, np.ones((4, 2, 2)), epochs=1, verbose=0, doctor=False, seed=0)
    moved = np.abs(model.get_weights()[0] - before).sum(1)
    assert moved[2999] > 0
    assert not moved[:2999].any()


def test_what_is_refused():
    a = Input((3,))
    two = Model(a, [Dense(1)(a), Dense(1)(a)])
    for model in (two, Model([a, Input((3,))], Dense(1)(a))):
        with pytest.raises(InputError, match="one input and one output"):
            TimeDistributed(model)

    class Own(Model):
        def call(self, x):
            return Dense(1)(x)

    for model in (Sequential(), Own()):
        with pytest.raises(InputError, match="holds others needs some"):
            TimeDistributed(model)
    with pytest.raises(ShapeError, match="gives one output"):
        TimeDistributed(LSTM(2, return_state=True)).output_shape((4, 3, 2))
    with pytest.raises(ShapeError, match="Conv2D"):
        TimeDistributed(Sequential([Conv2D(2, 3)])).output_shape((4, 2, 2, 1))
