"""Findings about a table and about how its model did on unseen rows; numbers only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data import leaking_columns, looks_like_time_series
from ..engine.run import Run
from ..select import Baseline, Score, primary
from ..select.verdicts import arm, verdict_of
from .causes import in_order
from .evidence import Case
from .findings import Finding

# Above this share of one class, accuracy says little (He & Garcia 2009 speak of imbalance from about 10 : 1).
IMBALANCE = 0.9
TRIVIAL = ("majority", "mean")


def table_findings(frame: Any, target: str, used: Any, task: str = "auto") -> list[Finding]:
    """What the table alone shows: columns that hold the answer.

    Args:
        frame: Rows with a target.
        target: The target column.
        used: Columns the network reads.
        task: What the target is, as for `infer_task`.
    """
    found = []
    for leak in leaking_columns(frame, target, task):
        if leak["column"] in used:
            found.append(Finding("data-leakage", "error", None, {**leak, "target": target}, 0.95))
    return found


def time_order(frame: Any, columns: Any, target: str) -> dict[str, Any] | None:
    """Evidence that rows follow one another in time, so that rows in random order are the wrong split."""
    return looks_like_time_series(frame, columns, target)


def imbalance(codes: np.ndarray, classes: int) -> Finding | None:
    """One class makes up nearly all training rows."""
    shares = np.bincount(codes, minlength=classes) / max(len(codes), 1)
    if shares.max() < IMBALANCE:
        return None
    evidence = {"largest_share": float(shares.max()), "smallest_share": float(shares.min())}
    return Finding("class-imbalance", "warning", None, evidence, 0.9)


def run_findings(run: Run, data: Any = None, moments: Sequence[Any] = ()) -> list[Finding]:
    """What the run alone shows; with the moments kept of it, what its layers show where its curves look wrong."""
    if data is not None and moments:
        from .diagnosis import glance

        case = Case.of_run(run, data, moments, prepared=True)
        return [finding for finding in glance(case) if finding.severity != "info"]
    if run.first_nonfinite is None:
        return []
    return [Finding("nonfinite-values", "error", None, {"first_update": run.first_nonfinite}, 1.0)]


def beside_baselines(task: str, scores: dict[str, Score], others: list[Baseline]) -> list[Finding]:
    """Whether the network is worse than a simple model by more than chance, or gives the trivial answer itself.

    Nothing is called worse that the summary does not call so (see `verdict_of`); than another model than the trivial
    one only where the intervals lie apart. The very figure of the trivial answer counts as that answer where there are
    rows enough to tell it from one without mistakes.
    """
    name = primary(task)
    if name not in scores:
        return []
    own = scores[name]
    rivals = [(b.scores[name], b) for b in others if name in b.scores and math.isfinite(b.scores[name].value)]
    if not rivals:
        return []
    for score, rival in rivals:
        if rival.name in TRIVIAL and (_worse(own, score) or _equal(own, score)):
            return [_below(name, own, rival, score.value, "error", 0.95)]
    score, best = max(rivals, key=lambda entry: entry[0].value)
    if score.low is not None and own.high is not None and own.high < score.low:
        return [_below(name, own, best, score.value, "warning", 0.9)]
    return []


def _worse(own: Score, trivial: Score) -> bool:
    return not math.isfinite(own.value) or verdict_of(own, trivial) == "worse"


def _equal(own: Score, trivial: Score) -> bool:
    """Whether a figure is the trivial answer's own, and one without mistakes would lie beyond chance."""
    reach = arm(own, trivial)
    return reach is not None and own.value == trivial.value and 1 - trivial.value > reach


def _below(name: str, own: Score, rival: Baseline, value: float, severity: str, confidence: float) -> Finding:
    evidence = {name: own.value, "baseline": rival.name, "baseline_score": value}
    return Finding("below-baseline", severity, None, evidence, confidence)


def put_in_order(findings: list[Finding | None]) -> tuple[Finding, ...]:
    """Root causes first; absent ones left out, and what two checks have found is told once."""
    found: dict[Any, Finding] = {}
    for finding in findings:
        if finding is not None:
            found.setdefault((finding.code, finding.evidence.get("column")), finding)
    return in_order(found.values())
