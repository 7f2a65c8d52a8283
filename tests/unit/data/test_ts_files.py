"""The .ts files of aeon and sktime: a header that is believed and checked, then one case a line."""

from pathlib import Path

import numpy as np
import pytest

from whorl.data.arrays import Arrays, read_arrays
from whorl.errors import DataError

HEADER = """# Über two cases
@problemName Tiny Problem
@timeStamps false
@missing false
@univariate false
@dimensions 2
@equalLength true
@seriesLength 3
@classLabel true up down

@data
"""
CASES = "1,2,3:4,5,6:up\n7,8,9:-1,.5,1e2:down\n"


def read(path: Path, text: str | bytes) -> Arrays:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    arrays = read_arrays(path)
    assert arrays is not None
    return arrays


@pytest.mark.parametrize(
    "text",
    [
        HEADER + CASES,
        "\ufeff\n" + HEADER + CASES,
        (HEADER + CASES).replace("\n", "\r\n"),
        HEADER + CASES.rstrip("\n"),
        HEADER + "# between\n\n" + CASES.replace(",", " , ").replace(":", " : "),
        HEADER.replace("@dimensions 2\n", "").replace("@seriesLength 3\n", "") + CASES,
        HEADER.replace("@dimensions", "@dimension").replace("true", "TRUE").replace("@classLabel", "@ClassLabel")
        + CASES,
        HEADER.replace("true up down", "true") + CASES,
        HEADER.replace("@equalLength true", "@equalLength false") + CASES,
    ],
)
def test_dimensions_stand_between_colons_and_the_label_last(tmp_path: Path, text: str) -> None:
    arrays = read(tmp_path / "a.ts", text)
    assert isinstance(arrays.x, np.ndarray)
    assert isinstance(arrays.y, np.ndarray)
    assert arrays.x.tolist() == [[[1, 4], [2, 5], [3, 6]], [[7, -1], [8, 0.5], [9, 100]]]
    assert arrays.y.tolist() == ["up", "down"]
    assert arrays.origin == "a.ts"


def test_cases_of_several_lengths_are_a_list_and_what_is_missing_stays(tmp_path: Path) -> None:
    header = HEADER.replace("@equalLength true", "@equalLength false").replace("@seriesLength 3\n", "")
    arrays = read(tmp_path / "a.ts", header + "1,?:NaN,2:up\n3:4:down\n")
    assert isinstance(arrays.x, list)
    assert [x.shape for x in arrays.x] == [(2, 2), (1, 2)]
    assert np.isnan(arrays.x[0]).tolist() == [[False, True], [True, False]]


def test_classes_that_are_whole_numbers_are_numbers_in_every_file_of_the_problem(tmp_path: Path) -> None:
    numbers = HEADER.replace("up down", "1 -2 30")
    assert read(tmp_path / "a.ts", numbers + "1,2,3:4,5,6:30\n").y.tolist() == [30.0]  # type: ignore[union-attr]
    for names in ("1 2 other", "01 02 1", "1.0 2.0 1", "1 1234567890123456789"):
        arrays = read(tmp_path / "a.ts", HEADER.replace("up down", names) + "1,2,3:4,5,6:1\n")
        assert arrays.y.tolist() == ["1"]  # type: ignore[union-attr]


def test_targets_are_numbers_and_may_be_missing(tmp_path: Path) -> None:
    header = HEADER.replace("@classLabel true up down", "@targetLabel true")
    arrays = read(tmp_path / "a.ts", header + "1,2,3:4,5,6:2.5\n1,2,3:4,5,6:?\n")
    assert isinstance(arrays.y, np.ndarray)
    assert arrays.y[0] == 2.5
    assert np.isnan(arrays.y[1])


def test_files_without_labels_are_series_alone(tmp_path: Path) -> None:
    for line in ("@classLabel false", "@targetLabel false"):
        arrays = read(tmp_path / "a.ts", HEADER.replace("@classLabel true up down", line) + "1,2,3:4,5,6\n")
        assert arrays.y is None
    one = "@univariate true\n@classLabel false\n@data\n1,2,3\n4\n"
    assert read(tmp_path / "a.ts", one).lengths.tolist() == [3, 1]


def test_a_huge_line_is_read(tmp_path: Path) -> None:
    values = ",".join(["1.25"] * 100_003)
    text = HEADER.replace("@seriesLength 3\n", "") + f"{values}:{values}:up\n"
    assert read(tmp_path / "a.ts", text).x[0].shape == (100_003, 2)


def test_a_file_that_begins_otherwise_is_left_to_the_table_reader(tmp_path: Path) -> None:
    for text in ("a,b\n1,2\n", "", "# a comment\n1,2\n"):
        (tmp_path / "a.ts").write_text(text)
        assert read_arrays(tmp_path / "a.ts") is None
    assert read_arrays(tmp_path / "no.ts") is None
    (tmp_path / "a.csv").write_text(HEADER + CASES)
    assert read_arrays(tmp_path / "a.csv") is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "@timeStamps false",
            "@timeStamps true",
            r"a\.ts: the series have timestamps.*@timeStamps false, or make a table",
        ),
        ("1,2,3:", "(0,1),(1,2):", r"a\.ts, line 12: the series have timestamps"),
        ("@missing", "@missin", r"line 4: .* starts with '@missin'\. Did you mean '@missing'\? Correct or drop"),
        ("@data\n", "", r"line 11: the lines before @data are .* starts with '1,2,3:4,5,6:up'"),
        ("@data\n" + CASES, "", r"a\.ts has no line @data"),
        (CASES, "\n# none\n", r"a\.ts has no cases after @data"),
        ("@missing", "@problemName", r"line 4: @problemName comes twice"),
        ("@univariate false", "@univariate maybe", r"a\.ts: @univariate is true or false, but is 'maybe'"),
        ("@univariate false", "@univariate true", r"@univariate true is one dimension, but @dimensions is 2"),
        ("@dimensions 2", "@dimensions two", r"@dimensions is a whole number, at least 1, but is 'two'"),
        ("@dimensions 2", "@dimensions 0", r"@dimensions is a whole number, at least 1, but is '0'"),
        ("@dimensions 2", "@dimensions 3", r"line 12: every case has 3 dimensions and a label .* has 2 dimensions"),
        ("@classLabel true up down", "", r"the header must say whether the last field of a case is its label\. Add"),
        ("@classLabel true up down", "@classLabel", r"@classLabel is true or false, but is ''"),
        ("@missing false", "@targetLabel true", r"@classLabel and @targetLabel are both true"),
        ("@classLabel true up down", "@targetLabel true", r"line 12: the target is a number, but is 'up'"),
        ("@univariate false", "@dimension 2", r"line \d+: @dimensions comes twice"),
        (":down", ":dwn", r"line 13: the label is one of those in @classLabel, but is 'dwn'\. Did you mean 'down'\?"),
        (":down", ":", r"line 13: the label of a case is missing"),
        (":down", "", r"line 13: the label is one of those"),
        ("7,8,9:", "7,8,9:1,2,3:", r"line 13: every case has 2 dimensions and a label .* has 3 dimensions"),
        ("7,8,9:", "", r"line 13: .* has 1 dimension\. Correct the line"),
        ("7,8,9:", "7,8:", r"line 13, dimension 2: .* has 3 values and the first has 2\. Write \?"),
        (
            "7,8,9:-1,.5,1e2",
            "7,8:-1,.5",
            r"line 13: @equalLength says that every series has 3 values, .* has 2\. Correct",
        ),
        ("@seriesLength 3", "@seriesLength 4", r"line 12: @equalLength .* 4 values, but this one has 3"),
        (".5", "x", r"line 13, dimension 2, column 2: a series holds numbers, but here is 'x'"),
        (".5", "", r"line 13, dimension 2, column 2: .* here is ''"),
        (".5", "inf", r"line 13, dimension 2, column 2: values are finite"),
        ("-1,.5,1e2", "", r"line 13, dimension 2, column 1: .* here is ''"),
    ],
)
def test_what_breaks_a_rule_is_named_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in HEADER + CASES
    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.ts", (HEADER + CASES).replace(old, new, 1))


def test_bytes_that_are_not_utf_8_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.ts, line 1: byte 2 \(0xdc\) is not utf-8"):
        read(tmp_path / "a.ts", (HEADER + CASES).encode("latin-1"))


def test_a_tab_may_stand_after_a_word_of_the_header(tmp_path: Path) -> None:
    arrays = read(tmp_path / "a.ts", (HEADER + CASES).replace("@classLabel true", "@classLabel\ttrue"))
    assert isinstance(arrays.y, np.ndarray)
    assert arrays.y.tolist() == ["up", "down"]


def test_a_target_beyond_the_range_of_floats_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 3, target, column 1: values are finite .* this one is inf"):
        read(tmp_path / "a.ts", "@targetLabel true\n@data\n1,2:1e400\n")
