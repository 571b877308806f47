"""Simple models as references: what each can and cannot learn, standard errors, odd rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_wine, make_moons
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, balanced_accuracy_score, r2_score
from sklearn.preprocessing import StandardScaler

from jindan.doctor.references import (
    Reference,
    bags,
    ceiling,
    importances,
    references,
    sampled,
    some,
    standardising,
    table_of,
)

RNG = np.random.default_rng(5)
X = RNG.normal(size=(240, 4))
LINE = 2 * X[:, :1] - 3 * X[:, 1:2] + 0.1 * RNG.normal(size=(240, 1))


def by_name(found):
    return {one.name: one for one in found}


def test_the_linear_model_is_sklearns():
    found = by_name(
        references("regression", X[:160] * [1, 10, 1, 1000], LINE[:160], X[160:] * [1, 10, 1, 1000], LINE[160:])
    )
    scaler = StandardScaler().fit(X[:160])
    model = Ridge(1.0).fit(scaler.transform(X[:160]), LINE[:160, 0])
    held, own = (r2_score(LINE[rows, 0], model.predict(scaler.transform(X[rows]))) for rows in
                 (slice(160, None), slice(160)))  # fmt: skip
    assert found["linear"].score == pytest.approx(held)
    assert found["linear"].train_score == pytest.approx(own)
    assert found["trivial"].score == 0
    assert ceiling(list(found.values())) is found["linear"]


def test_accuracy_and_balanced_accuracy():
    x, y = load_wine(return_X_y=True)
    rows = RNG.permutation(len(x))
    x, y = x[rows], y[rows]
    found = by_name(references("multiclass", x[:120], np.eye(3)[y[:120]], x[120:], np.eye(3)[y[120:]]))
    scaler = StandardScaler().fit(x[:120])
    answers = (
        LogisticRegression(max_iter=200).fit(scaler.transform(x[:120]), y[:120]).predict(scaler.transform(x[120:]))
    )
    linear = found["linear"]
    assert linear.score == pytest.approx(accuracy_score(y[120:], answers))
    assert linear.balanced == pytest.approx(balanced_accuracy_score(y[120:], answers))
    p = min(linear.score, 1 - 0.5 / 58)
    assert linear.error == pytest.approx(np.sqrt(p * (1 - p) / 58))
    assert found["trivial"].balanced == pytest.approx(1 / 3)


def test_what_is_curved_is_left_to_neighbours_and_trees():
    x, y = make_moons(400, noise=0.1, random_state=0)
    found = by_name(references("binary", x, y[:, None]))  # over folds of the training rows
    assert min(found["knn"].score, found["trees"].score) > 0.97 > 0.92 > found["linear"].score
    assert found["trees"].score < 1.0 or found["trees"].train_score == 1.0


def test_error_of_r2_against_redraws():
    x = RNG.normal(size=(60_000, 1))
    y = x + RNG.normal(size=x.shape)
    scores, errors = [], []
    for k in range(12):
        rows = slice(k * 200, (k + 1) * 200)
        found = by_name(references("regression", x[-200:], y[-200:], x[rows], y[rows]))["linear"]
        scores.append(found.score)
        errors.append(found.error)
    assert np.mean(errors) == pytest.approx(np.std(scores), rel=0.6)


def test_several_labels_and_targets():
    y = np.c_[X[:, 0] > 0, X[:, 1] > 0, X[:, 2] > 1] * 1.0
    found = by_name(references("multilabel", X, y))
    assert found["linear"].score > 0.95
    both = by_name(references("regression", X, np.c_[LINE, X[:, 3:]]))
    assert both["linear"].score > 0.95


def test_words_are_counted():
    x = RNG.integers(1, 50, size=(300, 12))
    y = (np.sum(x == 7, axis=1) > 0) * 1.0
    x[y == 0] = np.where(x[y == 0] == 7, 8, x[y == 0])
    plain, counted = (by_name(references("binary", x, y[:, None], tokens=tokens)) for tokens in (False, True))
    assert counted["linear"].score > 0.95 > plain["linear"].score
    table, held = bags(np.array([[3, 3], [4, 5]]), np.array([[9, 4]]))
    assert np.expm1(table).round().tolist() == [[2, 0, 0], [0, 1, 1]]
    assert np.expm1(held).round().tolist() == [[0, 1, 0]]
    assert bags(RNG.integers(0, 500, (50, 20)), most=10)[0].shape == (50, 10)


def test_many_columns_and_rows():
    x = RNG.random(size=(40, 12, 12, 1)).astype(np.float32)
    assert standardising(table_of(x))(table_of(x)).shape == (40, 40)
    assert sampled(np.zeros((5000, 10)), cells=100).shape == (2000, 10)
    assert some(10, 4).tolist() == sorted(set(some(10, 4).tolist()))
    found = references("binary", x, (np.arange(40) % 2)[:, None])
    assert [one.name for one in found] == ["trivial", "linear", "knn", "trees"]


def test_importances():
    found = importances("regression", X, LINE)
    drop, error = np.array(found["drop"]), np.array(found["error"])
    assert found["score"] > 0.7
    assert set(np.flatnonzero(drop > 2 * error)) == {0, 1}
    assert drop[1] > drop[0]
    x = np.c_[X, np.ones(240)]
    assert np.isnan(importances("regression", x, LINE)["drop"][4])
    assert importances("regression", X[:10], LINE[:10]) == {}


def test_the_best_of_none():
    assert ceiling([]) is None
    assert ceiling([Reference("a", float("nan"), 0.0)]) is None


ODD = {
    "one row": np.ones((1, 3)), "two rows": np.eye(2), "constant": np.ones((50, 2)),
    "nan": np.where(RNG.random((50, 3)) < 0.3, np.nan, 1e200 * RNG.normal(size=(50, 3))),
    "images": RNG.integers(0, 256, (40, 2, 2, 3)).astype(np.uint8), "no columns": np.zeros((30, 0)),
    "two inputs": (RNG.normal(size=(50, 2)), RNG.normal(size=(50, 2, 2))),
}  # fmt: skip


@pytest.mark.parametrize("name", list(ODD))
@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression", "other"])
def test_odd_rows_never_raise(name, task):
    x = ODD[name]
    n = len(x[0]) if isinstance(x, tuple) else len(x)
    several = np.eye(3)[np.arange(n) % 3]
    targets = {"binary": several[:, :1], "multiclass": several, "multilabel": several}.get(
        task, RNG.normal(size=(n, 1))
    )
    for y in (targets, np.zeros_like(targets), np.full_like(targets, np.nan)):
        found = references(task, x, y, x, y, balanced=True)
        assert all(np.isfinite(one.score) and 0 <= one.score <= 1 for one in found)
    assert all(0 <= one.score <= 1 for one in references(task, x, targets))
    importances(task, x, targets)
    assert references(task, x, targets, x, np.full_like(targets, np.nan)) is not None
