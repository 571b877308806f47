"""train --folds, --seeds, --ensemble: words in both languages, JSON, exit codes, runs used in a fresh process."""

import json
import subprocess
import sys

import polars as pl
import pytest

QUICK = ("--target", "y", "--layers", "6 tanh", "--epochs", "6")
ALL = (*QUICK, "--folds", "3", "--seeds", "2", "--ensemble", "2")


@pytest.fixture(scope="module")
def repeated(stock, tmp_path_factory):
    """A run with everything, made once."""
    from jindan.cli import _run

    out = tmp_path_factory.mktemp("repeated") / "E"
    assert _run(["train", str(stock / "good.csv"), *ALL, "--quiet", "--out", str(out)]) == 0
    return out


def test_the_terminal_shows_folds_seeds_and_members(desk, jindan):
    said = jindan("train", "good.csv", *ALL, "--out", "run")
    assert (said.code, said.err) == (0, "")
    out = " ".join(said.out.split())
    for part in ("3-fold cross-validation of 2 seeds: accuracy", "Over the folds the network", "Over 2 seeds accuracy",
                 "mean of 2 networks", "by fold"):  # fmt: skip
        assert part in out
    assert max(map(len, said.out.splitlines())) <= 80


def test_it_speaks_korean(desk, jindan):
    said = jindan("train", "number.csv", *ALL, "--lang", "ko", "--out", "run")
    assert said.code == 0
    out = " ".join(said.out.split())
    for part in ("3겹 교차 검증(시드 2개)", "폴드 전체에서", "시드 2개의 시험 데이터", "신경망 2개의 평균"):
        assert part in out


def test_json_holds_all_three(desk, jindan):
    body = jindan("train", "good.csv", *ALL, "--json", "--out", "run").json
    crossed = body["cross_validation"]
    assert (crossed["folds"], crossed["rows"], crossed["watched"]) == (3, [20, 20, 20], True)
    assert {b["name"] for b in crossed["baselines"]} == {"majority", "linear", "knn", "svm"}
    assert crossed["verdict"] in ("better", "same", "worse")
    assert body["seed_spread"]["seeds"] == [0, 1]
    assert body["ensemble"]["members"] == 2


def test_without_them_nothing_of_it_is_there(desk, jindan):
    body = jindan("train", "good.csv", *QUICK, "--json", "--out", "run").json
    assert not {"cross_validation", "seed_spread", "ensemble"} & set(body)
    assert not (desk / "run" / "members.safetensors").exists()


def test_an_ensembles_run_is_used_like_any_other(repeated, desk, jindan):
    rows = jindan("predict", repeated, "good.csv", "--json").json["predictions"]
    assert all(row["spread"] >= 0 for row in rows)
    metrics = jindan("evaluate", repeated, "good.csv", "--json").json["metrics"]
    right = [row["prediction"] == y for row, y in zip(rows, pl.read_csv("good.csv")["y"], strict=True)]
    assert metrics["accuracy"] == pytest.approx(sum(right) / len(right))
    assert jindan("report", repeated, "--out", "page.html").code == 0
    page = (desk / "page.html").read_text(encoding="utf-8")
    for part in ("3-fold cross-validation", "Spread over seeds", "The ensemble", "앙상블"):
        assert part in page


def test_a_fresh_process_predicts_the_same_bits(repeated, desk, jindan):
    here = jindan("predict", repeated, "good.csv").out
    call = "import sys; from jindan.cli import _run; sys.exit(_run(sys.argv[1:]))"
    there = subprocess.run(
        [sys.executable, "-c", call, "predict", str(repeated), "good.csv"], capture_output=True, text=True, check=True
    )
    assert there.stdout == here


def test_rare_classes_are_told_of(write, desk, jindan):
    rows = [[k / 7, "pq"[k % 2]] for k in range(30)] + [[9.0, "few"], [8.5, "few"]]
    said = jindan("train", write("t.csv", ["x", "y"], rows), *QUICK, "--folds", "4", "--out", "run")
    assert said.code == 0
    assert "Class `few` has 2 rows, fewer than 4 folds" in " ".join(said.out.split())


@pytest.mark.parametrize(
    ("options", "code", "part"),
    [
        (("--folds", "1"), 2, "folds"),
        (("--seeds", "0"), 2, "seeds"),
        (("--ensemble", "0"), 2, "ensemble"),
        (("--folds", "61"), 1, "fewer rows than folds"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(desk, jindan, options, code, part):
    said = jindan("train", "good.csv", *QUICK, *options, "--out", "never")
    assert said.code == code
    assert part in said.err
    assert not (desk / "never").exists()


def test_texts_have_folds(write, desk, jindan):
    rows = [[f"a text with number {k} of {k % 5} kinds and {'good' if k % 2 else 'bad'}", "ab"[k % 2]]
            for k in range(40)]  # fmt: skip
    said = jindan("train", write("t.csv", ["words", "y"], rows), *QUICK, "--folds", "3", "--out", "run")
    assert said.code == 0
    assert "3-fold cross-validation: accuracy" in said.out


def test_a_cross_validation_that_was_cut_off_is_resumed(desk, jindan, monkeypatch):
    from jindan.runs import finishing

    def leave(*given, **more):
        raise KeyboardInterrupt

    train = ("train", "good.csv", *QUICK, "--folds", "3", "--out")
    whole = jindan(*train, "whole", "--json").json
    with monkeypatch.context() as patch:
        patch.setattr(finishing, "fold_table", leave)
        said = jindan(*train, "cut")
    assert said.code == 130
    assert "during the cross-validation" in said.err
    again = jindan("resume", "cut", "--json")
    assert again.code == 0
    assert json.loads(again.out)["cross_validation"] == whole["cross_validation"]


def test_rows_are_parted_by_groups_or_time(desk, jindan):
    said = jindan("train", "good.csv", *QUICK, "--groups", "a", "--out", "run")
    assert said.code == 0, said.err
    assert "Rows that share `a` are in one part" in " ".join(said.out.split())
    said = jindan("train", "good.csv", *QUICK, "--time", "rows", "--lang", "ko", "--out", "run")
    assert "시간 순서(`rows`)" in " ".join(said.out.split())
    said = jindan("train", "good.csv", *QUICK, "--groups", "a", "--time", "rows")
    assert (said.code, "--groups, --time" in said.err) == (1, True)
    assert jindan("train", "good.csv", "--model", "pca", "--groups", "a").code != 0


def test_the_columns_it_relies_on_are_named(desk, jindan):
    said = jindan("train", "good.csv", "--target", "y", "--epochs", "60", "--out", "run")
    assert "It relies most on a (−" in " ".join(said.out.split())
    said = jindan("train", "good.csv", "--target", "y", "--epochs", "60", "--lang", "ko", "--out", "run")
    assert "가장 많이 보는 열: a" in " ".join(said.out.split())
