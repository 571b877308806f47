"""Principal components: the directions of greatest variance, exactly or from a random sketch, in NumPy and LAPACK."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from scipy import linalg
from threadpoolctl import ThreadpoolController

from ..errors import InputError, UnknownNameError

SOLVERS = ("auto", "full", "covariance", "randomized")
BLOCK = 4096  # rows whose products are summed in float32 before they are added up in float64
SOME = 256  # rows that tell whether columns lie far from 0
# Multiplications from which threads are worth starting, features up to which each has sums of its own, and up to which
# one thread solves for eigenvectors.
LARGE, WIDE, SMALL = 10**9, 2000, 1000


@dataclass(frozen=True)
class Components:
    """Principal directions of rows.

    Attributes:
        directions: (components, features), orthonormal rows; the largest weight of each is positive.
        variance: (components,) along them, over n − 1, falling.
        mean: (features,) of the rows.
        total: The variance of all columns together.
        solver: What found them.
    """

    directions: np.ndarray = field(repr=False)
    variance: np.ndarray = field(repr=False)
    mean: np.ndarray = field(repr=False)
    total: float
    solver: str


def principal(
    x: np.ndarray,
    components: int | float | None = None,
    *,
    solver: str = "auto",
    random: np.random.RandomState | None = None,
    power: int | None = None,
    oversample: int = 10,
) -> Components:
    """The eigenvectors of the covariance XᵀX / (n − 1) of centred rows with the greatest eigenvalues.

    Args:
        x: Rows (n >= 2, features), float32 or float64. Sums of float32 are carried in float64, and so is what is
            solved, so that no digits are lost to many rows.
        components: How many; a share between 0 and 1 takes as many as explain more than that of the variance; None
            all min(n, features).
        solver: "covariance" solves for the eigenvectors of XᵀX: fastest for many rows of few features, but a direction
            whose deviation is less than √ε of the first's is lost in rounding. "full" takes the singular vectors of R
            in X = QR, and keeps those too. "randomized" (Halko, Martinsson, Tropp 2011) finds few of many features.
            "auto" chooses by shape as scikit-learn does.
        random, power, oversample: Of "randomized": what draws, its power iterations (7, or 4 where the components are
            a tenth of all or more), and how many directions more it carries.

    Raises:
        InputError: what cannot be used.

    Source: Jolliffe, "Principal component analysis" (2002).

    >>> found = principal(np.array([[0.0, 0.0], [2.0, 2.0], [4.0, 4.0]]), 1)
    >>> found.directions.round(4).tolist(), round(float(found.variance[0]), 9)
    ([[0.7071, 0.7071]], 8.0)
    """
    if solver not in SOLVERS:
        raise UnknownNameError("svd_solver", solver, SOLVERS)
    rows, features = x.shape
    most = min(rows, features)
    if rows < 2:
        raise InputError("One row has no variance.", where="X", expected="2 rows or more", received="1 sample")
    share = None
    if components is None:
        count = most
    elif isinstance(components, (float, np.floating)) and 0 < components < 1:
        count, share = most, float(components)
    elif isinstance(components, (int, np.integer)) and not isinstance(components, bool) and 1 <= components <= most:
        count = int(components)
    else:
        raise InputError("This n_components cannot be used.", where="n_components", received=repr(components),
                         expected=f"1 … {most} = min(rows, features), a share in (0, 1), or None")  # fmt: skip
    if share is not None and solver == "randomized":
        raise InputError("A share needs all components.", where="svd_solver", received="randomized",
                         expected="auto, full or covariance with a share as n_components")  # fmt: skip
    solver = _chosen(x.shape, count) if solver == "auto" else solver
    if solver == "covariance":
        mean, found = moments(x)
        directions, variance, total = _by_covariance(found, count)
    else:
        mean = means(x)
        moved = x - mean.astype(x.dtype)
        total = sum(float(np.vdot(m, m)) for m in np.array_split(moved, -(-rows // BLOCK))) / (rows - 1)
        if solver == "full":
            directions, variance = _by_qr(moved, count)
        else:
            random = random if random is not None else np.random.RandomState(0)
            directions, variance = _by_sketch(moved, count, random, power, oversample)
    if share is not None:
        reached = np.cumsum(variance) / total if total > 0 else np.ones(count)
        keep = min(count, int(np.searchsorted(reached, share, side="right")) + 1)
        directions, variance = directions[:keep], variance[:keep]
    directions = directions * _signs(directions)[:, None]
    kind = x.dtype
    return Components(directions.astype(kind), variance.astype(kind), mean.astype(kind), total, solver)


def _chosen(shape: tuple[int, int], count: int) -> str:
    rows, features = shape
    if features <= 1000 and rows >= 10 * features:
        return "covariance"
    if max(shape) <= 500 or count >= 0.8 * min(shape):
        return "full"
    return "randomized"


def means(x: np.ndarray) -> np.ndarray:
    """Means of columns (features,) in float64; sums of BLOCK rows at a time are in x's precision."""
    ones = np.ones(min(BLOCK, len(x)), x.dtype)
    total = np.zeros(x.shape[1])
    for i in range(0, len(x), BLOCK):
        rows = x[i : i + BLOCK]
        total += ones[: len(rows)] @ rows
    return total / len(x)


def moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of columns (features,) and (x − mean)ᵀ (x − mean) / (n − 1) (features, features), both in float64, in one
    look at the rows; products of BLOCK rows at a time are in x's precision.

    >>> [part.tolist() for part in moments(np.array([[1.0], [3.0]]))]
    [[2.0], [[2.0]]]
    """
    rows, features = x.shape
    some = x[np.sort(np.random.default_rng(0).choice(rows, min(rows, SOME), replace=False))]
    # Columns whose mean is within twice their deviation lose no more than two bits by not being centred first; of the
    # others the mean of some rows is near enough.
    centred = bool(np.any(some.mean(0) ** 2 > 4 * some.var(0)))
    middle = some.mean(0, dtype=np.float64).astype(x.dtype) if centred else None
    threads = _threads() if rows * features**2 > LARGE and features <= WIDE else 1
    if threads > 1:
        # Each thread multiplies rows of its own: together they are a sixth faster than one product by all of them.
        with _blas().limit(limits=1), ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(lambda own: _sums(own, middle), np.array_split(x, threads)))
    else:
        parts = [_sums(x, middle)]
    rest, total = (sum(own) for own in zip(*parts, strict=True))
    rest = rest / rows
    total = (total - rows * np.outer(rest, rest)) / (rows - 1)
    return rest if middle is None else rest + middle, total


def _sums(x: np.ndarray, middle: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The sum of rows, a middle taken from each, and that of their products, in float64."""
    features = x.shape[1]
    sums, products = np.zeros(features), np.zeros((features, features))
    ones = np.ones(min(BLOCK, len(x)), x.dtype)
    for i in range(0, len(x), BLOCK):
        own = x[i : i + BLOCK] if middle is None else x[i : i + BLOCK] - middle
        sums += ones[: len(own)] @ own
        products += own.T @ own
    return sums, products


@cache
def _blas() -> Any:
    return ThreadpoolController().select(user_api="blas")


def _threads() -> int:
    """How many threads a product of NumPy's takes, where that can be told."""
    return max((library.num_threads for library in _blas().lib_controllers), default=1)


def _by_covariance(found: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, float]:
    width, total = len(found), float(np.trace(found))
    # Constant columns are directions of their own; what is left without them is solved in the cube of the time.
    varies = np.flatnonzero(found.diagonal() > 0)
    inner = found if len(varies) == width else found[np.ix_(varies, varies)]
    values, vectors = _eigen(inner, min(count, len(inner)))
    values, vectors = np.maximum(values[::-1], 0), vectors.T[::-1]
    if len(varies) == width:
        return vectors, values, total
    directions, variance = np.zeros((count, width)), np.zeros(count)
    directions[: len(vectors), varies], variance[: len(values)] = vectors, values
    if len(vectors) < count:
        rest = np.flatnonzero(found.diagonal() <= 0)[: count - len(vectors)]
        directions[np.arange(len(vectors), count), rest] = 1
    return directions, variance, total


def _eigen(matrix: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The greatest eigenvalues, rising, and their vectors, as columns."""
    width = len(matrix)
    if width > SMALL:
        values, vectors = np.linalg.eigh(matrix)
        return values[width - count :], vectors[:, width - count :]
    # On one thread: BLAS's others go on spinning after they are done, against the threads of the next product.
    with _blas().limit(limits=1):
        if count > width // 2:
            values, vectors = np.linalg.eigh(matrix)
            return values[width - count :], vectors[:, width - count :]
        return linalg.eigh(matrix, subset_by_index=(width - count, width - 1), check_finite=False)


def _by_qr(moved: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    rows, features = moved.shape
    if rows >= features:
        (small,) = linalg.qr(moved, mode="r", check_finite=False)
        small = small[:features].astype(np.float64)
        _, singular, found = linalg.svd(small, full_matrices=False, check_finite=False)
    else:
        basis, small = linalg.qr(moved.T, mode="economic", check_finite=False)
        _, singular, found = linalg.svd(small.T.astype(np.float64), full_matrices=False, check_finite=False)
        found = found @ basis.T.astype(np.float64)
    return found[:count], (singular**2 / (rows - 1))[:count]


def _by_sketch(
    moved: np.ndarray, count: int, random: np.random.RandomState, power: int | None, oversample: int
) -> tuple[np.ndarray, np.ndarray]:
    rows, features = moved.shape
    turns = power if power is not None else (7 if count < 0.1 * min(rows, features) else 4)
    width = min(count + oversample, rows, features)
    basis = random.normal(size=(features, width)).astype(moved.dtype)
    for _ in range(turns):
        # Made orthogonal once a turn, on the features' side: in between nothing is lost that the last turn kept.
        basis, _ = np.linalg.qr(moved.T @ (moved @ basis))
    sketch, _ = np.linalg.qr(moved @ basis)
    small = (sketch.T @ moved).astype(np.float64)
    _, singular, found = np.linalg.svd(small, full_matrices=False)
    return found[:count], singular[:count] ** 2 / (rows - 1)


def _signs(directions: np.ndarray) -> np.ndarray:
    largest = np.abs(directions).argmax(1)
    signs = np.sign(directions[np.arange(len(directions)), largest])
    return np.where(signs == 0, 1.0, signs)
