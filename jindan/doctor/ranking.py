"""Suspects → findings: trials confirm or clear them, causes come before what they bring about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .causes import CLEARED, EXCLUSIVE, FOLLOWING, STANDING, in_order, spoils
from .checks.base import Suspect
from .facts import Facts
from .findings import Finding

EVIDENCE = 0.4  # how much the evidence counts beside the trial of the repair
LEAST = 0.3  # confidence below which a finding is worth no warning


def ranked(facts: Facts, suspects: Iterable[Suspect]) -> tuple[Finding, ...]:
    """Findings, root cause first; of a run that learns well, only what is certain.

    Args:
        facts: With `outcomes`, where repairs were tried.
        suspects: From the checks.
    """
    found = _consistent(facts, [_weighed(facts, suspect) for suspect in _unspoilt(list(suspects))])
    found.sort(key=lambda one: -one.strength)
    roots = [one for one in found if not one.symptom and one.severity != "info" and one.strength >= LEAST]
    findings = []
    for one in found:
        severity = one.severity
        if severity != "info" and not one.certain and (not facts.sick or one.strength < LEAST):
            severity = "info"
        if one.symptom and roots and not one.certain:
            severity = "info"
        findings.append(_finding(one, severity))
    if facts.sick and all(finding.severity == "info" for finding in findings):
        findings = _something(findings, found)
    return in_order(findings, lambda finding: _place(finding, found))


def _unspoilt(suspects: list[Suspect]) -> list[Suspect]:
    """All suspects; where NaN was given, what holds beside it, and what follows from it as worth knowing at most."""
    if not any(spoils(one.code, one.evidence) for one in suspects):
        return suspects
    found = []
    for one in suspects:
        if spoils(one.code, one.evidence) or (one.certain and one.code in STANDING):
            found.append(one)
        elif one.code in FOLLOWING:
            found.append(replace(one, severity="info", symptom=True, certain=False))
    return found


def _consistent(facts: Facts, suspects: list[Suspect]) -> list[Suspect]:
    """Suspects without the weaker of two that exclude each other; of rates, the one that a ladder of rates denies."""
    known = {one.code: one for one in suspects}
    best = (facts.learning.get("rates") or {}).get("best", 1.0)
    denied = "learning-rate-too-low" if best < 1 else "learning-rate-too-high" if best > 1 else None

    def footing(code: str) -> tuple:
        return (code != denied, known[code].certain, known[code].strength)

    weaker = {min(pair, key=footing) for pair in EXCLUSIVE if known.keys() >= set(pair)}
    return [one for one in suspects if one.code not in weaker]


def _weighed(facts: Facts, suspect: Suspect) -> Suspect:
    """A suspect with the outcome of its trial; a certain one stays as it is."""
    if suspect.certain or not facts.outcomes:
        return suspect
    recovered = facts.outcomes.get(suspect.code)
    if recovered is None:
        # Nothing was tried for it: the evidence alone, a little less than a proof would count.
        return replace(suspect, strength=suspect.strength * (0.6 if not suspect.symptom else 0.5))
    recovered = min(1.0, max(0.0, recovered))
    evidence = {**suspect.evidence, "recovered": recovered}
    if recovered < CLEARED:
        return replace(suspect, strength=0.4 * suspect.strength, evidence=evidence)
    return replace(suspect, strength=EVIDENCE * suspect.strength + (1 - EVIDENCE) * recovered, evidence=evidence,
                   symptom=False)  # fmt: skip


def _something(findings: list[Finding], found: list[Suspect]) -> list[Finding]:
    """A run that learns badly is told of even where no cause is proved: the likeliest, and the plainest symptom."""
    own = {one.code: one for one in found if one.severity != "info"}
    known = [one for one in found if one.code in own and not one.symptom]
    # What its own trial has cleared is the last that is told.
    known.sort(key=lambda one: one.evidence.get("recovered", 1.0) < CLEARED)
    first = known[0].code if known else None
    plain = next((code for code in ("below-baseline", "underfitting", "plateau") if code in own), None)
    return [replace(f, severity="warning") if f.code in (first, plain) else f for f in findings]


def _finding(suspect: Suspect, severity: str) -> Finding:
    return Finding(suspect.code, severity, suspect.layer, dict(suspect.evidence), float(min(1.0, suspect.strength)))


def _place(finding: Finding, found: list[Suspect]) -> tuple:
    """Warnings before what is only worth knowing; what stands by itself, then what trials confirm, then symptoms."""
    symptom = next(one.symptom for one in found if one.code == finding.code)
    certain = next(one.certain and not one.symptom for one in found if one.code == finding.code)
    return (finding.severity == "info", symptom, not certain, -finding.confidence)
