"""Whether there is an edge, in a sentence, and what else should be known."""

from collections.abc import Iterator
from collections.abc import Sequence as List

import numpy as np

from whorl.backtesting.market import Market
from whorl.backtesting.result import Account
from whorl.backtesting.rivals import AVERAGE, CASH, HOLD
from whorl.backtesting.signals import Outlook
from whorl.data.problems import plural
from whorl.plans.trading import Refits, Signal, Trading
from whorl.report.scores import probability

# Of a test: what is less probable by chance is taken for more than chance.
CHANCE = 0.05
# Working (1960), "Note on the Correlation of First Differences of Averages in a Random Chain": averages over the time
# between two rows have changes that correlate by 1/4. Half of it is looked for.
_AVERAGED, _WORKING = 0.125, 0.25


def advice(accounts: List[Account], signal: Signal, trading: Trading, *, years: float) -> str:
    """Whether the model earned more than chance explains; the hardest rival decides.

    Args:
        accounts: that of the model first.
        signal: how often something was tried.
        trading: whether it could be traded at all.
        years: of the accounts.
    """
    trials = signal.trials
    own = accounts[0].worth
    hardest = max(accounts[1:], key=_p)
    best = max(accounts[1:], key=lambda one: one.worth.sharpe)
    # What is told of is the rival that stands in the way of an edge.
    told = best if own.sharpe <= best.worth.sharpe else hardest
    ahead = told.ahead
    assert ahead is not None
    said = (
        f"its Sharpe ratio after costs is {own.sharpe:.2f}, with a standard error of {own.sharpe_error_correlated:.2f} "
        f"(95 %: {own.sharpe_low:.2f} to {own.sharpe_high:.2f}) over {plural(round(years), 'year')}"
    )
    tested = f"p {probability(ahead.p)}{f' for {trials} trials' if trials > 1 else ''}"
    if trading.delay == 0:
        return (
            f"Nothing here could be earned: {said}, but at prices that decisions were made from. Set `delay` to 1, and "
            "to 2 where prices are averages."
        )
    if has_edge(accounts, trading):
        counted = "nothing else was tried" if trials == 1 else f"no more than {trials} settings were tried"
        return (
            f"The model has an edge here: {said}, {ahead.value:.2f} above that of {_words(told)}, the hardest of its "
            f"rivals to tell apart (95 %: {ahead.low:.2f} to {ahead.high:.2f}, {tested}). That holds for these rows, "
            f"and if {counted} on them: each trial makes chance more likely."
        )
    where = "above" if ahead.value > 0 else "below"
    end = "Chance explains that." if ahead.value > 0 else _instead(best)
    return (
        f"No edge: {said}, which is {abs(ahead.value):.2f} {where} that of {_words(told)} (95 %: {ahead.low:.2f} to "
        f"{ahead.high:.2f}, {tested}). {end}"
    )


def has_edge(accounts: List[Account], trading: Trading) -> bool:
    """Whether the model, the first, is better than every rival by more than chance explains, and can be traded."""
    return trading.delay > 0 and all(_p(one) < CHANCE for one in accounts[1:])


def _p(rival: Account) -> float:
    """How probable it is by chance that the model is as far ahead of a rival; 1 where it is not ahead."""
    assert rival.ahead is not None
    return rival.ahead.p if rival.ahead.value > 0 else 1.0


def _words(rival: Account) -> str:
    return {HOLD: "buying and holding", AVERAGE: "the moving average"}.get(rival.name, rival.name)


def _instead(best: Account) -> str:
    if best.name == HOLD:
        return "Buying and holding needs no model."
    return "Cash would have been better." if best.name == CASH else f"The {best.name} needs no model."


def notes(
    market: Market, accounts: List[Account], trading: Trading, refits: Refits, outlooks: List[Outlook], start: int
) -> Iterator[str]:
    """What else should be known, in sentences."""
    correlation = _lagged(market.change[1:start])
    if trading.delay < 2 and correlation > max(_AVERAGED, 3 / (start - 1) ** 0.5):
        yield (
            f"changes of the price follow each other (correlation {correlation:.2f} before the first decision). "
            f"Averages over the time of a row would ({_WORKING}; Working 1960), and nobody trades at these: where the "
            "price is an average, look at a delay of 2 as well, and do not believe one of 0"
        )
    if refits.every == "never":
        yield "the model was fitted elsewhere: what it has learned from is known by its card alone"
    missing = sum(int(np.isnan(one.change[start : len(market) - 1 - trading.delay]).sum()) for one in outlooks)
    if missing:
        yield f"{plural(missing, 'row')} had no answer, and cash was held"
    ruined = [one.name for one in accounts if (one.ledger.earned <= -1).any()]
    if ruined:
        yield f"ruined, with nothing left to trade with: {', '.join(ruined)}"
    if accounts[0].worth.exposure == 0:
        yield "the model never held a position: its account is cash"


def _lagged(change: np.ndarray) -> float:
    """The correlation of a change with the one before it."""
    centred = change - change.mean()
    size = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / size if size > 0 else 0.0
