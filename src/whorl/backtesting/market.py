"""What can be traded: times, prices, what a row earned, and what cash earned meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.columns import guess_kind
from whorl.data.problems import name_rows
from whorl.data.schema import Schema
from whorl.data.series import read_series
from whorl.data.sources import read_table
from whorl.errors import ArgumentError, DataError
from whorl.plans.table import Kind, Table
from whorl.plans.trading import Trading

_ROW = "__row__"
_YEAR = 365.2425 * 86_400_000_000  # microseconds
# A rate above it was most likely meant in percent: 1 would double what is saved each year.
_MOST_RATE = 1.0
_FEWEST = 3


@dataclass(frozen=True, kw_only=True)
class Market:
    """A table whose rows can be traded.

    Args:
        frame: the table, as models read it; its rows are in order.
        column: of the time.
        time: (N,) datetime64[us].
        price: (N,) at which a row is traded.
        change: (N,) what a position of 1 earned from the row before to this one, dividends included; 0 in the first.
        cash: (N,) what cash earned meanwhile, at the rate that was known in the row before; 0 in the first.
    """

    frame: Frame
    column: str
    time: np.ndarray
    price: np.ndarray
    change: np.ndarray
    cash: np.ndarray

    def __len__(self) -> int:
        return len(self.price)

    def rows_a_year(self, rows: int) -> float:
        """How many rows a year has, by the times of the first `rows` of them."""
        passed = float((self.time[rows - 1] - self.time[0]).astype(np.int64))
        return (rows - 1) * _YEAR / passed


def read_market(data: object, table: Table, time: str | None, price: str, trading: Trading) -> Market:
    """Reads a table and finds out whether it can be traded.

    Args:
        data: what `fit` takes, of one series.
        table: how it is read.
        time: column of timestamps; None looks for one.
        price: column of the price.
        trading: which other columns mean money.

    Raises:
        ArgumentError: a column has two roles.
        DataError: times are not in order, a price is missing or not above 0, or another rule is broken.
    """
    frame = read_table(data, table)
    column = _time_column(frame, table, time)
    money = [name for name in (trading.dividends, trading.cash_column) if name is not None]
    for name in (price, *money):
        frame[name]
    if len({column, price, *money}) != 2 + len(money):
        raise ArgumentError(
            f"`price` is {price!r}, `dividends` {trading.dividends!r}, `cash_column` {trading.cash_column!r} and the "
            f"time {column!r}, but each is a column of its own. Name others."
        )
    frame, times = _in_order(frame, column, [price, *money], table)
    prices = _numbers(frame, price, "price", least=0.0)
    if len(frame) < _FEWEST:
        raise DataError(f"{frame.origin} has {len(frame)} rows, but a backtest needs many. Bring a longer table.")
    paid = np.zeros(len(frame))
    if trading.dividends is not None:
        paid = _numbers(frame, trading.dividends, "dividends")
    change = np.zeros(len(frame))
    change[1:] = (prices[1:] + paid[1:]) / prices[:-1] - 1
    return Market(
        frame=frame, column=column, time=times, price=prices, change=change, cash=_cash(frame, times, trading)
    )


def _time_column(frame: Frame, table: Table, time: str | None) -> str:
    if time is not None:
        frame[time]
        return time
    for name in frame.columns:
        if (table.kinds.get(name) or guess_kind(frame[name])) == "time":
            return name
    raise DataError(
        f"{frame.origin} has no column of times, but a backtest walks through time; its columns are "
        f"{', '.join(map(repr, frame.columns))}. Name it with --time, or add one."
    )


def _in_order(frame: Frame, column: str, money: Sequence[str], table: Table) -> tuple[Frame, np.ndarray]:
    """The rows as the options of the table put them in order, and their times."""
    if table.on_duplicate == "mean":
        raise ArgumentError("`on_duplicate` is 'mean', but nobody traded at a mean price. Use 'first' or 'last'.")
    kinds: dict[str, Kind] = dict.fromkeys((*money, _ROW), "numeric")
    kinds[column] = "time"
    numbered = frame.with_columns({_ROW: np.arange(len(frame), dtype=np.float64)})
    schema = Schema(time=column, targets=(money[0],), past=(*money[1:], _ROW), kinds=kinds)
    (series,) = read_series(numbered, schema, table)
    rows, times = series.frame[_ROW], series.frame[column]
    if times.dtype.kind != "M":
        raise DataError(
            f"{frame.origin}: column '{column}' holds whole numbers, but a backtest tells what is earned in a year. "
            "Give timestamps."
        )
    filled = np.flatnonzero(~np.isfinite(rows))
    if len(filled):
        raise DataError(
            f"{frame.origin}: {len(filled)} rows are missing, the first before {times[filled[0] + 1]}, and "
            "`on_gap` is 'fill', but what has no price cannot be traded. Bring these rows, or take the others as they "
            "are with --on-gap ignore."
        )
    typed = {name: series.frame[name] for name in money}
    return frame.take(rows.astype(np.int64)).with_columns(typed), times


def _numbers(frame: Frame, name: str, role: str, least: float | None = None) -> np.ndarray:
    """A column of money without holes."""
    column = frame[name]
    missing = np.flatnonzero(~np.isfinite(column))
    if len(missing):
        raise DataError(
            f"{frame.origin}: column '{name}' is the `{role}`, which each row has, but {name_rows(frame, missing)} "
            f"{'has' if len(missing) == 1 else 'have'} no number. Fill them in, or remove these rows."
        )
    if least is not None and (low := np.flatnonzero(column <= least)).size:
        raise DataError(
            f"{frame.origin}: column '{name}' is the `{role}`, which is above 0, but is {column[low[0]]:g} in "
            f"{name_rows(frame, low)}. Correct or remove these rows, or choose another column with --price."
        )
    return column


def _cash(frame: Frame, times: np.ndarray, trading: Trading) -> np.ndarray:
    """What cash earned from the row before to this one."""
    rates = np.full(len(frame), float(trading.cash_rate))
    if trading.cash_column is not None:
        rates = _numbers(frame, trading.cash_column, "cash_column")
        high = np.flatnonzero((rates > _MOST_RATE) | (rates <= -_MOST_RATE))
        if len(high):
            raise DataError(
                f"{frame.origin}: column '{trading.cash_column}' is the `cash_column`, a share a year, but is "
                f"{rates[high[0]]:g} in {name_rows(frame, high)}. Three percent is 0.03: divide percent by 100."
            )
    earned = np.zeros(len(frame))
    years = np.diff(times).astype(np.int64) / _YEAR
    earned[1:] = (1 + rates[:-1]) ** years - 1
    return earned
