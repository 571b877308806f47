"""What direct tests of learning share: results in place of errors, inner splits, scores and losses of runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.data import Data, as_targets, cut
from ..engine.run import Run
from ..errors import JindanError
from ..losses import align
from ..plan import Plan
from . import judge
from .evidence import Case
from .references import some
from .repairs_splits import partition, strata_of

MOST_ROWS = 1024
ILL = (JindanError, ArithmeticError, TypeError, ValueError, IndexError, RuntimeError)

Numbers = dict[str, Any]


def harmless(test: Callable[..., Numbers]) -> Callable[..., Numbers]:
    """What an ill plan makes a test raise becomes a result."""

    @functools.wraps(test)
    def tried(case: Case, task: str | None = None, **settings: Any) -> Numbers:
        try:
            task = task or judge.task_of(case.plan, case.data.y)
            return test(case, task, **settings) if task in judge.TASKS else {}
        except ILL as error:
            return {"failed": f"{type(error).__name__}: {error}"}

    return tried


def bare(plan: Plan) -> Plan:
    """The plan for all rows it is given, to its last epoch."""
    return plan.replace(early_stopping=None, reduce_on_plateau=None, rows=None, validation_rows=None)


def scored(task: str, run: Run, data: Data) -> float:
    """The score of a run on some rows; 0 where its answers have no meaning for the task."""
    rows = some(len(data), 2 * MOST_ROWS)
    return judge.score(task, data.y[rows], run.predict(cut(data.x, rows)))


def cost(plan: Plan, y: np.ndarray, outputs: Any) -> float | None:
    """The loss of outputs (rows, …), or None where it cannot be had from them."""
    try:
        truth, guess = align(plan.loss, as_targets(y, plan.dtype, plan.loss), outputs)
        return plan.loss.weight * float(plan.loss.finish(np.mean(np.asarray(plan.loss.rows(truth, guess)))))
    except ILL:
        return None


def alone(case: Case, parts: int = 5) -> bool:
    """Whether the training rows are too few to hold some out, so that they judge themselves."""
    return len(_rows(case)) < 4 * parts


def _rows(case: Case) -> np.ndarray:
    return np.arange(len(case.data)) if case.plan.rows is None else np.unique(case.plan.rows.numbers)


def inner(case: Case, task: str, parts: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Training rows to fit and to judge by, strata alike; all of them for both where there are few."""
    everything = _rows(case)
    if alone(case, parts):
        return everything, everything
    strata = strata_of(task, case.data.y[everything], len(everything))
    part = partition(strata, np.arange(len(everything)), parts, np.random.default_rng(case.plan.seed or 0))
    return everything[part != 0], everything[part == 0]
