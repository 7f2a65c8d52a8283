"""Of a model of music: a piece that it makes, and how much each step of a held-out piece surprises it."""

from collections.abc import Sequence as List
from typing import TYPE_CHECKING

import numpy as np

from whorl.codecs.music import note_name
from whorl.codecs.piece import Piece, gridded
from whorl.data.music_reader import MusicReader
from whorl.data.scores import Score
from whorl.data.sequences import Sequence
from whorl.plans.decoding import Sample
from whorl.report import drawing
from whorl.report.drawing import Picture
from whorl.report.evidence import HeldOut, longest
from whorl.runtime.choosing import log_softmax
from whorl.runtime.composing import composed
from whorl.runtime.model import Model

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TEMPERATURE = 0.8
_PRIMER, _MADE = 16, 64  # chords; of events so many times as many
_EVENTS = 6
_SHOWN = 96  # chords of the held-out piece
_LOW, _HIGH = 48, 72  # notes that are in the picture at least


def pictures(model: Model, held_out: HeldOut | List[Sequence] | None) -> list[Picture]:
    """A piece that was made, and a held-out one; nothing for models of something else."""
    reader = model.reader
    if not isinstance(reader, MusicReader):
        return []
    part = longest(held_out)
    return [_made(model, reader, part), *([] if part is None else [_surprise(model, reader, part)])]


def _made(model: Model, reader: MusicReader, part: tuple[Sequence, int] | None) -> Picture:
    times = 1 if reader.music.is_roll else _EVENTS
    if part is None:
        width = reader.past.spec.width - reader.music.spec.width
        rows = reader.encode(Score(name="", moments=[]), ends=False).past if not width else None
        if rows is None:  # a label that nobody gave is missing
            rows = np.zeros((1, reader.past.spec.width), np.float32)
        primer = Sequence(key="", past=rows, time=np.arange(len(rows), dtype=np.int64))
    else:
        one, first = part
        primer = one.part(first, min(len(one) - 1, first + times * _PRIMER))
    drawn = Sample(temperature=_TEMPERATURE, max_length=times * _MADE)
    (piece,) = composed(model, [primer], drawn).value
    begun = reader.piece(primer.past).length
    figure, grid = drawing.figure(3.4)
    axes = grid[0, 0]
    _roll(axes, piece)
    axes.axvline(begun, color=drawing.ACCENT, linewidth=1.2)
    drawing.tidy(axes, x="step", y="")
    what = "the beginning of a piece that it did not learn from" if part is not None else "nothing"
    says = (
        f"What the model makes of {what}, left of the line, drawn at a temperature of {_TEMPERATURE:g}: "
        f"{piece.num_notes} notes, {piece.seconds:.0f} seconds. A bar is a note that sounds."
    )
    return Picture(drawing.source(figure), says, "What it composes")


def _surprise(model: Model, reader: MusicReader, part: tuple[Sequence, int]) -> Picture:
    one, first = part
    times = 1 if reader.music.is_roll else _EVENTS
    stop = min(len(one), first + times * _SHOWN + 1)
    shown = one.part(first, stop)
    nats, steps = _nats(model, reader, one, first, stop)
    figure, grid = drawing.figure(4.6, rows=2, sharex=True, height_ratios=(3, 2))
    _roll(grid[0, 0], reader.piece(shown.past))
    drawing.tidy(grid[0, 0])
    low = grid[1, 0]
    low.bar(steps + 0.5, nats, width=1.0, color=drawing.MODEL)
    low.axhline(nats.mean(), color=drawing.TRUTH, linewidth=0.8, linestyle="--")
    drawing.tidy(low, x="step", y="nats")
    says = (
        "A piece that the model did not learn from, and below it how much each step surprises it: "
        f"{nats.mean():.2f} nats on average, the dashed line."
    )
    return Picture(drawing.source(figure), says, f"What surprises it: {one.key}")


def _nats(model: Model, reader: MusicReader, one: Sequence, first: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Nats of each step of the grid from the second one on, and the steps."""
    out = model.engine.run({"past": one.past[None, : stop - 1]}, start=first)[0].astype(np.float64)
    truths = one.row_targets[first + 1 : stop]
    if reader.music.is_roll:
        logits = out.reshape(truths.shape)
        return np.logaddexp(0.0, np.where(truths > 0, -logits, logits)).sum(axis=1), np.arange(1, len(truths) + 1)
    codes = truths[:, 0].astype(np.int64)
    own = -log_softmax(out[:, 0, 0])[np.arange(len(codes)), codes]
    # Events have no length of their own but those that wait: a step's nats are those of the events at it.
    lengths = reader.music.waits[codes]
    place = np.cumsum(lengths) - lengths
    steps = np.unique(place)
    return np.array([own[place == step].sum() for step in steps]), steps


def _roll(axes: "Axes", piece: Piece) -> None:
    """Bars of notes, with the names of the Cs."""
    notes = gridded(piece)
    axes.barh(
        [note.pitch for note in notes],
        [note.end - note.start for note in notes],
        left=[note.start for note in notes],
        height=0.9,
        color=drawing.MODEL,
        edgecolor="white",
        linewidth=0.4,
    )
    pitches = [note.pitch for note in notes]
    low, high = min([_LOW, *pitches]), max([_HIGH, *pitches])
    axes.set_ylim(low - 1, high + 1)
    octaves = [pitch for pitch in range(low, high + 1) if pitch % 12 == 0]
    axes.set_yticks(octaves, [note_name(pitch) for pitch in octaves])
