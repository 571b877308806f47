"""Findings: their order, their plain form and their words; what a table and a result alone show."""

import json

import numpy as np
import polars as pl
import pytest

from jindan.doctor import tables
from jindan.doctor.findings import Finding, ordered
from jindan.select import Baseline, Score
from jindan.select.scores import wilson
from jindan.select.verdicts import verdict_of


def test_root_causes_come_first():
    leak = Finding("data-leakage", "warning")
    vanishing = Finding("vanishing-gradient", "error", causes=("bad-init-scale",))
    scale = Finding("bad-init-scale", "info")
    assert ordered([vanishing, scale, leak]) == (leak, scale, vanishing)


def test_a_chain_of_causes_is_told_from_its_root():
    burst = Finding("nonfinite-values", "error", causes=("exploding-gradient",))
    exploding = Finding("exploding-gradient", "warning", causes=("learning-rate-too-high",))
    rate = Finding("learning-rate-too-high", "info", confidence=0.1)
    assert ordered([burst, exploding, rate]) == (rate, exploding, burst)
    twice = [Finding("data-leakage", "error", None, {"column": name}, 0.9, ("data-leakage",)) for name in "ab"]
    assert ordered(twice) == tuple(twice)


def test_a_cause_that_was_not_found_does_not_hold_back():
    caused = Finding("vanishing-gradient", "error", causes=("bad-init-scale",))
    other = Finding("overfitting", "warning")
    assert ordered([other, caused]) == (caused, other)


def test_equals_are_ordered_by_severity_then_confidence_then_as_they_came():
    sure, unsure = Finding("plateau", "warning", confidence=0.9), Finding("zigzag", "warning", confidence=0.4)
    error, twin = Finding("nonfinite-values", "error"), Finding("overfitting", "warning", confidence=0.9)
    assert ordered([unsure, sure, twin, error]) == (error, sure, twin, unsure)
    assert ordered([]) == ()


def test_the_plain_form_is_json_without_words():
    finding = Finding("dying-relu", "warning", "dense_1", {"fraction": 0.9}, 0.8, ("learning-rate-too-high",))
    assert json.loads(json.dumps(finding.to_dict())) == {
        "code": "dying-relu", "severity": "warning", "layer": "dense_1", "evidence": {"fraction": 0.9},
        "confidence": 0.8, "causes": ["learning-rate-too-high"],
    }  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_words_hold_the_evidence(lang):
    words = Finding("data-leakage", "error", evidence={"column": "alive"}).words(lang)
    assert set(words) == {"title", "summary", "detail", "fix"}
    assert all(words.values())
    assert "alive" in words["summary"]
    assert any("가" <= letter <= "힣" for letter in words["title"]) == (lang == "ko")


def test_text_is_one_line():
    text = Finding("dying-relu", "warning", "dense_1").text()
    assert text.startswith("warning: Dying ReLU [dense_1]")
    assert "\n" not in text


# -- tables ------------------------------------------------------------------------------------------------------


def test_a_column_that_holds_the_answer_is_found_if_the_network_reads_it():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 100)
    frame = pl.DataFrame({"x": rng.normal(size=100), "copy": np.where(y == 1, "b", "a"), "y": y})
    (leak,) = tables.table_findings(frame, "y", ("x", "copy"))
    assert (leak.code, leak.severity) == ("data-leakage", "error")
    assert leak.evidence["column"] == "copy"
    assert leak.evidence["target"] == "y"
    assert tables.table_findings(frame, "y", ("x",)) == []


@pytest.mark.parametrize(("share", "found"), [(0.5, False), (0.88, False), (0.95, True), (0.99, True)])
def test_imbalance_begins_at_nine_to_one(share, found):
    codes = (np.arange(1000) >= 1000 * share).astype(int)
    finding = tables.imbalance(codes, 2)
    assert (finding is not None) == found
    if finding is not None:
        assert finding.evidence["largest_share"] == pytest.approx(share)


def test_what_a_run_shows_is_told_from_its_root():
    below = Finding("below-baseline", "error", None, {"baseline": "majority"}, 0.95)
    dead = Finding("dying-relu", "warning", confidence=0.5)
    leak = Finding("data-leakage", "error", None, {"column": "a"})
    found = tables.put_in_order([below, None, dead, leak, leak])
    assert [finding.code for finding in found] == ["data-leakage", "dying-relu", "below-baseline"]
    assert found[-1].causes == ("dying-relu",)


def _simple(name, value, low=None, high=None):
    return Baseline(name, {"accuracy": Score(value, low, high)}, 0.0, 10)


def test_a_network_no_better_than_guessing_is_an_error():
    own = {"accuracy": Score(0.6, 0.5, 0.7)}
    (finding,) = tables.beside_baselines("binary", own, [_simple("majority", 0.6, 0.5, 0.7)])
    assert (finding.code, finding.severity) == ("below-baseline", "error")
    assert finding.evidence == {"accuracy": 0.6, "baseline": "majority", "baseline_score": 0.6}


def test_worse_than_a_simple_model_only_beyond_chance():
    trivial = _simple("majority", 0.5, 0.4, 0.6)
    near = tables.beside_baselines(
        "binary", {"accuracy": Score(0.8, 0.7, 0.87)}, [trivial, _simple("knn", 0.9, 0.85, 0.95)]
    )
    assert near == []
    (far,) = tables.beside_baselines(
        "binary", {"accuracy": Score(0.8, 0.7, 0.84)}, [trivial, _simple("knn", 0.9, 0.85, 0.95)]
    )
    assert (far.severity, far.evidence["baseline"]) == ("warning", "knn")


def test_what_is_worse_by_chance_alone_is_not_called_worse():
    near = [_simple("majority", 0.501, 0.424, 0.578), _simple("knn", 0.5, 0.42, 0.58)]
    assert tables.beside_baselines("binary", {"accuracy": Score(0.494, 0.417, 0.571)}, near) == []
    (far,) = tables.beside_baselines("binary", {"accuracy": Score(0.3, 0.233, 0.375)}, near)
    assert (far.severity, far.evidence["baseline"]) == ("error", "majority")


@pytest.mark.parametrize("right", [0, 1, 2])
def test_few_rows_say_nothing(right):
    own, trivial = (Score(k / 2, *wilson(k, 2)) for k in (right, 1))
    assert (
        tables.beside_baselines("binary", {"accuracy": own}, [Baseline("majority", {"accuracy": trivial}, 0, 2)]) == []
    )


def test_figures_without_intervals_say_nothing():
    assert tables.beside_baselines("binary", {"accuracy": Score(0.4)}, [_simple("majority", 0.6)]) == []
    assert tables.beside_baselines("binary", {"accuracy": Score(0.6)}, [_simple("majority", 0.6)]) == []


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("rival", ["mean", "knn"])
def test_nothing_is_called_worse_that_the_summary_does_not_call_so(task, rival):
    name, worse = "accuracy" if task == "binary" else "r2", 0
    rng = np.random.default_rng(0)
    for _ in range(300):
        own, other = (Score(m, m - a, m + b) for m, a, b in rng.random((2, 3)) * (1, 0.3, 0.3))
        found = tables.beside_baselines(task, {name: own}, [Baseline(rival, {name: other}, 0, 9)])
        assert not found or verdict_of(own, other) == "worse"
        worse += bool(found)
    assert worse > 30


def test_a_result_that_is_not_finite_is_below_every_baseline():
    others = [Baseline("mean", {"r2": Score(-0.01, -0.1, 0.0)}, 0.0, 10)]
    (finding,) = tables.beside_baselines("regression", {"r2": Score(float("nan"))}, others)
    assert finding.severity == "error"


def test_figures_without_meaning_say_nothing():
    others = [Baseline("mean", {"r2": Score(float("nan"))}, 0.0, 1)]
    assert tables.beside_baselines("regression", {"r2": Score(float("nan"))}, others) == []
    assert tables.beside_baselines("regression", {"mae": Score(1.0)}, others) == []
    assert tables.beside_baselines("binary", {"accuracy": Score(1.0)}, []) == []
