"""k-means against scikit-learn from the same centres, alone and among others, and where data are degenerate."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import cluster

from jindan.errors import InputError, ShapeError, UnknownNameError
from jindan.models import kmeans
from jindan.models.kmeans import fit_members
from jindan.models.kmeans_batches import fit_batches
from jindan.models.kmeans_starts import draw_starts

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1501, 5)) + 1000  # far from the origin; two blocks of rows, the last one not full
WEIGHT = RNG.random(len(X)) * (RNG.random(len(X)) > 0.2)
STARTS = [X[RNG.choice(len(X), 7, replace=False)] for _ in range(4)]


def theirs(start, **given):
    settings = {name: given.pop(name) for name in list(given) if name != "sample_weight"}
    return cluster.KMeans(len(start), init=start, n_init=1, **settings).fit(X, **given)


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("settings", [{}, {"max_iter": 3}, {"tol": 0.0}, {"tol": 0.01}])
def test_same_centres_as_scikit_learn(weight, settings):
    for found, start in zip(fit_members(X, STARTS, weight=weight, **settings), STARTS, strict=True):
        wanted = theirs(start, sample_weight=weight, **settings)
        np.testing.assert_allclose(found.centers, wanted.cluster_centers_, atol=1e-8)
        np.testing.assert_array_equal(found.labels, wanted.labels_)
        assert found.inertia == pytest.approx(wanted.inertia_, rel=1e-9)
        # At tol 0 the end may hang on whether a shift rounds to exactly 0.
        assert abs(found.iterations - wanted.n_iter_) <= (settings.get("tol") == 0)


@pytest.mark.parametrize("shards", [1, 2])
def test_empty_clusters_are_refilled(monkeypatch, shards):
    monkeypatch.setattr(kmeans, "ALONE", 0 if shards == 2 else np.inf)
    start = np.vstack([X[:3], X[:1] + 500])
    found, wanted = fit_members(X, [start], max_iter=1)[0], theirs(start, max_iter=1)
    np.testing.assert_allclose(found.centers, wanted.cluster_centers_, atol=1e-8)
    # Of several empty ones, which gets which row is not settled.
    start = np.vstack([X[:3], X[:2] + np.array([[500], [600]])])
    found, wanted = fit_members(X, [start])[0], theirs(start)
    np.testing.assert_allclose(np.sort(found.centers, 0), np.sort(wanted.cluster_centers_, 0), atol=1e-8)


@pytest.mark.parametrize("center", ["mean", "point"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_member_is_the_same_alone(center, dtype):
    x, starts = (X - 1000).astype(dtype), [(s - 1000).astype(dtype) for s in STARTS]
    among = fit_members(x, starts, center=center)
    for member, start in zip(among, starts, strict=True):
        alone = fit_members(x, [start], center=center)[0]
        np.testing.assert_array_equal(alone.centers, member.centers)
        np.testing.assert_array_equal(alone.labels, member.labels)
        assert alone.iterations == member.iterations


def test_numbers_of_clusters_may_differ():
    for count, found in zip((1, 3, 7), fit_members(X, [STARTS[0][:n] for n in (1, 3, 7)]), strict=True):
        wanted = theirs(STARTS[0][:count])
        np.testing.assert_allclose(found.centers, wanted.cluster_centers_, atol=1e-8)


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_points_stay_rows(weight):
    """Against the same iteration in NumPy."""
    for found, start in zip(fit_members(X, STARTS, weight=weight, center="point"), STARTS, strict=True):
        centers, w, before = start, np.ones(len(X)) if weight is None else weight, None
        while True:
            labels = ((X[:, None] - centers) ** 2).sum(2).argmin(1)
            if before is not None and np.array_equal(labels, before):
                break
            before, new = labels, []
            for c in range(len(centers)):
                mine = np.flatnonzero((labels == c) & (w > 0))
                mean = np.average(X[mine], axis=0, weights=w[mine])
                new.append(X[mine[((X[mine] - mean) ** 2).sum(1).argmin()]])
            centers = np.array(new)
        np.testing.assert_allclose(found.centers, centers, atol=1e-9)
        assert {tuple(c.round(6)) for c in found.centers} <= {tuple(x.round(6)) for x in X}


def test_starts_are_those_of_scikit_learn():
    ours = draw_starts(X - 1000, 6, 3, np.random.RandomState(5))
    random = np.random.RandomState(5)
    for start in ours:
        np.testing.assert_array_equal(start, cluster.kmeans_plusplus(X - 1000, 6, random_state=random)[0])


def test_batches_come_near_all_rows():
    x = X - 1000
    middles = 8 * np.eye(5)
    x = x + middles[np.arange(len(x)) % 5]
    starts = draw_starts(x, 5, 3, np.random.RandomState(0))
    found = fit_batches(x, starts, [1, 2, 3], batch_size=100)
    best = min(m.inertia for m in fit_members(x, starts))
    assert min(m.inertia for m in found) < 1.03 * best
    alone = fit_batches(x, starts[1:2], [2], batch_size=100)[0]
    np.testing.assert_array_equal(alone.centers, found[1].centers)
    assert all(m.converged and m.iterations < 100 for m in found)


@pytest.mark.parametrize(
    ("x", "clusters"), [(np.ones((9, 2)), 1), (np.ones((9, 2)), 3), (np.array([[2.0, 5.0]]), 1), (np.eye(3), 3)]
)
def test_degenerate_rows(x, clusters):
    for center in ("mean", "point"):
        found = fit_members(x, [x[:clusters]], center=center)[0]
        assert found.inertia == 0
        assert np.isfinite(found.centers).all()
        np.testing.assert_allclose(found.centers[found.labels], x)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (lambda: fit_members(np.array([[np.nan]]), [np.ones((1, 1))]), InputError),
        (lambda: fit_members(X, [np.ones((2, 4))]), ShapeError),
        (lambda: fit_members(X, []), InputError),
        (lambda: fit_members(X, STARTS, weight=np.zeros(len(X))), InputError),
        (lambda: fit_members(X, STARTS, tol=-1), InputError),
        (lambda: fit_members(X, STARTS, center="median"), InputError),
        (lambda: fit_members(X[:0], STARTS), ShapeError),
        (lambda: fit_batches(X, STARTS, [0]), InputError),
        (lambda: draw_starts(X[:3], 4, 1, np.random.RandomState(0)), InputError),
        (lambda: draw_starts(X, 4, 1, np.random.RandomState(0), init="best"), UnknownNameError),
    ],
)
def test_errors(given, kind):
    with pytest.raises(kind):
        given()
