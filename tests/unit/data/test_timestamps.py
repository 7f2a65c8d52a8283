"""ISO timestamps are read; ambiguous, impossible and mixed ones are refused by row."""

import numpy as np
import pytest

from whorl.data.timestamps import BadCellError, looks_like_time, parse_times


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1949-01", "1949-01-01"),
        ("2016-07-01", "2016-07-01"),
        ("2016/7/1", "2016-07-01"),
        ("2016-07-01 14:30", "2016-07-01T14:30"),
        ("2016-07-01T14:30:05", "2016-07-01T14:30:05"),
        ("2016-07-01 14:30:05.25", "2016-07-01T14:30:05.25"),
        ("2016-07-01 14:30:05.123456000", "2016-07-01T14:30:05.123456"),
        ("2016-07-01T14:30:05Z", "2016-07-01T14:30:05"),
        ("2016-07-01T14:30:05 UTC", "2016-07-01T14:30:05"),
        ("2016-07-01T14:30:05+02:00", "2016-07-01T12:30:05"),
        ("2016-07-01T14:30:05-0530", "2016-07-01T20:00:05"),
        ("2016-07-01T14:30:05+02", "2016-07-01T12:30:05"),
        ("31.12.2016", "2016-12-31"),
        ("1.2.2016", "2016-02-01"),
        ("31/12/2016 01:00", "2016-12-31T01:00"),
        ("12/31/2016", "2016-12-31"),
    ],
)
def test_the_usual_spellings_are_read(cell: str, expected: str) -> None:
    assert parse_times([cell]).tolist() == [np.datetime64(expected, "us").item()]
    assert looks_like_time([cell])


@pytest.mark.parametrize(
    ("cells", "index", "reason"),
    [
        (["2016-07-01", "soon"], 1, "'soon' is not a timestamp"),
        (["2016-07-01", "2016-02-30"], 1, "no date of the calendar"),
        (["2016-13"], 0, "no date of the calendar"),
        (["2016-07-01 24:00"], 0, "no date of the calendar"),
        (["2016-07-01 00:00:00.0000001"], 0, "is not a timestamp"),
        (["01/02/2016", "03/04/2016"], 0, "ambiguous"),
        (["31/12/2016", "12/31/2016"], 1, "no date of the calendar"),
        (["2016-07-01T00:00Z", "2016-07-01T00:00"], 1, "no time zone, the rows before have the offset Z"),
        (
            ["2016-03-27T01:00+01:00", "2016-03-27T03:00+02:00"],
            1,
            "offset +02:00, the rows before have the offset +01:00",
        ),
        (["now"], 0, "not a timestamp"),
    ],
)
def test_what_is_no_timestamp_is_refused_by_row(cells: list[str], index: int, reason: str) -> None:
    with pytest.raises(BadCellError) as caught:
        parse_times(cells)
    assert caught.value.index == index
    assert reason in caught.value.reason
    assert caught.value.advice.endswith(".")


def test_one_row_tells_the_order_of_day_and_month_for_all() -> None:
    assert parse_times(["01/02/2016", None, "13/02/2016"])[0] == np.datetime64("2016-02-01")
    assert parse_times(["01/02/2016", "02/13/2016"])[0] == np.datetime64("2016-01-02")


def test_a_missing_cell_is_not_a_time() -> None:
    assert np.isnat(parse_times([None, "2016-07-01"])).tolist() == [True, False]
    assert np.isnat(parse_times([None, "1.2.2016"])).tolist() == [True, False]
    assert not looks_like_time([None])
