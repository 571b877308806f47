"""Charts of categories as inline SVG: bars with intervals and heat maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jindan.report.charts import short_label
from jindan.report.markup import esc
from jindan.report.svg import Scale, drawing, el, extent, hint, nice_ticks, text_width, tick_text, write
from jindan.report.values import shown
from jindan.report.words import Text, Words

ROW = 28.0


class Bar(NamedTuple):
    """One bar: its label, value, 95 % interval, the value in words, and whether it is the one to look at."""

    label: Text
    value: float | None
    low: float | None = None
    high: float | None = None
    text: Text | None = None
    strong: bool = False


def bar_chart(
    bars: Sequence[Bar], *, title: Text, share: bool = False, floor: float | None = None, width: float = 440.0
) -> str:
    """Horizontal bars from zero with error bars, values at the right.

    Args:
        share: Label the axis in per cent, from 0 to 100 where the values allow it.
        floor: Cut what lies below, so that one disaster does not flatten the rest; its bar ends in an arrow.

    >>> bar_chart([Bar("a", 0.5, 0.4, 0.6), Bar("b", None)], title="t").count('class="whisker"')
    1
    """
    if not any(bar.value is not None for bar in bars):
        return ""
    known = [v for bar in bars if bar.value is not None for v in (bar.value, bar.low, bar.high) if v is not None]
    if floor is not None:
        known = [max(v, floor) for v in known]
    low, high = extent([*known, 1.0] if share and max(known) <= 1 else known, zero=True)
    ticks = nice_ticks(low, high, 5)
    texts: list[Text] = [bar.text if bar.text is not None else shown(bar.value) for bar in bars]
    left = min(max(text_width(bar.label) for bar in bars) + 16, 0.42 * width)
    right = width - max(text_width(text) for text in texts) - 18
    bottom = 8 + ROW * len(bars)
    x = Scale(low, high, left, max(right, left + 60))
    body = []
    for value in ticks:
        body.append(el("line", class_="gridline", x1=x.at(value), x2=x.at(value), y1=4.0, y2=bottom))
        body.append(write(x.at(value), bottom + 16, tick_text(value, share=share), anchor="middle", class_="tick"))
    for index, (bar, text) in enumerate(zip(bars, texts, strict=True)):
        body.append(_bar(bar, text, x, 8 + ROW * index, left, width, floor))
    body.append(el("line", class_="axis", x1=x.at(0), x2=x.at(0), y1=4.0, y2=bottom))
    return drawing(title, width, bottom + 24, body, kind="bars")


def _bar(bar: Bar, text: Text, x: Scale, y: float, left: float, width: float, floor: float | None) -> str:
    """One row: label, bar, whisker, value."""
    middle = y + ROW / 2 - 2
    parts = [_fitted(bar.label, left - 12, left - 8, middle + 4, "name strong" if bar.strong else "name")]
    if bar.value is not None:
        start, end = sorted((x.at(0), x.at(bar.value)))
        parts.append(
            el(
                "rect",
                class_="bar strong" if bar.strong else "bar quiet",
                x=start,
                y=y + 4,
                width=end - start,
                height=ROW - 12,
            )
        )
        if floor is not None and bar.value < floor:
            parts.append(
                el("path", class_="cut", d=f"M{start + 7:.1f} {y + 5:.1f} l-6 {ROW / 2 - 7:.1f} l6 {ROW / 2 - 7:.1f}")
            )
        if bar.low is not None and bar.high is not None:
            a, b = sorted((x.at(bar.low), x.at(bar.high)))
            d = f"M{a:.1f} {middle:.1f} H{b:.1f} M{a:.1f} {middle - 4:.1f} v8 M{b:.1f} {middle - 4:.1f} v8"
            parts.append(el("path", class_="whisker", d=d))
    parts.append(write(width - 2, middle + 4, text, anchor="end", class_="figure strong" if bar.strong else "figure"))
    return el("g", "".join(parts))


def _fitted(label: Text, room: float, x: float, y: float, kind: str) -> str:
    """A right-aligned label, cut to the room it has."""
    if isinstance(label, Words):
        return write(
            x, y, Words(short_label(label.en, room)[0], short_label(label.ko, room)[0]), anchor="end", class_=kind
        )
    cut, whole = short_label(label, room)
    return write(x, y, cut, anchor="end", class_=kind, extra=whole)


def heat_map(
    rows: Sequence[str],
    columns: Sequence[str],
    matrix: Sequence[Sequence[float | None]],
    *,
    title: Text,
    x_label: Text = "",
    y_label: Text = "",
    diverging: bool = False,
) -> str:
    """Cells shaded by value. Counts are shaded by their share of the row; `diverging` shades −1 … 1 in two colours.

    >>> heat_map(["a"], ["a"], [[3]], title="t").count('class="cell')
    1
    """
    n, m = min(len(rows), len(matrix)), len(columns)
    if n == 0 or m == 0:
        return ""
    side = 74.0 if max(n, m) <= 4 else 44.0 if max(n, m) <= 8 else 32.0 if max(n, m) <= 14 else 22.0
    left = max(min(max(text_width(r) for r in rows[:n]), 130.0), text_width(y_label)) + 14
    longest = min(max(text_width(c) for c in columns), 120.0)
    turned = longest > side - 4
    head = (longest * 0.72 + 18 if turned else 22.0) + (20 if x_label or y_label else 0)
    width, height = left + side * m + (longest * 0.72 + 4 if turned else 4), head + side * n + 4
    width = max(width, left + text_width(x_label) + 4)
    body = [write(left, 12, x_label, class_="label"), write(left - 10, 12, y_label, anchor="end", class_="label")]
    body = body if x_label or y_label else []
    for j, column in enumerate(columns):
        px, (cut, whole) = left + side * (j + 0.5), short_label(column, 120)
        if turned:
            body.append(
                el(
                    "text",
                    esc(cut) + whole,
                    class_="name",
                    transform=f"translate({px - 2:.1f} {head - 7:.1f}) rotate(-45)",
                )
            )
        else:
            body.append(write(px, head - 8, cut, anchor="middle", class_="name", extra=whole))
    for i, row in enumerate(rows[:n]):
        py, (cut, whole) = head + side * i, short_label(row, 130)
        body.append(write(left - 8, py + side / 2 + 4, cut, anchor="end", class_="name", extra=whole))
        total = sum(abs(v) for v in matrix[i] if v is not None) or 1.0
        for j, value in enumerate(matrix[i][:m]):
            shade = 0.0 if value is None else min(abs(value) / (1.0 if diverging else total), 1.0)
            body.append(_cell(value, shade, left + side * j, py, side, f"{row} → {columns[j]}", diverging))
    return drawing(title, width, height, body, kind="heat")


def _cell(value: float | None, shade: float, x: float, y: float, side: float, words: str, diverging: bool) -> str:
    """One cell with its number where that fits."""
    sign = " minus" if diverging and value is not None and value < 0 else ""
    text = "" if value is None else f"{value:.2f}".replace("-", "−") if diverging else shown(value, 3)
    cell = el(
        "rect",
        hint(f"{words}: {text or '–'}"),
        class_=f"cell{sign}",
        x=x + 1,
        y=y + 1,
        width=side - 2,
        height=side - 2,
        fill_opacity=round(0.05 + 0.9 * shade, 2),
    )
    kind = "in on" if shade > 0.74 else "in mid" if shade > 0.58 else "in"
    if not text or side < 30 or text_width(text, 11.0) > side - 3 or (value == 0 and not diverging):
        return cell
    return cell + write(x + side / 2, y + side / 2 + 4, text, anchor="middle", class_=kind)
