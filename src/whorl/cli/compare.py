"""`whorl compare TASK DATA` and `whorl compare MODEL DATA`."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from whorl.cli.fit import command as fit
from whorl.cli.group import Entry, LazyGroup
from whorl.cli.kinds import Choice, Levels, Names, Number
from whorl.cli.output import command as make_command
from whorl.cli.output import is_quiet, option, show, tell, wants_json

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

_MATCHES = ("parameters", "time", "latency", "none")
# Of `whorl fit`, what means nothing where many models are fitted, or is said otherwise here.
_ONLY_FIT = {"out", "report", "resume", "checkpoint"}
_MODEL = "MODEL"
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
            help="Networks that are compared, by their keys. [default: rnn,lstm,gru,transformer,cnn,mlp and that of "
            "--network, as far as the task takes them]",
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

    folder = Path(str(given.pop("folder") or f"{Path(data).stem}-comparison"))
    rates = given.pop("learning_rates") or ()
    verbose = not (is_quiet() or wants_json())
    tell(f"fits: {folder}")
    try:
        found = compare(estimator, data, learning_rates=rates, folder=folder, verbose=verbose, **given)  # type: ignore[arg-type]
    except (KeyboardInterrupt, SystemExit) as interrupt:
        click.echo(f"Interrupted. What was fitted is in {folder}; the same command goes on from there.", err=True)
        sys.exit(getattr(interrupt, "exit_code", getattr(interrupt, "code", 130)))
    pages = [folder / "comparison.html", folder / "comparison.json"]
    for page in pages:
        found.write(page)
    show(found.to_dict(), ["", *found.lines(), *(["", f"page: {pages[0]}"] if verbose else [])])


def _of_model(model: str, data: str, **given: object) -> None:
    """Fit several networks to DATA with the settings of a model file, and say which one to use.

    The model itself is not changed: its task is fitted anew, on a part of DATA, with its own network and with others.
    """
    import whorl

    _run(whorl.load(model), data, given)


class _Compare(LazyGroup):
    """Commands of the tasks, and one for whatever else is named first: a model file."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == _MODEL:
            params = [click.Argument(["model"]), click.Argument(["data"]), *_options()]
            return make_command(_MODEL, _of_model, params)
        fitted = fit.get_command(ctx, cmd_name)
        return None if fitted is None else _of_task(cmd_name, fitted)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        first = args[0]
        named = len(args) > 1 and not args[1].startswith("-") and Path(first).is_file()
        if first not in self.entries and (first.endswith(".whorl") or named):
            return _MODEL, self.get_command(ctx, _MODEL), args
        return super().resolve_command(ctx, args)


def _of_task(name: str, fitted: click.Command) -> click.Command:
    """The command of a task: the options of its `fit`, but for those of one model, and those of a comparison."""
    words = importlib.import_module(fit.entries[name].module).WORDS

    def compare_task(data: str, **given: object) -> None:
        own = {parameter.name for parameter in _options()}
        _run(words.estimator(), data, {key: value for key, value in given.items() if key in own})

    compare_task.__doc__ = (
        f"Fit several networks to DATA, as `whorl fit {name}` does, and say which one to use.\n\n"
        "    Options but those of the comparison are those of `whorl fit`; --network and its options describe the\n"
        "    network that the others are made comparable to."
    )
    kept = [
        parameter
        for parameter in fitted.params
        if parameter.name not in _ONLY_FIT and getattr(parameter, "section", "") != "General"
    ]
    function: Callable[..., None] = compare_task
    return make_command(name, function, [*kept, *_options()])


command = _Compare("compare", {name: Entry(one.module, one.help) for name, one in fit.entries.items()}, help=_HELP)
