"""kmeans: k-means with ten restarts on MNIST against scikit-learn's, seconds and inertia."""

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

CLUSTERS, RESTARTS = 10, 10
TASK = f"""\
60,000 images of MNIST (784 numbers in 0 … 1, float32), k = {CLUSTERS}, {RESTARTS} restarts from k-means++, at most 300
rounds, tolerance 1e-4: the defaults of both. A process each; the first fit of a process and its second, of another
seed, are told apart, as jindan compiles in the first. Inertia is the sum of squared distances of the best restart."""
PEERS = {"jindan": "jindan", "scikit-learn": "sklearn"}
COLUMNS = ["", "fit, s", "to jindan", "first fit, s", "inertia / 1e6", "of the first fit"]


def measure(runs: int) -> Result:
    """Measure both `runs` times."""
    peers: dict[str, Callable[[], Child]] = {
        name: functools.partial(run, [sys.executable, "-m", __name__, word]) for name, word in PEERS.items()
    }
    found, skipped = in_turn(peers, runs, warm=False)
    spreads = {
        name: {key: Spread.of([child.output[key] for child in some]) for key in some[0].output}
        for name, some in found.items()
    }
    base = spreads["jindan"]["second"].median
    rows = [
        [name, own["second"].text(".3g"), f"{own['second'].median / base:.2f}×", own["first"].text(".3g"),
         f"{own['inertia'].median / 1e6:.5f}", f"{own['first_inertia'].median / 1e6:.5f}"]
        for name, own in spreads.items()
    ]  # fmt: skip
    goals, other = [], spreads.get("scikit-learn")
    if other is not None:
        ours = spreads["jindan"]
        goals = [
            Goal("scikit-learn ÷ jindan, a fit", other["second"].median / base, "≥", 1),
            Goal("scikit-learn ÷ jindan, first fit", other["first"].median / ours["first"].median, "≥", 1),
            Goal("inertia to scikit-learn's", ours["inertia"].median / other["inertia"].median, "≤", 1.0005),
        ]
    return Result(
        title="k-means on MNIST", task=TASK, tables=[Table("Ten restarts:", COLUMNS, rows)], goals=goals,
        figures={**spreads, "skipped": skipped},
        notes=[
            *(f"{name} was skipped: {why}" for name, why in skipped.items()), disturbance(found),
            "Starts are drawn by different generators, so that the best of ten restarts differs by chance: two seeds "
            "of one library differ as much.",
        ],
    )  # fmt: skip


def main(peer: str) -> None:
    """One peer in this process."""
    x = mnist("train")[0].reshape(-1, 784).astype(np.float32)
    model = _jindan if peer == "jindan" else _sklearn
    found: dict[str, Any] = {}
    for seed, (name, inertia) in enumerate((("first", "first_inertia"), ("second", "inertia"))):
        began = time.perf_counter()
        fitted = model(seed).fit(x)
        found[name], found[inertia] = time.perf_counter() - began, float(fitted.inertia_)
    print(json.dumps(found))


def _jindan(seed: int) -> Any:
    from jindan.estimators import KMeans

    return KMeans(CLUSTERS, n_init=RESTARTS, random_state=seed)


def _sklearn(seed: int) -> Any:
    from sklearn.cluster import KMeans

    return KMeans(CLUSTERS, n_init=RESTARTS, random_state=seed)


if __name__ == "__main__":
    main(sys.argv[1])
