"""A backtest as one HTML page that needs nothing but itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from whorl.backtesting.advice import has_edge
from whorl.backtesting.result import TRADED, WORTH, Backtest, percent, traded, worth
from whorl.report import drawing
from whorl.report.drawing import Picture
from whorl.report.scores import number
from whorl.report.template import template

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# What a column of the table means.
MEANING = {
    "a year": "growth a year, compounded, after costs",
    "Sharpe": "mean of what a row earned above cash over its spread, of a year",
    "error": "standard error of the Sharpe ratio, rows being allowed to depend on each other (Lo 2002)",
    "95 % interval": "of the Sharpe ratio, by the stationary bootstrap (Politis and Romano 1994)",
    "drawdown": "the largest fall from the most it ever was",
    "turnover": "bought and sold in a year, in multiples of the equity",
    "costs": "of that in a year, as a share of the equity",
    "hits": "rows with a position that earned more than cash, before costs",
    "exposure": "mean size of the position",
    "model ahead by": "difference of Sharpe ratios on the same rows, with its interval at 95 %",
    "p": "how probable a difference as large is by chance, times the number of trials",
}


def page(found: Backtest) -> str:
    """The page.

    Raises:
        MissingExtraError: matplotlib or jinja2 is not installed.
    """
    return template(Path(__file__).with_name("page.html")).render(
        title=f"Backtest: {found.price}",
        found=found,
        notes=[*found.seeds_told, *found.notes],
        wins=has_edge(found.accounts, found.trading),
        tables=[(WORTH, list(map(worth, found.accounts))), (TRADED, list(map(traded, found.accounts)))],
        meaning=MEANING,
        pictures=[_equity(found), _drawdown(found), _positions(found), _differences(found)],
        settings=[
            (title, [(name, getattr(plan, name)) for name in plan.__dataclass_fields__])
            for title, plan in (("Signal", found.signal), ("Trading", found.trading), ("Refits", found.refits))
        ],
    )


def _style(n: int) -> dict[str, Any]:
    if not n:
        return {"color": drawing.MODEL, "linewidth": 1.8, "zorder": 3}
    return {"color": (drawing.TRUTH, *drawing.RIVALS)[n - 1], "linestyle": drawing.DASHES[n - 1], "linewidth": 1.2}


def _lines(axes: "Axes", found: Backtest, name: str) -> None:
    for n, one in enumerate(found.accounts):
        axes.plot(found.time, getattr(one.ledger, name), label=one.name, **_style(n))
    drawing.dated(axes)


def _equity(found: Backtest) -> Picture:
    """What 1 became; equal growth is equally steep on a logarithmic axis."""
    figure, grid = drawing.figure(3.8)
    axes = grid[0, 0]
    _lines(axes, found, "equity")
    if all((one.ledger.equity > 0).all() for one in found.accounts):
        axes.set_yscale("log")
    drawing.tidy(axes, y="equity")
    axes.grid(which="minor", axis="y", color="#eeeeee", linewidth=0.4)
    drawing.legend(axes)
    ends = ", ".join(f"{one.name} {number(one.ledger.equity[-1])}" for one in found.accounts)
    return Picture(drawing.source(figure), f"What 1 became after costs: {ends}.", "Equity")


def _drawdown(found: Backtest) -> Picture:
    figure, grid = drawing.figure(2.8)
    axes = grid[0, 0]
    _lines(axes, found, "drawdown")
    drawing.tidy(axes, y="below the most it ever was")
    axes.yaxis.set_major_formatter(lambda value, _: percent(value))
    drawing.legend(axes)
    worst = ", ".join(f"{one.name} {percent(one.worth.drawdown)}" for one in found.accounts)
    says = f"How far each account was below the most it ever was; at worst {worst}."
    return Picture(drawing.source(figure), says, "Drawdown")


def _positions(found: Backtest) -> Picture:
    figure, grid = drawing.figure(2.2)
    axes = grid[0, 0]
    held = found.model.ledger.position
    axes.step(found.time[:-1], held, where="post", color=drawing.MODEL, linewidth=0.9)
    axes.fill_between(found.time[:-1], held, step="post", color=drawing.MODEL, alpha=0.15, linewidth=0)
    drawing.dated(axes)
    drawing.tidy(axes, y="position")
    changes = int((np.diff(held) != 0).sum())
    says = f"What the model held, in multiples of the equity; it changed {changes:,} times in {len(held):,} rows."
    return Picture(drawing.source(figure), says, "Position")


def _differences(found: Backtest) -> Picture:
    """What is tested."""
    figure, grid = drawing.figure(0.9 + 0.34 * len(found.rivals))
    axes = grid[0, 0]
    axes.set_yticks(range(len(found.rivals)), [one.name for one in found.rivals])
    axes.set_ylim(len(found.rivals) - 0.5, -0.5)
    for at, one in enumerate(found.rivals):
        assert one.ahead is not None
        axes.plot([one.ahead.low, one.ahead.high], [at, at], color=drawing.MODEL, linewidth=2)
        axes.plot(one.ahead.value, at, "o", color=drawing.MODEL, markersize=7)
    axes.axvline(0.0, color=drawing.TRUTH, linewidth=1)
    drawing.tidy(axes, x="Sharpe ratio of the model above that of the rival")
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    says = (
        "How much higher the model's Sharpe ratio is than that of each rival, with its interval at 95 %. An interval "
        "that holds 0 is no edge: what moves the price moves all accounts, and falls out of a difference."
    )
    return Picture(drawing.source(figure), says, "Differences")
