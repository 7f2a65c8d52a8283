"""`whorl fit translate DATA`."""

from whorl.cli import fitting, pieces
from whorl.tasks.translation import Translator

_OWN = {
    "source": "Data and columns",
    "target": "Data and columns",
    "attention": "Translation",
    "input_feeding": "Translation",
    "wait": "Translation",
    "sampling": "Translation",
    "embedding_size": "Translation",
    "longest": "Translation",
    "smoothing": "Translation",
}

WORDS = fitting.Words(Translator, _OWN, plans=["tokens"], parts=pieces.given_dropout)


def fit_translate(data: str, out: str | None, report: str | None, refit: bool, resume: bool, **_: object) -> None:
    """Train a Translator on DATA and save it.

    DATA is a table with a column for the texts that are read and one for those that are written; a file of texts whose
    name ends in --source, beside one of the same name that ends in --target (train.en, train.de), equal lines of which
    belong together; or a folder of such files. Some of the pairs are held out: they choose the epoch, and score the
    model beside copies of the source and the targets of similar sources.
    """
    fitting.run(WORDS, data, out, report, refit=refit, resume=resume)


command = pieces.command(
    "translate",
    fit_translate,
    Translator,
    _OWN,
    table=("delimiter", "encoding"),
    epilog="Example: whorl fit translate train.en --source en --target de --out en-de.whorl",
)
