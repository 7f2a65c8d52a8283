"""The sentence that says which network to use."""

from dataclasses import replace

import pytest

from whorl.comparison.advice import advice
from whorl.comparison.fits import Record
from whorl.comparison.latency import Latency
from whorl.comparison.result import Contestant
from whorl.comparison.statistics import Estimate
from whorl.report.scores import duration, probability


def network(name, mae, p=None, step=1e-5, seconds=1.0):
    timed = None if step is None else Latency(step, 2 * step, 100)
    fit = Record(network=name, seed=0, learning_rate=None, seconds=seconds)
    return Contestant(
        name=name, recipe={"cell": name}, records=(fit,), scores={"mae": Estimate(mae)}, p=p, latency=timed
    )


def rival(name, mae, p=None):
    return Contestant(name=name, recipe={}, scores={"mae": Estimate(mae)}, p=p)


def said(networks, rivals=()):
    return advice(networks, list(rivals), "mae", lower=True)


def test_the_cheaper_of_two_that_are_equal_is_used():
    found = said([network("transformer", 12.0, step=1.4e-4), network("gru", 12.1, p=0.4)])
    assert (
        found
        == "Use the gru: within noise of the transformer (mae 12.10 against 12.00, p 0.40), and 14x cheaper a step."
    )


def test_the_best_is_used_where_nothing_as_good_is_cheaper():
    found = said([network("gru", 12.0), network("lstm", 12.1, p=0.4), network("rnn", 14.0, p=0.001, step=1e-6)])
    assert found == (
        "Use the gru: it has the best mae (12.00), and none of those within noise of it (lstm) is 1.2x cheaper a step; "
        "rnn is worse."
    )


def test_the_best_is_used_where_it_is_better_than_all():
    found = said([network("gru", 12.0), network("rnn", 14.0, p=0.0002, step=1e-6)])
    assert found.startswith("Use the gru: its mae of 12.00 is better than that of the next, the rnn (14.00, p <0.001)")


def test_a_naive_rival_that_is_not_beaten_is_used():
    assert said([network("gru", 12.0)], [rival("last_value", 11.0)]).startswith(
        "None of these networks beats last_value here (mae 12.00 against 11.00)"
    )
    found = said([network("gru", 12.0)], [rival("last_value", 12.5, p=0.3)])
    assert found.startswith("No network is better than last_value by more than chance explains (mae 12.00 of the gru")
    assert said([network("gru", 12.0)], [rival("last_value", 13.0, p=0.01)]).startswith("Use the gru")


def test_it_says_where_nobody_could_answer_what_came():
    one = network("gru", 3.0)
    missed = replace(one, scores={**one.scores, "seen": Estimate(0.4)})
    assert "40 % of the items that came had been there before" in said([missed], [rival("popularity", 3.0)])
    assert "before" not in said([one], [rival("popularity", 3.0)])


def test_a_metric_of_which_more_is_better_is_read_the_other_way():
    found = advice([network("gru", 0.9)], [rival("prior", 0.95)], "mae", lower=False)
    assert found.startswith("None of these networks beats prior")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (7.0, "Use the gru: it has the best mae (12.00), and none of those within noise of it (rnn) is 2x quicker to"),
        (4.0, "Use the rnn: within noise of the gru (mae 12.10 against 12.00, p 0.90), and 2.5x quicker to train."),
    ],
)
def test_where_one_has_no_steps_the_time_of_training_is_the_cost(seconds, told):
    found = said([network("gru", 12.0, step=None, seconds=10.0), network("rnn", 12.1, p=0.9, seconds=seconds)])
    assert found.startswith(told)


def test_without_any_fit_nothing_is_advised():
    assert said([]) == "No network could be fitted: see why above."


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (3.4e-6, "3.4 us"),
        (0.0121, "12.1 ms"),
        (3.456, "3.46 s"),
        (119.0, "119 s"),
        (600.0, "10 min"),
        (0.0, "0 s"),
        (61_200.0, "17 h"),
        (216_000.0, "2.5 days"),
        (200_000_000.0, "2,315 days"),
    ],
)
def test_times_are_told_in_their_units(seconds, told):
    assert duration(seconds) == told


def test_small_numbers_are_told_in_few_digits():
    assert [probability(p) for p in (0.0001, 0.0123, 0.456)] == ["< 0.001", "0.012", "0.46"]


def test_what_was_not_tested_is_not_said_to_be_better_or_within_noise():
    found = said([network("gru", 12.0), network("lstm", 12.1)], [rival("last_value", 12.5)])
    assert found == (
        "Whether any network is better than last_value cannot be told: the gru is ahead (mae 12.00 against 12.50), but "
        "no difference could be tested, so that this may be chance. Bring more data, or hold out more."
    )
    found = said([network("gru", 12.0), network("lstm", 12.1)])
    assert "none of those not told apart from it (lstm) is 1.2x cheaper" in found
