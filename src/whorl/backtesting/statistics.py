"""What an account was worth, how sure that is, and how it differs from another one on the same rows."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from whorl.backtesting.account import Ledger

LEVEL = 0.95
DRAWS = 2000
_CHUNK = 50
# Spreads below it are rounding: of an account that holds cash, what is earned above cash.
_NOTHING = 1e-12


@dataclass(frozen=True, kw_only=True)
class Performance:
    """What an account was worth, costs included.

    Args:
        annual_return: growth a year, compounded.
        volatility: spread of what is earned, times the root of the rows a year.
        sharpe: mean of what is earned above cash over its spread, times the root of the rows a year.
        sharpe_error: its standard error if rows were independent and normal (Lo 2002, eq. 9).
        sharpe_error_correlated: its standard error where rows may depend on each other and have any distribution (Lo
            2002, by the generalised method of moments, with the weights of Newey and West 1987).
        sharpe_correlated: the ratio of a year where rows are correlated (Lo 2002, eq. 20).
        sharpe_low: lower end of its interval at 95 %, by the stationary bootstrap (Politis and Romano 1994).
        sharpe_high: upper end.
        drawdown: the largest fall from the most it ever was, as a share: 0 or less.
        turnover: what is bought and sold in a year, as a multiple of the equity.
        costs: what that costs in a year, as a share of the equity.
        hit_rate: share of the rows with a position in which it earned more than cash, before costs; None without any.
        exposure: mean size of the position.
    """

    annual_return: float
    volatility: float
    sharpe: float
    sharpe_error: float
    sharpe_error_correlated: float
    sharpe_correlated: float
    sharpe_low: float
    sharpe_high: float
    drawdown: float
    turnover: float
    costs: float
    hit_rate: float | None
    exposure: float


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much higher one Sharpe ratio is than another on the same rows.

    Args:
        value: of a year.
        low: lower end of its interval at 95 %.
        high: upper end.
        p: how probable a difference as large is by chance, times the number of trials.
    """

    value: float
    low: float
    high: float
    p: float


def ratio(excess: np.ndarray) -> float:
    """Mean over spread of what a row earned above cash; 0 where nothing was earned."""
    spread = float(excess.std())
    return float(excess.mean()) / spread if spread > _NOTHING else 0.0


def error(excess: np.ndarray) -> float:
    """Standard error of `ratio` if rows are independent and normal: sqrt((1 + SR^2 / 2) / T), Lo (2002), eq. 9."""
    return float(np.sqrt((1 + 0.5 * ratio(excess) ** 2) / len(excess)))


def correlated_error(excess: np.ndarray) -> float:
    """Standard error of `ratio` where rows depend on each other.

    The ratio is a function of two moments; its influence in a row is z - SR / 2 (z^2 - 1), z being what the row earned
    in spreads from the mean. The error is the long-run spread of that, with Bartlett weights up to a lag that grows
    with the rows (Newey and West 1987).
    """
    spread = float(excess.std())
    if spread <= _NOTHING:
        return 0.0
    z = (excess - excess.mean()) / spread
    influence = z - 0.5 * ratio(excess) * (z**2 - 1)
    count, lags = len(excess), _lags(len(excess))
    variance = float(influence @ influence) / count
    for lag in range(1, min(lags, count - 1) + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float(influence[lag:] @ influence[:-lag]) / count
    return float(np.sqrt(max(variance, 0.0) / count))


def scale(excess: np.ndarray, rows: float) -> float:
    """What turns the ratio of a row into that of `rows` of them: q / sqrt(q + 2 sum (q - k) rho_k), Lo (2002), eq. 20.

    Correlations beyond a lag that grows with the rows are noise, and are taken as none.
    """
    spread, count = float(excess.std()), len(excess)
    if spread <= _NOTHING:
        return float(np.sqrt(rows))
    z = (excess - excess.mean()) / spread
    lags = range(1, min(_lags(count), count - 1, max(1, round(rows) - 1)) + 1)
    shared = sum((rows - lag) * float(z[lag:] @ z[:-lag]) / count for lag in lags if rows > lag)
    return rows / float(np.sqrt(max(rows + 2 * shared, 1e-6 * rows)))


def _lags(count: int) -> int:
    """The largest lag that is looked at: a usual choice that grows with the rows."""
    return max(1, int(4 * (count / 100) ** (2 / 9)))


def resampled(excess: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Ratios of accounts whose rows are drawn anew in blocks, the same ones for all, (A, DRAWS).

    The stationary bootstrap of Politis and Romano (1994): a block begins anywhere, goes on from the end with the first
    row, and its length is geometric, with a mean of the cube root of the rows.

    Args:
        excess: (A, n) what each account earned above cash.
        seed: of the blocks.
    """
    count = excess.shape[1]
    ends = 1 / max(1.0, count ** (1 / 3))
    generator = np.random.default_rng(seed)
    found = np.empty((len(excess), DRAWS))
    for start in range(0, DRAWS, _CHUNK):
        shape = (_CHUNK, count)
        new = generator.random(shape) < ends
        new[:, 0] = True
        anywhere = generator.integers(0, count, shape)
        # A row that begins no block is the one after the row before it.
        at = np.arange(count)
        begun = np.maximum.accumulate(np.where(new, at, 0), axis=1)
        rows = (np.take_along_axis(anywhere, begun, axis=1) + at - begun) % count
        for n, own in enumerate(excess):
            drawn = own[rows]
            spread = drawn.std(axis=1)
            found[n, start : start + _CHUNK] = np.divide(
                drawn.mean(axis=1), spread, out=np.zeros(_CHUNK), where=spread > _NOTHING
            )
    return found


def performance(ledger: Ledger, rows_a_year: float, drawn: np.ndarray) -> Performance:
    """What an account was worth.

    Args:
        ledger: the account.
        rows_a_year: of the market.
        drawn: its ratios, from `resampled`.
    """
    excess = ledger.earned - ledger.cash
    years, root = len(excess) / rows_a_year, float(np.sqrt(rows_a_year))
    low, high = np.quantile(drawn, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2]) * root
    held = ledger.position != 0
    won = np.sign(ledger.position) * (ledger.priced - ledger.cash) > 0
    end = float(ledger.equity[-1])
    return Performance(
        annual_return=end ** (1 / years) - 1,
        volatility=float(ledger.earned.std()) * root,
        sharpe=ratio(excess) * root,
        sharpe_error=error(excess) * root,
        sharpe_error_correlated=correlated_error(excess) * root,
        sharpe_correlated=ratio(excess) * scale(excess, rows_a_year),
        sharpe_low=float(low),
        sharpe_high=float(high),
        drawdown=float(ledger.drawdown.min()),
        turnover=float(ledger.traded.sum()) / years,
        costs=float(ledger.cost.sum()) / years,
        hit_rate=float(won[held].mean()) if held.any() else None,
        exposure=float(np.abs(ledger.position).mean()),
    )


def difference(own: np.ndarray, other: np.ndarray, observed: float, rows_a_year: float, trials: int) -> Difference:
    """A paired test: ratios of both are drawn from the same blocks, so that what moved both falls out.

    Args:
        own: (DRAWS,) ratios of the one, from `resampled`.
        other: of the other one.
        observed: the difference of a row's ratios.
        rows_a_year: of the market.
        trials: that p is multiplied by (Bonferroni).
    """
    root = float(np.sqrt(rows_a_year))
    spread = float((own - other).std(ddof=1))
    if spread <= _NOTHING:
        return Difference(value=observed * root, low=observed * root, high=observed * root, p=1.0)
    reach = float(stats.norm.ppf(0.5 + LEVEL / 2)) * spread
    p = float(2 * stats.norm.sf(abs(observed) / spread))
    return Difference(
        value=observed * root, low=(observed - reach) * root, high=(observed + reach) * root, p=min(1.0, p * trials)
    )
