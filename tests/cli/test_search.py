"""jindan search: a folder of trials and a run, Ctrl-C loses nothing, mistakes are said in time."""

from __future__ import annotations

import json

import numpy as np
import pytest

import jindan
from jindan.cli import search as board
from jindan.plan import Plan

BASE = ("search", "good.csv", "--target", "y", "--epochs", "3", "--folds", "2")
GRID = {"learning_rate": [0.001, 0.03], "batch_size": [8, 16]}


@pytest.fixture
def space(desk):
    (desk / "space.json").write_text(json.dumps(GRID))
    return "space.json"


def rows(folder):
    return [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]


def test_a_search_leaves_trials_plan_and_run(desk, jindan, space):
    said = jindan(*BASE, "--method", "grid", "--space", space, "--out", "S", "--json")
    assert (said.code, said.err) == (0, "")
    found = said.json["search"]
    trials = rows(desk / "S")
    assert [row["values"] for row in sorted(trials, key=lambda row: row["trial"])] == [
        {"learning_rate": r, "batch_size": b} for r in GRID["learning_rate"] for b in GRID["batch_size"]
    ]
    assert found["best_score"] == max(row["score"] for row in trials)
    assert (found["method"], found["trials"], found["scoring"]) == ("grid", 4, "accuracy")
    plan = Plan.from_json((desk / "S" / "plan.json").read_text())
    assert {path: plan.value(path) for path in GRID} == found["best_values"]
    run = json.loads((desk / "S" / "best" / "plan.json").read_text())
    assert (run["batch_size"], run["epochs"]) == (found["best_values"]["batch_size"], 3)
    assert said.json["run"] == "S/best"
    assert said.json["measured_on"] == "test"
    assert json.loads((desk / "S" / "search.json").read_text())["finished"]
    assert len(opened(desk / "S" / "best").predict(desk / "good.csv")) == 60
    page = (desk / "S" / "best" / "report.html").read_text(encoding="utf-8")
    assert "4 trials by grid" in page
    assert jindan("report", "S/best").code == 0  # made anew from the record
    assert (desk / "S" / "best" / "report.html").read_text(encoding="utf-8").count("4 trials by grid") == 1
    again = jindan(*BASE, "--method", "grid", "--space", space, "--out", "S")
    assert again.code == 0
    assert "Best of 4 trials" in again.out
    assert len(rows(desk / "S")) == 4
    korean = jindan(*BASE, "--method", "grid", "--space", space, "--out", "S", "--lang", "ko", "--quiet")
    assert korean.out == "S/best\n"


def opened(folder):
    return jindan.load(folder)


def test_ctrl_c_keeps_finished_trials_and_the_same_command_goes_on(desk, jindan, space, monkeypatch):
    command = (*BASE, "--method", "grid", "--space", space)
    assert jindan(*command, "--out", "whole", "--json").code == 0

    def pressed(self, rows):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(board.Board, "add", pressed)
        said = jindan(*command, "--out", "cut")
    assert said.code == 130
    assert "2 finished trials of the search are kept." in said.err
    assert f"help: jindan {' '.join(command)} --out cut --resume" in said.err
    with (desk / "cut" / "trials.jsonl").open("a") as file:
        file.write('{"trial": 1, "va')
    before = rows_whole(desk / "cut")
    assert jindan(*command, "--out", "cut", "--resume", "--json").code == 0
    assert rows(desk / "cut") == rows(desk / "whole")
    assert rows(desk / "cut")[:2] == before
    assert jindan(*command, "--out", "cut", "--trials", "63").code == 1


def rows_whole(folder):
    return [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()[:-1]]


def test_other_settings_are_refused(desk, jindan, space):
    folder = desk / "S"
    folder.mkdir()
    (folder / "search.json").write_text(json.dumps({"settings": {"method": "random"}}))
    said = jindan(*BASE, "--method", "grid", "--space", space, "--out", "S")
    assert said.code == 1
    assert "The search in this folder has other settings." in said.err


def test_the_usual_space_by_halving(desk, jindan):
    said = jindan(*BASE, "--method", "halving", "--trials", "3", "--json")
    assert said.code == 0
    found = said.json["search"]
    assert set(found["best_values"]) == {
        "learning_rate", "weight_decay", "batch_size", "layers.0.units", "layers.1.rate", "layers.3.rate"
    }  # fmt: skip
    states = [row["state"] for row in rows(desk / found["folder"])]
    assert sorted(states) == ["complete", "stopped", "stopped"]
    assert found["folder"].startswith("runs/search-good-")


def test_the_test_rows_take_no_part(desk, jindan, space, monkeypatch):
    from jindan.runs import search as runs

    seen = []
    monkeypatch.setattr(runs, "search_task", lambda task, *given, **more: seen.append(task) or 1 / 0)
    jindan(*BASE, "--space", space, "--out", "S")
    assert len(seen[0]) == 48
    assert np.isfinite(seen[0].data.x).all()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--space", "none.json"), "The search space cannot be read."),
        (("--space", "bad.json"), "Did you mean `learning_rate`?"),
        (("--space", "list.json"), "no JSON object"),
        (("--out", "R"), "Something else stands where the search would be written."),
        (("--resume",), "There is no search of this table to go on with."),
        (("--folds", "99"), "fold"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(desk, jindan, given, words):
    (desk / "bad.json").write_text('{"learning_rat": [1]}')
    (desk / "list.json").write_text("[1]")
    said = jindan(*BASE, *given)
    assert (said.code, said.out) == (1, "")
    assert words in said.err
    assert not (desk / "runs").exists()


def test_a_target_is_needed(jindan, desk):
    assert jindan("search", "good.csv").code == 2


def test_a_search_takes_what_train_takes_of_a_table(desk, write, jindan):
    rows = [[k % 7, k % 3, "yes" if (k * 5) % 11 > 5 else "no"] for k in range(60)]
    write("leak.csv", ["a", "b", "alive", "y"], [[*row, 1 if row[2] == "yes" else 0] for row in rows])
    said = jindan("search", "leak.csv", "--target", "y", "--drop", "alive", "--numeric", "minmax", "--test", "0.3",
                  "--task", "regression", "--trials", "1", "--epochs", "2", "--folds", "2", "--out", "S",
                  "--json")  # fmt: skip
    assert said.code == 0
    facts = opened(desk / "S" / "best").facts
    assert facts.preprocessor.input_columns == ("a", "b")
    assert facts.task == "regression"
    assert said.json["search"]["scoring"] == "r2"
