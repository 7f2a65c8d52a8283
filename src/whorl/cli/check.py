"""`whorl check DATA`."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from whorl.cli.fitting import build_table, table_options
from whorl.cli.kinds import Names, Number
from whorl.cli.output import command as make_command
from whorl.cli.output import is_quiet, option, show, wants_json
from whorl.errors import DataError, WhorlError

if TYPE_CHECKING:
    from whorl.data.check import Problem

_SECTION = "Data and columns"
# Tasks whose data are no tables of numbers, as `whorl suggest` tells them.
_CHECKED_BY_FIT = ("generate", "tag", "translate", "chat", "caption", "transcribe")


def check(
    data: str,
    target: tuple[tuple[str, ...], ...],
    time: str | None,
    series: str | None,
    known: tuple[tuple[str, ...], ...],
    static: tuple[tuple[str, ...], ...],
    context: int | None,
    horizon: int | None,
    labels: bool,
    text: str | None,
    **_: object,
) -> None:
    """Find what is wrong with DATA, or will make a model worse, without training one.

    DATA is a table of numbers over time, or of texts with labels; or files of sound, pictures, videos or features, in a
    folder or named in a table, each of which is opened. What `whorl fit` reads besides, such as running text and tagged
    words, it checks itself, and a note says so. Each problem names the option that repairs it. The exit code is 3 where
    one of them is an error that stops `whorl fit`, and 0 otherwise. Whether there are rows enough for a context, a
    horizon and a validation part is told by `whorl fit`.
    """
    from whorl.data.check import check as find_problems

    asked = bool(target or time or series or known or static or labels or text)
    names = tuple(name for part in target for name in part)
    problems = find_problems(
        data,
        target=names or None,
        time=time,
        series=series,
        known=tuple(name for part in known for name in part),
        static=tuple(name for part in static for name in part),
        context=context,
        horizon=horizon,
        labels=labels,
        text=text,
        table=build_table(),
    )
    if not asked and any(problem.severity == "error" for problem in problems):
        problems = _other_data(data) or problems
    num_errors = sum(problem.severity == "error" for problem in problems)
    lines = [f"{problem.severity}: {problem.message}" for problem in problems]
    counts = f"{num_errors} errors, {len(problems) - num_errors} warnings and notes"
    if wants_json() or not is_quiet() or num_errors:
        shown = lines if not is_quiet() else lines[:num_errors]
        show(
            {"errors": num_errors, "problems": [asdict(problem) for problem in problems]},
            [*shown, *([counts if problems else "No problem was found."] if not is_quiet() else [])],
        )
    if num_errors:
        sys.exit(DataError.exit_code)


def _other_data(data: str) -> "list[Problem]":
    """A note on data that are no table of numbers, where that is what they are; else nothing."""
    from whorl.comparison.guessing import guess_task
    from whorl.comparison.question import Question
    from whorl.data.check import Problem

    try:
        found = guess_task(data, Question(table=build_table()))
    except WhorlError:
        return []
    if found.task not in _CHECKED_BY_FIT:
        return []
    told = f"`whorl fit {found.task}` is what reads these data, as {found.because}: it checks them itself."
    return [Problem(severity="note", message=told)]


command = make_command(
    "check",
    check,
    [
        click.Argument(["data"]),
        option(
            _SECTION,
            "--target",
            type=Names(),
            multiple=True,
            help="What is to be answered. [default: every numeric column]",
        ),
        option(_SECTION, "--time", metavar="NAME", help="Column of timestamps. [default: looked for]"),
        option(_SECTION, "--series", metavar="NAME", help="Column that names the series of a row. [default: none]"),
        option(_SECTION, "--known", type=Names(), multiple=True, help="Known ahead, such as holidays."),
        option(_SECTION, "--static", type=Names(), multiple=True, help="With one value for each series."),
        option(_SECTION, "--labels", is_flag=True, help="The targets are labels, as for `whorl fit classify`."),
        option(_SECTION, "--text", metavar="NAME", help="Column of text; each row is an example with a label."),
        option(
            _SECTION,
            "--context",
            type=Number(whole=True, real=False, words={}),
            help="Rows before a forecast, to find series that are too short.",
        ),
        option(
            _SECTION, "--horizon", type=Number(whole=True, real=False, words={}), help="Rows ahead that are forecast."
        ),
        *table_options(),
    ],
)
