"""Helpers of `jindan.utils` beside what Keras 3 gives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from jindan.errors import InputError
from jindan.layers import Dense
from jindan.models import Sequential
from jindan.utils import PyDataset, pad_sequences

RNG = np.random.default_rng(88)
WORDS = [RNG.integers(1, 50, n).tolist() for n in (3, 0, 7, 1, 5)]
SERIES = [RNG.normal(size=(n, 2)) for n in (4, 1, 6)]


@pytest.mark.parametrize("sequences", [WORDS, SERIES, WORDS[:1]], ids=["words", "series", "one"])
@pytest.mark.parametrize("maxlen", [None, 1, 4, 9])
def test_padded_as_in_keras(sequences, maxlen, keras64):
    for padding, truncating in itertools.product(("pre", "post"), repeat=2):
        settings = {"maxlen": maxlen, "padding": padding, "truncating": truncating, "dtype": "float64", "value": -1.5}
        ours, theirs = pad_sequences(sequences, **settings), keras64.utils.pad_sequences(sequences, **settings)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(pad_sequences(sequences), keras64.utils.pad_sequences(sequences))


def test_nothing_to_pad():
    assert pad_sequences([]).shape == (0, 0)
    assert pad_sequences([[], []]).shape == (2, 0)
    assert pad_sequences([[]], maxlen=2).tolist() == [[0, 0]]
    assert pad_sequences([[1, 2]], maxlen=0).shape == (1, 0)


def test_what_cannot_be_padded_is_told():
    for given, told in (([1, 2], "takes sequences"), (["ab"], "takes sequences"), ([[[1]], [2]], "differ in shape")):
        with pytest.raises(InputError, match=told):
            pad_sequences(given)
    with pytest.raises(InputError, match="No such side"):
        pad_sequences(WORDS, padding="left")


def test_batches_by_number_train_as_their_rows():
    class Halves(PyDataset):
        def __init__(self, told):
            super().__init__(workers=2)
            self.told = told

        def __len__(self):
            return 2

        def __getitem__(self, index):
            rows = slice(8 * index, 8 * index + 8)
            return X[rows], Y[rows]

        def on_epoch_end(self):
            self.told.append("end")

    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(16, 3)).astype("float32"), rng.normal(size=(16, 1)).astype("float32")
    told, fitted = [], []
    for given, named in (((Halves(told),), {}), ((X, Y), {"batch_size": 8})):
        model = Sequential([Dense(1)])
        model.compile("sgd", "mse")
        fitted.append(model.fit(*given, epochs=2, seed=0, shuffle=False, **named).history["loss"])
    np.testing.assert_allclose(*fitted, rtol=1e-6)
    assert told == ["end", "end"]
    for ask in (lambda: len(PyDataset()), lambda: PyDataset()[0]):
        with pytest.raises(InputError, match="lacks the method"):
            ask()
