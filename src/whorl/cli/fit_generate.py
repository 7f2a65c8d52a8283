"""`whorl fit generate DATA`."""

from dataclasses import fields

import click

from whorl.cli import fitting
from whorl.cli.options import build, options_of, was_given
from whorl.cli.output import command as make_command
from whorl.plans.text import Text
from whorl.tasks.generation import Generator

_OWN = {
    "text": "Data and columns",
    "condition": "Data and columns",
    "embedding_size": "Generation",
    "tied": "Generation",
}
# `dropout` is that of the recipe on the command line, between layers.
_LAST = {"dropout": "Generation"}
_DEFAULTS = {"unit": "character", "normalize": "none"}
_RENAMED = {"dropout": "output_dropout"}


def fit_generate(data: str, out: str | None, report: str | None, resume: bool, **_: object) -> None:
    """Train a Generator on DATA and save it.

    DATA is a file of text, a folder of such files, or a table with a column of text. The last part is held out: it
    scores the model beside the frequencies of tokens and of pairs of them. Tokens are characters
    unless --unit says otherwise.
    """
    tokens = build(_tokens, [field.name for field in fields(Text)])
    parts = {"tokens": tokens, **_given_dropout()}
    fitting.run(Generator, _OWN, data, out, report, resume, **parts)


def _tokens(**given: object) -> Text:
    return Text(**{"unit": "character", "normalize": None, **given})  # type: ignore[arg-type]


def _given_dropout() -> dict[str, object]:
    name = _RENAMED["dropout"]
    return {"dropout": click.get_current_context().params[name]} if was_given(name) else {}


def _text_options() -> list[click.Parameter]:
    """Those of `Text`, with the defaults of a Generator."""
    options = options_of(Text, "Text")
    for option in options:
        if isinstance(option, click.Option) and option.name in _DEFAULTS:
            option.help = (option.help or "").split(" [default:")[0] + f" [default: {_DEFAULTS[option.name]}]"
    return options


command = make_command(
    "generate",
    fit_generate,
    [
        *fitting.arguments(),
        *options_of(Generator, _OWN),
        *options_of(Generator, _LAST, rename=_RENAMED),
        *_text_options(),
        *fitting.shared_options(),
    ],
    epilog="Example: whorl fit generate plays.txt --max-seconds 180 --out plays.whorl",
)
