"""Trials of repairs in paired runs against the untouched plan, and the repair that they prove."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.compiling import briefly
from ..engine.data import Data, cut
from ..engine.run import Run
from ..engine.train import train
from ..errors import JindanError
from ..models import Model
from ..plan import Plan
from ..select.trials import final_plan
from . import folding
from .edits import NOTHING, Edit, difference, in_front, moments
from .evidence import Case
from .repairs_bench import Bench, Trial
from .repairs_search import LEAST, Search, proved
from .starting import begun

REPEATS = 2  # runs on each split that proves
AGAIN = 3  # seeds tried where the final training fails on its own rows
SHORT = 0.15  # by which its score there may fall short of the runs' on rows they had not seen


@dataclass(frozen=True)
class Outcome:
    """What paired runs say of one edit.

    Attributes:
        edit: The edit.
        scores: Score of each pair with it, in the order of `base`.
        base: Score of each pair without.
        effect: Mean difference.
        error: Its standard error by the corrected resampled t-test.
        probability: Share of pairs that are better, ties counting half.
        p: One-sided p of that test.
        seconds: What it took, its share of what was trained together.
        diverged: Share of its runs whose loss was not finite.
        failed: Why there are no scores, or "".
    """

    edit: Edit
    scores: tuple[float, ...]
    base: tuple[float, ...]
    effect: float = 0.0
    error: float = 0.0
    probability: float = 0.0
    p: float = 1.0
    seconds: float = 0.0
    diverged: float = 0.0
    failed: str = ""


def trial(
    case: Case,
    edits: Sequence[Edit],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    epochs: int | None = None,
    budget_seconds: float = 30.0,
    judge: str | None = None,
) -> list[Outcome]:
    """The untouched plan and every edit in paired runs: same seeds, same inner splits of the training rows.

    Two stratified splits are drawn for each seed; fewer than 40 rows are judged by folds, fewer than 16, or a whole
    truth table, on the training rows themselves. The case's validation rows are never looked at. Plans of one
    structure are one population, so that rates, initialisers, epochs and scaled data cost little more than one run.

    Args:
        case: The training.
        edits: What is tried. One that does not apply, or that fails, has an Outcome that says so.
        seeds: Of weights and splits.
        epochs: Most epochs of each run; None is each plan's own.
        budget_seconds: No program is begun after so long.
        judge: "accuracy", "balanced" (mean of the classes' accuracies) or "r2"; None is by the targets.
    """
    bench = Bench(case, seeds, judge, 0, time.monotonic() + budget_seconds)
    base, *trials = bench.run([NOTHING, *edits], epochs=epochs)
    return [_outcome(edit, found, base, bench) for edit, found in zip(edits, trials, strict=True)]


def _outcome(edit: Edit, found: Trial, base: Trial, bench: Bench) -> Outcome:
    if found.failed or base.failed:
        return Outcome(edit, (), tuple(base.scores.tolist()), failed=found.failed or f"as given: {base.failed}")
    told = bench.against(found, base)
    return Outcome(edit, tuple(found.scores.tolist()), tuple(base.scores.tolist()), told.effect, told.error,
                   told.probability, told.p, found.seconds, found.diverged)  # fmt: skip


@dataclass(frozen=True)
class Repair:
    """A change that cures, proved in paired runs.

    Attributes:
        model: Trained with it on all training rows; takes raw rows, gives raw units.
        plan: The model's plan.
        changes: What was changed: path → value.
        proof: "effect", "error", "probability" and "p" against the untouched plan, the mean scores "base" and
            "repaired", their "measure", how they were judged ("design"), the number of "pairs" and the "horizon" in
            epochs.
        edits: The edits it is made of, each with the code it answers.
    """

    model: Any = field(repr=False)
    plan: Plan = field(repr=False)
    changes: dict[str, Any]
    proof: dict[str, Any]
    edits: tuple[Edit, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes its edits answer."""
        return tuple(dict.fromkeys(edit.code for edit in self.edits))


@briefly()
def repair(
    case: Case, suspects: Sequence[str], *, seeds: Sequence[int] = (0, 1, 2), budget_seconds: float = 30.0,
    judge: str | None = None,
) -> Repair | None:  # fmt: skip
    """Look for the repair that helps most with the fewest changes, and prove it at full length.

    The edits of the suspects' codes and the textbook's training are tried first; the best is built on, then each change
    is left out that is not needed. What is left is run against the untouched plan on splits and seeds that chose
    nothing, and is returned where it is better by more than 0.02 and two standard errors in nine pairs of ten.

    Args:
        case: The training; its validation rows are never looked at.
        suspects: Codes of findings, the likeliest first.
        seeds: Of the paired runs.
        budget_seconds: About how long to search; the proof and the final training come on top.
        judge: As for `trial`.

    Returns:
        The Repair, or None where nothing is proved to help.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = Search(case, suspects, tuple(seeds), budget_seconds, judge)
        found = search.candidates()
        if not found or search.trial.mean - search.base.mean <= LEAST / 2:
            return None
        return _confirmed(case, found, search)


def _confirmed(case: Case, edits: list[Edit], search: Search) -> Repair | None:
    """The first edit that is proved on fresh splits, at full length, and that no longer one beats."""
    trials = search.bench.run(edits, each=search.each)
    settled = [_settled(case, edit, trial) for edit, trial in zip(edits, trials, strict=True)]
    untouched = NOTHING
    if _stops_by_held(case.plan):
        # The untouched plan is settled too, by runs of its own length: both are to train on equally many rows.
        search.bench.deadline = time.monotonic() + search.budget
        untouched = _settled(case, NOTHING, search.bench.run([NOTHING])[0])
    # Long trainings are run once on each split.
    repeats = REPEATS if 2 * search.bench.seconds(case.plan) < search.budget / 2 else 1
    bench = Bench(case, search.seeds, search.measure, 1, time.monotonic() + search.budget, repeats)
    bench.speed, bench.base = search.bench.speed, untouched
    # Short ones first: where time is short, something is proved.
    order = sorted(range(len(settled)), key=lambda k: _length(case, settled[k], bench))
    base, *ordered = bench.run([untouched, *(settled[k] for k in order)])
    found = [ordered[order.index(k)] for k in range(len(settled))]
    if base.failed:
        return None
    told = [None if trial.failed else bench.against(trial, base) for trial in found]
    good = [k for k, comparison in enumerate(told) if comparison is not None and proved(comparison)]
    if not good:
        return None
    most = max(found[k].mean for k in good)
    chosen = next(k for k in good if found[k].mean >= most - max(0.1 * (most - base.mean), 0.005))
    edit, comparison, shown = settled[chosen], told[chosen], found[chosen]
    trained = _trained(case, edit, bench, shown.mean)
    if trained is None or comparison is None:
        return None
    run, plan = trained
    proof = {
        "effect": comparison.effect, "error": comparison.error, "probability": comparison.probability,
        "p": comparison.p, "base": base.mean, "repaired": shown.mean, "measure": bench.measure,
        "design": bench.design.kind, "pairs": len(shown.scores), "horizon": run.epochs,
    }  # fmt: skip
    return Repair(Model.from_run(run), run.plan, difference(case.plan, plan, edit), proof, edit.atoms)


def _length(case: Case, edit: Edit, bench: Bench) -> float:
    """About how long the paired runs of an edit take, in seconds."""
    plan = edit.apply(case.plan)
    return np.inf if plan is None else bench.seconds(plan)


def _stops_by_held(plan: Plan) -> bool:
    """Whether a figure of rows that are not trained on ends the training."""
    return plan.early_stopping is not None and plan.early_stopping.monitor.startswith("val_")


def _settled(case: Case, edit: Edit, trial: Trial) -> Edit:
    """The edit with early stopping settled to the epochs that were best, so that all rows can be trained on."""
    plan = edit.apply(case.plan)
    if trial.failed or plan is None or not trial.epochs or not _stops_by_held(plan):
        return edit
    epochs = max(1, round(float(np.median(trial.epochs))))
    last = Edit("overfitting", f"{epochs} epochs", {}, lambda p: final_plan(p, [epochs], None))
    kept = [part for part in edit.atoms if part.name != "early stopping" and not part.name.startswith("epochs ")]
    whole = Edit(edit.code, edit.name, edit.changes, None, edit.inputs, edit.targets, edit.rows, (*kept, last))
    shown = whole.apply(case.plan)
    return edit if shown is None else _lengthened(whole, epochs)


def _lengthened(edit: Edit, epochs: int) -> Edit:
    """The edit with its number of epochs set, whatever the parts before it say."""
    *kept, last = edit.parts
    sure = Edit(last.code, last.name, {"epochs": epochs}, lambda p: final_plan(p, [epochs], None).replace(
        epochs=epochs, early_stopping=None))  # fmt: skip
    return Edit(edit.code, edit.name, edit.changes, None, edit.inputs, edit.targets, edit.rows, (*kept, sure))


def _trained(case: Case, edit: Edit, bench: Bench, expected: float) -> tuple[Run, Plan] | None:
    """The edit's plan trained on all training rows, by the case's seed; by another where that fails on its own rows."""
    plan = edit.apply(case.plan)
    if plan is None:
        return None
    plan = final_plan(plan, [plan.epochs], None).replace(rows=edit.rows, validation_rows=None)
    rows = np.arange(bench.n) if edit.rows is None else np.asarray(edit.rows)
    network = in_front(plan, *moments(cut(case.data.x, rows))) if edit.inputs else plan
    y = case.data.y
    if edit.targets and bench.scale is not None:
        mean, deviation = bench.scale
        y = ((np.asarray(y, np.float64).reshape(bench.n, -1) - mean) / deviation).reshape(np.shape(y))
    best: tuple[float, Run] | None = None
    for again in range(AGAIN):
        seed = (case.plan.seed or 0) + again
        try:
            network = network.replace(seed=seed)
            start = begun(case, network, bench.given, front=bool(edit.inputs))
            run = train(network, Data(case.data.x, y, case.data.weight), start=start)
        except JindanError:
            return None
        if edit.targets and bench.scale is not None:
            run = _raw(run, *bench.scale)
        score = bench.score(case.data.y, run.predict(case.data.x))
        if best is None or score > best[0]:
            best = (score, run)
        if score >= expected - SHORT * max(expected, 0.1):
            break
    return None if best is None else (best[1], plan)


def _raw(run: Run, mean: Any, deviation: Any) -> Run:
    """A run on standardised targets, its scale and shift folded into the last layer."""
    from dataclasses import replace

    plan, weights = folding.folded(run.plan, run.weights, mean, deviation)
    return replace(run, plan=plan, weights=weights)
