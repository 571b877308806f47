"""The simple models give what scikit-learn gives when it is called directly."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from jindan.select import baselines
from jindan.select.baselines import LARGEST_SVM


def _parts(x, y, seed=0):
    order = np.random.default_rng(seed).permutation(len(x))
    cut = len(x) * 3 // 4
    x = StandardScaler().fit(x[order[:cut]]).transform(x)
    return x[order[:cut]], y[order[:cut]], x[order[cut:]], y[order[cut:]]


def test_classifiers_are_scikit_learns():
    x, y, x_test, y_test = _parts(*load_iris(return_X_y=True))
    found = {b.name: b for b in baselines("multiclass", x, y, x_test, y_test, classes=3)}
    direct = {
        "majority": DummyClassifier(strategy="prior"),
        "linear": LogisticRegression(max_iter=500),
        "knn": KNeighborsClassifier(5),
        "svm": SVC(),
    }
    assert list(found) == list(direct)
    for name, model in direct.items():
        model.fit(x, y)
        assert found[name].scores["accuracy"].value == accuracy_score(y_test, model.predict(x_test))
        assert found[name].rows == len(x)
    p = direct["linear"].predict_proba(x_test)
    assert found["linear"].scores["log_loss"].value == pytest.approx(log_loss(y_test, p))
    # A kernel machine gives no probabilities, and none are invented for it.
    assert "log_loss" not in found["svm"].scores


def test_regressors_are_scikit_learns():
    x, y, x_test, y_test = _parts(*load_diabetes(return_X_y=True))
    found = {b.name: b.scores["r2"].value for b in baselines("regression", x, y, x_test, y_test)}
    scale = StandardScaler().fit(y[:, None])
    svm = SVR().fit(x, scale.transform(y[:, None])[:, 0])
    guesses = {
        "mean": DummyRegressor().fit(x, y).predict(x_test),
        "linear": Ridge(1.0).fit(x, y).predict(x_test),
        "knn": KNeighborsRegressor(5).fit(x, y).predict(x_test),
        "svm": scale.inverse_transform(svm.predict(x_test)[:, None])[:, 0],
    }
    for name, guess in guesses.items():
        assert found[name] == pytest.approx(r2_score(y_test, guess), abs=1e-9), name


def test_large_tables_are_cut_for_the_slow_models():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(LARGEST_SVM + 500, 2))
    y = (x[:, 0] > 0).astype(int)
    rows = {b.name: b.rows for b in baselines("binary", x, y, x[:50], y[:50], classes=2)}
    assert rows["svm"] == LARGEST_SVM
    assert rows["linear"] == len(x)


def test_a_class_missing_from_the_training_rows_costs_no_baseline():
    x = np.arange(12.0)[:, None]
    y = np.repeat([0, 2], 6)
    found = baselines("multiclass", x, y, x[:3], np.array([0, 1, 2]), classes=3)
    assert [b.name for b in found] == ["majority", "linear", "knn", "svm"]
    assert all(b.to_dict()["metrics"]["accuracy"]["value"] <= 2 / 3 for b in found)


def test_two_rows_are_enough():
    x, y = np.array([[0.0], [1.0]]), np.array([0.0, 1.0])
    assert [b.name for b in baselines("regression", x, y, x, y)] == ["mean", "linear", "knn", "svm"]
