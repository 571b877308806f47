"""Intervals over groups: scikit-learn's figures of resampled rows, SciPy's bootstrap, how often they hold."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from jindan.select import score_classes, score_numbers
from jindan.select.clustered import FEWEST_GROUPS, RESAMPLES, classes_resampled, numbers_resampled
from jindan.select.scores import wilson

rng = np.random.default_rng(0)
SIZES = rng.integers(3, 14, 24)
GROUPS = np.repeat(np.arange(24), SIZES)
N = len(GROUPS)


def probabilities(classes, seed):
    """Truth and probabilities, right in most rows of some groups and in few rows of others."""
    own = np.random.default_rng(seed)
    truth = own.integers(0, classes, N)
    skill = own.normal(1.0, 1.0, 24)[GROUPS]
    z = own.normal(size=(N, classes))
    z[np.arange(N), truth] += skill
    p = np.exp(z)
    return truth, p / p.sum(1, keepdims=True)


def expanded(values, count):
    """Percentiles as Hesterberg (2015) widens them, by SciPy's distributions."""
    level = stats.norm.cdf(-math.sqrt(count / (count - 1)) * stats.t.ppf(0.975, count - 1))
    return np.quantile(values, [level, 1 - level])


def drawn_rows(seed, times):
    """Rows of as many groups as there are, drawn with replacement: the rows themselves, one resample after another."""
    own = np.random.default_rng(seed)
    places = [np.flatnonzero(g == GROUPS) for g in range(24)]
    for _ in range(times):
        yield np.concatenate([places[g] for g in own.integers(0, 24, 24)])


@pytest.mark.parametrize("classes", [2, 4])
def test_class_figures_are_those_of_rows_put_together_group_by_group(classes):
    truth, p = probabilities(classes, 1)
    guess, labels = p.argmax(1), np.arange(classes)
    figures = {
        "accuracy": lambda r: metrics.accuracy_score(truth[r], guess[r]),
        "balanced_accuracy": lambda r: metrics.balanced_accuracy_score(truth[r], guess[r]),
        "precision": lambda r: metrics.precision_score(truth[r], guess[r], average="macro", zero_division=0),
        "recall": lambda r: metrics.recall_score(truth[r], guess[r], average="macro", zero_division=0),
        "f1": lambda r: metrics.f1_score(truth[r], guess[r], average="macro"),
        "log_loss": lambda r: metrics.log_loss(truth[r], p[r], labels=labels),
        **({"roc_auc": lambda r: metrics.roc_auc_score(truth[r], p[r, 1])} if classes == 2 else {}),
    }  # fmt: skip
    mine = classes_resampled(truth, p, GROUPS, 24)
    found = score_classes(truth, p, groups=[f"group {g}" for g in GROUPS])
    rows = list(drawn_rows(2, 500))
    assert set(mine) == set(found) == set(figures)
    for name, figure in figures.items():
        theirs = np.array([figure(r) for r in rows])
        assert abs(found[name].value - figure(np.arange(N))) < 1e-12
        # The same distribution: mean and spread within four standard errors of 500 draws, ends within a wider margin.
        error = theirs.std() / math.sqrt(500)
        assert abs(mine[name].mean() - theirs.mean()) < 4 * error, name
        assert 0.87 < mine[name].std() / theirs.std() < 1.15, name
        np.testing.assert_allclose((found[name].low, found[name].high), expanded(theirs, 24), atol=0.5 * theirs.std())
        assert found[name].low < found[name].value < found[name].high


def test_figures_of_numbers_are_those_of_rows_put_together_group_by_group():
    own = np.random.default_rng(3)
    truth = own.normal(1e6, 3.0, N)
    guess = truth + own.normal(size=24)[GROUPS] + own.normal(0, 0.3, N)
    figures = {
        "r2": lambda r: metrics.r2_score(truth[r], guess[r]),
        "rmse": lambda r: metrics.root_mean_squared_error(truth[r], guess[r]),
        "mae": lambda r: metrics.mean_absolute_error(truth[r], guess[r]),
    }
    mine, found = numbers_resampled(truth, truth - guess, GROUPS, 24), score_numbers(truth, guess, groups=GROUPS)
    rows = list(drawn_rows(4, 2000))
    for name, figure in figures.items():
        theirs = np.array([figure(r) for r in rows])
        assert abs(found[name].value - figure(np.arange(N))) < 1e-6
        assert abs(mine[name].mean() - theirs.mean()) < 4 * theirs.std() / math.sqrt(2000), name
        assert 0.93 < mine[name].std() / theirs.std() < 1.08, name
        np.testing.assert_allclose((found[name].low, found[name].high), expanded(theirs, 24), atol=0.5 * theirs.std())


def test_the_interval_of_a_share_is_scipys_bootstrap_over_groups():
    truth, p = probabilities(2, 5)
    hits = np.bincount(GROUPS, p.argmax(1) == truth)
    level = 2 * stats.norm.cdf(-math.sqrt(24 / 23) * stats.t.ppf(0.975, 23))
    theirs = stats.bootstrap(
        (hits, SIZES.astype(float)), lambda a, b, axis: a.sum(axis) / b.sum(axis), paired=True, vectorized=True,
        n_resamples=RESAMPLES, confidence_level=1 - level, method="percentile", random_state=np.random.default_rng(6),
    ).confidence_interval  # fmt: skip
    score = score_classes(truth, p, groups=GROUPS)["accuracy"]
    # A percentile near 1.5 % of 4,000 resamples is off by about a fifteenth of their spread.
    assert abs(score.low - theirs.low) < 0.01
    assert abs(score.high - theirs.high) < 0.01


def test_an_area_of_more_probabilities_than_steps_keeps_its_value_and_spread():
    own = np.random.default_rng(7)
    groups = np.repeat(np.arange(40), 60)
    truth = own.integers(0, 2, 2400)
    p = 1 / (1 + np.exp(-own.normal(truth + own.normal(size=40)[groups], 1.0)))
    mine = classes_resampled(truth, np.stack([1 - p, p], 1), groups, 40)["roc_auc"]
    places, theirs = [np.flatnonzero(groups == g) for g in range(40)], []
    for _ in range(300):
        rows = np.concatenate([places[g] for g in own.integers(0, 40, 40)])
        theirs.append(metrics.roc_auc_score(truth[rows], p[rows]))
    assert abs(mine.mean() - np.mean(theirs)) < 4 * np.std(theirs) / math.sqrt(300)
    assert 0.85 < mine.std() / np.std(theirs) < 1.18


def test_with_rows_of_a_group_alike_the_interval_over_groups_holds_and_that_over_rows_does_not():
    own, groups = np.random.default_rng(8), np.repeat(np.arange(20), 15)
    held = {"groups": np.zeros(2), "rows": np.zeros(2)}
    times = 400
    for _ in range(times):
        # Each group is right in a share of its rows of its own, 0.7 on average; each has errors of its own size.
        share = own.beta(1.4, 0.6, 20)[groups]
        right = own.random(300) < share
        truth = own.integers(0, 2, 300)
        guess = np.where(right, truth, 1 - truth)
        error = np.exp(own.normal(0, 0.8, 20))[groups] * own.exponential(1.0, 300)
        for name, given in (("groups", groups), ("rows", None)):
            found = (score_classes(truth, np.eye(2)[guess], groups=given)["accuracy"],
                     score_numbers(np.zeros(300), error, groups=given)["mae"])  # fmt: skip
            held[name] += [s.low <= true <= s.high for s, true in zip(found, (0.7, math.exp(0.32)), strict=True)]
    # 95 % of 400 are 380 ± 4.4; a bootstrap of 20 groups of skewed figures falls a few points short.
    assert (held["groups"] / times > (0.92, 0.89)).all(), held
    assert (held["groups"] / times < 0.985).all(), held
    assert (held["rows"] / times < 0.7).all(), held


def test_groups_of_one_row_leave_the_interval_about_as_wide_as_rows_do():
    truth, p = probabilities(3, 9)
    by_row, by_group = score_classes(truth, p), score_classes(truth, p, groups=np.arange(N))
    for name in by_row:
        assert by_group[name].value == by_row[name].value
        ratio = (by_group[name].high - by_group[name].low) / (by_row[name].high - by_row[name].low)
        assert 0.75 < ratio < 1.25, name


def test_of_too_few_groups_there_is_no_interval():
    truth, p = probabilities(2, 10)
    few = GROUPS % (FEWEST_GROUPS - 1)
    for found in (score_classes(truth, p, groups=few), score_numbers(truth, p[:, 1], groups=few)):
        assert all(score.low is None and score.high is None for score in found.values())
    enough = score_classes(truth, p, groups=GROUPS % FEWEST_GROUPS)
    assert all(score.low < score.value < score.high for score in enough.values())


def test_where_every_group_gets_the_same_each_counts_as_a_row():
    truth = np.arange(60) % 3
    found = score_classes(truth, np.eye(3)[truth], groups=np.arange(60) // 6)
    for name in ("accuracy", "balanced_accuracy", "precision", "recall", "f1"):
        assert (found[name].low, found[name].high) == wilson(10, 10)
    assert found["log_loss"].low == found["log_loss"].high == 0


def test_numbers_that_broke_down_have_no_interval():
    found = score_numbers(np.arange(60.0), np.full(60, np.nan), groups=np.arange(60) // 6)
    assert all(score.low is None and math.isnan(score.value) for score in found.values())
    p = np.full((60, 2), np.nan)
    assert score_classes(np.arange(60) % 2, p, groups=np.arange(60) // 6)["log_loss"].low is None
