"""Weights of cells and of models at every step, from Keras (in memory, .keras, .weights.h5) and PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from contracts.numerics import agree

import jindan.layers as ours
from jindan.errors import InputError
from jindan.layers import RNN, GRUCell, LSTMCell, SimpleRNNCell
from jindan.models import Model, Sequential

RNG = np.random.default_rng(417)
X = RNG.normal(size=(3, 5, 2))


def graph(layers, new, model, without=""):
    """Single cells, stacks of one and of several classes, both ways, a model at every step."""
    x = new((5, 2))
    inner_in = new((3 if without == "both" else 6,))
    inner = model(inner_in, layers.Dense(2, name="last")(layers.Dense(3, activation="tanh", name="first")(inner_in)))
    mixed = [layers.LSTMCell(3), layers.GRUCell(4), layers.SimpleRNNCell(2), layers.LSTMCell(2)]
    y = layers.RNN(mixed, return_sequences=True, name="mixed")(x)
    y = layers.RNN([layers.GRUCell(4), layers.GRUCell(3)], return_sequences=True, name="alike")(y)
    if without != "both":
        y = layers.Bidirectional(layers.RNN(layers.LSTMCell(3), return_sequences=True), name="both")(y)
    if without != "each":
        y = layers.TimeDistributed(inner, name="each")(y)
    return model(x, layers.Dense(5, name="end")(layers.RNN(layers.SimpleRNNCell(3), name="one")(y)))


@pytest.mark.parametrize(
    ("form", "by_name", "without", "units"),
    [
        ("memory", False, "", 12),
        ("memory", True, "", 12),
        ("m.keras", False, "", 12),
        ("m.keras", True, "", 12),
        # Such a file does not say in which order the layers of the inner model stand, so that only shapes tell.
        ("m.weights.h5", False, "both", 10),
        ("m.weights.h5", False, "each", 10),
    ],
)
def test_from_keras(form, by_name, without, units, keras, tmp_path):
    theirs = graph(keras.layers, keras.Input, keras.Model, without)
    rng = np.random.default_rng(417)
    theirs.set_weights([0.5 * rng.normal(size=w.shape) for w in theirs.get_weights()])
    source = theirs
    if form != "memory":
        source = tmp_path / form
        (theirs.save if form == "m.keras" else theirs.save_weights)(source)
    model = graph(ours, ours.Input, Model, without)
    told = model.load_weights(source, by_name=by_name)
    agree(model.predict(X), theirs.predict(X, verbose=0), 1e-5)
    assert len(str(told).splitlines()) == units
    assert [w.shape for w in model.get_weights()] == [w.shape for w in theirs.get_weights()]


def test_a_recurrence_of_torch_goes_into_cells():
    torch = pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")
    module = torch.nn.LSTM(2, 3, num_layers=2, batch_first=True)
    alone = Sequential([RNN(LSTMCell(3), return_sequences=True, input_shape=(5, 2)), RNN(LSTMCell(3))])
    stack = Sequential([RNN([LSTMCell(3), LSTMCell(3)], input_shape=(5, 2))])
    for model in (alone, stack):
        model.load_weights(module)
        agree(model.predict(X), module(torch.tensor(X, dtype=torch.float32))[1][0][-1].detach(), 1e-5)
    with pytest.raises(InputError, match="The source has LSTM here"):
        Sequential([RNN([GRUCell(3), SimpleRNNCell(3)], input_shape=(5, 2))]).load_weights(module)
