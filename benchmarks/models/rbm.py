"""rbm: a restricted Boltzmann machine on MNIST against scikit-learn's BernoulliRBM, speed at equal likelihood."""

from __future__ import annotations

import functools
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..common import Child, Goal, Result, Spread, Table, disturbance, in_turn, run
from ..networks.data import mnist

ROWS, UNITS, BATCH, RATE, EPOCHS = 20_000, 128, 64, 0.05, 10
TASK = f"""\
{ROWS:,} images of MNIST as probabilities, 784-{UNITS}, persistent contrastive divergence, batch {BATCH}, rate {RATE},
{EPOCHS} epochs in both; a process each, in which jindan fits twice and the second fit counts. Likelihood of the 10,000
test images by annealed importance sampling (100 runs, 5,000 temperatures), the same estimator for both."""
PEERS = {
    "jindan": ("jindan",),
    "jindan, bfloat16": ("bfloat16",),
    "BernoulliRBM": ("sklearn", "float64"),
    "BernoulliRBM, float32": ("sklearn", "float32"),
}
RIVAL = "BernoulliRBM"
COLUMNS = ["", "seconds an epoch", "to jindan", "first fit, s", "log p(test), nats", "log Z ± 3 s.e.",
           "pseudo-likelihood"]  # fmt: skip


def measure(runs: int) -> Result:
    """Measure every peer `runs` times; the likelihoods are of the last run."""
    with tempfile.TemporaryDirectory() as folder:
        peers: dict[str, Callable[[], Child]] = {
            name: functools.partial(run, [sys.executable, "-m", __name__, *words, str(Path(folder) / words[-1])])
            for name, words in PEERS.items()
        }
        found, skipped = in_turn(peers, runs, warm=False)
        seconds = {name: Spread.of([c.output["epoch"] for c in some]) for name, some in found.items()}
        first = {name: Spread.of([c.output["first"] for c in some]) for name, some in found.items()}
        judged = {}
        for name in found:
            judged[name] = _likelihoods(Path(folder) / PEERS[name][-1])
            print(f"  {name}: {judged[name][-1]['test']:.1f} nats", file=sys.stderr, flush=True)
    rows = [_row(name, seconds[name], first[name], judged[name], seconds["jindan"]) for name in found]
    rival, notes = judged[RIVAL][-1], [f"{name} was skipped: {why}" for name, why in skipped.items()]
    goals = [
        Goal("BernoulliRBM ÷ jindan, an epoch", seconds[RIVAL].median / seconds["jindan"].median, "≥", 3),
        Goal(
            "jindan's test likelihood less BernoulliRBM's", judged["jindan"][-1]["test"] - rival["test"], "≥", 0, "nats"
        ),
    ]
    for name in ("jindan", "jindan, bfloat16"):
        enough = next((f["epochs"] for f in judged[name] if f["test"] >= rival["test"]), None)
        if enough is not None:
            ratio = EPOCHS * seconds[RIVAL].median / (enough * seconds[name].median)
            goals.append(Goal(f"time to BernoulliRBM's last likelihood, ÷ {name}'s ({enough} epochs)", ratio, "≥", 3))
    notes.append(disturbance(found))
    notes.append(
        "jindan's first time contains tracing and compiling. Its visible biases start at the data's log-odds, and its "
        "rows come in a new order each epoch; BernoulliRBM keeps one order, which persistent chains follow: with that "
        "order jindan's likelihood is BernoulliRBM's."
    )
    return Result(
        title="A restricted Boltzmann machine against scikit-learn's", task=TASK,
        tables=[Table("Likelihoods are those of the last run:", COLUMNS, rows)],
        goals=goals, figures={"seconds": seconds, "first_seconds": first, "likelihood": judged}, notes=notes,
    )  # fmt: skip


def _row(name: str, seconds: Spread, first: Spread, judged: list[dict[str, Any]], base: Spread) -> list[str]:
    last = judged[-1]
    ratio = f"{seconds.median / base.median:.2g}×"
    spread = f"{last['low'] - last['log_z']:+.2f} / {last['high'] - last['log_z']:+.2f}"
    return [name, seconds.text(".3g"), ratio, first.text(".3g"), f"{last['test']:.1f}", spread, f"{last['pseudo']:.1f}"]


def _likelihoods(stem: Path) -> list[dict[str, Any]]:
    """Of the weights a child left, by epochs: likelihood of test rows, log Z and its interval, pseudo-likelihood."""
    import jax

    from jindan.models import partition, rbm

    test = jax.numpy.asarray(mnist("test")[0].reshape(-1, 784))
    base = np.clip(mnist()[0][:ROWS].reshape(-1, 784).mean(0), 1e-4, 1 - 1e-4)
    base, result = np.log(base / (1 - base)), []
    for file in sorted(stem.parent.glob(f"{stem.name}-*.npz")):
        with np.load(file) as weights:
            params = {name: weights[name].astype(np.float32) for name in weights.files}
        log_z = partition.annealed(params, base=base, temperatures=np.linspace(0, 1, 5001))
        free = np.asarray(rbm.free_energy(params, test, "bernoulli"), np.float64)
        pseudo = float(np.mean(rbm.pseudo_likelihood(params, test, jax.random.key(0))))
        result.append({"epochs": int(file.stem.rsplit("-", 1)[1]), "test": float(-free.mean() - log_z.value),
                       "log_z": log_z.value, "low": log_z.low, "high": log_z.high, "pseudo": pseudo})  # fmt: skip
    return result


# -- the peers, each in its process ----------------------------------------------------------------------------------


def _jindan(x: np.ndarray, stem: str, precision: str | None) -> dict[str, float]:
    from jindan.estimators.rbm import RBM

    def fit(epochs: int) -> Any:
        return RBM(UNITS, learning_rate=RATE, batch_size=BATCH, n_iter=epochs, method="pcd", random_state=0,
                   precision=precision).fit(x)  # fmt: skip

    began = time.perf_counter()
    fit(EPOCHS)
    first = time.perf_counter() - began
    began = time.perf_counter()
    fit(EPOCHS)
    seconds = (time.perf_counter() - began) / EPOCHS
    for epochs in (*range(1, 5), *range(6, EPOCHS + 1, 2)):
        model = fit(epochs)
        np.savez(f"{stem}-{epochs:03d}.npz", **model.run_.state["params"])
    return {"first": first, "epoch": seconds}


def _sklearn(x: np.ndarray, stem: str) -> dict[str, float]:
    from sklearn.neural_network import BernoulliRBM

    model = BernoulliRBM(UNITS, learning_rate=RATE, batch_size=BATCH, n_iter=EPOCHS, random_state=0)
    began = time.perf_counter()
    model.fit(x)
    seconds = time.perf_counter() - began
    np.savez(f"{stem}-{EPOCHS:03d}.npz", kernel=model.components_.T, visible_bias=model.intercept_visible_,
             hidden_bias=model.intercept_hidden_)  # fmt: skip
    return {"first": seconds, "epoch": seconds / EPOCHS}


if __name__ == "__main__":
    kind, stem = sys.argv[1], sys.argv[-1]
    images = mnist()[0][:ROWS].reshape(-1, 784)
    if kind == "sklearn":
        print(json.dumps(_sklearn(images.astype(sys.argv[2]), stem)))
    else:
        print(json.dumps(_jindan(images, stem, "bfloat16" if kind == "bfloat16" else None)))
