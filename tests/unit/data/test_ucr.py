"""Files of the UCR archive: one series a line, its label first; never taken for one where columns are named."""

from pathlib import Path

import numpy as np
import pytest

import whorl
from whorl.data.arrays import Arrays, read_arrays, series_frame
from whorl.data.sources import read_table
from whorl.data.ucr import is_ucr
from whorl.errors import DataError

PLAIN = "1\t0.5\t-1e-1\t3\n-1\t4\t5\t6\n"


def read(path: Path, text: str | bytes) -> Arrays:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    arrays = read_arrays(path, labelled=True)
    assert arrays is not None
    return arrays


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.rstrip("\n"),
        "\n" + PLAIN.replace("\n", "\n\n"),
        PLAIN.replace("\t", ","),
        PLAIN.replace("\t", " , "),
        PLAIN.replace("\t", ";"),
        PLAIN.replace("\t", "   "),
        "  1.0000000e+00   5.0e-01  -1.0e-01 3\n -1.0000000e+00 4. 5 6\n",
    ],
)
@pytest.mark.parametrize("name", ["a.tsv", "a.TXT"])
def test_the_first_column_is_the_label_and_the_others_are_the_series(tmp_path: Path, name: str, text: str) -> None:
    arrays = read(tmp_path / name, text)
    assert isinstance(arrays.x, np.ndarray)
    assert isinstance(arrays.y, np.ndarray)
    assert arrays.x.shape == (2, 3, 1)
    assert arrays.x[:, :, 0].tolist() == [[0.5, -0.1, 3.0], [4.0, 5.0, 6.0]]
    assert arrays.y.tolist() == [1.0, -1.0]
    assert arrays.origin == name


def test_missing_values_at_the_end_are_no_part_of_a_series(tmp_path: Path) -> None:
    arrays = read(tmp_path / "a.tsv", "1\t0\tNaN\t2\tNaN\tnan\n2\t?\t1\t2\t3\t\n")
    assert isinstance(arrays.x, list)
    assert arrays.lengths.tolist() == [3, 4]
    assert np.isnan(arrays.x[0][1, 0])
    assert np.isnan(arrays.x[1][0, 0])
    all_short = read(tmp_path / "a.tsv", "1\t0\tNaN\n2\t1\tNaN\n")
    assert isinstance(all_short.x, np.ndarray)
    assert all_short.x.shape == (2, 1, 1)


def test_a_huge_line_is_read(tmp_path: Path) -> None:
    arrays = read(tmp_path / "a.tsv", "3\t" + "\t".join(["1.25"] * 200_003) + "\n")
    assert arrays.lengths.tolist() == [200_003]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", PLAIN.replace("\t", ",")),
        ("a.tsv", "label\tt0\tt1\n" + PLAIN),
        ("a.tsv", "1\t2\n3\t4\n"),
        ("a.tsv", "0.5\t1\t2\n"),
        ("a.tsv", "2016-07-01\t1\t2\n"),
        ("a.tsv", "1\t2016-07-01\t2\n"),
        ("a.tsv", "1\tx\t2\n"),
        ("a.tsv", ""),
        ("a.txt", "To be, or not to be"),
        ("a.tsv", "\xff\xfe\x00"),
        ("a.tsv", "99999999999999999999\t1\t2\n"),
        ("a.tsv", "inf\t1\t2\n"),
        ("a.tsv", "\t1\t2\n"),
    ],
)
def test_what_does_not_begin_as_such_a_file_is_left_to_the_table_reader(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "latin-1")
    assert read_arrays(tmp_path / name, labelled=True) is None
    assert not is_ucr(tmp_path / name)


def test_a_file_that_is_not_there_and_a_folder_are_left_to_the_table_reader(tmp_path: Path) -> None:
    assert read_arrays(tmp_path / "no.tsv", labelled=True) is None
    assert read_arrays(tmp_path, labelled=True) is None
    (tmp_path / "folder.tsv").mkdir()
    assert read_arrays(tmp_path / "folder.tsv", labelled=True) is None
    assert read_arrays("nul\0.tsv", labelled=True) is None


def test_a_headerless_table_of_numbers_stays_a_table_unless_labels_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("".join(f"{n}\t{n % 5}\t{n % 3}\n" for n in range(40)))
    assert read_arrays(path) is None
    assert series_frame(path) is None
    assert list(read_table(path).columns) == ["c0", "c1", "c2"]
    model = whorl.Forecaster(target="c1", horizon=2, context=5, training=whorl.Training(epochs=1, seed=0)).fit(path)
    assert model.predict(path).value.shape == (1, 2, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PLAIN + "1\t2\t3\n", r"a\.tsv, line 3: every line has as many cells as the first \(4\), .* has 3 .*Write NaN"),
        (PLAIN + "\n1 2 3 4\n", r"a\.tsv, line 4: .* has 1 \(delimiter '\\t'\)"),
        (PLAIN + "a\t2\t3\t4\n", r"line 3, column 1: the label of a series is a whole number, but is 'a'"),
        (PLAIN + "1.5\t2\t3\t4\n", r"line 3, column 1: .* '1\.5'\. Correct it, or give the file a header"),
        (PLAIN + "\t2\t3\t4\n", r"line 3, column 1: .* is ''"),
        (PLAIN + "1\t2\tx y\t4\n", r"line 3, column 3: a series holds numbers, but here is 'x y'\. Write a number"),
        (PLAIN + "1\t2\t1_0\t4\n", r"line 3, column 3: .* '1_0'"),
        (PLAIN + "1\t2\t١\t4\n", r"line 3, column 3"),
        (PLAIN + "1\t2\t3\t-inf\n", r"line 3, column 4: values are finite .* is -inf\. Write NaN"),
        (PLAIN + "1\t1e39\t3\t4\n", r"line 3, column 2: .* within 3\.4e38"),
        (PLAIN + "1\tNaN\t\t?\n", r"line 3: a series needs at least one value"),
        (PLAIN.encode() + b"1\t2\t\xff\t3\n", r"a\.tsv, line 3: byte 27 \(0xff\) is not utf-8"),
    ],
)
def test_a_broken_line_is_named_by_line_and_column(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.tsv", text)
