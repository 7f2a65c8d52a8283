"""`whorl fit summarize DATA`."""

from whorl.cli import fitting, pieces
from whorl.tasks.summarization import Summarizer

_OWN = {
    "source": "Data and columns",
    "target": "Data and columns",
    "attention": "Summaries",
    "input_feeding": "Summaries",
    "recall": "Summaries",
    "sampling": "Summaries",
    "embedding_size": "Summaries",
    "longest": "Summaries",
    "smoothing": "Summaries",
}

WORDS = fitting.Words(Summarizer, _OWN, plans=["tokens"], parts=pieces.given_dropout)


def fit_summarize(data: str, out: str | None, report: str | None, refit: bool, resume: bool, **_: object) -> None:
    """Train a Summarizer on DATA and save it.

    DATA is a table (CSV, JSON lines, Parquet) with a column for the texts and one for what is to be written; a file of
    texts whose name ends in --source, beside one of the same name that ends in --target, equal lines of which belong
    together; or a folder of such files. Some of the pairs are held out: they choose the epoch, and score the model
    beside the starts of the texts and the answers to similar texts.
    """
    fitting.run(WORDS, data, out, report, refit=refit, resume=resume)


command = pieces.command(
    "summarize",
    fit_summarize,
    Summarizer,
    _OWN,
    table=("delimiter", "encoding"),
    epilog="Example: whorl fit summarize mails.jsonl --source body --target subject --out subjects.whorl",
)
