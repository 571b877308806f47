"""Metrics that count, of outputs (rows, time, classes): each step is a row of its own, as it is to scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from jindan.errors import InputError
from jindan.layers import Dense
from jindan.metrics import AUC, F1Score, Precision, Recall
from jindan.models import Sequential

RNG = np.random.default_rng(0)
TAGS = RNG.integers(0, 3, (8, 6))
ONE_HOT = np.eye(3, dtype="f")[TAGS]
GUESS = np.where(RNG.random((8, 6, 1)) < 0.7, ONE_HOT, np.eye(3)[RNG.integers(0, 3, (8, 6))]).astype("f") * 0.8 + 0.05
FLAT, TOP = TAGS.ravel(), GUESS.reshape(-1, 3).argmax(1)


@pytest.mark.parametrize("truth", [TAGS, ONE_HOT])
def test_steps_count_as_rows_do(truth):
    assert F1Score()(truth, GUESS) == pytest.approx(f1_score(FLAT, TOP, average="macro"), rel=1e-6)
    over = (GUESS > 0.5).reshape(-1, 3)
    for metric, oracle in ((Precision(), precision_score), (Recall(), recall_score)):
        assert metric(truth, GUESS) == pytest.approx(oracle(ONE_HOT.reshape(-1, 3), over, average="micro"), rel=1e-6)
    wanted = roc_auc_score(ONE_HOT.ravel(), GUESS.ravel())
    assert AUC()(truth, GUESS) == pytest.approx(wanted, rel=1e-6)


def test_rows_of_weight_0_do_not_count():
    weight = np.r_[np.ones(4), np.zeros(4)]
    assert F1Score()(TAGS, GUESS, weight) == pytest.approx(F1Score()(TAGS[:4], GUESS[:4]), rel=1e-6)


def test_one_output_a_step():
    truth, guess = (TAGS > 0).astype("f"), RNG.random((8, 6, 1)).astype("f")
    for given in (truth, truth[..., None]):
        wanted = f1_score(truth.ravel(), guess.ravel() > 0.5)
        assert F1Score()(given, guess) == pytest.approx(wanted, rel=1e-6)


def tagger(loss):
    model = Sequential([Dense(3, "softmax", input_shape=(6, 3))])
    model.compile("adam", loss, metrics=[F1Score()])
    model.set_weights([20 * np.eye(3), np.zeros(3)])
    return model


@pytest.mark.parametrize(("loss", "truth"), [("categorical_crossentropy", ONE_HOT),
                                             ("sparse_categorical_crossentropy", TAGS)])  # fmt: skip
def test_a_perfect_tagger(loss, truth):
    model = tagger(loss)
    assert model.evaluate(ONE_HOT, truth, return_dict=True)["f1"] == pytest.approx(1.0)
    with pytest.raises(InputError, match=r"each row has one class(.|\n)*class_weight"):
        model.fit(ONE_HOT, truth, class_weight={0: 0.0, 1: 1.0, 2: 5.0}, verbose=0, doctor=False)
