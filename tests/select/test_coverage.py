"""Split conformal prediction covers as often as asked, on data whose truth is known."""

import json
import math

import numpy as np
import pytest
from scipy.stats import binom

from jindan.errors import InputError, ShapeError
from jindan.layers import Dense
from jindan.models import Sequential
from jindan.select.coverage import Conformal, conformal, quantile_of
from jindan.select.ensembles import bagging


class _Numbers:
    """Predicts a line, whatever the truth."""

    def predict(self, X):
        return 2 * X[:, :1]


class _Classes:
    """Softmax of the row: wrong by a temperature, so that its probabilities are not the true ones."""

    def predict_proba(self, X):
        e = np.exp(X / 0.5)
        return e / e.sum(1, keepdims=True)


def _labels(rng, x):
    e = np.exp(x)
    p = e / e.sum(1, keepdims=True)
    return (rng.uniform(size=(len(x), 1)) > p.cumsum(1)).sum(1)


def _reached(draw, model, times=400, rows=60, new=50, **how):
    """Covered rows of `new` in each of many repetitions with calibration rows of their own."""
    rng = np.random.default_rng(0)
    hits = []
    for _ in range(times):
        x, y = draw(rng, rows + new)
        hits.append(conformal(model, x[:rows], y[:rows], **how).covers(x[rows:], y[rows:]).mean())
    return np.array(hits)


def _heavy(rng, n):
    x = rng.uniform(size=(n, 1))
    return x, 2 * x[:, 0] + (1 + x[:, 0]) * rng.standard_t(2, size=n)


def _logits(rng, n):
    x = rng.normal(size=(n, 4))
    return x, _labels(rng, x)


@pytest.mark.parametrize("coverage", [0.5, 0.9])
@pytest.mark.parametrize(
    ("draw", "model", "how"),
    [
        (_heavy, _Numbers(), {}),
        (_logits, _Classes(), {"method": "lac"}),
        (_logits, _Classes(), {"method": "aps"}),
        (_logits, _Classes(), {"method": "aps", "randomise": True}),
    ],
    ids=["absolute", "lac", "aps", "aps randomised"],
)
def test_coverage_is_what_was_asked(draw, model, how, coverage):
    hits = _reached(draw, model, coverage=coverage, **how)
    # Without ties the probability lies between the coverage and 1/(n + 1) above it. Repetitions are independent, so
    # four standard errors of their mean bound it.
    error = 4 * hits.std(ddof=1) / math.sqrt(len(hits))
    assert coverage - error <= hits.mean() <= coverage + 1 / 61 + error


def test_one_row_each_is_within_binomial_error():
    hits = _reached(_heavy, _Numbers(), times=600, rows=19, new=1, coverage=0.9)
    low, high = binom.interval(0.9999, 600, 0.9)  # (n + 1) · 0.9 = 18 of 20 places exactly
    assert low <= hits.sum() <= high


def test_intervals_and_sets_by_hand():
    rng = np.random.default_rng(1)
    x, y = _heavy(rng, 39)
    found = conformal(_Numbers(), x, y, coverage=0.8)
    q = np.sort(abs(y - 2 * x[:, 0]))[31]  # 40 · 0.8 = 32
    low, high = found.predict(x)
    np.testing.assert_allclose(found.quantile, q)
    np.testing.assert_allclose((low + high) / 2, 2 * x[:, 0])
    np.testing.assert_allclose(high - low, 2 * q)
    x, y = _logits(rng, 39)
    p = _Classes().predict_proba(x)
    lac = conformal(_Classes(), x, y, coverage=0.8)
    own = 1 - p[np.arange(39), y]
    np.testing.assert_array_equal(lac.predict(x), 1 - p <= np.sort(own)[31])
    aps = conformal(_Classes(), x, y, coverage=0.8, method="aps")
    for row, chosen in zip(p, aps.predict(x), strict=True):
        sums = [row[row >= own].sum() for own in row]
        np.testing.assert_array_equal(chosen, np.array(sums) <= aps.quantile + 1e-12)
    assert lac.method == "lac"


def test_too_few_rows_cover_everything():
    x, y = _heavy(np.random.default_rng(0), 5)
    found = conformal(_Numbers(), x, y, coverage=0.9)
    low, high = found.predict(x)
    assert np.isinf(high - low).all()
    assert json.loads(json.dumps(found.to_dict()))["quantile"] is None
    x, y = _logits(np.random.default_rng(0), 1)
    assert conformal(_Classes(), x, y).predict(x).all()


def test_normalised_by_the_spread_of_an_ensemble():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(120, 1)).astype(np.float32)
    y = np.where(x[:, 0] > 0, rng.normal(size=120), 0.0)
    model = Sequential([Dense(8, activation="relu"), Dense(1)])
    model.compile("adam", "mse")
    ensemble = bagging(model, x[:60], y[:60], n=6, epochs=30)
    found = conformal(ensemble, x[60:], y[60:], coverage=0.8, method="normalised")
    members = ensemble.predict_members(x[60:])[..., 0].astype(np.float64)
    scores = abs(y[60:] - members.mean(0)) / np.maximum(members.std(0), 0.01 * np.median(members.std(0)))
    assert found.quantile == pytest.approx(np.sort(scores)[48], rel=1e-4)  # ⌈61 · 0.8⌉ = 49
    low, high = found.predict(x[60:])
    np.testing.assert_allclose(high - low, 2 * found.quantile * members.std(0), rtol=1e-4)
    assert found.covers(x[60:], y[60:]).mean() == pytest.approx(49 / 60)


def test_kept_as_json_and_drawn():
    x, y = _logits(np.random.default_rng(0), 50)
    found = conformal(_Classes(), x, y, method="aps", randomise=True, seed=3)
    again = Conformal.from_dict(_Classes(), json.loads(json.dumps(found.to_dict())))
    np.testing.assert_array_equal(again.predict(x), found.predict(x))
    assert "<style>" in found.plot().svg
    assert "aps" in repr(found)


def test_a_rank_that_is_a_whole_number():
    # 0.9 · 10 and 0.55 · 20 have last bits of their own.
    assert quantile_of(np.arange(1.0, 10.0), 0.9) == 9
    assert quantile_of(np.arange(1.0, 20.0), 0.55) == 11


def test_what_is_refused():
    x, y = _heavy(np.random.default_rng(0), 20)
    with pytest.raises(InputError, match="Coverage is a share"):
        conformal(_Numbers(), x, y, coverage=90)
    with pytest.raises(InputError, match="no conformal method called 'apps'"):
        conformal(_Numbers(), x, y, method="apps")
    with pytest.raises(InputError, match="need members that may differ"):
        conformal(_Numbers(), x, y, method="normalised")
    with pytest.raises(InputError, match="does not fit the model's outputs"):
        conformal(_Classes(), *_logits(np.random.default_rng(0), 20), method="absolute")
    with pytest.raises(InputError, match="Only adaptive sets"):
        conformal(_Numbers(), x, y, randomise=True)
    with pytest.raises(InputError, match="no finite score"):
        conformal(_Numbers(), x, np.where(y > 0, np.nan, y))
    with pytest.raises(ShapeError, match="differ in number"):
        conformal(_Numbers(), x, y[:-1])
    with pytest.raises(InputError, match="not the classes of the predictions"):
        conformal(_Classes(), np.zeros((3, 4)), [0, 1, 4])
    with pytest.raises(ShapeError, match="one number a row"):
        conformal(_Numbers(), x, np.stack([y, y], 1))
