"""Whether one figure beats another beyond chance, from their 95 % intervals."""

from __future__ import annotations

import math
from typing import Any


def verdict_of(own: Any, other: Any, *, smaller: bool = False) -> str:
    """`better`, `same`, `worse` or `unknown`, from two 95 % intervals.

    The interval of the difference combines the two arms that face each other by squares (Newcombe 1998, method 10;
    Zou and Donner 2008). Both are measured on the same rows (features by hand on some of them),
    which makes this the cautious side.

    Args:
        own, other: Figures with `value`, `low` and `high`, as a `Score`; any of these may be None or NaN.
        smaller: Whether less is better.

    >>> from jindan.select import Score
    >>> verdict_of(Score(0.9, 0.88, 0.92), Score(0.8, 0.77, 0.83))
    'better'
    >>> verdict_of(Score(0.9, 0.7, 0.98), Score(0.8, 0.6, 0.9))
    'same'
    >>> verdict_of(Score(1, 1, 1), Score(1, None, None))
    'unknown'
    """
    reach = arm(own, other)
    if reach is None:
        return "unknown"
    difference = own.value - other.value
    if abs(difference) <= reach or difference == 0:
        return "same"
    return "better" if (difference > 0) != smaller else "worse"


def arm(own: Any, other: Any) -> float | None:
    """How far apart two figures may lie by chance: √(a² + b²) of the arms that face each other; None where unknown.

    >>> from jindan.select import Score
    >>> round(arm(Score(0.75, 0.45, 0.9), Score(0.5, 0.1, 0.9)), 3)  # √(0.3² + 0.4²)
    0.5
    """
    ends = [getattr(one, name) for one in (own, other) for name in ("value", "low", "high")]
    if any(end is None or not math.isfinite(end) for end in ends):
        return None
    a, low_a, high_a, b, low_b, high_b = map(float, ends)
    return math.hypot(a - low_a, high_b - b) if a > b else math.hypot(high_a - a, b - low_b)
