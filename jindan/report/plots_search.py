"""Pictures of a search: trials as lines across their settings, which settings matter, how trials learnt."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jindan.errors import UnknownNameError
from jindan.models.drawing import Drawing
from jindan.report.charts_grid import Bar, bar_chart
from jindan.report.studies import BLUE, ORANGE, Panel, standalone
from jindan.report.svg import Scale, drawing, el, extent, fit, hint, nice_ticks, tick_text, write

Rows = Sequence[dict[str, Any]]
HEIGHT, TOP, BOTTOM, STEP = 300.0, 44.0, 28.0, 120.0
CLASSES = 8  # different values up to which an axis has a tick for each


def plot_search(table: Rows, scoring: str, kind: str = "parallel", to_file: Any = None, lang: str = "en") -> Drawing:
    """A picture of the trials of a `jindan.select.searching.Search`.

    Args:
        table: Its rows.
        scoring: The score's name.
        kind: "parallel", "importance" or "curves".
        to_file: Where the picture is written, too.
        lang: "en" or "ko".

    Raises:
        UnknownNameError: for another kind.
        FileError: when it cannot be written there.

    >>> rows = [{"trial": k, "values": {"l2": k / 10}, "score": -k / 2, "curve": []} for k in range(4)]
    >>> plot_search(rows, "-loss").svg.count("<polyline")
    4
    """
    if kind not in KINDS:
        raise UnknownNameError("picture of a search", kind, KINDS, where="kind")
    known = best_first(table)[::-1]
    return standalone(KINDS[kind](known, scoring, lang), to_file, lang)


def best_first(table: Rows) -> list[dict[str, Any]]:
    """The trials that have a score; those that halving stopped come after all others, of equals the later one."""
    return sorted((row for row in table if row["score"] is not None), key=_rank, reverse=True)


def importance(table: Rows) -> dict[str, float]:
    """Path → the share of the scores' variance that a random forest explains by it (Hutter et al. 2014); sums to 1,
    or 0 where scores do not differ.

    >>> rows = [{"values": {"a": k % 5, "b": k % 2}, "score": float(k % 5)} for k in range(20)]
    >>> found = importance(rows)
    >>> found["a"] > 0.9, round(sum(found.values()), 6)
    (True, 1.0)
    """
    from sklearn.ensemble import RandomForestRegressor

    rows = [row for row in table if row["score"] is not None]
    paths = _paths(rows)
    if not rows or not paths:
        return {}
    x = np.stack([_numbers([row["values"].get(path) for row in rows]) for path in paths], 1)
    forest = RandomForestRegressor(64, random_state=0).fit(x, [row["score"] for row in rows])
    return dict(zip(paths, map(float, forest.feature_importances_), strict=True))


def _parallel(rows: Rows, scoring: str, lang: str) -> str:
    """A vertical axis a setting and one for the score; a line a trial, the best one on top."""
    paths = _paths(rows)
    columns = [[row["values"].get(path) for row in rows] for path in paths] + [[row["score"] for row in rows]]
    names = [*paths, scoring]
    width = 70 + STEP * (len(names) - 1) + 60
    axes = [_Axis(40 + STEP * place, values) for place, values in enumerate(columns)]
    body: list[str] = []
    for order, row in enumerate(rows):
        best = order == len(rows) - 1
        points = " ".join(f"{axis.x:.1f},{axis.at(order):.1f}" for axis in axes)
        share = (order + 1) / len(rows)
        words = ", ".join(f"{path} {_word(value)}" for path, value in row["values"].items())
        body.append(el(
            "polyline", hint(f"{scoring} {row['score']:.4g}: {words}"), points=points, fill="none",
            stroke=ORANGE if best else BLUE, stroke_width=2.4 if best else 1.2,
            stroke_opacity=1.0 if best else round(0.12 + 0.6 * share**2, 2),
        ))  # fmt: skip
    for axis, name in zip(axes, names, strict=True):
        body += axis.drawn(name)
    return drawing("Trials of the search" if lang == "en" else "탐색한 시도", width, HEIGHT, body, kind="parallel")


def _importance(rows: Rows, scoring: str, lang: str) -> str:
    found = sorted(importance(rows).items(), key=lambda pair: -pair[1])
    title = f"Share of what varies in {scoring}" if lang == "en" else f"{scoring} 변동에서 차지하는 몫"
    bars = [Bar(path, share, text=f"{share:.0%}", strong=not place) for place, (path, share) in enumerate(found)]
    return bar_chart(bars, title=title, share=True) or _nothing(lang)


def _curves(rows: Rows, scoring: str, lang: str) -> str:
    """The loss of each trial over its epochs, the best trial on top."""
    seen = [row for row in rows if row.get("curve")]
    if not seen:
        return _nothing(lang)
    longest = max(row["curve"][-1][0] for row in seen)
    # One trial that blows up would flatten all others.
    starts = [row["curve"][0][1] for row in seen]
    least = min(loss for row in seen for _, loss in row["curve"])
    top = max(float(np.median(starts)) * 1.5, seen[-1]["curve"][0][1], least)
    panel = Panel((1.0, max(float(longest), 2.0)), [min(loss, top) for row in seen for _, loss in row["curve"]])
    ticks = [tick for tick in nice_ticks(1.0, max(float(longest), 2.0), 6) if tick == int(tick)] or [1.0]
    panel.x_axis([(tick, tick_text(tick)) for tick in ticks], "epoch" if lang == "en" else "에폭")
    panel.y_axis("loss" if lang == "en" else "손실")
    for order, row in enumerate(seen):
        best = order == len(seen) - 1
        points = " ".join(f"{panel.x.at(epoch):.1f},{panel.y.at(min(loss, top)):.1f}" for epoch, loss in row["curve"])
        panel.body.append(el(
            "polyline", hint(f"{row['trial']}: {scoring} {row['score']:.4g}"), points=points, fill="none",
            stroke=ORANGE if best else BLUE, stroke_width=2.4 if best else 1.2, stroke_opacity=1.0 if best else 0.3,
        ))  # fmt: skip
    return panel.svg("Loss of the trials" if lang == "en" else "시도별 손실")


KINDS: dict[str, Callable[[Rows, str, str], str]] = {
    "parallel": _parallel,
    "importance": _importance,
    "curves": _curves,
}


class _Axis:
    """A vertical axis: numbers on a scale (logarithmic over two orders of magnitude), other values one by one."""

    def __init__(self, x: float, values: Sequence[Any]) -> None:
        self.x = x
        different = list(dict.fromkeys(map(_word, values)))
        numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
        self.ticks: list[tuple[float, str]]
        if numeric:
            low, high = extent(list(values))
            log = min(values, default=0) > 0 and high > 30 * low
            self.scale, self.values = Scale(low, high, HEIGHT - BOTTOM, TOP, log), [float(v) for v in values]
            known = sorted(set(self.values))
            self.ticks = [(v, tick_text(float(f"{v:.3g}"))) for v in (known if len(known) <= CLASSES else (low, high))]
        else:
            self.scale = Scale(-0.5, len(different) - 0.5, HEIGHT - BOTTOM, TOP)
            self.values = [float(different.index(_word(value))) for value in values]
            self.ticks = [(float(place), word) for place, word in enumerate(different)]

    def at(self, order: int) -> float:
        """The pixel of a row's value."""
        return self.scale.at(self.values[order])

    def drawn(self, name: str) -> list[str]:
        """The line, ticks and name."""
        found = [el("line", class_="axis", x1=self.x, x2=self.x, y1=TOP, y2=HEIGHT - BOTTOM)]
        last = math.inf
        for value, word in self.ticks:
            y = self.scale.at(value)
            if last - y > 12:
                found.append(write(self.x + 5, y + 4, fit(word, STEP - 24), class_="tick"))
                last = y
        return [*found, write(max(self.x - 30, 4), TOP - 16, fit(name, STEP - 8), class_="label strong")]


def _rank(row: dict[str, Any]) -> tuple:
    """Worst first; of equals the earlier trial is the better one, as in `Search.best`."""
    return row.get("state", "complete") == "complete", row["score"], -row["trial"]


def _paths(rows: Rows) -> list[str]:
    return list(dict.fromkeys(path for row in rows for path in row["values"]))


def _numbers(values: Sequence[Any]) -> np.ndarray:
    """Values for a forest: numbers as they are, others by the order in which they come."""
    if all(isinstance(value, (int, float)) for value in values):
        return np.array(values, np.float64)
    different = list(dict.fromkeys(map(_word, values)))
    return np.array([different.index(_word(value)) for value in values], np.float64)


def _word(value: Any) -> str:
    return "–" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


def _nothing(lang: str) -> str:
    words = "Nothing to show." if lang == "en" else "보여 줄 것이 없습니다."
    return drawing(words, 240.0, 40.0, [write(8, 24, words, class_="label")], kind="search")
