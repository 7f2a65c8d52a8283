"""`whorl fit translate DATA`."""

from dataclasses import asdict, dataclass, fields
from typing import Literal

from whorl.cli import fitting
from whorl.cli.options import build, options_of
from whorl.cli.output import command as make_command
from whorl.plans.text import Text
from whorl.tasks.translation import Translator

_OWN = {
    "source": "Data and columns",
    "target": "Data and columns",
    "attention": "Translation",
    "input_feeding": "Translation",
    "wait": "Translation",
    "sampling": "Translation",
    "longest": "Translation",
    "smoothing": "Translation",
}


@dataclass(frozen=True, kw_only=True)
class Pieces(Text):
    """As `Text`, in byte pairs if nothing else is said."""

    unit: Literal["word", "character", "byte", "bpe"] = "bpe"
    most: int | None = 6000


Pieces.__doc__ = Text.__doc__  # of which the help is made: the options are the same


def fit_translate(data: str, out: str | None, report: str | None, resume: bool, **_: object) -> None:
    """Train a Translator on DATA and save it.

    DATA is a table with a column for the texts that are read and one for those that are written; a file of texts whose
    name ends in --source, beside one of the same name that ends in --target (train.en, train.de), equal lines of which
    belong together; or a folder of such files. Some of the pairs are held out: they choose the epoch, and score the
    model beside copies of the source and the targets of similar sources.
    """
    tokens = Text(**asdict(build(Pieces, [field.name for field in fields(Text)])))
    fitting.run(Translator, _OWN, data, out, report, resume, tokens=tokens)


command = make_command(
    "translate",
    fit_translate,
    [*fitting.arguments(), *options_of(Translator, _OWN), *options_of(Pieces, "Text"), *fitting.shared_options()],
    epilog="Example: whorl fit translate train.en --source en --target de --out en-de.whorl",
)
