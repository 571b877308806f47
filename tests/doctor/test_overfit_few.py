"""can_overfit: sound networks learn a few rows by heart, and those that cannot are told."""

import numpy as np
import pytest

import jindan as jd
from jindan.doctor.overfit_few import FewRows
from jindan.layers import LSTM, BatchNormalization, Dense, Dropout, Embedding, Flatten, Input, Residual
from jindan.models import Model, Sequential
from jindan.optimizers import SGD, Adam, AdamW
from jindan.regularizers import L2

rng = np.random.default_rng(417)
X = rng.normal(size=(60, 5)).astype(np.float32)
LABEL = np.arange(60) // 20
NOISE = rng.normal(size=60)


def compiled(layers, loss, optimizer=None):
    model = Sequential(layers)
    model.compile(optimizer or Adam(0.01), loss)
    return model


def test_labels_of_pure_chance_are_learned_by_heart():
    model = compiled([Dense(32, activation="relu"), Dropout(0.5), Dense(3, activation="softmax")],
                     "sparse_categorical_crossentropy")  # fmt: skip
    found = jd.can_overfit(model, X, rng.permutation(LABEL))
    assert found.can
    assert found.scores.tolist() == [1, 1, 1]
    assert (found.losses[:, -1] < 0.05 * found.losses[:, 0]).all()
    assert found.losses.shape == (3, 500)
    assert model._run is None  # it stays as it was


@pytest.mark.parametrize(
    ("layers", "optimizer"),
    [([Dense(1)], None), ([Dense(32, activation="relu"), Dense(1)], SGD(1e-7)),
     ([Dense(32, activation="relu", kernel_initializer="zeros"), Dense(1, kernel_initializer="zeros")], None)],
    ids=["too small", "too slow", "cut off"],
)  # fmt: skip
def test_what_cannot_is_told(layers, optimizer):
    found = jd.can_overfit(compiled(layers, "mse", optimizer), X, NOISE, rows=16, updates=200)
    assert not found
    assert "too small" in found.text()
    assert "너무" in found.text("ko")


def test_rows_are_of_all_classes_and_seeds_may_be_chosen():
    model = compiled([Dense(8, activation="relu"), Dense(3, activation="softmax")], "sparse_categorical_crossentropy")
    found = jd.can_overfit(model, X, LABEL, rows=6, updates=5, seeds=(4, 9))
    assert found.rows.tolist() == [0, 1, 20, 21, 40, 41]
    assert found.losses.shape == (2, 5)
    assert found.to_dict()["updates"] == 5
    alone = jd.can_overfit(model, X, LABEL, rows=6, updates=5, seeds=(9,))
    np.testing.assert_allclose(alone.losses[0], found.losses[1], rtol=1e-5)  # float32 over five updates


def test_sequences_and_several_outputs_go_by_their_loss():
    start = Input((5,))
    body = Dense(32, activation="relu")(start)
    model = Model(start, [Dense(1, name="a")(body), Dense(1, name="b")(body)])
    model.compile(Adam(0.01), "mse")
    found = jd.can_overfit(model, X, [NOISE, -NOISE])
    assert np.isnan(found.scores).all()
    assert found.can
    tagger = compiled([Embedding(9, 8), LSTM(16, return_sequences=True), Dense(4, activation="softmax")],
                      "sparse_categorical_crossentropy")  # fmt: skip
    ids = rng.integers(0, 9, (30, 6))
    assert jd.can_overfit(tagger, ids, ids % 4, rows=4).can


@pytest.mark.parametrize("rows", [1, 1000])
def test_one_row_and_more_than_there_are(rows):
    model = compiled([Dense(64, activation="relu"), BatchNormalization(), Dense(1)], "mse")
    assert isinstance(jd.can_overfit(model, X[:7], NOISE[:7], rows=rows, updates=3), FewRows)


def test_a_training_that_leaves_the_numbers_cannot():
    found = jd.can_overfit(compiled([Dense(8), Dense(1)], "mse", SGD(1e12)), X, NOISE, updates=20)
    assert not found.can
    assert found.to_dict()["losses"] == [None] * 3


@pytest.mark.parametrize(
    "layers",
    [[LSTM(16, dropout=0.9, recurrent_dropout=0.9), Dense(1)],
     [Flatten(), Residual([Dense(32, activation="relu"), Dropout(0.95), Dense(15)]), Dense(1)],
     [Flatten(), Dense(64, activation="relu", activity_regularizer=L2(10.0), kernel_regularizer=L2(1.0)), Dense(1)]],
    ids=["recurrent dropout", "dropout inside", "penalties"],
)  # fmt: skip
def test_what_holds_it_back_is_left_out(layers):
    model = compiled(layers, "mse", AdamW(0.01, weight_decay=50.0))
    assert jd.can_overfit(model, rng.normal(size=(30, 5, 3)), NOISE[:30]).can


def test_the_reason_goes_by_the_losses():
    assert "learned 1 row by" in jd.can_overfit(compiled([Dense(1)], "mse"), X, NOISE, rows=1, updates=2).text()
    assert "rate is too high" in jd.can_overfit(compiled([Dense(1)], "mse", SGD(1e30)), X, NOISE, updates=20).text()
    with pytest.warns(UserWarning, match="NaN"):
        found = jd.can_overfit(compiled([Dense(1)], "mse"), X * np.nan, NOISE, updates=5, doctor=True)
    assert "NaN or infinity" in found.text()


@pytest.mark.parametrize(
    "wrong",
    [{"rows": 0}, {"updates": 0}, {"seeds": 0}, {"seeds": ()}, {"rows": "8"}, {"rows": 2.5}, {"seeds": "ab"}],
)
def test_nothing_is_refused(wrong):
    with pytest.raises(jd.JindanError, match=r"least|whole"):
        jd.can_overfit(compiled([Dense(1)], "mse"), X, NOISE, **wrong)
