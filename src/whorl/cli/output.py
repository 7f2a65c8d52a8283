"""What every command shares: --json, --quiet, --debug, and where its words go."""

import json
from collections.abc import Callable, Iterable
from typing import TypeVar

import click

from whorl.cli.group import SectionCommand, SectionOption

F = TypeVar("F", bound=Callable[..., object])

_SHARED = {
    "--json": "Print the result as one JSON document on standard output.",
    "--quiet": "Print nothing but the result that was asked for.",
    "--debug": "Show tracebacks of errors.",
}


def option(section: str, *flags: str, **settings: object) -> SectionOption:
    """Returns an option that is written by hand, under a heading of the help page."""
    made = SectionOption(list(flags), **settings)  # type: ignore[arg-type]
    made.section = section
    return made


def command(
    name: str, function: Callable[..., object], params: Iterable[click.Parameter], *, epilog: str | None = None
) -> SectionCommand:
    """Returns a command with the shared options; its help is the function's docstring."""
    shared: list[click.Parameter] = [
        option("General", flag, is_flag=True, expose_value=False, help=text, callback=_noted)
        for flag, text in _SHARED.items()
    ]
    text = (function.__doc__ or "").split("Args:")[0]
    return SectionCommand(name, callback=function, params=[*params, *shared], help=_dedented(text), epilog=epilog)


def _dedented(text: str) -> str:
    first, _, rest = text.partition("\n")
    return f"{first}\n" + "\n".join(line.removeprefix("    ") for line in rest.split("\n"))


def _noted(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and param.name is not None:
        ctx.find_root().meta[f"whorl.{param.name}"] = True


def _is_on(name: str) -> bool:
    return bool(click.get_current_context().find_root().meta.get(f"whorl.{name}", False))


def debugs() -> bool:
    """Whether tracebacks are wanted."""
    return _is_on("debug")


def wants_json() -> bool:
    """Whether the result is wanted as JSON."""
    return _is_on("json")


def is_quiet() -> bool:
    """Whether nothing but results is wanted."""
    return _is_on("quiet")


def tell(*lines: str) -> None:
    """Prints lines for people: not with --quiet, and not with --json."""
    if not (is_quiet() or wants_json()):
        for line in lines:
            click.echo(line)


def show(result: object, lines: Iterable[str]) -> None:
    """Prints a result: as JSON, or as lines; --quiet does not silence what was asked for."""
    if wants_json():
        click.echo(json.dumps(result, ensure_ascii=False, default=str))
    else:
        for line in lines:
            click.echo(line)
