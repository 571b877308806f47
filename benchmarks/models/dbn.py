"""dbn: does learning from rows without labels help where labels are few?"""

from __future__ import annotations

import math
import sys

import numpy as np

from ..common import Goal, Result, Table
from ..networks.data import mnist

LABELS, UNITS, EPOCHS, BATCH = 600, (256, 256), 100, 32
PRETRAINING, RATES, RATE = 5, (0.003, 0.01, 0.03), 0.01
WINS = 0.8
TASK = f"""\
MNIST with 1 % of its labels ({LABELS} rows, drawn anew for each seed). 784-256-256-10 with sigmoids, Adam, {EPOCHS}
epochs of batch {BATCH}: from two RBMs learned on all 60,000 images without labels ({PRETRAINING} epochs each, CD-1,
rate 0.05, momentum 0.5, batch 64), or from a random start (Glorot). The DBN has rate {RATE}; the random start the
best of {RATES} on the test images, seed by seed, which favours it."""


def measure(runs: int) -> Result:
    """Train both with seeds 0 … runs − 1."""
    from jindan.estimators.rbm import base_rates
    from jindan.layers import Dense
    from jindan.models import dbn

    (x, y), (x_test, y_test) = mnist(), mnist("test")
    x, x_test = x.reshape(-1, 784), x_test.reshape(-1, 784)
    values = {"learning_rate": 0.05, "momentum": 0.5, "weight_decay": 2e-4}
    deep, plain = [], []
    for seed in range(runs):
        rows = np.random.default_rng(seed).permutation(len(x))[:LABELS]
        stack = dbn.pretrain(x, UNITS, epochs=PRETRAINING, values=values, seed=seed, base=base_rates(x, "bernoulli"),
                             method="cd", batch_size=64, momentum=True, weight_decay=True)  # fmt: skip
        data = (x[rows], y[rows], x_test, y_test, seed)
        deep.append(_accuracy(stack.network(Dense(10, activation="softmax"), seed), RATE, *data))
        fresh = [dbn.fresh(784, UNITS, Dense(10, activation="softmax"), seed=seed) for _ in RATES]
        plain.append([_accuracy(model, rate, *data) for model, rate in zip(fresh, RATES, strict=True)])
        print(f"  seed {seed}: DBN {deep[-1]:.2f} %, random start {max(plain[-1]):.2f} %", file=sys.stderr, flush=True)
    best = np.max(plain, axis=1)
    gains = np.subtract(deep, best)
    wins = int(np.sum(gains > 0))
    rows_ = [[f"DBN, rate {RATE}", *_cells(np.array(deep))], ["random start, best rate", *_cells(best)]]
    rows_ += [[f"random start, rate {r}", *_cells(np.array(plain)[:, k])] for k, r in enumerate(RATES)]
    return Result(
        title="A deep belief network with few labels", task=TASK,
        tables=[Table(f"{runs} seeds:", ["", "test accuracy, mean, %", "least – greatest, %"], rows_)],
        goals=[Goal("seeds in which the DBN is better", wins, "≥", math.ceil(WINS * runs), f"of {runs}")],
        figures={"dbn": deep, "random": plain, "gains": gains.round(4).tolist(), "wins": wins},
        notes=[f"Gain of the DBN: {gains.mean():.2f} points, from {gains.min():.2f} to {gains.max():.2f}."],
    )  # fmt: skip


def _accuracy(model, rate: float, x, y, x_test, y_test, seed: int) -> float:
    from jindan.optimizers import Adam

    model.compile(optimizer=Adam(rate), loss="sparse_categorical_crossentropy")
    model.fit(x, y, epochs=EPOCHS, batch_size=BATCH, seed=seed, verbose=0, doctor=False)
    return 100 * float(np.mean(model.predict(x_test, verbose=0).argmax(1) == y_test))


def _cells(values: np.ndarray) -> list[str]:
    return [f"{values.mean():.2f}", f"{values.min():.2f} – {values.max():.2f}"]
