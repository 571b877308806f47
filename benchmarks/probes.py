"""probes: what keeping moments of a training costs, and what measuring them adds to its compilation."""

from __future__ import annotations

import functools
from collections.abc import Callable

from .common import Child, Goal, Result, Spread, Table, disturbance, in_turn, module, run

TITLES = {
    "iris": "iris, 4-30-16-3, batch 1",
    "digits": "digits, 64-100-10, batch 32",
    "cnn": "CNN 32-64-128, MNIST, batch 128",
    "short": "the same, 1,024 images, 6 epochs",
    "lstm": "LSTM 128, MNIST by rows, batch 128",
}
SHORT = """\
The short training has no goal: what a few looks cost does not shrink with the training they are made in."""
LONG = 1e-3  # seconds an update from which keeping may cost 2 % at most
TASK = """\
Each network trains in a process of its own without cached programs. "Keeping" is the ratio of a training that is \
watched by the doctor's `Keeper` (six moments at most: calls of the program cut there, weights and optimizer copied) \
to one that is not, both compiled already, in pairs whose order alternates (the median of ratios): 101 pairs, or as \
many as 40 seconds hold, 120 for the LSTM and 360 for the CNN. "Compiling" is that of the training and of the probes \
together, as a ratio to that of the training: what a fit pays at most when its curves look wrong. "Measuring" is \
`measure(deep=False)` of all moments kept, compiled already."""


def measure(runs: int) -> Result:
    """Measure every network `runs` times."""
    peers: dict[str, Callable[[], Child]] = {
        name: functools.partial(run, module("probes_jindan", name)) for name in TITLES
    }
    found, skipped = in_turn(peers, runs, warm=False)
    rows, goals, figures = [], [], {}
    for name, children in found.items():
        told = [child.output for child in children]
        figures[name] = {key: Spread.of([one[key] for one in told]) for key in told[0]}
        own = figures[name]
        both = Spread.of([1 + one["probes_compile"] / one["training_compile"] for one in told])
        rows.append([
            TITLES[name], f"{own['updates'].median:.0f}", own["plain"].text(".3g"), own["kept_ratio"].text(".3f"),
            own["training_compile"].text(".2f"), both.text(".2f"), own["probes"].text(".3f"),
        ])  # fmt: skip
        if name == "short":
            continue
        slow = own["plain"].median / own["updates"].median >= LONG
        goals.append(Goal(f"keeping, {name}", own["kept_ratio"].median, "≤", 1.02 if slow else 1.1))
        goals.append(Goal(f"compiling, {name}", both.median, "≤", 1.3))
    columns = ["network", "updates", "training, s", "keeping", "compiling the training, s", "compiling", "measuring, s"]
    return Result(
        title="Probes",
        task=TASK,
        tables=[Table("Training, and what the doctor's eye adds:", columns, rows)],
        goals=goals,
        figures={**figures, "skipped": skipped},
        notes=[SHORT, disturbance(found), *(f"{name} was skipped: {reason}" for name, reason in skipped.items())],
    )
