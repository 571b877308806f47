"""RBM behind scikit-learn's interface."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from jindan.errors import FileError, InputError
from jindan.estimators.rbm import RBM

X = (np.random.default_rng(0).random((60, 6)) < [0.1, 0.2, 0.5, 0.5, 0.8, 0.9]).astype(float)


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([RBM(5, n_iter=2, batch_size=8, random_state=0, dtype="float64")])
def test_scikit_learn(estimator, check):
    check(estimator)


def test_likelihood_sums_to_one():
    model = RBM(4, n_iter=5, learning_rate=0.1, random_state=0).fit(X)
    every = ((np.arange(64)[:, None] >> np.arange(6)) & 1).astype(float)
    assert np.exp(model.log_likelihood(every)).sum() == pytest.approx(1, rel=1e-4)
    # Columns are independent: from the first epoch on, the machine is about as good as their own rates.
    rates = X.mean(0)
    best = (rates * np.log(rates) + (1 - rates) * np.log(1 - rates)).sum()
    assert model.log_likelihood(X).mean() > best - 0.2


def test_many_units_are_estimated():
    model = RBM(20, n_iter=3, random_state=0).fit(np.tile(X, (1, 4)))
    found = model.log_partition()
    assert not found.exact
    assert 0 < found.error < 0.1


def test_gaussian_on_its_own_scale():
    """The density of shifted and stretched columns is that of the standardised ones over the stretch."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 3))
    stretched = 5 + 100 * x
    a, b = (RBM(3, n_iter=20, batch_size=20, random_state=0, dtype="float64").fit(v) for v in (x, stretched))
    assert a.visible_ == "gaussian"
    np.testing.assert_allclose(b.log_likelihood(stretched), a.log_likelihood(x) - 3 * np.log(100), rtol=1e-6)
    normal = -0.5 * 3 * np.log(2 * np.pi * np.e)
    assert a.log_likelihood(x).mean() == pytest.approx(normal, abs=0.2)
    drawn = b.sample(2000, steps=50)
    np.testing.assert_allclose(drawn.mean(0), stretched.mean(0), atol=15)


def test_samples_and_parts():
    model = RBM(4, n_iter=40, learning_rate=0.1, random_state=0).fit(X)
    drawn = model.sample(3000, steps=30)
    assert set(np.unique(drawn)) == {0, 1}
    np.testing.assert_allclose(drawn.mean(0), X.mean(0), atol=0.15)
    assert model.sample(2, start=X[:2], steps=1, mean=True).shape == (2, 6)
    hidden = model.transform(X[:3])
    by_hand = 1 / (1 + np.exp(-(X[:3] @ model.components_.T + model.intercept_hidden_)))
    np.testing.assert_allclose(hidden, by_hand, rtol=1e-5)
    assert model.score_samples(X).shape == (60,)
    assert list(model.history_) == ["energy_gap", "pseudo_likelihood"]
    assert model.get_feature_names_out().tolist() == ["rbm0", "rbm1", "rbm2", "rbm3"]


def test_the_seed_fixes_it():
    a, b, c = (RBM(4, n_iter=3, random_state=s).fit(X) for s in (0, 0, 1))
    np.testing.assert_array_equal(a.components_, b.components_)
    assert not np.array_equal(a.components_, c.components_)
    assert clone(a).get_params() == a.get_params()


@pytest.mark.parametrize("method", ["cd", "pcd", "pt"])
def test_saved_and_loaded(tmp_path, method):
    model = RBM(4, n_iter=3, method=method, momentum=0.5, random_state=0).fit(X)
    model.save(tmp_path / "m")
    again = RBM.load(tmp_path / "m")
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    np.testing.assert_array_equal(again.log_likelihood(X), model.log_likelihood(X))
    assert again.history_ == model.history_
    again.partial_fit(X)
    with pytest.raises(FileError, match="no such model"):
        RBM.load(tmp_path)


def test_partial_fit_goes_on():
    model = RBM(4, batch_size=8, learning_rate=0.1, random_state=0)
    for _ in range(3):
        model.partial_fit(X)
    before = model.components_
    assert not np.array_equal(model.partial_fit(X[:5]).components_, before)


@pytest.mark.parametrize(
    ("settings", "x", "message"),
    [
        ({"visible": "bernoulli"}, X * 2, "from 0 to 1"),
        ({"method": "cd-k"}, X, "method"),
        ({"k": 0}, X, "This k"),
        ({"momentum": 1.0}, X, "momentum"),
        ({"learning_rate": 0}, X, "learning_rate"),
    ],
)
def test_errors(settings, x, message):
    with pytest.raises(InputError, match=message):
        RBM(3, **settings).fit(x)


def test_a_rate_too_high_is_said():
    with pytest.warns(UserWarning, match="rate is too high"):
        RBM(3, learning_rate=1e30, n_iter=30, visible="gaussian", method="cd", random_state=0).fit(X)
