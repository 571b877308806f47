"""Every estimator is saved with NumPy's numbers among its settings, and comes back with its columns' names."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from jindan.errors import FileError
from jindan.estimators import (
    DBN,
    GAN,
    PCA,
    RBM,
    VAE,
    Autoencoder,
    BoltzmannMachine,
    HandFeatures,
    KMeans,
    NeuralOneShot,
    Perceptron,
    RBMClassifier,
    Whitening,
    Word2Vec,
    load,
)

RNG = np.random.default_rng(0)
X = pd.DataFrame((RNG.random((40, 4)) < 0.5).astype(float), columns=list("abcd"))
Y = np.where(X["a"] > 0.5, "on", "off")
WORDS = ["a b c a", "c b d"] * 20
ONE, TWO, TRUE = np.int64(1), np.int64(2), np.bool_(True)
SEED = {"random_state": np.int64(0)}

# With NumPy's numbers wherever a grid of settings may give them.
TABLES = [
    RBM(TWO, n_iter=ONE, learning_rate=np.float32(0.01), verbose=np.bool_(False), **SEED),
    RBMClassifier(TWO, n_iter=ONE, momentum=np.float32(0.5), **SEED),
    DBN((TWO, TWO), pretrain_iter=ONE, n_iter=ONE, learning_rate=np.float32(0.01), **SEED),
    BoltzmannMachine(ONE, n_iter=ONE, weight_decay=np.float32(0.01), **SEED),
    Autoencoder(TWO, hidden_layer_sizes=(TWO,), n_iter=ONE, noise=np.float32(0.1), decay=TRUE, **SEED),
    VAE(TWO, hidden_layer_sizes=[TWO], n_iter=ONE, beta=np.float32(1.0), decay=TRUE, **SEED),
    GAN(TWO, hidden_layer_sizes=(TWO,), n_iter=ONE, learning_rate=np.float32(0.001), **SEED),
    NeuralOneShot(ways=TWO, n_episodes=ONE, hidden_layer_sizes=(TWO,), embedding_dim=TWO, decay=TRUE, **SEED),
    Perceptron(np.float32(0.5), max_iter=TWO, shuffle=TRUE, **SEED),
    PCA(TWO, whiten=TRUE, **SEED),
    KMeans(TWO, tol=np.float32(1e-4), **SEED),
    Whitening("pca", epsilon=np.float32(1e-5)),
]
OTHERS = [
    (HandFeatures("sift", grid=TWO, words=TWO, **SEED), RNG.integers(0, 256, (4, 16, 16)).astype(np.uint8)),
    (Word2Vec(TWO, epochs=ONE, min_count=ONE, learning_rate=np.float32(0.025), **SEED), WORDS),
]


def plain(model):
    """Settings as JSON writes them; tuples and lists are the same there."""
    return json.dumps(model.get_params(), default=lambda value: value.tolist())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", TABLES, ids=lambda m: type(m).__name__)
def test_a_table(tmp_path, model):
    model.fit(X, Y).save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert type(again) is type(model)
    assert plain(again) == plain(model)
    assert getattr(again, "random_state", 0) == 0
    assert again.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    ask = next(m for m in ("transform", "predict_proba", "decision_function", "score_samples") if hasattr(model, m))
    np.testing.assert_array_equal(getattr(again, ask)(X), getattr(model, ask)(X))
    with pytest.raises(ValueError, match="feature names"):
        getattr(again, ask)(X[["d", "c", "b", "a"]])
    # Without names, nothing is made up.
    type(model)(**model.get_params()).fit(X.to_numpy(), Y).save(tmp_path / "n")
    assert not hasattr(load(tmp_path / "n"), "feature_names_in_")


@pytest.mark.parametrize(("model", "rows"), OTHERS, ids=["HandFeatures", "Word2Vec"])
def test_what_learns_from_no_table(tmp_path, model, rows):
    model.fit(rows).save(tmp_path / "m")
    assert plain(load(tmp_path / "m")) == plain(model)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("classes", [["no", "yes"], [3, 5, 9]])
def test_a_perceptron_that_has_learned(tmp_path, classes, dtype):
    rows = RNG.normal(size=(60, 3))
    y = np.array(classes)[rows[:, : len(classes)].argmax(1)]
    model = Perceptron(0.3, max_iter=20, random_state=1, coef=np.full((1 if len(classes) == 2 else 3, 3), 0.1),
                       intercept=np.float64(0.1), dtype=dtype).fit(rows, y)  # fmt: skip
    model.save(tmp_path / "p")
    again = Perceptron.load(tmp_path / "p")
    np.testing.assert_array_equal(again.decision_function(rows), model.decision_function(rows))
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))
    assert again.coef_.dtype == dtype
    assert (again.n_iter_, again.mistakes_, again.n_features_in_) == (model.n_iter_, model.mistakes_, 3)
    assert again.classes_.dtype == model.classes_.dtype
    # From the same start it learns the same again.
    np.testing.assert_array_equal(again.fit(rows, y).coef_, model.coef_)


def test_a_perceptron_set_by_hand(tmp_path):
    table = [[0, 0], [0, 1], [1, 0], [1, 1]]
    Perceptron.gate("NAND").save(tmp_path / "gate")
    assert load(tmp_path / "gate").predict(table).tolist() == [1, 1, 1, 0]
    Perceptron(coef=np.array([0.1, -0.7])).save(tmp_path / "array")
    assert load(tmp_path / "array").decision_function([[1.0, 1.0]]).tolist() == pytest.approx([-0.6])
    with pytest.raises(NotFittedError):
        Perceptron().save(tmp_path / "none")
    with pytest.raises(FileError, match="no such model"):
        Perceptron.load(tmp_path)
