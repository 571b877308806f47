"""tables: `jindan train TABLE --target COLUMN`, and nothing else, on every table of the shared data."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .common import DATA, Child, Goal, Result, Skip, Table, run

TASK = """The command with a target alone, as a newcomer would give it: every choice is jindan's. The figure is that of
the test rows it put aside, R² for numbers and accuracy for classes; beside it the mean or the majority class, and the
best of a linear model, nearest neighbours and an SVM on the same rows. Seeds differ in the split as well."""
# Table → its target, by name or, where there is no header row, by place.
TARGETS = {
    "iris": "species", "penguins": "species", "titanic": "survived", "mpg": "mpg", "diamonds": "price", "housing": "-1",
    "sonar": "-1", "ionosphere": "-1", "pima-indians-diabetes": "-1", "airline-passengers": "Passengers",
    "monthly-sunspots": "Sunspots",
}  # fmt: skip
SERIES = {"airline-passengers", "monthly-sunspots"}
"""Their rows are in order of time, of which the command says that drawing them at random is the wrong split."""
LEAST = 0.1
"""Points by which the trivial answer has to be beaten: a tie is no win."""
LEAKS = {"titanic": "alive"}
"""Table → the column that holds the answer, which has to be told."""


def measure(runs: int, only: Iterable[str] = TARGETS) -> Result:
    """Train each table from `runs` seeds.

    Args:
        runs: Seeds.
        only: The tables.

    Raises:
        Skip: where the shared tables are not there.
    """
    if not (DATA / "tabular").is_dir():
        raise Skip(f"{DATA / 'tabular'} is missing")
    rows, goals, notes, figures = [], [], [], {}
    for name in only:
        found = [figures_of(_trained(name, seed)) for seed in range(runs)]
        own, trivial, best = (statistics.median(each[key] for each in found) for key in ("own", "trivial", "best"))
        seconds = statistics.median(each["seconds"] for each in found)
        scores = (f"{value:.3f}" for value in (own, trivial, best))
        rows.append([name, TARGETS[name], found[0]["figure"], *scores, f"{seconds:.0f}"])
        print("  " + ", ".join(rows[-1]), file=sys.stderr, flush=True)
        if name in SERIES and own <= trivial:
            notes.append(f"{name}: its rows are in order of time, and a random order of them is the wrong split.")
        else:
            goals.append(Goal(f"{name}: network − trivial answer", 100 * (own - trivial), "≥", LEAST, "points"))
        if name in LEAKS:
            told = all("data-leakage" in each["findings"] for each in found)
            goals.append(Goal(f"{name}: the summary tells of the leak", float(told), "≥", 1, ""))
        figures[name] = found
    head = ["table", "target", "figure", "network", "trivial answer", "best simple model", "seconds"]
    return Result(
        title="Every table with `--target` alone", task=TASK, goals=goals, figures=figures, notes=notes,
        tables=[Table(f"Medians of {runs} seed{'s' * (runs > 1)}:", head, rows)],
    )  # fmt: skip


def figures_of(child: Child) -> dict[str, Any]:
    """What one run of the command says, from the JSON it printed.

    >>> child = Child(3.0, 0.0, {"metrics": {"accuracy": 0.9}, "findings": [{"code": "plateau"}],
    ...               "baselines": {"majority": {"accuracy": 0.5}, "knn": {"accuracy": 0.8}}}, 0.0)
    >>> figures_of(child)
    {'figure': 'accuracy', 'own': 0.9, 'trivial': 0.5, 'best': 0.8, 'seconds': 3.0, 'findings': ['plateau']}
    """
    found = child.output
    own = found["metrics"]
    figure = "r2" if "r2" in own else "accuracy"
    others = {name: scores[figure] for name, scores in found["baselines"].items()}
    trivial = next(value for name, value in others.items() if name in ("majority", "mean"))
    best = max(value for name, value in others.items() if name not in ("majority", "mean"))
    codes = [finding["code"] for finding in found["findings"]]
    return {"figure": figure, "own": own[figure], "trivial": trivial, "best": best, "seconds": child.seconds,
            "findings": codes}  # fmt: skip


def _trained(name: str, seed: int) -> Child:
    with tempfile.TemporaryDirectory() as folder:
        table, out = DATA / "tabular" / f"{name}.csv", Path(folder) / "run"
        return run([sys.executable, "-m", "jindan", "train", table, "--target", TARGETS[name], "--seed", str(seed),
                    "--out", out, "--json"])  # fmt: skip
