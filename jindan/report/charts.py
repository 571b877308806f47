"""Charts of curves and points as inline SVG: lines, scatter, histogram. Bars and heat maps: `charts_grid`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jindan.report.markup import esc
from jindan.report.svg import (
    Scale,
    drawing,
    el,
    extent,
    fit,
    hint,
    log_ticks,
    nice_ticks,
    text_width,
    thin,
    tick_text,
    write,
)
from jindan.report.values import shown
from jindan.report.words import Text, Words, t

WIDTH, HEIGHT = 440.0, 276.0


class Curve(NamedTuple):
    """One line of a chart: its name, its values (None where not finite) and its colour and dash, 0–3."""

    name: Text
    ys: Sequence[float | None]
    style: int = 0


def line_chart(
    curves: Sequence[Curve],
    *,
    title: Text,
    x_label: Text = "",
    mark: int | None = None,
    log: bool = False,
    share: bool = False,
    width: float = WIDTH,
    height: float = HEIGHT,
) -> str:
    """Lines over 1, 2, 3, …; empty where no curve has a point.

    Args:
        mark: Index of the epoch to mark as the best one.
        log: Logarithmic y axis; values ≤ 0 become gaps.
        share: Label the y axis in per cent.

    >>> line_chart([Curve("loss", [1.0, 0.5])], title="loss").startswith("<svg")
    True
    """
    curves = [c for c in curves if any(y is not None and not (log and y <= 0) for y in c.ys)]
    if not curves:
        return ""
    longest = max(len(c.ys) for c in curves)
    low, high = extent([y for c in curves for y in c.ys], log=log)
    if not log:
        pad = (high / 20 - low / 20) or 0.0
        low, high = (0.0 if low >= 0 and low - pad < 0 else low - pad), high + pad
        if share:
            most = max(v for c in curves for v in c.ys if v is not None)
            low, high = max(low, 0.0), min(high, 1.0) if most <= 1 else high
    ticks = log_ticks(low, high) if log else nice_ticks(low, high)
    labels = [tick_text(v, share=share) for v in ticks]
    left = max(30.0, max(map(text_width, labels), default=0) + 12)
    top, bottom = 46.0, height - 40
    x = Scale(1, max(longest, 2), left, width - 14)
    y = Scale(low, high, bottom, top, log)
    body = []
    for value, label in zip(ticks, labels, strict=True):
        body.append(el("line", class_="gridline", x1=left, x2=width - 14, y1=y.at(value), y2=y.at(value)))
        body.append(write(left - 7, y.at(value) + 4, label, anchor="end", class_="tick"))
    for value in [v for v in nice_ticks(1, max(longest, 2), 6) if v == int(v) and v >= 1] or [1.0]:
        body.append(write(x.at(value), bottom + 17, tick_text(value), anchor="middle", class_="tick"))
    body.append(el("line", class_="axis", x1=left, x2=width - 14, y1=bottom, y2=bottom))
    body.append(write((left + width - 14) / 2, height - 6, x_label, anchor="middle", class_="label", extra=_value("x")))
    body += [_curve(curve, x, y) for curve in curves]
    if mark is not None and 0 <= mark < longest:
        body.append(_best(mark, curves, x, y, top, bottom))
    body.append(_legend(curves, width))
    body.append(el("line", class_="cursor", y1=top, y2=bottom, x1=left, x2=left))
    return drawing(title, width, height, body, kind="line", data_x0=left, data_x1=width - 14, data_n=max(longest, 2))


def _value(key: str) -> str:
    """An empty span that the page's script fills with the value under the pointer."""
    return f'<tspan class="at" data-at="{key}"> </tspan>'


def _curve(curve: Curve, x: Scale, y: Scale) -> str:
    """One line, cut where values are missing; lone points become dots."""
    parts: list[list[str]] = [[]]
    xs, ys = [], []
    for index in thin(curve.ys):
        py = y(curve.ys[index])
        if py is None:
            parts.append([])
            continue
        parts[-1].append(f"{x.at(index + 1):.1f},{py:.1f}")
        xs.append(str(index + 1))
        ys.append(f"{curve.ys[index]:.4g}")
    drawn = []
    for part in parts:
        if len(part) == 1:
            cx, cy = part[0].split(",")
            drawn.append(el("circle", class_="dot", cx=cx, cy=cy, r=2.5))
        elif part:
            drawn.append(el("polyline", points=" ".join(part)))
    return el("g", "".join(drawn), class_=f"curve s{curve.style}", data_x=" ".join(xs), data_y=" ".join(ys))


def _best(mark: int, curves: Sequence[Curve], x: Scale, y: Scale, top: float, bottom: float) -> str:
    """The vertical mark of the best epoch, its label on the side that has room."""
    px = x.at(mark + 1)
    side = "end" if px > (x.start + x.end) / 2 else "start"
    watched = curves[-1].ys
    py = y(watched[mark]) if mark < len(watched) else None
    dot = el("circle", class_=f"best-dot s{curves[-1].style}", cx=px, cy=py, r=4.0) if py is not None else ""
    words = t("best_epoch", n=mark + 1)
    label = write(px + (6 if side == "end" else -6), top - 5, words, anchor=side, class_="best-label")
    return el("g", el("line", class_="best", x1=px, x2=px, y1=top, y2=bottom) + label + dot)


def _legend(curves: Sequence[Curve], width: float) -> str:
    """Line samples with names, left to right above the plot."""
    parts, at = [], 4.0
    step = (width - 8) / max(len(curves), 2)
    for index, curve in enumerate(curves):
        parts.append(el("line", class_=f"s{curve.style} sample", x1=at, x2=at + 20, y1=14.0, y2=14.0))
        parts.append(write(at + 26, 18, curve.name, class_="legend", extra=_value(str(index))))
        at += max(step, 0)
    return el("g", "".join(parts))


def scatter(
    true: Sequence[float | None], predicted: Sequence[float | None], *, title: Text, x_label: Text, y_label: Text
) -> str:
    """Predicted against true values with the line on which they agree; both axes share one scale.

    >>> scatter([], [], title="", x_label="", y_label="")
    ''
    """
    points = [(a, b) for a, b in zip(true, predicted, strict=False) if a is not None and b is not None]
    if not points:
        return ""
    size = 360.0
    low, high = extent([v for point in points for v in point])
    ticks = nice_ticks(low, high, 5)
    labels = [tick_text(v) for v in ticks]
    left = max(map(text_width, labels), default=20.0) + 14
    x, y = Scale(low, high, left, size - 12), Scale(low, high, size - 44, 26)
    body = []
    for value, label in zip(ticks, labels, strict=True):
        body.append(el("line", class_="gridline", x1=left, x2=size - 12, y1=y.at(value), y2=y.at(value)))
        body.append(el("line", class_="gridline", x1=x.at(value), x2=x.at(value), y1=26.0, y2=size - 44))
        body.append(write(left - 7, y.at(value) + 4, label, anchor="end", class_="tick"))
        body.append(write(x.at(value), size - 27, label, anchor="middle", class_="tick"))
    body.append(el("line", class_="identity", x1=x.at(low), y1=y.at(low), x2=x.at(high), y2=y.at(high)))
    radius = 3.2 if len(points) <= 400 else 2.2
    dots = "".join(el("circle", cx=round(x.at(a), 1), cy=round(y.at(b), 1), r=radius) for a, b in points[:2000])
    body.append(el("g", dots, class_="points"))
    body.append(write((left + size - 12) / 2, size - 7, x_label, anchor="middle", class_="label"))
    body.append(write(2, 14, y_label, class_="label"))
    return drawing(title, size, size, body, kind="scatter")


def histogram(
    edges: Sequence[float | None],
    counts: Sequence[float | None],
    *,
    title: Text,
    zero: bool = False,
    width: float = 200.0,
    height: float = 110.0,
) -> str:
    """Counts over touching intervals, with ticks below and the highest count beside its axis.

    Args:
        zero: Draw a line at x = 0.

    >>> histogram([0, 1, 2], [3, None], title="x").count("<rect")
    1
    """
    n = min(len(counts), len(edges) - 1)
    cells = []
    for a, b, c in zip(edges[: max(n, 0)], edges[1 : n + 1], counts[: max(n, 0)], strict=False):
        if a is not None and b is not None and c is not None and b >= a and c > 0:
            cells.append((a, b, c))
    if not cells:
        return ""
    low, high = extent([v for cell in cells for v in cell[:2]])
    most = max(cell[2] for cell in cells)
    left, right, top, bottom = 8.0, width - 8, 16.0, height - 22
    x, y = Scale(low, high, left, right), Scale(0, most, bottom, top)
    body = []
    for a, b, c in cells:
        px, end = x.at(a), x.at(b)
        words = f"{shown(a)} – {shown(b)}: {shown(c)}"
        thick = max(end - px - (1 if end - px > 4 else 0), 1.0)
        body.append(el("rect", hint(words), class_="bar", x=px, y=y.at(c), width=thick, height=bottom - y.at(c)))
    body.append(el("line", class_="axis", x1=left, x2=right, y1=bottom, y2=bottom))
    last = -1e9
    for value in nice_ticks(low, high, 4 if width < 300 else 7):
        label, px = tick_text(value), x.at(value)
        half = text_width(label) / 2
        if px - half > last + 6 and px - half >= 0 and px + half <= width:
            body.append(el("line", class_="axis", x1=px, x2=px, y1=bottom, y2=bottom + 3))
            body.append(write(px, bottom + 16, label, anchor="middle", class_="tick"))
            last = px + half
    if zero and low < 0 < high:
        body.append(el("line", class_="identity", x1=x.at(0), x2=x.at(0), y1=top - 6, y2=bottom))
    body.append(write(left, 10, Words(f"peak {shown(most)}", f"최다 {shown(most)}"), class_="tick"))
    return drawing(title, width, height, body, kind="histogram")


def short_label(value: object, width: float) -> tuple[str, str]:
    """A label cut to a width, and the markup of its whole text for hovering."""
    whole = str(value)
    cut = fit(whole, width)
    return cut, el("title", esc(whole[:500])) if cut != whole else ""
