"""New rows as they come: without a header, without the target, with fewer kinds of values, from other hands."""

import json

import numpy as np
import polars as pl
import pytest

import jindan as jd
from jindan.errors import InputError
from jindan.runs.others_rows import read_rows
from jindan.runs.tables import train_table

PAIRS = np.random.default_rng(0).random((60, 2)).round(3).tolist()


def write(path, header, rows):
    lines = [",".join(map(str, row)) for row in rows]
    path.write_text("\n".join(([header] if header else []) + lines) + "\n", "utf-8")
    return path


def trained(folder, source, target, **options):
    return jd.load(train_table(source, target, epochs=2, out=folder / "run", **options).folder)


def same(model, *sources):
    """Whether the rows give the same predictions however they are written."""
    first, *others = [model.predict_table(source).drop("row") for source in sources]
    return all(first.equals(other) for other in others)


def test_names_that_are_numbers_head_new_rows_too(tmp_path):
    labelled = write(tmp_path / "t.csv", "0,1,y", [(a, b, int(a > b)) for a, b in PAIRS])
    model = trained(tmp_path, labelled, "y")
    new = write(tmp_path / "new.csv", "0,1", PAIRS[:5])
    assert len(model.predict_table(new)) == 5
    other_order = write(tmp_path / "order.csv", "1,0", [(b, a) for a, b in PAIRS[:5]])
    without_header = write(tmp_path / "bare.csv", None, PAIRS[:5])
    assert same(model, new, other_order, without_header)


def test_a_header_of_years_is_known_again(tmp_path):
    rows = [("NS"[i % 2], int(90 * a), 2000 + int(40 * b), "ab"[a > b]) for i, (a, b) in enumerate(PAIRS)]
    table = write(tmp_path / "t.csv", "region,2019,2021,grade", rows)
    model = trained(tmp_path, table, "grade", header=True)
    assert len(model.predict_table(table)) == len(rows)
    assert model.score(table)["accuracy"].value >= 0
    assert same(model, table, write(tmp_path / "bare.csv", None, rows))


def test_a_first_column_that_is_the_target_may_be_absent(tmp_path):
    rows = [("uv"[a > 0.5], a, b, 7) for a, b in PAIRS]
    labelled = write(tmp_path / "t.csv", None, rows)
    model = trained(tmp_path, labelled, 0)
    assert model.facts.target == "column_0"
    new = write(tmp_path / "new.csv", None, [row[1:] for row in rows])
    assert same(model, labelled, new)
    named = write(tmp_path / "named.csv", "column_1,column_2,column_3", [row[1:] for row in rows])
    assert same(model, new, named)


def test_columns_of_other_names_are_still_missing_ones(tmp_path):
    model = trained(tmp_path, write(tmp_path / "t.csv", "a,b,y", [(a, b, int(a > b)) for a, b in PAIRS]), "y")
    with pytest.raises(InputError, match=r"Columns that the model was trained on are missing(.|\n)*where:    b\n"):
        model.predict_table(write(tmp_path / "new.csv", "a,bee", PAIRS[:3]))
    with pytest.raises(InputError, match="are missing"):  # pandas's names of nameless columns
        model.predict_table(write(tmp_path / "new.csv", "0,1", PAIRS[:3]))
    with pytest.raises(InputError, match="are missing"):
        model.predict_table(write(tmp_path / "new.csv", None, [(1.5, 2.5, 3.5, 4.5)] * 3))


def test_the_other_models_do_not_learn_from_empty_rows(tmp_path):
    source = write(tmp_path / "t.csv", "a,b", [*PAIRS[:20], ("", ""), *PAIRS[20:40], ("", "")])
    options = {"classes": False, "preprocessing": jd.data.Preprocessing(), "test": 0.2, "seed": 0, "header": None}
    rows = read_rows(str(source), None, **options)
    assert len(rows.frame) == 40
    assert len(rows.reader.frame(str(source))) == 41  # those the sheet ends with are none


def test_the_other_models_know_positions_too(tmp_path):
    rows = [("uv"[i % 2], a, b) for i, (a, b) in enumerate(PAIRS)]
    source = write(tmp_path / "t.csv", None, rows)
    options = {"classes": False, "preprocessing": jd.data.Preprocessing(), "test": 0.2, "seed": 0, "header": None}
    reader = read_rows(str(source), 0, **options).reader
    reader = type(reader).from_dict(json.loads(json.dumps(reader.to_dict())))
    new = write(tmp_path / "new.csv", None, [row[1:] for row in rows])
    assert np.array_equal(reader.matrix(reader.frame(str(new))), reader.matrix(reader.frame(str(source))))


@pytest.fixture(scope="module")
def smokers(tmp_path_factory):
    """A model of columns in which words stand beside true, false and numbers, and its table."""
    folder = tmp_path_factory.mktemp("smokers")
    kinds = [("True", "1.0", "True"), ("False", "2.50", "False"), ("unknown", "none", "maybe")]
    rows = [(i % 7, *kinds[i % 3]) for i in range(90)]
    table = write(folder / "t.csv", "x,smokes,floor,ill", rows)
    return trained(folder, table, "ill"), table, rows


def test_categories_are_read_as_in_training(smokers, tmp_path):
    model, table, rows = smokers
    chosen = [row for row in rows if row[1] != "unknown"][:8]
    new = write(tmp_path / "new.csv", "x,smokes,floor,ill", chosen)
    columns = {"x": [row[0] for row in chosen], "smokes": [row[1] == "True" for row in chosen],
               "floor": [float(row[2]) for row in chosen]}  # fmt: skip
    assert model.facts.preprocessor.check(model.frame(new)) == []
    assert model.facts.preprocessor.check(model.frame(columns)) == []
    whole = model.predict_table(table).filter(pl.Series([row[1] != "unknown" for row in rows]))[:8]
    assert np.allclose(model.predict_table(new)["p_True"], whole["p_True"], atol=1e-6)  # other batch, other last digit
    assert same(model, new, columns)


def test_labels_are_read_as_in_training(smokers, tmp_path):
    model, _, rows = smokers
    chosen = [row for row in rows if row[1] != "unknown"][:8]
    new = write(tmp_path / "new.csv", "x,smokes,floor,ill", chosen)
    assert model.score(new)["accuracy"].value >= 0
    flags = [row[3] == "True" for row in chosen]
    assert model.facts.encoder.encode(flags).tolist() == model.facts.encoder.encode([row[3] for row in chosen]).tolist()


def test_rows_keep_the_numbers_of_the_table(tmp_path):
    rows = [(a, "" if i % 8 == 0 else i % 4, "uv"[i % 2]) for i, (a, _) in enumerate(PAIRS)]
    model = trained(tmp_path, write(tmp_path / "t.csv", "a,b,y", rows), "y")
    assert model.predict_table(write(tmp_path / "new.csv", "a,b", [(1.0, 2), ("", ""), (3.0, 1)]))["row"].len() == 3
    with pytest.raises(InputError, match=r"column 'b', row 3"):
        model.predict_table(write(tmp_path / "bad.csv", "a,b", [(1.0, 2), ("", ""), (3.0, "oops")]))


def test_tables_are_no_texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [f"{word} film number {i} was {word}" for i, word in enumerate(["good", "bad"] * 30)]
    for name in ("a.csv", "b.csv"):
        write(tmp_path / name, "review,mood", [(text, "np"["good" in text]) for text in words])
    model = trained(tmp_path, tmp_path / "a.csv", "mood")
    for sources in ([tmp_path / "a.csv", tmp_path / "b.csv"], ["a.csv", "b.csv"]):
        with pytest.raises(InputError, match=r"One table at a time(.|\n)*a\.csv, (.|\n)*b\.csv"):
            model.predict_table(sources)
    assert len(model.predict_table(["a good film", "none.csv"])) == 2


def test_marks_of_numbers_are_those_of_the_training_table(tmp_path):
    lines = [f"{'1.' if k % 2 else ''}{100 + k};{k % 7},{k % 10}0;{'ab'[k % 2]}" for k in range(60)]
    (tmp_path / "t.csv").write_text("people;price;y\n" + "\n".join(lines) + "\n")
    run = train_table(tmp_path / "t.csv", "y", epochs=1, out=tmp_path / "r")
    (tmp_path / "new.csv").write_text("people;price\n1.234;2\n")
    frame = jd.load(run.folder).frame(tmp_path / "new.csv")
    assert frame["people"].to_list() == [1234]


def test_rows_of_empty_cells_at_the_end_are_none(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,y\n" + "".join(f"{k},{k % 3},{'uv'[k % 2]}\n" for k in range(40)))
    run = train_table(tmp_path / "t.csv", "y", epochs=1, out=tmp_path / "r")
    (tmp_path / "new.csv").write_text("a,b\n1,2\n,\n3,1\n,\n,\n")
    assert len(jd.load(run.folder).predict(tmp_path / "new.csv")) == 3
