"""The page: complete, escaped, honest, and built whatever is missing."""

from __future__ import annotations

import copy
import json
import random
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from jindan.report import build_report
from jindan.report.headline import main_score, sentence
from jindan.report.names import BASELINES, METRICS
from jindan.report.words import UI

from .records import classification, finding, regression

NASTY = "</title><script>alert('x')</script><img src=x onerror=\"alert(1)\"> \x00\ud800 {brace} %s"


def parsed(page: str) -> ElementTree.Element:
    """The page as XML: every element closed, every attribute quoted, every text escaped."""
    assert page.startswith("<!doctype html>")
    page.encode("utf-8")
    bare = re.sub(r"<(script|style)>.*?</\1>", "", page.removeprefix("<!doctype html>"), flags=re.S)
    return ElementTree.fromstring(bare)


def text(page: str, language: str = "en") -> str:
    """What a reader of one language sees, in one line."""
    other = "ko" if language == "en" else "en"

    def words(element: ElementTree.Element) -> str:
        if element.get("lang") == other and element.tag != "html":
            return element.tail or ""
        return (element.text or "") + "".join(map(words, element)) + (element.tail or "")

    return " ".join(words(parsed(page)).replace("\u202f", " ").split())


@pytest.mark.parametrize("record", [classification(), regression()], ids=["classification", "regression"])
def test_a_whole_record_gives_every_section_in_order(record):
    root = parsed(build_report(record))
    found = [s.get("id") for s in root.iter("section")]
    assert found == ["result", "findings", "curves", "scores", "mistakes", "data", "network", "plan", "timing"]
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("more", [{}, {"best": 2788}, {"best": 0}, {"best": 2788, "buffers": 512}])
def test_the_parts_of_the_memory_add_up(more):
    record = classification()
    record["memory"] |= more
    record["memory"]["total"] += sum(more.values())
    rows = next(
        t for t in parsed(build_report(record)).iter("table") if "Memory" in "".join(t.find("caption").itertext())
    )
    shares = [float(re.search(r"width:([\d.]+)%", ElementTree.tostring(row, "unicode"))[1]) for row in rows[2][:-1]]
    assert sum(shares) == pytest.approx(100, abs=0.05 * len(shares))
    assert len(shares) == 5 + sum(value > 0 for value in more.values())
    assert ("copy of the best epoch" in text(build_report(record))) is bool(more.get("best"))


def test_only_the_name_is_needed():
    root = parsed(build_report({"name": "run"}))
    assert [s.get("id") for s in root.iter("section")] == ["result"]


def test_nothing_is_asked_of_the_network():
    page = build_report(classification() | {"findings": [finding("a", "info")]})
    addresses = set(re.findall(r"https?://[^\"'\s<]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|url\(|<link[^>]+stylesheet|<iframe|srcset|src=", page)


def test_the_headline_says_it_in_plain_words():
    page = build_report(classification())
    assert (
        "The network gets 96.7 % of unseen rows right (95 % interval 83–99 %); "
        "guessing the most common class gets 33.3 %." in text(page)
    )
    assert "신경망은 처음 보는 행 가운데 96.7%를 맞혔습니다(95% 신뢰구간 83–99%)." in text(page, "ko")


def test_the_headline_of_a_regression():
    page = build_report(regression())
    assert "explains 89.3 % of the variation in “price” on unseen rows (95 % interval 87–91 %)" in text(page)
    assert "‘price’ 변동의 89.3%를 설명합니다" in text(page, "ko")
    off = regression()
    off["metrics"]["primary"] = "mae"
    assert "is off by 24.7 on average (95 % interval 23.2–26.3); always predicting the mean is off by 76." in text(
        build_report(off)
    )
    off["metrics"]["test"] = {"r2": {"value": -0.4, "low": -0.6, "high": -0.2}}
    assert "worse than their own mean would" in text(build_report(off))


@pytest.mark.parametrize(
    ("own", "other", "kind"),
    [
        ({"value": 0.9, "low": 0.88, "high": 0.92}, {"value": 0.8, "low": 0.77, "high": 0.83}, "better"),
        ({"value": 0.9, "low": 0.7, "high": 0.97}, {"value": 0.8, "low": 0.6, "high": 0.9}, "same"),
        ({"value": 0.7, "low": 0.68, "high": 0.72}, {"value": 0.8, "low": 0.77, "high": 0.83}, "worse"),
        ({"value": 0.9}, {"value": 0.8, "low": 0.77, "high": 0.83}, "unknown"),
        ({"value": 1.0, "low": 1.0, "high": 1.0}, {"value": 1.0, "low": 1.0, "high": 1.0}, "same"),
    ],
)
def test_the_verdict_follows_from_the_intervals(own, other, kind):
    for metric, flip in (("accuracy", 1), ("mae", -1)):
        values = [own, other] if flip == 1 else [_mirrored(own), _mirrored(other)]
        record = {
            "name": "r",
            "metrics": {"primary": metric, "test": {metric: values[0]}},
            "baselines": [{"name": "linear", "metrics": {metric: values[1]}}],
        }
        assert f'class="verdict {kind}"' in build_report(record)


def _mirrored(measure: dict[str, float]) -> dict[str, float]:
    """The same distance on a metric that falls when better."""
    swap = {"low": "high", "high": "low", "value": "value"}
    return {swap[key]: 2 - value for key, value in measure.items()}


def test_validation_in_place_of_test_is_said():
    record = {"name": "r", "metrics": {"validation": {"accuracy": 0.9}}}
    assert "these rows also steered the training" in text(build_report(record))


def test_user_text_is_escaped_everywhere():
    record = _poisoned(classification(), NASTY)
    record |= {"task": "multiclass", "findings": [_poisoned(finding("x", "error"), NASTY) | {"severity": "error"}]}
    for each in (record, _poisoned(regression(), NASTY)):
        page = build_report(each)
        root = parsed(page)
        assert not list(root.iter("img"))
        assert page.count("<script") == 1
        assert not [e for e in root.iter() if any(k.startswith("on") for k in e.attrib)]


def _poisoned(value: Any, poison: str) -> Any:
    """The record with every text but the fixed keys replaced, and poison among the free keys."""
    if isinstance(value, dict):
        free = {poison: next(iter(value.values()))} if value else {}
        return {k: _poisoned(v, poison) for k, v in value.items()} | {k: _poisoned(v, poison) for k, v in free.items()}
    if isinstance(value, list):
        return [_poisoned(item, poison) for item in value]
    return poison if isinstance(value, str) else value


@pytest.mark.parametrize("seed", range(40))
def test_anything_may_be_missing_or_of_another_kind(seed):
    draw = random.Random(seed)
    record = copy.deepcopy(classification() if seed % 2 else regression())
    _thin_out(record["data"]["histograms"])
    parsed(build_report(_damaged(record, draw, 0.06) | {"name": "r"}))


def _thin_out(found: dict[str, Any]) -> None:
    for key in list(found)[3:]:
        del found[key]


def _damaged(value: Any, draw: random.Random, rate: float) -> Any:
    """The record with parts replaced by None, NaN, infinity, empty and odd things."""
    odd = [
        None,
        float("nan"),
        float("inf"),
        -float("inf"),
        [],
        {},
        "text",
        0,
        -1,
        1e308,
        True,
        [None],
        [[1]],
        np.float32(2),
    ]
    if isinstance(value, dict):
        return {k: draw.choice(odd) if draw.random() < rate else _damaged(v, draw, rate) for k, v in value.items()}
    if isinstance(value, list):
        return [draw.choice(odd) if draw.random() < rate / 2 else _damaged(v, draw, rate / 2) for v in value]
    return value


@pytest.mark.parametrize("odd", [None, float("nan"), [], {}, "text", 3, [None], True], ids=repr)
def test_every_key_may_hold_anything(odd):
    for key in classification() | regression():
        parsed(build_report(classification() | {key: odd, "name": "r"}))


def test_findings_keep_their_order_and_the_first_serious_one_is_marked():
    page = build_report(classification())
    assert page.index("Inputs on very") > page.index("Overfitting")
    assert page.count('class="root"') == 1
    assert "특이 소견이 없습니다" in text(build_report({"name": "r", "findings": []}), "ko")
    assert 'id="findings"' not in build_report({"name": "r"})


def test_a_diverged_history_is_told():
    page = build_report({"name": "r", "history": {"loss": [1.0, 1e30, float("inf"), float("nan")]}})
    assert "2 values are not finite, the first at epoch 3" in text(page)


def test_long_histories_stay_small():
    loss = np.random.default_rng(0).random(200_000).tolist()
    assert len(build_report({"name": "r", "history": {"loss": loss, "val_loss": loss}})) < 90_000


def test_many_columns_and_classes_stay_bounded():
    names = [f"c{i}" for i in range(600)]
    matrix = np.eye(600)
    record = {
        "name": "r",
        "classes": names,
        "confusion": {"labels": names, "matrix": matrix},
        "data": {
            "columns": [{"name": n} for n in names],
            "histograms": {n: {"edges": [0, 1, 2], "counts": [1, 2]} for n in names},
            "correlations": {"columns": names, "matrix": matrix},
            "class_balance": [[n, 1] for n in names],
        },
    }
    page = build_report(record)
    assert page.count('class="chart histogram"') == 24
    assert "The 30 of 600 classes" in text(page)
    assert len(page) < 700_000


def test_the_language_of_the_record_is_the_default():
    for given, expected in (("ko", "ko"), ("en", "en"), ("fr", "en"), (None, "en"), ("ko-KR", "ko")):
        assert parsed(build_report({"name": "r", "lang": given})).get("data-default") == expected


def test_a_missing_language_borrows_the_other():
    one = finding("x", "error")
    del one["text"]["ko"]
    assert "A remark." in text(build_report({"name": "r", "findings": [one]}), "ko")


def test_every_text_has_both_languages_and_the_same_places():
    for key, (en, ko) in {**UI, **METRICS, **BASELINES}.items():
        assert en, key
        assert ko, key
        if key != "h_other":
            assert set(re.findall(r"{\w+}", en)) == set(re.findall(r"{\w+}", ko)), key


def test_tables_have_headers_and_charts_have_names():
    root = parsed(build_report(classification()))
    for table in root.iter("table"):
        assert table.find("caption") is not None
        assert all(th.get("scope") for th in table.iter("th"))
    charts = [e for e in root.iter() if e.tag.endswith("svg") and e.get("role") == "img"]
    assert len(charts) >= 10
    assert all(chart[0].tag.endswith("title") and chart[0].text for chart in charts)


def test_the_record_survives_json():
    record = json.loads(json.dumps(classification()))
    assert build_report(record) == build_report(classification())


def test_html_is_balanced_for_a_browser_too():
    class Count(HTMLParser):
        depth = 0

        def handle_starttag(self, tag, attrs):
            self.depth += 1

        def handle_endtag(self, tag):
            self.depth -= 1

        def handle_startendtag(self, tag, attrs):
            pass

    counter = Count()
    counter.feed(build_report(regression()))
    assert counter.depth == 0


def test_the_score_falls_back_to_what_there_is():
    score = main_score({"metrics": {"primary": "accuracy", "test": {"f1": {"value": 0.8}}}})
    assert score is not None
    assert (score.metric, score.split) == ("f1", "test")
    assert "reaches F1 80" in sentence({}, score).en


def test_evidence_is_what_was_measured():
    told = {"code": "input-ignored", "severity": "warning", "evidence": {"aspect": "constant", "columns": 7}}
    seen = text(build_report({"name": "r", "findings": [told]}))
    assert "columns7" in seen
    assert "aspect" not in seen
    alone = {**told, "evidence": {"aspect": "stuck"}}
    assert "Evidence" not in text(build_report({"name": "r", "findings": [alone]}))


def test_a_figure_that_flatters_says_so_beside_itself():
    from jindan.report import build_report

    record = {
        "name": "r",
        "task": "binary",
        "metrics": {"primary": "accuracy", "test": {"accuracy": {"value": 1.0, "low": 0.9, "high": 1.0}}},
        "findings": [{"code": "data-leakage", "severity": "error", "evidence": {"column": "alive <b>"}}],
        "time_order": {"column": "Month"},
    }
    page = build_report(record)
    assert "Do not trust this figure: the column “alive &lt;b&gt;”" in page
    assert "시간 순서(‘Month’ 열)" in page
