"""Whatever a user calls a table becomes the same frame."""

import datetime as dt
import random
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from whorl.codecs.frame import Frame
from whorl.data.sources import read_table
from whorl.errors import DataError, MissingExtraError, ResourceError
from whorl.plans.table import Table

ROWS = [
    {"when": dt.datetime(2016, 7, 1), "load": 1.5, "shop": "a"},
    {"when": dt.datetime(2016, 7, 2), "load": None, "shop": None},
]


def check(frame: Frame) -> None:
    assert list(frame.columns) == ["when", "load", "shop"]
    assert frame["when"].tolist() == [dt.datetime(2016, 7, 1), dt.datetime(2016, 7, 2)]
    assert frame["when"].dtype == np.dtype("datetime64[us]")
    assert frame["load"].dtype == np.float64
    assert frame["load"][0] == 1.5
    assert np.isnan(frame["load"][1])
    assert frame["shop"].tolist() == ["a", None]
    assert frame.rows.tolist() == [0, 1]


def test_records_and_columns_become_one_frame() -> None:
    check(read_table(ROWS))
    check(read_table(tuple(ROWS)))
    check(read_table({name: [row[name] for row in ROWS] for name in ROWS[0]}))


def test_polars_pandas_and_pyarrow_tables_become_one_frame() -> None:
    check(read_table(pl.DataFrame(ROWS)))
    check(read_table(pd.DataFrame(ROWS)))
    check(read_table(pa.Table.from_pylist(ROWS)))


def test_arrow_tables_are_read_without_polars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "polars" else object())
    check(read_table(pa.Table.from_pylist(ROWS)))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    check(read_table(pd.DataFrame(ROWS)))
    with pytest.raises(MissingExtraError, match="`polars` is needed to read Arrow tables"):
        read_table(pa.Table.from_pylist(ROWS))


def test_a_pandas_index_of_timestamps_or_with_a_name_is_a_column() -> None:
    times = pd.date_range("2016-07-01", periods=2)
    assert list(read_table(pd.DataFrame({"y": [1, 2]}, index=times)).columns) == ["index", "y"]
    named = pd.DataFrame({"y": [1, 2]}, index=times.rename("when"))
    assert read_table(named)["when"].dtype == np.dtype("datetime64[us]")
    assert list(read_table(pd.DataFrame({"y": [1, 2]}, index=[7, 3])).columns) == ["y"]


def test_every_pandas_kind_of_column_is_read() -> None:
    frame = read_table(
        pd.DataFrame(
            {
                "int": pd.array([1, None], "Int64"),
                "bool": [True, False],
                "category": pd.Categorical(["a", None]),
                "mixed": [1, "x"],
                3: [1, 2],
            }
        )
    )
    assert frame["int"][0] == 1
    assert np.isnan(frame["int"][1])
    assert frame["bool"].tolist() == [1, 0]
    assert frame["category"].tolist() == ["a", None]
    assert frame["mixed"].tolist() == ["1", "x"]
    assert frame["3"].tolist() == [1, 2]
    with pytest.raises(DataError, match="'a' names two columns"):
        read_table(pd.DataFrame(np.ones((2, 2)), columns=["a", "a"]))
    with pytest.raises(DataError, match="column 'a' holds timedelta64"):
        read_table(pd.DataFrame({"a": pd.to_timedelta([1, 2])}))


def test_time_zones_of_typed_sources_become_utc() -> None:
    times = pd.date_range("2016-07-01", periods=2, freq="h", tz="Europe/Berlin")
    expected = ["2016-06-30T22:00:00.000000", "2016-06-30T23:00:00.000000"]
    assert read_table(pd.DataFrame({"t": times}))["t"].astype(str).tolist() == expected
    assert read_table([{"t": time.to_pydatetime()} for time in times])["t"].astype(str).tolist() == expected


def test_nested_and_duration_columns_are_refused_by_name() -> None:
    with pytest.raises(DataError, match="column 'x' has the type List"):
        read_table(pl.DataFrame({"x": [[1], [2]]}))
    with pytest.raises(DataError, match="column 'x', row 0 is a list"):
        read_table({"x": [[1], [2]]})
    # numpy registers its durations as whole numbers.
    for beside in (np.timedelta64(2, "D"), 1.0, None, "a"):
        with pytest.raises(DataError, match="column 'x', row 0 is a timedelta64"):
            read_table({"x": [np.timedelta64(1, "D"), beside]})


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(DataError, match="equally long, but have these rows: 'a' 1, 'b' 2"):
        read_table({"a": [1], "b": [1, 2]})


def test_a_kind_of_time_is_converted_while_reading() -> None:
    frame = read_table({"t": ["2016-07-01T02:00:00+02:00"], "y": [1]}, Table(kinds={"t": "time"}))
    assert frame["t"][0] == np.datetime64("2016-07-01T00:00:00")


def test_a_frame_is_itself_and_is_not_changed() -> None:
    frame = Frame({"a": np.array([1.0])})
    assert read_table(frame) is frame


def test_a_folder_is_concatenated_with_the_name_of_each_file(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("y,x\n3,u\n")
    (tmp_path / "a.csv").write_text("x,y\n7,1\n8,2\n")
    (tmp_path / "readme.md").write_text("no table")
    frame = read_table(tmp_path)
    assert frame["y"].tolist() == [1, 2, 3]
    assert frame["x"].tolist() == ["7", "8", "u"]
    assert frame["file"].tolist() == ["a.csv", "a.csv", "b.csv"]
    assert frame.rows.tolist() == [2, 3, 2]


def test_a_folder_of_different_tables_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text("x,z\n1,2\n")
    with pytest.raises(DataError, match=r"b\.csv and a\.csv differ in 'y', 'z'"):
        read_table(tmp_path)


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no tables: none of its files ends in \.csv"):
        read_table(tmp_path)


def test_a_missing_or_forbidden_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"no\.csv` is not there"):
        read_table(tmp_path / "no.csv")
    with pytest.raises(DataError, match=r"no\.parquet` is not there"):
        read_table(str(tmp_path / "no.parquet"))

    def forbid(self: Path) -> bytes:
        raise PermissionError

    monkeypatch.setattr(Path, "read_bytes", forbid)
    with pytest.raises(ResourceError, match="may not be read"):
        read_table(tmp_path / "no.csv")


@pytest.mark.parametrize("source", [3, None, [], {}, [1, "x"], "nul\0.csv", "x" * 9999, [{"a": 1}, 3]])
def test_what_is_no_table_is_refused(source: object) -> None:
    with pytest.raises(DataError):
        read_table(source)


def test_parquet_is_read_whole_and_refused_when_cut_or_mutated(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame(ROWS).write_parquet(path)
    check(read_table(path))
    data = path.read_bytes()
    rng = random.Random(0)
    refusals = []
    for trial in range(60):
        broken = bytearray(data)
        if trial % 2:
            del broken[rng.randrange(len(data)) :]
        else:
            broken[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(broken)
        try:
            read_table(path)
        except DataError as error:
            refusals.append(str(error))
    assert len(refusals) >= 30
    assert all("t.parquet" in message for message in refusals)


BIG = 2**53
TYPED = {
    "columns": lambda keys, _: {"who": keys},
    "array": lambda keys, _: {"who": np.array(keys, np.int64)},
    "unsigned": lambda keys, _: {"who": np.array(keys, np.uint64)},
    "records": lambda keys, _: [{"who": key} for key in keys],
    "polars": lambda keys, _: pl.DataFrame({"who": keys}),
    "pandas": lambda keys, _: pd.DataFrame({"who": keys}),
    "nullable": lambda keys, _: pd.DataFrame({"who": pd.array(keys, "Int64")}),
    "pyarrow": lambda keys, _: pa.table({"who": keys}),
    "parquet": lambda keys, folder: written(folder / "t.parquet", pl.DataFrame({"who": keys}).write_parquet),
    "json lines": lambda keys, folder: written(folder / "t.jsonl", pl.DataFrame({"who": keys}).write_ndjson),
    "csv": lambda keys, folder: written(folder / "t.csv", pl.DataFrame({"who": keys}).write_csv),
}


def written(path, write):
    write(path)
    return path


@pytest.mark.parametrize("form", TYPED)
def test_keys_that_floats_do_not_tell_apart_are_told_apart(form, tmp_path):
    keys = [BIG, BIG + 1, BIG, BIG + 1, 7]
    frame = read_table(TYPED[form](keys, tmp_path), Table(kinds={"who": "category"}))
    assert frame["who"].tolist() == list(map(str, keys))


@pytest.mark.parametrize("form", ["columns", "records", "polars", "nullable", "pyarrow", "parquet", "json lines"])
def test_a_key_that_is_missing_makes_no_floats_of_the_others(form, tmp_path):
    frame = read_table(TYPED[form]([BIG + 1, None, BIG], tmp_path), Table(kinds={"who": "category"}))
    assert frame["who"].tolist() == [str(BIG + 1), None, str(BIG)]


def test_pyarrow_alone_keeps_the_digits_of_keys_too(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "polars" else True)
    frame = read_table(pa.table({"who": [BIG + 1, None, BIG]}), Table(kinds={"who": "category"}))
    assert frame["who"].tolist() == [str(BIG + 1), None, str(BIG)]


def test_whole_numbers_among_text_keep_their_digits():
    assert read_table({"who": [BIG + 1, "a", True, 7.0]})["who"].tolist() == [str(BIG + 1), "a", "True", "7"]


BOOLEANS = {
    **{form: made for form, made in TYPED.items() if form not in ("array", "unsigned", "nullable", "csv")},
    "array": lambda cells, _: {"who": np.array(cells, bool)},
    "objects": lambda cells, _: {"who": np.array([np.bool_(cell) for cell in cells], object)},
    "nullable": lambda cells, _: pd.DataFrame({"who": pd.array(cells, "boolean")}),
    "csv": lambda cells, folder: written(
        folder / "t.csv", lambda path: pd.DataFrame({"who": cells}).to_csv(path, index=False)
    ),
}


@pytest.mark.parametrize("form", BOOLEANS)
def test_booleans_that_are_names_are_spelled_as_in_a_csv(form, tmp_path):
    frame = read_table(BOOLEANS[form]([True, False, True], tmp_path), Table(kinds={"who": "category"}))
    assert frame["who"].tolist() == ["True", "False", "True"]


@pytest.mark.parametrize("form", ["columns", "records", "polars", "nullable", "pyarrow", "parquet", "json lines"])
def test_booleans_that_are_names_may_be_missing(form, tmp_path):
    frame = read_table(BOOLEANS[form]([True, None, False], tmp_path), Table(kinds={"who": "category"}))
    assert frame["who"].tolist() == ["True", None, "False"]


@pytest.mark.parametrize("form", [form for form in BOOLEANS if form != "csv"])
def test_booleans_elsewhere_are_numbers(form, tmp_path):
    assert read_table(BOOLEANS[form]([True, False], tmp_path))["who"].tolist() == [1.0, 0.0]
