"""pca: principal components of MNIST against scikit-learn's, by every way both have."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..common import Child, Goal, Result, Spread, Table, disturbance, in_turn, run
from ..networks.data import mnist

WAYS = {
    "50 of 784, auto": {"n_components": 50},
    "50 of 784, randomised": {"n_components": 50, "svd_solver": "randomized"},
    "50 of 784, covariance": {"n_components": 50, "svd_solver": "covariance_eigh"},
    "all 784, auto": {},
    "all 784, full": {"svd_solver": "full"},
}
TIMES = 3
TASK = f"""\
60,000 images of MNIST (784 numbers, float32). A process each; the median of {TIMES} fits after a first one. The angle
is that between the spans of the first 50 components and those of a float64 eigendecomposition of the covariance."""
PEERS = {"jindan": "jindan", "scikit-learn": "sklearn"}
COLUMNS = ["", "jindan, s", "scikit-learn, s", "ratio", "first fit, s", "scikit-learn's", "angle", "scikit-learn's"]


def measure(runs: int) -> Result:
    """Measure both `runs` times."""
    peers: dict[str, Callable[[], Child]] = {
        name: functools.partial(run, [sys.executable, "-m", __name__, word]) for name, word in PEERS.items()
    }
    found, skipped = in_turn(peers, runs, warm=False)
    ours, theirs = (found.get(name, []) for name in PEERS)
    rows, goals, figures = [], [], {}
    for way in WAYS:
        own, other = (
            {key: Spread.of([child.output[way][key] for child in some]) for key in ("fit", "first", "angle")}
            if some
            else {}
            for some in (ours, theirs)
        )
        figures[way] = {"jindan": own, "scikit-learn": other}
        if not own or not other:
            continue
        ratio = other["fit"].median / own["fit"].median
        rows.append([
            way, own["fit"].text(".3g"), other["fit"].text(".3g"), f"{ratio:.2f}×", own["first"].text(".3g"),
            other["first"].text(".3g"), f"{own['angle'].median:.1e}", f"{other['angle'].median:.1e}",
        ])  # fmt: skip
        goals.append(Goal(f"scikit-learn ÷ jindan, {way}", ratio, "≥", 1))
    return Result(
        title="Principal components of MNIST", task=TASK, tables=[Table("A fit:", COLUMNS, rows)], goals=goals,
        figures={**figures, "skipped": skipped},
        notes=[*(f"{name} was skipped: {why}" for name, why in skipped.items()), disturbance(found)],
    )  # fmt: skip


def _spreads(children: list[Child], way: str) -> dict[str, Spread]:
    figures = ("fit", "first", "angle") if children else ()
    return {key: Spread.of([child.output[way][key] for child in children]) for key in figures}


def main(peer: str) -> None:
    """One peer in this process."""
    x = mnist("train")[0].reshape(-1, 784).astype(np.float32)
    centred = x.astype(np.float64) - x.mean(0, dtype=np.float64)
    exact = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :50]
    found = {}
    for way, settings in WAYS.items():
        took = []
        for seed in range(TIMES + 1):
            began = time.perf_counter()
            fitted = _model(peer, settings, seed).fit(x)
            took.append(time.perf_counter() - began)
        first = fitted.components_[:50].astype(np.float64)
        cosines = np.linalg.svd(np.linalg.qr(first.T)[0].T @ exact, compute_uv=False)
        angle = float(np.arccos(np.clip(cosines.min(), 0, 1)))
        found[way] = {"first": took[0], "fit": float(np.median(took[1:])), "angle": angle}
    print(json.dumps(found))


def _model(peer: str, settings: dict[str, Any], seed: int) -> Any:
    if peer == "sklearn":
        from sklearn.decomposition import PCA

        return PCA(random_state=seed, **settings)
    from jindan.estimators import PCA as Ours

    own = dict(settings)
    if own.get("svd_solver") == "covariance_eigh":
        own["svd_solver"] = "covariance"
    return Ours(random_state=seed, **own)


if __name__ == "__main__":
    main(sys.argv[1])
