"""What the tests of models share: one small network and its rows, so that they share compiled programs too."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.layers import Dense
from jindan.models import Sequential


class Rows:
    """20 rows of 4 features in 3 classes, which a partial batch of 8 ends."""

    rng = np.random.default_rng(7)
    labels = rng.integers(0, 3, 20)
    x = (rng.normal(size=(20, 4)) + np.eye(3, 4)[labels] * 2).astype(np.float32)
    y = np.eye(3, dtype=np.float32)[labels]
    fit = {"batch_size": 8, "epochs": 3}  # noqa: RUF012


@pytest.fixture
def rows():
    return Rows


@pytest.fixture
def make():
    """A fresh compiled 4-5-3 network; equal seeds give equal weights."""

    def build(seed=0, metrics=("accuracy",), **settings):
        model = Sequential([Dense(5, activation="relu", input_shape=(4,)), Dense(3, activation="softmax")])
        model.compile("adam", "categorical_crossentropy", metrics=list(metrics), **settings)
        rng = np.random.default_rng(seed)
        model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
        return model

    return build


@pytest.fixture
def equal():
    """Whether two lists of arrays have the same bits."""

    def compare(a, b):
        return len(a) == len(b) and all(
            np.array_equal(p, q, equal_nan=True) and p.dtype == q.dtype for p, q in zip(a, b, strict=True)
        )

    return compare
