"""Sources with their texts: lists, tables, files of numbered lines, folders."""

import json

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save

from whorl.data.described import Where, bare, described, first_source
from whorl.data.media import mediums
from whorl.data.media_guess import medium_of
from whorl.errors import DataError
from whorl.plans.table import Table


@pytest.fixture
def folder(tmp_path):
    """Two files of features below a folder, and a table of their captions beside it."""
    (tmp_path / "grids").mkdir()
    for name in ("a", "ü"):
        np.save(tmp_path / "grids" / f"{name}.npy", np.ones((2, 3), np.float32))
    (tmp_path / "captions.csv").write_text("file,said\na.npy,one\nü.npy,NA\na.npy,None\n", encoding="utf-8")
    return tmp_path


def where(column="file", targets=("said",), medium="features"):
    return Where(mediums.get(medium), column, targets, Table())


def test_rows_of_one_path_belong_together_and_paths_start_at_the_table_or_at_a_folder_beside_it(folder):
    for data, column in ((folder / "captions.csv", "file"), (str(folder), None)):
        found = described(data, where(column))
        assert [(one.name, one.texts) for one in found] == [("a.npy", ("one", "None")), ("ü.npy", ("NA",))]
        assert [one.cell for one in found] == [folder / "grids" / "a.npy", folder / "grids" / "ü.npy"]
    for data in (folder / "captions.csv", str(folder)):
        assert [one.cell for one in bare(data, where())] == [folder / "grids" / "a.npy", folder / "grids" / "ü.npy"]
        assert [one.texts for one in bare(data, where(None))] == [(), ()]


def test_several_columns_of_texts_are_several_texts_and_empty_cells_are_none(folder):
    (folder / "t.jsonl").write_text(json.dumps({"file": "grids/a.npy", "x": "one", "y": None}) + "\n")
    assert described(folder / "t.jsonl", where(targets=("x", "y")))[0].texts == ("one",)
    with pytest.raises(DataError, match=r"'grids/a.npy' has no text in 'y'"):
        described(folder / "t.jsonl", where(targets=("y",)))


def test_lines_of_numbered_texts_are_read_and_a_bad_one_is_named(tmp_path):
    path = tmp_path / "Flickr.token.txt"
    path.write_text("a.jpg#0\tA dog .\na.jpg#1\tTwo dogs .\n\nb.jpg#0\tA cat .\n")
    found = described(path, where(medium="image"))
    assert [(one.name, one.texts) for one in found] == [("a.jpg", ("A dog .", "Two dogs .")), ("b.jpg", ("A cat .",))]
    assert medium_of(first_source(path, None, Table()), Table()) == "image"
    path.write_text("a.jpg#0\tA dog .\nb.jpg 0 A cat\n")
    with pytest.raises(DataError, match=r"line 2 is 'b.jpg 0 A cat'"):
        described(path, where(medium="image"))


def test_arrays_and_files_of_arrays_come_with_lists_of_texts(tmp_path):
    x = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    np.save(tmp_path / "x.npy", x)
    for sources in (x, list(x), tmp_path / "x.npy"):
        found = described((sources, ["one", ["two", "three"]]), where(None))
        assert [one.texts for one in found] == [("one",), ("two", "three")]
        assert all(np.array_equal(one.cell, own) for one, own in zip(found, x, strict=True))
    assert len(bare(x, where(None))) == len(bare(list(x), where(None))) == 2


def test_texts_of_a_path_that_a_list_names_several_times_belong_together_and_each_of_a_list_is_answered(folder):
    first, second = (folder / "grids" / f"{name}.npy" for name in ("a", "ü"))
    found = described(([first, str(second), str(first)], ["one", ["two", " "], ["three", "four"]]), where(None))
    assert [(one.cell, one.texts) for one in found] == [(first, ("one", "three", "four")), (second, ("two",))]
    assert [one.cell for one in bare([first, second, first], where(None))] == [first, second, first]


@pytest.mark.parametrize("read", [described, bare, lambda path, _: first_source(path, None, Table())])
@pytest.mark.parametrize(("path", "message"), [("nowhere.csv", "is not there"), ("a" * 5000, "cannot be read")])
def test_a_path_that_is_none_is_told(read, path, message):
    with pytest.raises(DataError, match=message):
        read(path, where())


def test_columns_of_a_frame_are_sources_and_texts(folder):
    frame = pl.DataFrame({"file": [str(folder / "grids" / "a.npy")] * 2, "said": ["one", "two"]})
    for columns in ((frame["file"], frame["said"]), (frame["file"].to_list(), tuple(frame["said"]))):
        ((_, cell, texts),) = described(columns, where(None))
        assert (cell, texts) == (folder / "grids" / "a.npy", ("one", "two"))


def test_arrays_of_a_safetensors_file_are_sources_in_the_order_of_their_names(tmp_path):
    from safetensors.numpy import save_file

    save_file({"b": np.ones((2, 3), np.float32), "a": np.zeros((1, 3), np.float32)}, tmp_path / "x.safetensors")
    assert [one.cell.shape for one in bare(tmp_path / "x.safetensors", where(None))] == [(1, 3), (2, 3)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((np.zeros((2, 1, 3)), ["one"]), "there are 2 sources, but 1 texts"),
        ((np.zeros((1, 1, 3)), [[]]), "the texts of source '0' are one text or a list"),
        ((np.zeros((1, 1, 3)), [["", " "]]), "source '0' has no text"),
        ((np.zeros((1, 1, 3)), [7]), "the texts of source '0' are one text or a list"),
        (([7], ["one"]), "sources are a list of files of features"),
    ],
)
def test_what_does_not_belong_together_is_refused(data, message):
    with pytest.raises(DataError, match=message):
        described(data, where(None))


def test_a_folder_with_two_tables_has_to_be_told_which(folder):
    (folder / "other.csv").write_text("file,said\na.npy,one\n")
    with pytest.raises(DataError, match=r"these could be it: captions.csv, other.csv"):
        described(folder, where())


@pytest.mark.parametrize("damage", ["empty", "cut", "pickle", "huge", "text", "version"])
@pytest.mark.parametrize("ending", [".npy", ".safetensors"])
def test_damaged_files_of_arrays_end_in_a_data_error(tmp_path, damage, ending):
    from safetensors.numpy import save_file

    path = tmp_path / f"x{ending}"
    if ending == ".npy":
        np.save(path, np.ones((2, 4, 3), np.float32))
    else:
        save_file({"a": np.ones((4, 3), np.float32)}, path)
    good = path.read_bytes()
    if damage == "pickle" and ending == ".npy":
        np.save(path, np.array([[{}, 1]], object), allow_pickle=True)
    else:
        huge = good.replace(b"(2, 4, 3)", b"(9999999, 4, 3)").replace(b"[4,3]", b"[4000000000,3]")
        made = {
            "empty": b"",
            "cut": good[:-9],
            "huge": huge,
            "text": b"a,b\n1,2\n",
            "version": good[:6] + b"\x09" + good[7:],
        }
        path.write_bytes(made.get(damage, good[:50]))
    with pytest.raises(DataError):
        bare(path, where(None))[0].cell if ending == ".safetensors" else mediums.get("features").open(path, None)


def test_sources_of_a_safetensors_file_are_called_by_their_names_in_the_order_of_their_numbers(tmp_path):
    path = tmp_path / "grids.safetensors"
    path.write_bytes(save({str(n): np.full((2, 3), n, np.float32) for n in range(12)}))
    texts = [f"text {n}" for n in range(12)]
    found = described((path, texts), where())
    assert [(one.name, one.cell[0, 0], one.texts) for one in found] == [
        (str(n), n, (text,)) for n, text in enumerate(texts)
    ]
    assert [(one.name, one.cell[0, 0]) for one in bare(path, where())] == [(str(n), n) for n in range(12)]
