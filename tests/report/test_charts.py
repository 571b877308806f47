"""Charts: well-formed whatever the numbers are, and the marks where they belong."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from jindan.report.charts import Curve, histogram, line_chart, scatter
from jindan.report.charts_grid import Bar, bar_chart, heat_map
from jindan.report.svg import Scale, extent, log_ticks, nice_ticks, thin
from jindan.report.values import numbers
from jindan.report.words import Words

NASTY = '<script>alert("1")</script> & \x00 \ud800 한글'
SERIES = {
    "empty": [],
    "none": [None, float("nan"), float("inf")],
    "single": [3.0],
    "constant": [2.0] * 5,
    "zeros": [0.0, 0.0],
    "gaps": [1.0, None, 0.5, float("nan"), 0.25, 0.2],
    "huge": [1e308, -1e308, 1.7e308, 5.0],
    "tiny": [5e-324, 1e-310, 1e-300],
    "close": [1e16, 1e16 + 2, 1e16 + 4],
    "wide": [1e-12, 1.0, 1e12, 1e300],
    "negative": [-1.0, -2.0, -3.0],
}


def parsed(svg: str) -> ElementTree.Element:
    """The chart as XML, after checking that no number in it is missing or unbounded."""
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert root[0].tag.endswith("title")
    for element in root.iter():
        for key, value in element.attrib.items():
            if key in {"x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height", "r"}:
                assert math.isfinite(float(value)), (key, value)
                assert abs(float(value)) < 1e5
            if key in {"points", "d"}:
                assert not re.search("nan|inf", value)
        assert float(element.get("height", 0)) >= 0
        assert float(element.get("width", 0)) >= 0
    return root


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize("name", SERIES)
def test_a_line_chart_takes_any_numbers(name, share, log):
    ys = numbers(SERIES[name])
    svg = line_chart([Curve(NASTY, ys), Curve("b", [1.0, 2.0], 1)], title=NASTY, mark=1, log=log, share=share)
    parsed(svg)
    alone = line_chart([Curve("a", ys)], title="a", log=log)
    assert alone == "" or parsed(alone) is not None


@pytest.mark.parametrize("name", SERIES)
def test_other_charts_take_any_numbers(name):
    values = numbers(SERIES[name])
    counts = [abs(v) if v is not None else None for v in values]
    drawn = [
        scatter(values, values[::-1], title=NASTY, x_label="x", y_label="y"),
        histogram(values, [*counts, 1], title=NASTY, zero=True),
        histogram(sorted(v for v in values if v is not None), counts, title="h"),
        bar_chart([Bar(NASTY * 9, v, v, None if v is None else v + 1) for v in values], title=NASTY),
        bar_chart([Bar("a", v, 0.0, 1.0) for v in values], title="b", share=True, floor=-1.0),
        heat_map([NASTY] * len(values), ["c"] * len(values), [values] * len(values), title=NASTY),
        heat_map(["r"] * len(values), ["c"] * 3, [values] * len(values), title="m", diverging=True),
    ]
    for svg in drawn:
        assert svg == "" or parsed(svg) is not None
        assert "<script" not in svg
        assert "\ud800" not in svg
    if name != "empty":
        assert parsed(drawn[-1]) is not None


def test_the_best_epoch_is_marked_where_the_curve_is():
    root = parsed(line_chart([Curve("v", [3.0, 1.0, 2.0], 1)], title="loss", mark=1))
    mark = next(e for e in root.iter() if e.get("class") == "best")
    dot = next(e for e in root.iter() if "best-dot" in e.get("class", ""))
    points = next(e for e in root.iter() if e.tag.endswith("polyline")).get("points", "").split()
    assert float(mark.get("x1", 0)) == pytest.approx(float(points[1].split(",")[0]), abs=0.06)
    assert float(dot.get("cy", 0)) == pytest.approx(float(points[1].split(",")[1]), abs=0.06)


def test_a_gap_cuts_the_line_and_a_lone_point_is_a_dot():
    root = parsed(line_chart([Curve("v", [1.0, 2.0, None, 3.0, None, 4.0, 5.0])], title="t"))
    assert len([e for e in root.iter() if e.tag.endswith("polyline")]) == 2
    assert len([e for e in root.iter() if e.get("class") == "dot"]) == 1


def test_thinning_keeps_ends_extremes_and_gaps():
    ys: list[float | None] = np.random.default_rng(0).normal(size=50_000).tolist()
    ys[31_234], ys[17_171], ys[40_000] = 99.0, -99.0, None
    kept = thin(ys)
    assert {0, 49_999, 31_234, 17_171, 40_000} <= set(kept)
    assert len(kept) <= 610


def test_texts_in_two_languages_are_both_in_the_chart():
    svg = line_chart([Curve(Words("training", "훈련"), [1.0, 2.0])], title=Words("loss", "손실"), x_label="x")
    root = parsed(svg)
    assert {e.get("lang") for e in root.iter() if e.text and e.text.startswith(("training", "훈련"))} == {"en", "ko"}
    assert root[0].attrib == {"data-en": "loss", "data-ko": "손실"}


def test_error_bars_and_bars_stand_at_their_values():
    root = parsed(bar_chart([Bar("a", 0.5, 0.25, 0.75), Bar("b", 1.0)], title="t", share=True))
    half, whole = (float(e.get("width", 0)) for e in root.iter() if "bar" in e.get("class", "").split())
    assert half == pytest.approx(whole / 2, abs=0.02)
    low, high = map(
        float, re.findall(r"[\d.]+", next(e.get("d", "") for e in root.iter() if e.get("class") == "whisker"))[0:3:2]
    )
    assert high - low == pytest.approx(whole / 2, abs=0.2)


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-3, 7), (1e-9, 2e-9), (0, 1e300), (-1e300, 1e300), (0.1, 0.3), (5, 5)]
)
def test_ticks_are_few_and_inside(low, high):
    ticks = nice_ticks(low, high)
    assert 1 <= len(ticks) <= 7
    assert all(low - 1e-9 * abs(low) <= v <= high + 1e-9 * abs(high) for v in ticks)


@pytest.mark.parametrize(("low", "high"), [(1e-300, 1e300), (0.9, 1.1), (1, 10), (0.03, 60_000)])
def test_log_ticks_are_few_and_inside(low, high):
    ticks = log_ticks(low, high)
    assert 2 <= len(ticks) <= 9
    assert all(low * 0.99 <= v <= high * 1.01 for v in ticks)


def test_scales_hold_what_they_are_given():
    assert Scale(*extent([-1e308, 1e308]), 0, 100)(0.0) == pytest.approx(50)
    assert Scale(0, 1, 0, 100)(float("nan")) is None
    assert Scale(1, 10, 0, 100, log=True)(-1.0) is None
