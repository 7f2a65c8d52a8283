"""Options of files of sound, pictures and videos."""

from collections.abc import Collection
from dataclasses import fields, replace
from functools import partial

import click

from whorl.cli.options import build, options_of, was_given
from whorl.data.described import SOURCE, first_source
from whorl.data.media_guess import medium_of
from whorl.errors import ArgumentError
from whorl.plans.media import MEDIA, Audio, Features, Image, Media, Video, usual_plan
from whorl.plans.table import Table

# Headings of the help page.
_SECTIONS: dict[type[Media], str] = {Audio: "Recordings", Image: "Pictures", Video: "Videos", Features: "Features"}


def media_options(but: Collection[str] = (), own: tuple[Media, ...] = ()) -> list[click.Parameter]:
    """How files are found and read; an option that several kinds of files share stands there once.

    Args:
        but: options that the task has of its own.
        own: plans of the task, where they are others than those of `MEDIA`.
    """
    options: dict[str | None, click.Parameter] = {}
    for kind, section in _SECTIONS.items():
        for option in options_of(kind, section, plan=usual_plan(kind, own)):
            options.setdefault(option.name, option)
    return [option for name, option in options.items() if name not in but]


def media_given(but: Collection[str] = (), own: tuple[Media, ...] = ()) -> Media | None:
    """The plan that the options of the command line describe; None where none of them was given.

    Args:
        but: options that the task has of its own.
        own: plans of the task, which the options change; those of `MEDIA` where it has none.

    Raises:
        ArgumentError: options of different kinds of files were given.
    """
    known = dict.fromkeys(name for kind in _SECTIONS for name in _names(kind) if name not in but)
    given = [name for name in known if was_given(name)]
    if not given:
        return None
    kinds = [kind for kind in _SECTIONS if set(given) <= set(_names(kind))]
    if not kinds:
        first = next(kind for kind in _SECTIONS if given[0] in _names(kind))
        other = next(name for name in given if name not in _names(first))
        raise ArgumentError(
            f"`--{_flag(given[0])}` is of {_SECTIONS[first].lower()}, but `--{_flag(other)}` is not. Leave one of them "
            "out."
        )
    # What several kinds share does not say which of them is meant; the data do.
    word = _medium() if len(kinds) > 1 else None
    kind = MEDIA[word] if word is not None and MEDIA[word] in kinds else kinds[0]
    return build(partial(replace, usual_plan(kind, own)), [name for name in _names(kind) if name not in but])


def _medium() -> str | None:
    """What DATA are made of: that of the first of the sources that texts are about, where there are texts."""
    params = click.get_current_context().params
    data, table = params.get("data"), Table()
    if "source" not in params:
        return medium_of(data, table)
    return medium_of(first_source(data, params["source"], table), table, SOURCE)


def _names(kind: type[Media]) -> list[str]:
    return [field.name for field in fields(kind)]


def _flag(name: str) -> str:
    return name.replace("_", "-")
