"""k-means by small batches of rows: centres are running means of the rows they were given, members side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..engine import compiling, devices
from ..errors import InputError
from .kmeans import Clustering, checked, inertia, nearest

Array = jax.Array


@dataclass(frozen=True)
class _Rules:
    """What the program is compiled for."""

    batch: int
    clusters: int
    patience: int
    reassign: float


def fit_batches(
    x: np.ndarray,
    starts: Sequence[np.ndarray],
    seeds: Sequence[int],
    *,
    weight: np.ndarray | None = None,
    batch_size: int = 1024,
    max_iter: int = 100,
    tol: float = 0.0,
    patience: int | None = 10,
    reassign: float = 0.01,
) -> list[Clustering]:
    """Mini-batch k-means from each of several starts: c ← (v c + Σ w x) / (v + Σ w) over the batch's rows nearest to c,
    where v is the weight c has seen.

    A member ends when its batches' smoothed inertia has not fallen for `patience` batches. Centres that have seen less
    than `reassign` × the most are put on rows of the batch now and then, as in scikit-learn.

    Args:
        x: Rows (n, features), float32 or float64.
        starts: Of each member (clusters, features), equally many clusters in all.
        seeds: Of each member's draws.
        weight: (n,), >= 0.
        batch_size: Rows drawn for an update, with replacement.
        max_iter: Updates at most, counted in passes over as many rows as there are.
        tol: Ends when Σ ‖shift‖² of an update <= tol × the mean variance of the columns; 0 never.
        patience: None never ends it by inertia.
        reassign: Share of the largest weight seen.

    Returns:
        One Clustering a member, with the labels and the inertia of all rows.

    Raises:
        InputError: what cannot be used.

    Source: Sculley, "Web-scale k-means clustering" (2010).

    >>> x = np.repeat([[0.0], [1.0], [10.0], [11.0]], 50, 0)
    >>> found = fit_batches(x, [x[[0, 150]]], [0], batch_size=50)[0]
    >>> bool(np.allclose(found.centers, [[0.5], [10.5]], atol=0.2))
    True
    """
    x, weight = checked(x, starts, weight, max_iter)
    if len({len(s) for s in starts}) != 1 or len(seeds) != len(starts) or batch_size < 1 or reassign < 0:
        raise InputError("These settings cannot be used.", where="mini-batch k-means",
                         expected="equal clusters in all starts, a seed for each, batch_size >= 1, reassign >= 0",
                         received=f"{len(starts)} starts, {len(seeds)} seeds, {batch_size=}, {reassign=}")  # fmt: skip
    batch = min(int(batch_size), len(x))
    middle = x.mean(0, dtype=np.float64).astype(x.dtype)
    moved = x - middle
    bound = tol * float(np.mean(x.var(0, dtype=np.float64)))
    updates = max(1, max_iter * len(x) // batch)
    rules = _Rules(batch, len(starts[0]), 2**30 if patience is None else int(patience), float(reassign))
    devices.start()
    with devices.width(str(x.dtype)):
        begin = np.stack([np.asarray(s, x.dtype) - middle for s in starts])
        keys = np.array([int(seed) & 0xFFFFFFFF for seed in seeds], np.uint32)
        found = _program(rules)(moved, weight, begin, keys, np.asarray(bound, x.dtype), np.int32(updates))
        centers, steps, left = (np.asarray(a) for a in found)
    result = []
    for own, taken, going in zip(centers + middle, steps, left, strict=True):
        labels = nearest(x, own)
        passes = int(np.ceil(int(taken) * batch / len(x)))
        result.append(Clustering(own, labels, inertia(x, own, labels, weight), passes, not bool(going)))
    return result


@cache
def _program(rules: _Rules) -> Any:
    return compiling.jit(lambda *given: _train(rules, *given))


def _train(rules: _Rules, x: Array, weight: Array, starts: Array, seeds: Array, tol: Array, updates: Array) -> Any:
    """Members one after another, each to its own end: centres, updates taken, whether it was still going."""

    def member(own: Any) -> Any:
        start, seed = own
        key = jax.random.key(seed)

        def again(carry: Any) -> Array:
            return carry["going"] & (carry["step"] < updates)

        def update(carry: Any) -> Any:
            return _update(rules, x, weight, key, tol, carry)

        zero = jnp.zeros((), x.dtype)
        begin = {
            "centers": start, "seen": jnp.zeros(rules.clusters, x.dtype), "smooth": zero,
            "least": jnp.full((), jnp.inf, x.dtype), "waited": jnp.int32(0), "since": jnp.int32(0),
            "step": jnp.int32(0), "going": jnp.bool_(True),
        }  # fmt: skip
        end = jax.lax.while_loop(again, update, begin)
        return end["centers"], end["step"], end["going"]

    return jax.lax.map(member, (starts, seeds))


def _update(rules: _Rules, x: Array, weight: Array, key: Array, tol: Array, carry: Any) -> Any:
    """One batch."""
    draw, shuffle = jax.random.split(jax.random.fold_in(key, carry["step"]))
    at = jax.random.randint(draw, (rules.batch,), 0, len(x))
    rows, weights, centers, seen = x[at], weight[at], carry["centers"], carry["seen"]
    half = 0.5 * (centers**2).sum(-1) - rows @ centers.T
    labels = jnp.argmin(half, 1)
    least = jnp.maximum((rows**2).sum(1) + 2 * half.min(1), 0)
    loss = (least * weights).sum() / jnp.maximum(weights.sum(), jnp.finfo(x.dtype).tiny)
    hot = jnp.where(labels[:, None] == jnp.arange(rules.clusters), weights[:, None], 0)
    total = seen + hot.sum(0)
    new = (centers * seen[:, None] + hot.T @ rows) / jnp.where(total == 0, 1, total)[:, None]
    new = jnp.where((hot.sum(0) == 0)[:, None], centers, new)
    since = carry["since"] + rules.batch
    turn = (seen == 0).any() | (since >= 10 * rules.clusters)
    placed, total = _reassigned(rules, rows, new, total, shuffle, turn)
    # The first batch is at the start's centres, which the smoothed inertia of the later ones shall not remember.
    rate = jnp.minimum(2.0 * rules.batch / (len(x) + 1), 1)
    smooth = jnp.where(carry["step"] <= 1, loss, carry["smooth"] * (1 - rate) + loss * rate)
    better = (smooth < carry["least"]) & (carry["step"] > 0)
    waited = jnp.where(better | (carry["step"] == 0), 0, carry["waited"] + 1)
    still = (carry["step"] > 0) & (tol > 0) & (((new - centers) ** 2).sum() <= tol)
    return {
        "centers": placed, "seen": total, "smooth": smooth, "least": jnp.where(better, smooth, carry["least"]),
        "waited": waited, "since": jnp.where(turn, 0, since), "step": carry["step"] + 1,
        "going": ~still & (waited < rules.patience),
    }  # fmt: skip


def _reassigned(
    rules: _Rules, rows: Array, centers: Array, seen: Array, key: Array, turn: Array
) -> tuple[Array, Array]:
    """Centres that have seen too little on rows of the batch, at most half as many as those."""
    poor = (seen < rules.reassign * seen.max()) & turn
    poor &= jnp.argsort(jnp.argsort(seen)) < max(1, rules.batch // 2)
    order = jax.random.permutation(key, rules.batch)
    at = order[jnp.clip(jnp.cumsum(poor) - 1, 0, rules.batch - 1)]
    # Not so little that they would be moved again at once.
    kept = jnp.where(poor, jnp.inf, seen).min()
    return jnp.where(poor[:, None], rows[at], centers), jnp.where(poor, kept, seen)
