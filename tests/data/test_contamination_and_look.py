"""Duplicates, leaks, time series, and looking at a table."""

import json
import re
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from jindan.data import duplicate_rows, infer_columns, leaking_columns, look, looks_like_time_series, read_table
from jindan.data.look_words import CODES, sentence
from jindan.errors import InputError, UnknownNameError

RNG = np.random.default_rng(0)
WORDS = (
    "column",
    "target",
    "kind",
    "problem",
    "count",
    "label",
    "rows",
    "percent",
    "skew",
    "a",
    "b",
    "r",
    "row",
    "value",
)


def test_exact_and_near_duplicates():
    a = RNG.normal(size=(500, 6)) * [1, 10, 100, 1, 1, 1]
    b = RNG.normal(size=(100, 6)) * [1, 10, 100, 1, 1, 1]
    b[3], b[7] = a[11], a[12] + 1e-4
    found = duplicate_rows(a, b)
    assert (found.exact, found.exact_pairs) == (1, ((11, 3),))
    assert (found.near, found.near_pairs) == (1, ((12, 7),))
    assert found.complete
    assert duplicate_rows(a, b, near=False).near == 0
    assert not duplicate_rows(a, b, max_pairs=1, tolerance=1.0).complete
    assert json.dumps(found.to_dict())


def test_duplicates_of_frames():
    a = pl.DataFrame({"x": [1.0, 2.0, None], "c": ["a", "b", "c"], "only": [1, 2, 3]})
    b = pl.DataFrame({"c": ["c", "x", "b"], "x": [None, 1.0, 2.001]})
    found = duplicate_rows(a, b)
    assert (found.exact, found.exact_pairs) == (1, ((2, 0),))
    assert found.near_pairs == ((1, 2),)
    images = RNG.integers(0, 255, (20, 8, 8))
    assert duplicate_rows(images[:15], images[10:]).exact == 5
    assert duplicate_rows(a.head(0), b).exact == 0


def test_leaks_of_shared_tables(data_set):
    table, target = data_set
    found = [entry["column"] for entry in leaking_columns(table.frame, target)]
    assert found == (["alive"] if table.name == "titanic" else [])


def test_leaks():
    y = RNG.normal(size=200)
    c = RNG.integers(0, 3, 200)
    frame = pl.DataFrame({"y": y, "kelvin": y * 2 + 273, "noise": RNG.normal(size=200), "c": c, "id": np.arange(200)})
    (entry,) = leaking_columns(frame, "y")
    assert (entry["column"], entry["kind"]) == ("kelvin", "correlation")
    many = frame.with_columns(code=pl.col("c") * 10 + pl.Series(RNG.integers(0, 2, 200)))
    (entry,) = leaking_columns(many, "c")
    assert (entry["column"], entry["mapping"]) == ("code", "many-to-one")
    assert leaking_columns(frame.select("y", "kelvin"), "y") == []
    assert leaking_columns(frame.head(5), "c") == []


def test_time_series(data_set):
    table, target = data_set
    found = looks_like_time_series(table.frame, infer_columns(table.frame, target=target), target)
    if table.name in ("airline-passengers", "monthly-sunspots"):
        assert found["column"] == "Month"
        assert found["autocorrelation"] > 0.9
    else:
        assert found is None


def test_shuffled_dates_or_noise_are_no_series(tables):
    frame = read_table(tables / "airline-passengers.csv").frame
    mixed = frame.sample(fraction=1, shuffle=True, seed=1)
    assert looks_like_time_series(mixed, infer_columns(mixed), "Passengers") is None
    noise = frame.with_columns(pl.Series("Passengers", RNG.normal(size=144)))
    assert looks_like_time_series(noise, infer_columns(noise), "Passengers") is None


def test_look_at_shared_tables(data_set):
    table, target = data_set
    seen = look(table, target)
    assert seen.rows == table.height
    assert json.loads(json.dumps(seen.to_dict(), allow_nan=False))["rows"] == table.height
    assert len(seen.notes("en")) == len(seen.notes("ko")) == len(seen.remarks)
    numeric = seen.correlations["columns"]
    if len(numeric) > 1 and not any(c.missing for c in seen.columns) and table.height < 1000:
        expected = np.corrcoef(table.frame.select(numeric).to_numpy().astype(float).T)
        np.testing.assert_allclose(np.array(seen.correlations["matrix"], float), expected, atol=1e-9)
    for counts in seen.histograms.values():
        assert len(counts["edges"]) == len(counts["counts"]) + 1


def test_look_says_what_matters(tables):
    notes = look(tables / "titanic.csv", "survived").notes()
    assert notes[0].startswith("Column `alive` gives the target `survived` away")
    assert any("77 % of column `deck` is missing" in note for note in notes)
    iris = look(tables / "iris.csv", "species")
    assert iris.target["counts"] == [50, 50, 50]
    assert iris.associations[0]["column"] == "petal_length"
    assert iris.associations[0]["measure"] == "correlation-ratio"
    assert iris.by_target["petal_length"]["mean"][0] == pytest.approx(1.462)
    assert any("시간 순서" in note for note in look(tables / "airline-passengers.csv", "Passengers").notes("ko"))


BAD_TARGETS = {
    "nothing": [None] * 30,
    "one": ["p"] * 30,
    "day": [f"2024-01-{k + 1:02}" for k in range(30)],
    "name": [f"n{k}" for k in range(30)],
    "word": ["p", "q", "r"] * 10,
    "size": [k + 0.25 for k in range(30)],
}


@pytest.mark.parametrize(
    ("column", "task"),
    [("nothing", "auto"), ("one", "auto"), ("day", "auto"), ("name", "auto"), ("word", "regression"),
     ("word", "binary"), ("size", "multiclass")],
)  # fmt: skip
def test_why_a_column_cannot_be_the_target_in_both_languages(column, task):
    seen = look({"x": list(range(30)), **BAD_TARGETS}, column, task=task)
    assert seen.target["problem"] in seen.notes("en")[0]
    korean = next(note for note in seen.notes("ko") if "목표가 될 수 없습니다" in note)
    assert not re.search("[A-Za-z]", korean.replace(f"`{column}`", ""))


def test_look_at_odd_tables():
    odd = {
        "키": [1.0, float("inf"), None],
        "empty": [None, None, None],
        "huge": [1e38, -1e38, 1e300],
        "c": ["a", "b", "a"],
        "y": ["p", "q", None],
    }
    for target in (None, "y", "huge", "c"):
        assert json.dumps(look(odd, target).to_dict(), allow_nan=False)
    assert look(odd, "empty").target["problem"] == "The target column has no value."
    assert json.dumps(look({"x": [1.0]}).to_dict(), allow_nan=False)
    wide = look(RNG.normal(size=(30, 70)))
    assert wide.correlations["left_out"] == 20
    assert any("first 50 of 70" in note for note in wide.notes())
    with pytest.raises(UnknownNameError, match="no column called"):
        look(odd, "nothing")
    with pytest.raises(InputError):
        look({})


def _mixed(*odd, n=40):
    cells = [f"{v:.2f}" for v in RNG.normal(size=n)]
    for row, value in odd:
        cells[row - 1] = value
    return {"x": cells, "y": list(range(n))}


def test_a_column_that_is_mostly_numbers_is_named():
    notes = look(_mixed((5, "12,5kg"), (30, "unknown")), "y").notes()
    assert any(
        note.startswith("Column `x` is mostly numbers: 2 cells are not (first: row 5 '12,5kg')") for note in notes
    )
    (note,) = (n for n in look(_mixed((7, "무게")), "y").notes("ko") if "대부분" in n)
    assert "1개 칸" in note
    assert "7행 '무게'" in note
    assert any("1 cell is not" in n for n in look(_mixed((7, "kg"))).notes())
    assert any("`x` is mostly numbers" in n for n in look(_mixed((7, "kg")), "x").notes())
    for other in (_mixed(), _mixed(*((row, "kg") for row in range(1, 8))), {"x": ["0012", "0013", "001A"] * 9 + ["7"]}):
        assert not any("mostly" in note for note in look(other).notes())


def test_every_remark_has_words_in_both_languages():
    for code in CODES:
        values = dict.fromkeys(
            [
                *WORDS,
                "shown",
                "columns",
                "files",
                "path",
                "height",
                "width",
                "run",
                "least",
                "name",
                "first",
                "second",
                "total",
                "labels",
            ],
            "7",
        )
        assert sentence(code, values) != sentence(code, values, "ko")
    with pytest.raises(UnknownNameError):
        sentence(CODES[0], {}, "fr")


def test_import_is_light():
    code = "import sys, jindan.data; print([m for m in ('polars', 'sklearn', 'jax', 'pandas') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
