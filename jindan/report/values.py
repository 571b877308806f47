"""Plain values out of an untrusted record: finite numbers, lists, and how they are written for people."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from jindan.report.words import Words

NARROW = "\u202f"  # narrow no-break space
_SUPER = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Measure(NamedTuple):
    """A metric's value and its 95 % interval; any of them may be unknown."""

    value: float | None
    low: float | None
    high: float | None


def number(value: Any) -> float | None:
    """A finite float, or None for everything else.

    >>> number("3"), number(float("nan")), number(None), number([1])
    (3.0, None, None, None)
    """
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def numbers(values: Any) -> list[float | None]:
    """Every entry as a finite float or None."""
    return [number(value) for value in listed(values)]


def listed(value: Any) -> list[Any]:
    """A list out of a list, tuple or array; everything else is an empty one."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return list(value) if isinstance(value, list | tuple) else []


def mapped(value: Any) -> dict[str, Any]:
    """A dict, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[dict[str, Any]]:
    """The dicts in a list."""
    return [item for item in listed(value) if isinstance(item, dict)]


def pairs(value: Any) -> list[tuple[Any, Any]]:
    """The two-element entries of a list.

    >>> pairs([["a", 1], None, ["b"]])
    [('a', 1)]
    """
    found = [listed(item) for item in listed(value)]
    return [(item[0], item[1]) for item in found if len(item) == 2]


def table_of(value: Any) -> list[list[float | None]]:
    """A square-ended matrix: short rows are filled with None."""
    rows = [numbers(row) for row in listed(value)]
    width = max((len(row) for row in rows), default=0)
    return [row + [None] * (width - len(row)) for row in rows]


def measure(value: Any) -> Measure:
    """A metric as `{"value", "low", "high"}` or as a bare number.

    >>> measure({"value": 0.9, "low": 0.8, "high": float("nan")})
    Measure(value=0.9, low=0.8, high=None)
    """
    if isinstance(value, dict):
        return Measure(*(number(value.get(key)) for key in Measure._fields))
    return Measure(number(value), None, None)


def shown(value: Any, digits: int = 4) -> str:
    """A number in the fewest honest characters; an en dash where there is none.

    >>> shown(1234567), shown(0.0000123), shown(-0.5), shown(12.3456), shown(float("nan"))
    ('1,234,567', '1.23×10⁻⁵', '−0.5', '12.35', '–')
    """
    x = number(value)
    if x is None:
        return "–"
    size = abs(x)
    if x == int(x) and size < 1e9:
        text = f"{int(x):,}"
    elif size >= 1e7 or size < 1e-4:
        mantissa, exponent = f"{x:.{min(digits, 3) - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        text = f"{mantissa}×10{str(int(exponent)).translate(_SUPER)}"
    else:
        decimals = max(0, digits - 1 - math.floor(math.log10(size)))
        text = f"{x:,.{decimals}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


def percent(value: Any, decimals: int = 1) -> Words:
    """A share of one as a percentage, spaced as each language does.

    >>> percent(0.96666).en.replace(NARROW, " "), percent(0.96666).ko
    ('96.7 %', '96.7%')
    """
    x = number(value)
    if x is None:
        return Words("–", "–")
    text = f"{100 * x:,.{decimals}f}" if abs(x) < 1e6 else shown(100 * x)
    text = text.replace("-", "−")
    text = text[:-2] if text.endswith(".0") else text
    return Words(f"{text}{NARROW}%", f"{text}%")


def span(low: Any, high: Any, *, share: bool) -> Words | None:
    """An interval; whole per cents unless it is narrow. None when a bound is unknown.

    >>> span(0.833, 0.994, share=True).ko
    '83–99%'
    """
    a, b = number(low), number(high)
    if a is None or b is None:
        return None
    joint = "–" if min(a, b) >= 0 else " … "
    if not share or max(abs(a), abs(b)) >= 1e4:
        _, first, last = alike(a, a, b)
        text = first + joint + last
        return Words(text, text)
    decimals = 0 if abs(b - a) > 0.03 else 1 if abs(b - a) > 0.003 else 2
    text = f"{100 * a:.{decimals}f}{joint}{100 * b:.{decimals}f}".replace("-", "−")
    return Words(f"{text}{NARROW}%", f"{text}%")


def alike(value: Any, low: Any, high: Any) -> tuple[str, str, str]:
    """A figure and the ends of its interval with one number of decimals: three digits, two of the interval's width.

    >>> alike(0.80957, 0.72, 0.8752), alike(0.99941, 0.9991, 0.9996), alike(5, None, 6)
    (('0.810', '0.720', '0.875'), ('0.99941', '0.99910', '0.99960'), ('5', '–', '6'))
    """
    known = [number(v) for v in (value, low, high)]
    x, a, b = known
    size = 0.0 if a is None or b is None else max(abs(a), abs(b))
    if x is None or a is None or b is None or not 1e-4 <= size < 1e7:
        return shown(x), shown(a, 3), shown(b, 3)
    places = 2 - math.floor(math.log10(size))
    if b > a:
        places = max(places, 1 - math.floor(math.log10(b - a)))
    texts = (f"{0.0 if abs(v) < 0.5 * 10.0**-places else v:,.{max(places, 0)}f}" for v in (x, a, b))
    first, second, third = (text.replace("-", "−") for text in texts)
    return first, second, third


def size_of(count: Any) -> str:
    """Bytes in binary units.

    >>> size_of(699 * 4), size_of(None)
    ('2.73 KiB', '–')
    """
    x = number(count)
    if x is None:
        return "–"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(x) < 1024 or unit == "TiB":
            return f"{shown(x, 3)} {unit}"
        x /= 1024
    return "–"


def duration(seconds: Any) -> Words:
    """Seconds in the unit a person would use.

    >>> duration(0.0421).en, duration(75).en, duration(7260).ko
    ('42 ms', '1 min 15 s', '2시간 1분')
    """
    x = number(seconds)
    if x is None:
        return Words("–", "–")
    if x < 0.9995:
        text = shown(round(1000 * x, 1) if x < 0.01 else round(1000 * x))
        return Words(f"{text} ms", f"{text}ms")
    if x < 59.95:
        return Words(f"{shown(x, 3)} s", f"{shown(x, 3)}초")
    whole = round(x)
    if whole < 3600:
        return Words(f"{whole // 60} min {whole % 60} s", f"{whole // 60}분 {whole % 60}초")
    return Words(
        f"{shown(whole // 3600)} h {whole % 3600 // 60} min", f"{shown(whole // 3600)}시간 {whole % 3600 // 60}분"
    )
