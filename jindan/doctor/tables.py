"""Findings about a table and about how its model did on unseen rows; numbers only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data import leaking_columns, looks_like_time_series
from ..engine.run import Run
from ..select import Baseline, Score, primary
from .evidence import Case
from .findings import Finding, ordered

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
    """Whether the network is worse than a simple model by more than chance."""
    name = primary(task)
    if name not in scores:
        return []
    own = scores[name]
    rivals = [(b.scores[name].value, b) for b in others if name in b.scores and math.isfinite(b.scores[name].value)]
    for value, rival in rivals:
        if rival.name in TRIVIAL and not own.value > value:
            return [_below(name, own, rival, value, "error", 0.95)]
    if not rivals:
        return []
    value, best = max(rivals, key=lambda entry: entry[0])
    low = best.scores[name].low
    if low is not None and own.high is not None and own.high < low:
        return [_below(name, own, best, value, "warning", 0.9)]
    return []


def _below(name: str, own: Score, rival: Baseline, value: float, severity: str, confidence: float) -> Finding:
    evidence = {name: own.value, "baseline": rival.name, "baseline_score": value}
    return Finding("below-baseline", severity, None, evidence, confidence)


def put_in_order(findings: list[Finding | None]) -> tuple[Finding, ...]:
    """Root causes first; absent ones left out, and what two checks have found is told once."""
    found: dict[Any, Finding] = {}
    for finding in findings:
        if finding is not None:
            found.setdefault((finding.code, finding.evidence.get("column")), finding)
    return ordered(found.values())
