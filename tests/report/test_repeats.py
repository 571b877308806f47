"""The section on folds, seeds and members: what it shows, and that a damaged record does no harm."""

import xml.etree.ElementTree as ElementTree

import pytest

from jindan.report import build_report
from jindan.report.repeats import repeats

MEAN = {"value": 0.9, "low": 0.8, "high": 1.0}
CROSSED = {
    "folds": 2, "rows": [10, 10], "seeds": [0, 1], "ensemble": 1, "watched": True, "metric": "accuracy",
    "scores": [[0.8, 1.0], [1.0, 0.8]], "mean": MEAN, "pooled": {"accuracy": MEAN},
    "baselines": [{"name": "linear", "scores": [0.7, 0.7], "mean": {"value": 0.7, "low": None, "high": None}}],
    "best_baseline": "linear", "verdict": "better", "rare": [["<few>", 1]],
    "comparison": {"difference": 0.2, "low": 0.1, "high": 0.3, "p": 0.0001, "real": True},
}  # fmt: skip
SPREAD = {
    "seeds": [4, 5], "metric": "r2", "part": "test", "mean": 0.5, "std": 0.1, "min": 0.4, "max": 0.6, "kept": 0.6,
    "luck": 0.7, "scores": {"r2": [0.6, 0.4]},
}  # fmt: skip
JOINT = {"members": 2, "metric": "accuracy", "part": "test", "together": 0.9, "scores": [0.8, 0.7],
         "mean_of_members": 0.75}  # fmt: skip
RECORD = {"name": "run", "cross_validation": CROSSED, "seed_spread": SPREAD, "ensemble": JOINT}


def test_it_tells_means_folds_verdict_seeds_and_members():
    page = repeats(RECORD)
    ElementTree.fromstring(page)
    for part in ("2-fold cross-validation: accuracy", "All 20 rows took part", "15 % of those", "+20.0 points",
                 "p &lt; 0.001", "&lt;few&gt;", "seed 4", "member 2", "시드에 따른 차이", "90.0 %"):  # fmt: skip
        assert part.replace("90.0 %", "90\u202f%") in page


def test_a_plan_that_watched_nothing_is_not_said_to():
    assert "15 % of those" not in repeats({"cross_validation": {**CROSSED, "watched": False}})


def test_it_is_a_section_of_the_report_only_where_something_was_repeated():
    assert 'id="repeats"' in build_report(RECORD)
    assert 'id="repeats"' not in build_report({"name": "run"})


@pytest.mark.parametrize("damage", [None, 3, [], "x", {"mean": MEAN}, {"mean": MEAN, "scores": 3, "baselines": [3]}])
def test_damaged_records_do_no_harm(damage):
    page = repeats({"cross_validation": damage, "seed_spread": damage, "ensemble": damage})
    if page:
        ElementTree.fromstring(page)
