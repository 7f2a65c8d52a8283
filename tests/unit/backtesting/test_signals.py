"""From answers to positions."""

import numpy as np
import pytest

import whorl
from whorl.backtesting.signals import Outlook, positions

CHANGE = np.array([0.02, -0.01, 0.001, 0.0, np.nan])
LOW = np.array([0.01, -0.02, -0.009, -0.01, np.nan])
HIGH = np.array([0.05, 0.0, 0.011, 0.01, np.nan])


def held(labels=False, outlook=None, **settings):
    found = Outlook(CHANGE, LOW, HIGH) if outlook is None else outlook
    return positions(whorl.Signal(**settings), found, round_trip=0.004, labels=labels).tolist()


def test_the_direction_is_held_whole_and_falls_are_cash_unless_they_are_sold_short():
    assert held() == [1, 0, 1, 0, 0]
    assert held(shorts=True) == [1, -1, 1, 0, 0]


def test_what_is_not_further_from_zero_than_the_threshold_is_not_held():
    assert held(shorts=True, threshold=0.01) == [1, 0, 0, 0, 0]


def test_the_size_is_the_forecast_over_half_its_interval():
    assert held(rule="size", shorts=True) == pytest.approx([1.0, -1.0, 0.1, 0.0, 0.0])


def test_an_interval_is_traded_where_it_lies_clear_of_buying_and_selling():
    assert held(rule="interval", shorts=True) == [1, 0, 0, 0, 0]
    below = Outlook(-CHANGE, -HIGH, -LOW)
    assert held(rule="interval", shorts=True, outlook=below) == [-1, 0, 0, 0, 0]
    near = Outlook(CHANGE, LOW - 0.007, HIGH)  # from 0.003, below what it costs
    assert held(rule="interval", outlook=near) == [0, 0, 0, 0, 0]


def test_leverage_multiplies_a_position_and_limits_it():
    assert held(leverage=2.0, shorts=True) == [2, -2, 2, 0, 0]
    assert held(rule="size", leverage=3.0) == pytest.approx([3.0, 0.0, 0.3, 0.0, 0.0])


def test_probabilities_are_held_by_their_difference():
    nothing = np.full(3, np.nan)
    outlook = Outlook(np.array([0.6, -0.2, 0.1]), nothing, nothing)
    assert held(labels=True, outlook=outlook, rule="size", shorts=True) == pytest.approx([0.6, -0.2, 0.1])
    assert held(labels=True, outlook=outlook, threshold=0.15) == [1, 0, 0]


def test_rules_that_need_intervals_are_refused_where_there_are_none():
    nothing = np.full(5, np.nan)
    for rule in ("size", "interval"):
        with pytest.raises(whorl.ArgumentError, match=f"`rule` is '{rule}', which needs the interval"):
            held(rule=rule, outlook=Outlook(CHANGE, nothing, nothing))
    with pytest.raises(whorl.ArgumentError, match="a Classifier answers probabilities"):
        held(rule="interval", labels=True, outlook=Outlook(CHANGE, nothing, nothing))


@pytest.mark.parametrize(
    ("plan", "settings", "says"),
    [
        (whorl.Signal, {"rule": "sized"}, "Did you mean 'size'"),
        (whorl.Signal, {"threshold": -1.0}, "`threshold` is a number >= 0"),
        (whorl.Signal, {"leverage": 0.0}, "`leverage` is the largest position"),
        (whorl.Signal, {"trials": 0}, "`trials` is a whole number >= 1"),
        (whorl.Trading, {"costs": float("nan")}, "`costs` is a number >= 0"),
        (whorl.Trading, {"costs": 0.6, "slippage": 0.5}, "nothing would be left"),
        (whorl.Trading, {"delay": 1.5}, "`delay` is a whole number >= 0"),
        (whorl.Trading, {"dividends": 3}, "`dividends` is the name of a column"),
        (whorl.Trading, {"cash_rate": 4.5}, "Three percent is 0.03"),
        (whorl.Trading, {"cash_rate": 0.1, "cash_column": "rate"}, "cash earns one of them"),
        (whorl.Refits, {"start": 1.5}, "`start` is a share of the rows"),
        (whorl.Refits, {"start": True}, "`start` is a share of the rows"),
        (whorl.Refits, {"every": "often"}, "`every` is a whole number >= 1"),
        (whorl.Refits, {"rolling": 0}, "`rolling` is a whole number >= 1"),
        (whorl.Refits, {"seeds": 0}, "`seeds` is a whole number >= 1"),
    ],
)
def test_plans_say_what_is_wrong_with_them(plan, settings, says):
    with pytest.raises(whorl.ArgumentError, match=says):
        plan(**settings)
