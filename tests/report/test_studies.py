"""Pictures of studies: well-formed in both languages whatever the numbers are, written where asked."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from jindan.errors import FileError, InputError
from jindan.report import build_report
from jindan.report.charts_grid import Bar, bar_chart
from jindan.report.markup import esc
from jindan.report.studies import (
    plot_batches,
    plot_curve,
    plot_decomposition,
    plot_folds,
    plot_rates,
    plot_seeds,
    standalone,
)
from jindan.report.study_entries import STUDIES, study_entry
from jindan.select.curves import LearningCurve
from jindan.select.decomposition import BiasVariance
from jindan.select.rates import BatchSizes, GradientNoise, RateRange, SeedStudy
from jindan.select.searching import Search
from jindan.select.validation import CrossValidation

RNG = np.random.default_rng(0)
SCORES = RNG.uniform(0.7, 0.9, (3, 5))
PAIRS = tuple((np.arange(5, 25), np.arange(5)) for _ in range(5))
FOLDS = CrossValidation(SCORES, "accuracy", PAIRS, (0, 1, 2), SCORES.mean(1), None, ())
CURVE = LearningCurve("rows", (10, 50, 400), *np.sort(RNG.uniform(size=(2, 3, 5, 2)), 1), "accuracy", (0.2, 0.1, 0.05))
PARTS = BiasVariance("squared", 1.5, 0.5, 0.7, 0.3, {"expected": (1.2, 1.8), "bias": (0.4, 0.6),
                     "variance": (0.6, 0.8)}, {}, 0.0, 0.0, 9)  # fmt: skip
RATES = RateRange(np.geomspace(1e-5, 10, 13), 1.0, np.array([1.0] * 3 + [0.99, 0.9, 0.7, 0.4, 0.2, 0.1, 0.3, 2.0, 1e30,
                  np.inf]), 32, 2)  # fmt: skip
NOISE = GradientNoise(20.0, (10.0, 40.0), 2.0, 0.1, 4, 256)
BATCHES = BatchSizes((8, 32, 128), *RNG.uniform(size=(4, 3, 2)), 10, 50, "accuracy", NOISE, NOISE)
SEEDS = SeedStudy(RNG.normal(0.8, 0.02, 30), tuple(range(30)), "accuracy")
NAN = float("nan")
TRIALS = [
    {"trial": k, "values": {"learning_rate": rate, "layers.0.activation": "tanh"}, "score": score,
     "scores": [score], "low": None if score is None else score - 0.05, "high": None if score is None else score + 0.05,
     "epochs": [5], "state": "complete" if score else "failed", "curve": [(1, 0.5), (5, 0.2)]}
    for k, (rate, score) in enumerate([(0.001, 0.5), (3.0, None), (0.01, 0.8), (0.03, 0.9)])
]  # fmt: skip
SEARCH = Search(TRIALS, "accuracy", "random", None, None, (0.85, 0.89), (0.8, 0.94))
CASES = {
    "folds": (plot_folds, FOLDS),
    "one fold": (plot_folds, replace(FOLDS, scores=SCORES[:1, :1], seeds=(0,), folds=PAIRS[:1])),
    "folds that blew up": (plot_folds, replace(FOLDS, scores=np.full((3, 5), NAN))),
    "curve": (plot_curve, CURVE),
    "curve by words": (plot_curve, replace(CURVE, path="layers.0.activation", values=("relu", "tanh", "gelu"))),
    "curve by rates": (plot_curve, replace(CURVE, path="learning_rate", values=(0.0, 0.001, 0.1))),
    "curve with gaps": (plot_curve, replace(CURVE, validation=CURVE.validation * [[[NAN]], [[1]], [[1]]])),
    "parts": (plot_decomposition, PARTS),
    "net variance below zero": (plot_decomposition, replace(PARTS, loss="0-1", variance=-0.1, noise=0.0)),
    "parts that blew up": (
        plot_decomposition,
        replace(
            PARTS, expected=NAN, bias=NAN, variance=NAN, noise=0.0, intervals=dict.fromkeys(PARTS.intervals, (NAN, NAN))
        ),
    ),
    "rates": (plot_rates, RATES),
    "no rate falls": (plot_rates, replace(RATES, after=np.full(13, np.inf))),
    "batches": (plot_batches, BATCHES),
    "one batch size": (plot_batches, BatchSizes((8,), *RNG.uniform(size=(4, 1, 2)), 1, 5, "f1", NOISE, NOISE)),
    "seeds": (plot_seeds, SEEDS),
    "seeds all alike": (plot_seeds, replace(SEEDS, scores=np.full(30, 0.5))),
    "seeds that blew up": (plot_seeds, replace(SEEDS, scores=np.full(30, NAN))),
}


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("case", CASES)
def test_a_picture_is_whole_and_has_its_own_style(case, lang):
    plot, found = CASES[case]
    svg = plot(found, lang=lang).svg
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert root[0].tag.endswith("title")
    assert "study" in root.attrib["class"]
    assert svg.count("<style>") == 1
    assert "var(" not in svg
    for element in root.iter():
        for key, value in element.attrib.items():
            if key not in ("class", "lang"):
                assert not re.search(r"\b(nan|inf|None)\b", value), (key, value)
    assert bool(re.search("[가-힣]", re.sub("<style>.*?</style>|<title>.*?</title>", "", svg))) or lang == "en"


def test_folds_have_a_dot_a_member_and_the_mean_with_its_interval():
    svg = plot_folds(FOLDS).svg
    assert svg.count('class="dot"') == SCORES.size
    assert svg.count('class="band"') == 1
    assert f"mean {SCORES.mean():.4g}" in svg
    assert FOLDS.plot().svg == svg


def test_dots_stand_where_their_scores_are():
    root = ElementTree.fromstring(plot_folds(FOLDS).svg)
    heights = [float(e.attrib["cy"]) for e in root.iter() if e.attrib.get("class") == "dot"]
    slope, offset = np.polyfit(SCORES.ravel(), heights, 1)
    assert slope < 0
    assert heights == pytest.approx(slope * SCORES.ravel() + offset, abs=0.02)


def test_the_suggested_rate_and_the_noise_scale_are_marked():
    svg = plot_rates(RATES).svg
    assert svg.count('class="best"') == 1
    assert "suggested" in svg
    assert 'class="best"' not in plot_rates(replace(RATES, after=np.full(13, np.inf))).svg
    assert "noise scale 20" in plot_batches(BATCHES).svg


def test_bars_have_their_whiskers():
    svg = plot_decomposition(PARTS).svg
    assert svg.count('class="whisker"') == 3
    assert "noise" in svg


def test_a_picture_is_written_where_asked(tmp_path):
    picture = plot_curve(CURVE, tmp_path / "curve.svg")
    assert (tmp_path / "curve.svg").read_text("utf-8") == picture.svg
    with pytest.raises(FileError, match="cannot be written"):
        plot_curve(CURVE, tmp_path / "nowhere" / "curve.svg")
    with pytest.raises(FileError, match="cannot be written"):
        standalone(bar_chart([Bar("a", 1.0)], title="t"), tmp_path)


def test_a_language_it_does_not_speak():
    with pytest.raises(InputError, match="language"):
        plot_seeds(SEEDS, lang="fr")


# -- pages and entries -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [*CASES, "search"])
def test_a_study_stands_in_a_report(case, tmp_path):
    found = SEARCH if case == "search" else CASES[case][1]
    page = found.report(tmp_path / "page.html").read_text(encoding="utf-8")
    entry = study_entry(found)
    assert json.loads(json.dumps(entry, allow_nan=False)) == entry
    assert entry["kind"] in STUDIES
    assert page.count("data:image/svg+xml") == 2 * len(entry["pictures"]) == (6 if case == "search" else 2)
    assert "https://" not in page
    assert 'id="studies"' in page
    assert 'id="result"' not in page
    for lang in ("en", "ko"):
        assert esc(entry["text"][lang])[:40] in page
    assert len({len(row) for row in entry["rows"]} | {len(entry["head"])}) == 1
    assert "nan" not in [cell for row in entry["rows"] for cell in row]


def test_the_search_tells_its_best_trials_and_what_to_expect():
    entry = study_entry(SEARCH)
    assert entry["text"]["en"].startswith("4 trials by random. The best, trial 3, has accuracy 0.9 (0.85 … 0.95)")
    assert "it is 0.87 (0.8 … 0.94)" in entry["text"]["en"]
    assert [row[0] for row in entry["rows"]] == ["3", "2", "0"]
    assert entry["rows"][0][1] == "learning_rate 0.03, layers.0.activation tanh"


def test_a_page_opens_in_korean_under_a_name_of_its_own(tmp_path):
    page = SEEDS.report(tmp_path / "page.html", lang="ko", name="A & B").read_text(encoding="utf-8")
    assert 'data-lang="ko"' in page
    assert "<h1>A &amp; B</h1>" in page
    with pytest.raises(FileError, match="cannot be written"):
        SEEDS.report(tmp_path / "nowhere" / "page.html")


def test_what_is_no_study_of_ours_and_what_was_tampered_with_is_left_out():
    entry = study_entry(SEEDS)
    tampered = {**entry, "pictures": [{"en": "<script>1</script>"}], "rows": [["<script>2</script>"] * 5]}
    page = build_report({"name": "x", "studies": [{"kind": "other"}, tampered]})
    assert "<script>1" not in page
    assert "&lt;script&gt;2" in page
