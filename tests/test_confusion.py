"""The confusion matrix equals scikit-learn's, in whatever form classes come."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix as oracle

from jindan.errors import InputError
from jindan.metrics import confusion_matrix

RNG = np.random.default_rng(417)
TRUTH = RNG.integers(0, 4, 200)
P = RNG.dirichlet(np.ones(5), 200)
GUESS = P.argmax(1)
NAMES = np.array(["ant", "bee", "cat", "dog", "eel"])
ONE_HOT = np.eye(5)[TRUTH]
SIDE = RNG.random((200, 1))


@pytest.mark.parametrize(
    ("truth", "guess", "classes", "wanted"),
    [
        (TRUTH, GUESS, None, oracle(TRUTH, GUESS)),
        (TRUTH, GUESS, np.int64(7), oracle(TRUTH, GUESS, labels=range(7))),
        (TRUTH, P, 5, oracle(TRUTH, GUESS)),
        (ONE_HOT, P, None, oracle(TRUTH, GUESS)),
        (TRUTH[:, None], GUESS[:, None].astype(np.float32), None, oracle(TRUTH, GUESS)),
        (NAMES[TRUTH], NAMES[GUESS], None, oracle(NAMES[TRUTH], NAMES[GUESS])),
        (NAMES[TRUTH], NAMES[GUESS].tolist(), NAMES[::-1], oracle(NAMES[TRUTH], NAMES[GUESS], labels=NAMES[::-1])),
        (NAMES[TRUTH], P, NAMES, oracle(TRUTH, GUESS)),
        (pd.Series(NAMES[TRUTH]).astype(object), NAMES[GUESS], None, oracle(NAMES[TRUTH], NAMES[GUESS])),
        (TRUTH > 1, SIDE, None, oracle(TRUTH > 1, SIDE[:, 0] > 0.5)),
        ((TRUTH > 1).astype(int), SIDE, 2, oracle(TRUTH > 1, SIDE[:, 0] > 0.5)),
        (2 * TRUTH - 3, 2 * GUESS - 3, None, oracle(2 * TRUTH - 3, 2 * GUESS - 3)),
        ([0, 1], [[0.0, -np.inf], [-np.inf, 0.0]], None, [[1, 0], [0, 1]]),
        ([1, 2], [[0.9], [0.8]], None, [[0, 1], [0, 1]]),
        (1.0 + (TRUTH > 1), SIDE[:, 0], None, oracle(TRUTH > 1, SIDE[:, 0] > 0.5)),
        (np.where(TRUTH > 1, 1, -1), SIDE, [-1, 1], oracle(TRUTH > 1, SIDE[:, 0] > 0.5)),
        (np.where(TRUTH > 1, "yes", "no"), SIDE, None, oracle(TRUTH > 1, SIDE[:, 0] > 0.5)),
        (["no", "yes"], [0.3, 0.9], ["no", "yes"], [[1, 0], [0, 1]]),
        (["yes", "yes"], [[0.3], [0.9]], ["no", "yes"], [[0, 0], [1, 1]]),
        ([0, 0], [0.3, 0.9], None, [[1, 1], [0, 0]]),
        ([1, 0], [0.3, 0.9], [1, 0], [[0, 1], [1, 0]]),
    ],
)
def test_it_is_scikit_learns(truth, guess, classes, wanted):
    found = confusion_matrix(truth, guess, classes)
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == np.int64


@pytest.mark.parametrize(
    ("truth", "guess", "classes", "words"),
    [
        ([0, 1], [0], None, "differ in their number of rows"),
        ([0, 3], [0, 1], 2, "has a class that is not among those given"),
        (["a", "b"], ["a", "x"], ["a", "b"], "received: 'x'"),
        ([0, 1], [[0.1, 0.2, 0.7]] * 2, 2, "one column a class"),
        ([0.0, np.nan], [0, 1], None, "Some rows have no class"),
        (["a", None], ["a", "a"], None, "Some rows have no class"),
        (np.zeros((2, 3, 4)), [0, 1], None, "A row has one class"),
        ([0, 1], [[0.4, 0.6], [np.nan, np.nan]], None, "Some rows have no class"),
        ([0, 1], [[0.4, 0.6], [np.nan, 0.6]], 2, "Some rows have no class"),
        ([0, 1, 2], [0.2, 0.9, 0.4], None, "the second of two classes"),
        (["a", "a"], [0.2, 0.9], None, "expected: two classes"),
        (["a", "b"], [0.2, 0.9], ["a", "b", "c"], "received: a, b, c"),
    ],
)
def test_what_cannot_be_counted_is_told(truth, guess, classes, words):
    with pytest.raises(InputError, match=words):
        confusion_matrix(truth, guess, classes)
