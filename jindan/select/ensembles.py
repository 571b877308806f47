"""Ensembles trained as one population: bagging, other seeds, and snapshots along one training."""

from __future__ import annotations

import math
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from ..engine.run import Run
from ..errors import InputError
from ..plan import Plan
from ..schedules import CosineDecayRestarts, LearningRateSchedule
from ..utils import draw_seed
from .members import Ensemble, Uncertainty
from .outputs import each, judged, probable
from .task import Task, cut_y, task_of, watches_others

__all__ = ["Ensemble", "Uncertainty", "bagging", "deep_ensemble", "snapshot_ensemble"]


def bagging(
    model: Any,
    X: Any,
    y: Any,
    n: int = 32,
    *,
    share: float = 1.0,
    scoring: Any = None,
    seed: int | None = 0,
    **fit: Any,
) -> Ensemble:
    """n members, each on rows of its own drawn with replacement (Breiman 1996), as one population.

    Member k starts from seed + k. A row is judged by the members that have not drawn it: `oob_outputs`, `oob_score`.
    Where early stopping or a plateau watches validation rows and none are given, a member watches those it has not
    drawn, and the out-of-bag score is then a little too good.

    Args:
        model: A compiled model, which stays as it is, or a Plan.
        X, y: Rows and targets, as `fit` takes them.
        n: How many members.
        share: Rows each member draws, as a share of all.
        scoring: See `jindan.select.scoring.scoring_of`; accuracy where each row has one class, else −loss.
        seed: Of the draws and of the first member; None draws one.
        fit: Arguments of `fit`: epochs, batch_size, callbacks, …

    Raises:
        InputError: when rows and model do not fit, or share is not above 0.

    >>> from jindan.layers import Dense
    >>> from jindan.models import Sequential
    >>> X = np.random.default_rng(0).normal(size=(60, 2)); y = (X.sum(1) > 0).astype(float)
    >>> model = Sequential([Dense(4, activation="tanh"), Dense(1, activation="sigmoid")])
    >>> model.compile("adam", "binary_crossentropy")
    >>> ensemble = bagging(model, X, y, n=4, epochs=60, batch_size=8)
    >>> ensemble.predict(X).shape, ensemble.oob_score > 0.8
    ((60, 1), True)
    """
    n = _count("n", n)
    if isinstance(share, bool) or not isinstance(share, Real) or not 0 < share < math.inf:
        raise InputError("A member needs rows.", where="share", expected="a share of the rows above 0", received=share,
                         help="1.0 draws as many rows as there are.")  # fmt: skip
    task, seed = _task(model, X, y, scoring, seed, fit)
    rows = len(task)
    drawn = np.random.default_rng(seed).integers(0, rows, (n, max(1, round(share * rows))))
    left = [np.setdiff1d(np.arange(rows), own) for own in drawn]
    plans = [
        _drawn(task, own, out).replace(seed=seed + k) for k, (own, out) in enumerate(zip(drawn, left, strict=True))
    ]
    runs = task.train(plans)
    outputs, score = _out_of_bag(task, runs, left)
    return Ensemble(tuple(runs), "bagging", task.scoring, outputs, score)


def deep_ensemble(
    model: Any, X: Any, y: Any, n: int = 5, *, scoring: Any = None, seed: int | None = 0, **fit: Any
) -> Ensemble:
    """n members on the same rows from seeds seed, seed + 1, … (Lakshminarayanan et al. 2017), as one population.

    Args:
        model, X, y, scoring, fit: As for `bagging`.
        n: How many members.
        seed: Of the first member.

    >>> from jindan.layers import Dense
    >>> X = np.linspace(-1, 1, 32)[:, None]; plan = Plan((Dense(8, activation="tanh"), Dense(1)), epochs=5)
    >>> deep_ensemble(plan, X, X**2, n=3).predict_members(X).shape
    (3, 32, 1)
    """
    task, seed = _task(model, X, y, scoring, seed, fit)
    runs = task.train([task.plan.replace(seed=seed + k) for k in range(_count("n", n))])
    return Ensemble(tuple(runs), "deep", task.scoring)


def snapshot_ensemble(
    model: Any, X: Any, y: Any, n: int = 5, *, scoring: Any = None, seed: int | None = 0, **fit: Any
) -> Ensemble:
    """n members from one training, whose rate falls along a cosine in each of n cycles (Huang et al. 2017).

    With T updates a cycle, the rate of update t is ½ η (1 + cos(π (t mod T) / T)); the weights at the end of each
    cycle are a member. It costs one training of `epochs` epochs, a multiple of n.

    Args:
        model, X, y, scoring, seed, fit: As for `bagging`. η is the model's rate; a schedule's is the one it starts at.
        n: How many cycles.

    Raises:
        InputError: when the epochs are no multiple of n, or something else than the cycles would move the rate.

    >>> from jindan.layers import Dense
    >>> X = np.linspace(-1, 1, 32)[:, None]; plan = Plan((Dense(8, activation="tanh"), Dense(1)), epochs=6)
    >>> [run.epochs for run in snapshot_ensemble(plan, X, X**2, n=3).runs]
    [2, 4, 6]
    """
    task, seed = _task(model, X, y, scoring, seed, fit)
    plan, cycle = _cycles(task.plan, len(task), _count("n", n))
    members: list[Run] = []
    run: Run | None = None
    for number in range(1, n + 1):
        run = task.train([plan], start=run, until=number * cycle)[0]
        members.append(replace(run, interrupted=False))
    return Ensemble(tuple(members), "snapshots", task.scoring)


def _task(model: Any, X: Any, y: Any, scoring: Any, seed: int | None, fit: dict[str, Any]) -> tuple[Task, int]:
    seed = draw_seed() if seed is None else int(seed)
    return task_of(model, X, y, scoring=scoring, seed=seed, **fit), seed


def _drawn(task: Task, rows: np.ndarray, left: np.ndarray) -> Plan:
    return task.beside(task.plan, rows, left if watches_others(task.plan) and len(left) else None)


def _out_of_bag(task: Task, runs: list[Run], left: list[np.ndarray]) -> tuple[Any, float]:
    """Means over the members that have not drawn a row, NaN where all have; the score of the others."""
    found_of = task.predict(runs, left)
    total = each(lambda o: np.zeros((len(task), *o.shape[1:])), found_of[0])
    times = np.zeros(len(task))
    for k, found in enumerate(found_of):
        each(lambda t, o, rows=left[k]: t.__setitem__(rows, t[rows] + o), total, probable(task.plan, found))
        times[left[k]] += 1
    known = np.flatnonzero(times)
    count = np.where(times > 0, times, np.nan)
    outputs = each(lambda t: t / count.reshape(-1, *[1] * (t.ndim - 1)), total)
    if not len(known):
        return outputs, float("nan")
    truth, guess = cut_y(task.data.y, known), each(lambda o: o[known], outputs)
    return outputs, task.scoring(judged(task.plan), truth, guess)


def _cycles(plan: Plan, rows: int, n: int) -> tuple[Plan, int]:
    """The plan with its rate in n cycles, and the epochs of one."""
    for name in ("early_stopping", "reduce_on_plateau"):
        if getattr(plan, name) is not None:
            raise InputError("The cycles alone move the rate and end the training.", where=name, received=name,
                             expected="none", help="Leave the callback out.")  # fmt: skip
    if plan.epochs < n or plan.epochs % n:
        raise InputError(
            "The epochs cannot be cut into cycles of equal length.", where="epochs", expected=f"a multiple of {n}",
            received=plan.epochs, help=f"epochs={max(n, round(plan.epochs / n) * n)}, say.",
        )  # fmt: skip
    rate = plan.optimizer.learning_rate
    if isinstance(rate, LearningRateSchedule):
        rate = getattr(rate, "initial_learning_rate", None)
    if rate is None:
        raise InputError("This schedule has no rate to start a cycle from.", where="learning_rate", expected="a number",
                         received=type(plan.optimizer.learning_rate).__name__,
                         help="Compile the model with a number.")  # fmt: skip
    cycle = plan.epochs // n
    steps = cycle * -(-rows // min(plan.batch_size, rows))
    schedule = CosineDecayRestarts(rate, float(steps), t_mul=1.0)
    return plan.replace(optimizer=plan.optimizer.replace(learning_rate=schedule)), cycle


def _count(name: str, n: Any) -> int:
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise InputError("An ensemble has at least one member.", where=name, expected="a whole number >= 1",
                         received=n, help=f"{name}=5")  # fmt: skip
    return int(n)
