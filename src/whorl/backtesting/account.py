"""Decisions traded: what an account earns row by row, after costs."""

from dataclasses import dataclass

import numpy as np

from whorl.backtesting.market import Market
from whorl.plans.trading import Trading


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """An account, row by row, from the first trade on.

    Args:
        first: row of the first trade; what is earned begins with the row after it.
        position: (n,) held from a row to the next, as a multiple of the equity.
        earned: (n,) share of the equity that was earned from that row to the next, costs included.
        cash: (n,) what cash earned meanwhile.
        priced: (n,) what a position of 1 earned meanwhile.
        traded: (n,) how much was bought and sold at that row, as a multiple of the equity.
        cost: (n,) what that cost.
    """

    first: int
    position: np.ndarray
    earned: np.ndarray
    cash: np.ndarray
    priced: np.ndarray
    traded: np.ndarray
    cost: np.ndarray

    @property
    def equity(self) -> np.ndarray:
        """(n + 1,) what an account that began with 1 has, from the first trade on."""
        return np.cumprod(np.concatenate([[1.0], 1.0 + self.earned]))

    @property
    def drawdown(self) -> np.ndarray:
        """(n + 1,) how far the equity is below the most it ever was, as a share: 0 or less."""
        equity = self.equity
        below: np.ndarray = equity / np.maximum.accumulate(equity) - 1
        return below


def trade(decided: np.ndarray, market: Market, trading: Trading, start: int) -> Ledger:
    """Trades decisions.

    What was decided when row t was known is traded at the price of row t + delay, and held from there to the next
    row; between trades a position moves with its price. All comes from cash, and is not sold at the end.

    Args:
        decided: (N,) position that is wanted after each row.
        market: what can be traded.
        trading: costs and delay.
        start: row of the first decision.
    """
    first = start + trading.delay
    count = len(market) - 1 - first
    wanted = decided[start : start + count]
    change, cash = market.change[first + 1 :], market.cash[first + 1 :]
    share = trading.costs + trading.slippage
    earned, traded, held = np.empty(count), np.empty(count), np.array(wanted, np.float64)
    before = 0.0
    for n in range(count):
        position = held[n]
        traded[n] = abs(position - before)
        gain = position * change[n] + (1 - position) * cash[n]
        # Costs are paid at once, so that they earn nothing; of what costs or a fall take whole nothing is left.
        earned[n] = max(0.0, 1 - share * traded[n]) * max(0.0, 1 + gain) - 1
        if earned[n] <= -1:  # ruin: nothing is left to trade with
            earned[n], earned[n + 1 :], traded[n + 1 :], held[n + 1 :] = -1.0, 0.0, 0.0, 0.0
            break
        before = position * (1 + change[n]) / (1 + gain)
    return Ledger(
        first=first, position=held, earned=earned, cash=cash, priced=change, traded=traded, cost=share * traded
    )
