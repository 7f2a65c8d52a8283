"""D1: rows out of order, twice, missing, infinite or no numbers are named; repaired only where an option says so."""

import numpy as np
import pytest

from whorl.codecs.frame import Frame
from whorl.data.csv_source import parse_csv
from whorl.data.problems import Problem
from whorl.data.schema import infer_schema
from whorl.data.series import INDEX, Series, key_of, read_series
from whorl.data.sources import read_table
from whorl.data.timestep import TimeStep
from whorl.errors import DataError
from whorl.plans.table import Table


def read(text: str, series: str | None = None, static: tuple[str, ...] = (), **options: object) -> list[Series]:
    table = Table(**options)  # type: ignore[arg-type]
    frame = parse_csv(text.encode(), "load.csv", table)
    return read_series(frame, infer_schema(frame, series=series, static=static, table=table), table)


def refusal(text: str, series: str | None = None, static: tuple[str, ...] = (), **options: object) -> str:
    with pytest.raises(DataError) as caught:
        read(text, series, static, **options)
    return str(caught.value)


def days(*rows: str) -> str:
    return "date,y\n" + "".join(f"2016-07-{row}\n" for row in rows)


def test_a_clean_table_is_one_series_in_its_own_terms() -> None:
    (one,) = read(days("01,1", "02,2", "03,"))
    assert one.key == ""
    assert one.frame["date"].dtype == np.dtype("datetime64[us]")
    assert one.frame["y"][:2].tolist() == [1, 2]
    assert one.step.describe() == "1 day"


def test_without_a_time_column_rows_are_counted() -> None:
    (one,) = read("a,b\n3,1\n4,1.5\n7,9\n")
    assert one.frame[INDEX].tolist() == [0, 1, 2]
    assert one.step == TimeStep(unit="index")


def test_series_come_in_order_of_appearance_with_their_rows() -> None:
    one, other = read("shop,date,y\nb,2016-07-01,1\na,2016-07-01,2\nb,2016-07-02,3\na,2016-07-02,4\n", "shop")
    assert (one.key, other.key) == ("b", "a")
    assert one.frame["y"].tolist() == [1, 3]
    assert other.frame.rows.tolist() == [3, 5]


def test_a_series_that_is_a_number_is_named_by_its_shortest_spelling() -> None:
    assert [one.key for one in read("shop,y\n1,3\n2,4\n1,8\n", "shop")] == ["1", "2"]


def test_duplicate_timestamps_are_refused_and_repaired_as_asked() -> None:
    text = "shop,date,y\n" + "".join(
        f"s4,2016-07-{day},{y}\n" for day, y in [("01", 1), ("02", 2), ("02", 4), ("02", 9)]
    )
    message = refusal(text, "shop")
    assert message == (
        "load.csv: column 'date' has 2 duplicate timestamps in series 's4' (rows 4, 5). "
        "Keep the last with --on-duplicate last."
    )
    assert read(text, "shop", on_duplicate="last")[0].frame["y"].tolist() == [1, 9]
    assert read(text, "shop", on_duplicate="first")[0].frame["y"].tolist() == [1, 2]
    assert read(text, "shop", on_duplicate="mean")[0].frame["y"].tolist() == [1, 5]


def test_rows_of_one_time_that_a_column_tells_apart_are_taken_for_several_series() -> None:
    days = [("01", "a"), ("01", "b"), ("02", "a"), ("02", "b"), ("03", "a"), ("03", "b")]
    apart = "my shop,date,y\n" + "".join(f"{shop},2016-07-{day},1\n" for day, shop in days)
    advice = "These look like several series: name the column that says which with --series 'my shop'."
    assert refusal(apart, None).endswith(f"(rows 3, 5, 7). {advice}")
    one_after_the_other = "my shop,date,y\n" + "".join(
        f"{shop},2016-07-{day},1\n" for day, shop in sorted(days, key=lambda pair: pair[1])
    )
    assert refusal(one_after_the_other, None).endswith(f"(row 5). {advice}")
    assert [one.key for one in read(apart, "my shop")] == ["a", "b"]
    notes = "note,date,y\n" + "".join(f"n{n},2016-07-{day},1\n" for n, (day, _) in enumerate(days))
    assert refusal(notes, None).endswith("Keep the last with --on-duplicate last.")


def test_the_mean_of_duplicates_leaves_missing_values_out() -> None:
    text = days("01,1", "02,", "02,4", "03,", "03,")
    assert np.nan_to_num(read(text, on_duplicate="mean")[0].frame["y"], nan=-1).tolist() == [1, 4, -1]


def test_unsorted_timestamps_are_refused_and_sorted_as_asked() -> None:
    text = days("02,2", "01,1", "03,3")
    assert "column 'date' must ascend, but goes back 1 time (row 3). Sort them with --on-unsorted sort." in refusal(
        text
    )
    (one,) = read(text, on_unsorted="sort")
    assert one.frame["y"].tolist() == [1, 2, 3]
    assert one.frame.rows.tolist() == [3, 2, 4]


@pytest.mark.parametrize("clock", ["", "0930", "093000"])
def test_dates_without_dashes_are_told_and_not_filled(clock: str) -> None:
    def counted(*days: str) -> str:
        return "date,v\n" + "".join(f"{day}{clock},1\n" for day in days)

    kinds = {"date": "time"}
    message = refusal(counted("20260129", "20260130", "20260131", "20260201"), kinds=kinds)
    assert "These look like dates, but are read as numbers: write 2026-01-29. Correct the row" in message
    message = refusal(counted("20260129", "20260130", "20260132"), kinds=kinds)  # no day of a month: a count
    assert "look like dates" not in message
    assert "Fill with --on-gap fill" in message


def test_gaps_are_refused_filled_or_ignored_as_asked() -> None:
    text = days("01,1", "02,2", "05,5", "06,6")
    message = refusal(text)
    for part in [
        "load.csv",
        "'date' skips 2 timestamps",
        "1 day",
        "2016-07-02",
        "(row 4)",
        "--on-gap fill",
        "--on-gap ignore",
    ]:
        assert part in message
    (one,) = read(text, on_gap="fill")
    assert np.nan_to_num(one.frame["y"], nan=-1).tolist() == [1, 2, -1, -1, 5, 6]
    assert np.diff(one.frame["date"]).astype("timedelta64[D]").astype(int).tolist() == [1] * 5
    assert len(read(text, on_gap="ignore")[0].frame) == 4


def test_filled_rows_repeat_what_is_static_and_miss_the_rest() -> None:
    text = "shop,date,y,kind,size,town\n" + "".join(f"a,2016-07-0{d},{d},k{d % 2},7,x\n" for d in (1, 2, 4, 5))
    (one,) = read(text, "shop", ("size", "town"), on_gap="fill")
    assert one.frame["size"].tolist() == [7.0] * 5
    assert one.frame["town"].tolist() == ["x"] * 5
    assert one.frame["kind"].tolist() == ["k1", "k0", None, "k0", "k1"]
    assert one.frame["shop"].tolist() == ["a"] * 5


def test_a_static_column_has_one_value_in_a_series() -> None:
    message = refusal("shop,y,size\na,1,7\na,4,8\n", "shop", ("size",))
    assert "column 'size' is static" in message
    assert "in series 'a'" in message
    assert "--static" in message


def test_one_wrong_year_does_not_fill_memory() -> None:
    text = days(*(f"{d:02d},{d}" for d in range(1, 10))) + "9999-07-09,1\n"
    assert "Correct the row" in refusal(text, on_gap="fill")


def test_irregular_timestamps_are_refused_or_taken_as_they_are() -> None:
    text = "date,y\n" + "".join(f"2016-07-01T00:{m:02d},1.5\n" for m in (0, 10, 20, 33, 40, 50))
    message = refusal(text, on_gap="fill")
    assert "is irregular: 2 rows are off the step of 10 minutes" in message
    assert "(rows 5, 6)" in message
    assert "--on-gap ignore" in message
    assert len(read(text, on_gap="ignore")[0].frame) == 6


@pytest.mark.parametrize(
    "hours",
    [
        ["2016-10-30T01", "2016-10-30T02", "2016-10-30T02", "2016-10-30T03", "2016-10-30T04"],
        ["2016-03-27T00", "2016-03-27T01", "2016-03-27T03", "2016-03-27T04"],
        ["2016-11-06T00:30", "2016-11-06T01:00", "2016-11-06T01:30", "2016-11-06T01:00", "2016-11-06T01:30"],
    ],
)
def test_an_hour_that_comes_twice_or_not_at_all_is_called_daylight_saving(hours: list[str]) -> None:
    text = "date,y\n" + "".join(f"{hour if ':' in hour else hour + ':00'},1\n" for hour in hours)
    message = refusal(text)
    assert "daylight saving time" in message
    assert "UTC" in message


def test_another_missing_hour_is_not_called_daylight_saving() -> None:
    text = "date,y\n" + "".join(f"2016-07-05T{hour}:00,1\n" for hour in ("00", "01", "03", "04"))
    assert "daylight" not in refusal(text)


def test_mixed_time_zones_are_refused_by_row() -> None:
    message = refusal("date,y\n2016-07-01T00:00+01:00,1\n2016-07-01T01:00+02:00,2\n")
    for part in ["load.csv", "column 'date'", "row 3", "+02:00", "UTC"]:
        assert part in message


def test_a_row_without_a_timestamp_or_a_series_is_refused() -> None:
    assert "'date' needs a timestamp in every row, but row 3 has none" in refusal(days("01,1") + ",2\n")
    assert "'shop' names the series of every row, but row 3 has no value" in refusal("shop,y\na,1\n,3\n", "shop")


def test_text_in_a_numeric_column_is_refused_and_missing_as_asked() -> None:
    text = "y\n" + "".join(f"{i}\n" for i in range(20)) + "bad\n1,5\n"
    message = refusal(text, delimiter=";")
    assert message == (
        "load.csv: column 'y' is numeric, but 2 cells hold text: 'bad', '1,5' (rows 22, 23). "
        "Read text as missing by fitting with --on-text missing, or correct the cells."
    )
    assert "decimal comma" in refusal(text.replace("bad\n", ""), delimiter=";")
    (one,) = read(text, delimiter=";", on_text="missing")
    assert np.isnan(one.frame["y"]).sum() == 2


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e308", "1e999"])
def test_what_a_32_bit_float_cannot_hold_is_refused_and_missing_as_asked(cell: str) -> None:
    text = f"y,z\n1,5\n{cell},1\n"
    message = refusal(text)
    for part in ["load.csv", "column 'y'", "infinite", "row 3", "--on-infinite missing"]:
        assert part in message
    assert np.isnan(read(text, on_infinite="missing")[0].frame["y"]).tolist() == [False, True]


def test_missing_values_are_refused_when_they_may_not_be() -> None:
    assert "column 'y' may have no missing values, but has 1 (row 3)" in refusal("y,z\n1,5\n,1\n", on_missing="error")


def test_a_fitted_step_serves_a_single_row() -> None:
    frame = parse_csv(b"date,y\n2016-07-01,1\n", "new.csv", Table())
    schema = infer_schema(frame)
    with pytest.raises(DataError, match="one timestamp in each series"):
        read_series(frame, schema)
    step = TimeStep(unit="microseconds", count=86_400_000_000)
    assert read_series(frame, schema, step=step)[0].step == step


def test_a_report_that_returns_collects_every_problem() -> None:
    text = days("02,2", "01,1", "01,inf", "05,5", "06,1", "07,2")
    frame = parse_csv(text.encode(), "load.csv", Table())
    found: list[Problem] = []
    (one,) = read_series(frame, infer_schema(frame), report=found.append)
    assert [problem.option for problem in found] == [
        "--on-infinite missing",
        "--on-unsorted sort",
        "--on-duplicate last",
        "--on-gap fill",
    ]
    assert len(one.frame) == 5


def test_reading_changes_nothing() -> None:
    frame = Frame({"date": np.array(["2016-07-02", "2016-07-01"], "datetime64[us]"), "y": np.array([np.inf, 2.0])})
    copies = {name: column.copy() for name, column in frame.columns.items()}
    read_series(frame, infer_schema(frame), Table(on_unsorted="sort", on_infinite="missing"))
    for name, column in frame.columns.items():
        assert column.tobytes() == copies[name].tobytes()


def test_a_row_of_a_folder_is_named_with_its_file() -> None:
    columns = {"y": np.array([1.0, np.inf]), "file": np.array(["a.csv", "b.csv"], object)}
    frame = Frame(columns, "loads/", np.array([2, 2]))
    with pytest.raises(DataError, match=r"row 2 of b\.csv"):
        read_series(frame, infer_schema(frame))


@pytest.mark.parametrize(
    ("cell", "kinds", "wanted"),
    [(True, {}, "True"), (np.bool_(False), {}, "False"), (True, {"shop": "numeric"}, "1"), (7.0, {}, "7")],
)
def test_a_lone_key_is_spelled_as_in_a_table(cell, kinds, wanted):
    table = Table(kinds=kinds or {"shop": "category"})
    assert key_of(cell, "shop", Table(kinds=kinds)) == wanted
    frame = read_table({"shop": [cell, cell], "y": [1.0, 2.0]}, table)
    schema = infer_schema(frame, target="y", series="shop", table=table)
    assert [one.key for one in read_series(frame, schema, table)] == [wanted]
