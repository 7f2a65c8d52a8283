"""The calendar is points on circles: close times are close, and only what a step can tell is said."""

import numpy as np
import pytest

from whorl.codecs.calendar import cycles, features, num_features


def at(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[us]")


@pytest.mark.parametrize(
    ("step", "names"),
    [
        (None, ("day", "week", "year")),
        (3600.0, ("day", "week", "year")),
        (86_400.0, ("week", "year")),
        (604_800.0, ("year",)),
        (2_629_746.0, ("year",)),
    ],
)
def test_a_cycle_is_told_where_the_step_is_below_it(step: float | None, names: tuple[str, ...]) -> None:
    assert cycles(step) == names
    assert num_features(step) == 2 * len(names)
    assert features(at("2016-07-01"), step).shape == (1, 2 * len(names))


def test_midnight_monday_and_new_year_are_the_start_of_their_circles() -> None:
    assert features(at("2018-01-01T00:00"), 60.0).tolist() == [[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]]
    assert features(at("2018-01-01T06:00"), 60.0)[0, :2] == pytest.approx([1.0, 0.0], abs=1e-7)
    assert features(at("1969-12-29T00:00"), 60.0)[0, 2:4] == pytest.approx([0.0, 1.0], abs=1e-7)


def test_the_end_of_a_circle_is_next_to_its_start() -> None:
    last, first = features(at("2016-12-31T23:59:59", "2017-01-01"), 1.0)
    assert np.abs(last - first)[[0, 1, 4, 5]].max() < 1e-3


def test_a_time_that_is_missing_is_zero() -> None:
    array = features(at("NaT", "2016-07-01T07:00"), 60.0)
    assert array[0].tolist() == [0.0] * 6
    assert np.linalg.norm(array[1].reshape(3, 2), axis=1) == pytest.approx([1.0] * 3)


def test_one_row_has_the_bits_of_many() -> None:
    times = np.datetime64("1955-03-01", "us") + np.arange(500) * np.timedelta64(3_700_001_003, "us")
    whole = features(times, 60.0)
    assert np.concatenate([features(times[i : i + 1], 60.0) for i in range(500)]).tobytes() == whole.tobytes()
