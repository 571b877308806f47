"""bayes: trials until Bayesian search is as good as a random search of 128 trials, the score of both being the same."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .common import DATA, Goal, Result, Skip, Spread, Table

TRIALS, BATCH, FOLDS = 128, 8, 4
EPOCHS, ROWS, HIDDEN, SHARE = 30, 32, 32, 0.5
NEVER = TRIALS + BATCH  # what a search counts that never gets there
TASK = f"""\
`digits`: scikit-learn's first 600 digits, a 64-{HIDDEN}-10 network (ReLU, cross-entropy). `mpg`: fuel consumption of
the 392 whole rows of `mpg.csv` from 9 columns, a 9-{HIDDEN}-1 network (ReLU, squared error), columns and target
standardised. Dropout behind the hidden layer, Adam, batch size {ROWS}, {EPOCHS} epochs. Searched among: learning rate,
L2 penalty, noise on the weights and scale of fresh weights (orders of magnitude), dropout and, for `digits`, label
smoothing (evenly). The score is minus the loss (without smoothing and penalty) on rows not trained on, a mean over
{FOLDS} folds. Each repeat is one seed, so folds, fresh weights and orders of rows are the same for both methods; what
they draw is not, as their generators differ. Random search draws {TRIALS} trials. Counted is how many trials Bayesian
search, asked for {BATCH} at a time, has trained once its best score is no less than random search's best: whole
batches, and {NEVER} where {TRIALS} were not enough. A second random search, drawn apart, is counted alike: by theory it
needs {TRIALS} in the median. Half as many are asked of Bayesian search."""


def digits() -> tuple[np.ndarray, np.ndarray]:
    """(600, 64) brightness 0 … 1, (600, 10) classes one-hot, which label smoothing needs."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x[:600] / 16).astype(np.float32), np.eye(10, dtype=np.float32)[y[:600]]


def mpg() -> tuple[np.ndarray, np.ndarray]:
    """(392, 9) standardised columns (origin as three), (392, 1) the standardised target."""
    path = DATA / "tabular" / "mpg.csv"
    if not path.exists():
        raise Skip("../shared/data/tabular/mpg.csv, beside the repository, is not there")
    cells = np.genfromtxt(path, delimiter=",", skip_header=1, dtype=str)
    cells = cells[(cells[:, :7] != "").all(axis=1)]
    origin = cells[:, 7:8] == np.unique(cells[:, 7])
    table = np.concatenate([cells[:, :7].astype(np.float64), origin], axis=1)
    table = ((table - table.mean(0)) / table.std(0)).astype(np.float32)
    return table[:, 1:], table[:, :1]


def model_of(classes: int | None) -> Any:
    """The network, compiled: of so many classes, or of one number."""
    from jindan.layers import Dense, Dropout
    from jindan.models import Sequential

    last = Dense(1) if classes is None else Dense(classes, activation="softmax")
    model = Sequential([Dense(HIDDEN, activation="relu"), Dropout(0.2), last])
    model.compile("adam", "mse" if classes is None else "categorical_crossentropy")
    return model


def space_of(classes: int | None) -> dict[str, Any]:
    """What varies: numbers only, so that all trials are one program."""
    from jindan.select import LogUniform, Uniform

    space = {
        "learning_rate": LogUniform(1e-4, 0.3),
        "l2": LogUniform(1e-6, 0.1),
        "weight_noise": LogUniform(1e-3, 1.0),
        "initial_scale": LogUniform(0.03, 10.0),
        "layers.1.rate": Uniform(0.01, 0.8),
    }
    return space if classes is None else {**space, "loss.label_smoothing": Uniform(0.001, 0.3)}


SETS: dict[str, tuple[Callable[[], tuple[np.ndarray, np.ndarray]], int | None]] = {
    "digits": (digits, 10), "mpg": (mpg, None)
}  # fmt: skip


def searched(x: np.ndarray, y: np.ndarray, classes: int | None, method: str, seed: int) -> list[float]:
    """The scores of a search's trials in their order ("random", "bayes", or "again": random draws of another
    generator); −∞ where training failed."""
    import jindan as jd
    from jindan.select.spaces import Space

    space: Any = space_of(classes)
    if method == "again":
        drawn, rng = Space.of(space), np.random.default_rng([seed, 1])
        method, space = "manual", [drawn.draw(rng) for _ in range(TRIALS)]
    found = jd.search(
        model_of(classes), x, y, space, method, TRIALS, folds=FOLDS, batch=BATCH, scoring="-loss",
        seed=seed, epochs=EPOCHS, batch_size=ROWS,
    )  # fmt: skip
    return [-np.inf if row["score"] is None else row["score"] for row in found.table]


def trials_until(scores: Sequence[float], goal: float) -> int | None:
    """Trials trained, in whole batches, once the best of them is no less than the goal; None where it never is.

    >>> trials_until([0.1, 0.5, 0.2] * 4, 0.5), trials_until([0.1] * 8 + [0.6] * 8, 0.5), trials_until([0.1], 0.5)
    (8, 16, None)
    """
    reached = np.flatnonzero(np.asarray(scores) >= goal)
    return None if not len(reached) else int(reached[0] // BATCH + 1) * BATCH


def measure(runs: int) -> Result:
    """The searches on both sets, with seeds 0 … runs − 1."""
    figures: dict[str, Any] = {}
    rows, goals = [], []
    for name, (data, classes) in SETS.items():
        best, trials, failed = _repeated(name, *data(), classes, runs)
        counted = {who: Spread.of([NEVER if n is None else n for n in some]) for who, some in trials.items()}
        figures[name] = {"best": best, "trials": trials, "failed_trials": failed, "counted": counted}
        scores = [Spread.of(best[method]).text(".4g") for method in ("random", "bayes")]
        ahead = sum(mine >= other for mine, other in zip(best["bayes"], best["random"], strict=True))
        rows.append([name, counted["bayes"].text("g"), counted["again"].text("g"), *scores, f"{ahead} of {runs}"])
        goals.append(Goal(f"{name}: trials of Bayesian search to random search's best of {TRIALS}, median",
                          counted["bayes"].median, "≤", SHARE * TRIALS, "trials"))  # fmt: skip
    columns = ["", "trials of Bayes", "trials of another random", "best score, random", "best score, Bayes",
               "Bayes as good or better"]  # fmt: skip
    return Result(
        title="Bayesian against random search", task=TASK, figures=figures, goals=goals,
        tables=[Table(f"{runs} repeats; trials until the random search's best of {TRIALS}:", columns, rows)],
    )  # fmt: skip


def _repeated(
    name: str, x: np.ndarray, y: np.ndarray, classes: int | None, runs: int
) -> tuple[dict[str, list[float]], dict[str, list[int | None]], list[int]]:
    """Best scores by method, trials that each rival of the random search took to its best, failed trials a seed."""
    best: dict[str, list[float]] = {"random": [], "bayes": [], "again": []}
    trials: dict[str, list[int | None]] = {"bayes": [], "again": []}
    failed: list[int] = []
    for seed in range(runs):
        began = time.perf_counter()
        scores = {method: searched(x, y, classes, method, seed) for method in ("random", "bayes", "again")}
        for method, some in scores.items():
            best[method].append(max(some))
        failed.append(int(sum(np.isinf(some).sum() for some in scores.values())))
        for rival, counts in trials.items():
            counts.append(trials_until(scores[rival], best["random"][-1]))
        told = ", ".join(f"{rival} there after {counts[-1]}" for rival, counts in trials.items())
        print(f"  {name}, seed {seed}: random {best['random'][-1]:.5g}, bayes {best['bayes'][-1]:.5g}; {told}, "
              f"{time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)  # fmt: skip
    return best, trials, failed
