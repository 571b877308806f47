"""What the commands name: options rather than arguments, files and words as they were given."""

import pytest

QUICK = ("--target", "y", "--epochs", "2", "--quiet")
ROWS = [[k % 7, (3 * k) % 5, ("FALSE", "TRUE")[k % 2]] for k in range(60)]


def test_flags_are_predicted_in_the_words_of_the_table(jindan, write):
    table = write("t.csv", ["a", "b", "y"], ROWS)
    assert jindan("train", table, *QUICK, "--out", "run").code == 0
    first, *rows = jindan("predict", "run", table).out.splitlines()
    assert first == "row,prediction,p_FALSE,p_TRUE"
    assert {row.split(",")[1] for row in rows} <= {"FALSE", "TRUE"}
    assert isinstance(jindan("predict", "run", table, "--json").json["predictions"][0]["prediction"], bool)
    said = jindan("evaluate", "run", write("bare.csv", ["a", "b"], [row[:2] for row in ROWS]))
    assert "Add that column (in Python, or give y beside x)" in said.err
    said = jindan("predict", "run", write("none.csv", ["a", "b"], []))
    assert "help: Add rows.\n" in said.err
    said = jindan("predict", "run", table, "--out", "nowhere/p.csv")
    assert (said.code, "The folder to write to does not exist." in said.err) == (1, True)


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (("--validation", "0.9", "--test", "0.9"), "--validation, --test"),
        (("--optimizer", "foo"), "--optimizer"),
        (("--loss", "hinge2"), "--loss"),
    ],
)
def test_an_error_names_the_option(options, place, jindan, write):
    said = jindan("train", write("t.csv", ["a", "b", "y"], ROWS), *QUICK, *options, "--out", "never")
    assert said.code == 1
    assert f"where:    {place}\n" in said.err


def test_amounts_of_money_are_no_classes(jindan, write):
    rows = [[k, f'"${125730 + 1000 * k:,}"'] for k in range(60)]
    said = jindan("train", write("t.csv", ["a", "y"], rows), *QUICK, "--out", "never")
    assert "Write them without it: 125,730 for '$125,730'." in said.err


def test_many_classes_without_a_row_are_one_note(jindan, write):
    rows = [[k // 2, k % 5, f"c{k // 2}"] for k in range(120)]
    said = jindan("train", write("t.csv", ["a", "b", "y"], rows), "--target", "y", "--epochs", "1", "--out", "run")
    assert said.out.count("have no row among those") == 1
    assert "No row of class" not in said.out
    assert "; 1 epoch; " in said.out
    assert not any(line.endswith(" ") for line in said.out.splitlines())
