"""What an account earns, where the answer is known."""

import numpy as np
import pytest

import whorl
from whorl.backtesting.account import trade
from whorl.backtesting.rivals import AVERAGE, CASH, HOLD, averaged_rows, rivals

from .subjects import market

FREE = {"costs": 0.0, "slippage": 0.0}
PRICES = [10.0, 11.0, 12.1, 9.0, 9.9, 14.0, 7.0]


def account(decided, price=PRICES, columns=None, start=0, **trading):
    given = {**FREE, **trading}
    return trade(np.asarray(decided, np.float64), market(price, columns, **given), whorl.Trading(**given), start)


def test_holding_earns_what_the_price_does():
    ledger = account([1.0] * 7)
    np.testing.assert_allclose(ledger.equity, np.array(PRICES[1:]) / PRICES[1])
    assert ledger.traded.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("delay", [0, 1, 2])
def test_a_decision_is_traded_so_many_rows_later_and_held_for_one_row(delay):
    decided = np.zeros(7)
    decided[2] = 1.0
    ledger = account(decided, delay=delay)
    expected = np.zeros(6 - delay)
    expected[2] = PRICES[3 + delay] / PRICES[2 + delay] - 1
    np.testing.assert_allclose(ledger.earned, expected, atol=1e-15)
    assert ledger.first == delay


def test_rows_before_the_first_decision_are_not_traded():
    np.testing.assert_allclose(account([1.0] * 7, start=3).equity, np.array(PRICES[4:]) / PRICES[4])


def test_costs_and_slippage_are_paid_for_what_is_bought_and_sold():
    ledger = account([1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0], costs=0.02, slippage=0.01)
    np.testing.assert_allclose(ledger.traded, [1.0, 1.0, 1.0, 0.0, 1.0])
    np.testing.assert_allclose(ledger.cost, 0.03 * ledger.traded)
    np.testing.assert_allclose(1 + ledger.earned, [0.97 * 1.1, 0.97, 0.97 * 1.1, 14.0 / 9.9, 0.97])


def test_a_position_moves_with_its_price_until_it_is_traded_back():
    ledger = account([0.5] * 7)
    # After a rise of a tenth 0.55 of 1.05 are held.
    assert ledger.traded[1] == pytest.approx(0.55 / 1.05 - 0.5)


def test_shorts_earn_when_the_price_falls_and_cash_earns_on_what_they_bring():
    ledger = account([-1.0] * 7, cash_rate=0.12)
    month = ledger.cash[1]
    assert 0.009 < month < 0.0098
    assert ledger.earned[1] == pytest.approx(-(9.0 / 12.1 - 1) + 2 * month)


def test_borrowing_costs_what_cash_earns():
    ledger = account([2.0] * 7, cash_rate=0.12)
    assert ledger.earned[0] == pytest.approx(2 * 0.1 - ledger.cash[0])


def test_dividends_are_earned_by_who_held_the_row_before():
    ledger = account([1.0] * 7, columns={"paid": [9.0, 9.0, 1.1, 0, 0, 0, 0]}, dividends="paid")
    assert ledger.earned[0] == pytest.approx((12.1 + 1.1) / 11 - 1)
    assert ledger.earned[1] == pytest.approx(9.0 / 12.1 - 1)


def test_cash_earns_the_rate_that_was_known_before():
    rates = [0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0]
    ledger = account([0.0] * 7, columns={"rate": rates}, cash_column="rate")
    assert np.flatnonzero(ledger.earned).tolist() == [1]
    assert ledger.earned[1] == pytest.approx(1.5 ** (31 / 365.2425) - 1)


def test_who_is_ruined_stays_so():
    ledger = account([3.0] * 7)
    # Three times a fall from 12.1 to 9 leaves little, three times one from 14 to 7 nothing.
    assert ledger.equity[-1] == 0.0
    assert np.isfinite(ledger.equity).all()
    assert (ledger.drawdown >= -1).all()


def test_costs_and_a_fall_that_each_take_all_do_not_make_a_gain():
    # A price that triples takes more than all from who is short of it, and so do costs of a third of four times all.
    ledger = account([-4.0] * 3, price=[1.0, 1.0, 3.0], costs=1 / 3)
    assert ledger.equity.tolist() == [1.0, 0.0]


def test_the_drawdown_is_how_far_the_equity_is_below_its_highest():
    np.testing.assert_allclose(account([1.0] * 7).drawdown[[1, 2, 4, 5]], [0.0, 9.0 / 12.1 - 1, 0.0, -0.5])


def test_the_rivals_hold_all_of_it_what_lies_above_its_average_and_cash():
    held = rivals(market(PRICES), 3)
    assert held[HOLD].tolist() == [1.0] * 7
    assert held[CASH].tolist() == [0.0] * 7
    # Means of three rows: 11.03, 10.7, 10.33, 10.97, 10.3.
    assert held[AVERAGE].tolist() == [0, 0, 1, 0, 0, 1, 0]


@pytest.mark.parametrize(("rows_a_year", "rows"), [(12, 10), (252, 210), (1, 2)])
def test_the_average_is_over_ten_months(rows_a_year, rows):
    assert averaged_rows(rows_a_year) == rows
