"""PCA: principal components behind scikit-learn's interface."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from ..errors import ShapeError
from ..models import estimator_files, pca
from .mixins import ManyMixin
from .settings import check_settings

FITTED = ("components_", "explained_variance_", "explained_variance_ratio_", "singular_values_", "mean_")
NUMBERS = ("noise_variance_", "n_samples_", "n_components_", "svd_solver_")


class PCA(ManyMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Z = (X − mean) Vᵀ, V being the directions of greatest variance; whitened, each column over its deviation.

    Names and signs are those of `sklearn.decomposition.PCA`; the mathematics is in `jindan.models.pca`. float32 rows
    stay float32, all others are float64.

    Args:
        n_components: How many; a share in (0, 1) takes as many as explain more than that; None all.
        whiten: Whether the columns of Z have variance one.
        svd_solver: "auto", "full", "covariance" or "randomized".
        iterated_power: Of "randomized": power iterations, or "auto".
        n_oversamples: Of "randomized": directions more than asked for.
        random_state: Of "randomized".

    Attributes:
        components_: (components, features). `explained_variance_`, `explained_variance_ratio_`, `singular_values_`:
            (components,). `mean_`: (features,).
        noise_variance_: Mean variance of the directions left out: σ² of the probabilistic model.
        svd_solver_: The one used.

    >>> X = np.array([[-1.0, -1], [-2, -1], [-3, -2], [1, 1], [2, 1], [3, 2]])
    >>> model = PCA(n_components=1).fit(X)
    >>> model.explained_variance_ratio_.round(4).tolist(), model.transform(X).shape
    ([0.9924], (6, 1))
    """

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        whiten: bool = False,
        svd_solver: str = "auto",
        iterated_power: int | str = "auto",
        n_oversamples: int = 10,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.whiten = whiten
        self.svd_solver = svd_solver
        self.iterated_power = iterated_power
        self.n_oversamples = n_oversamples
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the components of rows X (n >= 2, features); y is not looked at."""
        X = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        power = self.iterated_power
        check_settings(self, {
            "svd_solver": (self.svd_solver in pca.SOLVERS, " or ".join(f'"{s}"' for s in pca.SOLVERS)),
            "iterated_power": (power == "auto" if isinstance(power, str) else power >= 0, '"auto" or >= 0'),
            "n_oversamples": (self.n_oversamples >= 1, ">= 1"),
        })  # fmt: skip
        found = pca.principal(
            X, self.n_components, solver=self.svd_solver, random=check_random_state(self.random_state),
            power=None if isinstance(power, str) else int(power), oversample=self.n_oversamples,
        )  # fmt: skip
        rows, features = X.shape
        count, variance = len(found.directions), found.variance.astype(np.float64)
        self.components_, self.mean_, self.explained_variance_ = found.directions, found.mean, found.variance
        # Of constant columns nothing is there to be explained.
        self.explained_variance_ratio_ = (variance / (found.total if found.total > 0 else 1.0)).astype(X.dtype)
        self.singular_values_ = np.sqrt(variance * (rows - 1)).astype(X.dtype)
        rest = min(rows, features) - count
        self.noise_variance_ = max(0.0, found.total - float(variance.sum())) / rest if rest else 0.0
        self.n_samples_, self.n_components_, self.svd_solver_ = rows, count, found.solver
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Rows (n, features) → (n, components)."""
        Z = (self._rows(X) - self.mean_) @ self.components_.T
        return Z / self._deviations() if self.whiten else Z

    def inverse_transform(self, Z: Any) -> np.ndarray:
        """(n, components) → rows (n, features): the nearest ones in the span of the components."""
        check_is_fitted(self)
        Z = check_array(Z, dtype=[np.float64, np.float32])
        if Z.shape[1] != self.n_components_:
            raise ShapeError("The array has another width.", where="Z", expected=f"(rows, {self.n_components_})",
                             received=Z.shape)  # fmt: skip
        return (Z * self._deviations() if self.whiten else Z) @ self.components_ + self.mean_

    def score_samples(self, X: Any) -> np.ndarray:
        """log p(x) of each row (rows,), nats, of the normal distribution with covariance V (Λ − σ² I) Vᵀ + σ² I
        (Tipping and Bishop, "Probabilistic principal component analysis", 1999). −∞ off a span without noise."""
        moved = self._rows(X).astype(np.float64) - self.mean_
        features, count = moved.shape[1], self.n_components_
        variance, noise = self.explained_variance_.astype(np.float64), self.noise_variance_
        inside = moved @ self.components_.T.astype(np.float64)
        tiny = np.finfo(np.float64).tiny
        variance, noise = np.maximum(variance, tiny), max(noise, tiny)
        left = features - count
        outside = np.maximum((moved**2).sum(1) - (inside**2).sum(1), 0) if left else 0.0
        spread = np.log(variance).sum() + left * np.log(noise)
        return -0.5 * ((inside**2 / variance).sum(1) + outside / noise + spread + features * np.log(2 * np.pi))

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of `score_samples`."""
        return float(np.mean(self.score_samples(X)))

    def get_covariance(self) -> np.ndarray:
        """The model's covariance (features, features): V (Λ − σ² I) Vᵀ + σ² I."""
        check_is_fitted(self)
        more = np.maximum(self.explained_variance_ - self.noise_variance_, 0)
        return (self.components_.T * more) @ self.components_ + self.noise_variance_ * np.eye(len(self.mean_))

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def _deviations(self) -> np.ndarray:
        found = np.sqrt(self.explained_variance_)
        # Directions of no variance stay near 0 rather than blow up rounding errors.
        return np.maximum(found, np.finfo(found.dtype).eps * max(float(found.max(initial=0)), 1e-30))

    def _rows(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return validate_data(self, X, reset=False, dtype=[np.float64, np.float32])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def save(self, path: str | Path) -> None:
        """Write settings and components into a folder."""
        check_is_fitted(self)
        settings = {**self.get_params(), **{name: getattr(self, name) for name in NUMBERS}}
        estimator_files.write(
            path, "PCA", *estimator_files.plain(settings, {name: getattr(self, name) for name in FITTED}, self)
        )

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Undo `save`.

        Raises:
            FileError: when the folder holds no PCA.
        """
        settings, arrays = estimator_files.read(path, "PCA")
        numbers = {name: settings.pop(name) for name in NUMBERS}
        model = estimator_files.made(cls, settings)
        for name, value in (numbers | arrays).items():
            setattr(model, name, value)
        model.n_features_in_ = len(model.mean_)
        return model
