"""Hidden activations are told before training where they do not go with their network, and nowhere else."""

import warnings

import numpy as np
import pytest

from jindan.doctor.hidden_activations import HIDDEN_REASONS, hidden_pairings, told
from jindan.layers import (
    GRU,
    LSTM,
    Activation,
    BatchNormalization,
    Bidirectional,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Input,
    LeakyReLU,
    SimpleRNN,
)
from jindan.models import Model, Sequential
from jindan.plan import Plan


def dense(*activations, units=8):
    return tuple(Dense(units, activation=name) for name in activations)


TOLD = {
    "two straight": (dense(None, "relu"), (4,), ["linear-stack"]),
    "a dropout between": ((Dense(8), Dropout(0.5), Dense(1)), (4,), ["linear-stack"]),
    "linear by a layer": ((Dense(8), Activation("linear"), Dense(1)), (4,), ["linear-stack"]),
    "three straight": ((*dense(None, None), Dense(1)), (4,), ["linear-stack", "linear-stack"]),
    "as wide as the output": ((Dense(3), Dense(3, activation="softmax")), (9,), ["linear-stack"]),
    "deep sigmoids": ((*dense(*["sigmoid"] * 4), Dense(1)), (4,), ["deep-sigmoid"]),
    "sigmoids of a CNN": (
        (Conv2D(2, 3, activation="sigmoid"), Conv2D(2, 3), Activation("sigmoid"), Flatten(),
         Dense(4, activation="sigmoid"), Dense(2, activation="softmax")), (8, 8, 1), ["deep-sigmoid"]),
    "a recurrence of relu": ((SimpleRNN(4, activation="relu"), Dense(1)), (5, 2), ["unbounded-recurrence"]),
    "both ways": ((Bidirectional(LSTM(4, activation="relu")), Dense(1)), (5, 2), ["unbounded-recurrence"]),
}  # fmt: skip
LEFT = {
    "usual": ((*dense("relu", "relu"), Dense(1)), (4,)),
    "one layer": (dense(None), (4,)),
    "XOR": ((Dense(2, activation="sigmoid"), Dense(1, activation="sigmoid")), (2,)),
    "PCA": ((Dense(2), Dense(9)), (9,)),
    "a frozen projection": ((Dense(8, trainable=False), Dense(1)), (4,)),
    "a layer that bends": ((Dense(8), LeakyReLU(), Dense(1)), (4,)),
    "normalised sigmoids": (
        (*(layer for _ in range(4) for layer in (Dense(4), BatchNormalization(), Activation("sigmoid"))), Dense(1)),
        (4,)),
    "three sigmoids, one the output": ((*dense("sigmoid", "sigmoid"), Dense(1, activation="sigmoid")), (4,)),
    "a recurrence": ((SimpleRNN(4, return_sequences=True), GRU(4), Dense(1)), (5, 2)),
    "relu from the identity": (
        (SimpleRNN(4, activation="relu", recurrent_initializer="identity"), Dense(1)), (5, 2)),
    "nothing": ((), (4,)),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_told(name):
    layers, shape, reasons = TOLD[name]
    assert [reason for _, reason, _ in hidden_pairings(Plan(layers), shape)] == reasons


@pytest.mark.parametrize("name", LEFT)
def test_left_in_peace(name):
    layers, shape = LEFT[name]
    assert hidden_pairings(Plan(layers), shape) == []


def test_of_graphs_recurrences_are_told():
    start = Input((5, 2))
    model = Model(start, Dense(1)(Dense(8)(SimpleRNN(3, activation="relu")(start))))
    assert [reason for _, reason, _ in hidden_pairings(model.plan, (5, 2))] == ["unbounded-recurrence"]


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("reason", HIDDEN_REASONS)
def test_every_reason_reads_in_both_languages(reason, lang):
    text = told(reason, {"layers": 3, "part": 64, "activation": "relu", "units": 8}, lang)
    assert "{" not in text
    assert any("가" <= letter <= "힣" for letter in text) == (lang == "ko")


def test_fit_tells_before_it_trains_unless_the_doctor_is_away():
    x, y = np.zeros((4, 3), np.float32), np.zeros((4, 1), np.float32)
    model = Sequential([Dense(5), Dense(1)])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="layer 1, Dense 'dense': nothing curved") as seen:
        model.fit(x, y, verbose=0)
    assert seen[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(x, y, verbose=0, doctor=False)
