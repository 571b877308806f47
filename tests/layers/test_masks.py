"""Masks of more axes than one of time: words of sentences of a text."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    LayerNormalization,
    TimeDistributed,
)
from jindan.models import Sequential

RNG = np.random.default_rng(0)
WORDS = np.zeros((4, 3, 5), int)
WORDS[:, :, :2] = RNG.integers(1, 9, (4, 3, 2))
WORDS[0, 2] = 0  # a sentence without words
QUIET = {"batch_size": 4, "verbose": 0, "doctor": False, "seed": 0}


def filled(model):
    model.build()
    model.compile("sgd", "mse")
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def test_each_sentence_is_read_as_by_keras():
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    ours = filled(Sequential([Embedding(9, 4, mask_zero=True, input_shape=(3, 5)), TimeDistributed(LSTM(4)),
                              Flatten(), Dense(1)]))  # fmt: skip
    k = keras.layers
    theirs = keras.Sequential([keras.Input((3, 5)), k.Embedding(9, 4, mask_zero=True), k.TimeDistributed(k.LSTM(4)),
                               k.Flatten(), k.Dense(1)])  # fmt: skip
    theirs.set_weights(ours.get_weights())
    np.testing.assert_allclose(ours.predict(WORDS), theirs.predict(WORDS, verbose=0), rtol=1e-4, atol=1e-5)
    ours.fit(WORDS, np.ones((4, 1)), **QUIET)
    assert np.isfinite(ours.evaluate(WORDS, np.ones((4, 1))))


def test_sentences_without_words_do_not_exist_for_the_next_layer():
    model = filled(Sequential([Embedding(9, 4, mask_zero=True, input_shape=(3, 5)), TimeDistributed(LSTM(4)), GRU(3)]))
    fewer = WORDS[:, :2]
    parts = Sequential([Embedding(9, 4, mask_zero=True, input_shape=(2, 5)), TimeDistributed(LSTM(4)), GRU(3)])
    parts.build()
    parts.set_weights(model.get_weights())
    np.testing.assert_allclose(model.predict(WORDS)[0], parts.predict(fewer)[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("inner", [LSTM(3, return_sequences=True), Dense(3), LayerNormalization()])
def test_losses_and_metrics_count_the_words_that_exist(inner):
    stack = [Embedding(9, 3, mask_zero=True, input_shape=(3, 5)), TimeDistributed(inner), Dense(2)]
    model = filled(Sequential(stack))
    model.compile("sgd", "mse", metrics=["mae"])
    y = RNG.normal(size=(4, 3, 5, 2))
    there, off = WORDS != 0, y - model.predict(WORDS)
    found = model.evaluate(WORDS, y, return_dict=True)
    assert found["loss"] == pytest.approx((off[there] ** 2).mean(), rel=1e-5)
    assert found["mae"] == pytest.approx(np.abs(off[there]).mean(), rel=1e-5)


def test_moments_are_those_of_words_that_exist():
    model = filled(Sequential([Embedding(9, 3, mask_zero=True, input_shape=(3, 5)), BatchNormalization(momentum=0.0),
                               Flatten(), Dense(1)]))  # fmt: skip
    vectors = model.get_weights()[0][WORDS[WORDS != 0]]
    model.fit(WORDS, np.ones((4, 1)), **QUIET)
    np.testing.assert_allclose(model.layers[1].get_weights()[2], vectors.mean(0), rtol=1e-4, atol=1e-5)


def test_one_step_of_generate_has_no_axis_of_steps():
    model = Sequential([
        Embedding(6, 4, mask_zero=True, input_shape=(3,)), LSTM(5, return_sequences=True),
        LayerNormalization(), Dense(6, activation="softmax"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy")
    prompt = np.array([[3, 5, 0], [2, 0, 0]])
    drawn = model.generate(prompt, 1, temperature=0.0)
    wanted = model.predict(prompt, verbose=0)[:, -1].argmax(-1)
    assert np.asarray(drawn)[:, -1].tolist() == wanted.tolist()


def test_a_held_layer_can_run_as_at_inference():
    held = TimeDistributed(Dropout(0.5, inference=True), input_shape=(3, 4))
    x = np.ones((2, 3, 4), np.float32)
    assert (np.asarray(Sequential([held])(x, training=True)) == 1).all()
