"""KMeans: k-means behind scikit-learn's interface, all restarts in one program."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ..errors import InputError, ShapeError
from ..models import estimator_files, kmeans
from ..models.kmeans import Clustering, fit_members
from ..models.kmeans_batches import fit_batches
from ..models.kmeans_starts import STARTS, draw_starts
from .mixins import ManyMixin
from .settings import check_settings

LLOYD, BATCHES, POINTS = "lloyd", "minibatch", "nearest-point"


class KMeans(ManyMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """k centres that minimise Σ w ‖x − nearest centre‖², from several starts; the best one stays.

    Names are those of `sklearn.cluster.KMeans`, and so are the restarts of a `random_state`; the mathematics is in
    `jindan.models.kmeans`. float32 rows are computed in float32, all others in float64.

    Args:
        n_clusters: k.
        init: "k-means++", "random" rows, or an array (k, features), or of each restart (restarts, k, features).
        n_init: Restarts; "auto" is 1 for "k-means++" and arrays, 10 for "random".
        max_iter: Iterations of a restart at most.
        tol: It has ended when the centres' squared shifts sum to <= tol × the mean variance of the columns.
        algorithm: "lloyd"; "minibatch" for very many rows; "nearest-point", whose centres are rows of the data: the
            one of each cluster that is nearest its mean.
        batch_size: Of "minibatch".
        random_state: Fixes the starts, and the batches.

    Attributes:
        cluster_centers_: (k, features). `labels_`: (rows,). `inertia_`. `n_iter_`.
        members_: All restarts, as `jindan.models.kmeans.Clustering`.

    >>> X = np.array([[1.0, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> model = KMeans(2, n_init=4, random_state=0).fit(X)
    >>> sorted(model.cluster_centers_.tolist()), round(model.inertia_, 9)
    ([[1.0, 2.0], [10.0, 2.0]], 16.0)
    >>> model.transform([[1.0, 2.0]]).min().item()
    0.0
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        n_init: int | str = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        algorithm: str = LLOYD,
        batch_size: int = 1024,
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.algorithm = algorithm
        self.batch_size = batch_size
        self.random_state = random_state

    # -- fitting -----------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Find the centres of rows X (n, features) with weights (n,); y is not looked at.

        Raises:
            InputError: settings that cannot be used, or more clusters than rows.
        """
        X = validate_data(self, X, dtype=[np.float64, np.float32], order="C")
        self._check(len(X))
        weight = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
        if not weight.any():
            raise InputError("All rows have weight 0.", where="sample_weight", expected="a weight above 0")
        random = check_random_state(self.random_state)
        starts = self._starts(X, weight, random)
        if self.algorithm == BATCHES:
            seeds = [int(s) for s in random.randint(2**31 - 1, size=len(starts))]
            self.members_ = fit_batches(X, starts, seeds, weight=weight, batch_size=self.batch_size,
                                        max_iter=self.max_iter, tol=self.tol)  # fmt: skip
        else:
            center = kmeans.POINT if self.algorithm == POINTS else kmeans.MEAN
            self.members_ = fit_members(X, starts, weight=weight, max_iter=self.max_iter, tol=self.tol, center=center)
        self._adopt(min(self.members_, key=lambda member: member.inertia))
        distinct = len(np.unique(self.labels_))
        if distinct < self.n_clusters:
            warnings.warn(
                f"Only {distinct} of {self.n_clusters} clusters have rows: X may hold fewer distinct rows than "
                "clusters. Lower n_clusters.", ConvergenceWarning, stacklevel=2,
            )  # fmt: skip
        return self

    def _check(self, rows: int) -> None:
        named = isinstance(self.init, str)
        wanted = {
            "n_clusters": (self.n_clusters >= 1, ">= 1"),
            "n_init": (self.n_init == "auto" if isinstance(self.n_init, str) else self.n_init >= 1, '"auto" or >= 1'),
            "max_iter": (self.max_iter >= 1, ">= 1"),
            "tol": (self.tol >= 0, ">= 0"),
            "algorithm": (self.algorithm in (LLOYD, BATCHES, POINTS), f'"{LLOYD}", "{BATCHES}" or "{POINTS}"'),
            "batch_size": (self.batch_size >= 1, ">= 1"),
            "init": (not named or self.init in STARTS, f'"{STARTS[0]}", "{STARTS[1]}" or an array'),
        }
        check_settings(self, wanted)
        if rows < self.n_clusters:
            raise InputError(
                f"There are more clusters than rows: n_samples={rows}, n_clusters={self.n_clusters}.", where="X",
                expected=f"at least {self.n_clusters} rows", received=rows, help="Lower n_clusters.",
            )  # fmt: skip

    def _starts(self, X: np.ndarray, weight: np.ndarray, random: Any) -> Sequence[np.ndarray]:
        if isinstance(self.init, str):
            restarts = {"k-means++": 1, "random": 10}[self.init] if self.n_init == "auto" else int(self.n_init)
            middle = X.mean(0)
            moved = draw_starts(X - middle, self.n_clusters, restarts, random, init=self.init, weight=weight)
            return [start + middle for start in moved]
        given = np.asarray(self.init, X.dtype)
        given = given[None] if given.ndim == 2 else given
        if given.ndim != 3 or given.shape[1:] != (self.n_clusters, X.shape[1]):
            raise ShapeError("The centres to start from have the wrong shape.", where="init", received=given.shape,
                             expected=f"({self.n_clusters}, {X.shape[1]}), or of several restarts")  # fmt: skip
        if self.n_init not in ("auto", len(given)):
            warnings.warn(f"init holds {len(given)} start(s), so n_init={self.n_init} is not used.", RuntimeWarning,
                          stacklevel=3)  # fmt: skip
        return list(given)

    def _adopt(self, best: Clustering) -> None:
        self.cluster_centers_, self.labels_ = best.centers, best.labels
        self.inertia_, self.n_iter_ = best.inertia, best.iterations

    # -- using -------------------------------------------------------------------------------------------------------

    def predict(self, X: Any) -> np.ndarray:
        """The number of the nearest centre of each row (rows,)."""
        return kmeans.nearest(self._rows(X), self.cluster_centers_)

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> np.ndarray:
        """`fit`, then `labels_`."""
        return self.fit(X, sample_weight=sample_weight).labels_

    def transform(self, X: Any) -> np.ndarray:
        """Distances of rows to the centres (rows, k)."""
        return kmeans.distances(self._rows(X), self.cluster_centers_)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """−Σ w ‖x − nearest centre‖²."""
        X = self._rows(X)
        weight = _check_sample_weight(sample_weight, X, dtype=X.dtype)
        return -kmeans.inertia(X, self.cluster_centers_, kmeans.nearest(X, self.cluster_centers_), weight)

    @property
    def _n_features_out(self) -> int:
        return len(self.cluster_centers_)

    def _rows(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return validate_data(self, X, reset=False, dtype=[np.float64, np.float32], order="C")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    # -- keeping -----------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write settings, centres and labels into a folder; of several restarts the best."""
        check_is_fitted(self)
        settings = {**self.get_params(), "inertia_": float(self.inertia_), "n_iter_": int(self.n_iter_)}
        arrays = {"centers": self.cluster_centers_, "labels": self.labels_}
        if not isinstance(settings["init"], str):
            arrays["init"] = np.asarray(settings.pop("init"))
        estimator_files.write(path, "KMeans", *estimator_files.plain(settings, arrays, self))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Undo `save`.

        Raises:
            FileError: when the folder holds no k-means.
        """
        settings, arrays = estimator_files.read(path, "KMeans")
        found = settings.pop("inertia_"), settings.pop("n_iter_")
        settings |= {"init": arrays.pop("init")} if "init" in arrays else {}
        return restored(cls, settings, arrays, found)


def restored(cls: Any, settings: dict[str, Any], arrays: dict[str, np.ndarray], found: tuple[float, int]) -> Any:
    """A KMeans from what its `save` wrote."""
    model = estimator_files.made(cls, settings)
    model.n_features_in_ = arrays["centers"].shape[1]
    model.members_ = [Clustering(arrays["centers"], arrays["labels"], found[0], found[1], True)]
    model._adopt(model.members_[0])
    return model
