"""Generating: step by step equals reading everything again, and a trained network goes on as it learned."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.engine.forward import predict
from jindan.engine.generate import generate
from jindan.errors import InputError, ShapeError
from jindan.layers import (
    GRU,
    LSTM,
    Conv1D,
    Dense,
    Embedding,
    Flatten,
    LayerNormalization,
    MultiHeadAttention,
    PositionalEncoding,
    PositionEmbedding,
    Residual,
    SimpleRNN,
)
from jindan.models import Sequential

TIME, ENTRIES = 6, 5
RECURRENT = [
    Embedding(ENTRIES, 4, input_shape=(TIME,)),
    LSTM(8, return_sequences=True),
    Residual([Dense(8, activation="relu"), SimpleRNN(8, return_sequences=True)]),
    Dense(ENTRIES, activation="softmax"),
]
TRANSFORMER = [
    Embedding(ENTRIES, 8, input_shape=(TIME,)),
    PositionEmbedding(),
    Residual([LayerNormalization(), MultiHeadAttention(2, 4, use_causal_mask=True)]),
    Dense(ENTRIES),
]
LAST = [Embedding(ENTRIES, 4, input_shape=(TIME,)), Flatten(), Dense(ENTRIES, activation="softmax")]


def model_of(layers, seed=0):
    model = Sequential(layers)
    model.compile("adam", "sparse_categorical_crossentropy", seed=seed)
    return model


def by_hand(model, prompt, length):
    """The likeliest entry, the network run anew on the last entries each time; short beginnings padded behind."""
    known = list(prompt)
    for _ in range(length):
        window = known[-TIME:]
        row = np.zeros((1, TIME), int)
        row[0, : len(window)] = window
        scores = model.predict(row)[0]
        scores = scores if scores.ndim == 1 else scores[len(window) - 1]
        known.append(int(scores.argmax()))
    return known[len(prompt) :]


@pytest.mark.parametrize("layers", [TRANSFORMER, LAST], ids=["transformer", "window"])
def test_windows_as_by_hand(layers):
    model = model_of(layers)
    prompt = [1, 2, 3] if layers is TRANSFORMER else [1, 2, 3, 4, 0, 2, 1]
    assert model.generate(prompt, 9, temperature=0).tolist() == by_hand(model, prompt, 9)


def test_step_by_step_as_by_hand_within_the_window():
    model = model_of(RECURRENT)
    assert all(layer.streams for layer in model.plan.layers)
    assert model.generate([1, 2], 5, temperature=0).tolist() == by_hand(model, [1, 2], 5)


def test_positions_are_counted_step_by_step():
    layers = [
        Embedding(ENTRIES, 4, input_shape=(TIME,)),
        PositionalEncoding(),
        LSTM(8, return_sequences=True),
        Dense(ENTRIES),
    ]
    model = model_of(layers)
    assert model.generate([4, 2], 5, temperature=0).tolist() == by_hand(model, [4, 2], 5)


def test_a_trained_network_goes_on_counting():
    text = np.arange(300) % ENTRIES
    x = np.stack([text[i : i + TIME] for i in range(200)])
    y = np.stack([text[i + 1 : i + TIME + 1] for i in range(200)])
    model = model_of(RECURRENT)
    model.optimizer.learning_rate = 0.01
    model.fit(x, y, epochs=20, seed=0)
    assert model.generate([3], 40, temperature=0).tolist() == [(4 + i) % ENTRIES for i in range(40)]
    drawn = model.generate(np.array([[0], [2]]), 8, temperature=0.5, top_k=2, seed=1)
    assert drawn.shape == (2, 8)
    np.testing.assert_array_equal(drawn, model.generate(np.array([[0], [2]]), 8, temperature=0.5, top_k=2, seed=1))
    assert not np.array_equal(*(model.generate([0], 30, temperature=5.0, seed=s) for s in (1, 2)))


def test_frequencies_are_those_of_the_network():
    """Entries drawn at temperature 1 from a network that reads nothing: shares within five standard errors."""
    layers = [
        Embedding(ENTRIES, 2, embeddings_initializer="zeros", input_shape=(TIME,)),
        Dense(ENTRIES, activation="softmax"),
    ]
    model = model_of(layers)
    bias = np.log([0.1, 0.2, 0.3, 0.15, 0.25]).astype(np.float32)
    model.layers[1].set_weights([np.zeros((2, ENTRIES)), bias])
    drawn = model.generate(np.zeros((50, 1), int), 200, seed=3).ravel()
    shares = np.bincount(drawn, minlength=ENTRIES) / drawn.size
    np.testing.assert_allclose(shares, np.exp(bias), atol=5 * (0.25 / drawn.size) ** 0.5)


def test_what_cannot_be_generated_is_refused_in_words():
    with pytest.raises(InputError, match="prompt is not made of entries"):
        model_of(RECURRENT).generate([ENTRIES], 3)
    with pytest.raises(InputError, match="prompt is not made of entries"):
        model_of(RECURRENT).generate([], 3)
    wrong = model_of([Embedding(5, 4, input_shape=(TIME,)), Conv1D(3, 3), Dense(5)])
    with pytest.raises(ShapeError, match="score for each entry"):
        wrong.generate([1], 3)
    with pytest.raises(InputError, match="shorter than what the network reads"):
        model_of(LAST).generate([1], 3)
    assert generate(model_of(LAST).plan, (TIME,), model_of(LAST).ready_weights(), [1] * TIME, 0).shape == (0,)
    assert predict(model_of(LAST).plan, (TIME,), model_of(LAST).ready_weights(), np.zeros((1, TIME), int)).shape == (
        1,
        5,
    )


def masked(layer, seed):
    stack = [Embedding(9, 4, mask_zero=True, input_shape=(6,)), layer, Dense(9)]
    model = Sequential(stack)
    model.compile("sgd", "sparse_categorical_crossentropy", seed=seed)
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("layer", [GRU(8, return_sequences=True), LSTM(8, return_sequences=True),
                                   SimpleRNN(8, return_sequences=True),
                                   Residual([Dense(8), LSTM(4, return_sequences=True)])])  # fmt: skip
def test_padding_is_no_entry(layer):
    for seed in range(4):
        model = masked(layer, seed)
        for prompt in ([0, 0, 0, 0, 3, 5], [3, 5, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [3, 0, 5, 0, 0, 1]):
            wanted = model.predict(np.array([prompt]))[0, -1].argmax()
            assert model.generate(np.array(prompt), 1, temperature=0)[0] == wanted
        rows = np.array([[0, 0, 0, 0, 3, 5], [0, 2, 4, 6, 3, 5]])
        alone = model.generate(np.array([3, 5]), 5, temperature=0)
        np.testing.assert_array_equal(model.generate(rows, 5, temperature=0)[0], alone)


@pytest.mark.parametrize("wrong", [{"top_k": 0}, {"top_k": -1}, {"top_k": 2.5}, {"temperature": -1.0},
                                   {"temperature": float("nan")}, {"length": -1}, {"length": 2.5}])  # fmt: skip
def test_numbers_out_of_their_bounds(wrong):
    with pytest.raises(InputError, match=f"no such {next(iter(wrong))}"):
        masked(GRU(8, return_sequences=True), 0).generate([1, 2], **{"length": 3, **wrong})
