"""`whorl predict MODEL DATA`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from whorl.cli import continuing
from whorl.cli.news import tell_news
from whorl.cli.output import command as make_command
from whorl.cli.output import is_quiet, option, show, tell, wants_json
from whorl.cli.outputs import check_output
from whorl.cli.weights import weights_option

if TYPE_CHECKING:
    from whorl.runtime.prediction import Prediction
    from whorl.runtime.quantised import Weights


def predict(
    model: str,
    data: str | None,
    known: str | None,
    every_row: bool,
    out: str | None,
    weights: "Weights",
    **decoded: object,
) -> None:
    """Answer new data with a saved model; needs no torch.

    DATA is a table like the one of the training. The answers go to standard output as CSV, one line for each series,
    step and output, or to the file of --out.

    A model that continues texts takes each line of a file of text, or each --prompt, and prints it with what follows.
    One of music takes a file of MIDI or of chords, or a folder of them, and goes on: --out writes .mid, or sound, .wav.
    """
    from whorl import runtime
    from whorl.runtime.export_records import finite, to_csv

    if out is not None:
        check_output(Path(out), "--out", model, data, known)
    loaded = runtime.load(model, weights=weights)
    source = continuing.source_of(data, decoded["prompt"])  # type: ignore[arg-type]
    decoding = continuing.decoding_of(decoded, continuing.default_of(loaded))
    source = tell_news(loaded, source, tokens=True)
    prediction = loaded.predict(source, known=known, every_row=every_row, decoding=decoding)
    _tell_seen(prediction)
    if out is not None:
        prediction.write(out)
        if wants_json():
            show({"answers": len(prediction), "out": out}, [])
        tell(f"{len(prediction)} answers written to {out}")
    elif continuing.continues(loaded) and not every_row:
        continuing.tell(loaded, source, prediction)
    elif wants_json():
        show({"answers": list(map(finite, prediction.to_records()))}, [])
    else:
        sys.stdout.write(to_csv(prediction.to_records()))


def _tell_seen(prediction: "Prediction") -> None:
    """Says how many sessions have no answer, as they had all items of the catalogue."""
    if not prediction.ranks or is_quiet():
        return
    count = int((prediction.probabilities <= 0.0).all(axis=1).sum())
    if count:
        click.echo(
            f"{count} of {len(prediction)} answers are empty: all items of the catalogue were seen, and seen ones are "
            "left out. Fit with --seen keep to recommend them again.",
            err=True,
        )


command = make_command(
    "predict",
    predict,
    [
        click.Argument(["model"]),
        click.Argument(["data"], required=False),
        option(
            "Answers",
            "--known",
            metavar="FUTURE",
            help="Table of the known covariates after the last row, for models that use them.",
        ),
        option(
            "Answers",
            "--every-row",
            is_flag=True,
            help="Answer from every row with full context, not only from the last one of each series.",
        ),
        continuing.prompt(),
        *continuing.options(),
        option(
            "Output", "--out", metavar="PATH", help="Write to a .csv, .jsonl or .parquet file; music to .mid or .wav."
        ),
        weights_option(),
    ],
)
