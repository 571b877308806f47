"""Rules: what a setting accepts, as data; used by error messages, by the command line's help and by tests."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Number:
    """Rule: a real number in an interval. Bounds are included unless `open_low` / `open_high`."""

    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False
    integer: bool = False

    def accepts(self, value: object) -> bool:
        kind = numbers.Integral if self.integer else numbers.Real
        if not isinstance(value, kind) or isinstance(value, bool) or not math.isfinite(value):
            return False
        above = self.low is None or (value > self.low if self.open_low else value >= self.low)  # type: ignore[operator]
        below = self.high is None or (value < self.high if self.open_high else value <= self.high)  # type: ignore[operator]
        return above and below

    def __str__(self) -> str:
        name = "an integer" if self.integer else "a number"
        parts = []
        if self.low is not None:
            parts.append(f"{'>' if self.open_low else '>='} {self.low:g}")
        if self.high is not None:
            parts.append(f"{'<' if self.open_high else '<='} {self.high:g}")
        return f"{name} {' and '.join(parts)}".strip()

    def bad_values(self) -> Iterator[object]:
        """Values just outside the rule, for tests."""
        yield from ("a word", float("nan"), True)
        if self.low is not None:
            yield self.low if self.open_low else self.low - 1
        if self.high is not None:
            yield self.high if self.open_high else self.high + 1
        if self.integer:
            yield 1.5


@dataclass(frozen=True)
class Choice:
    """Rule: one of a few names."""

    options: tuple[object, ...]

    def accepts(self, value: object) -> bool:
        return value in self.options

    def __str__(self) -> str:
        return "one of " + ", ".join(repr(option) for option in self.options)

    def bad_values(self) -> Iterator[object]:
        yield from ("no such option", -7)


POSITIVE = Number(0, open_low=True)
NOT_NEGATIVE = Number(0)
FRACTION = Number(0, 1, open_high=True)
UNIT = Number(0, 1)
COUNT = Number(1, integer=True)
