"""`whorl fit generate DATA`."""

from whorl.cli import fitting
from whorl.cli.options import options_of
from whorl.cli.output import command as make_command
from whorl.cli.pieces import given_dropout, output_dropout
from whorl.tasks.generation import Generator

_OWN = {
    "text": "Data and columns",
    "condition": "Data and columns",
    "embedding_size": "Generation",
    "tied": "Generation",
}

WORDS = fitting.Words(Generator, _OWN, plans=["tokens"], parts=given_dropout)


def fit_generate(data: str, out: str | None, report: str | None, resume: bool, **_: object) -> None:
    """Train a Generator on DATA and save it.

    DATA is a file of text, a folder of such files, or a table with a column of text. The last part is held out: it
    scores the model beside the frequencies of tokens and of pairs of them. Tokens are characters
    unless --unit says otherwise.
    """
    fitting.run(WORDS, data, out, report, resume)


command = make_command(
    "generate",
    fit_generate,
    [
        *fitting.arguments(),
        *options_of(Generator, _OWN),
        *output_dropout(Generator, "Generation"),
        *fitting.plan_options(Generator, "tokens", "Text"),
        *fitting.shared_options(Generator),
    ],
    epilog="Example: whorl fit generate plays.txt --max-seconds 180 --out plays.whorl",
)
