"""Permutation importance against scikit-learn's and a closed form; selection keeps what matters."""

from __future__ import annotations

import json

import numpy as np
import pytest

from jindan.errors import InputError
from jindan.layers import Dense
from jindan.models import Sequential
from jindan.select.importance import permutation_importance, select_features

RNG = np.random.default_rng(417)
X = RNG.normal(size=(120, 6))
Y = 2 * X[:, 1] - X[:, 4] + 0.1 * RNG.normal(size=120)
FIT = {"epochs": 60, "batch_size": 16}


def model():
    made = Sequential([Dense(1, input_shape=(6,))])
    made.compile("adam", "mse")
    made.optimizer.learning_rate = 0.05
    return made


@pytest.fixture(scope="module")
def trained():
    made = model()
    made.fit(X, Y, seed=0, **FIT)
    return made


def test_as_in_scikit_learn(trained):
    """The same estimate from other shuffles: within five standard errors of either."""
    from sklearn.base import BaseEstimator
    from sklearn.inspection import permutation_importance as theirs

    class Wrapped(BaseEstimator):
        def fit(self, X, y):
            return self

        def predict(self, X):
            return trained.predict(X)[:, 0]

    found = permutation_importance(trained, X, Y, repeats=20, scoring="r2")
    reference = theirs(Wrapped(), X, Y, scoring="r2", n_repeats=20, random_state=1)
    error = np.hypot(found.std, reference.importances_std) / np.sqrt(20)
    assert (np.abs(found.values - reference.importances_mean) < 5 * error + 1e-6).all()


def test_of_a_linear_model_it_is_twice_the_variance(trained):
    """E (w x' − w x)² = 2 w² Var x for a feature that the residual does not depend on."""
    found = permutation_importance(trained, X, Y, repeats=50, scoring="-mse")
    w = trained.get_weights()[0][:, 0]
    wanted = 2 * w**2 * X.var(0)
    assert found.values[1] == pytest.approx(wanted[1], rel=0.1)  # 50 shuffles of 120 rows
    assert found.order[:2].tolist() == [1, 4]
    assert found.score == pytest.approx(-((trained.predict(X)[:, 0] - Y) ** 2).mean(), rel=1e-5)


def test_names_and_plain_values(trained):
    found = permutation_importance(trained, X, Y, repeats=1, names=list("abcdef"))
    body = json.loads(json.dumps(found.to_dict()))
    assert body["features"][0]["feature"] == "b"
    assert "b " in repr(found)


def test_selection_keeps_what_matters():
    found = select_features(model(), X, Y, folds=3, **FIT)
    assert found.counts == (6, 3, 1)
    assert found.scores.shape == (3, 3)
    assert {1, 4} <= set(found.kept[:2])
    assert len(found.kept) == 3, "one feature alone is much worse"
    assert json.loads(json.dumps(found.to_dict()))["kept"][0] == "1"
    two = select_features(model(), X, Y, folds=3, counts=[2, 6], names=list("abcdef"), **FIT)
    assert set(two.names_kept) == {"b", "e"}


def test_refusals(trained):
    with pytest.raises(InputError, match="columns of a table"):
        permutation_importance(trained, X[:, :, None], Y)
    with pytest.raises(InputError, match="differ in number"):
        permutation_importance(trained, X, Y, names=["a"])
    with pytest.raises(InputError, match="cannot be tried"):
        select_features(model(), X, Y, folds=3, counts=[7], **FIT)
