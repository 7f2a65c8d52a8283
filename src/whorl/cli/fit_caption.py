"""`whorl fit caption DATA`."""

from whorl.cli import fitting, pieces
from whorl.cli.media import media_given, media_options
from whorl.tasks.captioning import Captioner

_OWN = {
    "source": "Data and columns",
    "target": "Data and columns",
    "attention": "Captions",
    "sampling": "Captions",
    "embedding_size": "Captions",
    "longest": "Captions",
    "smoothing": "Captions",
    "augmentation": "Captions",
}


def _parts() -> dict[str, object]:
    """How sources are read where that was said, and the dropout."""
    plan = media_given()
    return {**pieces.given_dropout(), **({} if plan is None else {"media": plan})}


WORDS = fitting.Words(Captioner, _OWN, plans=["tokens"], parts=_parts)


def fit_caption(data: str, out: str | None, report: str | None, refit: bool, resume: bool, **_: object) -> None:
    """Train a Captioner on DATA and save it.

    DATA is a table with a column of paths, of pictures, videos, recordings or .npy files of features, and one or
    several columns of texts, where rows of one path belong together; a file of lines PATH#0<TAB>TEXT; or a folder that
    has such a table or file in it. Some of the sources are held out with all of their texts: they choose the epoch, and
    score the model beside the most frequent text, and the text of the source that looks most alike.
    """
    fitting.run(WORDS, data, out, report, refit=refit, resume=resume)


command = pieces.command(
    "caption",
    fit_caption,
    Captioner,
    _OWN,
    table=("delimiter", "encoding"),
    others=media_options(),
    epilog="Example: whorl fit caption captions.csv --source image --target caption --out captions.whorl",
)
