"""Calibration agrees with scikit-learn, with closed searches and with counting; thresholds with trying them all."""

import json

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_score, recall_score

from jindan.errors import InputError, ShapeError
from jindan.layers import Dense
from jindan.losses import SparseCategoricalCrossentropy
from jindan.models import Sequential
from jindan.optimizers import Adam
from jindan.select.calibration import Calibrated, calibrate, choose_threshold, reliability
from jindan.select.ensembles import deep_ensemble


def _two(n=1500, power=3.0, seed=0):
    """Probabilities that are too sure of themselves, and labels drawn from the true ones."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.02, 0.98, n)
    return p**power / (p**power + (1 - p) ** power), (rng.uniform(size=n) < p).astype(np.int64)


def _three(n=900, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 3))
    y = (rng.uniform(size=(n, 1)) > softmax(z, 1).cumsum(1)).sum(1)
    return softmax(2.5 * z, 1), y


class _LogOdds(ClassifierMixin, BaseEstimator):
    """A fitted scikit-learn classifier whose decision is what stands in its rows."""

    def __init__(self, classes=2):
        self.classes = classes

    def fit(self, X, y):
        return self

    def __sklearn_is_fitted__(self):
        return True

    @property
    def classes_(self):
        return np.arange(self.classes)

    def decision_function(self, X):
        return X[:, 0] if self.classes == 2 else X

    def predict(self, X):
        return (X[:, 0] > 0).astype(int) if self.classes == 2 else X.argmax(1)


def _log_odds(p):
    return np.log(p / (1 - p))


def test_temperature_by_trying_many():
    p, y = _three()
    found = calibrate(None, p, y).settings["temperature"]
    tried = np.geomspace(0.1, 20, 20001)
    loss = [-np.log(softmax(np.log(p) / t, 1)[np.arange(len(y)), y]).mean() for t in tried[::20]]
    near = tried[20 * int(np.argmin(loss))]
    assert found == pytest.approx(near, rel=0.01)
    assert found == pytest.approx(2.5, rel=0.15)
    # At the least loss the slope in 1/T is nothing: the mean logit is the expected one.
    z = np.log(p)
    q = softmax(z / found, 1)
    assert abs((z[np.arange(len(y)), y] - (q * z).sum(1)).mean()) < 1e-5
    assert (calibrate(None, p, y).predict(p).argmax(1) == p.argmax(1)).all()


def test_sigmoid_is_scikit_learns():
    p, y = _two(400)
    x = _log_odds(p)[:, None]
    direct = CalibratedClassifierCV(FrozenEstimator(_LogOdds()), method="sigmoid", ensemble=False, cv=2).fit(x, y)
    # Both minimise the same; each stops within its tolerance of the minimum.
    np.testing.assert_allclose(calibrate(None, p, y, "sigmoid").predict(p), direct.predict_proba(x), atol=2e-5)


def test_sigmoid_of_three_classes_is_scikit_learns():
    p, y = _three(300)
    x = _log_odds(p)
    direct = CalibratedClassifierCV(FrozenEstimator(_LogOdds(3)), method="sigmoid", ensemble=False, cv=2).fit(x, y)
    np.testing.assert_allclose(calibrate(None, p, y, "sigmoid").predict(p), direct.predict_proba(x), atol=2e-5)


def test_isotonic_is_scikit_learns():
    p, y = _two(400)
    line = IsotonicRegression(out_of_bounds="clip").fit(p, y)
    new = np.random.default_rng(1).uniform(size=200)
    np.testing.assert_allclose(calibrate(None, p, y, "isotonic").predict(new)[:, 1], line.predict(new), atol=1e-12)
    p, y = _three(300)
    each = np.stack(
        [IsotonicRegression(out_of_bounds="clip").fit(p[:, c], y == c).predict(p[:, c]) for c in range(3)], 1
    )
    np.testing.assert_allclose(
        calibrate(None, p, y, "isotonic").predict(p), each / each.sum(1, keepdims=True), atol=1e-12
    )


def test_reliability_by_counting():
    p, y = _two(500)
    found = reliability(p, y, bins=10)
    observed, predicted = calibration_curve(y, p, n_bins=10)
    np.testing.assert_allclose([v for v in found.observed if v is not None], observed)
    np.testing.assert_allclose([v for v in found.predicted if v is not None], predicted)
    error = 0.0
    for k in range(10):
        own = (p >= k / 10) & (p < (k + 1) / 10)
        error += own.mean() * abs(p[own].mean() - y[own].mean()) if own.any() else 0
    assert found.error == pytest.approx(error)
    assert sum(found.counts) == 500
    several, y = _three(200)
    named = reliability(several, y, bins=5)
    assert named.counts[0] == 0
    assert named.observed[0] is None  # the likeliest of three has at least ⅓
    own = (several.max(1) >= 0.8) & (several.max(1) < 1)
    assert named.observed[4] == pytest.approx((several.argmax(1) == y)[own].mean())
    assert reliability([1.0, 0.0], [1, 0]).error == 0


@pytest.mark.parametrize("method", ["temperature", "sigmoid", "isotonic"])
def test_it_lowers_the_error_on_other_rows(method):
    p, y = _two()
    found = calibrate(None, p, y, method)
    fresh, truth = _two(seed=1)
    assert found.error_after < found.error_before / 2
    assert reliability(found.predict(fresh), truth).error < reliability(fresh, truth).error / 2
    again = Calibrated.from_dict(json.loads(json.dumps(found.to_dict())))
    np.testing.assert_array_equal(again.predict(fresh), found.predict(fresh))
    assert again.reliability == found.reliability
    assert method in repr(found)
    assert "polyline" in found.plot().svg


def test_models_and_ensembles():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 1)
    model = Sequential([Dense(3)])
    model.compile(Adam(0.1), SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, epochs=5, verbose=0, seed=0)
    found = calibrate(model, x, y)
    given = softmax(model.predict(x).astype(np.float64), 1)
    np.testing.assert_allclose(found.predict(x), calibrate(given, None, y).predict(given), atol=1e-5)
    ensemble = deep_ensemble(model, x, y, n=2, epochs=5)
    np.testing.assert_allclose(calibrate(ensemble, x, y).predict(x).sum(1), 1)
    # What was calibrated is a classifier like others.
    assert calibrate(found, x, y).settings["temperature"] == pytest.approx(1, abs=1e-3)
    numbers = Sequential([Dense(1)])
    numbers.compile("adam", "mse")
    with pytest.raises(InputError, match="no probabilities of classes"):
        calibrate(numbers, x, y)


def test_odd_probabilities():
    found = calibrate(None, [0.0, 1.0, 1.0, 0.0], [0, 1, 0, 1])
    assert np.isfinite(found.predict([0.0, 0.5, 1.0])).all()
    sure = calibrate(None, [0.1, 0.9], [0, 1])
    assert sure.settings["temperature"] < 0.1
    np.testing.assert_allclose(sure.predict([0.1, 0.9])[:, 1], [0, 1], atol=1e-6)
    assert calibrate(None, [0.3] * 4, [0, 1, 0, 1], "isotonic").predict([0.9])[0, 1] == pytest.approx(0.5)


def test_what_is_refused():
    p, y = _two(20)
    with pytest.raises(InputError, match="no calibration called 'temprature'"):
        calibrate(None, p, y, "temprature")
    with pytest.raises(InputError, match="Rows of one class"):
        calibrate(None, p, np.zeros(20, int))
    with pytest.raises(InputError, match="These are no probabilities"):
        calibrate(None, np.where(p > 0.5, np.nan, p), y)
    with pytest.raises(InputError, match="These are no probabilities"):
        reliability(p * 3, y)
    with pytest.raises(ShapeError, match="differ in number"):
        reliability(p, y[:-1])
    with pytest.raises(InputError, match="probabilities of other classes"):
        calibrate(None, p, y).predict(np.full((2, 3), 1 / 3))


_SCORES = {
    "f1": lambda y, g: f1_score(y, g, zero_division=0),
    "balanced_accuracy": balanced_accuracy_score,
    "cost": lambda y, g: -(((g == 1) & (y == 0)).sum() + 5 * ((g == 0) & (y == 1)).sum()) / len(y),
    "recall>=0.9": lambda y, g: precision_score(y, g) if recall_score(y, g) >= 0.9 else -1,
    "precision>=0.9": lambda y, g: recall_score(y, g) if g.any() and precision_score(y, g) >= 0.9 else -1,
}


@pytest.mark.parametrize("by", list(_SCORES))
def test_threshold_by_trying_all(by):
    p, y = _two(80)
    p = p.round(2)  # ties
    found = choose_threshold(p, y, by, cost=(1, 5))
    tried = np.concatenate([np.unique(p), [2.0]])
    best = max(_SCORES[by](y, (p >= t).astype(int)) for t in tried)
    mine = _SCORES[by](y, found.predict(p))
    assert mine == pytest.approx(best)
    assert abs(found.score) == pytest.approx(abs(best))
    tp, fp, tn, fn = found.counts
    assert tp + fn == y.sum()
    assert tp + fp == found.predict(p).sum()
    assert fp + tn == (y == 0).sum()
    assert len(found.thresholds) == len(found.scores) == len(tried)
    assert np.all(np.diff(found.thresholds) > 0)
    json.dumps(found.to_dict())
    assert "<svg" in found.plot().svg


def test_thresholds_refused():
    p, y = _two(20)
    with pytest.raises(InputError, match=r"no way to choose a threshold called 'recal>=0.9'"):
        choose_threshold(p, y, "recal>=0.9")
    with pytest.raises(InputError, match="parts two classes"):
        choose_threshold(p, np.ones(20, int))
    with pytest.raises(InputError, match="parts two classes"):
        choose_threshold(np.full((2, 3), 1 / 3), [0, 1])
    with pytest.raises(InputError, match="A cost is a pair"):
        choose_threshold(p, y, "cost", cost=(1, -1))
    with pytest.raises(InputError, match="No threshold meets this bound"):
        choose_threshold([0.9, 0.1], [0, 1], "precision>=0.9")
