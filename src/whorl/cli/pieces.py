"""Options of tasks that write texts."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from whorl.cli import fitting
from whorl.cli.options import options_of, was_given
from whorl.cli.output import command as make_command

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

# `dropout` is that of the recipe on the command line, between layers.
_RENAMED = {"dropout": "output_dropout"}


def output_dropout(task: type, section: str) -> list[click.Parameter]:
    """The option of the dropout that is the task's own."""
    return options_of(task, {"dropout": section}, rename=_RENAMED)


def given_dropout() -> dict[str, object]:
    """What it was given, as a field of the task."""
    name = _RENAMED["dropout"]
    return {"dropout": click.get_current_context().params[name]} if was_given(name) else {}


def command(
    name: str,
    function: Callable[..., None],
    task: "type[Estimator]",
    own: Mapping[str, str],
    *,
    table: Sequence[str],
    epilog: str,
    others: Sequence[click.Parameter] = (),
) -> click.Command:
    """A command that fits a task.

    Args:
        name: of the command.
        function: what it does.
        task: the class.
        own: fields that are options, and the groups that they stand in; the last one is that of dropout, too.
        table: options of tables that mean something where data are texts.
        epilog: last line of the help.
        others: options beside these.
    """
    last = list(own.values())[-1]
    options = [
        *fitting.arguments(),
        *options_of(task, own),
        *output_dropout(task, last),
        *others,
        *fitting.plan_options(task, "tokens", "Text"),
        *fitting.shared_options(task, table),
    ]
    return make_command(name, function, options, epilog=epilog)
