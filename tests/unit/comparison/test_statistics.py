"""Means, paired differences and their errors, where they are known."""

import numpy as np
import pytest
from scipy import special, stats

from whorl.comparison.scoring import Scored, blocks_of
from whorl.comparison.statistics import Field, adjusted


def estimate(scored, metric):
    return Field(metric, {"a": scored}).estimate("a")


def difference(first, second, metric):
    return Field(metric, {"a": first, "b": second}).difference("a", "b")


def means_of(errors):
    """The scores of fits whose answers have these errors, (S, N): a mean, and that without each block of answers."""
    blocks = np.split(np.arange(errors.shape[1]), 20)
    return [
        Scored({"mae": float(own.mean())}, [{"mae": float(np.delete(own, block).mean())} for block in blocks])
        for own in errors
    ]


def test_the_error_of_a_mean_over_one_seed_is_that_of_the_means_of_blocks():
    errors = np.random.default_rng(0).normal(3.0, 1.0, (1, 400))
    found = estimate(means_of(errors), "mae")
    blocks = errors[0].reshape(20, 20).mean(axis=1)
    low, high = stats.t.interval(0.95, 19, blocks.mean(), blocks.std(ddof=1) / 20**0.5)
    assert (found.mean, found.low, found.high) == pytest.approx((errors.mean(), low, high))


def test_without_blocks_the_error_is_that_between_seeds():
    found = estimate([Scored({"mae": value}) for value in (1.0, 2.0, 4.0)], "mae")
    low, high = stats.t.interval(0.95, 2, 7 / 3, np.std([1, 2, 4], ddof=1) / 3**0.5)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_a_single_fit_without_blocks_has_no_interval():
    assert estimate([Scored({"mae": 1.0})], "mae") == (1.0, None, None, None)


def test_a_difference_is_measured_in_pairs_so_that_hard_answers_do_not_hide_it():
    random = np.random.default_rng(1)
    hard = random.exponential(10.0, 400)
    first = np.stack([hard + random.normal(0, 0.1, 400) for _ in range(3)])
    second = np.stack([hard + 0.2 + random.normal(0, 0.1, 400) for _ in range(3)])
    found = difference(means_of(second), means_of(first), "mae")
    assert found.low > 0
    assert found.p < 0.001
    apart = [estimate(means_of(one), "mae") for one in (first, second)]
    assert apart[0].high > apart[1].low  # which their own intervals do not show


@pytest.mark.parametrize("spread", [0.0, 0.02, 0.3])
def test_networks_that_are_equal_are_rarely_told_apart(spread):
    random = np.random.default_rng(2)
    told = 0
    for _ in range(300):
        hard = random.normal(5.0, 1.0, 400)
        networks = hard + random.normal(0, 0.5, (6, 3, 400)) + random.normal(0, spread, (6, 3, 1))
        field = Field("mae", {str(n): means_of(own) for n, own in enumerate(networks)})
        told += field.difference("0", "1").p < 0.05
    assert told <= 24  # 15 are expected; 24 or more come by chance once in 60 times


def test_a_network_that_varies_more_than_others_is_not_made_surer_by_them():
    calm = {str(n): [Scored({"mae": 1.0 + 0.001 * seed}) for seed in range(3)] for n in range(5)}
    wild = [Scored({"mae": value}) for value in (0.0, 1.0, 2.0)]
    field = Field("mae", {**calm, "wild": wild})
    found = field.estimate("wild")
    assert found.high - found.low > 2 * 1.0 / 3**0.5


def test_what_answers_alike_does_not_differ():
    errors = np.random.default_rng(3).normal(3.0, 1.0, (1, 100))
    assert difference(means_of(errors), means_of(errors), "mae") == (0.0, 0.0, 0.0, 1.0)


def test_a_metric_that_a_block_lacks_is_told_between_seeds_alone():
    scored = [Scored({"auroc": 0.7}, [{"auroc": 0.6}, {}]), Scored({"auroc": 0.9}, [{"auroc": 0.8}, {"auroc": 0.7}])]
    assert estimate(scored, "auroc") == estimate([Scored({"auroc": 0.7}), Scored({"auroc": 0.9})], "auroc")


def test_several_tests_are_adjusted_by_holm():
    assert adjusted({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})
    assert adjusted({"a": 0.9, "b": 0.8}) == {"b": 1.0, "a": 1.0}


def test_windows_that_overlap_do_not_make_a_difference_sure():
    random, told, horizon = np.random.default_rng(4), 0, 24
    (block,) = blocks_of([np.arange(400)], whole=False, horizon=horizon)
    assert block.max() == 4
    for _ in range(300):
        errors = np.abs(random.normal(0, 1, (2, 400 + horizon - 1)))
        windows = [np.convolve(own, np.full(horizon, 1 / horizon), "valid") for own in errors]
        scored = [[Scored({"mae": own.mean()}, [{"mae": own[block != b].mean()} for b in range(5)])] for own in windows]
        told += difference(*scored, "mae").p < 0.05
    assert told <= 27  # 15 are expected


def test_blocks_are_of_groups_of_sequences_or_of_three_horizons():
    steps = [np.zeros(1)] * 12
    groups = ["abcdef"[n // 2] for n in range(12)]
    assert [int(own[0]) for own in blocks_of(steps, whole=True, horizon=1, groups=groups)] == [
        n // 2 for n in range(12)
    ]
    assert {int(own[0]) for own in blocks_of(steps, whole=True, horizon=1, groups=["a", "b"] * 6)} == {0}
    assert [int(own[0]) for own in blocks_of(steps, whole=True, horizon=1)] == list(range(12))
    (own,) = blocks_of([np.arange(60)], whole=False, horizon=4)
    assert np.bincount(own).tolist() == [12] * 5
    assert set(blocks_of([np.arange(59)], whole=False, horizon=4)[0].tolist()) == {0}


def test_without_blocks_a_difference_is_not_tested():
    first, second = ([Scored({"mae": value}) for value in own] for own in ((1.0, 1.1), (2.0, 2.1)))
    assert difference(first, second, "mae") == (pytest.approx(-1.0), None, None, None)


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_an_unsteady_network_neither_hides_a_difference_of_others_nor_makes_one(seeds):
    random, alarms, found = np.random.default_rng(6), 0, 0
    for _ in range(200):
        hard = random.normal(0, 1, 400)
        spreads = np.array([0.3, 0.3, 20.0, 0.3])[:, None]
        own = 5 + spreads * random.normal(0, 1, (4, seeds))
        own[3] += 1.5
        field = Field("mae", {str(n): means_of(hard + values[:, None]) for n, values in enumerate(own)})
        alarms += field.difference("0", "1").p < 0.05
        found += field.difference("0", "3").p < 0.05
    assert alarms <= 17  # 10 are expected; 18 or more come by chance once in 75 times
    assert found >= 120


def test_seeds_that_score_the_same_by_chance_do_not_make_others_unlike():
    same = [Scored({"mae": 1.0})] * 3
    alike = {str(n): [Scored({"mae": 1.0 + 0.1 * seed}) for seed in range(3)] for n in range(4)}
    found = Field("mae", {**alike, "same": same}).estimate("same")
    assert found.high - found.low > 0


def test_a_network_without_a_score_says_nothing_of_others():
    alike = {str(n): [Scored({"mae": 1.0 + 0.1 * seed + n}) for seed in range(3)] for n in range(3)}
    alone = Field("mae", alike).estimate("0")
    for lost in (np.nan, np.inf):
        field = Field("mae", {**alike, "lost": [Scored({"mae": value}) for value in (1.0, lost, 2.0)]})
        found = field.estimate("0")
        assert (found.mean, found.low, found.high) == pytest.approx((alone.mean, alone.low, alone.high), rel=0.2)
        assert field.estimate("lost").low is None


def test_networks_that_vary_as_if_drawn_alike_are_weighed_in_whole():
    # The variance of two logarithms that is just what chance explains, and a little more.
    for more in (0.0, 1e-12, 1e-7, 1e-3):
        spread = (2 * (special.polygamma(1, 1.0) + more)) ** 0.5
        scored = {
            str(n): [Scored({"mae": 1.0 + sign * step}) for step in (-1.0, 0.0, 1.0)]
            for n, sign in enumerate(np.exp(np.array([0.0, spread]) / 2))
        }
        found = Field("mae", scored).estimate("0")
        assert found.low < found.mean < found.high
