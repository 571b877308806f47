"""Random search as a repairer: plans drawn from a broad space, judged on an inner split, the best trained on all rows.

What a repairer has to beat at the same cost: Kim et al. ("Repairing DNN Architecture: Are We There Yet?", ICST 2023)
compare repair tools with such a search. A plan begun is finished, so the search may take a little longer.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .cases import Case, arrays_of, fit_arguments, model_of
from .scoring import score

HELD = 0.25  # share of the training rows on which plans are compared
FEW = 16  # with fewer rows they are compared on the training rows themselves
UPDATES = 20_000  # a drawn plan makes no more
HIDDEN = ("relu", "relu", "tanh", "sigmoid", "elu", "selu", "softplus", "linear")
INITIALISERS = ("glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "random_normal", "random_uniform")
OPTIMIZERS = ("SGD", "Momentum", "Adam", "RMSprop", "Adagrad", "Nadam")
OUTPUTS = {
    "binary": (("sigmoid", "binary_crossentropy"), ("sigmoid", "mse"), ("linear", "mse")),
    "multiclass": (("softmax", "categorical_crossentropy"), ("sigmoid", "binary_crossentropy"), ("softmax", "mse")),
    "regression": (("linear", "mse"), ("linear", "mae"), ("linear", "huber")),
}


@dataclass(frozen=True)
class Found:
    """The best plan of a search.

    Attributes:
        plan: As a case, with `inputs` and `targets` "standardise" or None.
        inner: Its score on the inner split.
        score: Its score on the test rows, trained on all training rows.
        plans: How many were trained.
        seconds: All together.
    """

    plan: Case
    inner: float
    score: float
    plans: int
    seconds: float


def search(case: Case, seed: int, *, seconds: float = 30.0, plans: int | None = None) -> Found:
    """Search until the seconds are over, or for a number of plans; the given plan is the first.

    Args:
        case: What is to be repaired; its test rows are looked at once, at the end.
        seed: Of the draws, the split and the trainings.
        seconds: What the other repairer took.
        plans: How many plans it trained; then `seconds` does not count.
    """
    began, arrays = time.perf_counter(), arrays_of(case)
    rng = np.random.default_rng(seed)
    x, y = arrays["x_train"], arrays["y_train"]
    part, held = _split(case, y, rng)
    best, best_score, count = case, -1.0, 0
    for plan in itertools.chain([case], _draws(case, x, y, rng)):
        over = count >= plans if plans is not None else time.perf_counter() - began >= seconds
        if over and count > 0:
            break
        count += 1
        found = score(case, y[held], _outputs(plan, x[part], y[part], x[held], seed))
        if found > best_score:
            best, best_score = plan, found
    final = score(case, arrays["y_test"], _outputs(best, x, y, arrays["x_test"], seed))
    return Found(best, best_score, final, count, time.perf_counter() - began)


def _split(case: Case, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows to judge by, classes in their shares."""
    every = np.arange(len(y))
    if len(y) < FEW:
        return every, every
    classes = np.zeros(len(y)) if case["task"] == "regression" else y.reshape(len(y), -1) @ 2 ** np.arange(y[0].size)
    held = [
        rng.permutation(every[classes == label])[: max(1, round(HELD * np.sum(classes == label)))]
        for label in np.unique(classes)
    ]
    rows = np.sort(np.concatenate(held))
    return np.setdiff1d(every, rows), rows


def _draws(case: Case, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Iterator[Case]:
    while True:
        yield draw(case, x, y, rng)


def draw(case: Case, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Case:
    """One plan, in the form of a case."""

    def log_uniform(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    def pick(options: tuple) -> Any:
        return options[rng.integers(len(options))]

    activation, initialiser = pick(HIDDEN), pick(INITIALISERS)
    hidden: list[dict[str, Any]] = [{"type": "Flatten"}] if x.ndim > 2 else []
    drop, penalty = pick((0.0, 0.0, 0.2, 0.5)), pick((0.0, 0.0, 1e-4, 1e-2))
    for _ in range(rng.integers(1, 5)):
        hidden.append({"type": "Dense", "units": round(log_uniform(4, 256)), "activation": activation,
                       "kernel_initializer": initialiser, "l2": penalty})  # fmt: skip
        hidden += [{"type": "Dropout", "rate": drop}] if drop else []
    output, loss = pick(OUTPUTS[case["task"]])
    units = int(np.prod(y.shape[1:], dtype=int))
    name, rate = pick(OPTIMIZERS), log_uniform(1e-5, 1.0)
    optimizer = {"name": name, "learning_rate": rate}
    batch = 2 ** int(rng.integers(0, 9))
    epochs = round(log_uniform(5, 1000))
    return {
        **{key: case[key] for key in ("id", "task", "metric", "shuffle")},
        "layers": [*hidden, {"type": "Dense", "units": units, "activation": output}],
        "optimizer": optimizer,
        "loss": loss,
        "batch_size": batch,
        "epochs": max(1, min(epochs, UPDATES // -(-len(x) // batch))),
        "inputs": pick((None, "standardise")),
        "targets": pick((None, "standardise")) if case["task"] == "regression" else None,
    }


def _outputs(plan: Case, x: np.ndarray, y: np.ndarray, held: np.ndarray, seed: int) -> np.ndarray:
    """What the plan, trained on (x, y), gives for other rows; statistics are those of x and y."""
    if plan.get("inputs") == "standardise":
        mean, spread = _moments(x)
        x, held = (x - mean) / spread, (held - mean) / spread
    shift, scale = _moments(y) if plan.get("targets") == "standardise" else (0.0, 1.0)
    model = model_of(plan)
    model.fit(x, ((y - shift) / scale).astype(np.float32), seed=seed, verbose=0, doctor=False, **fit_arguments(plan))
    return np.asarray(model.predict(held)) * scale + shift


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    spread = values.std(0)
    return values.mean(0), np.where(spread > 0, spread, 1.0).astype(values.dtype)
