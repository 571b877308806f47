"""Suspect: what one check makes of the facts, before causes and trials have had their say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Suspect:
    """One possible fault.

    Attributes:
        code: The fault.
        strength: 0 … 1, how plainly the numbers speak for it.
        layer: The layer it is about, or None.
        evidence: Plain numbers and names.
        certain: Whether the evidence stands by itself: no trial or poor score is needed.
        severity: "error", "warning" or "info".
        symptom: Whether it says that something is wrong rather than what.
    """

    code: str
    strength: float
    layer: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    certain: bool = False
    severity: str = "warning"
    symptom: bool = False


def ramp(value: float, low: float, high: float) -> float:
    """0 below `low`, 1 above `high`, even between; by logarithm where both are above 0.

    >>> ramp(10, 1, 100)
    0.5
    """
    import math

    if not math.isfinite(value):
        return 1.0 if value == math.inf else 0.0
    if low > 0 and high > 0:
        value, low, high = math.log(max(value, 1e-300)), math.log(low), math.log(high)
    return min(1.0, max(0.0, (value - low) / (high - low)))
