"""`whorl fit generate DATA`."""

from dataclasses import fields

from whorl.cli import fitting
from whorl.cli.options import build, options_of, was_given
from whorl.cli.output import command as make_command
from whorl.cli.pieces import given_dropout, output_dropout
from whorl.errors import ArgumentError
from whorl.plans.music import Music
from whorl.plans.text import Text
from whorl.tasks.generation import Generator

_OWN = {
    "text": "Data and columns",
    "condition": "Data and columns",
    "embedding_size": "Generation",
    "tied": "Generation",
}


def _parts() -> dict[str, object]:
    """What was given of the dropout, and how data are cut: as music where an option of music says so."""
    music = [field.name for field in fields(Music) if was_given(field.name)]
    text = [field.name for field in fields(Text) if was_given(field.name)]
    if music and text:
        raise ArgumentError(
            f"`--{music[0].replace('_', '-')}` is of music and --{text[0].replace('_', '-')} of text. Leave one out."
        )
    tokens = build(Music, music) if music else fitting.plan_of(Generator, "tokens")
    return {**given_dropout(), "tokens": tokens}


WORDS = fitting.Words(Generator, _OWN, parts=_parts)


def fit_generate(data: str, out: str | None, report: str | None, refit: bool, resume: bool, **_: object) -> None:
    """Train a Generator on DATA and save it.

    DATA is a file of text, a folder of such files, or a table with a column of text. The last part is held out: it
    scores the model beside the frequencies of tokens and of pairs of them. Tokens are characters
    unless --unit says otherwise.

    DATA may be music, too: a file of MIDI, a .json file with a list of pieces, each a list of chords, a folder of such
    files, or a table with a column of their paths. A step is a chord unless --steps says otherwise.
    """
    fitting.run(WORDS, data, out, report, refit=refit, resume=resume)


command = make_command(
    "generate",
    fit_generate,
    [
        *fitting.arguments(),
        *options_of(Generator, _OWN),
        *output_dropout(Generator, "Generation"),
        *fitting.plan_options(Generator, "tokens", "Text"),
        *options_of(Music, "Music"),
        *fitting.shared_options(Generator),
    ],
    epilog="Example: whorl fit generate plays.txt --max-seconds 180 --out plays.whorl",
)
