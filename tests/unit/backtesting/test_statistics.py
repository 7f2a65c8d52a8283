"""Sharpe ratios, their errors and their differences, beside what simulations give."""

import numpy as np
import pytest

from whorl.backtesting import statistics
from whorl.backtesting.statistics import correlated_error, difference, error, ratio, resampled, scale


def rows(count, times, echo=0.0, mean=0.1, seed=0):
    """Rows (times, count) that are `echo` times the one before, and noise; their spread is 1."""
    random = np.random.default_rng(seed)
    made = random.normal(0, 1, (times, count))
    for n in range(1, count):
        made[:, n] = echo * made[:, n - 1] + (1 - echo**2) ** 0.5 * made[:, n]
    return made + mean


def test_the_ratio_is_the_mean_over_the_spread():
    assert ratio(np.array([1.0, 3.0])) == 2.0
    assert ratio(np.zeros(5)) == 0.0


def test_the_error_of_independent_rows_is_that_of_the_paper():
    own = np.array([1.0, 2.0] * 50)  # a ratio of 3
    assert error(own) == pytest.approx((5.5 / 100) ** 0.5)
    many = rows(200, 3000)
    assert np.mean([error(one) for one in many]) == pytest.approx(np.std([ratio(one) for one in many]), rel=0.05)


@pytest.mark.parametrize("echo", [0.0, 0.4])
def test_the_error_of_rows_that_follow_each_other_is_what_simulations_spread(echo):
    many = rows(400, 1500, echo)
    spread = np.std([ratio(one) for one in many])
    # Weights that fall with the lag leave a little of what is shared out: 0.89 of the spread was measured.
    assert np.mean([correlated_error(one) for one in many]) == pytest.approx(spread, rel=0.15)
    if echo:
        assert np.mean([error(one) for one in many]) < 0.75 * spread


def test_a_year_of_independent_rows_is_worth_the_root_of_them_and_less_where_they_follow_each_other():
    assert scale(rows(100_000, 1)[0], 12) == pytest.approx(12**0.5, rel=0.02)
    own = rows(100_000, 1, echo=0.5)[0]
    exact = 12 / (12 + 2 * sum((12 - lag) * 0.5**lag for lag in range(1, 12))) ** 0.5
    assert scale(own, 12) == pytest.approx(exact, rel=0.03)
    assert scale(np.zeros(9), 12) == 12**0.5


def test_the_bootstrap_spreads_as_much_as_the_error_says():
    own = rows(600, 1, echo=0.3)[0]
    assert resampled(own[None])[0].std() == pytest.approx(correlated_error(own), rel=0.15)


def test_blocks_keep_what_follows_each_other():
    own = np.tile([1.0, -1.0], 200) + 0.1
    assert resampled(own[None])[0].std() < 0.5 / 400**0.5  # each block holds as many of both
    shuffled = np.random.default_rng(0).permutation(own)
    assert resampled(shuffled[None])[0].std() > 0.8 / 400**0.5


def test_the_same_blocks_are_drawn_for_all_accounts_and_each_time():
    own = rows(100, 1)[0]
    drawn = resampled(np.stack([own, own, 2 * own]))
    np.testing.assert_array_equal(drawn[0], drawn[1])
    np.testing.assert_allclose(drawn[0], drawn[2])
    np.testing.assert_array_equal(drawn, resampled(np.stack([own, own, 2 * own])))


def test_a_difference_is_found_where_there_is_one_and_trials_count():
    base = rows(600, 1, mean=0.0)[0]
    better = base + rows(600, 1, mean=0.15, seed=1)[0] * 0.5
    drawn = resampled(np.stack([better, base]))
    found = difference(drawn[0], drawn[1], ratio(better) - ratio(base), 12, 1)
    assert found.low > 0
    assert found.p < 0.01
    assert difference(drawn[0], drawn[1], ratio(better) - ratio(base), 12, 7).p == pytest.approx(7 * found.p)
    assert difference(drawn[0], drawn[1], ratio(better) - ratio(base), 12, 10**9).p == 1.0


def test_chance_is_taken_for_a_difference_as_often_as_the_test_says():
    first, second = rows(120, 200, mean=0.1), rows(120, 200, mean=0.1, seed=1)
    alarms = 0
    for own, other in zip(first, second, strict=True):
        drawn = resampled(np.stack([own, other]))
        alarms += difference(drawn[0], drawn[1], ratio(own) - ratio(other), 12, 1).p < 0.05
    assert alarms <= 24  # 10 of 200 are expected; more than 24 come by chance once in 20,000 times


def test_two_accounts_that_are_the_same_do_not_differ():
    own = rows(100, 1)[0]
    drawn = resampled(np.stack([own, own]))
    assert difference(drawn[0], drawn[1], 0.0, 12, 1) == statistics.Difference(value=0.0, low=0.0, high=0.0, p=1.0)
