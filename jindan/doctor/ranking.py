"""Suspects → findings: trials confirm or clear them, causes come before what they bring about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .checks.base import Suspect
from .facts import Facts
from .findings import Finding

# What brings about what (the explanations' "because"); a cause that is present comes first.
CAUSES: dict[str, tuple[str, ...]] = {
    "nonfinite-values": ("exploding-gradient", "learning-rate-too-high", "bad-init-scale", "targets-not-normalised",
                         "inputs-not-normalised", "output-loss-mismatch"),
    "exploding-gradient": ("learning-rate-too-high", "bad-init-scale", "targets-not-normalised",
                           "inputs-not-normalised"),
    "vanishing-gradient": ("bad-init-scale", "saturated-activation", "inputs-not-normalised", "output-loss-mismatch"),
    "dying-relu": ("learning-rate-too-high", "bad-init-scale", "inputs-not-normalised", "targets-not-normalised"),
    "saturated-activation": ("bad-init-scale", "inputs-not-normalised", "learning-rate-too-high"),
    "input-ignored": ("dying-relu", "vanishing-gradient", "saturated-activation", "output-loss-mismatch",
                      "batch-size-too-small", "class-imbalance", "learning-rate-too-high", "bad-init-scale",
                      "symmetric-init", "preprocessing-mismatch"),
    "plateau": ("learning-rate-too-low", "learning-rate-too-high", "vanishing-gradient", "dying-relu",
                "saturated-activation", "symmetric-init", "output-loss-mismatch", "underfitting", "linear-stack",
                "bad-init-scale", "inputs-not-normalised", "targets-not-normalised", "frozen-parameters"),
    "underfitting": ("learning-rate-too-low", "learning-rate-too-high", "stopped-too-early", "linear-stack",
                     "frozen-parameters", "output-loss-mismatch", "vanishing-gradient", "dying-relu",
                     "saturated-activation", "symmetric-init", "bad-init-scale", "inputs-not-normalised",
                     "targets-not-normalised", "batch-size-too-large", "batch-size-too-small", "input-ignored",
                     "class-imbalance", "mode-gap"),
    "stopped-too-early": ("learning-rate-too-low", "batch-size-too-large"),
    "learning-rate-too-high": ("inputs-not-normalised", "targets-not-normalised"),
    "overfitting": ("label-noise",),
    "mode-gap": ("batch-size-too-small",),
    "zigzag": ("inputs-not-normalised",),
}  # fmt: skip
CAUSES["below-baseline"] = tuple(sorted({code for codes in CAUSES.values() for code in codes} | set(CAUSES)))

CLEARED = 0.15  # a suspect whose repair recovers less of what is to be gained is cleared
EVIDENCE = 0.4  # how much the evidence counts beside the trial of the repair
LEAST = 0.3  # confidence below which a finding is worth no warning


def ranked(facts: Facts, suspects: Iterable[Suspect]) -> tuple[Finding, ...]:
    """Findings, root cause first; of a run that learns well, only what is certain.

    Args:
        facts: With `outcomes`, where repairs were tried.
        suspects: From the checks.
    """
    found = [_weighed(facts, suspect) for suspect in suspects]
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
    told = {finding.code for finding in findings if finding.severity != "info"}
    findings = [replace(f, causes=tuple(c for c in CAUSES.get(f.code, ()) if c in told)) for f in findings]
    return tuple(sorted(findings, key=lambda f: _place(f, found, told)))


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


def _place(finding: Finding, found: list[Suspect], told: set[str]) -> tuple:
    """Warnings before what is only worth knowing; what stands by itself, then what trials confirm, then symptoms."""
    symptom = next(one.symptom for one in found if one.code == finding.code)
    certain = next(one.certain and not one.symptom for one in found if one.code == finding.code)
    return (finding.severity == "info", symptom, not certain, -finding.confidence)
