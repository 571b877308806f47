"""The report of models without a target: every section, sentences by what came out, and records that hold anything."""

import base64
import copy
import json
import math

import numpy as np
import pytest

from jindan.report import build_report
from jindan.report.charts_points import points_chart, words_chart
from jindan.report.others import figure_name, result_sentences
from jindan.report.png import png

from .test_page import parsed, text

SHEET = base64.b64encode(png(np.zeros((4, 4, 1), np.uint8))).decode()
BASE = {"name": "r", "lang": "en", "history": {"loss": [1.0, 0.5]}, "measured_on": "test", "findings": [],
        "data": {"rows": 10, "n": {"train": 8, "test": 2}}, "seconds": {"total": 1.0}}  # fmt: skip
MAP = {"x": [0.0, 1.0, 2.0], "y": [1.0, 0.0, 2.0], "group": ["a", "b", "a"], "label": "kind", "axes": "code",
       "share": None}  # fmt: skip
RECORDS = {
    "autoencoder": {
        "settings": {"embedding_dim": 2}, "figures": {"kept": 0.9, "error": 0.1, "kept_pca": 0.8},
        "reconstructions": {"columns": [["a", 0.95], ["b", -0.2]]}, "map": MAP,
        "filters": {"rows": ["a", "b"], "columns": ["3", "0"], "of": 8, "matrix": [[1.0, -0.5], [0.2, 0.0]]},
    },
    "vae": {
        "settings": {"embedding_dim": 1}, "figures": {"kept": 0.5, "kept_pca": 0.7, "bound": -12.0, "told_apart": 0.6},
        "samples": {"sheet": SHEET}, "reconstructions": {"sheet": SHEET, "count": 5},
    },
    "gan": {
        "settings": {"latent_dim": 2}, "figures": {"told_apart": 0.9},
        "samples": {"names": ["a", "b"], "rows": [["1", "x"]], "compare": [["a", 0.0, 0.1, 1.0, 0.9]]},
        "map": {**MAP, "more": {"x": [0.5], "y": [0.5]}, "share": 0.9},
    },
    "rbm": {
        "settings": {"n_components": 8},
        "figures": {"kept": -0.1, "log_likelihood": -5.0, "log_likelihood_independent": -6.0},
        "filters": {"sheet": SHEET, "count": 8, "of": 8},
    },
    "kmeans": {
        "settings": {"n_clusters": 3}, "target": "kind", "figures": {"silhouette": 0.6, "agreement": 0.3},
        "clusters": {"sizes": [3, 4, 1], "names": ["a"], "centres": [["1"], ["2"], ["3"]], "label": "kind",
                     "labels": ["u", "v"], "cross": [[3, 0], [1, 3], [0, 1]],
                     "choice": {"clusters": [2, 3], "silhouette": [0.5, 0.6]}},
        "map": {**MAP, "label": "cluster", "more": {"x": [0.5], "y": [0.5]}, "share": 0.8},
    },
    "pca": {
        "settings": {"n_components": 0.95}, "figures": {"kept": 0.94},
        "components": {"ratio": [0.7, 0.25], "count": 2, "sum": 0.95, "names": ["a", "b"],
                       "loadings": [[0.7, 0.7], [0.7, -0.7]]},
    },
    "word2vec": {
        "settings": {"vector_size": 8}, "measured_on": "train",
        "figures": {"vocabulary": 5, "words": 400, "loss": 2.0},
        "words": {"neighbours": [["왕", [["여왕", 0.9]]]], "analogies": [["a", "b", "c", [["d", 0.5]]]],
                  "map": {"x": [0.0, 1.0], "y": [0.0, 1.0], "words": ["왕", "cat"], "share": 0.4}},
    },
}  # fmt: skip
SECTIONS = {
    "autoencoder": ["result", "reconstructions", "map", "filters", "curves", "data", "settings", "timing"],
    "vae": ["result", "reconstructions", "samples", "curves", "data", "settings", "timing"],
    "gan": ["result", "samples", "map", "curves", "data", "settings", "timing"],
    "rbm": ["result", "filters", "curves", "data", "settings", "timing"],
    "kmeans": ["result", "clusters", "map", "curves", "data", "settings", "timing"],
    "pca": ["result", "components", "curves", "data", "settings", "timing"],
    "word2vec": ["result", "words", "curves", "data", "settings", "timing"],
}
SAYS = {
    "autoencoder": ["Codes of 2 numbers keep 90", "more than as many principal components"],
    "vae": ["Codes of 1 number keep 50", "which are simpler", "at least −12 nats", "in 60"],
    "gan": ["in 90", "is a coin"],
    "rbm": ["keep nothing of the variation", "1 nats likelier"],
    "kmeans": ["3 clusters", "a reasonable structure", "agree with kind by 0.3"],
    "pca": ["94\u202f% of the variation", "is kept by 2 principal components"],
    "word2vec": ["Vectors of 8 numbers for 5 words", "little text"],
}


def record(model):
    return {**BASE, "model": model, **copy.deepcopy(RECORDS[model])}


@pytest.mark.parametrize("model", RECORDS)
def test_sections_come_in_order_and_only_where_there_is_something(model):
    root = parsed(build_report(record(model)))
    assert [e.get("id") for e in root.iter("section")] == SECTIONS[model]
    for table in root.iter("table"):
        assert table.find("caption") is not None
    for chart in root.iter():
        if chart.tag.endswith("svg") and chart.get("role") == "img":
            assert chart[0].tag.endswith("title")
            assert chart[0].text


@pytest.mark.parametrize("model", SAYS)
def test_what_the_first_sentences_say(model):
    said = " ".join(line.en for line in result_sentences(record(model)))
    for part in SAYS[model]:
        assert part in said, said
    assert all(any("가" <= letter <= "힣" for letter in line.ko) for line in result_sentences(record(model)))
    assert result_sentences({**record(model), "unfinished": "training"})[-1].en.startswith("The training was interr")


def test_a_silhouette_is_named_by_its_size():
    for value, word in ((0.8, "strong"), (0.3, "weak"), (0.1, "no substantial")):
        said = result_sentences({**record("kmeans"), "figures": {"silhouette": value}})
        assert word in said[0].en


@pytest.mark.parametrize("model", RECORDS)
def test_nothing_in_a_record_breaks_the_page(model):
    nasty = '<script>alert("x")</script>'

    def spoiled(value, how):
        if isinstance(value, dict):
            return {key: spoiled(entry, how) for key, entry in value.items()}
        if isinstance(value, list):
            return [spoiled(entry, how) for entry in value]
        return how(value)

    ways = (
        lambda v: nasty if isinstance(v, str) else v,
        lambda v: None,
        lambda v: math.nan if isinstance(v, (int, float)) else v,
        lambda v: "x" if isinstance(v, (int, float)) else v,
    )
    for how in ways:
        page = build_report({**BASE, "model": model, **spoiled(RECORDS[model], how)})
        parsed(page)
        assert nasty not in page
    for key in RECORDS[model]:
        for value in (None, [], {}, "x", 3, [None], [[None, None]]):
            parsed(build_report({**record(model), key: value}))


def test_both_languages_are_whole():
    page = build_report(record("kmeans"))
    assert "Clusters beside kind" in text(page, "en")
    assert "군집과 kind" in text(page, "ko")
    assert figure_name("unknown_thing").en == "unknown_thing"


def test_a_record_survives_json():
    for model in RECORDS:
        assert build_report(json.loads(json.dumps(record(model)))) == build_report(record(model))


def test_findings_are_shown_where_there_are_some_and_health_is_not_claimed():
    page = build_report(record("gan"))
    assert 'id="findings"' not in page


def test_a_network_with_a_target_has_its_own_page():
    page = build_report({"name": "r", "metrics": {"test": {"accuracy": 0.9}}})
    assert 'id="settings"' not in page


def test_points_lie_in_the_chart_and_words_do_not_cover_one_another():
    chart = points_chart([0.0, 10.0], [5.0, -5.0], ["b", "a"], title="t", x_label="x", y_label="y")
    circles = [
        e for e in parsed(f"<!doctype html><html><body>{chart}</body></html>").iter() if e.tag.endswith("circle")
    ]
    assert len(circles) == 2
    for circle in circles:
        assert 0 <= float(circle.get("cx")) <= 520
        assert 0 <= float(circle.get("cy")) <= 400
    assert chart.index(">a</li>") < chart.index(">b</li>")
    assert points_chart([], [], [], title="t", x_label="", y_label="") == ""
    same = words_chart([0.0, 0.0, 5.0], [0.0, 0.0, 5.0], ["cat", "dog", "car"], title="t")
    assert same.count('class="word"') == 2
    assert same.count("<circle") == 1
    assert words_chart([], [], [], title="t") == ""
