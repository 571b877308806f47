"""Pictures of the evidence of a finding: what the doctor put down in numbers, as lines and bars."""

from __future__ import annotations

import math
from typing import Any

from jindan.report.charts import Curve, line_chart
from jindan.report.charts_grid import Bar, bar_chart
from jindan.report.markup import figure, grid
from jindan.report.names import baseline_name, metric_name
from jindan.report.values import mappings, number, numbers, pairs, shown
from jindan.report.words import UI, Text, t


def exhibits(finding: dict[str, Any]) -> str:
    """The pictures of one finding, side by side; empty where it has none."""
    drawn = [one(exhibit) for exhibit in mappings(finding.get("exhibits"))]
    return grid(*[picture for picture in drawn if picture])


def one(exhibit: dict[str, Any]) -> str:
    """A picture with its title."""
    title = word(exhibit.get("title"))
    chart = chart_of(exhibit)
    return figure(title, chart) if chart else ""


def chart_of(exhibit: dict[str, Any]) -> str:
    """The picture alone, as SVG; empty where there is nothing to draw.

    >>> chart_of({"kind": "bars", "title": "recovered", "bars": [["dying-relu", 0.5, True]]})[:4]
    '<svg'
    """
    title, share = word(exhibit.get("title")), bool(exhibit.get("share"))
    if exhibit.get("kind") == "lines":
        series = [(name, numbers(values)) for name, values in pairs(exhibit.get("series"))]
        known = [y for _, ys in series for y in ys if y is not None]
        log = bool(exhibit.get("log")) and any(y > 0 for y in known)
        curves = [Curve(word(name), ys, style % 4) for style, (name, ys) in enumerate(series)]
        return line_chart(curves, title=title, x_label=word(exhibit.get("x")), log=log, share=share)
    bars = []
    for row in exhibit.get("bars") or ():
        name, value, strong = (
            (*row, False, False)[:3] if isinstance(row, list | tuple) and len(row) > 1 else ("", None, False)
        )
        size = number(value)
        text = shown(size)
        if exhibit.get("log") and size is not None:
            # Sizes that span decades: the bar is the logarithm above the least, the number stands beside it.
            size = math.log10(max(size, 1e-12)) + 12
        bars.append(Bar(word(name), size, text=text, strong=bool(strong)))
    return bar_chart(bars, title=title, share=share and not exhibit.get("log"))


def word(key: Any) -> Text:
    """The words for a key, or the key itself (a code, a column)."""
    key = str(key or "")
    if key in UI and "{" not in UI[key][0]:
        return t(key)
    return baseline_name(key) if metric_name(key) == key else metric_name(key)
