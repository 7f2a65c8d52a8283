"""D1: any bytes end in a frame, or in a DataError that names file, row, column, what was found, what to do."""

import numpy as np
import pytest

from whorl.codecs.frame import Frame
from whorl.data.csv_source import parse_csv
from whorl.errors import ArgumentError, DataError
from whorl.plans.table import Table

PLAIN = "date,load\n2016-07-01,1.5\n2016-07-02,2.5\n"


def read(data: str | bytes, **options: object) -> Frame:
    raw = data.encode() if isinstance(data, str) else data
    return parse_csv(raw, "load.csv", Table(**options))  # type: ignore[arg-type]


def refusal(data: str | bytes, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        read(data, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-32"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace(",", "|").encode(),
        PLAIN.replace(",", "   ").encode(),
        PLAIN.replace("2016-07-01", '"2016-07-01"').encode(),
        PLAIN.replace(",", " , ").encode(),
        PLAIN.rstrip("\n").encode(),
        PLAIN.replace("\n", "\n\n").encode(),
    ],
)
def test_a_table_is_the_same_in_every_encoding_line_end_and_delimiter(data: bytes) -> None:
    frame = read(data)
    assert list(frame.columns) == ["date", "load"]
    assert frame["date"].tolist() == ["2016-07-01", "2016-07-02"]
    assert frame["load"].tolist() == [1.5, 2.5]


def test_latin_1_is_read_when_the_bytes_are_not_utf_8() -> None:
    assert read("stadt,wert\nKöln,1\n".encode("latin-1"))["stadt"].tolist() == ["Köln"]


def test_rows_are_numbered_as_lines_of_the_file() -> None:
    assert read("a,b\n1,2\n\n3,4\n").rows.tolist() == [2, 4]
    assert read('a,b\n"x\ny",2\nz,4\n').rows.tolist() == [2, 4]
    assert read("1,2\n3,4\n").rows.tolist() == [1, 2]


def test_a_first_row_of_numbers_and_dates_is_data() -> None:
    frame = read("2016-07-01,1\n2016-07-02,2\n")
    assert list(frame.columns) == ["c0", "c1"]
    assert len(frame) == 2


def test_an_empty_cell_and_a_word_for_missing_are_nan() -> None:
    frame = read("a,b\n1,NA\n,x\n3,y\n")
    assert np.isnan(frame["a"][1])
    assert frame["b"].tolist() == [None, "x", "y"]
    assert read("a\n1\n\n3\n")["a"].tolist()[::2] == [1.0, 3.0]
    assert len(read("a\n1\n\n3\n")) == 3


def test_one_text_cell_makes_a_column_text_until_its_kind_is_known() -> None:
    assert read("a\n1\nx\n")["a"].tolist() == ["1", "x"]


@pytest.mark.parametrize("cell", ["1_000", "١٢", "nan(1)", "0x10", "1,5", "--1"])
def test_what_only_python_calls_a_number_is_text(cell: str) -> None:
    assert read(f"a;b\n{cell};1\n2;2\n", missing=())["a"].dtype == object


def test_a_kind_of_category_keeps_the_spelling() -> None:
    assert read("store,y\n007,1\n7,2\n", kinds={"store": "category"})["store"].tolist() == ["007", "7"]


def test_a_header_without_a_name_takes_its_place_as_name() -> None:
    assert list(read(",y\nu,1\n").columns) == ["c0", "y"]


@pytest.mark.parametrize("data", [b"", b"  \n\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file_is_refused(data: bytes) -> None:
    assert "load.csv is empty" in refusal(data)


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        ("date,load\n", ["load.csv", "column names but no rows", "at least one row"]),
        ('"date","load"\n', ["load.csv", "column names but no rows"]),
        ("a,b\n1,2\n3\n", ["load.csv, row 3", "first (2)", "has 1", "--delimiter"]),
        ("a,b\n1,2\n3,4,5\n", ["load.csv, row 3", "has 3", "Correct the row"]),
        ('a,b\n"1",2\n3,4,5\n', ["load.csv, row 3", "has 3"]),
        ("a,b,a\n1,2,3\n", ["load.csv, row 1", "'a'", "columns 1 and 3", "Rename"]),
        ("a,b\n1,\x002\n", ["load.csv, row 2", "NUL byte"]),
        ("a,b\n1,2\n3,\x07\n", ["load.csv, row 3", "control character"]),
        ('a,b\n1,"2\n3,4\n', ["load.csv, row 2", "quoted cell", "Close the quote"]),
        ('a,b\n1,"2"x\n', ["load.csv, row 2", "quoted cell"]),
        (b"\x89PNG\r\n\x1a\n\x00\x00", ["load.csv, row 2", "control character", "Parquet"]),
    ],
)
def test_a_broken_file_is_refused_with_the_place_and_the_way_out(data: str | bytes, parts: list[str]) -> None:
    message = refusal(data)
    for part in parts:
        assert part in message


def test_bytes_that_are_not_of_the_named_encoding_are_refused() -> None:
    message = refusal("a,b\n1,é\n".encode("latin-1"), encoding="utf-8")
    assert "row 2" in message
    assert "--encoding" in message
    assert "encoding" in refusal(PLAIN, encoding="klingon")


def test_a_delimiter_of_two_characters_is_an_argument_error() -> None:
    with pytest.raises(ArgumentError, match="`delimiter` is one character"):
        read(PLAIN, delimiter="::")
