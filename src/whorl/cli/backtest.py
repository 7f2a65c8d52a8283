"""`whorl backtest DATA`, `whorl backtest TASK DATA` and `whorl backtest MODEL DATA`."""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import click

from whorl.cli.each_task import EachTask, find
from whorl.cli.options import build, options_of
from whorl.cli.output import option
from whorl.plans.trading import Refits, Signal, Trading

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

_HELP = """Walk through time and say what a model would have earned, beside rivals that need none.

The model is fitted on the rows before a decision and on no later one, decides at each row by what was known then, and
trades at the price of the next one. TASK is forecast or classify, with the options of `whorl fit TASK`, and forecast
where it is left out; or it is a model file, whose settings are taken. What was answered is kept in a folder, so that
the same command goes on where it was stopped; backtest.html and backtest.json there have the result.

\b
  whorl backtest index.csv --price price --target return --time month --horizon 2 --context 24
  whorl backtest index.whorl index.csv --price price --every never --start 600"""

_OF_TASK = """Fit on rows of DATA, as `whorl fit {task}` does, decide on the rows after them, and say what was earned.

    DATA has one price, in order of time. Options but those of the backtest are those of `whorl fit`. Of a forecast the
    target is the price or its change from row to row; the labels of a classifier are made of the price.
    """

_OF_MODEL = """Take the settings of a model file, fit on rows of DATA, decide on later ones, and say what was earned.

    The model itself answers where --every is never; else its task is fitted anew, and the file is not changed.
    """


def _options() -> list[click.Parameter]:
    """Options of every backtest."""
    return [
        option("Backtest", "--price", metavar="NAME", required=True, help="Column of the price that is traded."),
        *options_of(Signal, "Signal"),
        *options_of(Trading, "Trading"),
        *options_of(Refits, "Refits"),
        option(
            "Backtest",
            "--folder",
            metavar="PATH",
            help="Where answers and the result go. [default: DATA's name -backtest]",
        ),
    ]


def _run(estimator: "Estimator", data: str, given: dict[str, object]) -> None:
    """Tests, and writes what was found into the folder."""
    from whorl.backtesting.backtest import backtest
    from whorl.backtesting.result import Backtest

    folder = Path(str(given["folder"] or f"{Path(data).stem}-backtest"))
    kinds = {"signal": Signal, "trading": Trading, "refits": Refits}
    plans = {name: build(kind, [field.name for field in fields(kind)]) for name, kind in kinds.items()}

    def make(verbose: bool) -> Backtest:
        return backtest(estimator, data, price=str(given["price"]), folder=folder, verbose=verbose, **plans)

    find(make, folder, parts="answers", done="answered", name="backtest")


command = EachTask(
    "backtest", ("forecast", "classify"), _options, _run, (_OF_TASK, _OF_MODEL), default="forecast", help=_HELP
)
