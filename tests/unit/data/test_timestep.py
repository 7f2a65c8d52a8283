"""The step of a series is found, goes on, and travels as JSON."""

import json

import numpy as np
import pytest

from whorl.data.timestep import TimeStep, infer_step
from whorl.errors import ArgumentError, ModelFileError


def times(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[us]")


@pytest.mark.parametrize(
    ("series", "said", "following"),
    [
        (["2016-07-01T00", "2016-07-01T01", "2016-07-01T02"], "1 hour", "2016-07-01T03"),
        (["2016-07-01", "2016-07-02"], "1 day", "2016-07-03"),
        (["2016-07-01", "2016-07-08"], "1 week", "2016-07-15"),
        (["2016-01", "2016-02", "2016-03"], "1 month", "2016-04"),
        (["2016-01-31", "2016-02-29", "2016-03-31"], "1 month", "2016-04-30"),
        (["2016-02-29", "2016-03-31", "2016-04-30"], "1 month", "2016-05-31"),
        (["2016-02-15T06", "2016-03-15T06"], "1 month", "2016-04-15T06"),
        (["2015-01", "2015-04", "2015-07"], "3 months", "2015-10"),
        (["2015", "2016", "2017"], "1 year", "2018"),
        (
            ["2016-07-01T00:00", "2016-07-01T00:15", "2016-07-01T01:00", "2016-07-01T01:15"],
            "15 minutes",
            "2016-07-01T01:30",
        ),
        (["2016-07-01T00:00:00", "2016-07-01T00:00:00.000250"], "250 microseconds", "2016-07-01T00:00:00.000500"),
    ],
)
def test_a_step_is_inferred_and_goes_on(series: list[str], said: str, following: str) -> None:
    step = infer_step([times(*series)])
    assert step is not None
    assert step.describe() == said
    assert step.after(times(series[-1])[0], 2)[0] == np.datetime64(following, "us")
    assert TimeStep.from_config(json.loads(json.dumps(step.to_config()))) == step


def test_whole_numbers_count_in_their_commonest_distance() -> None:
    step = infer_step([np.array([1749, 1750, 1751, 1760])])
    assert step == TimeStep(unit="index")
    assert TimeStep(unit="index", count=10).after(np.int64(5), 3).tolist() == [15, 25, 35]


def test_a_step_is_inferred_from_all_series_together() -> None:
    lone = times("2016-07-01")
    assert infer_step([lone, times("2016-07-01", "2016-07-02")]) is not None
    assert infer_step([lone, lone]) is None


def test_months_go_on_at_the_end_of_each_month() -> None:
    step = TimeStep(unit="months", count=1, day=31)
    assert step.after(np.datetime64("2015-01-31"), 3).astype("datetime64[D]").astype(str).tolist() == [
        "2015-02-28",
        "2015-03-31",
        "2015-04-30",
    ]


def test_gaps_are_counted_and_rows_off_the_step_are_marked() -> None:
    missing, off = TimeStep(unit="index", count=2).gaps(np.array([0, 2, 8, 9]))
    assert missing.tolist() == [0, 2, 0]
    assert off.tolist() == [False, False, True]
    missing, off = TimeStep(unit="months", count=1, day=1).gaps(times("2016-01", "2016-03", "2016-04-02"))
    assert missing.tolist() == [1, 0]
    assert off.tolist() == [False, True]


def test_the_length_of_a_step_is_known_but_for_counted_rows() -> None:
    assert TimeStep(unit="microseconds", count=3_600_000_000).seconds == 3600
    assert TimeStep(unit="months", count=1, day=1).seconds == pytest.approx(30.44 * 86400, rel=1e-3)
    assert TimeStep(unit="index").seconds is None


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"unit": "index", "count": 1},
        {"unit": "hour", "count": 1, "day": 0},
        {"unit": "index", "count": 0, "day": 0},
        {"unit": "index", "count": 2**64, "day": 0},
    ],
)
def test_a_damaged_description_is_a_model_file_error(config: dict[str, object]) -> None:
    with pytest.raises(ModelFileError):
        TimeStep.from_config(config)


def test_a_step_has_a_day_exactly_for_months() -> None:
    with pytest.raises(ArgumentError):
        TimeStep(unit="months", count=1)
    with pytest.raises(ArgumentError):
        TimeStep(unit="index", count=1, day=3)
