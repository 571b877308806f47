"""The bench: plans with edits, trained in paired runs on inner splits of the training rows, and their scores."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.data import Data, count, cut
from ..engine.members import predict_members
from ..engine.run import Run
from ..engine.train import train
from ..errors import JindanError
from ..plan import Plan
from . import folding, judge
from .edits import NOTHING, Edit, in_front, moments, standardisable
from .evidence import Case
from .repairs_splits import Comparison, Design, Fold, compared, design_of, measure_of
from .starting import given_weights, holding

DOUBLED = 64 * 2**20  # bytes up to which the rows are held twice, beside both kinds of targets


@dataclass(frozen=True)
class Trial:
    """What paired runs of one edit gave.

    Attributes:
        scores: (pairs,); empty where it failed.
        epochs: Of each run, the number its result was trained for.
        diverged: Share of runs whose loss was not finite.
        seconds: Its share of the time.
        failed: Why there are no scores, or "".
    """

    scores: np.ndarray
    epochs: tuple[int, ...] = ()
    diverged: float = 0.0
    seconds: float = 0.0
    failed: str = ""

    @property
    def mean(self) -> float:
        """Mean score; −1 where it failed."""
        return float(self.scores.mean()) if not self.failed else -1.0


def _failed(message: str) -> Trial:
    return Trial(np.zeros(0), failed=message)


def watching(plan: Plan) -> bool:
    """Whether a plan goes by figures of rows that it does not train on."""
    return any(w is not None and w.monitor.startswith("val_") for w in (plan.early_stopping, plan.reduce_on_plateau))


class Bench:
    """Paired runs of one case; what was run once is remembered.

    Args:
        case: The training.
        seeds: Of the pairs.
        measure: "accuracy", "balanced" or "r2"; None is by the targets.
        part: Another number means other splits.
        deadline: Time (of `time.monotonic`) after which nothing is begun.
        repeats: Runs with different weights on each split.

    Attributes:
        base: What edits are compared with: where it watches rows, all train on equally many.
    """

    def __init__(self, case: Case, seeds: Sequence[int], measure: str | None = None, part: int = 0,
                 deadline: float = np.inf, repeats: int = 1) -> None:  # fmt: skip
        self.case, self.deadline, self.base = case, deadline, NOTHING
        self.given = given_weights(case)
        self.task = judge.task_of(case.plan, case.data.y)
        self.measure = measure or measure_of(case)
        self.design: Design = design_of(case, seeds, part, repeats)
        self.done: dict[Any, Trial] = {}
        self.speed = 1.0  # measured time of training ÷ estimated
        self.front = standardisable(case.plan, case.input_shape)
        y = case.data.y
        self.n = count(case.data.x)
        self.scale = folding.scales(y) if self.task == "regression" else None
        self.data = self._data(y)

    def _data(self, y: Any) -> dict[bool, tuple[Data, int]]:
        """For raw and standardised targets: the data, and by how much row numbers are moved in them."""
        x, weight = self.case.data.x, self.case.data.weight
        raw = Data(x, y, weight)
        if self.scale is None:
            return {False: (raw, 0)}
        mean, deviation = self.scale
        scaled = ((np.asarray(y, np.float64).reshape(self.n, -1) - mean) / deviation).reshape(np.shape(y))
        if isinstance(x, tuple) or x.nbytes > DOUBLED:
            return {False: (raw, 0), True: (Data(x, scaled, weight), 0)}
        # One array for both, so that plans with either kind of targets are one population.
        both = Data(np.concatenate([x, x]), np.concatenate([np.asarray(y, np.float64), scaled]),
                    None if weight is None else np.concatenate([weight, weight]))  # fmt: skip
        return {False: (both, 0), True: (both, self.n)}

    # -- plans ----------------------------------------------------------------------------------------------------

    def plan_of(self, edit: Edit) -> Plan | None:
        """The case's plan with an edit, as it is trained here; None where the edit does not apply."""
        plan = edit.apply(self.case.plan)
        if plan is None or (edit.targets and (self.scale is None or not folding.foldable(plan))):
            return None
        if edit.inputs and not self.front:
            return None
        own = [w.monitor.removeprefix("val_") for w in (plan.early_stopping, plan.reduce_on_plateau) if w is not None]
        if all(name == "loss" for name in own):
            plan = plan.replace(metrics=(), weighted_metrics=())
        return plan.replace(rows=None, validation_rows=None, name=None)

    def members(self, edit: Edit, plan: Plan, epochs: int) -> list[Plan]:
        """A plan for each run: its seed, its rows, its inputs' statistics."""
        _, shift = self.data[bool(edit.targets)]
        found = []
        for seed, folds in self.design.pairs:
            for fold in folds:
                fit, watched = self._rows(edit, fold, plan)
                one = self.prepared(edit, plan, fit)
                found.append(one.replace(
                    seed=seed, epochs=epochs, rows=fit + shift,
                    validation_rows=None if watched is None else watched + shift,
                ))  # fmt: skip
        return found

    def _rows(self, edit: Edit, fold: Fold, plan: Plan) -> tuple[np.ndarray, np.ndarray | None]:
        watches, base = watching(plan), self.base.apply(self.case.plan)
        # A plan that watches rows cannot train on them: one compared with it is to have no more.
        fit = fold.kept if watches or (base is not None and watching(base)) else fold.fit
        if edit.rows is not None and len(kept := np.intersect1d(fit, edit.rows)):
            fit = kept
        return fit, fold.watched if watches else None

    def prepared(self, edit: Edit, plan: Plan, rows: np.ndarray) -> Plan:
        """The plan with a Normalization in front; one that changes nothing where inputs stay raw, so that plans with
        either are one population."""
        if not self.front:
            return plan
        wide = int(self.case.input_shape[-1])
        mean, variance = moments(cut(self.case.data.x, rows)) if edit.inputs else (np.zeros(wide), np.ones(wide))
        return in_front(plan, mean, variance)

    def seconds(self, plan: Plan, epochs: int | None = None) -> float:
        """About how long all runs of a plan take, compilation left out."""
        rows = len(self.design.pairs[0][1][0].fit)
        updates = (plan.epochs if epochs is None else epochs) * -(-rows // plan.batch_size)
        try:
            work = 3.0 * min(plan.batch_size, rows) * plan.network(self.case.input_shape).flops()
        except JindanError:
            return 0.0
        return self.speed * self.design.members * updates * (4e-6 + work / 1e10)

    # -- running ---------------------------------------------------------------------------------------------------

    def run(self, edits: Sequence[Edit], *, each: float = np.inf, epochs: int | None = None,
            structures: int = 1000) -> list[Trial]:  # fmt: skip
        """Trials of edits, those known already from memory.

        Args:
            edits: They may be of several structures; each is compiled apart, the first ones first.
            each: Seconds that the runs of one edit may take; longer ones are cut to fewer epochs.
            epochs: Most epochs of each.
            structures: How many programs may be compiled at most.
        """
        keys: list[Any] = []
        waiting: dict[Any, dict[Any, tuple[Edit, list[Plan]]]] = {}
        for edit in edits:
            key, members = self._planned(edit, each, epochs)
            keys.append(key)
            if members is not None and key not in self.done:
                data, _ = self.data[bool(edit.targets)]
                group = (members[0].structure, members[0].validation_rows is None, id(data))
                waiting.setdefault(group, {})[key] = (edit, members)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for together in list(waiting.values())[:structures]:
                for key, (edit, members) in together.items():
                    if time.monotonic() < self.deadline:
                        self._one(key, edit, members)
        return [self.done.get(key, _failed("there was no time for it")) for key in keys]

    def _planned(self, edit: Edit, each: float, most: int | None) -> tuple[Any, list[Plan] | None]:
        try:
            plan = self.plan_of(edit)
            if plan is None or self.task not in judge.TASKS:
                raise JindanError("it does not apply")
            length = plan.epochs if most is None else min(plan.epochs, most)
            whole = self.seconds(plan, length)
            if whole > each:
                length = max(1, int(length * each / whole))
            key = (plan, edit.inputs, edit.targets, edit.rows, length)
            return key, None if key in self.done else self.members(edit, plan, length)
        except JindanError as error:
            refused = (edit.name, str(error))
            self.done[refused] = _failed(str(error))
            return refused, None

    def _one(self, key: Any, edit: Edit, members: list[Plan]) -> None:
        """Train the members of one edit, and judge them.

        Each call has equally many members, so that all edits of one structure share a program: compiling takes longer
        than most small trainings.
        """
        began, size = time.monotonic(), len(members) // self.design.repeats
        data, _ = self.data[bool(edit.targets)]
        runs: list[Run] = []
        try:
            for first in range(0, len(members), size):
                some = members[first : first + size]
                starts = None if self.given is None else [
                    holding(self.case, one, self.given, front=self.front) for one in some
                ]  # fmt: skip
                runs += train(some, data, start=starts, listen=lambda _: time.monotonic() > self.deadline)
                if any(run.interrupted for run in runs):
                    return  # there may be time for it later
            held = [fold.held for _, folds in self.design.pairs for fold in folds]
            outputs: list[Any] = []
            for first in range(0, len(members), size):
                part = slice(first, first + size)
                outputs += predict_members(runs[part], self.case.data.x, held[part])
        except JindanError as error:
            self.done[key] = _failed(str(error))
            return
        self._calibrate(key, runs[::size])
        self.done[key] = self._judged(edit, runs, outputs, time.monotonic() - began)

    def _calibrate(self, key: Any, runs: list[Run]) -> None:
        """Compare what training took with what was expected."""
        taken = sum(run.seconds.get("run", 0.0) for run in runs)
        expected = self.seconds(key[0], key[4]) / self.speed
        if taken > 0.2 and expected > 0:
            self.speed = float(np.clip(0.5 * self.speed + 0.5 * taken / expected, 0.05, 50.0))

    def _judged(self, edit: Edit, runs: list[Run], outputs: list[Any], seconds: float) -> Trial:
        scores, place = [], 0
        for _, folds in self.design.pairs:
            found, truth = [], []
            for fold in folds:
                one = np.asarray(outputs[place], np.float64)
                if edit.targets and self.scale is not None:
                    one = one * self.scale[1] + self.scale[0]
                found.append(one)
                truth.append(np.asarray(self.case.data.y)[fold.held])
                place += 1
            scores.append(self.score(np.concatenate(truth), np.concatenate(found)))
        epochs = tuple(run.epochs if run.best_epoch is None else run.best_epoch + 1 for run in runs)
        diverged = float(np.mean([run.first_nonfinite is not None for run in runs]))
        return Trial(np.asarray(scores), epochs, diverged, seconds)

    def score(self, y: Any, outputs: Any) -> float:
        """Outputs judged as all trials of this bench are."""
        return judge.score(self.task, y, outputs, balanced=self.measure == "balanced")

    def against(self, trial: Trial, base: Trial) -> Comparison:
        """Scores of one edit compared with those of another."""
        return compared(trial.scores, base.scores, self.design.ratio, self.design.repeats)
