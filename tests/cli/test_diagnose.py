"""jindan diagnose: findings of a run, the repaired run beside it, a page, one JSON object, and what it refuses."""

import json

import pytest

import jindan as jd


@pytest.fixture
def leaking(desk, write):
    rows = [[k % 7, k % 3, "yes" if (k * 5) % 11 > 5 else "no"] for k in range(60)]
    write("leak.csv", ["a", "b", "alive", "y"], [[*row, 1 if row[2] == "yes" else 0] for row in rows])
    return "leak.csv"


def test_a_column_that_holds_the_answer_is_named_and_left_out(leaking, desk, jindan):
    assert jindan("train", leaking, "--target", "y", "--epochs", "3", "--out", "run").code == 0
    said = jindan("diagnose", "run")
    assert said.code == 0
    assert "data-leakage" in said.out
    assert "alive" in said.out
    said = jindan("diagnose", "run", "--repair", "--json")
    body = json.loads(said.out.splitlines()[-1])
    assert body["findings"][0]["code"] == "data-leakage"
    assert body["repair"]["changes"] == {"preprocessing.drop": ["alive"]}
    assert "alive" not in jd.load(body["repair"]["run"]).facts.preprocessor.input_columns
    assert "alive" in jd.load("run").facts.preprocessor.input_columns


def test_a_training_that_crawls_is_told_of_in_both_languages(desk, jindan):
    jindan("train", "good.csv", "--target", "y", "--epochs", "3", "--learning-rate", "1e-7", "--out", "run")
    said = jindan("diagnose", "run", "--lang", "ko", "--html", "page.html", "--quiet")
    assert said.code == 0
    assert "근거" in said.out
    assert any(code in said.out for code in ("learning-rate-too-low", "stopped-too-early"))
    assert "data-kind" not in said.out
    assert (desk / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_what_cannot_be_looked_at_is_refused_with_a_word(desk, jindan):
    said = jindan("diagnose", "nowhere")
    assert said.code in (1, 2)
    assert "help:" in said.err
    jindan("train", "good.csv", "--target", "y", "--epochs", "2", "--out", "run")
    (desk / "good.csv").write_text((desk / "good.csv").read_text() + "1,2,3\n")
    said = jindan("diagnose", "run")
    assert said.code == 1
    assert "help:" in said.err
    (desk / "other").mkdir()
    (desk / "other" / "file").write_text("x")
