"""shakespeare: a character LSTM against interpolated Kneser-Ney 5-grams."""

from __future__ import annotations

import sys
import time

import numpy as np

from ..common import Goal, Result, Table
from ..networks.data import shakespeare, windows
from .kneser_ney import KneserNey

UNITS, WIDTH, DROPOUT = 512, 64, 0.2
CONTEXT, STRIDE, BATCH, EPOCHS, RATE = 128, 64, 32, 3, 2e-3
SCORED = 256  # characters a window at validation; its first half is only read
ORDER = 5
MINUTES = 15
TASK = f"""\
Tinyshakespeare by characters (65), the first 90 % to train on and the last 10 % to validate. An embedding of {WIDTH}
(drawn from N(0, 1), as PyTorch's; from Keras's ±0.05 it takes twice the updates to begin), an LSTM of {UNITS} units,
dropout {DROPOUT:g}, softmax; windows of {CONTEXT} characters that begin every {STRIDE}, batch size {BATCH}, {EPOCHS}
epochs of them, Adam {RATE:g} falling to zero along a cosine, gradients clipped to norm 1. The n-gram model has
modified Kneser-Ney discounts (Chen & Goodman 1999) from the same training text. Both predict the same validation
characters, the LSTM from at least {SCORED // 2} before each and the n-grams from {ORDER - 1}; neither was fitted to
them, but the number of epochs was settled by a trial that was scored on a part of them."""


def network(length: int):
    """The network for windows of a length, not yet compiled."""
    from jindan import layers as L
    from jindan.initializers import RandomNormal
    from jindan.models import Sequential

    return Sequential([
        L.Input((length,)), L.Embedding(65, WIDTH, RandomNormal(0, 1)), L.LSTM(UNITS, return_sequences=True),
        L.Dropout(DROPOUT), L.Dense(65, activation="softmax"),
    ])  # fmt: skip


def measure(runs: int) -> Result:
    """Train with seeds 0 … runs − 1, and count the n-grams once."""
    training, held, alphabet = shakespeare()
    x, y = windows(held, SCORED, SCORED // 2)
    scored = np.arange(SCORED // 2, SCORED // 2 + len(x) * (SCORED // 2)) + 1  # places in the validation text
    began = time.perf_counter()
    baseline = KneserNey(training, ORDER, len(alphabet))
    grams = held[scored[:, None] + np.arange(1 - ORDER, 1)]
    perplexity = float(np.exp(-np.log(baseline.probabilities(grams)).mean()))
    rows = [[f"Kneser-Ney {ORDER}-gram", f"{perplexity:.3f}", f"{np.log2(perplexity):.3f}",
             f"{time.perf_counter() - began:.0f}"]]  # fmt: skip
    print(f"  {rows[0][0]}: {perplexity:.3f}", file=sys.stderr, flush=True)
    found, seconds = [], []
    for seed in range(runs):
        model, spent = _trained(training, seed)
        probabilities = _of_targets(model, x, y)[:, SCORED // 2 :]
        found.append(float(np.exp(-np.log(probabilities).mean())))
        seconds.append(spent)
        rows.append([f"LSTM, seed {seed}", f"{found[-1]:.3f}", f"{np.log2(found[-1]):.3f}", f"{spent:.0f}"])
        print(f"  seed {seed}: {found[-1]:.3f} in {spent:.0f} s", file=sys.stderr, flush=True)
    return Result(
        title="Shakespeare by characters",
        task=TASK,
        tables=[Table(f"{len(scored):,} characters:", ["", "perplexity", "bits a character", "seconds"], rows)],
        goals=[
            Goal(f"perplexity, LSTM ÷ {ORDER}-gram, worst seed", max(found) / perplexity, "≤", 1.0),
            Goal("training, longest", max(seconds) / 60, "≤", MINUTES, "min"),
        ],
        figures={"kneser_ney": perplexity, "lstm": found, "seconds": seconds, "characters": len(scored)},
    )


def _trained(training: np.ndarray, seed: int):
    """A trained model for windows to score, and the seconds its training took."""
    from jindan.optimizers import Adam
    from jindan.schedules import CosineDecay

    x, y = windows(training, CONTEXT, STRIDE)
    model = network(CONTEXT)
    rate = CosineDecay(RATE, EPOCHS * -(-len(x) // BATCH))
    model.compile(optimizer=Adam(rate, global_clipnorm=1.0), loss="sparse_categorical_crossentropy")
    began = time.perf_counter()
    model.fit(x, y, epochs=EPOCHS, batch_size=BATCH, seed=seed, verbose=0)
    seconds = time.perf_counter() - began
    longer = network(SCORED)
    longer.set_weights(model.get_weights())
    return longer, seconds


def _of_targets(model, x: np.ndarray, y: np.ndarray, rows: int = 64) -> np.ndarray:
    """The probability the model gives each target (rows, steps), in float64."""
    parts = []
    for first in range(0, len(x), rows):
        outputs = np.asarray(model.predict(x[first : first + rows], verbose=0), np.float64)
        parts.append(np.take_along_axis(outputs, y[first : first + rows, :, None], axis=2)[..., 0])
    return np.concatenate(parts)
