"""What newcomers ran into: each of these once crashed, said nothing, or said something else."""

from __future__ import annotations

import json
import os
import stat

import numpy as np
import pytest

import jindan as jd
from jindan.errors import JindanWarning, suggestion
from jindan.layers import Dense
from jindan.models import Sequential

ROWS = [f"{n * 0.37 % 5:.2f},{'ab'[n % 2]}" for n in range(60)]


def write(name, header, rows):
    with open(name, "w", encoding="utf-8") as file:
        file.write("\n".join([header, *rows]) + "\n")
    return name


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_look_at_a_numeric_target_beside_numbers(desk, jindan, lang):
    write("t.csv", "x,y", [f"{n},{n * 1.5 + n % 3}" for n in range(40)])
    said = jindan("look", "t.csv", "--target", "y", "--lang", lang)
    assert (said.code, said.err) == (0, "")
    assert {"en": "correlation", "ko": "상관계수"}[lang] in said.out


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([f"{n},u" for n in range(40)], "one value only"),
        ([f"{n},3.5" for n in range(40)], "one value only"),
        ([f"{n},2020-01-{n % 28 + 1:02}" for n in range(40)], "Dates cannot be predicted"),
        ([f"{n},name {n}" for n in range(40)], "class of its own"),
    ],
)
def test_look_says_why_a_target_cannot_be_predicted(desk, jindan, rows, says):
    said = jindan("look", write("t.csv", "x,y", rows), "--target", "y")
    assert (said.code, said.err) == (0, "")
    assert says in " ".join(said.out.split())


def test_look_survives_infinity_in_the_target(desk, jindan):
    rows = [f"{n},{n * 0.5}" for n in range(40)] + ["1,inf"]
    assert jindan("look", write("t.csv", "x,y", rows), "--target", "y").code == 0


def test_rows_without_a_target_and_unjudged_classes_are_told_of(desk, jindan):
    write("t.csv", "x,y", [*ROWS, "1.5,c", "2.5,", "3.5,"])
    said = jindan("train", "t.csv", "--target", "y", "--epochs", "2", "--out", "run")
    out = " ".join(said.out.split())
    assert "2 rows have no value in the target `y`" in out
    assert "No row of class `c` (it has 1)" in out


def test_files_of_a_run_have_the_usual_permissions(desk, jindan):
    before = os.umask(0o022)
    try:
        jindan("train", write("t.csv", "x,y", ROWS), "--target", "y", "--epochs", "2", "--out", "run", "--quiet")
        assert {stat.S_IMODE(path.stat().st_mode) for path in (desk / "run").iterdir()} == {0o644}
        os.umask(0o077)
        jindan("train", "t.csv", "--target", "y", "--epochs", "2", "--out", "own", "--quiet")
        assert {stat.S_IMODE(path.stat().st_mode) for path in (desk / "own").iterdir()} == {0o600}
        assert stat.S_IMODE((desk / "own").stat().st_mode) == 0o700
    finally:
        os.umask(before)


def test_a_comparison_that_was_cut_off_is_resumed(desk, jindan, monkeypatch):
    from jindan.runs import finishing

    def leave(*given):
        raise KeyboardInterrupt

    write("t.csv", "x,y", ROWS)
    train = ("train", "t.csv", "--target", "y", "--epochs", "2", "--out")
    whole = json.loads(jindan(*train, "whole", "--json").out)
    with monkeypatch.context() as patch:
        patch.setattr(finishing, "simple_models", leave)
        said = jindan(*train, "cut")
    assert said.code == 130
    assert "while the simple models were trained" in said.err
    assert "jindan resume cut" in said.out
    again = jindan("resume", "cut", "--json")
    assert again.code == 0
    found = json.loads(again.out)
    assert found["metrics"] == whole["metrics"]
    assert found["baselines"] == whole["baselines"]
    assert not found["interrupted"]
    assert jindan("resume", "cut").code == 1


def test_marks_among_numbers_are_told_of(desk, jindan):
    rows = [f"{'abc' if n % 5 == 0 else n * 0.37},{'ab'[n % 2]}" for n in range(60)]
    out = " ".join(jindan("look", write("t.csv", "x,y", rows), "--target", "y").out.split())
    assert "12 cells that are none (first: row 1 'abc')" in out


def test_thousands_with_points_and_a_decimal_comma(desk):
    write("t.csv", "x;y", ["1.000,50;3", "20,25;4", "1.234.567,00;5"])
    assert jd.read_table("t.csv").frame["x"].to_list() == [1000.5, 20.25, 1234567.0]


def test_units_come_before_the_activation(desk, jindan):
    write("t.csv", "x,y", ROWS)
    said = jindan("train", "t.csv", "--target", "y", "--layers", "relu 30", "--out", "run")
    assert said.code == 1
    assert 'help: Units come first: "30 relu".' in said.err


def test_going_on_with_another_target_names_both(desk, jindan):
    write("t.csv", "x,y", ROWS)
    jindan("train", "t.csv", "--target", "y", "--epochs", "2", "--out", "run", "--quiet")
    said = jindan("train", "t.csv", "--target", "x", "--from", "run", "--out", "new")
    assert said.code == 1
    assert "target 'y' (binary)" in said.err
    assert "target 'x' (regression)" in said.err


def _model(units, activation, loss):
    model = Sequential([Dense(units, activation=activation, input_shape=(2,))])
    model.compile("sgd", loss)
    return model


def test_values_that_are_not_finite_are_named_before_training():
    x, y = np.ones((6, 2), np.float32), np.eye(2)[[0, 1, 0, 1, 0, 1]]
    x[3, 1] = np.nan
    with pytest.warns(JindanWarning, match="x holds NaN or infinity in 1 place, first in row 3"):
        history = _model(2, "softmax", "categorical_crossentropy").fit(x, y)
    (finding,) = history.findings
    assert (finding.code, finding.evidence) == ("nonfinite-values", {"where": "x", "count": 1, "row": 3})
    assert "1 of x, the first in row 3" in finding.text()
    assert "x" in finding.text("ko")


def test_values_that_become_infinite_are_named_after_training():
    x = np.full((6, 2), 1e30, np.float32)
    model = _model(1, "linear", "mse")
    with pytest.warns(JindanWarning, match="xploding gradient|not finite"):
        findings = {f.code: f for f in model.fit(x, np.ones(6), epochs=2).findings}
    assert findings["nonfinite-values"].evidence == {"first_update": 0}


def test_what_is_seen_before_training_stands_in_the_summary(desk, jindan):
    write("t.csv", "x,y", [f"{n},{'abc'[n % 3]}" for n in range(60)])
    plan = '{"layers": [{"type": "Dense", "units": 3, "activation": "sigmoid"}], "loss": "categorical_crossentropy"}'
    (desk / "p.json").write_text(plan)
    said = jindan("train", "t.csv", "--target", "y", "--plan", "p.json", "--epochs", "2", "--out", "run", "--json")
    assert "output-loss-mismatch" in [f["code"] for f in json.loads(said.out)["findings"]]


@pytest.mark.parametrize(("name", "near"), [("foo", None), ("yy", "y"), ("adm", "adam"), ("elu", "relu")])
def test_short_names_are_not_confused(name, near):
    found = suggestion(name, ["oom", "y", "adam", "relu"])
    assert found == (None if near is None else f"Did you mean `{near}`?")


def test_look_at_a_column_of_one_value_beside_blanks(desk, jindan):
    write("t.csv", "x,flag,y", [f"{n % 7},{'1' if n % 3 else ''},{'ab'[n % 2]}" for n in range(60)])
    said = jindan("look", "t.csv", "--target", "y")
    assert (said.code, said.err) == (0, "")
    assert "correlation ratio" in said.out


def test_look_cuts_long_values(desk, jindan):
    write("t.csv", "note,y", [f"{'word ' * 40}{n % 3},{'ab'[n % 2]}" for n in range(60)])
    said = jindan("look", "t.csv", "--target", "y")
    assert said.code == 0
    assert "…" in said.out
    assert said.out.count("word") < 60


def test_a_table_called_after_an_index_is_no_image(desk, jindan):
    (desk / "kospi_idx30.csv").write_bytes((desk / "good.csv").read_bytes())
    said = jindan("look", "kospi_idx30.csv", "--target", "y")
    assert (said.code, said.err) == (0, "")


def test_several_tables_at_once_are_refused(desk, jindan):
    said = jindan("predict", "R", "good.csv", "number.csv")
    assert said.code == 1
    assert "One table at a time." in said.err
