"""population: the same hundred small trainings in jindan and its peers, compilation included and excluded."""

from __future__ import annotations

import functools
import tempfile
from typing import Any

from .common import Child, Goal, Result, Spread, Table, disturbance, in_turn, run, script

TASK = """\
Four populations. `digits`: 5 folds × 20 learning rates of a 64-100-10 network, 30 epochs, batch 200. `bagging`: 64
bootstraps of a 30-32-16-1 network on breast cancer, 50 epochs, batch 32. `xor`: 256 seeds of a 2-4-1 network, 1,000
full-batch updates. `cnn`: 32 random rates and dropouts of a CNN (3×3: 8, pool, 16, pool, dense) on 5,000 images of
MNIST, 2 epochs, batch 64. Adam in all; training and scoring are timed, in a process that has imported its library."""
PEERS = {
    "digits": {"GridSearchCV(MLPClassifier, n_jobs=2)": ("population_sklearn",)},
    "bagging": {"BaggingClassifier(MLPClassifier, n_jobs=2)": ("population_sklearn",)},
    "xor": {"PyTorch loop": ("population_torch",), "torch.func.vmap": ("population_torch", "--vmap")},
    "cnn": {"PyTorch loop, fused Adam": ("population_torch",)},
}
# (without compilation, with an empty cache) against the first peer.
GOALS: dict[str, tuple[float, float | None]] = {
    "digits": (10, 5), "bagging": (20, 4), "xor": (500, None), "cnn": (1.5, None)
}  # fmt: skip


def measure(runs: int) -> Result:
    """Measure every peer `runs` times."""
    figures: dict[str, Any] = {}
    tables, goals, children, notes = [], [], {}, []
    for task, peers in PEERS.items():
        found, skipped = in_turn(_peers(task, peers), runs, warm=False)
        children |= {f"{task} {name}": some for name, some in found.items()}
        notes += [f"{task}: {name} was skipped: {reason}" for name, reason in skipped.items()]
        if "jindan" not in found:
            continue
        first = {name: Spread.of([c.output["seconds"][0] for c in some]) for name, some in found.items()}
        again = {name: Spread.of([c.output["seconds"][-1] for c in some]) for name, some in found.items()}
        scores = {name: Spread.of([c.output["score"] for c in some]) for name, some in found.items()}
        figures[task] = {"first_seconds": first, "second_seconds": again, "score": scores}
        tables.append(_table(task, first, again, scores))
        rival = next((name for name in peers if name in again), None)
        if rival is not None:
            bound, cold = GOALS[task]
            goals.append(Goal(f"{task}: {rival} ÷ jindan, without compilation",
                              again[rival].median / again["jindan"].median, "≥", bound))  # fmt: skip
            if cold is not None:
                goals.append(Goal(f"{task}: {rival} ÷ jindan, with an empty cache",
                                  again[rival].median / first["jindan"].median, "≥", cold))  # fmt: skip
    sizes = run(script("population_jindan", "sizes")).output["seconds"]
    figures["sizes"] = sizes
    tables.append(_sizes(sizes))
    notes.append(disturbance(children))
    notes.append(
        "jindan's first time, with an empty compilation cache, contains tracing and compiling; scikit-learn's first "
        "time starts its processes and is not counted against it."
    )
    return Result(
        title="Populations", task=TASK, tables=tables, goals=goals, figures=figures, notes=notes,
    )  # fmt: skip


def _peers(task: str, peers: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    def fresh() -> Child:
        with tempfile.TemporaryDirectory(prefix="jindan-") as folder:
            return run(script("population_jindan", task), {"JINDAN_CACHE": folder})

    return {"jindan": fresh} | {
        name: functools.partial(run, script(words[0], task, *words[1:])) for name, words in peers.items()
    }


def _table(task: str, first: dict[str, Spread], again: dict[str, Spread], scores: dict[str, Spread]) -> Table:
    base = again["jindan"].median
    rows = [
        [
            name,
            spread.text(".3g"),
            f"{spread.median / base:.3g}×",
            first[name].text(".3g"),
            f"{scores[name].median:.3f}",
        ]
        for name, spread in again.items()
    ]  # fmt: skip
    return Table(f"`{task}`:", ["", "seconds", "to jindan", "seconds, first time", "score"], rows)


def _sizes(sizes: dict[str, float]) -> Table:
    one = sizes["1"]
    rows = [[size, f"{1000 * seconds:.1f}", f"{1000 * seconds / int(size):.2f}", f"{one * int(size) / seconds:.1f}×"]
            for size, seconds in sizes.items()]  # fmt: skip
    caption = (
        "Cost against size (64-32-10 on digits, batch 64, 5 epochs, 145 updates). One member leaves a core idle and "
        "pays for each operation by itself; side by side members share that, and both cores work. From about 32 "
        "members on the cores are busy with arithmetic, and the cost grows with the size."
    )
    return Table(caption, ["members", "milliseconds", "a member", "gain over one by one"], rows)
