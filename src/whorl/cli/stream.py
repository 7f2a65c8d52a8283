"""`whorl stream MODEL`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from whorl.cli import continuing
from whorl.cli.output import command as make_command
from whorl.cli.output import option
from whorl.cli.outputs import check_output
from whorl.cli.weights import weights_option
from whorl.plans.media import LEAST_HZ, MOST_HZ, Audio, Features, Image, Video

if TYPE_CHECKING:
    from whorl.cli.dialogues import Answers, Dialogues
    from whorl.cli.named_files import NamedFiles
    from whorl.cli.pictures import Pictures
    from whorl.cli.sentences import Sentences
    from whorl.cli.sounds import Sounds
    from whorl.cli.streams import Streams
    from whorl.cli.texts import Texts
    from whorl.runtime.quantised import Weights

    Kinds = Streams | Texts | Sentences | Dialogues | NamedFiles | Sounds | Pictures


def stream(
    model: str,
    source: str,
    state: str | None,
    skip_bad: bool,
    weights: "Weights",
    most_likely: int,
    rate: int | None,
    every: float,
    **decoded: object,
) -> None:
    """Answer rows as they come in, one stream for each series; needs no torch.

    Rows are JSON lines or CSV with a header, told apart by their first character, from standard input or --input. Each
    answer is a JSON line: series, origin (the time of the row), time, value, quantiles or probabilities. Nothing is
    printed while a stream warms up. Known covariates stand in a JSON row as `known`, a list of the rows ahead.

    For a model of texts each row is a text, which is answered at its end; where no other column stands beside it,
    lines may be plain text, too. A JSON row with `"more": true` is a piece: it gets the answer so far, and the next
    row goes on with the text. A language model answers with the most likely next tokens.

    For a model of sentences each line is one, in plain text, or in JSON with `words`, a text or a list. With
    `"more": true` the sentence goes on; a row with the `word` alone brings one. Where the answer for a row comes some
    rows later, the last ones come at the end of the input, unless --state keeps the stream open.

    For a model of dialogues each line is a turn, and its answer a line. A blank line begins another dialogue. A turn in
    JSON has `text`, may name its `dialogue`, and is answered in JSON. Replies are those of a beam, unless options say
    that tokens are drawn.

    For a model of music each line is a step, in JSON: the notes of a chord as an array, [60, 64, 67], or `{"event":
    "on 60"}`. It is answered with the most likely notes of the next step, or the most likely next events.

    For a model of recordings --input is one, or samples of 16 bits as they come, the lower byte first: the answer so
    far is printed --every so many seconds of sound, and that of all of it at the end. For one of pictures --input is
    one, or rows of pixels as JSON arrays, from the top; the answer so far is printed where a step is complete. For one
    of captions, of videos or of features each line is the path of a file, or JSON with one, and is answered.

    A bad row ends the run with exit code 3, after the answers before it were printed and --state was saved.
    """
    from whorl import runtime
    from whorl.cli.dialogues import Dialogues
    from whorl.cli.named_files import NamedFiles
    from whorl.cli.pictures import Pictures
    from whorl.cli.sentences import Sentences
    from whorl.cli.sounds import Sounds
    from whorl.cli.streams import Streams, rows_of
    from whorl.cli.texts import Texts
    from whorl.data.caption_reader import CaptionReader
    from whorl.data.corpus_reader import CorpusReader
    from whorl.data.dialogue_reader import DialogueReader
    from whorl.data.media_reader import MediaReader
    from whorl.data.pair_reader import PairReader
    from whorl.data.text_reader import TextReader
    from whorl.data.transcript_reader import TranscriptReader
    from whorl.data.word_reader import WordReader
    from whorl.runtime.writing import check_streamed

    file = Path(state) if state is not None else None
    if file is not None:
        check_output(file, "--state", model, source)
    loaded = runtime.load(model, weights=weights)
    decoding = continuing.decoding_of(decoded, continuing.default_of(loaded))
    if decoding is not None:
        check_streamed(loaded, decoding)
    match reader := rows_of(loaded):
        case DialogueReader():
            streams: Kinds = Dialogues(loaded, decoding)
        case TextReader() | CorpusReader() | PairReader():
            streams = Texts(loaded, most_likely=most_likely, decoding=decoding)
        case MediaReader(plan=Image()):
            streams = Pictures(loaded, source)
        case (
            CaptionReader()
            | MediaReader(plan=Video() | Features())
            | TranscriptReader(plan=Video() | Features() | Image())
        ):
            streams = NamedFiles(loaded, decoding)
        case MediaReader():
            streams = Sounds(loaded, source, rate_hz=rate, every_s=every)
        case TranscriptReader(plan=Audio()):
            streams = Sounds(loaded, source, rate_hz=rate, every_s=every, decoding=decoding)
        case WordReader():
            streams = Sentences(loaded, reader)
        case _:
            streams = Streams(loaded, fills_gaps=skip_bad, most_likely=most_likely)
    if file is not None and file.exists():
        streams.load(file)
    with _opened(source) as lines:
        try:
            for row in streams.rows(lines, skipped if skip_bad else None):
                _answer(streams, row, skip_bad)
            if file is None:
                _print(streams.end())
            _save(streams, file)
        except BaseException:
            # After Ctrl-C and a bad row too, and where the signal came while the state was saved: the rows that were
            # answered are part of it.
            _save(streams, file)
            raise


def _save(streams: "Kinds", file: Path | None) -> None:
    if file is not None:
        streams.save(file)


def _answer(streams: "Kinds", row: "tuple[int, object]", skip_bad: bool) -> None:
    from whorl.errors import DataError

    number, values = row
    try:
        answers = streams.push(values)
    except DataError as error:
        problem = DataError(f"line {number}: {error}")
        if not skip_bad:
            raise problem from None
        skipped(problem)
        return
    _print(answers)


def _print(answers: "Answers") -> None:
    for answer in answers:
        sys.stdout.write((answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)) + "\n")
    if answers:
        sys.stdout.flush()


def skipped(problem: Exception) -> None:
    """Says that a row was left out."""
    click.echo(f"Skipped: {problem}", err=True)


def _opened(source: str) -> "BinaryIO":
    from whorl.errors import DataError

    try:
        opened: BinaryIO = click.open_file(source, "rb")  # type: ignore[assignment]
    except OSError as error:
        raise DataError(
            f"`{source}` cannot be read ({error.strerror}). Give a file of rows, or - for standard input."
        ) from None
    return opened


command = make_command(
    "stream",
    stream,
    [
        click.Argument(["model"]),
        option(
            "Rows",
            "--input",
            "source",
            metavar="FILE",
            default="-",
            help="File of rows. [default: -, which is standard input]",
        ),
        option(
            "Rows",
            "--skip-bad",
            is_flag=True,
            help="Report bad rows on standard error and go on; they, and gaps, count as missing.",
        ),
        option(
            "Rows",
            "--most-likely",
            type=click.IntRange(min=1),
            default=5,
            help="Next tokens, or notes, that are told of a language model or one of music. [default: 5]",
        ),
        option(
            "Recordings",
            "--rate",
            type=click.IntRange(LEAST_HZ, MOST_HZ),
            help="Samples a second that come, where they are no file of sound. [default: that of the model]",
        ),
        option(
            "Recordings",
            "--every",
            type=click.FloatRange(min=0.001),
            default=0.5,
            help="Seconds of sound between answers. [default: 0.5]",
        ),
        *continuing.options(),
        option(
            "State",
            "--state",
            metavar="FILE",
            help="One file with the state of every stream: read at the start where it is there, replaced at the end.",
        ),
        weights_option(),
    ],
    epilog="Example: tail -n +1 -f rows.jsonl | whorl stream load.whorl --state load.state",
)
