"""Forecasters as subjects: the change that is forecast for the row in which a decision would be held."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from whorl.backtesting.market import Market
from whorl.backtesting.signals import Outlook
from whorl.backtesting.subject import Subject
from whorl.codecs.frame import Frame
from whorl.data.convert import convert
from whorl.data.pairing import first_answer
from whorl.data.problems import plural, refuse
from whorl.errors import ArgumentError, DataError
from whorl.plans.names import names
from whorl.plans.table import Table
from whorl.tasks.forecasting import Forecaster

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

Meaning = Literal["price", "change", "log change"]

# How far a column may be from the change of the price that it is said to be, in spreads of it: digits are rounded.
_ROUNDED = 0.02


@dataclass(frozen=True, kw_only=True)
class Forecasts(Subject):
    """A Forecaster.

    Args:
        target: number of the target that is traded by.
        meaning: what that column is.
    """

    target: int
    meaning: Meaning

    @property
    def labels(self) -> bool:
        return False

    @property
    def column(self) -> int:
        return self.delay

    @property
    def needed(self) -> int:
        return first_answer(self.estimator.wiring().pairing) + 1

    def told(self, first: int, last: int) -> Mapping[str, np.ndarray]:
        assert isinstance(self.estimator, Forecaster)
        rows, told = slice(first, last), {"meaning": np.array(self.meaning)}
        told |= {"the time": self.market.time[rows], "the price": self.market.price[rows]}
        told |= {f"column {name}": cells for name, cells in self.market.frame.take(rows).columns.items()}
        ahead = self.market.frame.take(slice(last, last + self.estimator.horizon))
        return told | {f"known {name}": ahead[name] for name in self.estimator.known}

    def fit(self, estimator: "Estimator", first: int, last: int, *, refit: bool) -> "Estimator":
        return estimator.fit(self.market.frame.take(slice(first, last)), refit=refit, verbose=False)

    def answer(self, fitted: "Estimator", began: int, first: int, last: int) -> Outlook:
        assert isinstance(self.estimator, Forecaster)
        # A carried state runs through all rows; a window sees no more than its context, and what is held before it.
        carried = self.estimator.memory == "carried"
        start = began if carried else max(began, first - 2 * self.needed)
        frame, known = self.market.frame.take(slice(start, last)), None
        if self.estimator.known:
            ahead = self.market.frame.take(slice(last, last + self.estimator.horizon))
            columns = (self.market.column, *names(self.estimator.known))
            known = Frame({name: ahead[name] for name in columns}, ahead.origin, ahead.rows) if len(ahead) else None
        found = fitted.predict(frame, known=known, every_row=True)
        value = found.value[:, :, self.target]
        bounds = [np.full(value.shape, np.nan)] * 2
        if len(found.levels) > 1:
            bounds = [bound[:, :, self.target] for bound in found.interval]
        at = np.searchsorted(self.market.time, found.index.origin.astype("datetime64[us]"))
        made = [np.full((last - first, value.shape[1]), np.nan) for _ in range(3)]
        kept = (at >= first) & (at < last)
        for own, steps in zip(made, (value, *bounds), strict=True):
            own[at[kept] - first] = self._changes(steps[kept], value[kept], at[kept])
        return Outlook(*made)

    def _changes(self, steps: np.ndarray, value: np.ndarray, at: np.ndarray) -> np.ndarray:
        """The change of each of the next rows, (n, H), by forecasts of them or their bounds, (n, H)."""
        ahead: np.ndarray = steps.astype(np.float64)
        match self.meaning:
            case "change":
                return ahead
            case "log change":
                return np.expm1(ahead)  # type: ignore[no-any-return]
            case "price":
                before = np.concatenate([self.market.price[at, None], value[:, :-1].astype(np.float64)], axis=1)
                # A price that is forecast at or below 0 says nothing of the change after it.
                found: np.ndarray = np.divide(ahead, before, out=np.full(ahead.shape, np.nan), where=before > 0) - 1
                return found


def of_forecaster(model: Forecaster, market: Market, price: str, delay: int, rows: int) -> Forecasts:
    """A Forecaster as a subject.

    Args:
        model: its target is the price, or the change of the price from row to row.
        market: what can be traded.
        price: column of the price.
        delay: rows from a decision to its trade.
        rows: those that the meaning of the target is told by.

    Raises:
        ArgumentError: the model forecasts something else, or not far enough.
    """
    if model.series is not None:
        raise ArgumentError(
            f"`series` is {model.series!r}, but a backtest trades one price. Give the rows of one series, and leave it "
            "out."
        )
    if price in model.known:
        raise ArgumentError(f"`known` has the price {price!r}, which nobody knows ahead. Take it out.")
    if model.horizon < delay + 1:
        raise ArgumentError(
            f"`horizon` is {model.horizon}, but what is traded {plural(delay, 'row')} after its "
            f"decision is held in row {delay + 1}. Raise it to {delay + 1}."
        )
    targets = names(model.target) if model.target is not None else ()
    if not targets:
        raise ArgumentError(f"`target` is None, but must be the price {price!r} or its change. Name it.")
    for number, name in enumerate(targets):
        meaning = _meaning(market, name, price, rows, model.table)
        if meaning is not None:
            timed = replace(model, time=market.column)
            return Forecasts(estimator=timed, market=market, delay=delay, target=number, meaning=meaning)
    raise ArgumentError(
        f"`target` is {', '.join(map(repr, targets))}, but a backtest needs forecasts of what it trades: the price "
        f"{price!r}, or a column with its change from the row before, as a share or a logarithm. Name one of these."
    )


def _meaning(market: Market, name: str, price: str, rows: int, table: Table) -> Meaning | None:
    """What a column says of the price; None where it is something else."""
    if name == price:
        return "price"
    try:
        given = convert(market.frame.take(slice(0, rows)), name, "numeric", table, refuse)[1:]
    except DataError:
        return None
    plain = market.price[1:rows] / market.price[: rows - 1] - 1
    known = np.isfinite(given)
    # With dividends or without them.
    for made in (plain, market.change[1:rows]):
        for meaning, wanted in (("change", made), ("log change", np.log1p(made))):
            far = np.abs(given - wanted)[known]
            if len(far) > 1 and float(np.quantile(far, 0.99)) <= _ROUNDED * float(wanted.std()) + 1e-9:
                return meaning  # type: ignore[return-value]
    return None
