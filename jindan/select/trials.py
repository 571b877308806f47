"""Trials of a search trained and scored: trials × folds of one structure as one population."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..data import k_fold, split_rows
from ..engine.data import digest
from ..engine.run import Run
from ..errors import InputError, JindanError
from ..plan import Plan
from .halving import Halving, told_apart
from .samplers import Row, Trial
from .spaces import edited
from .task import Task, with_rows
from .validation import Fold, folds_of, interval_of

MEMBERS, NUMBERS = 512, 2**28  # most members in a population, and numbers in their weights
CURVE = 60  # points kept of a trial's curve


class Evaluation:
    """Trials → rows of the table, trials × folds of one structure as one population.

    Args:
        task: The plan that trials are edits of, and the rows.
        pairs: Row numbers (training, validation) of each fold.
        seed: Of every member's weights and order of rows, so that trials differ in their values alone.
        method: "halving" stops members at rungs; for "bayes" populations are filled up to powers of two, so that few
            sizes are compiled.
        before: Rows of trials that an earlier search ended; of these halving has to know.
    """

    def __init__(self, task: Task, pairs: Sequence[Fold], seed: int, method: str, before: Sequence[Row] = ()) -> None:
        self.task, self.pairs, self.seed, self.method = task, list(pairs), seed, method
        self.before = [max(row["epochs"]) for row in before]
        self.mark = mark_of(task, self.pairs)
        if any(row.get("of", self.mark) != self.mark for row in before):
            raise InputError(
                "The trials done before are those of another search.", where="resume", received="rows of another",
                expected="the same rows, folds, plan and scoring", help="Begin anew without resume.",
            )  # fmt: skip

    def __call__(self, trials: list[Trial]) -> Iterator[list[Row]]:
        plans = [edited(self.task.plan, trial.values) for trial in trials]
        if self.method == "halving":
            epochs = {plan.epochs for plan in plans}
            if len(epochs) > 1:
                raise InputError(
                    "Halving decides itself how long trials train.", where="space, epochs", expected="no epochs in it",
                    received=sorted(epochs), help='Leave epochs out of the space, or use method="random".',
                )  # fmt: skip
            plans = [told_apart(plan, self.task.plan) for plan in plans]
            halving = Halving(len(trials), len(self.pairs), epochs.pop(), self.task.scoring, self.before)
            yield from self._told(trials, plans, halving)
            return
        alike: dict[Any, list[int]] = {}
        for place, plan in enumerate(plans):
            alike.setdefault(plan.structure, []).append(place)
        for places in alike.values():
            size = plans[places[0]].network(self.task.data.input_shape).parameters()
            most = max(1, min(MEMBERS, NUMBERS // max(1, size)) // len(self.pairs))
            for start in range(0, len(places), most):
                some = places[start : start + most]
                yield from self._told([trials[k] for k in some], [plans[k] for k in some])

    def _told(self, trials: list[Trial], plans: list[Plan], halving: Halving | None = None) -> Iterator[list[Row]]:
        """The rows of trials that ended, before an interruption of the others goes on its way."""
        rows = self._rows(trials, plans, halving)
        if rows:
            yield rows
        if len(rows) < len(trials):
            raise KeyboardInterrupt

    def _rows(self, trials: list[Trial], plans: list[Plan], halving: Halving | None = None) -> list[Row]:
        spare = 0
        if self.method == "bayes":
            spare = (1 << (len(plans) - 1).bit_length()) - len(plans)
        members, tests = [], []
        for plan in plans + plans[:1] * spare:
            # A search chooses, so that its scores flatter anyway: epochs are chosen with the rest.
            watched = halving is not None or plan.early_stopping is not None or plan.reduce_on_plateau is not None
            for train, test in self.pairs:
                members.append(self.task.beside(plan.replace(seed=self.seed), train, test if watched else None))
                tests.append(test)
        runs = self.task.train(members, partial=True, prune=halving)
        stopped = set() if halving is None else set(halving.stopped)
        folds = len(self.pairs)
        # After a Ctrl-C a trial has ended if all its folds have, or halving had stopped it; the others begin anew.
        ended = [
            k
            for k in range(len(trials))
            if k in stopped or not any(run.interrupted for run in runs[k * folds : (k + 1) * folds])
        ]
        if not ended:
            return []
        own = [k * folds + fold for k in ended for fold in range(folds)]
        scores = self.task.score([runs[i] for i in own], [tests[i] for i in own]).reshape(-1, folds)
        return [
            self._row(trials[k], scores[place], runs[k * folds : (k + 1) * folds], k in stopped)
            for place, k in enumerate(ended)
        ]

    def _row(self, trial: Trial, scores: np.ndarray, runs: list[Run], stopped: bool) -> Row:
        mean = float(scores.mean())
        known = math.isfinite(mean)
        ratio = float(np.mean([len(test) / len(train) for train, test in self.pairs]))
        low, high = interval_of(scores, ratio, self.task.scoring.name) if known else (math.nan, math.nan)
        return {
            "trial": trial.number,
            "values": trial.values,
            "score": mean if known else None,
            "scores": [float(s) if math.isfinite(s) else None for s in scores],
            "low": None if math.isnan(low) else low,
            "high": None if math.isnan(high) else high,
            "epochs": [run.epochs if run.best_epoch is None else run.best_epoch + 1 for run in runs],
            "of": self.mark,
            "state": "failed" if not known else "stopped" if stopped else "complete",
            "curve": _curve(runs),
        }


def mark_of(task: Task, pairs: Sequence[Fold]) -> str:
    """A short mark of what trials are compared by: the rows, the folds, the plan they are edits of, the scoring."""
    data, watched = task.data, task.data.validation
    found = digest(task.scoring.name.encode(), data.x, data.y, data.weight, *(rows for pair in pairs for rows in pair))
    if watched is not None:
        found.update(digest(watched.x, watched.y, watched.weight).digest())
    with contextlib.suppress(JindanError):  # a function of the user's has no JSON form
        found.update(task.plan.replace(rows=None, validation_rows=None).to_json().encode())
    return found.hexdigest()[:16]


def final_plan(plan: Plan, epochs: Sequence[int], rows: Any) -> Plan:
    """The plan on all of some rows, without others to watch: it trains as long as was best in the folds."""
    watch = plan.early_stopping
    if watch is not None and watch.monitor.startswith("val_"):
        plan = plan.replace(early_stopping=None, epochs=max(1, round(float(np.mean(epochs)))))
    return with_rows(plan, rows)


def parts(task: Task, rows: Any, folds: Any, validation: float | None, seed: int) -> list[Fold]:
    """Row numbers (training, validation) of the folds, of some rows or all."""
    own = np.arange(len(task)) if rows is None else np.asarray(rows)
    if validation is None and not isinstance(folds, (int, np.integer, type(None))):
        return folds_of(task, folds)
    classes = None if task.classes is None else task.classes[own]
    if validation is not None or folds is None or folds == 1:
        share = 0.2 if validation is None else validation
        if isinstance(share, bool) or not 0 < share < 1:
            raise InputError(
                "The validation share lies between 0 and 1.", where="validation", expected="0 < share < 1",
                received=share, help="0.2 keeps a fifth of the rows.",
            )  # fmt: skip
        split = split_rows(len(own), validation=share, test=0.0, seed=seed, stratify=classes)
        pairs = [(split.train, split.validation)]
    else:
        pairs = k_fold(len(own), int(folds), seed=seed, stratify=classes)
    return [(own[train], own[test]) for train, test in pairs]


def _curve(runs: list[Run]) -> list[list[float]]:
    """Pairs of epoch and loss, the validation rows' where there are such, a mean over the folds still training."""
    name = "val_loss" if "val_loss" in runs[0].history else "loss"
    losses = [run.history.get(name, []) for run in runs]
    longest = max(map(len, losses), default=0)
    places = sorted({round(place) for place in np.linspace(0, longest - 1, min(CURVE, longest))}) if longest else []
    found = []
    for place in places:
        values = [loss[place] for loss in losses if place < len(loss) and math.isfinite(loss[place])]
        if values:
            found.append([place + 1, float(np.mean(values))])
    return found
