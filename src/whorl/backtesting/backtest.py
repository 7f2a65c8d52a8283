"""`whorl.backtest`: what a model would have earned, by nothing but what was known when it decided."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from whorl.backtesting.account import Ledger, trade
from whorl.backtesting.advice import advice, notes
from whorl.backtesting.forecasts import of_forecaster
from whorl.backtesting.labels import of_classifier
from whorl.backtesting.market import Market, read_market
from whorl.backtesting.peeking import check_columns
from whorl.backtesting.result import Account, Backtest
from whorl.backtesting.rivals import averaged_rows, rivals
from whorl.backtesting.signals import Outlook, positions
from whorl.backtesting.statistics import difference, performance, ratio, resampled
from whorl.backtesting.subject import Subject
from whorl.backtesting.walk import Leg, check_unseen, first_decision, joined, legs, walk
from whorl.errors import ArgumentError, DataError
from whorl.plans.trading import Refits, Signal, Trading
from whorl.runtime.artifact import made_folder
from whorl.tasks.classification import Classifier
from whorl.tasks.forecasting import Forecaster
from whorl.tasks.telling import Teller

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

STRATEGY = "model"
# Rows that are earned in; fewer say nothing.
_FEWEST = 12


def backtest(
    model: "Estimator",
    data: object,
    *,
    price: str,
    signal: Signal | None = None,
    trading: Trading | None = None,
    refits: Refits | None = None,
    folder: str | Path | None = None,
    verbose: bool | None = None,
) -> Backtest:
    """Walks through the rows of a table, fits a model to those before, decides, trades, and says what came of it.

    At the close of a row the model answers by the rows up to it. A decision is made of the answer, and traded at the
    price of a later row. No fit sees a row of its decisions or a later one, and so do no scale, kind of a column, or
    moving average. Beside it stand holding, a moving average of ten months, and cash, after the same costs.

    A Forecaster forecasts the price, or a column with its change from row to row. Of a Classifier the examples are made
    here: the last rows, and whether what is held then rises.

    Args:
        model: the task with its settings. Whether it is fitted matters only where `refits` has every='never'.
        data: a table of one price, in order of time.
        price: its column of prices.
        signal: how an answer becomes a position; None is `whorl.Signal()`.
        trading: costs, delay and what else is earned; None is `whorl.Trading()`.
        refits: when the model is fitted anew, and on what; None is `whorl.Refits()`.
        folder: where answers are written down, so that a backtest that was interrupted goes on where it stopped. None
            keeps nothing.
        verbose: print each fit when it is done. None does so where the output is a terminal.

    Raises:
        ArgumentError: a setting breaks a rule, or the model answers something that cannot be traded.
        DataError: the data break a rule, or are too few.
        ResourceError: nothing can be written to the folder.
        Interrupted: Ctrl-C or SIGTERM; what was answered is in the folder.

    Example:
        model = whorl.Forecaster(target="return", time="month", horizon=2, context=24)
        found = whorl.backtest(model, "index.csv", price="price", trading=whorl.Trading(costs=0.001))
        print(found.advice)
    """
    signal, trading, refits = signal or Signal(), trading or Trading(), refits or Refits()
    for name, plan, kind in (("signal", signal, Signal), ("trading", trading, Trading), ("refits", refits, Refits)):
        if not isinstance(plan, kind):
            raise ArgumentError(
                f"`{name}` is a whorl.{kind.__name__}(...), but is a {type(plan).__name__}. Make it one."
            )
    if not isinstance(price, str):
        raise ArgumentError(f"`price` is the name of a column, but is {price!r}. Name the one that is traded.")
    market, subject, start = _set_up(model, data, price, trading, refits)
    course = legs(refits, len(market), start, model.training.seed)
    done = _walked(subject, course, refits, folder, Teller(verbose))
    outlooks = joined(done, len(market), subject.column)
    round_trip = 2 * (trading.costs + trading.slippage)
    each = [positions(signal, outlook, round_trip=round_trip, labels=subject.labels) for outlook in outlooks]
    decided = np.mean(each, axis=0)
    rows_a_year = market.rows_a_year(start)
    held = {STRATEGY: decided, **rivals(market, averaged_rows(rows_a_year))}
    ledgers = {name: trade(one, market, trading, start) for name, one in held.items()}
    alone = [trade(one, market, trading, start) for one in each]
    accounts = _accounts(ledgers, rows_a_year, signal.trials)
    first = start + trading.delay
    return Backtest(
        task=model.task,
        price=price,
        signal=signal,
        trading=trading,
        refits=refits,
        fits=sum(leg.seed is not None for leg in course),
        rows_a_year=rows_a_year,
        time=market.time[first:],
        decided=decided[start:],
        decided_after=market.time[start:],
        accounts=tuple(accounts),
        seeds=tuple(ratio(one.earned - one.cash) * rows_a_year**0.5 for one in alone),
        advice=advice(accounts, signal, trading, years=(len(market) - 1 - first) / rows_a_year),
        notes=tuple(notes(market, accounts, trading, refits, outlooks, start)),
    )


def _walked(
    subject: Subject, course: list[Leg], refits: Refits, folder: str | Path | None, tell: Teller
) -> list[tuple[Leg, Outlook]]:
    """What was said on the way; where nothing was, no folder is left behind that was not there."""
    if folder is None:
        return walk(subject, course, refits, folder=None, tell=tell)
    is_new = not Path(folder).exists()
    home = made_folder(folder)
    try:
        return walk(subject, course, refits, folder=home, tell=tell)
    except BaseException:
        if is_new:
            with contextlib.suppress(OSError):  # answers are in it
                home.rmdir()
        raise


def _set_up(
    model: "Estimator", data: object, price: str, trading: Trading, refits: Refits
) -> tuple[Market, Subject, int]:
    """The market, the model on it, and the row of the first decision."""
    if not isinstance(model, Forecaster | Classifier):
        raise ArgumentError(
            f"`model` is a Forecaster or a Classifier, but is a {type(model).__name__}, whose answers are no view of a "
            "price. Give one of these."
        )
    columns = model.columns()
    market = read_market(data, columns.table, columns.time, price, trading)
    # The rows before the first decision say what columns mean; how many these are is known before the model is.
    rows = first_decision(refits, len(market), 2)
    delay = trading.delay
    subject: Subject
    if isinstance(model, Forecaster):
        subject = of_forecaster(model, market, price, delay, rows)
    else:
        subject = of_classifier(model, market, price, delay, rows, refits.context)
    start = first_decision(refits, len(market), max(subject.needed, averaged_rows(market.rows_a_year(rows))))
    if len(market) - 1 - delay - start < _FEWEST:
        raise DataError(
            f"`start` is row {start} of {len(market)}, after which {max(0, len(market) - 1 - delay - start)} rows are "
            f"earned in, but a backtest needs {_FEWEST} at least. Lower `start`, or bring more rows."
        )
    check_columns(market, model.table, price, rows)
    if refits.every == "never":
        if not hasattr(model, "model_"):
            raise ArgumentError(
                f"`every` is 'never', which takes a fitted model as it is, but this {type(model).__name__} is not "
                "fitted. Call `fit` on rows before the backtest, or let it be fitted here."
            )
        subject.estimator.model_ = model.model_
        check_unseen(subject, start)
    return market, subject, start


def _accounts(ledgers: dict[str, Ledger], rows_a_year: float, trials: int) -> list[Account]:
    """The accounts with their worth, and how the first one differs from each other one."""
    names = list(ledgers)
    excess = np.stack([ledgers[name].earned - ledgers[name].cash for name in names])
    drawn = resampled(excess)
    ratios = [ratio(one) for one in excess]
    return [
        Account(
            name=name,
            ledger=ledgers[name],
            worth=performance(ledgers[name], rows_a_year, drawn[n]),
            ahead=None if not n else difference(drawn[0], drawn[n], ratios[0] - ratios[n], rows_a_year, trials),
        )
        for n, name in enumerate(names)
    ]
