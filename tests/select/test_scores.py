"""Scores against scikit-learn; intervals against their closed forms and by how often they hold the truth."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from sklearn import metrics

from jindan.select import primary, score_classes, score_numbers
from jindan.select.scores import Z, wilson


def _classes(seed, rows=120, classes=3, skill=2.0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, rows)
    logits = rng.normal(size=(rows, classes)) + skill * np.eye(classes)[truth]
    p = np.exp(logits)
    return truth, p / p.sum(1, keepdims=True)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("classes", [2, 3, 6])
def test_classification_figures_are_scikit_learns(seed, classes):
    truth, p = _classes(seed, classes=classes)
    guess, found = p.argmax(1), score_classes(truth, p)
    expected = {
        "accuracy": metrics.accuracy_score(truth, guess),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, guess),
        "precision": metrics.precision_score(truth, guess, average="macro", zero_division=0),
        "recall": metrics.recall_score(truth, guess, average="macro", zero_division=0),
        "f1": metrics.f1_score(truth, guess, average="macro", zero_division=0),
        "log_loss": metrics.log_loss(truth, p, labels=range(classes)),
    }
    if classes == 2:
        expected["roc_auc"] = metrics.roc_auc_score(truth, p[:, 1])
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, abs=1e-12), name


def test_classes_that_do_not_occur_count_as_scikit_learn_counts_them():
    # Class 2 is guessed and never true, class 3 neither.
    truth, guess = np.array([0, 0, 1, 1, 1, 0]), np.array([0, 2, 1, 1, 0, 0])
    found = score_classes(truth, np.eye(4)[guess])
    assert found["recall"].value == pytest.approx(metrics.recall_score(truth, guess, average="macro", zero_division=0))
    assert found["f1"].value == pytest.approx(metrics.f1_score(truth, guess, average="macro", zero_division=0))
    precision = metrics.precision_score(truth, guess, average="macro", zero_division=0)
    assert found["precision"].value == pytest.approx(precision)
    assert found["balanced_accuracy"].value == pytest.approx((2 / 3 + 2 / 3) / 2)


def test_roc_auc_counts_ties_as_halves():
    truth, p = np.array([0, 1, 0, 1, 1, 0]), np.array([0.5, 0.5, 0.2, 0.8, 0.5, 0.5])
    found = score_classes(truth, np.stack([1 - p, p], 1))
    assert found["roc_auc"].value == pytest.approx(metrics.roc_auc_score(truth, p))


@pytest.mark.parametrize(("positives", "negatives", "parted"), [(1, 4, True), (10, 10, True), (7, 30, False)])
def test_the_interval_of_an_area_solves_newcombes_equation_and_never_has_width_zero(positives, negatives, parted):
    truth = np.repeat([0, 1], [negatives, positives])
    p = np.linspace(0, 1, len(truth))
    if not parted:
        p = 0.2 * truth + np.random.default_rng(0).normal(size=len(truth)) / 9
    found = score_classes(truth, np.stack([1 - p, p], 1))["roc_auc"]

    def beyond(a, side):
        more = (positives + negatives) / 2 - 1
        variance = a * (1 - a) * (1 + more * (1 - a) / (2 - a) + more * a / (1 + a)) / (positives * negatives)
        return side * (a - found.value) - 1.959963984540054 * variance**0.5

    assert found.low == pytest.approx(brentq(beyond, 0, found.value - 1e-9, (-1,)), abs=1e-9)
    if parted:
        assert (found.value, found.high) == (1, 1)
        assert found.low < 0.9
    else:
        assert found.high == pytest.approx(brentq(beyond, found.value + 1e-9, 1 - 1e-9, (1,)), abs=1e-9)
        assert found.value < found.high < 1


def test_there_is_no_roc_auc_of_one_class():
    assert "roc_auc" not in score_classes([1, 1, 1], np.full((3, 2), 0.5))


def test_a_probability_of_zero_costs_a_finite_loss():
    found = score_classes([0, 1], [[0.0, 1.0], [0.0, 1.0]])
    assert found["log_loss"].value == pytest.approx(-math.log(1e-15) / 2)


@pytest.mark.parametrize("seed", range(4))
def test_regression_figures_are_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(50, 10, 80)
    guess = truth + rng.normal(0, 4, 80)
    found = score_numbers(truth, guess)
    assert found["r2"].value == pytest.approx(metrics.r2_score(truth, guess), abs=1e-12)
    assert found["rmse"].value == pytest.approx(metrics.root_mean_squared_error(truth, guess), rel=1e-12)
    assert found["mae"].value == pytest.approx(metrics.mean_absolute_error(truth, guess), rel=1e-12)
    for score in found.values():
        assert score.low < score.value < score.high


@pytest.mark.filterwarnings("error")
def test_huge_numbers_do_not_overflow():
    truth = np.array([1e300, -2e300, 3e300, 0.5e300])
    found, small = score_numbers(truth, truth * 0.9), score_numbers(truth / 1e300, truth * 0.9 / 1e300)
    assert found["r2"].value == pytest.approx(small["r2"].value)
    assert found["rmse"].value == pytest.approx(small["rmse"].value * 1e300)


@pytest.mark.filterwarnings("error")
def test_r2_of_values_that_do_not_vary_has_no_meaning():
    for truth in ([3.0], [2.0, 2.0, 2.0]):
        found = score_numbers(truth, [1.0] * len(truth))
        assert math.isnan(found["r2"].value)
        assert found["r2"].low is None
        assert math.isfinite(found["mae"].value)


@pytest.mark.filterwarnings("error")
def test_predictions_that_are_not_finite_give_no_figures():
    found = score_numbers([1.0, 2.0, 3.0, 4.0], [1.0, math.nan, 3.0, math.inf])
    assert not any(math.isfinite(score.value) for score in found.values())


@pytest.mark.parametrize(("right", "rows"), [(0, 10), (10, 10), (29, 30), (1, 1), (71, 154), (150, 1000)])
def test_wilson_is_the_closed_form(right, rows):
    # The roots of (p - share)² = z² p (1 - p) / n.
    share, a = right / rows, 1 + Z**2 / rows
    b, c = -(2 * share + Z**2 / rows), share**2
    root = math.sqrt(max(b * b - 4 * a * c, 0))
    low, high = wilson(right, rows)
    assert low == pytest.approx((-b - root) / (2 * a), abs=1e-12)
    assert high == pytest.approx((-b + root) / (2 * a), abs=1e-12)
    assert 0 <= low <= share <= high <= 1


def test_an_interval_keeps_its_width_when_every_row_is_right():
    found = score_classes(np.repeat([0, 1, 2], 10), np.eye(3)[np.repeat([0, 1, 2], 10)])
    for name in ("accuracy", "balanced_accuracy", "precision", "recall", "f1"):
        assert found[name].value == 1
        assert found[name].high == 1
        assert 0.7 < found[name].low < 0.95, name


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng, chance = np.random.default_rng(7), np.array([[0.4, 0.1], [0.1, 0.4]])
    true = {"accuracy": 0.8, "balanced_accuracy": 0.8, "precision": 0.8, "recall": 0.8, "f1": 0.8}
    held = dict.fromkeys(true, 0)
    rounds = 400
    for _ in range(rounds):
        table = rng.multinomial(100, chance.ravel())
        found = score_classes(np.repeat([0, 0, 1, 1], table), np.eye(2)[np.repeat([0, 1, 0, 1], table)])
        for name, value in true.items():
            held[name] += found[name].low <= value <= found[name].high
    for name, count in held.items():
        # Three standard errors of a share of 0.95 in 400 rounds; F1's interval is the cautious one.
        assert count / rounds > 0.915, name
        assert count / rounds < 0.995, name


def test_regression_intervals_hold_the_truth():
    rng, held, rounds = np.random.default_rng(3), 0, 150
    for _ in range(rounds):
        error = rng.normal(0, 2, 80)
        held += (lambda s: s.low <= 2 * math.sqrt(2 / math.pi) <= s.high)(score_numbers(error, np.zeros(80))["mae"])
    assert held / rounds > 0.88


def test_the_primary_figure_follows_the_task():
    assert [primary(task) for task in ("binary", "multiclass", "regression")] == ["accuracy", "accuracy", "r2"]
