"""KMeans, PCA and Whitening behind scikit-learn's interface."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn import cluster, decomposition
from sklearn.base import clone
from sklearn.datasets import load_iris, make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from jindan.data import scaling
from jindan.errors import FileError, InputError, ShapeError
from jindan.estimators import PCA, KMeans, Whitening, load

IRIS = load_iris().data
BLOBS = make_blobs(500, 6, centers=9, cluster_std=2.0, random_state=3)[0]
# scikit-learn's own KMeans is excused too: draws of starts differ when rows of weight 0 are left out.
EXCUSED = {"check_sample_weight_equivalence_on_dense_data": "starts are drawn among other rows"}
SAVED = [KMeans(3, random_state=0), KMeans(2, init=IRIS[[0, 100]]), PCA(2, whiten=True), Whitening("pca")]


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        *(KMeans(3, algorithm=a, random_state=0, max_iter=20) for a in ("lloyd", "minibatch", "nearest-point")),
        PCA(),
        PCA(1, svd_solver="randomized", random_state=0),
        PCA(svd_solver="full", whiten=True),
        Whitening("pca"),
        Whitening("zca"),
    ],
    expected_failed_checks=lambda model: EXCUSED if isinstance(model, KMeans) else {},
)
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize("seed", range(5))
def test_inertia_at_equal_restarts(init, seed):
    given = {"init": init, "n_init": 5, "random_state": seed}
    ours, theirs = KMeans(9, **given).fit(BLOBS), cluster.KMeans(9, **given).fit(BLOBS)
    assert ours.inertia_ <= theirs.inertia_ * (1 + 1e-9)
    assert len(ours.members_) == 5
    assert ours.score(BLOBS) == pytest.approx(-ours.inertia_)
    np.testing.assert_array_equal(ours.predict(BLOBS), ours.labels_)
    np.testing.assert_allclose(ours.transform(BLOBS).min(1) ** 2 @ np.ones(500), ours.inertia_)


def test_fewer_rows_than_clusters_and_equal_rows():
    with pytest.raises(InputError, match="more clusters than rows"):
        KMeans(5).fit(IRIS[:4])
    for algorithm in ("lloyd", "minibatch", "nearest-point"):
        with pytest.warns(ConvergenceWarning, match="Only 1 of 3"):
            model = KMeans(3, algorithm=algorithm, random_state=0).fit(np.ones((6, 2)))
        assert model.inertia_ == 0
    assert KMeans(1).fit([[1.0, 2.0]]).cluster_centers_.tolist() == [[1, 2]]


def test_points_are_rows():
    model = KMeans(3, algorithm="nearest-point", n_init=4, random_state=0).fit(IRIS)
    assert {tuple(c) for c in model.cluster_centers_.round(6)} <= {tuple(x) for x in IRIS.round(6)}
    assert model.inertia_ >= KMeans(3, n_init=4, random_state=0).fit(IRIS).inertia_


@pytest.mark.parametrize(
    "settings",
    [{"n_clusters": 0}, {"n_init": 0}, {"n_init": "many"}, {"tol": -1}, {"algorithm": "elkan"}, {"init": "best"}],
)
def test_errors_of_kmeans(settings):
    with pytest.raises(InputError):
        KMeans(**{"n_clusters": 2, **settings}).fit(IRIS)
    with pytest.raises(ShapeError):
        KMeans(2, init=IRIS[:3]).fit(IRIS)


@pytest.mark.parametrize("count", [2, 4, 0.9, None])
@pytest.mark.parametrize("whiten", [False, True])
def test_pca_as_scikit_learn(count, whiten):
    ours, theirs = PCA(count, whiten=whiten).fit(IRIS), decomposition.PCA(count, whiten=whiten).fit(IRIS)
    for name in ("components_", "explained_variance_ratio_", "singular_values_", "noise_variance_", "mean_"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=1e-9)
    Z = ours.transform(IRIS)
    np.testing.assert_allclose(Z, theirs.transform(IRIS), atol=1e-9)
    np.testing.assert_allclose(ours.inverse_transform(Z), theirs.inverse_transform(Z), atol=1e-9)
    # The density of X does not depend on how Z is scaled; scikit-learn's does, as it scales the components twice.
    density = decomposition.PCA(count).fit(IRIS)
    np.testing.assert_allclose(ours.score_samples(IRIS), density.score_samples(IRIS), rtol=1e-7)
    np.testing.assert_allclose(ours.get_covariance(), density.get_covariance(), atol=1e-9)
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())


@pytest.mark.parametrize("method", ["pca", "zca"])
def test_whitening(method):
    model = Whitening(method, epsilon=0.0).fit(IRIS)
    Z = model.transform(IRIS)
    np.testing.assert_allclose(Z.T @ Z / len(Z), np.eye(4), atol=1e-9)
    np.testing.assert_allclose(model.inverse_transform(Z), IRIS)
    np.testing.assert_array_equal(Z, scaling.Whitening(method, epsilon=0.0).fit_transform(IRIS))
    with pytest.raises(InputError):
        Whitening("cholesky").fit(IRIS)


@pytest.mark.parametrize("model", SAVED, ids=lambda m: type(m).__name__)
def test_saved_and_loaded(tmp_path, model):
    model = clone(model).fit(IRIS)
    model.save(tmp_path / "m")
    again = type(model).load(tmp_path / "m")
    np.testing.assert_array_equal(again.transform(IRIS), model.transform(IRIS))
    assert str(again.get_params()) == str(model.get_params())
    assert vars(again).keys() == vars(model).keys()
    with pytest.raises(FileError, match="no such model"):
        type(model).load(tmp_path)


def test_any_estimator_is_loaded_by_one_function(tmp_path):
    for number, model in enumerate(SAVED):
        clone(model).fit(IRIS).save(tmp_path / str(number))
        assert type(load(tmp_path / str(number))) is type(model)
    with pytest.raises(FileError, match="no estimator"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["PCA", "Whitening"])
def test_what_needs_no_jax_does_not_import_it(name):
    code = f"import sys; from jindan.estimators import {name}; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
