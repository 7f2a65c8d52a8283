"""Options of tasks that write texts, which are cut into byte pairs if nothing else is said."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Literal

import click

from whorl.cli import fitting
from whorl.cli.options import build, options_of
from whorl.cli.output import command as make_command
from whorl.plans.text import Text


@dataclass(frozen=True, kw_only=True)
class Pieces(Text):
    """As `Text`, in byte pairs if nothing else is said."""

    unit: Literal["word", "character", "byte", "bpe"] = "bpe"
    most: int | None = 6000


Pieces.__doc__ = Text.__doc__  # of which the help is made: the options are the same


def tokens() -> Text:
    """How the command line wants texts to be cut."""
    return Text(**asdict(build(Pieces, [field.name for field in fields(Text)])))


def command(name: str, function: Callable[..., None], task: type, own: Mapping[str, str], epilog: str) -> click.Command:
    """A command that fits a task whose own options are those of `own`, fields and the groups that they stand in."""
    options = [*fitting.arguments(), *options_of(task, own), *options_of(Pieces, "Text"), *fitting.shared_options()]
    return make_command(name, function, options, epilog=epilog)
