"""Options of files of sound, pictures and videos."""

from dataclasses import fields

import click

from whorl.cli.options import build, options_of, was_given
from whorl.plans.media import Audio, Media


def media_options() -> list[click.Parameter]:
    """How recordings are found and read."""
    return options_of(Audio, "Recordings")


def media_given() -> Media | None:
    """The plan that the options of the command line describe; None where none of them was given."""
    names = [field.name for field in fields(Audio)]
    return build(Audio, names) if any(map(was_given, names)) else None
