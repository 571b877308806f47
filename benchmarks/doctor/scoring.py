"""What counts: detection, the cause among the first three and as the first, false positives, repairs."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .cases import GROUPS, Case, group_of, has_no_test_set

COUNTED = ("warning", "error")
FIRST = 3
REGAINED = 0.8  # share of what the fix gains that a repair must gain


def score(case: Case, truth: Any, outputs: Any) -> float:
    """The case's own metric: accuracy (threshold 0.5, or the greatest), or R² floored at 0 (0 where not finite).

    Independent of the doctor's own measure of learning.
    """
    truth, outputs = np.asarray(truth, np.float64), np.asarray(outputs, np.float64)
    truth = truth.reshape(len(truth), -1)
    outputs = outputs.reshape(len(outputs), -1)
    if case["metric"] == "r2":
        if not np.isfinite(outputs).all():
            return 0.0
        spread = ((truth - truth.mean(0)) ** 2).sum()
        return max(0.0, float(1 - ((truth - outputs) ** 2).sum() / spread)) if outputs.shape == truth.shape else 0.0
    if case["task"] == "binary":
        return float(np.mean((outputs > 0.5) == (truth > 0.5))) if outputs.shape == truth.shape else 0.0
    labels = truth.argmax(1) if truth.shape[1] > 1 else truth[:, 0]
    return float(np.mean(outputs.argmax(1) == labels))


def counted(case: Case, findings: Iterable[dict[str, Any]]) -> list[str]:
    """Codes of the findings that count, in their order.

    Those of severity warning or error; `data-leakage` is left out where the case has no test set of its own.
    """
    codes = [finding["code"] for finding in findings if finding["severity"] in COUNTED]
    return [code for code in codes if code != "data-leakage"] if has_no_test_set(case) else codes


def judged(case: Case, findings: Sequence[dict[str, Any]]) -> dict[str, bool]:
    """One diagnosis: `detected`, `in_three`, `first` on a faulty case, `false_alarm` on a sound one."""
    codes = counted(case, findings)
    if not case["faults"]:
        return {"false_alarm": bool(codes)}
    return {
        "detected": bool(codes),
        "in_three": any(code in case["faults"] for code in codes[:FIRST]),
        "first": bool(codes) and codes[0] == case["faults"][0],
    }


def bound(case: Case) -> float:
    """The score from which on a repair counts: most of the way from the faulty to the fixed training."""
    return case["score_buggy"] + REGAINED * (case["score_fixed"] - case["score_buggy"])


def repaired(case: Case, found: float) -> bool:
    """Whether a score on the test rows counts as repaired."""
    return found >= bound(case) - 1e-9


def fractions(cases: Sequence[Case], records: Sequence[dict[str, Any]], what: str) -> dict[str, dict[str, Any]]:
    """A figure by group and in all: the share of cases for which it holds, the median over seeds.

    Args:
        cases: The cases.
        records: One a case and seed, with `id`, `seed` and the figure as a truth value; those without it are no part.
        what: The figure's name in the records.

    Returns:
        Group (and "all") → `share`, `of` (cases), `by_seed`.
    """
    group = {case["id"]: group_of(case) for case in cases}
    asked = [record for record in records if record.get(what) is not None and record["id"] in group]
    found = {}
    names = [*GROUPS, *sorted({group[record["id"]] for record in asked} - set(GROUPS)), "all"]
    for name in names:
        own = [record for record in asked if name in ("all", group[record["id"]])]
        if not own:
            continue
        seeds = sorted({record["seed"] for record in own})
        by_seed = [statistics.fmean(bool(r[what]) for r in own if r["seed"] == seed) for seed in seeds]
        found[name] = {
            "share": statistics.median(by_seed),
            "of": len({record["id"] for record in own}),
            "by_seed": [round(share, 4) for share in by_seed],
        }
    return found
