"""k-means: rows to the nearest centre, centres to the middle of their rows, many restarts in one compiled program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec as P

from ..engine import compiling, devices
from ..errors import InputError, ShapeError

Array = jax.Array
MEAN, POINT = "mean", "point"
CHUNK = 1024  # rows of one product: they and their distances stay in the cache
ALONE = 2e6  # numbers of distances and rows below which a second device costs more than it gives


@dataclass(frozen=True)
class Clustering:
    """What one member came to.

    Attributes:
        centers: (clusters, features).
        labels: (rows,) number of the nearest centre.
        inertia: Σ w ‖x − centre‖², in float64.
        iterations: Assignments with a re-centring.
        converged: Whether it ended before `max_iter`.
    """

    centers: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    inertia: float
    iterations: int
    converged: bool


def fit_members(
    x: np.ndarray,
    starts: Sequence[np.ndarray],
    *,
    weight: np.ndarray | None = None,
    max_iter: int = 300,
    tol: float | Sequence[float] = 1e-4,
    center: str = MEAN,
) -> list[Clustering]:
    """Lloyd's algorithm from each of several starts: argmin_c ‖x − c‖², then c = Σ w x / Σ w, until nothing changes.

    A block of rows stays in the cache while members take turns with it: its distances to their centres are one
    product, its sums by centre another, of the same shape for each member, so that a member has the same numbers alone
    and among others of as many clusters. Members that have ended are passed over. A centre without rows moves to the
    row that is farthest from its own centre, as in scikit-learn.

    Args:
        x: Rows (n, features), float32 or float64, without NaN.
        starts: Of each member (clusters, features); numbers of clusters may differ.
        weight: (n,) of rows, >= 0; ones unless given.
        max_iter: Iterations at most.
        tol: Of each member or all: it ends when Σ ‖shift of a centre‖² <= tol × the mean variance of the columns.
        center: "mean", or "point": on the row of the cluster that is nearest its mean, where it then stays a row.

    Returns:
        One Clustering a member; labels belong to the centres.

    Raises:
        InputError: settings, weights or values that cannot be used.
        ShapeError: starts that do not fit the rows.

    Sources: Lloyd, "Least squares quantization in PCM" (1982); with points, Park and Jun, "A simple and fast algorithm
    for k-medoids clustering" (2009), by squared distances.

    >>> x = np.array([[0.0], [1.0], [10.0], [11.0]])
    >>> found = fit_members(x, [x[:2], x[[0, 3]], x[:1]])
    >>> [m.centers.ravel().tolist() for m in found], [m.inertia for m in found]
    ([[0.5, 10.5], [0.5, 10.5], [5.5]], [1.0, 1.0, 101.0])
    """
    x, weight = checked(x, starts, weight, max_iter, center)
    members = len(starts)
    tols = np.broadcast_to(np.asarray(tol, np.float64), (members,))
    if not (np.isfinite(tols).all() and (tols >= 0).all()):
        raise InputError("This tol cannot be used.", where="tol", expected="numbers >= 0", received=tol)
    # Distances are differences of squares: about the mean they keep most digits.
    middle = x.mean(0, dtype=np.float64).astype(x.dtype)
    clusters = max(len(s) for s in starts)
    padded = np.zeros((members, clusters, x.shape[1]), x.dtype)
    real = np.zeros((members, clusters), bool)
    for place, start in enumerate(starts):
        padded[place, : len(start)], real[place, : len(start)] = np.asarray(start, x.dtype) - middle, True
    bounds = (tols * np.mean(x.var(0, dtype=np.float64))).astype(x.dtype)
    devices.start()
    with devices.width(str(x.dtype)):
        rows, weights, shards = placed(x - middle, weight, clusters)
        call = _program(shards, center)
        found = call(rows, weights, np.int32(len(x)), padded, real, bounds, np.int32(max_iter))
        centers, labels, steps, done = (np.asarray(a) for a in found)
    labels = labels.reshape(-1, members)[: len(x)]
    result = []
    for m, start in enumerate(starts):
        own = centers[m, : len(start)] + middle
        chosen = np.ascontiguousarray(labels[:, m])
        result.append(Clustering(own, chosen, inertia(x, own, chosen, weight), int(steps[m]), bool(done[m])))
    return result


def placed(x: np.ndarray, weight: np.ndarray, clusters: int) -> tuple[Any, Any, int]:
    """Rows as blocks (blocks, rows, features) and weights (blocks, rows) on the devices, and how many devices."""
    shards = devices.several() if x.size + len(x) * clusters > ALONE else 1
    chunk = min(CHUNK, len(x))
    blocks = -(-len(x) // (chunk * shards)) * shards
    spare = blocks * chunk - len(x)
    rows = np.pad(x, ((0, spare), (0, 0))) if spare else x
    arrays = rows.reshape(blocks, chunk, -1), np.pad(weight, (0, spare)).reshape(blocks, chunk)
    return *jax.device_put(arrays, devices.split(shards, devices.ROWS)), shards


@cache
def _program(shards: int, center: str) -> Any:
    """The compiled training for rows on so many devices."""
    split, same = P(devices.ROWS), P()
    return compiling.jit(
        jax.shard_map(
            lambda x, weight, rows, *given: _train(_Rows(x, weight, rows, center), *given),
            mesh=devices.mesh(shards, devices.ROWS),
            in_specs=(split, split, *[same] * 5),
            out_specs=(same, split, same, same),
            check_vma=False,
        )
    )


def _train(rows: _Rows, centers: Array, real: Array, tol: Array, max_iter: Array) -> Any:
    """Iterations of all members until the last has ended: centres, labels, iterations, whether it converged."""
    members = len(centers)

    def again(carry: Any) -> Array:
        return (carry[3] & (carry[2] < max_iter)).any()

    def step(carry: Any) -> Any:
        centers, labels, steps, active = carry
        running = active & (steps < max_iter)
        sums, counts, new_labels, changed = rows.assign(centers, real, running, labels)
        new = rows.recentre(centers, real, running, sums, counts, new_labels)
        shift = ((new - centers) ** 2).sum((1, 2))
        ended = ~changed | (shift <= tol)
        centers = jnp.where(running[:, None, None], new, centers)
        return centers, new_labels, steps + running, active & ~(running & ended)

    unknown = jnp.full((*rows.x.shape[:2], members), -1, jnp.int32)
    begin = centers, unknown, jnp.zeros(members, jnp.int32), jnp.ones(members, bool)
    centers, labels, steps, left = jax.lax.while_loop(again, step, begin)
    # Labels belong to the centres before the last step: once more.
    labels = rows.assign(centers, real, jnp.ones(members, bool), labels)[2]
    return centers, labels, steps, ~left


class _Rows:
    """The rows of one device in blocks, and what all devices together make of them."""

    def __init__(self, x: Array, weight: Array, rows: Array, center: str) -> None:
        self.x, self.weight, self.center = x, weight, center
        blocks, chunk, _ = x.shape
        first = jax.lax.axis_index(devices.ROWS) * blocks * chunk
        self.real = (first + jnp.arange(blocks * chunk) < rows).reshape(blocks, chunk)

    def assign(self, centers: Array, real: Array, running: Array, before: Array) -> tuple[Array, Array, Array, Array]:
        """Sums (members, clusters, features), weights (members, clusters), labels, and whose labels changed."""
        members, clusters, _ = centers.shape
        dtype = centers.dtype
        # Half the squared distance less what is common to all centres.
        half = jnp.where(real, 0.5 * (centers**2).sum(-1), jnp.inf)
        order, count = jnp.argsort(~running), running.sum()

        def block(carry: Any, own: Any) -> Any:
            x, weight, exists, labels = own

            def one(place: Array, carry: Any) -> Any:
                sums, counts, labels, changed = carry
                m = order[place]
                new = jnp.argmin(half[m] - x @ centers[m].T, -1).astype(jnp.int32)
                hot = jnp.where(new[:, None] == jnp.arange(clusters), weight[:, None], 0).astype(dtype)
                differs = ((new != labels[:, m]) & exists).any()
                return (sums.at[m].add(hot.T @ x), counts.at[m].add(hot.sum(0)), labels.at[:, m].set(new),
                        changed.at[m].set(changed[m] | differs))  # fmt: skip

            sums, counts, labels, changed = jax.lax.fori_loop(0, count, one, (*carry[:2], labels, carry[2]))
            return (sums, counts, changed), labels

        zeros = jnp.zeros_like(centers), jnp.zeros((members, clusters), dtype), jnp.zeros(members, bool)
        (sums, counts, changed), labels = jax.lax.scan(block, zeros, (self.x, self.weight, self.real, before))
        sums, counts, changed = jax.lax.psum((sums, counts, changed.astype(jnp.int32)), devices.ROWS)
        return sums, counts, labels, changed > 0

    def recentre(self, old: Array, real: Array, running: Array, sums: Array, counts: Array, labels: Array) -> Array:
        """New centres (members, clusters, features)."""
        empty = (counts == 0) & real & running[:, None]
        sums, counts = jax.lax.cond(
            empty.any(), lambda: self._refill(old, empty, sums, counts, labels), lambda: (sums, counts)
        )
        means = sums / jnp.where(counts == 0, 1, counts)[..., None]
        largest = jnp.take_along_axis(means, jnp.argmax(counts, 1)[:, None, None], 1)
        means = jnp.where(((counts == 0) & real)[..., None], largest, means)
        return means if self.center == MEAN else self._nearest(old, means, running, labels)

    def _refill(self, old: Array, empty: Array, sums: Array, counts: Array, labels: Array) -> tuple[Array, Array]:
        """Each empty cluster takes the row that is farthest from its centre; none, where all lie on their centres."""
        weight = self.weight.reshape(-1)

        def member(own: Any) -> Any:
            old, empty, sums, counts, labels = own
            clusters, labels = len(old), labels.reshape(-1)
            gaps = self._gaps(old, labels)
            found, at = jax.lax.top_k(gaps, min(clusters, len(gaps)))
            mine = found, self._rows()[at], weight[at], labels[at]
            found, rows, weights, owner = _together(mine)
            order = jnp.argsort(-found)[:clusters]
            place = jnp.cumsum(empty) - 1
            take = order[jnp.clip(place, 0, len(order) - 1)]
            use = empty & (found[order[0]] > 0) & (place < len(order)) & (found[take] >= 0)
            moved = jnp.where(use[:, None], rows[take] * weights[take][:, None], 0)
            own_weight = jnp.where(use, weights[take], 0)
            sums = sums.at[owner[take]].add(-moved) + moved
            counts = counts.at[owner[take]].add(-own_weight) + own_weight
            return sums, counts

        return jax.lax.map(member, (old, empty, sums, counts, jnp.moveaxis(labels, -1, 0)))

    def _nearest(self, old: Array, means: Array, running: Array, labels: Array) -> Array:
        """The row of each cluster that is nearest its mean, the first of equals; the mean where there are no rows."""
        usable = (self.weight > 0).reshape(-1)

        def member(own: Any) -> Array:
            means, labels = own
            labels = labels.reshape(-1)
            gaps = jnp.where(usable, self._gaps(means, labels), jnp.inf)
            gaps = jnp.where(gaps < 0, jnp.inf, gaps)

            def cluster(number: Array) -> Any:
                mine = jnp.where(labels == number, gaps, jnp.inf)
                at = jnp.argmin(mine)
                return mine[at], at

            least, at = jax.lax.map(cluster, jnp.arange(len(means)))
            least, rows = _together((least[None], self._rows()[at][None]))
            best = jnp.argmin(least, 0)
            chosen = jnp.take_along_axis(rows, best[None, :, None], 0)[0]
            return jnp.where(jnp.isfinite(least.min(0))[:, None], chosen, means)

        def turn(own: Any) -> Array:
            old, means, running, labels = own
            return jax.lax.cond(running, lambda: member((means, labels)), lambda: old)

        return jax.lax.map(turn, (old, means, running, jnp.moveaxis(labels, -1, 0)))

    def _gaps(self, centers: Array, labels: Array) -> Array:
        """‖x − its centre‖² of each row (rows,), differences taken first; −1 where there is no row."""
        blocks, chunk, _ = self.x.shape
        gaps = jax.lax.map(
            lambda own: ((own[0] - centers[own[1]]) ** 2).sum(-1), (self.x, labels.reshape(blocks, chunk))
        )
        return jnp.where(self.real, gaps, -1).reshape(-1)

    def _rows(self) -> Array:
        return self.x.reshape(-1, self.x.shape[2])


def _together(arrays: Any) -> Any:
    """What all devices have, along the first axis."""
    return jax.tree.map(lambda a: jax.lax.all_gather(a, devices.ROWS, tiled=True), arrays)


def distances(x: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """‖x − c‖ (rows, clusters), without the digits that a difference of squares about a far origin would lose.

    >>> distances(np.array([[3.0, 4.0]]), np.zeros((1, 2))).tolist()
    [[5.0]]
    """
    middle = centers.mean(0)
    x, centers = x - middle, centers - middle
    squares = (x**2).sum(1)[:, None] + (centers**2).sum(1) - 2 * (x @ centers.T)
    return np.sqrt(np.maximum(squares, 0))


def nearest(x: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """The number of the nearest centre of each row (rows,), int32; the first of equals."""
    middle = centers.mean(0)
    moved = centers - middle
    half = 0.5 * (moved**2).sum(1)
    blocks = [np.argmin(half - (x[i : i + 8192] - middle) @ moved.T, 1) for i in range(0, len(x), 8192)]
    return np.concatenate(blocks).astype(np.int32)


def inertia(x: np.ndarray, centers: np.ndarray, labels: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Σ w ‖x − c‖², each difference taken before it is squared, summed in float64.

    >>> inertia(np.array([[0.0], [2.0]]), np.array([[1.0]]), np.array([0, 0]))
    2.0
    """
    total = 0.0
    for i in range(0, len(x), 4096):
        gap = x[i : i + 4096] - centers[labels[i : i + 4096]]
        squares = np.einsum("ij,ij->i", gap, gap).astype(np.float64)
        total += float(squares.sum() if weight is None else squares @ weight[i : i + 4096].astype(np.float64))
    return total


def checked(
    x: np.ndarray, starts: Sequence[np.ndarray], weight: np.ndarray | None, max_iter: int, center: str = MEAN
) -> tuple[np.ndarray, np.ndarray]:
    """Rows as float32 or float64 and their weights, or what is wrong with them."""
    x = np.ascontiguousarray(x)
    x = x if x.dtype in (np.float32, np.float64) else x.astype(np.float64)
    if x.ndim != 2 or not x.size:
        raise ShapeError("The rows have the wrong shape.", where="x", expected="(rows >= 1, features >= 1)",
                         received=x.shape)  # fmt: skip
    if not np.isfinite(x).all():
        raise InputError("A value is missing or infinite.", where="x", expected="finite numbers",
                         received="NaN or infinity", help="Fill or leave out such rows first.")  # fmt: skip
    if center not in (MEAN, POINT) or max_iter < 1:
        raise InputError("These settings cannot be used.", where="k-means", received=f"center={center!r}, {max_iter=}",
                         expected='center "mean" or "point", max_iter >= 1')  # fmt: skip
    if not len(starts):
        raise InputError("There is nothing to start from.", where="starts", expected=">= 1 array of centres")
    for start in starts:
        if np.ndim(start) != 2 or not len(start) or np.shape(start)[1] != x.shape[1]:
            raise ShapeError("A start does not fit the rows.", where="starts", received=np.shape(start),
                             expected=f"(clusters >= 1, {x.shape[1]})")  # fmt: skip
        if not np.isfinite(start).all():
            raise InputError("A centre to start from is not finite.", where="starts", expected="finite numbers")
    if weight is None:
        return x, np.ones(len(x), x.dtype)
    weight = np.asarray(weight, x.dtype)
    if weight.shape != (len(x),) or not np.isfinite(weight).all() or (weight < 0).any() or not weight.sum() > 0:
        raise InputError("These weights of rows cannot be used.", where="weight", received=f"shape {weight.shape}",
                         expected=f"{len(x)} numbers >= 0, not all 0")  # fmt: skip
    return x, weight
