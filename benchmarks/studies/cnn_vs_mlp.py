"""cnn-vs-mlp: does a convolutional network beat a dense one of as many parameters on images?"""

from __future__ import annotations

import math
import sys

import numpy as np

from ..common import Goal, Result, Table
from ..networks import NETWORKS
from ..networks.data import mnist

EPOCHS, BATCH, HIDDEN = 2, 128, 283
WINS = 0.9
TASK = f"""\
MNIST, Adam 0.001, batch size {BATCH}, {EPOCHS} epochs, the same rows in the same order for both: the CNN of the
benchmark `cnn` against 784-{HIDDEN}-10 (ReLU), whose parameters are as many to 0.02 %. Accuracy on the 10,000 test
images, a pair a seed."""


def networks():
    """The convolutional network and the dense one, not yet compiled."""
    from jindan.layers import Dense, Flatten, Input
    from jindan.models import Sequential

    from ..networks import in_jindan

    dense = [Input((28, 28, 1)), Flatten(), Dense(HIDDEN, activation="relu"), Dense(10, activation="softmax")]
    return {"CNN": in_jindan.cnn(), "MLP": Sequential(dense)}


def measure(runs: int) -> Result:
    """Train both with seeds 0 … runs − 1."""
    (x, y), (x_test, y_test) = mnist(), mnist("test")
    accuracy: dict[str, list[float]] = {"CNN": [], "MLP": []}
    parameters = {}
    for seed in range(runs):
        for name, model in networks().items():
            model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
            model.fit(x, y, epochs=EPOCHS, batch_size=BATCH, seed=seed, verbose=0)
            accuracy[name].append(100 * float(model.evaluate(x_test, y_test, verbose=0)[1]))
            parameters[name] = sum(weight.size for weight in model.trainable_weights)
        last = ", ".join(f"{name} {values[-1]:.2f} %" for name, values in accuracy.items())
        print(f"  seed {seed}: {last}", file=sys.stderr, flush=True)
    gains = np.subtract(accuracy["CNN"], accuracy["MLP"])
    rows = [
        [name, f"{parameters[name]:,}", f"{np.mean(values):.2f}", f"{min(values):.2f} – {max(values):.2f}"]
        for name, values in accuracy.items()
    ]
    wins = int(np.sum(gains > 0))
    return Result(
        title="Convolutions against dense layers, parameters equal",
        task=TASK,
        tables=[Table(f"{runs} seeds:", ["", "parameters", "test accuracy, mean, %", "least – greatest, %"], rows)],
        goals=[Goal("seeds in which the CNN is better", wins, "≥", math.ceil(WINS * runs), f"of {runs}")],
        figures={"accuracy": accuracy, "parameters": parameters, "wins": wins, "gains": gains.round(4).tolist()},
        notes=[
            f"Gain of the CNN: {gains.mean():.2f} points, from {gains.min():.2f} to {gains.max():.2f}. It costs "
            f"{NETWORKS['cnn'].flops / 1e6:,.0f} MFLOP an update."
        ],
    )
