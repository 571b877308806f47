"""Helpers of `jindan.utils` beside what Keras 3 gives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from jindan.errors import InputError
from jindan.utils import pad_sequences

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
