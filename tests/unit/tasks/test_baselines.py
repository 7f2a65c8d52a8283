"""Naive rivals are what numpy says they are, and the period is found where there is one."""

import numpy as np
import pytest

from whorl.data.timestep import TimeStep
from whorl.runtime.interpreter import Interpreter
from whorl.tasks import baselines

HOUR = TimeStep(unit="microseconds", count=3_600_000_000)
DAY = TimeStep(unit="microseconds", count=86_400_000_000)
MONTH = TimeStep(unit="months", day=1)
ROW = TimeStep(unit="index")


def answers(program, rows):
    """(T, D) rows to (T, H, K) answers."""
    return Interpreter(program).run({"past": rows[None]})[0, ..., 0]


@pytest.mark.parametrize(("width", "num_targets", "context", "horizon", "period"), [(3, 2, 5, 4, 3), (1, 1, 7, 9, 2)])
def test_rivals_are_what_numpy_says(width, num_targets, context, horizon, period):
    rows = np.random.default_rng(0).normal(0, 1, (23, width)).astype(np.float32)
    programs = baselines.forecasts(width, num_targets, context, horizon, period)
    targets = rows[:, :num_targets]
    said = {name: answers(program, rows) for name, program in programs.items()}
    assert set(said) == {"last_value", "drift", "seasonal_naive"}
    for t in range(context - 1, 23):
        window = targets[: t + 1]
        for h in range(horizon):
            assert (said["last_value"][t, h] == window[-1]).all()
            assert (said["seasonal_naive"][t, h] == window[-period:][h % period]).all()
            slope = (window[-1] - window[-context]) / (context - 1)
            np.testing.assert_allclose(said["drift"][t, h], window[-1] + (h + 1) * slope, rtol=1e-5, atol=1e-5)


def test_rivals_have_no_more_memory_than_they_need():
    programs = baselines.forecasts(2, 1, 6, 3, 4)
    assert {name: program.memory for name, program in programs.items()} == {
        "last_value": 1,
        "drift": 6,
        "seasonal_naive": 4,
    }


def test_drift_of_a_single_row_is_its_value():
    programs = baselines.forecasts(1, 1, 1, 3, 1)
    rows = np.array([[5.0], [7.0]], np.float32)
    assert answers(programs["drift"], rows).ravel().tolist() == [5.0] * 3 + [7.0] * 3


def test_the_mean_answer_is_zero_in_scaled_units():
    program = baselines.mean_answer(3, 2)
    rows = np.random.default_rng(0).normal(0, 1, (5, 3)).astype(np.float32)
    assert answers(program, rows).tolist() == [[0.0, 0.0]] * 5


def season(period, count, seed=0, noise=0.3, trend=0.0):
    """A synthetic series: a drawn profile that repeats, noise and trend."""
    draw = np.random.default_rng(seed)
    profile = draw.normal(0, 1, period)
    values = np.tile(profile, count // period + 1)[:count] + draw.normal(0, noise, count) + trend * np.arange(count)
    return values[:, None].astype(np.float32)


@pytest.mark.parametrize(
    ("period", "step", "count"),
    [(24, HOUR, 600), (12, MONTH, 180), (7, DAY, 200), (24, ROW, 600), (12, ROW, 300), (7, ROW, 200), (17, HOUR, 900)],
)
@pytest.mark.parametrize("trend", [0.0, 0.01])
def test_the_period_is_found(period, step, count, trend):
    series = [season(period, count, trend=trend), season(period, count // 2, trend=trend)]
    assert baselines.find_period(series, step, 200, horizon=period) == period


@pytest.mark.parametrize("seed", range(5))
def test_a_smooth_period_is_found_under_noise(seed):
    """Of which changes from row to row are mostly made."""
    wave = np.sin(2 * np.pi * np.arange(900) / 30) + 0.3 * np.random.default_rng(seed).standard_normal(900)
    assert baselines.find_period([wave[:, None]], ROW, 200, horizon=5) == 30
    line = wave + 0.003 * np.arange(900)
    line[::40] = np.nan
    assert baselines.find_period([line[:, None]], ROW, 200, horizon=5) == 30


def test_the_period_of_a_random_walk_is_found_in_its_changes():
    draw = np.random.default_rng(2)
    profile = draw.normal(0, 1, 30)
    steps = np.tile(profile - profile.mean(), 30) + draw.normal(0, 0.5, 900)
    assert baselines.find_period([np.cumsum(steps)[:, None]], ROW, 200, horizon=30) == 30


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("count", [200, 1000])
def test_noise_has_no_period(memory, count):
    """Though some lag errs less than the last value, as one of many always does."""
    for seed in range(10):
        noise = np.random.default_rng(seed).standard_normal((count, 1))
        for n in range(1, count):
            noise[n] += memory * noise[n - 1]
        assert baselines.find_period([noise], ROW, 96, horizon=24) == 1


def test_a_period_tells_more_than_a_mean_of_what_is_known():
    wave = np.sin(2 * np.pi * np.arange(300) / 12)[:, None] * [1.0, 2.0]
    assert baselines.is_regular([wave], 12, 4)
    assert not baselines.is_regular([wave], 15, 4)
    wave[::5] = np.nan
    assert baselines.is_regular([wave[:40], wave], 12, 4)
    assert baselines.is_regular([wave], 1, 4)
    assert not baselines.is_regular([wave[:10]], 12, 4)


def test_a_random_walk_has_no_period():
    walk = np.cumsum(np.random.default_rng(0).normal(0, 1, (800, 1)), axis=0).astype(np.float32)
    assert baselines.find_period([walk], HOUR, 168, horizon=24) == 1


def test_a_period_fits_into_the_context():
    assert baselines.find_period([season(24, 600)], HOUR, 20, horizon=24) != 24


def test_missing_values_do_not_hide_the_period():
    series = season(24, 900)
    series[np.random.default_rng(1).random(900) < 0.1] = np.nan
    assert baselines.find_period([series], HOUR, 168, horizon=24) == 24


@pytest.mark.parametrize("count", [1, 3, 7])
def test_a_few_rows_have_the_period_one(count):
    assert baselines.find_period([season(2, count)], ROW, 100, horizon=24) == 1


def test_a_season_that_the_context_does_not_hold_is_found_beyond_it():
    week = [np.tile(np.repeat([1.0, 3.0], [120, 48]), 8)[:, None].astype(np.float32)]
    assert baselines.longer_season(week, HOUR, 24, horizon=24) == 168


def test_no_longer_season_is_told_where_it_helps_little_or_came_too_few_times():
    assert baselines.longer_season([season(24, 900)], HOUR, 24, horizon=24) == 24
    assert baselines.longer_season([season(200, 500)], ROW, 1, horizon=24) == 1
    walk = np.cumsum(np.random.default_rng(0).normal(0, 1, (800, 1)), axis=0).astype(np.float32)
    assert baselines.longer_season([walk], HOUR, 1, horizon=24) == 1
    assert baselines.longer_season([season(2, 3)], ROW, 1, horizon=24) == 1


def test_the_naive_error_is_the_mean_over_what_is_known_and_never_zero():
    part = np.array([[1.0, 5.0], [3.0, 5.0], [np.nan, 5.0], [8.0, 5.0]], np.float32)
    other = np.array([[0.0, 1.0], [1.0, 1.0]], np.float32)
    assert baselines.naive_error([part, other], 1).tolist() == [1.5, 1.0]
    assert baselines.naive_error([part], 9).tolist() == [1.0, 1.0]
