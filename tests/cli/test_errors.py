"""Every failure: the right exit code, a message of what, where, expected, received and help, and nothing written."""

import os
import re
import shutil

import pytest

Y = ("--target", "y", "--epochs", "2", "--out", "new")


@pytest.fixture
def refused(desk, jindan):
    """Run a command that must fail with code 1, in one message, leaving the desk as it was."""

    def refused(*arguments, parts=("where:", "expected:", "received:")):
        before = sorted(str(entry) for entry in desk.rglob("*"))
        said = jindan(*arguments)
        assert said.code == 1, said
        assert said.out == ""
        assert said.err.startswith("jindan: ")
        assert "Traceback" not in said.err
        assert "error of its own" not in said.err
        for part in parts:
            assert part in said.err, said.err
        assert sorted(str(entry) for entry in desk.rglob("*")) == before
        return said.err

    return refused


def _text(name, content):
    mode = "wb" if isinstance(content, bytes) else "w"
    with open(name, mode) as file:
        file.write(content)
    return name


TABLES = [
    (b"", "The file is empty"),
    ("a,b,y\n", "a header and no rows"),
    ("a,b,y\n1,2,0\n1,2\n3,4,5,6\n", "line 3"),
    ("a,a,y\n" + "1,2,3.5\n" * 20, "Two columns have the same name"),
    (bytes(range(256)) * 10, "binary data"),
    ("b,y\n" + ",1\n,2.5\n" * 20, "No column can be used"),
    ("k,y\n" + "3,1\n3,2.5\n" * 20, "No column can be used"),
    ("a,y\n" + "".join(f"{n * 0.5},u\n" for n in range(40)), "one value only"),
    ("a,y\n" + "".join(f"{n * 0.5},\n" for n in range(40)), "no value"),
    ("a,y\n" + "".join(f"{n * 0.37 % 5},{n % 2}\n" for n in range(40)) + "inf,1\n", "column 'a', row 41"),
    ("a,y\n" + "".join(f"{n * 0.37 % 5},{n * 0.5}\n" for n in range(40)) + "1,inf\n", "infinite value"),
    ("a,y\n1,2.5\n3,4.5\n", "too few rows to split"),
    ("a,y\n" + "".join(f"{n * 0.5},name {n}\n" for n in range(40)), "class of its own"),
    ("a,y\n" + "".join(f"{n * 0.5},2020-01-{n % 28 + 1:02}\n" for n in range(40)), "Dates cannot be predicted"),
]


@pytest.mark.parametrize(("content", "says"), TABLES, ids=[says for _, says in TABLES])
def test_a_table_that_cannot_be_learnt_from(desk, refused, content, says):
    _text("bad.csv", content)
    assert says in refused("train", "bad.csv", *Y, parts=("expected:",))


TRAIN = [
    (("--target", "yy"), "Did you mean `y`"),
    (("--target", ""), "no column called ''"),
    (("--target", "9"), "no column at that position"),
    (("--target", "y", "--layers", "nonsense"), "--layers"),
    (("--target", "y", "--layers", "30 rlu"), "Did you mean `relu`"),
    (("--target", "y", "--optimizer", "adm"), "Did you mean `Adam`"),
    (("--target", "y", "--loss", "binary_crosentropy"), "Did you mean `BinaryCrossentropy`"),
    (("--target", "y", "--loss", "categorical_crossentropy"), "contradict each other"),
    (("--target", "y", "--validation", "1"), "--validation"),
    (("--target", "y", "--validation", "nan"), "--validation"),
    (("--target", "y", "--test", "-0.1"), "--test"),
    (("--target", "y", "--validation", "0.6", "--test", "0.5"), "no rows to train on"),
    (("--target", "y", "--learning-rate", "0"), "--learning-rate"),
    (("--target", "y", "--learning-rate", "-1"), "--learning-rate"),
    (("--target", "y", "--learning-rate", "inf"), "--learning-rate"),
    (("--target", "y", "--drop", "a,zz"), "no column called 'zz'"),
    (("--target", "y", "--drop", "y"), "target itself"),
    (("--target", "y", "--numeric", "foo"), "numeric"),
    (("--target", "y", "--no-header"), "column_0"),
    (("--target", "y", "--plan", "none.json"), "No such file"),
    (("--target", "y", "--plan", "."), "plan cannot be read"),
    (("--target", "y", "--from", "none"), "no run folder"),
    (("--target", "y", "--from", "R", "--layers", "5 relu"), "own network"),
    (("--target", "y", "--from", "R", "--drop", "k"), "own preprocessing"),
    (("--target", "k", "--from", "R"), "target 'y' (binary)"),
    (("--target", "y", "--from", "N"), "Regression needs numbers"),
]


@pytest.mark.parametrize(("options", "says"), TRAIN, ids=[" ".join(options[1:]) for options, _ in TRAIN])
def test_train_refuses(refused, options, says):
    assert says in refused("train", "good.csv", "--epochs", "2", "--out", "new", *options, parts=("received:",))


def test_class_losses_are_refused_on_a_number(refused):
    said = refused("train", "number.csv", *Y, "--loss", "categorical_crossentropy")
    assert "cross-entropy compares probabilities" in said
    assert "help: Leave the output layer and --loss to jindan, or use --loss mse" in said


def test_softmax_over_one_unit_is_refused(desk, refused):
    _text("p.json", '{"layers": [{"type": "Dense", "units": 1, "activation": "softmax"}], "loss": "mse"}')
    said = refused("train", "good.csv", *Y, "--plan", "p.json")
    assert "softmax over one unit is always 1" in said
    assert "1 unit, sigmoid, with binary_crossentropy" in said


@pytest.mark.parametrize("content", ['{"layers": [', "", "[]", '{"layrs": []}', '{"layers": [{"type": "Dense"}]}'])
def test_a_damaged_plan_is_refused(desk, refused, content):
    _text("p.json", content)
    refused("train", "good.csv", *Y, "--plan", "p.json", parts=("expected:", "received:"))


@pytest.mark.parametrize("source", ["none.csv", ".", "god.csv", "sheet.xlsx"])
def test_files_that_cannot_be_read(desk, refused, source):
    _text("sheet.xlsx", b"PK")
    said = refused("train", source, *Y)
    assert "help:" in said
    if source == "god.csv":
        assert "Did you mean `good.csv`" in said


@pytest.mark.parametrize("out", ["good.csv", "good.csv/x", "mine", "/proc/none/run"])
def test_places_that_cannot_be_written(desk, refused, out):
    os.mkdir("mine")
    _text("mine/keep.txt", "x")
    said = refused("train", "good.csv", "--target", "y", "--epochs", "2", "--out", out)
    assert f"where:    {out}\n" in said
    assert "--out" in said


def test_a_new_place_is_not_left_empty_by_a_failure(desk, refused):
    refused("train", "good.csv", "--target", "y", "--plan", "none.json", "--out", "deep/er/run")


NEW = [
    ("a,b\n1,2\n", "where:    k"),
    ("a,b,k\nhello,2,p\n", "'hello'"),
    ("a,b,k\ninf,2,p\n", "infinite"),
    ("", "empty"),
    ("a,b,k\n", "no rows"),
]


@pytest.mark.parametrize(("content", "says"), NEW, ids=["column", "text", "infinite", "empty", "header"])
def test_predict_refuses(desk, refused, content, says):
    _text("new.csv", content)
    assert says in refused("predict", "R", "new.csv")
    assert says in refused("predict", "R", "new.csv", "--json", "--out", "p.csv")


def test_predict_refuses_places(desk, refused):
    assert "no run folder" in refused("predict", "none", "good.csv")
    assert "no run folder" in refused("predict", "good.csv", "good.csv")
    assert "does not exist" in refused("predict", "R", "nofile.csv")
    assert "cannot be written" in refused("predict", "R", "good.csv", "--out", "good.csv/p.csv")
    assert "cannot be written" in refused("predict", "R", "good.csv", "--out", ".")
    assert "would replace the rows" in refused("predict", "R", "good.csv", "--out", "./good.csv")


def test_a_plain_model_is_no_table_run(desk, refused):
    from jindan.layers import Dense
    from jindan.models import Sequential

    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    model.save("plain")
    assert "no preprocessing of a table" in refused("predict", "plain", "good.csv")
    assert "not trained on a table" in refused("resume", "plain")
    assert "not trained on a table" in refused("train", "good.csv", *Y, "--from", "plain")


def test_evaluate_refuses(desk, refused):
    _text("bare.csv", "a,b,k\n1,2,p\n")
    _text("odd.csv", "a,b,k,y\n1,2,p,maybe\n")
    _text("none.csv", "a,b,k,y\n1,2,p,\n2,1,q,\n")
    assert "have no target" in refused("evaluate", "R", "bare.csv")
    assert "no class called 'maybe'" in refused("evaluate", "R", "odd.csv")
    assert "No row has a target" in refused("evaluate", "R", "none.csv")


def test_report_and_resume_refuse(desk, refused):
    assert "no run folder" in refused("report", "none")
    os.mkdir("empty")
    assert "no readable record" in refused("report", "empty")
    assert "no run folder" in refused("resume", "none")
    assert "nothing to resume" in refused("resume", "R")
    assert "cannot be written" in refused("report", "R", "--out", "good.csv/r.html")


def test_explain_and_look_refuse(desk, refused):
    said = refused("explain", "vanishing-gradeint", parts=("received:",))
    assert "vanishing-gradient" in said
    assert "does not exist" in refused("look", "none.csv", "--json")
    assert "no column called 'q'" in refused("look", "good.csv", "--target", "q")


DAMAGE = [b"", b"[]", b"{}", b"\xff\xfe\x00" * 20, b'{"a": [1, 2']


@pytest.mark.parametrize("content", DAMAGE, ids=["empty", "list", "object", "binary", "cut"])
@pytest.mark.parametrize("name", ["plan.json", "model.safetensors", "state.safetensors", "preprocessing.json"])
def test_a_damaged_run_names_its_damaged_file(desk, refused, name, content):
    shutil.copytree(desk / "R", desk / "D")
    (desk / "D" / name).write_bytes(content)
    for command in (("predict", "D", "good.csv"), ("evaluate", "D", "good.csv"), ("resume", "D")):
        assert name in refused(*command)
    (desk / "D" / name).unlink()
    if name != "preprocessing.json":
        assert name in refused("predict", "D", "good.csv", parts=("expected:",))


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe\x00" * 20, b'{"a": [1, 2'])
def test_a_damaged_record_gives_no_report(desk, refused, content):
    shutil.copytree(desk / "R", desk / "D")
    (desk / "D" / "record.json").write_bytes(content)
    assert "record.json" in refused("report", "D")


USAGE = [
    (),
    ("trian",),
    ("train",),
    ("train", "good.csv"),
    ("train", "good.csv", "--target", "y", "--epochz", "4"),
    ("train", "good.csv", "--target", "y", "--epochs", "0"),
    ("train", "good.csv", "--target", "y", "--batch-size", "0"),
    ("train", "good.csv", "--target", "y", "--seed", "-1"),
    ("train", "good.csv", "--target", "y", "--learning-rate", "x"),
    ("train", "good.csv", "--target", "y", "--task", "foo"),
    ("train", "good.csv", "--target", "y", "--lang", "fr"),
    ("predict", "R"),
    ("look",),
]


@pytest.mark.parametrize("arguments", USAGE, ids=lambda arguments: " ".join(arguments) or "nothing")
def test_usage_errors_are_code_2(desk, jindan, arguments):
    before = sorted(str(entry) for entry in desk.rglob("*"))
    said = jindan(*arguments)
    assert said.code == 2
    assert said.out == ""
    assert re.search(r"Usage: jindan", said.err)
    assert sorted(str(entry) for entry in desk.rglob("*")) == before


@pytest.mark.parametrize(("option", "given", "meant"), [("--model", "kmean", "kmeans"), ("--task", "bnary", "binary")])
def test_a_misspelt_choice_is_answered_by_the_nearest(desk, jindan, option, given, meant):
    said = jindan("train", "good.csv", option, given)
    assert (said.code, said.out) == (2, "")
    assert f"help: Did you mean `{meant}`?" in said.err
    for other in ("xyzzy", "it's", ""):
        said = jindan("train", "good.csv", option, other)
        assert said.code == 2
        assert "Did you mean" not in said.err


def test_an_error_of_its_own_is_still_no_traceback(desk, jindan, monkeypatch):
    from jindan.runs import tables

    def broken(*arguments, **more):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(tables, "prepare", broken)
    said = jindan("train", "good.csv", *Y)
    assert said.code == 1
    assert said.err.startswith("jindan: an error of its own: ZeroDivisionError: oops\n  help: Please report it")


@pytest.mark.parametrize(
    "command", [("predict", "{}", "good.csv"), ("evaluate", "{}", "good.csv"), ("report", "{}"), ("resume", "{}"),
                ("train", "good.csv", *Y, "--from", "{}")],
)  # fmt: skip
@pytest.mark.parametrize(
    ("typed", "meant"),
    [("runs/iris-20260104", "runs/iris-20260103"), ("iris-20260103", "runs/iris-20260103"),
     ("run/iris-20260103", "runs/iris-20260103"), ("house", "houses")],
)  # fmt: skip
def test_a_misspelt_run_is_recognised(desk, refused, command, typed, meant):
    for name in ("runs/iris-20260103", "houses"):
        shutil.copytree("R", name)
    said = refused(*(part.format(typed) for part in command))
    assert f"Did you mean `{meant}`?" in said
    assert f"where:    {typed}\n" in said


def test_rows_are_counted_from_one(desk, refused):
    _text("odd.csv", "a,b,k\n0.5,0.5,p\n0.5,x,q\n")
    assert "column 'b', row 2\n" in refused("predict", "R", "odd.csv")


def test_help_with_a_header_names_the_option(desk, jindan, refused):
    _text("twice.csv", "3,3,1\n" * 3)
    _text("one.csv", "a,b\n")
    assert "--no-header" in refused("look", "one.csv", parts=())
    assert jindan("look", "twice.csv", "--no-header").code == 0
