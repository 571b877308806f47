"""SVM and neighbours from one matrix of distances give what scikit-learn gives from the rows, settings chosen too."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from jindan.select import kernel_baselines as module
from jindan.select.kernel_baselines import COSTS, NEIGHBOURS, kernel_baselines, squared_distances


def test_distances():
    a, b = np.random.default_rng(0).normal(size=(2, 7, 5))
    np.testing.assert_allclose(squared_distances(a, b), ((a[:, None] - b) ** 2).sum(2), atol=1e-12)
    # Of equal rows rounding leaves something below 0, and no root of it.
    assert squared_distances(a + 1e6, a + 1e6).min() >= 0


def test_classifiers_are_scikit_learns(monkeypatch):
    monkeypatch.setattr(module, "AT_A_TIME", 70)
    x, y = load_digits(return_X_y=True)
    x, y, x_test, y_test = x[:300], y[:300], x[300:500], y[300:500]
    found = kernel_baselines("multiclass", x, y, x_test, y_test, classes=10, name="hog")
    assert [b.name for b in found] == ["hog_svm", "hog_knn"]
    assert all(b.rows == 300 and b.seconds > 0 for b in found)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    models = [GridSearchCV(SVC(), {"C": COSTS}, cv=folds),
              GridSearchCV(KNeighborsClassifier(), {"n_neighbors": NEIGHBOURS}, cv=folds)]  # fmt: skip
    for mine, other in zip(found, models, strict=True):
        wanted = accuracy_score(y_test, other.fit(x, y).predict(x_test))
        # Distances in float32 and equally far neighbours may turn a row in two hundred.
        assert abs(mine.scores["accuracy"].value - wanted) <= 0.005
    assert "log_loss" not in found[0].scores
    assert "log_loss" in found[1].scores


def test_regressors_are_scikit_learns():
    x, y = load_diabetes(return_X_y=True)
    x, y, x_test, y_test = x[:300], y[:300], x[300:], y[300:]
    found = {b.name: b.scores["r2"].value for b in kernel_baselines("regression", x, y, x_test, y_test)}
    folds, scale = KFold(3, shuffle=True, random_state=0), StandardScaler().fit(y[:, None])
    svm = GridSearchCV(SVR(), {"C": COSTS}, cv=folds).fit(x, scale.transform(y[:, None])[:, 0]).predict(x_test)
    near = GridSearchCV(KNeighborsRegressor(), {"n_neighbors": NEIGHBOURS}, cv=folds).fit(x, y).predict(x_test)
    # The SVM's optimum is found to 1e-3.
    assert found["svm"] == pytest.approx(r2_score(y_test, scale.inverse_transform(svm[:, None])[:, 0]), abs=0.01)
    assert found["knn"] == pytest.approx(r2_score(y_test, near), abs=1e-4)


@pytest.mark.parametrize(
    ("y", "names"),
    [
        ([0, 1], ["svm", "knn"]),
        ([0, 0, 0, 1], ["svm", "knn"]),  # no folds with one row of a class
        ([0, 2, 0, 2, 2], ["svm", "knn"]),  # a class without rows
        ([1, 1, 1], ["knn"]),  # nothing for an SVM to tell apart
    ],
)
def test_few_rows(y, names):
    x = np.random.default_rng(0).normal(size=(len(y), 3))
    found = kernel_baselines("multiclass", x, np.array(y), x, np.array(y), classes=3)
    assert [b.name for b in found] == names


def test_equal_rows_and_two_numbers():
    x, y = np.ones((6, 4)), np.array([0, 1] * 3)
    assert all(b.scores["accuracy"].value == 0.5 for b in kernel_baselines("binary", x, y, x, y, classes=2))
    x, y = np.array([[0.0], [1.0]]), np.array([3.0, 5.0])
    assert [b.name for b in kernel_baselines("regression", x, y, x, y)] == ["svm", "knn"]
