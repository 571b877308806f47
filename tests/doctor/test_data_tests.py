"""Tests of the data: against closed forms, scikit-learn and SciPy, and planted faults beside clean data."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp, norm
from sklearn.datasets import load_breast_cancer, load_digits, make_classification, make_moons
from sklearn.metrics import roc_auc_score

from jindan.doctor import data_drift, data_tests
from jindan.doctor.data_drift import area, distance, smirnov
from jindan.doctor.data_labels import overlap_alone

RNG = np.random.default_rng(3)
X = RNG.normal(size=(400, 5))
HELD = RNG.normal(size=(100, 5))
TARGETS = (X[:, :1] > 0) * 1.0
CORNERS = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])


# -- sizes -----------------------------------------------------------------------------------------------------------


def test_scales_by_hand():
    x = np.array([[1.0, 0.0, 5.0, 100.0], [3.0, 1.0, 5.0, 300.0]])
    found = data_tests.scales(x)
    # Spreads 1, ½ (a flag), 0 and 100; means 2, ½, 5 and 200.
    assert (found["constant"], found["extreme"], found["mean"]) == (0.25, 300.0, 200.0)
    assert (found["spread_ratio"], found["raw_ratio"], found["typical"]) == (100.0, 200.0, 1.0)
    assert (found["column"], found["offset"]) == (3, 2.0)
    assert found["spreads"][0] == [3, 100.0]


def test_images_have_one_scale():
    x = RNG.normal(2.0, 3.0, size=(50, 4, 4, 1))
    found = data_tests.scales(x)
    assert found["spread_ratio"] == pytest.approx(max(1.0, x.std()), rel=0.01) or found["raw_ratio"] == 1.0
    assert found["typical"] == pytest.approx(x.std())
    assert found["offset"] == pytest.approx(abs(x.mean()) / x.std())


def test_targets_of_several_columns():
    y = np.c_[RNG.normal(5, 1, 100), RNG.normal(-50, 7, 100)]
    assert data_tests.targets_scale(y) == pytest.approx({"mean": y[:, 1].mean(), "spread": y[:, 1].std()})


def test_constant_and_silent_columns():
    x, held = X.copy(), HELD.copy()
    x[:, 1] = 4.0
    x[:, 3] = held[:, 3] = 0.0
    held[:, 3] = 2.0
    x[:, 4] = 0.0
    held[:, 4] = np.r_[1.0, np.zeros(99)]  # a rare flag
    assert data_tests.constant_columns(x) == {"share": 0.6, "columns": [1, 3, 4]}
    assert data_tests.silent_columns(x, held) == {"share": 0.2, "columns": [1], "moved": [3]}


def test_a_column_that_lost_some_values_is_not_constant():
    x = np.ones((10, 2))
    x[3, 0] = x[:, 1] = np.nan
    assert data_tests.constant_columns(x) == {"share": 0.5, "columns": [1]}


def test_shares_of_classes():
    y = np.eye(4)[[0, 0, 0, 1, 3]]
    found = data_tests.imbalance("multiclass", y)
    assert (found["largest"], found["smallest"], found["shares"]) == (0.6, 0.2, [0.6, 0.2, 0, 0.2])
    assert data_tests.imbalance("regression", X) == {}
    assert data_tests.imbalance("binary", [[1.0], [np.inf], [np.nan], [1.0]])["shares"] == [0.5, 0.5]


# -- rows in both parts ----------------------------------------------------------------------------------------------


def test_planted_duplicates_are_counted():
    held = HELD.copy()
    held[:20] = X[:20]
    held[20:30] = X[50:60] + 1e-4 * RNG.normal(size=(10, 5))
    y = np.r_[TARGETS[:15], 1 - TARGETS[15:20], np.zeros((80, 1))]
    found = data_tests.duplicates(X, TARGETS, held, y)
    assert (found["count"], found["near"], found["share"], found["within"]) == (20, 10, 0.3, 0.0)
    assert (found["equal_targets"], found["all"], found["leak"]) == (0.75, False, True)


def test_a_test_set_that_is_the_training_set():
    found = data_tests.duplicates(X, TARGETS, X[:100], TARGETS[:100])
    assert found["all"]
    assert found["leak"]
    assert found["equal_targets"] == 1.0


def test_tables_of_few_values_are_alike_by_nature():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x = rng.integers(0, 2, size=(300, 10))
        found = data_tests.duplicates(x[:200], None, x[200:], None)
        # 1024 possible rows: a held-out row meets one of 200 with probability 1 − (1 − 1/1024)²⁰⁰ = 0.18, and so does a
        # training row one of the other 199.
        assert found["share"] == pytest.approx(0.18, abs=0.12)
        assert found["within"] == pytest.approx(0.18, abs=0.12)
        assert found["half"] > 0.9
        assert not found["leak"]
    assert not data_tests.duplicates(CORNERS, None, CORNERS, None)["leak"]


def test_rows_doubled_before_the_split_are_no_chance():
    x = np.repeat(X[:100], 2, axis=0)[RNG.permutation(200)]
    found = data_tests.duplicates(x[:150], None, x[150:], None)
    # A row's other copy is among 149 of the other 199.
    assert found["within"] == pytest.approx(149 / 199, abs=0.12)
    assert found["half"] == 0.0


# -- drift -----------------------------------------------------------------------------------------------------------


def test_no_drift_between_random_parts():
    found = data_tests.drift(X, HELD)
    assert (found["share"], found["mismatch"], found["affine"]["share"]) == (0.0, False, 0.0)
    assert found["ks"] < found["ks_limit"]
    assert abs(found["auc"] - 0.5) < 4 * found["auc_error"]


def test_planted_drift():
    held = HELD.copy()
    held[:, 2] += 3.0
    found = data_tests.drift(X, held)
    assert (found["column"], found["share"]) == (2, 0.2)
    assert found["shift"] == pytest.approx(abs(held[:, 2].mean() - X[:, 2].mean()) / X[:, 2].std())
    assert found["ks"] == pytest.approx(ks_2samp(X[:, 2], held[:, 2]).statistic, abs=0.01)
    assert found["auc"] > 0.95


@pytest.mark.parametrize("kind", ["one-hot", "words"])
def test_rare_values_missing_by_chance_are_no_drift(kind):
    rng = np.random.default_rng(0)
    if kind == "one-hot":
        x = np.eye(60)[rng.integers(0, 60, 300)]
    else:
        shares = 1 / np.arange(1, 201)
        x = np.array([np.bincount(rng.choice(200, 30, p=shares / shares.sum()), minlength=200) for _ in range(300)])
    train, held = x[:240].astype(float), x[240:].astype(float)
    found = data_tests.drift(train, held)
    assert found["share"] < 0.02
    assert found["spread_ratio"] < 100
    # Other units, and other values altogether, are one all the same.
    assert data_tests.drift(train, (held - train.mean(0)) / np.maximum(train.std(0), 0.01))["mismatch"]
    dense = train[:, train.mean(0) > 0.15], held[:, train.mean(0) > 0.15]
    assert kind == "one-hot" or data_tests.drift(dense[0], 255 * dense[1])["mismatch"]


def test_of_very_many_rare_columns_a_share_is_looked_at(monkeypatch):
    rng, asked = np.random.default_rng(0), []
    table, held = ((rng.random((300, 700)) < 0.2) * rng.lognormal(size=(300, 700)) for _ in range(2))
    usual = data_drift.distance
    monkeypatch.setattr(data_drift, "distance", lambda *parts: asked.append(1) or usual(*parts))
    spread = np.where(np.arange(700) < 350, 255.0, 1.0)
    for other, share in ((held, 0.0), (held * 255, 1.0), (held * spread, 0.5)):
        asked.clear()
        _, _, moved = data_drift._moved(table, other)
        assert len(asked) == data_drift.MOST_COLUMNS
        assert moved.mean() == pytest.approx(share, abs=0.01)


def test_standardised_against_raw():
    raw = np.exp(RNG.normal(size=(300, 4))) * [1, 10, 100, 1000] + 5
    train, held = raw[:200], raw[200:]
    scaled = (held - train.mean(0)) / train.std(0)
    affine = data_tests.affine_drift(train, scaled)
    assert affine["share"] >= 0.75
    assert affine["offset"] > 0
    assert (affine["training_standard"], affine["held_standard"]) == (False, True)
    assert data_tests.drift(train, scaled)["mismatch"]
    # Another population is no other unit.
    other = RNG.uniform(50, 60, size=(100, 4))
    assert data_tests.affine_drift(train, other)["share"] <= 0.25


def test_values_between_0_and_1():
    train = RNG.integers(0, 256, size=(200, 6)).astype(float)
    affine = data_tests.affine_drift(train, RNG.integers(0, 256, size=(100, 6)) / 255)
    assert (affine["share"], affine["training_unit"], affine["held_unit"]) == (1.0, False, True)
    assert affine["scale"] == pytest.approx(1 / 255, rel=0.1)


def test_distance_and_area_are_those_of_scipy_and_sklearn():
    one, other = RNG.normal(size=80), np.round(RNG.normal(0.5, 2, size=60), 1)
    assert distance(one, other) == pytest.approx(ks_2samp(one, other).statistic, abs=1 / 60)
    part, score = RNG.integers(0, 2, 200), np.round(RNG.normal(size=200), 1)
    assert area(part, score) == pytest.approx(roc_auc_score(part, score))
    assert area(np.zeros(3, int), np.arange(3.0)) == 0.5
    # P(distance > limit) in samples of one distribution.
    over = [
        ks_2samp(RNG.normal(size=100), RNG.normal(size=100)).statistic > smirnov(0.05, 100, 100) for _ in range(400)
    ]
    assert np.mean(over) < 0.08


# -- labels ----------------------------------------------------------------------------------------------------------


def spoiled(y, share, classes, seed=0):
    """Labels of which a share became another class."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(y)) < share
    return np.where(wrong, (y + rng.integers(1, classes, len(y))) % classes, y)


def overlapping(distance, n=800):
    """Two Gaussian clouds whose centres are so many standard deviations apart."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, n)
    return rng.normal(size=(n, 4)) + distance / 2 * y[:, None], y


@pytest.mark.parametrize("name", ["digits", "cancer", "moons", "overlap"])
def test_a_fifth_of_wrong_labels_is_told_from_clean_ones(name):
    classes = 2
    if name == "digits":
        (x, y), classes = load_digits(return_X_y=True), 10
        x, y = x[:900], y[:900]
    elif name == "cancer":
        x, y = load_breast_cancer(return_X_y=True)
    elif name == "moons":
        x, y = make_moons(600, noise=0.3, random_state=1)
    else:
        x, y = overlapping(2.5)
    task = "multiclass" if classes > 2 else "binary"
    clean = data_tests.label_noise(task, x, y[:, None] if classes == 2 else np.eye(10)[y])
    wrong = spoiled(y, 0.2, classes)
    noisy = data_tests.label_noise(task, x, wrong[:, None] if classes == 2 else np.eye(10)[wrong])
    assert not clean["noisy"]
    assert clean["uniform"] < 0.05
    assert noisy["noisy"]
    assert noisy["uniform"] == pytest.approx(0.2, abs=0.08)


@pytest.mark.parametrize("distance", [1.5, 1.0, 0.5])
def test_classes_that_overlap_are_not_noise(distance):
    x, y = overlapping(distance)
    found = data_tests.label_noise("binary", x, y[:, None])
    assert found["wrong"] > 0.15
    assert not found["noisy"]


def test_overlap_by_closed_form():
    # Two clouds d apart: Φ(−d/2) of all rows are wrong; the surest fifth lies where |x| is largest (by quadrature).
    d = 1.2
    x = np.linspace(-9, 9, 200_001)
    ahead, behind = norm.pdf(x - d / 2), norm.pdf(x + d / 2)
    density = (ahead + behind) / 2
    order = np.argsort(-np.abs(x))
    sure = order[np.cumsum(density[order]) / density.sum() <= 0.2]
    expected = np.minimum(ahead, behind)[sure].sum() / (2 * density[sure].sum())
    assert overlap_alone(norm.cdf(-d / 2), np.array([0.5, 0.5])) == pytest.approx(expected, abs=0.01)
    # Without any information, the answer is the commonest class everywhere.
    assert overlap_alone(0.3, np.array([0.7, 0.3])) == pytest.approx(0.3, abs=0.03)


def test_wrong_labels_among_all_classes_or_one():
    x, y = load_digits(return_X_y=True)
    x, y = x[:700], y[:700]
    everywhere = data_tests.label_noise("multiclass", x, np.eye(10)[spoiled(y, 0.3, 10)])
    flipped = np.where(np.random.default_rng(0).random(len(y)) < 0.3, (y + 1) % 10, y)
    to_one = data_tests.label_noise("multiclass", x, np.eye(10)[flipped])
    assert to_one["evenness"] < 0.5 < everywhere["evenness"]


def test_labels_that_cannot_be_judged():
    assert data_tests.label_noise("regression", X, X[:, :1]) == {}
    assert data_tests.label_noise("binary", X, np.zeros((400, 1))) == {}
    assert data_tests.label_noise("binary", X[:50], TARGETS[:50]) == {}


# -- columns that tell -----------------------------------------------------------------------------------------------


def test_columns_that_carry_information():
    x, y = make_classification(600, 8, n_informative=2, n_redundant=0, n_clusters_per_class=1, class_sep=2.0,
                               shuffle=False, random_state=2)  # fmt: skip
    found = data_tests.predictable_inputs("binary", x, y[:, None])
    assert set(found["columns"]) <= {0, 1}
    assert found["columns"]
    line = data_tests.predictable_inputs("regression", X, 3 * X[:, :1] - 2 * X[:, 3:4])
    assert line["columns"] == [0, 3]
    assert np.argmax(line["permutation"]) == 0
    assert data_tests.predictable_inputs("regression", X, X[:, :1], [0.5, 0, 0, 0, 0])["permutation"][0] == 0.5


def test_leaking_columns():
    y = RNG.normal(size=400)
    x = X.copy()
    x[:, 2] = np.exp(y)
    x[:, 4] = 5 * y + 1
    found = data_tests.leaking_columns_of("regression", x, y[:, None])
    assert {entry[0]: entry[2] for entry in found["columns"]} == {2: "rank", 4: "correlation"}
    assert found["second"] < 0.2
    label = RNG.integers(0, 3, 400)
    x[:, 2], x[:, 4] = label + 0.1 * RNG.random(400), np.array([7.0, 3.0, 5.0])[label]
    found = data_tests.leaking_columns_of("multiclass", x, np.eye(3)[label])
    assert {entry[0]: entry[2] for entry in found["columns"]} == {2: "threshold", 4: "mapping"}
    clean, y = load_breast_cancer(return_X_y=True)
    assert data_tests.leaking_columns_of("binary", clean, y[:, None])["columns"] == []


# -- odd data --------------------------------------------------------------------------------------------------------

ODD = {
    "nan": np.where(RNG.random((60, 3)) < 0.2, np.nan, RNG.normal(size=(60, 3))),
    "all nan": np.full((40, 2), np.nan),
    "infinite": np.where(RNG.random((60, 3)) < 0.1, np.inf, RNG.normal(size=(60, 3))),
    "huge": RNG.normal(size=(60, 2)) * 1e300,
    "tiny": RNG.normal(size=(60, 2)) * 1e-300,
    "constant": np.ones((50, 4)),
    "one row": np.ones((1, 3)),
    "one column": RNG.normal(size=(60, 1)),
    "images": RNG.random((40, 4, 4, 1)).astype(np.float32),
    "bytes": RNG.integers(0, 256, (40, 2, 2, 3)).astype(np.uint8),
    "tokens": RNG.integers(0, 50, (40, 7)),
    "flags": RNG.random((120, 3)) < 0.5,
    "no columns": np.zeros((30, 0)),
    "two inputs": (RNG.normal(size=(60, 2)), RNG.normal(size=(60, 3, 2))),
}


@pytest.mark.parametrize("name", list(ODD))
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_odd_data_never_raise(name):
    x = ODD[name]
    n = len(x[0]) if isinstance(x, tuple) else len(x)
    held = tuple(part[: n // 2] for part in x) if isinstance(x, tuple) else x[: n // 2]
    data_tests.scales(x)
    data_tests.constant_columns(x)
    for other in (x, held):
        data_tests.silent_columns(x, other)
        data_tests.duplicates(x, np.zeros((n, 1)), other, None)
        data_tests.drift(x, other)
        data_tests.affine_drift(x, other)
        data_tests.separability(x, other)
    for task, y in {
        "binary": (np.arange(n) % 2)[:, None] * 1.0, "multiclass": np.eye(3)[np.arange(n) % 3],
        "regression": np.linspace(0, 1, n)[:, None], "multilabel": np.eye(2)[np.arange(n) % 2],
    }.items():  # fmt: skip
        data_tests.predictable_inputs(task, x, y)
        for targets in (y, np.zeros_like(y)):
            data_tests.imbalance(task, targets)
            data_tests.label_noise(task, x, targets)
            data_tests.leaking_columns_of(task, x, targets)


def test_parts_that_do_not_fit():
    for test in (data_tests.drift, data_tests.affine_drift, data_tests.silent_columns):
        assert test(X, HELD[:, :3]) == {}
    assert data_tests.duplicates(X, None, HELD[:, :3], None) == {}
    assert data_tests.separability(X, HELD[:, :3])["auc"] is None


@pytest.mark.parametrize("sizes", [(1, 1), (8, 50), (300, 20)])
@pytest.mark.parametrize("digits", [0, 1, 15])
def test_the_distance_of_two_samples_is_that_of_scipy(sizes, digits):
    rng = np.random.default_rng(sum(sizes))
    for shift in (0.0, 0.7, 9.0):
        one, other = (np.round(rng.normal(move, 1, n), digits) for move, n in zip((0.0, shift), sizes, strict=True))
        for parts in ((one, other), (other, one)):
            assert distance(*parts) == pytest.approx(ks_2samp(*parts).statistic, abs=1e-12)
    # Where one value prevails that the other part lacks, nothing of the difference is seen at the values of one alone.
    assert distance(np.zeros(9), np.full(5, -1.0)) == 1
