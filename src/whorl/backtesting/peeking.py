"""Columns that know what comes."""

import numpy as np

from whorl.backtesting.market import Market
from whorl.data.columns import guess_kind
from whorl.data.convert import convert
from whorl.data.problems import plural, refuse
from whorl.errors import DataError
from whorl.plans.table import Table

# Correlated more than that with a later change of the price: no honest column is.
_COPY = 0.99
_FEWEST = 24
_AHEAD = 3


def check_columns(market: Market, table: Table, price: str, rows: int) -> None:
    """Raises where a column is a copy of what the price does later, or of what it will be.

    Args:
        market: what can be traded.
        table: how columns are read; what it ignores is not looked at.
        price: column of the price.
        rows: those that are looked at: the ones before the first decision.
    """
    frame = market.frame.take(slice(0, rows))
    for name in frame.columns:
        unread = name in (market.column, price) or table.kinds.get(name) == "ignore"
        if unread or guess_kind(frame[name]) != "numeric":
            continue
        try:
            own = convert(frame, name, "numeric", table, refuse)
        except DataError:  # the model says what is wrong with a column that it reads
            continue
        moved = np.full(rows, np.nan)
        moved[1:] = np.divide(np.diff(own), own[:-1], out=moved[1:].copy(), where=own[:-1] != 0)
        for ahead in range(1, _AHEAD + 1):
            later = market.change[ahead:rows]
            # A price that moves slowly tells its own next change as well.
            least = max(_COPY, _correlation(market.change[: rows - ahead], later))
            if max(_correlation(one[: rows - ahead], later) for one in (own, moved)) > least:
                raise DataError(
                    f"{frame.origin}: column '{name}' tells what the price does {plural(ahead, 'row')} "
                    f"later (correlation above {_COPY}), which nobody knew then. Leave "
                    f"it out with --kinds {name}=ignore, or move it to the rows in which it was known."
                )


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < _FEWEST:
        return 0.0
    x, y = first[known] - first[known].mean(), second[known] - second[known].mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return abs(float(x @ y)) / size if size > 0 else 0.0
