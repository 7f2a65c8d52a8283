"""What a backtest found: the account of the model beside those of its rivals, and whether there is an edge."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from whorl.backtesting.account import Ledger
from whorl.backtesting.statistics import Difference, Performance
from whorl.data.problems import plural
from whorl.plans.trading import Refits, Signal, Trading
from whorl.report.scores import aligned, probability
from whorl.report.template import write_found


@dataclass(frozen=True, kw_only=True)
class Account:
    """What came of a way to trade.

    Args:
        name: 'model', or that of a rival.
        ledger: row by row.
        worth: in few numbers.
        ahead: how much higher the model's Sharpe ratio is; None for the model itself.
    """

    name: str
    ledger: Ledger
    worth: Performance
    ahead: Difference | None = None


@dataclass(frozen=True, kw_only=True)
class Backtest:
    """What a model would have earned.

    Args:
        task: registered name of the task.
        price: column of the price.
        signal: how answers became positions.
        trading: costs and delay.
        refits: when the model was fitted.
        fits: how many there were.
        rows_a_year: of the table, by the rows before the first decision.
        time: (n + 1,) when each row of the accounts is, from the first trade on.
        decided: (M,) the position that was wanted after each row; the last ones were not traded any more.
        decided_after: (M,) when these rows are.
        accounts: that of the model, and those of its rivals: holding, the moving average and cash, after the same
            costs.
        seeds: the Sharpe ratio of each seed alone.
        advice: whether there is an edge, in a sentence.
        notes: what else should be known, in sentences.
    """

    task: str
    price: str
    signal: Signal
    trading: Trading
    refits: Refits
    fits: int
    rows_a_year: float
    time: np.ndarray
    decided: np.ndarray
    decided_after: np.ndarray
    accounts: tuple[Account, ...]
    seeds: tuple[float, ...]
    advice: str
    notes: tuple[str, ...] = ()

    @property
    def model(self) -> Account:
        """The account of the model."""
        return self.accounts[0]

    @property
    def rivals(self) -> tuple[Account, ...]:
        """The accounts of what needs no model."""
        return self.accounts[1:]

    def to_dict(self) -> dict[str, object]:
        """Everything, as JSON values."""
        return {
            "task": self.task,
            "price": self.price,
            "signal": asdict(self.signal),
            "trading": asdict(self.trading),
            "refits": asdict(self.refits),
            "fits": self.fits,
            "rows_a_year": self.rows_a_year,
            "time": _times(self.time),
            "decided": self.decided.tolist(),
            "decided_after": _times(self.decided_after),
            "accounts": [
                {
                    "name": one.name,
                    "worth": asdict(one.worth),
                    "ahead": None if one.ahead is None else asdict(one.ahead),
                    "equity": one.ledger.equity.tolist(),
                    "position": one.ledger.position.tolist(),
                    "earned": one.ledger.earned.tolist(),
                    "cost": one.ledger.cost.tolist(),
                }
                for one in self.accounts
            ],
            "seeds": list(self.seeds),
            "advice": self.advice,
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """Two tables for a terminal, and the advice below them."""
        tables = [
            *aligned([WORTH, *map(worth, self.accounts)]),
            *aligned([TRADED, *map(traded, self.accounts)]),
        ]
        return [self.what, *tables, *(f"  {note}" for note in [*self.seeds_told, *self.notes]), self.advice]

    @property
    def what(self) -> str:
        """What was traded, when, and at what cost, in a line."""
        first, last = _times(self.time[[0, -1]])
        return (
            f"{self.price}, {first} to {last}, {plural(len(self.time) - 1, 'row')}; {plural(self.fits, 'fit')}, "
            f"costs {percent(self.trading.costs, 2)} and slippage {percent(self.trading.slippage, 2)} of what is "
            f"traded, {plural(self.trading.delay, 'row')} after its decision"
        )

    @property
    def seeds_told(self) -> list[str]:
        """Each seed alone, where there are several."""
        told = ", ".join(f"{value:.2f}" for value in self.seeds)
        return [f"Sharpe ratio of each seed alone: {told}"] if len(self.seeds) > 1 else []

    def write(self, path: str | Path) -> None:
        """Writes a page (.html) that needs nothing but itself, or everything as JSON (.json).

        Raises:
            ArgumentError: the path ends otherwise.
            MissingExtraError: a library that draws pages is not installed.
            ResourceError: the file cannot be written.
        """

        def made() -> str:
            from whorl.backtesting.page import page

            return page(self)

        write_found(path, "backtest", made, self.to_dict)


WORTH = ("", "a year", "volatility", "Sharpe", "error", "95 % interval", "drawdown", "model ahead by", "p")
TRADED = ("", "turnover", "costs", "hits", "exposure")


def worth(one: Account) -> list[str]:
    """What an account was worth, in words: a row of the first table."""
    own, ahead = one.worth, one.ahead
    return [
        one.name,
        percent(own.annual_return, 1),
        percent(own.volatility, 1),
        f"{own.sharpe:.2f}",
        f"{own.sharpe_error_correlated:.2f}",
        f"{own.sharpe_low:.2f} to {own.sharpe_high:.2f}",
        percent(own.drawdown),
        "" if ahead is None else f"{ahead.value:.2f} ({ahead.low:.2f} to {ahead.high:.2f})",
        "" if ahead is None else probability(ahead.p),
    ]


def traded(one: Account) -> list[str]:
    """How an account was traded, in words: a row of the second table."""
    own = one.worth
    return [
        one.name,
        f"{own.turnover:.1f}",
        percent(own.costs, 2),
        "" if own.hit_rate is None else percent(own.hit_rate),
        f"{own.exposure:.2f}",
    ]


def percent(share: float, digits: int = 0) -> str:
    """A share in words."""
    return f"{100 * share:.{digits}f} %"


def _times(times: np.ndarray) -> list[str]:
    """Times in words: days where nothing happens between them."""
    days = times.astype("datetime64[D]")
    whole = bool((days == times).all())
    words: list[str] = np.datetime_as_string(days if whole else times.astype("datetime64[s]")).tolist()
    return words
