"""JSON lines are tables: records of scalars, numbered by their lines."""

import json
from pathlib import Path

import numpy as np
import pytest

from whorl.codecs.frame import Frame
from whorl.data.sources import read_table
from whorl.errors import DataError
from whorl.plans.table import Table


def read(path: Path, data: str | bytes, **options: object) -> Frame:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_table(path, Table(**options))  # type: ignore[arg-type]


def test_numbers_become_numeric_columns_and_text_stays_text(tmp_path: Path) -> None:
    data = '{"y": 1, "name": "7", "on": true}\n{"y": 2.5, "name": "Köln 🙂", "on": false}\n'
    frame = read(tmp_path / "a.jsonl", data)
    assert frame.origin == "a.jsonl"
    assert list(frame.columns) == ["y", "name", "on"]
    assert frame["y"].tolist() == [1.0, 2.5]
    assert frame["y"].dtype == np.float64
    assert frame["name"].tolist() == ["7", "Köln 🙂"]
    assert frame["on"].tolist() == [1.0, 0.0]


def test_a_key_that_a_line_lacks_and_null_and_nan_are_missing(tmp_path: Path) -> None:
    frame = read(tmp_path / "a.ndjson", '{"a": 1}\n{"a": null, "b": "x"}\n{"a": NaN, "b": "NA"}\n{"a": Infinity}')
    assert frame["a"].tolist()[0] == 1.0
    assert np.isnan(frame["a"][1:3]).all()
    assert frame["a"][3] == np.inf
    assert frame["b"].tolist() == [None, "x", None, None]
    with pytest.raises(DataError, match=r"a\.ndjson.*row 4"):
        read_table(tmp_path / "a.ndjson", Table(kinds={"a": "numeric"}))


def test_rows_are_numbered_as_lines_whatever_the_line_ends_and_the_mark_at_the_start(tmp_path: Path) -> None:
    frame = read(tmp_path / "a.jsonl", b'\xef\xbb\xbf\r\n{"a": 1}\r\n\r\n  \r\n{"a": 2}')
    assert frame.rows.tolist() == [2, 5]


def test_a_kind_of_category_and_of_time_is_converted(tmp_path: Path) -> None:
    data = '{"s": 7, "t": "2016-07-01"}\n{"s": 8, "t": "2016-07-02"}\n'
    frame = read(tmp_path / "a.jsonl", data, kinds={"s": "category", "t": "time"})
    assert frame["s"].tolist() == ["7", "8"]
    assert frame["t"].dtype == np.dtype("datetime64[us]")


def test_json_lines_and_csv_files_of_a_folder_become_one_table(tmp_path: Path) -> None:
    (tmp_path / "b.JSONL").write_text('{"y": 3, "x": "u"}\n')
    (tmp_path / "a.csv").write_text("x,y\nv,1\n")
    frame = read_table(tmp_path)
    assert frame["y"].tolist() == [1.0, 3.0]
    assert frame["file"].tolist() == ["a.csv", "b.JSONL"]


def test_a_huge_line_is_read(tmp_path: Path) -> None:
    text = "é" * 2_000_003
    assert read(tmp_path / "a.jsonl", json.dumps({"x": text}))["x"].tolist() == [text]


def test_an_encoding_is_used_when_it_is_named(tmp_path: Path) -> None:
    data = '{"stadt": "Köln"}'.encode("latin-1")
    assert read(tmp_path / "a.jsonl", data, encoding="latin-1")["stadt"].tolist() == ["Köln"]
    with pytest.raises(DataError, match=r"a\.jsonl, line 1: byte 12 \(0xf6\) is not utf-8"):
        read(tmp_path / "a.jsonl", data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "a.jsonl is empty"),
        ("\n \n", "a.jsonl is empty"),
        ("{}\n{}\n", "no rows of data"),
        (
            '{"a": 1}\n\n{"a": {"b": 2}}',
            r"line 3: key 'a' must hold a number, text or null, but holds an object\. Give",
        ),
        ('{"a": 1}\n{"turns": ["x"]}', "line 2: key 'turns' .* holds a list"),
        ('[{"a": 1}]', r'line 1: every line of a table is an object .* this one is a list\. Write \{"column"'),
        ('{"a": 1}\n"x"', "line 2: .* this one is text"),
        ("7", "line 1: .* this one is a number"),
        ("true", "line 1: .* this one is true or false"),
        ("null", "line 1: .* this one is null"),
        ('{"a": 1,\n"b": 2}', "line 1, column 9: this is not JSON .* one whole value on each line"),
        ('{"a": 1} {"a": 2}', r"line 1, column 10: this is not JSON \(Extra data\)"),
        ('{"a": 1}\n{"b": 1, "a": 1, "a": 2}', "line 2: key 'a' comes twice"),
        ('{"a": "\\ud83d"}', "line 1: an escape .* stands alone"),
        ('{"a": ' + "[" * 100_000, "line 1: .* nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "line 1: a whole number has too many digits"),
        ('{"a": ' + "9" * 400 + "}", "line 1: key 'a' holds a whole number of 1329 bits, beyond the range"),
        ('{"\\ud800": 1, "b": 1, "\\ud800": 2}', r"line 1: key '\\ud800' comes twice"),
        ('{"a": "\\u0000"}\n{"a"\0: 1}', "line 2: found a NUL byte"),
    ],
)
def test_a_broken_line_is_refused_with_its_place_and_the_way_out(tmp_path: Path, data: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.jsonl", data)


def test_a_pair_of_escapes_is_a_character(tmp_path: Path) -> None:
    assert read(tmp_path / "a.jsonl", '{"a": "\\ud83d\\ude42"}')["a"].tolist() == ["🙂"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.jsonl` is not there"):
        read_table(tmp_path / "no.jsonl")
