"""Scalers of numeric columns: by the sum, min–max, z-score, whitening; simple to complex."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jindan.errors import InputError, ShapeError, StateError, UnknownNameError

Matrix = NDArray[np.float64]


class Transform:
    """Base of the NumPy transforms: `fit`, `transform`, `fit_transform`, and a state that JSON can hold.

    The state's floats come back bit for bit: Python writes the shortest decimal that reads as the same float64.
    """

    _options: ClassVar[tuple[str, ...]] = ()
    _fitted: ClassVar[tuple[str, ...]] = ()

    def fit(self, X: ArrayLike) -> Self:
        """Learn from rows; X has shape (rows, columns)."""
        raise NotImplementedError

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Apply what was learnt."""
        raise NotImplementedError

    def fit_transform(self, X: ArrayLike) -> NDArray[Any]:
        """`fit`, then `transform` of the same rows."""
        return self.fit(X).transform(X)

    def to_dict(self) -> dict[str, Any]:
        """Options and learnt values as plain lists."""
        state: dict[str, Any] = {"type": type(self).__name__}
        state |= {name: _plain(getattr(self, name)) for name in self._options}
        return state | {name: _plain(getattr(self, name)) for name in self._fitted if hasattr(self, name)}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """The transform whose `to_dict` gave this state."""
        made = cls(**{name: state[name] for name in cls._options})
        for name in cls._fitted:
            if name in state:
                setattr(made, name, made._restore(name, state[name]))
        return made

    def _restore(self, name: str, value: Any) -> Any:
        return np.asarray(value, np.float64) if isinstance(value, list) else value

    def _need(self, name: str) -> Any:
        if not hasattr(self, name):
            raise StateError(
                f"{type(self).__name__} has learnt nothing yet.",
                expected="fit before transform",
                help="Call fit first.",
            )
        return getattr(self, name)


class _PerColumn(Transform):
    """x ↦ (x - offset) / scale, column by column; NaN stays NaN and is left out of the statistics."""

    _offset = "offset_"
    _fitted: ClassVar[tuple[str, ...]] = ("offset_", "scale_")

    def transform(self, X: ArrayLike) -> Matrix:
        offset, scale = self._need(self._offset), self._need("scale_")
        return (as_matrix(X, width=len(scale)) - offset) / scale

    def inverse_transform(self, X: ArrayLike) -> Matrix:
        """Back to the original units."""
        offset, scale = self._need(self._offset), self._need("scale_")
        return as_matrix(X, width=len(scale)) * scale + offset


class SumScaler(_PerColumn):
    """x / Σ x, column by column. A column whose sum is 0 is left as it is.

    >>> SumScaler().fit_transform([[1.0], [3.0]]).tolist()
    [[0.25], [0.75]]
    """

    _offset = "offset_"

    def fit(self, X: ArrayLike) -> Self:
        """Learn the sums.

        Raises:
            InputError: an infinite value; names its column.
        """
        X = as_matrix(X)
        total = np.nansum(X, axis=0)
        self.offset_ = np.zeros(X.shape[1])
        self.scale_ = np.where(np.abs(total) <= 1e-12 * np.nansum(np.abs(X), axis=0), 1.0, total)
        return self


class MinMaxScaler(_PerColumn):
    """(x - min) / (max - min), column by column. A constant column becomes 0.

    >>> MinMaxScaler().fit_transform([[1.0, 7.0], [3.0, 7.0]]).tolist()
    [[0.0, 0.0], [1.0, 0.0]]
    """

    def fit(self, X: ArrayLike) -> Self:
        """Learn least and greatest values.

        Raises:
            InputError: an infinite value; names its column.
        """
        X = as_matrix(X)
        empty = np.isnan(X).all(axis=0)
        low = np.where(empty, 0.0, np.nanmin(np.where(empty, 0.0, X), axis=0))
        high = np.where(empty, 0.0, np.nanmax(np.where(empty, 0.0, X), axis=0))
        self.offset_, self.scale_ = low, np.where(high > low, high - low, 1.0)
        return self


class StandardScaler(_PerColumn):
    """(x - mean) / std, column by column, with the population's standard deviation. A constant column becomes 0.

    >>> StandardScaler().fit_transform([[1.0, 7.0], [3.0, 7.0]]).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """

    _offset = "mean_"
    _fitted = ("mean_", "scale_")

    def fit(self, X: ArrayLike) -> Self:
        """Learn means and standard deviations.

        Raises:
            InputError: an infinite value; names its column.
        """
        X = as_matrix(X)
        X = np.where(np.isnan(X).all(axis=0), 0.0, X)
        # Divided by the largest, values near the end of float64 do not overflow when squared; a power of two is exact.
        largest = np.nanmax(np.abs(X), axis=0)
        unit = np.where(
            largest > 0, 2.0 ** np.clip(np.floor(np.log2(np.where(largest > 0, largest, 1.0))), -1000, 1000), 1.0
        )
        mean = np.nanmean(X / unit, axis=0)
        std = np.sqrt(np.nanmean((X / unit - mean) ** 2, axis=0))
        low, high = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
        # Of a constant column the mean is its value, without the rounding of a sum.
        self.mean_ = np.where(low == high, low, mean * unit)
        # What is left of a constant column is rounding error, which must not be blown up.
        self.scale_ = np.where(std <= 1e-14 * np.maximum(1.0, np.sqrt(len(X))) * np.abs(mean), 1.0, std * unit)
        self.scale_ = np.where(self.scale_ == 0, 1.0, self.scale_)
        return self


class Whitening(Transform):
    """Uncorrelated columns of variance one: Z = (X - mean) U (Λ + ε)^-½ for "pca", times Uᵀ for "zca".

    U Λ Uᵀ is the covariance of the rows (divided by n). ZCA is, of all whitened forms, the nearest to X. Each
    direction's sign makes its largest weight positive. Directions of no variance become 0.

    Source: Kessy, Lewin, Strimmer, "Optimal whitening and decorrelation" (2018).

    >>> Z = Whitening("zca", epsilon=0.0).fit_transform([[1.0, 0.0], [2.0, 2.0], [3.0, 1.0], [4.0, 5.0]])
    >>> (Z.T @ Z / 4).round(6).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    _options = ("method", "epsilon")
    _fitted = ("mean_", "components_", "variance_")

    def __init__(self, method: str = "pca", *, epsilon: float = 1e-6) -> None:
        if method not in ("pca", "zca"):
            raise UnknownNameError("whitening method", method, ("pca", "zca"))
        if not epsilon >= 0:
            raise InputError(
                "epsilon must not be negative.", where="Whitening", expected="a number >= 0", received=epsilon
            )
        self.method, self.epsilon = method, epsilon

    def fit(self, X: ArrayLike) -> Self:
        """Learn mean and principal directions.

        Raises:
            InputError: a missing or infinite value; names its column.
        """
        X = as_matrix(X, missing=False)
        self.mean_ = X.mean(axis=0)
        centred = X - self.mean_
        variance, directions = np.linalg.eigh(centred.T @ centred / len(X))
        order = np.argsort(variance)[::-1]
        self.variance_ = np.maximum(variance[order], 0.0)
        directions = directions[:, order]
        largest = np.abs(directions).argmax(axis=0)
        self.components_ = (directions * np.where(directions[largest, np.arange(len(order))] < 0, -1.0, 1.0)).T
        return self

    def transform(self, X: ArrayLike) -> Matrix:
        """Rows (n, d) to whitened rows (n, d)."""
        components = self._need("components_")
        rotated = (as_matrix(X, width=len(components), missing=False) - self.mean_) @ components.T
        spread = self._spread()
        white = np.where(spread > 0, rotated / np.where(spread > 0, spread, 1.0), 0.0)
        return white if self.method == "pca" else white @ components

    def inverse_transform(self, Z: ArrayLike) -> Matrix:
        """Back to the original units; what lay in directions of no variance is the mean again."""
        components = self._need("components_")
        Z = as_matrix(Z, width=len(components), missing=False)
        rotated = Z if self.method == "pca" else Z @ components.T
        return (rotated * self._spread()) @ components + self.mean_

    def _spread(self) -> Matrix:
        variance: Matrix = self.variance_
        alive = variance > 1e-12 * max(float(variance.max(initial=0.0)), 1e-300)
        spread: Matrix = np.where(alive, np.sqrt(variance + self.epsilon), 0.0)
        return spread


def as_matrix(X: ArrayLike, *, width: int | None = None, missing: bool = True) -> Matrix:
    """A float64 matrix without infinite values.

    Raises:
        ShapeError: not 2-D, no rows, or another width than was learnt.
        InputError: not numbers, an infinite value or, with `missing=False`, NaN.
    """
    try:
        matrix = np.asarray(X, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            "A scaler needs numbers.",
            expected="an array of numbers",
            received=str(error)[:120],
            help="Encode text first.",
        ) from None
    if matrix.ndim != 2 or matrix.shape[0] == 0 or (width is not None and matrix.shape[1] != width):
        raise ShapeError(
            "The array has the wrong shape.",
            expected=f"(rows, {'columns' if width is None else width}) with at least one row",
            received=matrix.shape,
            help="Use X.reshape(-1, 1) for a single column.",
        )
    bad = np.isinf(matrix) if missing else ~np.isfinite(matrix)
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        infinite = bool(np.isinf(matrix[row, column]))
        raise InputError(
            "A value is infinite." if infinite else "A value is missing.",
            where=f"X[{row}, {column}]",
            expected="finite numbers",
            received=matrix[row, column],
            help="Look for a division by zero, or leave the row out." if infinite else "Fill it with an Imputer first.",
        )
    return matrix


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
