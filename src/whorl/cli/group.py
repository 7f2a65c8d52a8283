"""Click groups and commands that load late, group their options, and suggest close names."""

import importlib
from collections.abc import Mapping
from typing import NamedTuple

import click

from whorl.errors import did_you_mean


class Entry(NamedTuple):
    """Where a command lives and what it does, so that a help page can list it without importing it."""

    module: str
    help: str


class SectionOption(click.Option):
    """An option that is listed under a heading of the help page."""

    section = "General"


class SectionCommand(click.Command):
    """A command whose help page lists its options section by section, and that suggests the closest option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            known = [flag for parameter in self.get_params(ctx) for flag in parameter.opts]
            close = did_you_mean(error.option_name, known)
            raise click.UsageError(
                f"`{error.option_name}` is not an option of `{ctx.command_path}`.{close}", ctx
            ) from None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Argument):
                continue  # the text above says what they are
            record = parameter.get_help_record(ctx)
            if record is not None:
                sections.setdefault(getattr(parameter, "section", "General"), []).append(record)
        general = sections.pop("General", [])
        for title, records in [*sections.items(), ("General", general)]:
            with formatter.section(title):
                formatter.write_dl(records, col_max=26)


class LazyGroup(click.Group):
    """A group that imports a command when it is run or asked for its own help page.

    Args:
        name: how the group is called.
        entries: name of a command -> where it lives; its module has it under the name `command`.
        params: options of the group itself.
        help: what the group is for.
        epilog: what stands below the options.
    """

    def __init__(
        self,
        name: str,
        entries: Mapping[str, Entry],
        *,
        params: list[click.Parameter] | None = None,
        help: str = "",  # noqa: A002  click's name
        epilog: str | None = None,
    ) -> None:
        super().__init__(name, params=params, help=help, epilog=epilog)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.entries:
            return None
        command = importlib.import_module(self.entries[cmd_name].module).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and name not in self.entries:
            raise click.UsageError(
                f"`{name}` is not a command of `{ctx.command_path}`; these are: {', '.join(self.entries)}."
                f"{did_you_mean(name, self.entries)}",
                ctx,
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.entries.items()])
