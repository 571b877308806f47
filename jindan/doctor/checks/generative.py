"""Checks of what a generator makes: whether its samples reach every mode of the data."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..findings import Finding

# A mode counts as reached with a tenth of its share: far below what a sound generator is off by (the bins of Richardson
# & Weiss 2018 differ by parts of their share), far above the few rows of a collapsed one (Metz et al. 2017 and
# Srivastava et al. 2017 count modes that get any).
TENTH = 0.1
MISSED = 0.1  # share of the data in modes not reached, from which it is worth a word
CLEAR = 0.5  # mean silhouette from which clusters are a reasonable structure (Kaufman & Rousseeuw 1990, table 4)
MOST = 16  # clusters looked for
MISSED_CELLS = 0.5  # the same where there are no modes, only cells: samples that lack detail leave some empty, too
BINS = 10  # cells where there is no such structure
ROWS = 1000  # of the data that are clustered
FEW = 10  # rows of the data a mode must have
DOUBT = 0.01  # probability of missing a mode by chance, all modes together


@dataclass(frozen=True)
class Modes:
    """Modes of data, and how samples are spread over them.

    Attributes:
        centres: (modes, columns).
        real, made: Shares of the data and of the samples in each (modes,).
        reached: Whether samples reach it (modes,).
        silhouette: Mean silhouette of the clusters; below `CLEAR` they are cells of one cloud.
    """

    centres: np.ndarray
    real: np.ndarray
    made: np.ndarray
    reached: np.ndarray
    silhouette: float

    @property
    def missed(self) -> float:
        """Share of the data in modes that samples do not reach."""
        return float(self.real[~self.reached].sum())


def modes_of(real: np.ndarray, made: np.ndarray, seed: int = 0) -> Modes:
    """Clusters of the data, and which of them samples reach.

    Clusters are those of k-means with the greatest mean silhouette among 2 … 16, or ten cells where no number of
    clusters reaches ½. A sample is in the mode whose centre is nearest. A mode of share p is reached unless so few of n
    samples lie in it that fewer than p/10 must be meant: P(Binomial(n, p/10) ≤ count) < 0.01 / modes.

    Args:
        real: Rows of the data (rows, columns), columns scaled.
        made: Samples (n, columns).
        seed: Of k-means and of the rows looked at.

    >>> real = np.repeat([[0.0], [5.0]], 50, axis=0) + np.linspace(0, 1, 100)[:, None]
    >>> made = np.tile(real, (10, 1))
    >>> modes_of(real, made[made[:, 0] < 3]).reached.sum().item(), modes_of(real, made).reached.sum().item()
    (1, 2)
    """
    from scipy.stats import binom

    rng = np.random.default_rng(seed)
    some = real[rng.permutation(len(real))[:ROWS]].astype(np.float64)
    centres, silhouette = _clusters(some, seed)
    own, others = _nearest(real, centres), _nearest(made, centres)
    counts = np.bincount(own, minlength=len(centres))
    kept = counts >= FEW
    shares = counts / len(real)
    found = np.bincount(others, minlength=len(centres))
    doubt = binom.cdf(found, len(made), TENTH * shares)
    reached = doubt >= DOUBT / max(1, kept.sum())
    return Modes(centres[kept], shares[kept], found[kept] / len(made), reached[kept], silhouette)


def mode_collapse(real: np.ndarray, made: np.ndarray, seed: int = 0) -> Finding | None:
    """Whether samples leave out modes that hold a tenth of the data or more; of data without modes, half of its cells.

    It sees that kinds of rows are left out, not that samples within a mode are all alike: those in the middle of one
    cloud of many columns lie in cells by chance.

    Args:
        real: Rows of the data (rows, columns), columns scaled.
        made: Samples (n, columns); some thousands, so that a mode is not missed by chance.
        seed: Of k-means.

    Returns:
        The finding `mode-collapse`, with `modes` reached of a `total`, the share of the data `missed`, and the shares
        of data (`real`) and samples (`made`) by mode; None for healthy samples, too few rows (fewer than 20), or
        samples that are not finite.
    """
    if len(real) < 2 * FEW or not len(made) or not (np.isfinite(real).all() and np.isfinite(made).all()):
        return None
    if not np.ptp(real, axis=0).any():
        return None
    modes = modes_of(real, made, seed)
    least = MISSED if modes.silhouette >= CLEAR else MISSED_CELLS
    if len(modes.real) < 2 or modes.missed < least:
        return None
    evidence = {
        "modes": int(modes.reached.sum()), "total": len(modes.real), "missed": modes.missed,
        "real": modes.real.tolist(), "made": modes.made.tolist(), "silhouette": modes.silhouette,
    }  # fmt: skip
    grave = 0.5 if modes.silhouette >= CLEAR else 0.8
    severity = "error" if modes.missed >= grave else "warning"
    return Finding("mode-collapse", severity, None, evidence, confidence=1 - DOUBT)


def _clusters(rows: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Centres of the clusters with the greatest mean silhouette, or of cells, and that silhouette."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import pairwise_distances, silhouette_score
    from threadpoolctl import threadpool_limits

    different = len(np.unique(rows, axis=0))
    distances = pairwise_distances(rows)
    best, centres = -math.inf, rows.mean(0, keepdims=True)
    most = min(MOST, different - 1, len(rows) // FEW)
    with threadpool_limits(1):  # several threads wait for each other longer than so few rows take
        for number in range(2, most + 1):
            found = KMeans(number, n_init=3, random_state=seed).fit(rows)
            value = float(silhouette_score(distances, found.labels_, metric="precomputed"))
            if value > best:
                best, centres = value, found.cluster_centers_
        if best < CLEAR and most >= 2:
            centres = KMeans(min(BINS, most), n_init=3, random_state=seed).fit(rows).cluster_centers_
    return centres, best


def _nearest(rows: np.ndarray, centres: np.ndarray) -> np.ndarray:
    rows = np.asarray(rows, np.float64)
    return ((centres**2).sum(1) - 2 * rows @ centres.T).argmin(1)
