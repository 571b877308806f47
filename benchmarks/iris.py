"""iris: the notes' exercise – 12,000 updates of a tiny network – as whole programs and as training alone."""

from __future__ import annotations

import functools
import tempfile
from typing import Any

from .common import Child, Goal, Result, Spread, Table, disturbance, in_turn, run, script

TASK = """\
The notes' exercise on `examples/iris.csv`: one-hot target, 120 rows for training and 30 for validation and test
(seed 417), a 4–30 ReLU–16 ReLU–3 softmax network, Adam 0.001, categorical cross-entropy, 100 epochs of batch size 1
(12,000 updates) with validation each epoch, then the test accuracy."""
LIBRARIES = {"torch": "PyTorch", "fused": "PyTorch, fused Adam", "keras": "Keras 3 (JAX)", "sklearn": "scikit-learn"}
NAMES = {"jindan": "jindan", "empty": "jindan, empty compilation cache", **LIBRARIES, "jax_steps": "JAX step loop"}


def measure(runs: int) -> Result:
    """Measure every peer `runs` times."""
    with tempfile.TemporaryDirectory(prefix="jindan-") as cache:
        whole, alone = _peers(cache), _peers(cache, "--again")
        del alone["empty"], whole["jax_steps"]
        first, missing = in_turn(whole, runs)
        second, _ = in_turn({name: peer for name, peer in alone.items() if name not in missing}, runs, warm=False)
    _same_rows([*first.values(), *second.values()])
    figures = {
        "whole_seconds": {name: Spread.of([c.seconds for c in found]) for name, found in first.items()},
        "memory_mb": {name: Spread.of([c.memory for c in found]) for name, found in first.items()},
        "second_train_seconds": {
            name: Spread.of([c.output["second_train_seconds"] for c in found]) for name, found in second.items()
        },
        "accuracy": {name: Spread.of([c.output["accuracy"] for c in found]) for name, found in first.items()},
        "skipped": missing,
    }
    return Result(
        title="Iris: many small updates",
        task=TASK,
        tables=[_whole(figures), _alone(figures)],
        goals=_goals(figures),
        figures=figures,
        notes=[
            "jindan's compilation cache was filled by an earlier run except where it says empty.",
            "scikit-learn has no validation loss after each epoch, so it does less work than the others.",
            "PyTorch and Keras are given the split's rows by NumPy, so that they need not import scikit-learn.",
            disturbance(first, second),
            *(f"{NAMES[name]} was skipped: {reason}" for name, reason in missing.items()),
        ],
    )  # fmt: skip


def _peers(cache: str, *arguments: str) -> dict[str, Any]:
    """Name → a function that runs the peer once."""

    def fresh() -> Child:
        with tempfile.TemporaryDirectory(prefix="jindan-") as folder:
            return run(script("iris_jindan", *arguments), {"JINDAN_CACHE": folder})

    filled = functools.partial(run, script("iris_jindan", *arguments), {"JINDAN_CACHE": cache})
    found: dict[str, Any] = {"jindan": filled, "empty": fresh}
    for name in ("torch", "fused", "keras", "sklearn", "jax_steps"):
        more = ("--fused",) if name == "fused" else ()
        found[name] = functools.partial(run, script(f"iris_{'torch' if more else name}", *arguments, *more))
    return found


def _same_rows(found: list[list[Child]]) -> None:
    sums = {child.output["test_sum"] for children in found for child in children}
    if len(sums) > 1:
        raise RuntimeError(f"The peers tested on different rows: {sums}")


def _whole(figures: dict[str, Any]) -> Table:
    seconds = figures["whole_seconds"]
    base = seconds["jindan"].median
    rows = [
        [NAMES[name], spread.text(".2f"), f"{spread.median / base:.2f}×", figures["memory_mb"][name].text(".0f"),
         f"{figures['accuracy'][name].median:.3f}"]
        for name, spread in seconds.items()
    ]  # fmt: skip
    columns = ["whole program", "seconds", "to jindan", "peak memory, MB", "test accuracy"]
    return Table("From a fresh process (import, read, train, evaluate, exit):", columns, rows)


def _alone(figures: dict[str, Any]) -> Table:
    seconds = figures["second_train_seconds"]
    base = seconds["jindan"].median
    rows = [
        [NAMES[name], spread.text(".1f", 1000), f"{spread.median / 12_000 * 1e6:.1f}", f"{spread.median / base:.1f}×"]
        for name, spread in seconds.items()
    ]
    columns = ["training alone", "milliseconds", "µs an update", "to jindan"]
    return Table("`fit` alone, of a second model in the same process:", columns, rows)


def _goals(figures: dict[str, Any]) -> list[Goal]:
    alone = {name: spread.median for name, spread in figures["second_train_seconds"].items()}
    whole = {name: spread.median for name, spread in figures["whole_seconds"].items()}
    memory = {name: spread.median for name, spread in figures["memory_mb"].items()}
    bounds = {"torch": 100, "sklearn": 40, "jax_steps": 5}
    goals = [
        Goal(f"training alone, {NAMES[name]} ÷ jindan", alone[name] / alone["jindan"], "≥", bound)
        for name, bound in bounds.items()
        if name in alone
    ]
    peers = {name: whole[name] for name in LIBRARIES if name in whole}
    if peers:
        fastest = min(peers, key=peers.__getitem__)
        for name, bound, words in (("jindan", 0.6, "filled cache"), ("empty", 1.0, "empty cache")):
            what = f"whole program, jindan ({words}) ÷ {NAMES[fastest]}, the fastest other"
            goals.append(Goal(what, whole[name] / peers[fastest], "≤", bound))
    if "keras" in memory:
        goals.append(Goal("peak memory, jindan ÷ Keras", memory["jindan"] / memory["keras"], "≤", 1.0))
    return goals
