"""Whitening: uncorrelated columns of variance one, PCA or ZCA, behind scikit-learn's interface."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from ..data import scaling
from ..models import estimator_files

FITTED = ("mean_", "components_", "variance_")


class Whitening(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Z = (X − mean) U (Λ + ε)^−½ for "pca", times Uᵀ for "zca", the whitened form nearest to X.

    The mathematics is in `jindan.data.scaling.Whitening`. It is computed in float64.

    Args:
        method: "pca" or "zca".
        epsilon: ε ≥ 0, added to the variances.

    Attributes:
        mean_: (features,). `components_`: (features, features) Uᵀ. `variance_`: (features,) Λ, over n, falling.

    >>> X = np.array([[1.0, 0.0], [2.0, 2.0], [3.0, 1.0], [4.0, 5.0]])
    >>> Z = Whitening("zca", epsilon=0.0).fit_transform(X)
    >>> (Z.T @ Z / 4).round(6).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    def __init__(self, method: str = "zca", *, epsilon: float = 1e-6) -> None:
        self.method = method
        self.epsilon = epsilon

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn mean and directions of rows X (n >= 2, features); y is not looked at."""
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        made = scaling.Whitening(self.method, epsilon=self.epsilon).fit(X)
        for name in FITTED:
            setattr(self, name, getattr(made, name))
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Rows (n, features) → whitened rows (n, features)."""
        check_is_fitted(self)
        return self._inner().transform(validate_data(self, X, reset=False, dtype=np.float64))

    def inverse_transform(self, Z: Any) -> np.ndarray:
        """Back to the original units."""
        check_is_fitted(self)
        return self._inner().inverse_transform(check_array(Z, dtype=np.float64))

    def _inner(self) -> scaling.Whitening:
        made = scaling.Whitening(self.method, epsilon=self.epsilon)
        for name in FITTED:
            setattr(made, name, getattr(self, name))
        return made

    def save(self, path: str | Path) -> None:
        """Write settings and directions into a folder."""
        check_is_fitted(self)
        arrays = {name: getattr(self, name) for name in FITTED}
        estimator_files.write(path, "Whitening", *estimator_files.plain(self.get_params(), arrays, self))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Undo `save`.

        Raises:
            FileError: when the folder holds no whitening.
        """
        settings, arrays = estimator_files.read(path, "Whitening")
        model = estimator_files.made(cls, settings)
        for name, value in arrays.items():
            setattr(model, name, value)
        model.n_features_in_ = len(model.mean_)
        return model
