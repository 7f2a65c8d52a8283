"""How a backtest decides, trades and refits, as data."""

from dataclasses import dataclass
from typing import Literal

from whorl.errors import ArgumentError, did_you_mean
from whorl.plans.names import check_column
from whorl.plans.sizes import check_flag

_RULES = ("sign", "size", "interval")


@dataclass(frozen=True, kw_only=True)
class Signal:
    """How an answer becomes a position, a multiple of the equity: 1 holds all of it in what is priced.

    Args:
        rule: 'sign' holds a whole position in the direction of the change that is forecast, or of the label that is
            more probable; 'size' one that grows with the forecast over half its interval, or with the difference of
            the two probabilities; 'interval' a whole position only where the interval of the forecast lies clear of
            what it costs to buy and to sell again.
        threshold: no position is held where the forecast change, or the difference of the two probabilities, is not
            further than this from 0. A change of one hundredth is 0.01.
        shorts: falls are sold short. Else cash is held where a fall is forecast.
        leverage: the largest position. Above 1 it is bought with borrowed cash.
        trials: models, settings and signals that were tried on these rows, this one included: p is multiplied by it.
    """

    rule: Literal["sign", "size", "interval"] = "sign"
    threshold: float = 0.0
    shorts: bool = False
    leverage: float = 1.0
    trials: int = 1

    def __post_init__(self) -> None:
        if self.rule not in _RULES:
            raise ArgumentError(
                f"`rule` must be one of {', '.join(_RULES)}, but is {self.rule!r}."
                f"{did_you_mean(str(self.rule), _RULES)}"
            )
        _check_number("threshold", self.threshold, 0.0)
        _check_number("leverage", self.leverage, 0.0)
        if self.leverage == 0:
            raise ArgumentError("`leverage` is the largest position, but is 0, which holds nothing. Use 1.")
        _check_whole("trials", self.trials, 1)


@dataclass(frozen=True, kw_only=True)
class Trading:
    """What trades cost, when they are done, and what is earned beside the price.

    Args:
        costs: share of what is bought or sold that is paid for it: 0.001 is a tenth of a percent.
        slippage: how much worse than the price of the row a trade is done, as a share of that price.
        delay: rows from a decision to its trade. A decision is made when all of a row is known, and traded at the price
            of the next one. 0 trades at a price that the decision was made from, which nobody can.
        dividends: column with what one share paid in a row, in the unit of the price; None has none.
        cash_rate: what cash earns in a year: 0.03 is three percent. It is paid for what is borrowed.
        cash_column: column with that rate for each row, which takes the place of `cash_rate`.
    """

    costs: float = 0.001
    slippage: float = 0.0005
    delay: int = 1
    dividends: str | None = None
    cash_rate: float = 0.0
    cash_column: str | None = None

    def __post_init__(self) -> None:
        for name in ("costs", "slippage"):
            _check_number(name, getattr(self, name), 0.0)
        if self.costs + self.slippage >= 1:
            raise ArgumentError(
                f"`costs` and `slippage` are shares of what is traded, but are {self.costs} and {self.slippage}: "
                "nothing would be left. A tenth of a percent is 0.001."
            )
        _check_whole("delay", self.delay, 0)
        for name in ("dividends", "cash_column"):
            check_column(name, getattr(self, name))
        _check_number("cash_rate", self.cash_rate, -0.5)
        if self.cash_rate > 1:
            raise ArgumentError(
                f"`cash_rate` is a share a year, but is {self.cash_rate}, more than all. Three percent is 0.03."
            )
        if self.cash_column is not None and self.cash_rate:
            raise ArgumentError(
                f"`cash_column` is {self.cash_column!r} and `cash_rate` {self.cash_rate}, but cash earns one of them. "
                "Leave one out."
            )


@dataclass(frozen=True, kw_only=True)
class Refits:
    """When a model is fitted anew while a backtest walks through the rows, and on which of them.

    Args:
        start: rows before the first decision: a share of all, or a number of them.
        every: rows between two fits; 'auto' is a tenth of the rows after `start`, 'once' fits before the first
            decision and never again, 'never' takes a fitted model as it is.
        rolling: most rows that a fit learns from, the last before its first decision; None takes all of them.
        refit: fit each time again with nothing held out, so that the latest rows are learned from, too; see `fit`.
        context: rows that a Classifier reads for an answer; a Forecaster has a context of its own.
        seeds: fits each time, from the seed of the training plan on; the position is the mean of theirs.
        workers: fits at a time, each in a process of its own, which share the threads of torch.
    """

    start: float | int = 0.5
    every: int | Literal["auto", "once", "never"] = "auto"
    rolling: int | None = None
    refit: bool = False
    context: int = 24
    seeds: int = 1
    workers: int = 1

    def __post_init__(self) -> None:
        whole = isinstance(self.start, int) and not isinstance(self.start, bool)
        share = isinstance(self.start, float) and 0 < self.start < 1
        if not (whole and self.start >= 1) and not share:
            raise ArgumentError(
                f"`start` is a share of the rows in (0, 1) or a number of rows >= 1, but is {self.start!r}. "
                "The rows before it are learned from; half of them is 0.5."
            )
        if self.every not in ("auto", "once", "never"):
            _check_whole("every", self.every, 1)
        if self.rolling is not None:
            _check_whole("rolling", self.rolling, 1)
        check_flag("refit", self.refit)
        if self.refit and self.every == "never":
            raise ArgumentError("`refit` is True, but `every` is 'never', so that nothing is fitted. Leave one out.")
        for name in ("context", "seeds", "workers"):
            _check_whole(name, getattr(self, name), 1)


def _check_number(name: str, value: object, least: float) -> None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and least <= value < float("inf")
    if not good:
        raise ArgumentError(f"`{name}` is a number >= {least:g}, but is {value!r}. Change it.")


def _check_whole(name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ArgumentError(f"`{name}` is a whole number >= {least}, but is {value!r}. Change it.")
