"""jindan diagnose: findings of a run, the repaired run beside it, a page, one JSON object, and what it refuses."""

import json
from types import SimpleNamespace

import pytest

import jindan as jd
from jindan.cli.diagnose import diagnose_rows


@pytest.fixture
def leaking(desk, write):
    rows = [[k % 7, k % 3, "yes" if (k * 5) % 11 > 5 else "no"] for k in range(60)]
    write("leak.csv", ["a", "b", "alive", "y"], [[*row, 1 if row[2] == "yes" else 0] for row in rows])
    return "leak.csv"


def test_a_column_that_holds_the_answer_is_left_out_and_all_else_kept_as_asked(leaking, desk, jindan):
    asked = ("--layers", "4 tanh", "--epochs", "7", "--batch-size", "5", "--optimizer", "sgd", "--seeds", "2")
    assert jindan("train", leaking, "--target", "y", *asked, "--out", "run").code == 0
    said = jindan("diagnose", "run")
    assert said.code == 0
    assert "data-leakage" in said.out
    assert "alive" in said.out
    said = jindan("diagnose", "run", "--repair", "--json")
    assert said.code == 0
    body = json.loads(said.out.splitlines()[-1])
    assert body["findings"][0]["code"] == "data-leakage"
    assert body["repair"]["changes"] == {"preprocessing.drop": ["alive"]}
    assert "alive" not in jd.load(body["repair"]["run"]).facts.preprocessor.input_columns
    assert "alive" in jd.load("run").facts.preprocessor.input_columns
    plans = [json.loads((desk / name / "plan.json").read_text()) for name in ("run", "run-repaired")]
    left_out = [plan.pop("preprocessing") for plan in plans]
    assert [plan.pop("input_shape") for plan in plans] == [[3], [2]]
    _ = [plan.pop("run") for plan in plans]
    assert plans[0] == plans[1]
    assert left_out[1]["drop"] == ["alive"]
    record = json.loads((desk / "run-repaired" / "record.json").read_text())
    assert record["baselines"]
    assert record["seed_spread"]["seeds"] == [0, 1]
    assert "unfinished" not in record


def test_a_training_that_crawls_is_told_of_and_the_page_opens_in_the_language_asked_for(desk, jindan):
    jindan("train", "good.csv", "--target", "y", "--epochs", "3", "--learning-rate", "1e-7", "--out", "run")
    said = jindan("diagnose", "run", "--lang", "ko", "--html", "page.html", "--quiet")
    assert said.code == 0
    assert "근거" in said.out
    assert any(code in said.out for code in ("learning-rate-too-low", "stopped-too-early"))
    assert "data-kind" not in said.out
    page = (desk / "page.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert '<html lang="ko"' in page
    # Folders are made for it as for a report; where that cannot be, it is said in the same way.
    assert jindan("diagnose", "run", "--html", "new/page.html", "--quiet").code == 0
    assert (desk / "new" / "page.html").exists()
    said = jindan("diagnose", "run", "--html", "page.html/page.html", "--quiet")
    assert said.code == 1
    assert all(word in said.err for word in ("cannot be written", "where:", "expected:", "received:", "help:"))


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


@pytest.mark.parametrize(("design", "rows"), [("splits", "rows not trained on"), ("training rows", "training rows")])
def test_a_proof_says_by_which_rows(design, rows, monkeypatch, capsys, desk, jindan):
    proof = {"effect": 0.5, "measure": "accuracy", "base": 0.5, "repaired": 1.0, "probability": 0.9, "design": design}
    report = SimpleNamespace(text=lambda lang: "")
    found = SimpleNamespace(report=report, repaired=SimpleNamespace(folder="run-repaired"), changes={}, proof=proof)
    monkeypatch.setattr("jindan.runs.diagnosis.diagnose_run", lambda *args, **more: found)
    monkeypatch.setattr("jindan.cli.diagnose.refuse_others", lambda *args: None)
    diagnose_rows(desk / "run", "en", False, True, repair=True, out=None, page=None)
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Proof"))
    assert f"0.500 → 1.000 on {'the ' if design == 'training rows' else ''}{rows}" in line


def test_a_branch_that_loses_its_last_column_is_left_out(desk, write, jindan):
    words = ["the film was good and long", "a bad film that bored us all", "good acting but a bad end", "we left early"]
    rows = [[f"{words[k % 4]} {words[(k * 7) % 4]} {k}", "yes" if k % 2 else "no", k % 2] for k in range(60)]
    write("texts.csv", ["text", "alive", "y"], rows)
    assert jindan("train", "texts.csv", "--target", "y", "--epochs", "2", "--out", "run").code == 0
    said = jindan("diagnose", "run", "--repair", "--json")
    assert said.code == 0, said.err
    assert (
        "alive" not in jd.load(json.loads(said.out.splitlines()[-1])["repair"]["run"]).facts.preprocessor.input_columns
    )
