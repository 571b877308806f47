"""How the networks of a table are judged: figures on a part of its rows, half-widths, seeds and members compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..engine.members import predict_members
from ..engine.run import Run
from ..plan import Plan
from ..select import Score, primary, score_classes, score_numbers
from .members import Repeats, mean_of, seed_spread
from .prepare import Prepared
from .probabilities import probabilities


def score(plan: Plan, prepared: Prepared, outputs: np.ndarray, rows: np.ndarray) -> dict[str, Score]:
    """Figures with intervals of outputs for some rows of the table, in the target's units; over groups if it has them.

    Args:
        plan: Of the training; its loss says what outputs mean.
        outputs: (rows, …) for these rows alone.
        rows: Their numbers.
    """
    if prepared.classes:
        p = probabilities(plan, outputs, prepared.classes)
        return score_classes(prepared.truth[rows], p, groups=prepared.ties.of(rows))
    guess = prepared.encoder.decode(outputs[:, 0])
    return score_numbers(prepared.truth[rows], guess, groups=prepared.ties.of(rows))


def residual(prepared: Prepared, outputs: np.ndarray, part: str) -> float | None:
    """The half-width that held 95 % of the errors on rows not trained on (split conformal; Lei et al. 2018)."""
    if prepared.classes or part == "train":
        return None
    rows = prepared.part(part)
    errors = np.sort(np.abs(prepared.truth[rows] - prepared.encoder.decode(outputs[rows, 0])))
    if not len(errors) or not np.isfinite(errors).all():
        return None
    return float(errors[min(len(errors) - 1, int(np.ceil(0.95 * (len(errors) + 1))) - 1)])


def repeated(prepared: Prepared, runs: Sequence[Run], repeats: Repeats, part: str, first: int) -> dict[str, Any]:
    """What repeating the training tells, in plain values: `seed_spread` for several seeds, `ensemble` for members.

    Args:
        runs: The members of one seed after those of another, those kept first.
        part: The rows to judge on.
        first: The first seed.
    """
    if repeats.count == 1:
        return {}
    plan, rows, metric, size = runs[0].plan, prepared.part(part), primary(prepared.task.kind), repeats.ensemble
    outputs = predict_members(runs, prepared.x, rows)
    means = [mean_of(np.stack(outputs[k : k + size])) for k in range(0, len(runs), size)]
    together = [score(plan, prepared, mean, rows) for mean in means]
    found: dict[str, Any] = {}
    if repeats.seeds > 1:
        found["seed_spread"] = seed_spread(range(first, first + repeats.seeds), together, metric, part)
    if size > 1:
        alone = np.array([score(plan, prepared, o, rows)[metric].value for o in outputs[:size]])
        found["ensemble"] = {
            "members": size, "seeds": [run.plan.seed for run in runs[:size]], "metric": metric, "part": part,
            "together": together[0][metric].value, "scores": alone.tolist(), "mean_of_members": float(alone.mean()),
        }  # fmt: skip
    return found


def kept_of(runs: Sequence[Run], repeats: Repeats) -> tuple[list[Run], str | None]:
    """The runs whose mean is the model, and what is unfinished: "training", "members" or nothing.

    A training that was cut off keeps its first member, from which `resume` finds all others again. The rows of a
    bootstrap are no part of what is kept: they follow from the seed.
    """
    plain = [run.plan.replace(rows=None) if run.plan.rows is not None else run.plan for run in runs]
    freed = [replace(run, plan=plan) for run, plan in zip(runs, plain, strict=True)]
    if runs[0].interrupted:
        return freed[:1], "training"
    if len(runs) < repeats.count or any(run.interrupted for run in runs):
        return freed[:1], "members"
    return freed[: repeats.ensemble], None
