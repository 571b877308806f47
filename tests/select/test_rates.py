"""Rates, batch sizes, seeds: the stable rate of a quadratic, the noise scale of linear regression, plans alone."""

import json

import numpy as np
import pytest

from jindan.data import split_rows
from jindan.engine.data import Data
from jindan.engine.train import train
from jindan.errors import InputError
from jindan.layers import Dense, Dropout
from jindan.models import Sequential
from jindan.plan import Plan
from jindan.select.rates import (
    RateRange,
    SeedStudy,
    batch_size_study,
    gradient_noise,
    lr_range_test,
    seed_study,
)
from jindan.select.task import task_of
from jindan.select.validation import folds_of

RNG = np.random.default_rng(3)
X = RNG.normal(size=(64, 3)) * [1.0, 0.5, 2.0]
Y = X @ [1.0, -1.0, 0.5] + RNG.normal(scale=0.3, size=64)
LINEAR = Plan((Dense(1, use_bias=False),), loss="mse", optimizer="sgd", batch_size=64)
SMALL = Plan((Dense(4, activation="tanh"), Dense(1)), loss="mse", optimizer="adam", batch_size=16, epochs=2)


def test_the_largest_stable_rate_of_a_quadratic_is_that_of_its_curvature():
    # Gradient descent on a quadratic diverges from 2/λ on, λ the largest eigenvalue of its Hessian 2 XᵀX/n.
    limit = 2 / np.linalg.eigvalsh(2 * X.T @ X / len(X)).max()
    found = lr_range_test(LINEAR, X, Y, low=1e-3, high=10.0, steps=40, updates=128)
    step = found.rates[1] / found.rates[0]
    assert found.largest_stable <= limit < found.largest_stable * step
    assert found.suggested == min(found.steepest, found.largest_stable / 10)
    assert found.after[-1] > found.before


def test_a_rate_is_its_plan_trained_alone():
    found = lr_range_test(SMALL, X, Y, low=1e-3, high=0.1, steps=3, updates=6, seeds=1)
    alone = train(SMALL.edit(learning_rate=0.01).replace(seed=0, epochs=2), (X, Y), until=(0, 6))
    assert found.after[1] == pytest.approx(((alone.predict(X)[:, 0] - Y) ** 2).mean(), rel=1e-4)
    fresh = train(SMALL.replace(seed=0, epochs=0), (X, Y))
    assert found.before == pytest.approx(((fresh.predict(X)[:, 0] - Y) ** 2).mean(), rel=1e-5)


def test_the_suggestion_trains_and_the_result_is_plain():
    found = lr_range_test(SMALL, X, Y, steps=12, low=1e-5)
    assert found.rates[0] < found.suggested <= found.largest_stable / 10
    body = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert len(body["after"]) == 12
    assert f"{found.suggested:.2g}" in found.text()
    assert "추천" in found.text("ko")
    assert "RateRange(suggested" in repr(found)
    assert "suggested" in found.plot().svg


def test_no_rate_falls():
    found = RateRange(np.array([0.1, 1.0, 10.0]), 1.0, np.array([2.0, np.inf, np.inf]), 5, 1)
    assert np.isnan(found.suggested)
    assert "no rate" in found.text()
    assert found.to_dict()["suggested"] is None
    assert found.plot().svg.startswith("<svg")


def per_row(weights):
    """(rows, 3) the gradient of each row's squared error."""
    return 2 * (X @ weights - Y)[:, None] * X


def test_noise_of_single_rows_is_what_numpy_counts():
    weights = np.array([0.5, 0.2, -0.3])
    plan = LINEAR.replace(dtype="float64")
    found = gradient_noise(plan, Data.of(X, Y), ({"kernel": weights[:, None]},), small=1)
    g = per_row(weights)
    trace = g.var(0, ddof=1).sum()
    square = (g.mean(0) ** 2).sum() - trace / len(X)
    assert found.trace == pytest.approx(trace, rel=1e-9)
    assert found.square == pytest.approx(square, rel=1e-9)
    assert found.scale == pytest.approx(trace / square, rel=1e-9)
    assert (found.small, found.big) == (1, 64)


def test_small_and_large_batches_follow_mccandlish():
    weights = np.array([0.5, 0.2, -0.3])
    plan = LINEAR.replace(dtype="float64")
    found = gradient_noise(plan, Data.of(X, Y), ({"kernel": weights[:, None]},), small=8, seed=6)
    order = np.random.default_rng(6).permutation(64).reshape(8, 8)
    g = per_row(weights)[order].mean(1)
    big, small = (g.mean(0) ** 2).sum(), (g**2).sum(1).mean()
    assert found.square == pytest.approx((64 * big - 8 * small) / (64 - 8), rel=1e-9)
    assert found.trace == pytest.approx((small - big) / (1 / 8 - 1 / 64), rel=1e-9)


def test_noise_scale_of_linear_regression_has_its_closed_form():
    # x ~ N(0, I), y = x·w* + ε: with δ = w − w*, G = 2δ and tr(Σ) = 4 ((d + 1)|δ|² + d σ²).
    rng = np.random.default_rng(0)
    d, sigma, delta = 5, 1.0, np.full(5, 0.4)
    x = rng.normal(size=(4096, d))
    y = rng.normal(scale=sigma, size=4096)
    found = gradient_noise(LINEAR, Data.of(x, y), ({"kernel": delta[:, None]},))
    expected = ((d + 1) * (delta**2).sum() + d * sigma**2) / (delta**2).sum()
    assert found.interval[0] < expected < found.interval[1]
    assert found.interval[1] < 2 * found.interval[0]
    assert found.scale == pytest.approx(expected, rel=0.15)


def test_penalties_and_dropout_are_part_of_the_gradient():
    plan = Plan((Dense(1, use_bias=False), Dropout(0.5)), loss="mse", dtype="float64")
    weights = ({"kernel": np.ones((3, 1))}, {})
    bare = LINEAR.replace(dtype="float64")
    plain = gradient_noise(bare, Data.of(X, Y), weights[:1], small=8)
    dropped = gradient_noise(plan, Data.of(X, Y), weights, small=8)
    assert dropped.trace > plain.trace
    held = gradient_noise(bare.replace(l2=10.0), Data.of(X, Y), weights[:1], small=8)
    assert held.trace == pytest.approx(plain.trace)
    assert held.square > plain.square


def test_batch_sizes_at_equal_epochs_and_at_equal_updates():
    found = batch_size_study(SMALL, X, Y, sizes=(8, 16, 4096), seeds=2, updates=5)
    assert found.sizes == (8, 16, 51)
    assert found.epochs == 2
    assert found.scores_epochs.shape == found.losses_updates.shape == (3, 2)
    assert found.losses_epochs == pytest.approx(-found.scores_epochs)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["noise"]["scale"] == found.noise.scale
    assert "noise scale" in found.text()
    assert "잡음" in found.text("ko")
    assert found.plot().svg.startswith("<svg")
    # The same plan alone, by epochs and by updates.
    parts = split_rows(64, validation=0.2, test=0.0, seed=0)
    plan = SMALL.replace(batch_size=8, seed=1, rows=parts.train)
    for runs, losses in ((train(plan, (X, Y)), found.losses_epochs),
                         (train(plan, (X, Y), until=(0, 5)), found.losses_updates)):  # fmt: skip
        error = ((runs.predict(X[parts.validation])[:, 0] - Y[parts.validation]) ** 2).mean()
        assert losses[0, 1] == pytest.approx(error, rel=1e-4)


def test_seeds_alone_spread_the_score():
    found = seed_study(SMALL, X, Y, seeds=[5, 2, 3, 1], folds=4, stratify=False)
    assert found.scores.shape == (4,)
    pairs = folds_of(task_of(SMALL, X, Y), 4, stratify=False)
    runs = train([SMALL.replace(rows=rows, seed=2) for rows, _ in pairs], (X, Y))
    errors = [((run.predict(X[test])[:, 0] - Y[test]) ** 2).mean() for run, (_, test) in zip(runs, pairs, strict=True)]
    assert -found.scores[1] == pytest.approx(np.mean(errors), rel=1e-4)
    assert found.interval[0] < found.mean < found.interval[1]
    assert json.loads(json.dumps(found.to_dict()))["seeds"] == [5, 2, 3, 1]
    assert found.plot().svg.startswith("<svg")


def test_is_my_result_luck():
    found = SeedStudy(np.array([0.5, 0.6, 0.6, 0.7]), (0, 1, 2, 3), "accuracy")
    assert [found.percentile(s) for s in (0.4, 0.6, 0.7, 0.9)] == [0.0, 50.0, 87.5, 100.0]
    assert [found.better(s) for s in (0.4, 0.6, 0.7)] == [1.0, 0.25, 0.0]
    assert "25% of seeds score better than 0.6" in found.text(score=0.6)
    assert "25%" in found.text("ko", score=0.6)


def test_classes_and_a_compiled_model():
    model = Sequential([Dense(4, activation="tanh"), Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    found = seed_study(model, X, (Y > 0).astype(float), seeds=3, epochs=2)
    assert found.scoring == "accuracy"
    one_class = seed_study(model, X, np.zeros(64), seeds=3, epochs=2)
    assert ((one_class.scores >= 0) & (one_class.scores <= 1)).all()


@pytest.mark.parametrize(
    ("study", "change", "words"),
    [
        (lr_range_test, {"low": 1.0, "high": 0.1}, "no range"),
        (lr_range_test, {"steps": 2}, "too few steps"),
        (lr_range_test, {"updates": 0}, "too few updates"),
        (lr_range_test, {"rate": 1}, "argument called 'rate'"),
        (batch_size_study, {"batch_size": 3}, "what is studied"),
        (batch_size_study, {"sizes": (0,)}, "no batch sizes"),
        (batch_size_study, {"updates": 0}, "no updates"),
        (batch_size_study, {"validation": 1.0}, "no share"),
        (seed_study, {"seeds": 1}, "several seeds"),
    ],
)
def test_bad_input_is_told(study, change, words):
    with pytest.raises(InputError, match=words):
        study(SMALL, X, Y, **change)


def test_noise_needs_two_batches():
    with pytest.raises(InputError, match="between batches"):
        gradient_noise(LINEAR, Data.of(X[:1], Y[:1]), ({"kernel": np.ones((3, 1))},))
