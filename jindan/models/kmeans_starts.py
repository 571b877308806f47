"""Where k-means starts from: k-means++ and rows at random, the same ones as scikit-learn for the same random state."""

from __future__ import annotations

import numpy as np

from ..errors import InputError, UnknownNameError

STARTS = ("k-means++", "random")
NUMBERS = 2e7  # distances held at once


def draw_starts(
    x: np.ndarray,
    clusters: int,
    members: int,
    random: np.random.RandomState,
    *,
    init: str = "k-means++",
    weight: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Centres to start from, of each member (clusters, features), all rows of x.

    "k-means++" takes row after row with probability ∝ w × squared distance to the nearest centre so far; of
    2 + ⌊log(clusters)⌋ rows drawn, the one that leaves the least inertia. Draws come from `random` in scikit-learn's
    order, so members are its restarts; float32 may round a draw onto a neighbouring row.

    Args:
        x: Rows (n, features); nearly centred about 0, or distances lose digits.
        clusters, members: How many of each.
        random: What draws.
        init: "k-means++" or "random".
        weight: (n,), >= 0.

    Raises:
        InputError: more clusters than rows, or than rows of weight above 0.

    Source: Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding" (2007).

    >>> x = np.array([[0.0], [0.1], [9.0], [9.1]])
    >>> [sorted(s.ravel().round().tolist()) for s in draw_starts(x, 2, 3, np.random.RandomState(0))]
    [[0.0, 9.0], [0.0, 9.0], [0.0, 9.0]]
    """
    if init not in STARTS:
        raise UnknownNameError("start of k-means", init, STARTS)
    # In the data's precision, as scikit-learn has it: a sum of another rounding draws another row.
    weight = np.ones(len(x), x.dtype) if weight is None else np.asarray(weight, x.dtype)
    if clusters > len(x) or (init == "random" and clusters > np.count_nonzero(weight)):
        raise InputError("There are more clusters than rows.", where="n_clusters", received=clusters,
                         expected=f"<= {len(x)} rows ({np.count_nonzero(weight)} of a weight above 0)")  # fmt: skip
    share = weight / weight.sum()
    if init == "random":
        return [x[random.choice(len(x), size=clusters, replace=False, p=share)] for _ in range(members)]
    trials = 2 + int(np.log(clusters))
    first, draws = [], []
    for _ in range(members):
        first.append(random.choice(len(x), p=share))
        draws.append([random.uniform(size=trials) for _ in range(clusters - 1)])
    at_once = max(1, int(NUMBERS // (len(x) * trials)))
    found: list[np.ndarray] = []
    for i in range(0, members, at_once):
        some = draws[i : i + at_once]
        own = np.array(some).reshape(len(some), clusters - 1, trials)
        found += list(x[_careful(x, weight, np.array(first[i : i + at_once]), own)])
    return found


def _careful(x: np.ndarray, weight: np.ndarray, first: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Rows chosen (members, clusters), of members side by side.

    Args:
        x, weight: Rows and their weights.
        first: (members,) their first rows.
        draws: (members, clusters − 1, trials) uniform numbers.
    """
    members, steps, trials = draws.shape
    squares = np.einsum("ij,ij->i", x, x)

    def gaps(rows: np.ndarray) -> np.ndarray:
        found = x[rows] @ x.T
        found *= -2
        found += squares
        found += squares[rows][:, None]
        return np.maximum(found, 0, out=found)

    chosen, all_of = [first], np.arange(members)
    closest = gaps(first)
    for step in range(steps):
        reached = np.cumsum(weight * closest, 1)
        # The sum in pairs, as scikit-learn's: the running one has lost digits at its end.
        levels = draws[:, step] * (closest @ weight)[:, None]
        rows = np.stack([np.searchsorted(a, b) for a, b in zip(reached, levels, strict=True)])
        rows = np.minimum(rows, len(x) - 1)
        tried = gaps(rows.ravel()).reshape(members, trials, -1)
        np.minimum(tried, closest[:, None], out=tried)
        best = np.argmin(tried @ weight, 1)
        closest = tried[all_of, best]
        chosen.append(rows[all_of, best])
    return np.stack(chosen, 1)
