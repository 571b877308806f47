"""What the estimate of memory says, beside what arrays and compiled programs take."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.engine import group
from jindan.engine.data import Data
from jindan.engine.memory import estimate_memory
from jindan.engine.supervised import program_of
from jindan.engine.train import train
from jindan.engine.waves import footprint
from jindan.layers import GRU, LSTM, Add, Dense, Embedding, Flatten, MultiHeadAttention, Residual
from jindan.layers.wiring import Wiring
from jindan.models import Sequential
from jindan.optimizers import SGD, Adam
from jindan.plan import Plan

from .helpers import ON_CPU

SPARSE = "sparse_categorical_crossentropy"


def test_class_numbers_and_bytes_count_as_they_are_held():
    words = Plan((Embedding(10_000, 8), Dense(10_000, activation="softmax")), loss=SPARSE)
    assert estimate_memory(words, (100,), 20_000).data == 2 * 20_000 * 100 * 4
    images, x = Plan((Flatten(), Dense(3, activation="softmax")), loss=SPARSE), np.zeros((6, 8, 8, 3), np.uint8)
    data = Data.of(x, np.zeros(6))
    assert estimate_memory(images, data.input_shape, len(data), x=data.x).data == x.nbytes + 6 * 4
    assert footprint(images, data)[1] < footprint(images, Data.of(x.astype(np.float32), np.zeros(6)))[1]
    real = Plan((Flatten(), Dense(3)), dtype="float64")
    assert estimate_memory(real, (8, 8, 3), 6).data == 6 * (8 * 8 * 3 + 3) * 8


def test_many_classes_are_no_reason_to_refuse():
    model = Sequential([Embedding(10_000, 2, input_shape=(100,)), Dense(10_000, activation="softmax")])
    model.compile("sgd", SPARSE)
    ids = np.zeros((20_000, 100), np.int32)
    model.fit(ids, ids, batch_size=1, epochs=0, verbose=0)  # one-hot, the targets would be 74 GiB


def test_gathered_gradients_count():
    def memory(optimizer):
        return estimate_memory(Plan((Dense(3),), optimizer=optimizer), (4,))

    assert memory(Adam(gradient_accumulation_steps=2)).optimizer == memory(Adam()).optimizer + 15 * 4
    assert memory(SGD(gradient_accumulation_steps=2)).optimizer == 15 * 4


def test_what_a_residual_holds_is_what_its_graph_holds():
    wiring = Wiring(nodes=((0, (0,)), (1, (1,)), (2, (0,)), (3, (2, 3))), outputs=(4,))
    graph = Plan((Dense(8), Dense(4), Dense(4), Add()), loss="mse", wiring=wiring)
    whole = Plan((Residual((Dense(8), Dense(4)), shortcut=Dense(4)),), loss="mse")
    assert estimate_memory(whole, (30,)).activations == estimate_memory(graph, (30,)).activations


def test_a_layer_in_several_places_counts_in_each():
    twice = Wiring(nodes=((0, (0,)), (0, (1,)), (1, (2,))), outputs=(3,))
    shared = Plan((Dense(9), Dense(1)), loss="mse", wiring=twice)
    apart = Plan((Dense(9), Dense(9), Dense(1)), loss="mse")
    assert estimate_memory(shared, (9,)).activations == estimate_memory(apart, (9,)).activations


@ON_CPU  # libraries of a GPU take room of their own
@pytest.mark.parametrize(
    ("layer", "shape"),
    [(LSTM(32), (60, 4)), (GRU(32), (60, 4)), (MultiHeadAttention(4, 8), (96, 16))],
    ids=["LSTM", "GRU", "attention"],
)
def test_what_is_kept_inside_a_layer_counts(layer, shape):
    plan = Plan((layer, Flatten(), Dense(1)), loss="mse", optimizer="sgd", batch_size=16)
    rng = np.random.default_rng(0)
    group._EXECUTABLES.clear()
    train(plan, (rng.normal(size=(16, *shape)), rng.normal(size=(16, 1))))
    (program,) = group._EXECUTABLES.values()
    taken = program.memory_analysis().temp_size_in_bytes * program_of(plan.structure, shape).shards(16)
    # XLA reuses some of it and pads the rest.
    assert taken / 2 < estimate_memory(plan, shape, 16).activations < 2 * taken
