"""At which multiples of its learning rate a plan learns: one population on an inner split of the training rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..engine.data import Data, cut
from ..engine.run import Run
from ..engine.train import train
from ..plan import Plan
from .evidence import Case
from .learning_runs import Numbers, bare, harmless, inner, scored
from .references import some
from .starting import begun

FACTORS = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
# What an update costs on one core: a start, and its operations at the rate that small convolutions reach.
START_SECONDS, OPERATIONS_PER_SECOND = 4e-5, 2e10


@harmless
def rate_ladder(
    case: Case,
    task: str,
    *,
    factors: Sequence[float] = FACTORS,
    seeds: int = 2,
    epochs: int | None = None,
    seconds: float = 3.0,
) -> Numbers:
    """What the plan learns at multiples of its learning rate: one population, so one program.

    A fifth of the training rows is held out; the case's validation rows are never looked at. Runs are as long as the
    plan's, or as long as the seconds allow by a count of operations.

    Args:
        case: The training.
        task: As `judge.task_of` names it; None finds out.
        factors: Multiples of the rate (of a schedule: of its start).
        seeds: Runs at each.
        epochs: Of each run; None is the plan's, capped.
        seconds: About how long all runs together may take, compilation apart.

    Returns:
        By factor: "factors", "rates", "loss" (training loss at the end, median; inf where a run diverged), "score" (on
        the held-out fifth, median) and "train_score", "diverged" (share of runs); "best" (the factor of the best score,
        ties by the loss), "epochs", "rows", "steps" (updates of a run).
    """
    rate = float(case.plan.value("learning_rate"))
    fit, held = inner(case, task)
    members = len(factors) * seeds
    plan, fit = short(case, fit, members, epochs, seconds)
    plans = [
        plan.edit(learning_rate=rate * factor, seed=(case.plan.seed or 0) + seed)
        for factor in factors
        for seed in range(seeds)
    ]
    data = Data(cut(case.data.x, fit), case.data.y[fit], None if case.data.weight is None else case.data.weight[fit])
    other = Data(cut(case.data.x, held), case.data.y[held])
    runs = train(plans, data, start=begun(case, plan))
    rows = [runs[k * seeds : (k + 1) * seeds] for k in range(len(factors))]
    bad = [[run.first_nonfinite is not None or not _ended(run) for run in group] for group in rows]
    losses = [
        float(np.median([math.inf if ill else run.history["loss"][-1] for ill, run in zip(ills, group, strict=True)]))
        for ills, group in zip(bad, rows, strict=True)
    ]
    scores = [float(np.median([scored(task, run, other) for run in group])) for group in rows]
    trained = [float(np.median([scored(task, run, data) for run in group])) for group in rows]
    best = min(range(len(factors)), key=lambda k: (-scores[k], losses[k]))
    return {
        "factors": [float(f) for f in factors], "rates": [rate * f for f in factors], "loss": losses, "score": scores,
        "train_score": trained, "diverged": [float(np.mean(ills)) for ills in bad], "best": float(factors[best]),
        "epochs": plan.epochs, "rows": len(fit), "steps": runs[0].steps,
    }  # fmt: skip


def _ended(run: Run) -> bool:
    return bool(run.history.get("loss")) and math.isfinite(run.history["loss"][-1])


def short(case: Case, fit: np.ndarray, members: int, epochs: int | None, seconds: float) -> tuple[Plan, np.ndarray]:
    """The plan and its rows, cut so that so many runs end in about so many seconds."""
    size = min(case.plan.batch_size, len(fit))
    work = 3 * size * case.plan.network(case.input_shape).flops()
    updates = max(1, int(seconds / (members * (START_SECONDS + work / OPERATIONS_PER_SECOND))))
    each = math.ceil(len(fit) / size)
    if each > updates:
        fit = fit[some(len(fit), max(size * updates, min(len(fit), 5 * size)))]
        each = math.ceil(len(fit) / size)
    wanted = epochs if epochs is not None else min(max(case.plan.epochs, 1), max(1, updates // each))
    return bare(case.plan).replace(epochs=wanted), fit
