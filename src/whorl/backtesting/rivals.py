"""What needs no model: holding, a moving average, and cash."""

import numpy as np

from whorl.backtesting.market import Market

HOLD, AVERAGE, CASH = "buy and hold", "moving average", "cash"
# Faber (2007), "A Quantitative Approach to Tactical Asset Allocation": ten months.
_MONTHS = 10


def averaged_rows(rows_a_year: float) -> int:
    """Rows of the moving average."""
    return max(2, round(rows_a_year * _MONTHS / 12))


def rivals(market: Market, rows: int) -> dict[str, np.ndarray]:
    """What each rival holds after each row, (N,).

    Args:
        market: what can be traded.
        rows: of the moving average: all is held where the price lies above it, and cash where not.
    """
    sums = np.concatenate([[0.0], np.cumsum(market.price)])
    means = np.full(len(market), np.inf)
    means[rows - 1 :] = (sums[rows:] - sums[:-rows]) / rows
    above = (market.price > means).astype(np.float64)
    return {HOLD: np.ones(len(market)), AVERAGE: above, CASH: np.zeros(len(market))}
