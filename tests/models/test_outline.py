"""Models whose rows have open lengths, before the first fit: what is known of them, compared with Keras."""

from __future__ import annotations

import numpy as np
import pytest

from jindan import layers
from jindan.errors import StateError
from jindan.layers import Conv2D, Dense, Flatten, GlobalAveragePooling2D, Input, PositionEmbedding
from jindan.models import Model, Sequential


def words(kinds=layers, model=Model, entry=Input):
    title, body = entry((None,), name="title"), entry((None,), name="body")
    read = [kinds.LSTM(8)(kinds.Embedding(100, 16)(title)), kinds.GRU(4)(kinds.Embedding(50, 6)(body))]
    h = kinds.Concatenate()(read)
    return model([title, body], [kinds.Dense(3)(h), kinds.Dense(2, trainable=False)(h)])


def pictures(kinds=layers, model=Sequential, entry=Input):
    return model([entry((None, None, 3)), kinds.Conv2D(8, 3), kinds.MaxPooling2D(2), kinds.BatchNormalization(),
                  kinds.GlobalAveragePooling2D(), kinds.Dense(2)])  # fmt: skip


@pytest.mark.parametrize("build", [words, pictures])
def test_parameters_are_counted_as_in_keras_while_lengths_are_open(build):
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    kind = "Model" if build is words else "Sequential"
    theirs = build(keras.layers, getattr(keras, kind), keras.Input)
    ours = build()
    assert ours.count_params() == theirs.count_params()
    wanted = sorted(layer.count_params() for layer in theirs.layers if layer.count_params())
    assert sorted(view.count_params() for view in ours.layers if view.count_params()) == wanted
    told = []
    ours.summary(print_fn=told.append)
    free = sum(int(np.prod(w.shape)) for w in theirs.trainable_weights)
    assert f"Total params: {theirs.count_params():,} " in told[0]
    assert f"Trainable params: {free:,} " in told[0]
    assert "open" in told[0]


def test_the_counts_stay_when_the_lengths_are_known():
    model = words()
    before = [view.count_params() for view in model.layers]
    model.predict([np.zeros((2, 5), int), np.zeros((2, 3), int)])
    assert [view.count_params() for view in model.layers] == before
    told = []
    model.summary(print_fn=told.append)
    assert "?" not in told[0]


def test_shapes_leave_open_what_is_open():
    told = []
    pictures().summary(print_fn=told.append, line_length=120)
    inside = Input((None, None, 3))
    Model(inside, pictures()(inside)).summary(print_fn=told.append)
    assert "(None, None, None, 8)" in told[0]
    assert "sequential (Model)" in told[1]
    assert "(None, 2)" in told[1]
    assert "274" in told[1]


def test_what_depends_on_an_open_length_is_not_counted():
    model = Sequential([Input((None, 3)), PositionEmbedding(), Dense(4), Flatten(), Dense(2)])
    told = []
    model.summary(print_fn=told.append)
    rows = [line for line in told[0].splitlines() if line.startswith(("position", "dense"))]
    assert [row[58:70].strip() for row in rows] == ["?", "16", "?"]
    assert "Total params: 16 " in told[0]
    with pytest.raises(StateError, match="does not know the shape"):
        model.count_params()


def test_layers_that_do_not_go_together_are_told_by_the_first_fit():
    model = Sequential([Input((None, 3)), Conv2D(2, 3), GlobalAveragePooling2D()])
    told = []
    model.summary(print_fn=told.append)
    assert "Total params: 0 " in told[0]
