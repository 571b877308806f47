"""What the commands say when all is well: standard output, JSON, predictions, both languages."""

import csv
import io
import json
import re

import polars as pl
import pytest

import jindan as jd

QUICK = ("--target", "y", "--epochs", "3")


def _rows(text):
    return list(csv.DictReader(io.StringIO(text)))


# -- train -------------------------------------------------------------------------------------------------------


def test_train_says_result_baselines_and_what_next(desk, jindan):
    said = jindan("train", "good.csv", *QUICK, "--out", "run")
    assert said.code == 0
    assert said.err == ""
    for part in ("of unseen rows right", "95%", "network", "most common class", "linear model", "nearest neighbours",
                 "support vector machine", "36 training, 12 validation and 12 test rows; 3 epochs",
                 "jindan report run --open", "jindan predict run NEW.csv"):  # fmt: skip
        assert part in said.out
    assert max(map(len, said.out.splitlines())) <= 80


def test_train_speaks_korean(desk, jindan):
    said = jindan("train", "number.csv", *QUICK, "--lang", "ko", "--out", "run")
    assert said.code == 0
    for part in ("처음 보는 행", "신경망", "선형 모델", "훈련 36행, 검증 12행, 시험 12행", "다음:"):
        assert part in said.out
    assert json.loads((desk / "run" / "record.json").read_text(encoding="utf-8"))["lang"] == "ko"


def test_train_json_is_one_object_on_one_line(desk, jindan):
    said = jindan("train", "good.csv", *QUICK, "--json", "--out", "run")
    assert said.code == 0
    assert said.err == ""
    body = said.json
    assert {"run", "metrics", "baselines", "findings", "seconds"} <= set(body)
    assert body["run"] == "run"
    figures = {"accuracy", "balanced_accuracy", "precision", "recall", "f1", "log_loss", "roc_auc"}
    assert set(body["metrics"]) == figures
    assert body["metrics"].keys() == body["intervals"].keys()
    assert set(body["baselines"]) == {"majority", "linear", "knn", "svm"}
    assert body["seconds"] > 0
    assert body["task"] == "binary"


def test_quiet_prints_the_folder_alone(desk, jindan):
    said = jindan("train", "number.csv", *QUICK, "-q", "--out", "run")
    assert (said.out, said.err) == ("run\n", "")


def test_a_leak_is_named_with_its_cure(write, jindan, desk):
    rows = [[n * 0.37 % 5, "alive" if n % 2 else "dead", n % 2] for n in range(80)]
    said = jindan("train", write("leak.csv", ["x", "alive", "survived"], rows), "--target", "survived", "--epochs", "2",
                  "--json", "--out", "run")  # fmt: skip
    (finding,) = [f for f in said.json["findings"] if f["code"] == "data-leakage"]
    assert finding["severity"] == "error"
    assert finding["evidence"]["column"] == "alive"
    shown = jindan("train", "leak.csv", "--target", "survived", "--epochs", "2", "--out", "run")
    assert "`alive` says the same as `survived`" in shown.out
    assert "help: --drop alive" in shown.out
    cured = jindan("train", "leak.csv", "--target", "survived", "--epochs", "2", "--drop", "alive", "--json",
                   "--out", "run")  # fmt: skip
    assert "data-leakage" not in {f["code"] for f in cured.json["findings"]}


@pytest.mark.parametrize(("lang", "words"), [("en", "wrong split"), ("ko", "맞지 않으며")])
def test_a_series_is_told_from_rows_in_random_order(write, jindan, lang, words):
    rows = [[f"{1990 + n // 12}-{n % 12 + 1:02}", 100 + n + 10 * (n % 12)] for n in range(96)]
    said = jindan("train", write("series.csv", ["Month", "y"], rows), *QUICK, "--out", "run", "--lang", lang)
    assert words in said.out.replace("\n", " ").replace("  ", " ")
    assert "Month" in said.out


def test_the_target_may_be_named_by_place(desk, jindan):
    assert (
        jindan("train", "good.csv", "--target", "-1", "--epochs", "2", "--out", "run", "--json").json["target"] == "y"
    )


def test_options_reach_the_plan(desk, jindan):
    said = jindan("train", "good.csv", *QUICK, "--layers", "5 tanh, dropout 0.1", "--batch-size", "7", "--optimizer",
                  "sgd", "--learning-rate", "0.3", "--loss", "mse", "--seed", "4", "--numeric", "minmax", "--drop",
                  " k , b", "--validation", "0.3", "--test", "0.1", "--task", "binary", "--out", "run")  # fmt: skip
    assert said.code == 0, said.err
    plan = json.loads((desk / "run" / "plan.json").read_text())
    assert [layer["type"] for layer in plan["layers"]] == ["Dense", "Dropout", "Dense"]
    assert (plan["batch_size"], plan["seed"], plan["epochs"]) == (7, 4, 3)
    assert plan["preprocessing"]["numeric"] == "minmax"
    assert plan["preprocessing"]["drop"] == ["k", "b"]
    assert plan["input_shape"] == [1]
    record = json.loads((desk / "run" / "record.json").read_text())
    assert record["data"]["n"] == {"train": 36, "validation": 18, "test": 6}
    assert "--layers '5 tanh, dropout 0.1'" in record["command"]


def test_the_plan_of_a_run_gives_the_run_again(desk, jindan):
    first = ("--layers", "4 tanh", "--seed", "5", "--drop", "k", "--numeric", "minmax")
    assert jindan("train", "good.csv", *QUICK, *first, "--out", "one").code == 0
    assert jindan("train", "good.csv", "--target", "y", "--plan", "one/plan.json", "--out", "two").code == 0
    assert (desk / "one/model.safetensors").read_bytes() == (desk / "two/model.safetensors").read_bytes()


def test_drop_is_added_to_the_preprocessing_of_a_plan(desk, jindan):
    (desk / "plan.json").write_text(json.dumps({"preprocessing": {"numeric": "minmax"}}))
    assert jindan("train", "good.csv", *QUICK, "--plan", "plan.json", "--drop", "k", "--out", "run").code == 0
    found = json.loads((desk / "run/plan.json").read_text())["preprocessing"]
    assert (found["numeric"], found["drop"]) == ("minmax", ["k"])


def test_from_goes_on_with_a_run(desk, jindan):
    assert jindan("train", "good.csv", *QUICK, "--from", "R", "--out", "more").code == 0
    assert (desk / "more/model.safetensors").read_bytes() != (desk / "R/model.safetensors").read_bytes()
    plan = json.loads((desk / "more/plan.json").read_text())
    assert plan["layers"] == json.loads((desk / "R/plan.json").read_text())["layers"]


@pytest.mark.parametrize(
    ("validation", "test", "part"), [("0", "0.2", "test"), ("0.2", "0", "validation"), ("0", "0", "train")]
)
def test_parts_may_be_left_out(desk, jindan, validation, test, part):
    said = jindan("train", "good.csv", *QUICK, "--validation", validation, "--test", test, "--json", "--out", "run")
    assert said.json["measured_on"] == part


def test_one_epoch_and_a_batch_of_everything(desk, jindan):
    said = jindan(
        "train", "good.csv", "--target", "y", "--epochs", "1", "--batch-size", "100000", "--json", "--out", "r"
    )
    assert said.json["epochs"] == 1


# -- predict -----------------------------------------------------------------------------------------------------


def test_predict_writes_row_class_and_probabilities(write, jindan):
    table = write("new.csv", ["a", "b", "k"], [[1.5, 0.2, "p"], [-1.5, 0.1, "q"]])
    said = jindan("predict", "R", table)
    assert said.code == 0
    rows = _rows(said.out)
    assert list(rows[0]) == ["row", "prediction", "p_no", "p_yes"]
    assert [(row["row"], row["prediction"]) for row in rows] == [("1", "yes"), ("2", "no")]
    p = jd.load("R").predict(table)
    assert [[float(row["p_no"]), float(row["p_yes"])] for row in rows] == p.tolist()


def test_predict_writes_low_and_high_for_numbers(desk, jindan):
    rows = _rows(jindan("predict", "N", "number.csv").out)
    assert list(rows[0]) == ["row", "prediction", "low", "high"]
    assert len(rows) == 60
    assert all(float(row["low"]) < float(row["prediction"]) < float(row["high"]) for row in rows)


def test_predict_writes_a_file(desk, jindan):
    said = jindan("predict", "R", "good.csv", "--out", "deep/p.csv")
    assert "help: Make it first" in said.err  # a folder that is not there may be a slip
    (desk / "deep").mkdir()
    said = jindan("predict", "R", "good.csv", "--out", "deep/p.csv")
    assert said.out == "60 rows → deep/p.csv\n"
    assert pl.read_csv("deep/p.csv").shape == (60, 4)
    assert [entry.name for entry in (desk / "deep").iterdir()] == ["p.csv"]


def test_predict_json(desk, jindan):
    body = jindan("predict", "R", "good.csv", "--json").json
    assert (body["rows"], body["out"], len(body["predictions"])) == (60, None, 60)
    assert set(body["predictions"][0]) == {"row", "prediction", "p_no", "p_yes"}
    assert "predictions" not in jindan("predict", "R", "good.csv", "--json", "--out", "p.csv").json


def test_order_and_further_columns_do_not_matter(write, jindan):
    table = write("new.csv", ["a", "b", "k"], [[1.5, 0.2, "p"], [-1.5, 0.1, "q"]])
    turned = write("turned.csv", ["zz", "k", "b", "a"], [["x", "p", 0.2, 1.5], [1, "q", 0.1, -1.5]])
    assert jindan("predict", "R", table).out == jindan("predict", "R", turned).out


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ([0.1, 0.2, "NEW"], "column `k`: 1 row with a category that training never saw (NEW)."),
        ([100, 0.2, "p"], "column `a`: 1 value outside the training range"),
        (["", 0.2, "p"], "column `a`: 1 value missing, and none were in training."),
        ([1e308, 0.2, "p"], "1 row without a finite prediction"),
    ],
)
def test_predict_warns_of_unusual_rows(write, jindan, row, says):
    said = jindan("predict", "R", write("new.csv", ["a", "b", "k"], [row]))
    assert said.code == 0
    assert f"jindan: {says}" in said.err
    assert len(_rows(said.out)) == 1


def test_predict_says_the_bounds(write, jindan, desk):
    frame = pl.read_csv("number.csv")
    held = jd.load("N").facts.preprocessor.encoders[0]
    said = jindan("predict", "N", write("new.csv", ["a", "b"], [[99, 0]]))
    assert f"outside the training range {held.low:.4g} … {held.high:.4g} (here 99 … 99)." in said.err
    # A hair outside is nothing to tell a person; the JSON has it all the same.
    hair = write("hair.csv", ["a", "b"], [[held.high + 0.01 * (held.high - held.low), float(frame["b"][0])]])
    assert jindan("predict", "N", hair).err == ""
    (remark,) = jindan("predict", "N", hair, "--json").json["warnings"]
    assert remark["code"] == "out-of-range"


def test_bounds_of_dates_are_dates(write, jindan, desk):
    rows = [[f"2020-{m:02}-{d:02}", (m * 7 + d * 3) % 11 / 2] for m in range(1, 7) for d in range(1, 20, 2)]
    write("dates.csv", ["day", "y"], rows)
    assert jindan("train", "dates.csv", *QUICK, "--out", "D").code == 0
    said = jindan("predict", "D", write("new.csv", ["day"], [["2031-01-01"]]))
    assert re.search(r"training range 2020-01-\d\d … 2020-06-\d\d \(here 2031-01-01 … 2031-01-01\)", said.err)


def test_predict_warns_of_drift(write, jindan):
    said = jindan("predict", "R", write("new.csv", ["a", "b", "k"], [[1.1, 0.1, "p"]] * 40))
    assert "column `a`: spread differently than in training (Kolmogorov–Smirnov distance" in said.err
    assert "column `k`: spread differently than in training (population stability index" in said.err
    korean = jindan("predict", "R", "new.csv", "--lang", "ko")
    assert "`a` 열: 값의 분포가 훈련 데이터와 다릅니다" in korean.err


# -- evaluate, report, look, explain -----------------------------------------------------------------------------


def test_evaluate_prints_figures_with_intervals(desk, jindan):
    said = jindan("evaluate", "R", "good.csv")
    assert said.code == 0
    for part in ("60 labelled rows", "accuracy", "balanced accuracy", "95%"):
        assert part in said.out
    assert "레이블이 있는 60행" in jindan("evaluate", "R", "good.csv", "--lang", "ko").out


def test_evaluate_json(desk, jindan):
    body = jindan("evaluate", "R", "good.csv", "--json").json
    assert set(body) == {"run", "rows", "metrics", "intervals", "warnings"}
    score = jd.load("R").score("good.csv")["accuracy"]
    assert body["metrics"]["accuracy"] == score.value
    assert body["intervals"]["accuracy"] == [score.low, score.high]


def test_evaluate_leaves_rows_without_a_target_out(write, jindan):
    table = write("new.csv", ["a", "b", "k", "y"], [[1, 2, "p", "yes"], [1, 2, "q", ""]])
    said = jindan("evaluate", "R", table)
    assert said.out.splitlines()[0].strip() == "1 labelled row"
    assert "left out: 1 row without a value of `y`." in said.err
    assert jindan("evaluate", "R", table, "--json").json["rows"] == 1


def test_report_is_written_anew(desk, jindan):
    said = jindan("report", "R", "--out", "r.html", "--lang", "ko")
    assert (said.code, said.out) == (0, "r.html\n")
    assert "<html" in (desk / "r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(("lang", "words"), [("en", "Columns that go with it most"), ("ko", "관련이 큰 열")])
def test_look_shows_columns_and_target(desk, jindan, lang, words):
    said = jindan("look", "good.csv", "--target", "y", "--lang", lang)
    assert said.code == 0
    assert words in said.out
    assert "p (20), q (20), r (20)" in said.out
    body = jindan("look", "good.csv", "--target", "y", "--json").json
    assert set(body["notes"]) == {"en", "ko"}


def test_explain_in_both_languages(jindan):
    assert "ReLU" in jindan("explain", "relu").out
    korean = jindan("explain", "vanishing-gradient", "--lang", "ko").out
    assert "기울기 소실" in korean
    assert jindan("explain", "기울기 소실", "--json").json["slug"] == "vanishing-gradient"
    everything = jindan("explain").out.splitlines()
    assert len(everything) > 50
    assert len(jindan("explain", "--json").json) == len(everything)


def test_korean_names_and_encodings(write, jindan):
    rows = [[150 + n % 30, 45 + n % 17, "남" if n % 2 else "여"] for n in range(60)]
    table = write("사람.csv", ["키", "몸무게", "성별"], rows, encoding="cp949")
    said = jindan("train", table, "--target", "성별", "--epochs", "2", "--out", "한글 런")
    assert said.code == 0, said.err
    assert "jindan report '한글 런' --open" in said.out
    assert _rows(jindan("predict", "한글 런", table).out)[0].keys() == {"row", "prediction", "p_남", "p_여"}


def test_a_table_without_a_header(write, jindan):
    rows = [[n * 0.37 % 5, n * 0.11 % 3, "M" if n * 0.37 % 5 > 2 else "R"] for n in range(60)]
    table = write("plain.csv", [0.1, 0.2, "R"], rows)
    assert (
        jindan("train", table, "--target", "-1", "--epochs", "2", "--json", "--out", "r").json["target"] == "column_2"
    )
    assert len(_rows(jindan("predict", "r", table).out)) == 61


def test_ten_thousand_categories(write, jindan, desk):
    rows = [[f"c{n % 10_000}", n % 7 * 0.3, n % 3] for n in range(12_000)]
    said = jindan("train", write("many.csv", ["k", "a", "y"], rows), "--target", "y", "--epochs", "1", "--quiet",
                  "--out", "r")  # fmt: skip
    assert said.code == 0
    assert json.loads((desk / "r/plan.json").read_text())["input_shape"][0] < 100


def test_version_and_help(jindan):
    assert jindan("--version").out.startswith("jindan ")
    for command in ("train", "predict", "evaluate", "report", "resume", "look", "explain"):
        said = jindan(command, "--help")
        assert said.code == 0
        assert "--" in said.out


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_column_that_is_mostly_numbers_is_told(desk, write, jindan, lang):
    rows = [[f"{n * 0.37:.2f}", ["1", "2", "3"][n % 3], n * 0.5, n * 0.3 + n % 5] for n in range(60)]
    rows[10][0], rows[41][0], rows[20][1] = "12.5kg", "unknown", "many"
    # Rows are those of the table: one without a target stands before.
    rows[3][3] = None
    said = jindan("train", write("odd.csv", ["w", "k", "z", "y"], rows), *QUICK, "--lang", lang)
    out = " ".join(said.out.split())
    if lang == "en":
        assert "w (a name or number of its own in every row; mostly numbers, but not in 2 cells (first: row 11" in out
        assert "Column k was read as text; mostly numbers, but not in 1 cell (first: row 21 'many')." in out
    else:
        assert "칸 2개(처음: 11행 '12.5kg')" in out
        assert "k 열은 글자로 읽었습니다" in out
    (run,) = (desk / "runs").iterdir()
    assert "first: row 11" in (run / "record.json").read_text()
