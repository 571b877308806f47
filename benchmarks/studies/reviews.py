"""reviews: a 1-D CNN against a bag of words on Korean film reviews, with the repeated texts and without."""

from __future__ import annotations

import sys
import time

import numpy as np

from ..common import Goal, Result, Table
from ..networks.data import LENGTH, TOKENS, VOCABULARY, numbered, reviews, vocabulary
from .bag_of_words import HELD, BagOfWords

BATCH, EPOCHS, RATE, DROPOUT = 64, 4, 1e-3, 0.5
TASK = f"""\
150,000 film reviews to train on and 50,000 to test (NSMC, two classes). The same tokens for both: at most {LENGTH} a
review, the {VOCABULARY:,} most frequent of the training texts. Bag of words: scikit-learn's logistic regression, its
penalty and counts or presence chosen on {HELD:.0%} of the training rows. CNN: embedding of 128, width 5 with 128
filters, greatest over the steps, 64 dense units, dropout {DROPOUT:g}; Adam {RATE:g}, batch size {BATCH}; of up to
{EPOCHS} epochs the best on {HELD:.0%} of the training rows. Repeated texts: test texts that occur in training, and all
but the first of equal ones."""
NAMES = {"pairs": "pairs of characters", "characters": "characters", "words": "words"}


def network():
    """The network, not yet compiled."""
    from jindan import layers as L
    from jindan.models import Sequential

    return Sequential([
        L.Input((LENGTH,)), L.Embedding(VOCABULARY, 128), L.Dropout(DROPOUT),
        L.Conv1D(128, 5, activation="relu"), L.GlobalMaxPooling1D(), L.Dropout(DROPOUT),
        L.Dense(64, activation="relu"), L.Dense(1, activation="sigmoid"),
    ])  # fmt: skip


def measure(runs: int) -> Result:
    """Every kind of token; the CNN with seeds 0 … runs − 1."""
    (texts, y), (test_texts, y_test) = reviews(), reviews("test")
    alone = unrepeated(test_texts, texts)
    rows, goals, figures = [], [], {"test_texts": len(alone), "without_repeated": int(alone.sum())}
    for tokens, split in TOKENS.items():
        known = vocabulary(texts, split)
        x, x_test = numbered(texts, split, known), numbered(test_texts, split, known)
        began = time.perf_counter()
        baseline = BagOfWords.fit(x, y, VOCABULARY)
        answers = {"bag of words": [baseline.correct(x_test, y_test)]}
        seconds = {"bag of words": time.perf_counter() - began}
        began = time.perf_counter()
        answers["CNN"] = [_correct(x, y, x_test, y_test, seed) for seed in range(runs)]
        seconds["CNN"] = (time.perf_counter() - began) / runs
        found = {}
        for name, correct in answers.items():
            each = np.mean(correct, axis=0)
            share = found[name] = {"all": float(each.mean()), "without_repeated": float(each[alone].mean())}
            rows.append([f"{NAMES[tokens]}: {name}", f"{100 * share['without_repeated']:.2f}",
                         f"{100 * share['all']:.2f}", f"{seconds[name]:.0f}"])  # fmt: skip
            print("  " + ", ".join(rows[-1]), file=sys.stderr, flush=True)
        gain = 100 * (found["CNN"]["without_repeated"] - found["bag of words"]["without_repeated"])
        goals.append(Goal(f"{NAMES[tokens]}: CNN − bag of words, repeated texts removed", gain, "≥", 0, "points"))
        figures[tokens] = {**found, "seconds": seconds, "bag_of_words_settings": baseline.settings}
    return Result(
        title="Korean film reviews",
        task=TASK,
        tables=[Table("Test accuracy, %:", ["", "repeated texts removed", "all", "seconds"], rows)],
        goals=goals,
        figures=figures,
        notes=[f"{len(alone) - int(alone.sum()):,} of {len(alone):,} test texts are repeated ones."],
    )


def unrepeated(texts, others) -> np.ndarray:
    """Which texts are neither among the others nor equal to one before them (rows,)."""
    seen = set(others)
    found = np.zeros(len(texts), bool)
    for place, text in enumerate(texts):
        found[place] = text not in seen
        seen.add(text)
    return found


def _correct(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray, seed: int) -> np.ndarray:
    """Which test rows a network trained with a seed tells right."""
    from jindan.callbacks import EarlyStopping

    held, rest = np.split(np.random.default_rng(seed).permutation(len(x)), [int(HELD * len(x))])
    model = network()
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    stop = EarlyStopping("val_accuracy", mode="max", patience=1, restore_best_weights=True)
    model.fit(
        x[rest], y[rest], epochs=EPOCHS, batch_size=BATCH, validation_data=(x[held], y[held]), seed=seed, verbose=0,
        callbacks=[stop],
    )  # fmt: skip
    return (np.ravel(model.predict(x_test, verbose=0)) > 0.5) == y_test
