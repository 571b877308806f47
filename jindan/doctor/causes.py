"""What findings are to one another: which bring others about, exclude one another, or explain all there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from .findings import Finding, after_causes, ordered

# What brings about what (the explanations' "because"); a cause that is told comes first.
CAUSES: dict[str, tuple[str, ...]] = {
    "nonfinite-values": ("exploding-gradient", "learning-rate-too-high", "bad-init-scale", "targets-not-normalised",
                         "inputs-not-normalised", "output-loss-mismatch"),
    "exploding-gradient": ("learning-rate-too-high", "bad-init-scale", "targets-not-normalised",
                           "inputs-not-normalised"),
    "vanishing-gradient": ("bad-init-scale", "saturated-activation", "inputs-not-normalised", "output-loss-mismatch",
                           "learning-rate-too-high"),
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

# Of two that cannot both be true, as they ask for opposite things, the better founded one is told.
EXCLUSIVE = (
    ("learning-rate-too-high", "learning-rate-too-low"),
    ("batch-size-too-small", "batch-size-too-large"),
)

# NaN or infinity that was given makes every number of the training NaN. What then stands is seen in the data and the
# plan alone; what the training shows follows; whether anything else is wrong as well cannot be known.
STANDING = ("output-loss-mismatch", "data-leakage", "preprocessing-mismatch", "label-noise", "batch-size-too-small",
            "batch-size-too-large", "out-of-memory", "device-idle", "input-ignored", "symmetric-init")  # fmt: skip
FOLLOWING = ("exploding-gradient", "vanishing-gradient", "dying-relu", "saturated-activation", "plateau",
             "underfitting", "below-baseline")  # fmt: skip


CLEARED = 0.15  # a suspect whose repair recovers less of what is to be gained is cleared


def spoils(code: str, evidence: Mapping[str, Any]) -> bool:
    """Whether a finding is of NaN or infinity that the training was given: in its rows, or in its first weights.

    >>> spoils("nonfinite-values", {"where": "x", "count": 1}), spoils("nonfinite-values", {"first_update": 7})
    (True, False)
    """
    return code == "nonfinite-values" and "where" in evidence and not evidence["where"].startswith("validation")


def causes_of(finding: Finding, told: Iterable[Finding]) -> tuple[str, ...]:
    """Codes of the findings told that bring a finding about; those that a trial of their repair has cleared do not."""
    if any(spoils(one.code, one.evidence) for one in told):
        return ("nonfinite-values",) if finding.code in FOLLOWING else ()
    codes = {one.code for one in told if one.severity != "info" and one.evidence.get("recovered", 1.0) >= CLEARED}
    return tuple(code for code in CAUSES.get(finding.code, ()) if code in codes)


def in_order(findings: Iterable[Finding], key: Callable[[Finding], Any] | None = None) -> tuple[Finding, ...]:
    """Findings with their causes among one another named, as `ordered` has them, or by a key after all their causes."""
    listed = list(findings)
    named = [replace(one, causes=causes_of(one, listed)) for one in listed]
    return ordered(named) if key is None else after_causes(named, key)
