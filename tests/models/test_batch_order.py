"""The order of batches that go by number, and what tells their source of epochs, beside what Keras calls."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest

from jindan.callbacks import Callback
from jindan.layers import Dense
from jindan.models import Sequential
from jindan.optimizers import SGD

keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
EPOCHS, BATCHES, ROWS = 4, 7, 3
X = np.arange(BATCHES * ROWS, dtype=np.float32)[:, None]
TARGETS = X[:, 0] / 10


class Batches(keras.utils.PyDataset):
    """Says what was asked of it; the last batch is smaller by `short` rows."""

    def __init__(self, told, short=0):
        super().__init__()
        self.told, self.rows = told, len(X) - short

    def __len__(self):
        return BATCHES

    def __getitem__(self, index):
        self.told.append(index)
        part = slice(index * ROWS, min((index + 1) * ROWS, self.rows))
        return X[part], TARGETS[part]

    def on_epoch_begin(self):
        self.told.append("begin")

    def on_epoch_end(self):
        self.told.append("end")


def compiled(seed=3):
    model = Sequential([Dense(1, input_shape=(1,))])
    model.compile(SGD(1e-3), "mse", seed=seed)
    model.set_weights([np.zeros((1, 1)), np.zeros(1)])
    return model


def fitted(model=None, short=0, **settings):
    """What was asked, by epoch: [begin, numbers…, end]."""
    told = []
    model = compiled() if model is None else model
    model.fit(Batches(told, short), **{"epochs": EPOCHS, "verbose": 0, "doctor": False, **settings})
    return [told[k : k + BATCHES + 2] for k in range(0, len(told), BATCHES + 2)]


def of_keras(**settings):
    told = []
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, TARGETS, verbose=0)  # a model that is not built would read a batch beforehand
    model.fit(Batches(told), epochs=EPOCHS, verbose=0, **settings)
    return told


@pytest.mark.parametrize("shuffle", [True, False])
def test_what_keras_asks_for(shuffle):
    # Keras tells of an end before the first epoch, too.
    ours, theirs = ["end", *chain(*fitted(shuffle=shuffle))], of_keras(shuffle=shuffle)
    hooks = lambda told: [what if isinstance(what, str) else "batch" for what in told]  # noqa: E731
    assert hooks(ours) == hooks(theirs)
    if not shuffle:
        assert ours == theirs


def test_each_epoch_has_an_order_of_its_own_by_the_seed():
    orders = [epoch[1:-1] for epoch in fitted()]
    assert all(sorted(order) == list(range(BATCHES)) for order in orders)
    assert len({tuple(order) for order in orders}) == EPOCHS
    assert fitted() == fitted() != fitted(compiled(4))
    # An epoch has the same order where a training goes on at its number.
    assert fitted(epochs=4, initial_epoch=2) == fitted()[2:]


def test_updates_go_in_that_order():
    order = fitted(epochs=1)[0][1:-1]
    drawn, listed = compiled(), compiled()
    drawn.fit(Batches([]), verbose=0)
    listed.fit([(X[k * ROWS : (k + 1) * ROWS], TARGETS[k * ROWS : (k + 1) * ROWS]) for k in order], verbose=0)
    assert all(map(np.array_equal, drawn.get_weights(), listed.get_weights()))


def test_a_smaller_batch_comes_last():
    order = fitted(epochs=1, short=2)[0][1:-1]
    order.append(order.pop(order.index(BATCHES - 1)))
    drawn, listed = compiled(), compiled()
    drawn.fit(Batches([], 2), verbose=0)
    listed.fit([(X[:-2][k * ROWS :][:ROWS], TARGETS[:-2][k * ROWS :][:ROWS]) for k in order], verbose=0)
    assert all(map(np.array_equal, drawn.get_weights(), listed.get_weights()))


def test_the_end_of_an_epoch_is_told_after_its_updates():
    model, told = compiled(), []

    class Look(Batches):
        def on_epoch_end(self):
            told.append(float(model.get_weights()[0][0, 0]))

    class Kept(Callback):
        def on_epoch_end(self, epoch, logs=None):
            told.append(float(self.model.get_weights()[0][0, 0]))

    model.fit(Look([]), epochs=2, callbacks=[Kept()], verbose=0)
    assert told[0] == told[1] != told[2] == told[3]


def test_evaluating_and_predicting_go_in_order():
    model = compiled()
    for call in (model.evaluate, model.predict):
        told = []
        call(Batches(told))
        assert [what for what in told if isinstance(what, int)] == list(range(BATCHES))
    assert np.array_equal(model.predict(Batches([])), model.predict(X))
