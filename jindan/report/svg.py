"""What every chart is drawn with: elements, scales, ticks, thinning."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jindan.report.markup import clip, esc
from jindan.report.values import shown
from jindan.report.words import Text, Words

HUGE = 1e300
FONT = 12.0
# Letters narrower and wider than most, in the usual faces of screens.
_EMS = dict.fromkeys("ijl.,:;|!'", 0.29) | dict.fromkeys("ftrI()[] -", 0.38) | dict.fromkeys("mwMW@%", 0.88)
_EMS |= dict.fromkeys("ABCDEGHKNOPQRSUVXYZ", 0.67)
_DIGITS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def el(name: str, content: str = "", **attributes: Any) -> str:
    """An SVG element; floats keep two decimals, None leaves an attribute out.

    >>> el("rect", x=1 / 3, width=2, class_="bar")
    '<rect x="0.33" width="2" class="bar"/>'
    """
    parts = []
    for key, value in attributes.items():
        if value is None:
            continue
        text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
        parts.append(f' {key if key == "viewBox" else key.rstrip("_").replace("_", "-")}="{esc(text)}"')
    return f"<{name}{''.join(parts)}>{content}</{name}>" if content else f"<{name}{''.join(parts)}/>"


def write(x: float, y: float, text: Text, *, anchor: str = "start", extra: str = "", **attributes: Any) -> str:
    """A text element, or one a language where the two differ; `extra` is markup after the words."""
    if isinstance(text, Words) and text.en != text.ko:
        return "".join(
            el("text", esc(words) + extra, x=float(x), y=float(y), text_anchor=anchor, lang=lang, **attributes)
            for lang, words in zip(("en", "ko"), text, strict=True)
        )
    words = text if isinstance(text, str) else text.en
    return el("text", esc(words) + extra, x=float(x), y=float(y), text_anchor=anchor, **attributes)


def hint(text: Text) -> str:
    """A `title` element: the accessible name and the hover text; the page's script switches its language."""
    if isinstance(text, Words) and text.en != text.ko:
        return el("title", esc(text.en), data_en=text.en, data_ko=text.ko)
    return el("title", esc(text if isinstance(text, str) else text.en) or " ")


def drawing(title: Text, width: float, height: float, body: Sequence[str], *, kind: str, **data: Any) -> str:
    """The `svg` element around a chart."""
    return el(
        "svg",
        hint(title) + "".join(body),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        width=float(width),
        height=float(height),
        role="img",
        class_=f"chart {kind}",
        **data,
    )


def text_width(text: Text, size: float = FONT) -> float:
    """Roughly how many pixels a text takes; East Asian characters are a full em wide.

    >>> text_width("ill") < text_width("old") < text_width("OLD") < text_width("한국어")
    True
    """
    if isinstance(text, Words):
        return max(text_width(text.en, size), text_width(text.ko, size))
    return size * sum(_EMS.get(c) or (1.0 if unicodedata.east_asian_width(c) in "WF" else 0.56) for c in text)


def fit(text: str, width: float, size: float = FONT) -> str:
    """The text, or its beginning and an ellipsis where it is wider than `width`."""
    if text_width(text, size) <= width:
        return text
    length = len(clip(text, 200))
    while length > 2 and text_width(clip(text, length), size) > width:
        length -= 1
    return clip(text, length)


@dataclass(frozen=True)
class Scale:
    """Data to pixels, linear or logarithmic.

    >>> Scale(0, 10, 0, 100)(5), Scale(1, 100, 0, 100, log=True)(10)
    (50.0, 50.0)
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float | None) -> float | None:
        """The pixel of a value, kept inside the scale; None for what has no place on it."""
        if value is None or not math.isfinite(value) or (self.log and value <= 0):
            return None
        return self.at(value)

    def at(self, value: float) -> float:
        """The pixel of a value that is known to be on the scale."""
        a, b, x = self.low, self.high, min(max(value, -HUGE), HUGE)
        if self.log:
            a, b, x = math.log10(a), math.log10(b), math.log10(max(x, 1e-320))
        share = (x / 2 - a / 2) / (b / 2 - a / 2)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


def extent(values: Sequence[float | None], *, log: bool = False, zero: bool = False) -> tuple[float, float]:
    """The low and high end of an axis that holds all values; never empty, never infinite.

    >>> extent([3.0, 3.0]), extent([], zero=True), extent([1.0, None, 4.0], log=True)
    ((2.7, 3.3...), (0.0, 1.0), (1.0, 4.0))
    """
    known = [min(max(v, -HUGE), HUGE) for v in values if v is not None and math.isfinite(v) and not (log and v <= 0)]
    if zero:
        known.append(0.0)
    if not known:
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = min(known), max(known)
    if log:
        low, high = max(low, 1e-300), max(high, 1e-300)
        return (low, high) if high > low * 1.0001 else (low / 2, high * 2)
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    if zero:
        return 0.0, 1.0
    pad = abs(low) / 10 or 1.0
    return low - pad, high + pad


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers (1, 2, 2.5, 5 times a power of ten) between low and high.

    >>> nice_ticks(0, 97, 5)
    [0.0, 20.0, 40.0, 60.0, 80.0]
    """
    width = high / count - low / count
    if not (math.isfinite(width) and width > 0):
        return [low]
    power = 10.0 ** math.floor(math.log10(width)) if width > 1e-300 else 1e-300
    step = next((m * power for m in (1, 2, 2.5, 5, 10) if m * power >= width * 0.999), 10 * power)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [
        round(i * step, 12 - math.floor(math.log10(step))) if step < 1e15 else i * step for i in range(first, last + 1)
    ]


def log_ticks(low: float, high: float, count: int = 6) -> list[float]:
    """Powers of ten between low and high; 2s and 5s too where there are few decades.

    >>> log_ticks(0.5, 200)
    [1.0, 10.0, 100.0]
    """
    a, b = math.floor(math.log10(low)), math.ceil(math.log10(high))
    stride = max(1, math.ceil((b - a) / count))
    ticks = [10.0**k for k in range(a, b + 1, stride) if low * 0.999 <= 10.0**k <= high * 1.001]
    if len(ticks) < 3:
        finer = [m * 10.0**k for k in range(a, b + 1) for m in (1, 2, 5)]
        ticks = [v for v in finer if low * 0.999 <= v <= high * 1.001]
    return ticks if len(ticks) > 1 else nice_ticks(low, high, 3)


def tick_text(value: float, *, share: bool = False) -> str:
    """How a tick is labelled.

    >>> tick_text(0.25, share=True), tick_text(1e8), tick_text(20.0), tick_text(1500000.0)
    ('25%', '10⁸', '20', '1.5M')
    """
    if share:
        return shown(100 * value, 4) + "%"
    size = abs(value)
    if size >= 1e7 or 0 < size < 1e-3:
        power = math.floor(math.log10(size) + 1e-9)
        if abs(size / 10.0**power - 1) < 1e-6:
            return ("−" if value < 0 else "") + "10" + str(power).translate(_DIGITS)
        return shown(value, 3)
    for unit, letter in ((1e6, "M"), (1e4, "k")):
        if size >= unit:
            return shown(value / (1e6 if letter == "M" else 1e3), 4) + letter
    return shown(value, 5)


def thin(ys: Sequence[float | None], limit: int = 600) -> list[int]:
    """Which points of a long curve to draw: the ends, and the low, high and a gap of every stretch.

    >>> len(thin(list(range(10_000)))) <= 602, thin([1.0, 2.0, 3.0])
    (True, [0, 1, 2])
    """
    count = len(ys)
    if count <= limit:
        return list(range(count))
    keep = {0, count - 1}
    buckets = max(1, limit // 2)
    for bucket in range(buckets):
        stretch = range(bucket * count // buckets, (bucket + 1) * count // buckets)
        known = [(y, i) for i in stretch if (y := ys[i]) is not None]
        if known:
            keep |= {min(known)[1], max(known)[1]}
        if len(known) < len(stretch):
            keep.add(next(i for i in stretch if ys[i] is None))
    return sorted(keep)
