"""BoltzmannMachine and RBMClassifier behind scikit-learn's interface."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.utils.estimator_checks import parametrize_with_checks

from jindan.errors import FileError, InputError
from jindan.estimators.boltzmann import BoltzmannMachine
from jindan.estimators.rbm_classifier import RBMClassifier

X = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]] * 10, float)


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([RBMClassifier(16, n_iter=150, random_state=0, dtype="float64")])
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("hidden", [3, 20])
def test_likelihoods(hidden):
    """Exact ones sum to one; with many units they are a bound with an estimate of Z, which cannot be far above."""
    model = BoltzmannMachine(hidden, n_iter=20, random_state=0).fit(X)
    assert model.method_ == ("exact" if hidden == 3 else "mean_field")
    every = ((np.arange(8)[:, None] >> np.arange(3)) & 1).astype(float)
    whole = np.exp(model.score_samples(every)).sum()
    assert model.log_partition().exact == (hidden == 3)
    assert whole == pytest.approx(1, rel=1e-4) if hidden == 3 else 0.5 < whole < 1.2
    assert model.transform(X).shape == (40, hidden)


def test_completing():
    """Two bits held, the third follows from parity."""
    model = BoltzmannMachine(4, n_iter=3000, learning_rate=0.3, random_state=0).fit(X)
    assert model.score(X) > -3 * np.log(2) + 0.3
    start = np.tile(X[:4], (200, 1))
    start[:, 2] = 0
    drawn = model.sample(start=start, clamped=2)
    np.testing.assert_array_equal(drawn[:, :2], start[:, :2])
    assert np.mean(drawn[:, 2] == np.tile(X[:4], (200, 1))[:, 2]) > 0.7
    assert model.sample(7).shape == (7, 3)


def test_saved_and_loaded(tmp_path):
    model = BoltzmannMachine(2, n_iter=5, random_state=0).fit(X)
    model.save(tmp_path / "m")
    again = BoltzmannMachine.load(tmp_path / "m")
    np.testing.assert_array_equal(again.score_samples(X), model.score_samples(X))
    assert again.history_ == model.history_
    with pytest.raises(FileError, match="no such model"):
        RBMClassifier.load(tmp_path / "m")


@pytest.mark.parametrize(
    ("settings", "x", "message"),
    [
        ({"n_hidden": -1}, X, "n_hidden"),
        ({"n_hidden": 10, "method": "exact"}, X, "method"),
        ({}, X - 1, "from 0 to 1"),
        ({"sweeps": 0}, X, "sweeps"),
    ],
)
def test_errors(settings, x, message):
    with pytest.raises(InputError, match=message):
        BoltzmannMachine(**settings).fit(x)


def test_digits(tmp_path):
    """About as good as a network of as many units; saved and loaded with its classes' names."""
    data = load_digits()
    names = np.array([f"n{k}" for k in range(10)])[data.target]
    x, x_test, y, y_test = train_test_split(data.data / 16, names, random_state=0, stratify=names)
    model = RBMClassifier(64, n_iter=40, random_state=0).fit(x, y)
    assert model.score(x_test, y_test) > 0.95
    np.testing.assert_allclose(model.predict_proba(x_test).sum(1), 1, rtol=1e-5)
    model.save(tmp_path / "m")
    again = RBMClassifier.load(tmp_path / "m")
    assert again.predict(x_test).tolist() == model.predict(x_test).tolist()
    with pytest.raises(InputError, match="one class"):
        RBMClassifier().fit(x, np.zeros(len(x)))
