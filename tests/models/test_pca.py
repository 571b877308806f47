"""Principal components against scikit-learn and against float64."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import decomposition

from jindan.errors import InputError
from jindan.models.pca import principal

RNG = np.random.default_rng(0)
SCALES = 2.0 ** -np.arange(12)
TALL = RNG.normal(size=(5000, 12)) * SCALES @ np.linalg.qr(RNG.normal(size=(12, 12)))[0] + 3
WIDE = RNG.normal(size=(9, 12)) * SCALES @ np.linalg.qr(RNG.normal(size=(12, 12)))[0] + 3
# With n rows centred, one direction has no variance and its vector is arbitrary.
KEPT = {"tall": (TALL, 12), "wide": (WIDE, 8), "short": (TALL[:13], 12)}


@pytest.mark.parametrize("solver", ["full", "covariance", "randomized"])
@pytest.mark.parametrize("case", KEPT)
def test_as_scikit_learn(solver, case):
    x, count = KEPT[case]
    found = principal(x, count, solver=solver)
    wanted = decomposition.PCA(count, svd_solver="full").fit(x)
    np.testing.assert_allclose(found.variance, wanted.explained_variance_, rtol=1e-7)
    np.testing.assert_allclose(found.directions, wanted.components_, atol=1e-6)
    assert found.total == pytest.approx(x.var(0, ddof=1).sum())


@pytest.mark.parametrize("solver", ["full", "covariance", "randomized"])
def test_float32_loses_nothing(solver):
    """Directions of float32 rows, far from 0, against float64 ones of the same rows."""
    x = (TALL + 20).astype(np.float32)
    found, wanted = principal(x, 6, solver=solver), principal(x.astype(np.float64), 6, solver="full")
    assert found.directions.dtype == np.float32
    np.testing.assert_allclose(found.directions, wanted.directions, atol=1e-4)
    np.testing.assert_allclose(found.variance, wanted.variance, rtol=1e-4)


def test_a_share_of_the_variance():
    for share in (0.5, 0.9, 0.999):
        wanted = decomposition.PCA(share).fit(TALL)
        assert len(principal(TALL, share).directions) == wanted.n_components_


def test_constant_columns():
    found = principal(np.ones((5, 3)))
    assert found.total == 0
    np.testing.assert_array_equal(found.variance, 0)
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(3), atol=1e-12)
    assert len(principal(np.ones((5, 3)), 0.5).directions) >= 1


@pytest.mark.parametrize("count", [0, 13, -1, 1.5, True, "mle", 0.0])
def test_numbers_of_components(count):
    with pytest.raises(InputError, match="n_components"):
        principal(TALL, count)


def test_errors():
    with pytest.raises(InputError, match="One row"):
        principal(TALL[:1])
    with pytest.raises(InputError, match="share"):
        principal(TALL, 0.5, solver="randomized")
    with pytest.raises(InputError, match="svd_solver"):
        principal(TALL, 2, solver="arpack")
