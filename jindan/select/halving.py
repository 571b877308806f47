"""Successive halving: all trials begin, and at each rung the better third goes on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..joint import parts_of
from ..metrics import LossMetric
from ..plan import Plan
from .scoring import Scoring

ETA = 3
HELD = "loss_without_penalties"


def rungs(trials: int, epochs: int, eta: int = ETA) -> list[tuple[int, int]]:
    """(epoch, trials that go on from it) of each rung.

    With s = ⌊min(log_η n, log_η R)⌋ rungs, n/ηᵏ⁺¹ of n trials go on from epoch R/ηˢ⁻ᵏ of R (Jamieson & Talwalkar 2016).

    >>> rungs(64, 81)
    [(3, 21), (9, 7), (27, 2)]
    >>> rungs(2, 100)
    []
    """
    count = 0
    while eta ** (count + 1) <= min(trials, epochs):
        count += 1
    return [(math.ceil(epochs / eta ** (count - k)), max(1, trials // eta ** (k + 1))) for k in range(count)]


class Halving:
    """Tells `train` which members to stop at each rung: those of trials outside the best.

    Args:
        trials, folds: Members are folds of trials, trial after trial.
        epochs: Of the longest training.
        scoring: How trials are judged; at rungs by the figure of that name on the validation rows, else by their loss.
        before: Of further trials, stopped in an earlier search that this one goes on with, the epochs they were
            stopped at: the places they took are not given again.

    Attributes:
        epochs: The rungs.
        stopped: Trial → the epoch it was stopped at.

    >>> halving = Halving(3, 1, 9, None)
    >>> halving.epochs
    [3]
    >>> halving(3, [{"val_loss": [1.0, 0.9, loss]} for loss in (0.8, 0.2, float("nan"))])
    [0, 2]
    >>> going_on = Halving(2, 1, 9, None, before=[3])
    >>> going_on(3, [{"val_loss": [1.0, 0.9, loss]} for loss in (0.8, 0.2)])
    [0]
    """

    def __init__(
        self, trials: int, folds: int, epochs: int, scoring: Scoring | None, before: Sequence[int] = ()
    ) -> None:
        self.trials, self.folds, self.scoring = trials, folds, scoring
        all_of_them = rungs(trials + len(before), epochs)
        self._keep = {epoch: keep - sum(ended > epoch for ended in before) for epoch, keep in all_of_them}
        self.epochs = sorted(self._keep)
        self.stopped: dict[int, int] = {}

    def __call__(self, epoch: int, histories: Sequence[dict[str, list[float]]]) -> list[int]:
        """Members to stop."""
        name, sign = _figure(self.scoring, histories[0])
        values = np.array([_last(history.get(name, ()), epoch) for history in histories])
        means = np.nan_to_num(sign * values.reshape(self.trials, self.folds).mean(1), nan=-np.inf)
        running = [trial for trial in range(self.trials) if trial not in self.stopped]
        # A stable sort: of equals the earlier trial goes on.
        losers = sorted(running, key=lambda trial: -means[trial])[max(0, self._keep[epoch]) :]
        self.stopped |= dict.fromkeys(losers, epoch)
        return sorted(trial * self.folds + fold for trial in losers for fold in range(self.folds))


def told_apart(plan: Plan, judge: Plan) -> Plan:
    """The plan with a metric besides: the loss of `judge` alone, as penalties of different sizes compare nothing."""
    if len(parts_of(judge.loss)) > 1 or judge.loss.batchwise:
        return plan
    return plan.replace(metrics=(*plan.metrics, LossMetric(judge.loss, name=HELD)))


def _figure(scoring: Scoring | None, history: dict[str, Any]) -> tuple[str, float]:
    """The figure members are judged by at a rung, and +1 where it should rise."""
    name = scoring.name if scoring is not None else "-loss"
    if name != "-loss" and f"val_{name.removeprefix('-')}" in history:
        return f"val_{name.removeprefix('-')}", -1.0 if name.startswith("-") else 1.0
    return (f"val_{HELD}" if f"val_{HELD}" in history else "val_loss"), -1.0


def _last(values: Sequence[float], epoch: int) -> float:
    """The value at an epoch, or the last one of a member that ended before."""
    return float(values[min(epoch, len(values)) - 1]) if len(values) else math.nan
