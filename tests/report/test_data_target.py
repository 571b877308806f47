"""Features beside the target: what was looked at stands in the record, the report and the terminal."""

from __future__ import annotations

import json

import numpy as np
import pytest

from jindan.cli.show import show_look
from jindan.data import look
from jindan.report import build_report
from jindan.report.data_target import beside_target
from jindan.runs.record import _strongest

from .records import classification
from .test_page import parsed, text

KINDS = {"length": [1.0, 2.0, 4.0, 6.0] * 10, "colour": ["red", "red", "blue", "red"] * 10}
FLOWERS = look({**KINDS, "kind": ["a", "a", "b", "b"] * 10}, target="kind")
NUMBERS = look({**KINDS, "price": [1.5, 2.5, 7.0, 11.0] * 10}, target="price")


def cells(page):
    return [[" ".join("".join(cell.itertext()).split()) for cell in row] for row in parsed(page).iter("tr")]


def record(seen):
    """The record of `records`, with this look at the data."""
    found, body = classification(), json.loads(json.dumps(seen.to_dict()))
    counts = zip(body["target"].get("classes", ()), body["target"].get("counts", ()), strict=True)
    found["data"] |= {"by_target": _strongest(body), "class_balance": [list(pair) for pair in counts]}
    return found


def test_means_and_shares_of_the_classes_stand_in_the_report():
    rows = cells(build_report(record(FLOWERS)))
    assert ["length", "1.5", "5"] in rows
    assert ["colour", "red", "30", "67%", "33%"] in rows
    assert ["colour", "blue", "10", "0%", "100%"] in rows


def test_a_number_as_target_has_means_by_value():
    page = build_report(record(NUMBERS))
    assert ["colour", "red", "30", "5"] in cells(page)
    assert ["colour", "blue", "10", "7"] in cells(page)
    assert "Means by class" not in text(page)


def test_both_languages_are_there():
    page = build_report(record(FLOWERS))
    assert "Means by class" in text(page)
    assert "클래스별 평균" in text(page, "ko")


def test_many_classes_and_values_are_cut_and_said_to_be():
    values = {"category": [f"v{k}" for k in range(20)], "count": [3] * 20, "shares": np.eye(20).tolist()}
    block = {"class_balance": [[f"c{k}", 3] for k in range(20)], "by_target": {"x": values, "y": {"mean": [0.5] * 20}}}
    html = beside_target(block)
    assert "v4" in html
    assert "v5" not in html
    assert "c7" in html
    assert "c8" not in html
    assert html.count("… and 12 more.") == 2


@pytest.mark.parametrize(
    ("seen", "lang", "words"),
    [
        (FLOWERS, "en", ("mean by class: a: 1.500 · b: 5.000", "by value: red → a (67%) · blue → b (100%)")),
        (FLOWERS, "ko", ("클래스별 평균: a: 1.500", "값별로 가장 많은 클래스: red")),
        (NUMBERS, "en", ("mean of the target by value: red: 5.000 · blue: 7.000",)),
    ],
)
def test_look_tells_them_in_a_line(seen, lang, words, capsys):
    show_look(seen, lang)
    said = " ".join(capsys.readouterr().out.split())
    for part in words:
        assert part in said
