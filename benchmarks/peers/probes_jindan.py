"""What the doctor's eye costs the network named as argument, in a process of its own without cached programs."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from typing import Any

import numpy as np

os.environ["JINDAN_CACHE"] = ""  # every process compiles

from jindan.doctor.keeping import Keeper
from jindan.doctor.probes import measure
from jindan.engine.train import train
from jindan.layers import Dense
from jindan.models import Sequential

from ..networks import data, in_jindan
from . import iris_data

LEAST, MOST = 7, 101  # warm trainings, with the keeper and without in turn: how many
SECONDS = {"cnn": 360.0, "lstm": 120.0}  # how long, so that two hundredths of a slow one are told from noise


def iris() -> tuple[Any, Any, Any, int, int]:
    """The network, rows, targets, batch size and epochs of the iris exercise: 12,000 updates."""
    x, y = iris_data.read()
    x, _, y, _ = iris_data.split(x, y)
    layers = [Dense(30, activation="relu"), Dense(16, activation="relu"), Dense(3, activation="softmax")]
    return Sequential(layers), x, y, 1, iris_data.EPOCHS


def digits() -> tuple[Any, Any, Any, int, int]:
    """64-100-10 on scikit-learn's digits."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return Sequential([Dense(100, activation="relu"), Dense(10, activation="softmax")]), x / 16, y, 32, 30


def cnn() -> tuple[Any, Any, Any, int, int]:
    """The convolutions of the table of layers, an epoch of MNIST."""
    return in_jindan.cnn(), *data.images(60_000), 128, 1


def short() -> tuple[Any, Any, Any, int, int]:
    """The same, few rows."""
    return in_jindan.cnn(), *data.images(1024), 128, 6


def lstm() -> tuple[Any, Any, Any, int, int]:
    """The LSTM of the table of layers, few rows."""
    return in_jindan.lstm(), *data.rows_of_pixels(2048), 128, 6


def main(name: str) -> None:
    model, x, y, batch, epochs = {"iris": iris, "digits": digits, "cnn": cnn, "short": short, "lstm": lstm}[name]()
    loss = "categorical_crossentropy" if np.ndim(y) == 2 else "sparse_categorical_crossentropy"
    model.compile("adam", loss, metrics=["accuracy"])
    plan, rows = model.plan.replace(batch_size=batch, epochs=epochs, seed=0), np.asarray(x, np.float32)
    keeper = Keeper()
    first = train(plan, (rows, y), watch=keeper)
    plain, kept = _pairs(lambda keeper: train(plan, (rows, y), watch=keeper), SECONDS.get(name, 40.0))
    looks = [_timed(lambda: measure(plan, rows.shape[1:], keeper.moments, rows, y, deep=False)) for _ in range(3)]
    found = {
        "updates": first.steps, "moments": len(keeper.moments), "plain": statistics.median(plain),
        "kept": statistics.median(kept), "kept_ratio": statistics.median(np.divide(kept, plain)),
        "training_compile": first.seconds["trace"] + first.seconds["compile"],
        "probes_compile": looks[0] - min(looks[1:]), "probes": min(looks[1:]),
    }  # fmt: skip
    print(json.dumps(found))


def _pairs(work: Any, seconds: float) -> tuple[list[float], list[float]]:
    """Seconds of trainings without a keeper and with one, side by side; which comes first alternates."""
    plain: list[float] = []
    kept: list[float] = []
    began = time.perf_counter()
    while len(plain) < LEAST or (len(plain) < MOST and time.perf_counter() - began < seconds):
        for own in (plain, kept) if len(plain) % 2 else (kept, plain):
            own.append(_timed(lambda own=own: work(Keeper() if own is kept else None)))
    return plain, kept


def _timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(sys.argv[1])
