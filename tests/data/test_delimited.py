"""Tables as people save them: quotes, empty rows, decimal commas, marks of no value, headers of years, long cells."""

import numpy as np
import polars as pl
import pytest

from jindan.data import delimited_rows, infer_columns, infer_task, look, read_table
from jindan.data.cells import MISSING, type_column
from jindan.data.delimited import parse, sniff_delimiter
from jindan.errors import FileError


@pytest.fixture
def read(tmp_path):
    """The table of a text."""

    def read(text, name="t.csv", **options):
        (tmp_path / name).write_text(text, "utf-8")
        return read_table(tmp_path / name, **options)

    return read


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        # Every line has the same number of commas, those within quotes included.
        (
            '"City, State",pop\n"Portland, OR",650\n"Austin, TX",960\n',
            {"City, State": ["Portland, OR", "Austin, TX"], "pop": [650, 960]},
        ),
        ('"1,200",3\n"2,500",4\n', {"column_0": [1200, 2500], "column_1": [3, 4]}),
        ('who; said\n"Kim"; "a; b"\n"Lee"; "c; d"\n', {"who": ["Kim", "Lee"], "said": ["a; b", "c; d"]}),
        # A cell of two lines in a table of one column.
        (
            'review\n"A fine film, really.\nI liked it"\n"Dull"\n',
            {"review": ["A fine film, really.\nI liked it", "Dull"]},
        ),
        # Inches, and quotes that begin a cell and do not end it: characters like others.
        ('pipe\tn\n5" steel\t1\n6" brass\t2\n', {"pipe": ['5" steel', '6" brass'], "n": [1, 2]}),
        ('a\tb\n"open\t1\n"x\t2\ny\t3\n', {"a": ['"open', '"x', "y"], "b": [1, 2, 3]}),
        ('text\n"Fine" film "great"\nbad\n', {"text": ['"Fine" film "great"', "bad"]}),
    ],
)
def test_quotes_guard_where_the_whole_text_can_be_read_so(read, text, columns):
    assert read(text).frame.to_dict(as_series=False) == columns


@pytest.mark.parametrize("text", ['a,b\n1,"x, y"\n2,"open\n3,z\n', 'a,b\n1,"x\n2,y,z\n'])
def test_a_quote_that_is_never_closed_is_named(read, text):
    with pytest.raises(FileError, match=r"never closed(.|\n)*line [23]\n(.|\n)*Close the quote"):
        read(text)


@pytest.mark.parametrize("text", ["a,b\n1,x\n\n2,y\n", '"a","b"\n"1","x ""y"""\n"2","z"\n', "a\n1\n\n2\n"])
def test_where_quotes_guard_nothing_all_is_read_at_once(read, text, monkeypatch):
    monkeypatch.setattr(delimited_rows, "_rows", lambda *_, **__: pytest.fail("read cell by cell"))
    assert read(text).frame["a"].to_list() == [1, 2]


def test_a_row_of_empty_cells_is_a_row_and_an_empty_line_is_none(read):
    assert read("a,b\n1.0,2\n,\n\n3.0,1\n").frame.rows() == [(1.0, 2), (None, None), (3.0, 1)]
    assert read('a,b\n1.0,"x, y"\n,\n\n3.0,z\n').frame.rows() == [(1.0, "x, y"), (None, None), (3.0, "z")]
    assert read('text\nhello\n""\n\nbye\n').frame["text"].to_list() == ["hello", None, "bye"]
    # A sheet that begins with empty rows.
    assert read(",,\n,,\nname,size,n\nx,1,2\n").columns == ("name", "size", "n")
    assert read(",\n1,2\n3,4\n").frame["column_0"].to_list() == [None, 1, 3]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("x\tz\n0,5\t1\n1,5\t0,125\n", {"x": [0.5, 1.5], "z": [1.0, 0.125]}),
        ("x|n\n1,5|3\n12,75|4\n", {"x": [1.5, 12.75], "n": [3, 4]}),
        ('x,y\n"1,5",a\n"2,25",b\n', {"x": [1.5, 2.25], "y": ["a", "b"]}),
        ('x,y\n"0,125",a\n"0,250",b\n', {"x": [0.125, 0.25], "y": ["a", "b"]}),
        ('x,y\n"1,200",a\n"950",b\n', {"x": [1200, 950], "y": ["a", "b"]}),
        ("x\ty\n1,200\ta\n2,500\tb\n", {"x": [1200, 2500], "y": ["a", "b"]}),
        # One column of a table proves for the others: 1,250 beside 0,5 is no thousand.
        ("x\ty\n1,250\t0,5\n2,125\t1,5\n", {"x": [1.25, 2.125], "y": [0.5, 1.5]}),
        (
            "people;price\n999;1,50\n1.234;2,50\n56.789;1.003,00\n",
            {"people": [999, 1234, 56789], "price": [1.5, 2.5, 1003.0]},
        ),
        ("a;b\n1,234;2.5\n2,345;3.5\n", {"a": [1234, 2345], "b": [2.5, 3.5]}),
        # Answers such as 1 and 3 beside numbers with points are left as they are.
        ('score,boxes\n1.5,"1,3"\n2.5,"2"\n', {"score": [1.5, 2.5], "boxes": ["1,3", "2"]}),
        ('who,boxes\nx,"1,3"\ny,"1,2,4"\n', {"who": ["x", "y"], "boxes": ["1,3", "1,2,4"]}),
        ("1,5;2,5\n3,5;4,5\n", {"column_0": [1.5, 3.5], "column_1": [2.5, 4.5]}),
    ],
)
def test_commas_and_points_in_numbers(read, text, columns):
    found = read(text).frame.to_dict(as_series=False)
    assert found == columns
    assert {k: [type(v) for v in vs] for k, vs in found.items()} == {
        k: [type(v) for v in vs] for k, vs in columns.items()
    }


def test_a_delimiter_between_decimal_commas_is_found():
    assert sniff_delimiter("1,5\t2,5\n3,5\t4,5\n") == "\t"
    assert sniff_delimiter("a,b\n1,2\n") == ","


def test_text_of_numbers_with_commas_in_memory_is_no_number_target():
    assert infer_task(["1,5", "2,5", "1,5"]).kind == "binary"
    assert type_column(pl.Series(["1,200,300", "4"])).to_list() == [1200300, 4]


@pytest.mark.parametrize("mark", [m for m in MISSING if m])
def test_marks_of_no_value(read, mark):
    rows = "".join(f"{i * 0.37 % 5:.2f},{mark if i % 3 == 0 else i * 0.11},{mark if i % 9 == 0 else 'ab'[i % 2]}\n"
                   for i in range(60))  # fmt: skip
    frame = read("x,z,y\n" + rows).frame
    assert (frame["z"].dtype, frame["z"].null_count(), frame["y"].null_count()) == (pl.Float64, 20, 7)
    assert infer_task(frame["y"]).kind == "binary"


def _in_memory(kind, values, tmp_path):
    columns = {"x": [i * 0.37 % 5 for i in range(len(values))], "y": values}
    if kind == "dict":
        return columns
    if kind == "pandas":
        return pytest.importorskip("pandas").DataFrame(columns)
    if kind == "polars":
        return pl.DataFrame(columns, schema_overrides={"y": pl.Categorical})
    pl.DataFrame(columns).write_parquet(tmp_path / "t.parquet")
    return tmp_path / "t.parquet"


@pytest.mark.parametrize("kind", ["dict", "pandas", "polars", "parquet"])
def test_text_from_elsewhere_is_cleaned_like_that_of_a_file(tmp_path, kind):
    values = ["" if i % 10 == 0 else ["a", "b", "a ", " b", "NA"][i % 5] for i in range(60)]
    source = _in_memory(kind, values, tmp_path)
    table = read_table(source)
    assert sorted(table.frame["y"].drop_nulls().unique()) == ["a", "b"]
    assert look(source, target="y").to_dict()["target"]["classes"] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("store,2024-01,2024-02\n1,3,5\n2,6,9\n", True),
        ("region,2019,2021,grade\nN,30,40,a\nS,50,60,b\n", True),
        ("store,2019,2020\n1,30,40\n2,50,60\n", True),
        ("N,2001,2002\nS,2003,2004\n", False),
        ("N,2001,2002\nN,900,1100\n", False),
        ("2001,2002\n900,1100\n", False),
        ("x,2024-01-01,3\ny,2024-01-02,4\n", False),
    ],
)
def test_years_and_months_above_numbers_are_names(read, text, named):
    assert read(text).has_header is named


def test_a_text_longer_than_the_limit_of_csv(read):
    rows = [f'"{"word, " * (30_000 if i == 5 else 8)}{i}",{"ab"[i % 2]}' for i in range(60)]
    frame = read("text,y\n" + "\n".join(rows) + "\n").frame
    assert frame["text"].str.len_chars().max() > 180_000
    assert [c.kind for c in infer_columns(frame, target="y")] == ["text", "categorical"]


def test_an_inch_mark_guards_nothing():
    text = "size,price\n" + '27" monitor,5\n' * 3
    assert not delimited_rows._guarded(np.frombuffer(text.encode(), np.uint8), ",")
    frame, *_ = parse(text, "t.csv", None)
    assert frame["size"].to_list() == ['27" monitor'] * 3
