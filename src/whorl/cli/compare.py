"""`whorl compare TASK DATA` and `whorl compare MODEL DATA`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from whorl.cli.each_task import EachTask, find
from whorl.cli.fit import command as fit
from whorl.cli.kinds import Choice, Levels, Names, Number
from whorl.cli.output import option

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

_MATCHES = ("parameters", "time", "latency", "none")
_WHOLE = Number(whole=True, real=False, words={})

_HELP = """Fit several networks to the same task, data and split, and say which one to use.

TASK is one of those below, with the options of `whorl fit TASK`; or a model file, whose settings are taken. A part of
DATA that no fit sees is scored, unless --test names other data. What was fitted is kept in a folder, so that the same
command goes on where it was stopped; comparison.html and comparison.json there have the result.

\b
  whorl compare forecast load.csv --target load --time timestamp --networks gru,lstm,transformer
  whorl compare load.whorl load.csv --match time --seeds 5"""


def _options() -> list[click.Parameter]:
    """Options of every comparison."""
    section = "Comparison"
    return [
        option(
            section,
            "--networks",
            type=Names(),
            help="Networks that are compared, by their keys; rnn-frozen is rnn with --frozen. [default: rnn,lstm,gru,"
            "transformer,cnn,mlp and that of --network, as far as the task takes them]",
        ),
        option(section, "--seeds", type=_WHOLE, default=3, help="Fits of each network. [default: 3]"),
        option(
            section,
            "--match",
            type=Choice(_MATCHES),
            default="parameters",
            help="What they have in common: as many parameters, or as long a step, as the network of --network, which "
            "their units are chosen for; as long a training; or none. [default: parameters]",
        ),
        option(
            section, "--test", metavar="PATH", help="Other data with truths, to score on. [default: a part of DATA]"
        ),
        option(section, "--metric", metavar="NAME", help="The metric that judges. [default: that of the task]"),
        option(
            section,
            "--learning-rates",
            type=Levels(),
            help="Rates that each network is tried with; its best one on the validation part is kept. [default: none]",
        ),
        option(
            section,
            "--order",
            is_flag=True,
            help="Also find out whether the order of steps is of any use, by three fits more a seed.",
        ),
        option(section, "--workers", type=_WHOLE, default=1, help="Fits at a time, in processes. [default: 1]"),
        option(
            section,
            "--folder",
            metavar="PATH",
            help="Where fits, models and the result go. [default: DATA's name -comparison]",
        ),
    ]


def _run(estimator: "Estimator", data: str, given: dict[str, object]) -> None:
    """Compares, and writes what was found into the folder."""
    from whorl.comparison.compare import compare
    from whorl.comparison.result import Comparison

    folder = Path(str(given.pop("folder") or f"{Path(data).stem}-comparison"))
    rates = given.pop("learning_rates") or ()

    def make(verbose: bool) -> Comparison:
        return compare(estimator, data, learning_rates=rates, folder=folder, verbose=verbose, **given)  # type: ignore[arg-type]

    find(make, folder, parts="fits", done="fitted", name="comparison")


_OF_TASK = """Fit several networks to DATA, as `whorl fit {task}` does, and say which one to use.

    Options but those of the comparison are those of `whorl fit`; --network and its options describe the
    network that the others are made comparable to."""

_OF_MODEL = """Fit several networks to DATA with the settings of a model file, and say which one to use.

    The model itself is not changed: its task is fitted anew, on a part of DATA, with its own network and with others.
    """

command = EachTask("compare", fit.entries, _options, _run, (_OF_TASK, _OF_MODEL), help=_HELP)
