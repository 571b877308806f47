"""The course of a training in numbers: how far the loss came down, whether it still falls, rises or leaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Course:
    """Numbers of a curve of losses by epoch.

    Attributes:
        epochs: How many there are.
        first, best, last: Loss of the first epoch, the least, and the median of the last tenth.
        fall: (start − last) ÷ |start|: the share by which it came down, from before training where that is known.
        falling: The share of the level it would still come down by in as many epochs again, from the trend of its last
            third; 0 where that trend is within its noise.
        rise: (last − best) ÷ (start − best), 0 for a curve that ends at its best.
        leaps: Mean size of rises from one epoch to the next, as a share of the whole way down.
        peak: Greatest loss ÷ the first, infinite where it is not finite.
        flat_since: The epoch from which the loss stays within 1 % of its level, or None.
    """

    epochs: int
    first: float
    best: float
    last: float
    fall: float
    falling: float
    rise: float
    leaps: float
    peak: float
    flat_since: int | None


def course_of(values: Any, start: float | None = None) -> Course | None:
    """The numbers of a curve; None where there is none.

    Args:
        values: Loss by epoch.
        start: Loss before training, where it is known.

    >>> course_of([1.0, 0.5, 0.25, 0.125]).rise
    0.0
    >>> round(course_of([1.0, 0.5, 0.7, 0.9]).rise, 2)
    0.8
    """
    loss = np.asarray(values, np.float64)
    if not len(loss):
        return None
    begin = loss[0] if start is None or not np.isfinite(start) else start
    good = loss[np.isfinite(loss)]
    if not len(good):
        return Course(len(loss), float(loss[0]), np.inf, np.inf, -np.inf, 0.0, np.inf, np.inf, np.inf, None)
    tail = loss[-max(1, len(loss) // 10) :]
    last = float(np.median(tail)) if np.isfinite(tail).all() else np.inf
    best, level = float(good.min()), max(abs(begin), 1e-12)
    way = max(begin - best, 1e-9 * level)
    rises = np.maximum(np.diff(loss), 0) if np.isfinite(loss).all() else np.array([np.inf])
    peak = float(loss.max() / max(abs(loss[0]), 1e-12)) if np.isfinite(loss).all() else np.inf
    leaps = float(rises.mean() / way) if len(rises) else 0.0
    fall, rise = float((begin - last) / level), float((last - best) / way)
    return Course(len(loss), float(loss[0]), best, last, fall, _falling(loss), rise, leaps, peak, _flat_since(loss))


def _falling(loss: np.ndarray) -> float:
    """By how much a line through the last third falls in as many epochs as there were, as a share of the level."""
    if len(loss) < 2 or not np.isfinite(loss).all():
        return 0.0
    part = loss[-max(2, len(loss) // 3) :]
    steps = np.arange(len(part))
    slope, origin = np.polyfit(steps, part, 1)
    if len(part) > 3:
        left = part - (slope * steps + origin)
        error = np.sqrt((left**2).sum() / (len(part) - 2) / ((steps - steps.mean()) ** 2).sum())
        if slope + 2 * error >= 0:  # two standard errors: 95 % for a trend that is there
            return 0.0
    level = max(abs(float(np.median(part))), 1e-12)
    return float(max(0.0, -slope * len(loss) / level))


def _flat_since(loss: np.ndarray) -> int | None:
    """The first epoch after which no loss differs from the last level by more than 1 %."""
    if len(loss) < 4 or not np.isfinite(loss).all():
        return None
    level = float(np.median(loss[-max(1, len(loss) // 10) :]))
    far = np.flatnonzero(np.abs(loss - level) > 0.01 * max(abs(level), 1e-12))
    since = int(far[-1]) + 1 if len(far) else 0
    return since if since <= len(loss) * 2 // 3 else None
