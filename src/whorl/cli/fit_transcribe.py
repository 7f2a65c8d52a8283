"""`whorl fit transcribe DATA`."""

from whorl.cli import fitting, pieces
from whorl.cli.media import media_given, media_options
from whorl.cli.options import options_of
from whorl.cli.output import command as make_command
from whorl.tasks.transcription import Transcriber

_OWN = {
    "target": "Data and columns",
    "stride": "Transcription",
    "lookahead": "Transcription",
    "convolution": "Transcription",
    "language_model": "Transcription",
    "augmentation": "Transcription",
}


def _parts() -> dict[str, object]:
    """How files are read, where that was said, and the dropout of the task."""
    plan = media_given(own=Transcriber.own_media)
    return pieces.given_dropout() | ({} if plan is None else {"media": plan})


WORDS = fitting.Words(Transcriber, _OWN, plans=["tokens"], parts=_parts)


def fit_transcribe(data: str, out: str | None, report: str | None, refit: bool, resume: bool, **_: object) -> None:
    """Train a Transcriber on DATA and save it.

    DATA is a table with a column of the paths of recordings, which start at the table's folder, and a column of their
    texts; or a folder of recordings with the text of each beside it, a.wav and a.txt. Some of the recordings are held
    out: they score the model beside the most frequent transcript and the most frequent word of each place, and weigh
    the n-grams where there are some.
    """
    fitting.run(WORDS, data, out, report, refit=refit, resume=resume)


command = make_command(
    "transcribe",
    fit_transcribe,
    [
        *fitting.arguments(),
        *options_of(Transcriber, _OWN),
        *pieces.output_dropout(Transcriber, "Transcription"),
        *fitting.plan_options(Transcriber, "tokens", "Text"),
        *media_options(own=Transcriber.own_media),
        *fitting.shared_options(Transcriber),
    ],
    epilog="Example: whorl fit transcribe recordings.csv --out speech.whorl",
)
