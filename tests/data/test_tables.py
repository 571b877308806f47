"""Reading tables: delimiters, headers, encodings, types, and the wording of errors."""

import gzip
import re

import numpy as np
import polars as pl
import pytest

from jindan.data import read_table, resolve_column
from jindan.errors import FileError, InputError, UnknownNameError


def write(tmp_path, text, name="t.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_and_line_ends(tmp_path, delimiter, end):
    text = end.join(delimiter.join(row) for row in [("a", "b"), ("1", "2.5"), ("3", "4")]) + end
    table = read_table(write(tmp_path, text))
    assert table.frame.to_dict(as_series=False) == {"a": [1, 3], "b": [2.5, 4.0]}
    assert table.has_header
    assert table.name == "t"


def test_decimal_comma_and_thousands(tmp_path):
    assert read_table(write(tmp_path, "a;b\n1,5;x\n2,25;y\n")).frame["a"].to_list() == [1.5, 2.25]
    assert read_table(write(tmp_path, 'a,b\n"1,500",x\n20,y\n')).frame["a"].to_list() == [1500, 20]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "euc-kr", "utf-16"])
def test_korean_encodings(tmp_path, encoding):
    table = read_table(write(tmp_path, "이름,몸무게(kg)\n홍길동,70.5\n성춘향,52\n", encoding=encoding))
    assert table.columns == ("이름", "몸무게(kg)")
    assert table.frame["이름"].to_list() == ["홍길동", "성춘향"]


def test_western_encoding(tmp_path):
    table = read_table(write(tmp_path, "nom,prix\ncafé,1\nthé,2\n", encoding="cp1252"))
    assert table.frame["nom"].to_list() == ["café", "thé"]


def test_quotes_with_delimiters_and_new_lines(tmp_path):
    table = read_table(write(tmp_path, 'a,b\n"x, y",1\n"two\nlines",2\n"say ""hi""",3\n'))
    assert table.frame["a"].to_list() == ["x, y", "two\nlines", 'say "hi"']


def test_stray_quote_does_not_swallow_lines(tmp_path):
    table = read_table(write(tmp_path, 'a\tb\n"open\t1\nx\t2\n'))
    assert table.height == 2


def test_one_column_of_text_with_commas(tmp_path):
    table = read_table(write(tmp_path, "text\nhello, world\nbye\n"))
    assert table.frame.to_dict(as_series=False) == {"text": ["hello, world", "bye"]}


def test_missing_tokens(tmp_path):
    table = read_table(write(tmp_path, "a,b,c\n1,x,+\n?,NA,-\nnan,,+\n-,None,-\n"))
    assert table.frame["a"].to_list() == [1, None, None, None]
    assert table.frame["b"].to_list() == ["x", None, None, None]
    assert table.frame["c"].to_list() == ["+", "-", "+", "-"]


def test_types(tmp_path):
    table = read_table(write(tmp_path, "i,f,e,b,s,code\n1,1.0,1e3,True,x,007\n2,2.5,-inf,false,1x,010\n"))
    assert [str(d) for d in table.frame.dtypes] == ["Int64", "Float64", "Float64", "Boolean", "String", "String"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("1,2\n3,4\n", False),
        ("a,b\n1,2\n", True),
        ("p,x,s\np,y,s\ne,x,t\n", False),
        ("kind,shape\np,x\ne,y\n", True),
        ("label,0,1,2\n5,0.5,1,9\n3,1,4,4\n", True),
        ("2020-01-01,x\n2020-01-02,x\n", False),
        ("1.5,g\n2.5,b\n", False),
        ("5.0\n", False),
    ],
)
def test_header_is_recognised(tmp_path, text, named):
    assert read_table(write(tmp_path, text)).has_header is named


def test_header_can_be_said(tmp_path):
    path = write(tmp_path, "1,2\n3,4\n")
    assert read_table(path, header=True).columns == ("1", "2")
    assert read_table(write(tmp_path, "a,b\n1,2\n"), header=False).columns == ("column_0", "column_1")


def test_gz_parquet_and_memory(tmp_path):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    frame = pl.DataFrame({"a": [1], "b": [2]})
    frame.write_parquet(tmp_path / "t.parquet")
    for source in (tmp_path / "t.csv.gz", tmp_path / "t.parquet", frame, {"a": [1], "b": [2]}):
        assert read_table(source).frame.equals(frame)
    assert read_table(tmp_path / "t.csv.gz").name == "t"
    assert read_table(np.array([[1, 2]])).columns == ("column_0", "column_1")
    assert read_table(np.array([["1", "x"]])).frame.row(0) == (1, "x")
    assert read_table({"a": [1.0, float("nan")]}).frame["a"].null_count() == 1
    mixed = read_table(np.array([[1, "x"], [2.5, None]], dtype=object)).frame
    assert mixed.to_dict(as_series=False) == {"column_0": [1.0, 2.5], "column_1": ["x", None]}


def test_pandas():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1.0, None], "b": pd.Categorical(["x", None]), "d": pd.to_datetime(["2020-01-01"] * 2)})
    table = read_table(frame)
    assert table.frame.to_dict(as_series=False)["b"] == ["x", None]
    assert table.frame["a"].to_list() == [1.0, None]
    assert table.frame["d"].dtype.is_temporal()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", "", "The file is empty."),
        ("t.csv", " \n\n", "The file is empty."),
        ("t.csv", ",,,\n", "The file is empty."),
        ("t.csv", "a,b\n", "The file has a header and no rows."),
        ("t.csv", b"\x89PNG\r\n\x1a\n\x00\x00", "The file holds binary data"),
        ("t.xlsx", b"PK\x03\x04", r"Files of type .xlsx cannot be read"),
        ("t.csv", b"PK\x03\x04\x00\x00", "Save the sheet as CSV first"),
        ("t.csv.gz", b"\x1f\x8b\x08broken", "The compressed file is damaged"),
        ("t.parquet", b"nothing", "The Parquet file cannot be read"),
    ],
)
def test_bad_files(tmp_path, name, content, words):
    with pytest.raises(FileError, match=words):
        read_table(write(tmp_path, content, name))


def test_missing_file_and_folder(tmp_path):
    write(tmp_path, "a\n1\n", "iris.csv")
    with pytest.raises(FileError, match=re.escape("Did you mean `iris.csv`?")):
        read_table(tmp_path / "iriss.csv")
    with pytest.raises(FileError, match=r"A folder was given.*\n(.*\n)*.*It holds: iris.csv"):
        read_table(tmp_path)


@pytest.mark.parametrize("rows", ["1,2\n3\n", "1,2\n3,4,5\n"])
def test_ragged_rows(tmp_path, rows):
    with pytest.raises(InputError) as caught:
        read_table(write(tmp_path, "a,b\n" + rows))
    assert "line 3" in str(caught.value)
    assert "expected: 2 fields" in str(caught.value)
    assert "received: " + ("1 field:" if rows.endswith("3\n") else "3 fields:") in str(caught.value)


def test_duplicate_names(tmp_path):
    with pytest.raises(InputError, match=r"Two columns have the same name(.|\n)*'a' at positions 0, 2(.|\n)*Rename"):
        read_table(write(tmp_path, "a,b,a\n1,2,3\n"))


def test_bad_memory():
    with pytest.raises(InputError, match="different lengths"):
        read_table({"a": [1], "b": [1, 2]})
    with pytest.raises(InputError, match="rows and columns"):
        read_table(np.zeros(3))
    with pytest.raises(InputError, match="The table is empty"):
        read_table({})


def test_resolve_column():
    table = read_table({"species": ["a"], "7": [1], "x": [2]})
    assert resolve_column(table, "7") == "7"
    assert resolve_column(table, -1) == "x"
    assert resolve_column(table, "0") == "species"
    with pytest.raises(UnknownNameError, match="Did you mean `species`"):
        resolve_column(table, "specis")
    with pytest.raises(InputError, match="a position from -3 to 2"):
        resolve_column(table, "3")


def test_shared_tables(data_set):
    table, target = data_set
    without = {"pima-indians-diabetes", "housing", "sonar", "ionosphere"}
    assert table.has_header is (table.name not in without)
    rows = {"iris": 150, "titanic": 891, "diamonds": 53940, "housing": 506, "sonar": 208, "monthly-sunspots": 2820}
    assert table.height == rows.get(table.name, table.height)
    assert target in table.columns
