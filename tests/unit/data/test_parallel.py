"""Pairs of texts: equal lines of two files, files of a folder, columns of a table."""

from pathlib import Path

import polars as pl
import pytest

from whorl.data.parallel import Pair, read_pairs
from whorl.errors import ArgumentError, DataError
from whorl.plans.table import Table


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def test_equal_lines_of_two_files_belong_together(tmp_path: Path) -> None:
    one = write(tmp_path / "a.en", "\ufeffone dog\r\n\r\nfour\u2028cats ")
    other = write(tmp_path / "a.de", "ein Hund\n \nvier Katzen für 漢\n")
    assert read_pairs((one, str(other))) == [
        Pair(source="one dog", target="ein Hund", origin="a.en, a.de", row=1),
        Pair(source="four\u2028cats", target="vier Katzen für 漢", origin="a.en, a.de", row=3),
    ]


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        ("a\nb\nc\n", "a\nb", r"a\.en has 3 lines, but a\.de has 2; .* same length"),
        ("a\n", "", r"a\.en has 1 lines, but a\.de has 0"),
        ("", "", r"a\.en and a\.de have no text"),
        ("\n\n", "\n\n", r"a\.en and a\.de have no text"),
        ("a\n\nc", "a\nb\nc", r"a\.en, line 2 is blank, but the same line of a\.de is not\. Fill it, or drop"),
        ("a\nb\nc", "a\nb\n \n", r"a\.de, line 3 is blank, but the same line of a\.en is not"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, one: str, other: str, message: str) -> None:
    paths = (write(tmp_path / "a.en", one), write(tmp_path / "a.de", other))
    with pytest.raises(DataError, match=message):
        read_pairs(paths)


def test_files_of_a_folder_are_paired_by_their_endings_in_name_order(tmp_path: Path) -> None:
    for name in ("val", "train"):
        write(tmp_path / f"{name}.en.txt", f"{name}\n")
        write(tmp_path / f"{name}.de.txt", f"{name} auf Deutsch\n")
    write(tmp_path / "README.md", "no text")
    pairs = read_pairs(tmp_path, source="de.txt", target=".en.txt")
    assert [(pair.source, pair.target) for pair in pairs] == [
        ("train auf Deutsch", "train"),
        ("val auf Deutsch", "val"),
    ]
    assert pairs[0].origin == "train.de.txt, train.en.txt"


def test_a_folder_that_does_not_pair_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.en", "x")
    write(tmp_path / "a.de", "y")
    with pytest.raises(
        DataError, match=r"no files that end in \.source and \.target; its endings are \.de, \.en\. Name"
    ):
        read_pairs(tmp_path)
    write(tmp_path / "b.de", "y")
    with pytest.raises(DataError, match=r"partner with the other ending, but b\.en is not there"):
        read_pairs(tmp_path, source="en", target="de")
    with pytest.raises(DataError, match=r"a\.fr is not there"):
        read_pairs(tmp_path, source="en", target="fr")
    with pytest.raises(DataError, match="is a folder, but a pair of paths names two files"):
        read_pairs((tmp_path, tmp_path / "a.de"))
    with pytest.raises(DataError, match=r"no\.de` is not there"):
        read_pairs((tmp_path / "a.en", tmp_path / "no.de"))


def test_two_columns_of_any_table_are_pairs(tmp_path: Path) -> None:
    rows = [{"source": "a", "target": "7", "x": 1}, {"source": "-", "target": "None", "x": 2}]
    expected = [("a", "7"), ("-", "None")]
    csv = write(tmp_path / "a.csv", "target,x,source\n7,1,a\nNone,2,-\n")
    lines = write(tmp_path / "a.jsonl", '{"source": "a", "target": 7}\n{"source": "-", "target": "None"}\n')
    for data in (rows, pl.DataFrame(rows), csv, str(lines)):
        pairs = read_pairs(data)
        assert [(pair.source, pair.target) for pair in pairs] == expected
    assert [pair.row for pair in read_pairs(csv)] == [2, 3]
    assert read_pairs(lines)[1].origin == "a.jsonl"
    assert read_pairs(csv, source="x", target="target")[0].source == "1"


def test_a_folder_of_tables_names_the_file_of_each_pair(tmp_path: Path) -> None:
    write(tmp_path / "b.tsv", "source\ttarget\nu\tv\n")
    write(tmp_path / "a.csv", "source,target\nx,y\n")
    assert [(pair.origin, pair.source, pair.row) for pair in read_pairs(tmp_path)] == [
        ("a.csv", "x", 2),
        ("b.tsv", "u", 2),
    ]
    write(tmp_path / "b.tsv", "source\ttarget\nu\t\n")
    with pytest.raises(DataError, match=r"row 2 of b\.tsv: column 'target' is empty"):
        read_pairs(tmp_path)


def test_a_missing_cell_or_column_is_named(tmp_path: Path) -> None:
    csv = write(tmp_path / "a.csv", "source,target\nx,y\nz,\n")
    with pytest.raises(DataError, match=r"a\.csv, row 3: column 'target' is empty, but a pair needs both"):
        read_pairs(csv)
    with pytest.raises(DataError, match=r"column `answer` is not in a\.csv"):
        read_pairs(csv, target="answer")
    with pytest.raises(DataError, match="row 2: column 'source' is empty"):
        read_pairs(csv, table=Table(missing=("x",)))
    with pytest.raises(ArgumentError, match="`source` and `target` must differ"):
        read_pairs(csv, source="target")


def test_files_in_latin_1_are_read_on_demand(tmp_path: Path) -> None:
    (tmp_path / "a.de").write_bytes("Köln\n".encode("latin-1"))
    write(tmp_path / "a.en", "Cologne\n")
    paths = (tmp_path / "a.de", tmp_path / "a.en")
    with pytest.raises(DataError, match=r"a\.de, line 1: byte 1 \(0xf6\)"):
        read_pairs(paths)
    assert read_pairs(paths, encoding="latin-1")[0].source == "Köln"
    (tmp_path / "a.csv").write_bytes("source,target\nKöln,Cologne\n".encode("cp1252"))
    with pytest.raises(DataError, match=r"a\.csv, row 2"):
        read_pairs(tmp_path / "a.csv", encoding="utf-8")
    assert read_pairs(tmp_path / "a.csv", encoding="cp1252")[0].source == "Köln"
