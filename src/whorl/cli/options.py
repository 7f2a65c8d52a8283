"""Options generated from dataclasses: names, types and defaults from the fields, help from their `Args:` docstring."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from itertools import chain
from typing import TypeVar, get_type_hints

import click
from click.core import ParameterSource

from whorl.cli.group import SectionOption
from whorl.cli.kinds import Pairs, param_type

T = TypeVar("T")


def options_of(
    kind: type,
    section: str | Mapping[str, str],
    *,
    rename: Mapping[str, str] | None = None,
    plan: object = None,
) -> list[click.Parameter]:
    """Returns an option for each field of a dataclass.

    Args:
        kind: the dataclass.
        section: heading of the help page, or field -> heading; fields without one get no option.
        rename: field -> name of its option and parameter, where it is another.
        plan: one whose values are taken where nothing is given, where these are not the defaults of the fields.
    """
    helps, hints = described(kind), get_type_hints(kind)
    names = [field.name for field in fields(kind)] if isinstance(section, str) else list(section)
    options: list[click.Parameter] = []
    for name in names:
        heading = section if isinstance(section, str) else section[name]
        called = (rename or {}).get(name, name)
        default = default_of(kind, name) if plan is None else getattr(plan, name)
        options.append(_option(default, called, hints[name], helps.get(name, ""), heading))
    return options


def default_of(kind: type, name: str) -> object:
    """What a field of a dataclass is where nothing is given."""
    (field,) = (field for field in fields(kind) if field.name == name)
    return field.default if field.default_factory is MISSING else field.default_factory()


def _option(default: object, name: str, hint: object, text: str, section: str) -> SectionOption:
    kind, repeats = param_type(hint)
    flag = f"--{name.replace('_', '-')}"
    told = _told(text, default, repeats)
    if kind is click.BOOL:
        # What is left open can be switched off, too.
        flags = f"{flag}/--no-{flag[2:]}" if default is None else flag
        option = SectionOption([flags, name], is_flag=True, default=default, help=told)
    elif repeats:
        option = SectionOption([flag, name], type=kind, multiple=True, help=told, callback=_joined)
    else:
        option = SectionOption([flag, name], type=kind, help=told)
    option.section = section
    return option


def _told(text: str, default: object, repeats: bool) -> str:
    """The help of an option: what it is, how to give several, and the default as one would type it."""
    text = re.sub(r"\bNone\b|\(\)", "none", text[:1].upper() + text[1:].rstrip("."))
    several = " Several: repeat the option, or separate by commas." if repeats else ""
    return f"{text}.{several} [default: {_typed(default)}]"


def _typed(value: object) -> str:
    if value is None or value == () or value == {}:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)


def _joined(ctx: click.Context, param: click.Parameter, value: tuple[tuple[object, ...], ...]) -> object:
    """What came in several places as one value."""
    joined = tuple(chain.from_iterable(value))
    return dict(joined) if isinstance(param.type, Pairs) else joined  # type: ignore[arg-type]


def described(kind: type) -> dict[str, str]:
    """Returns field -> text of the `Args:` section of a docstring, and `` -> its first sentence."""
    lines = inspect.getdoc(kind) or ""
    texts = {"": lines.split("\n\n")[0].replace("\n", " ")}
    inside, name = False, ""
    for line in lines.split("\n"):
        if not line.startswith(" ") and line.strip():
            inside = line.strip() == "Args:"
        elif inside and (start := re.match(r" {4}(\w+): (.*)", line)):
            name = start[1]
            texts[name] = start[2].strip()
        elif inside and name and line.strip():
            texts[name] += " " + line.strip()
    return texts


def build(
    kind: Callable[..., T], names: Iterable[str], *, rename: Mapping[str, str] | None = None, **others: object
) -> T:
    """Builds a dataclass from the options that were given on the command line.

    Args:
        kind: the dataclass.
        names: its fields that have options.
        rename: field -> name of its parameter, where it is another.
        others: values of other fields.
    """
    given = {}
    for name in names:
        called = (rename or {}).get(name, name)
        if was_given(called):
            given[name] = click.get_current_context().params[called]
    return kind(**given, **others)


def was_given(name: str) -> bool:
    """Whether a parameter stood on the command line; one that did not leaves the dataclass its own default."""
    source = click.get_current_context().get_parameter_source(name)
    return source not in (None, ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)
