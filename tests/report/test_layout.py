"""What a page is like on a narrow screen and a wide one, in words and in a browser."""

from __future__ import annotations

import re
import subprocess

import pytest

from jindan.report import build_report
from jindan.report.charts_grid import Bar, bar_chart
from jindan.report.headline import cell, with_interval
from jindan.report.values import Measure

from .records import classification, regression
from .test_browser import FLAGS, browser  # noqa: F401  (a fixture)
from .test_page import parsed, text

WIDTHS = (1280, 1080, 800, 600, 400)
LONG = {"value": 4.98665e-7, "low": 3.53213e-7, "high": 6.44118e-7}


def wide_record():
    """Long figures in every column of the tables of results, four baselines with all metrics."""
    record = classification()
    share = {"value": 1.0, "low": 0.97887, "high": 1.0}
    found = dict.fromkeys(("accuracy", "balanced_accuracy", "precision", "recall", "f1"), share)
    found |= {"log_loss": LONG, "roc_auc": share}
    record["metrics"] = {"primary": "accuracy", "train": found, "validation": found, "test": found}
    names = ("majority", "linear", "knn", "svm")
    record["baselines"] = [{"name": name, "metrics": found, "seconds": 0.2, "rows": 535} for name in names]
    return record


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_no_result_is_cut_off_on_any_screen(browser, tmp_path, lang):  # noqa: F811
    (tmp_path / "run.html").write_text(build_report(wide_record() | {"lang": lang}), encoding="utf-8")
    frames = "".join(f'<iframe src="run.html" style="width:{w}px;height:400px"></iframe>' for w in WIDTHS)
    driver = """<!doctype html>FRAMES<p id="out"></p><script>addEventListener("load", function () {
      var out = [];
      document.querySelectorAll("iframe").forEach(function (frame) {
        var page = frame.contentDocument;
        var over = function (one) { out.push(Math.max(0, one.scrollWidth - one.clientWidth)); };
        over(page.documentElement);
        page.querySelectorAll("#scores .scroll").forEach(over);
      });
      document.getElementById("out").textContent = "[" + out.join("|") + "]";
    });</script>"""
    (tmp_path / "driver.html").write_text(driver.replace("FRAMES", frames), encoding="utf-8")
    command = [browser, *FLAGS, "--allow-file-access-from-files", f"--user-data-dir={tmp_path / 'profile'}"]
    address = (tmp_path / "driver.html").as_uri()
    done = subprocess.run(
        [*command, "--dump-dom", address], capture_output=True, text=True, timeout=90, check=False
    ).stdout
    assert re.search(r'id="out">([^<]*)<', done)[1] == "[" + "|".join(["0"] * 3 * len(WIDTHS)) + "]"


def test_a_figure_and_its_interval_have_one_number_of_decimals():
    assert with_interval("r2", Measure(0.80957, 0.72, 0.8752)).en == "0.810 (0.720–0.875)"
    assert with_interval("rmse", Measure(3.004, 2.481, 3.562)).ko == "3.00(2.48–3.56)"
    assert with_interval("mae", Measure(-0.02365, -0.121, -0.000225)).en == "−0.024 (−0.121 … 0.000)"
    assert with_interval("mae", Measure(5.0, None, None)).en == "5"
    assert with_interval("accuracy", Measure(0.967, 0.833, 0.994)).ko == "96.7%(83–99%)"


def test_only_an_interval_of_powers_of_ten_is_broken_inside():
    assert cell("log_loss", Measure(**LONG)).count("–<wbr/>") == 2
    assert "–<wbr/>" not in cell("rmse", Measure(3.004, 2.481, 3.562))


def test_a_row_that_becomes_a_block_names_its_figures():
    page = parsed(build_report(wide_record()))
    table = next(one for one in page.iter("table") if one.get("class") == "stack")
    for row in table.iter("tr"):
        assert all(one.get("data-en") and one.get("data-ko") for one in row.iter("td"))


def test_a_name_is_whole_where_there_is_room():
    assert "support vector machine</text>" in bar_chart([Bar("support vector machine", 1.0)], title="t")


def test_a_run_of_images_speaks_of_images():
    record = classification() | {"images": True}
    for lang, said, not_said in (
        ("en", ["unseen images", "How the images were split", "Each cell counts images", "Misclassified images"],
         ["unseen rows", "counts rows", "Misclassified rows"]),
        ("ko", ["처음 보는 이미지", "이미지를 나눈 방법", "잘못 분류한 이미지"], ["처음 보는 행", "행을 나눈"]),
    ):  # fmt: skip
        seen = text(build_report(record), lang)
        assert all(words in seen for words in said)
        assert not any(words in seen for words in not_said)
    assert "unseen rows" in text(build_report(regression()))


@pytest.mark.parametrize(("count", "folded"), [(3, 0), (8, 0), (20, 14)])
def test_many_wrong_texts_are_folded_away(count, folded):
    one = {"row": 1, "true": "a", "predicted": "b", "p": 0.9, "texts": {"note": "words"}}
    root = parsed(build_report({"name": "r", "examples": [one] * count}))
    hidden = [details for details in root.iter("details") if any(e.get("class") == "card" for e in details.iter())]
    assert sum(e.get("class") == "card" for e in root.iter()) == count
    assert sum(e.get("class") == "card" for details in hidden for e in details.iter()) == folded


def test_a_leak_is_told_with_what_to_do_about_it_in_words():
    evidence = {"column": "alive well", "kind": "mapping", "mapping": "one-to-one", "strength": 1.0}
    record = {"name": "r", "target": "survived", "command": "jindan train t.csv",
              "findings": [{"code": "data-leakage", "severity": "error", "evidence": evidence}]}  # fmt: skip
    seen = text(build_report(record))
    assert "`alive well` says the same as `survived`" in seen
    assert "--drop 'alive well'" in seen
    assert "the value tells the target" in seen
    assert "one to one" in seen
    assert "‘" not in seen
    assert "`alive well` 열은 `survived` 열과 같은 내용입니다" in text(build_report(record), "ko")
    assert "--drop" not in text(build_report(record | {"command": None}))
