"""What a transcriber hears in some sequences: their frames, and below them each symbol where it is said."""

from collections.abc import Sequence as List

import numpy as np

from whorl.data.sequences import Sequence
from whorl.data.transcript_reader import words_of
from whorl.report import drawing
from whorl.report.drawing import Picture
from whorl.report.evidence import HeldOut
from whorl.runtime import transcribing
from whorl.runtime.model import Model
from whorl.runtime.spelling import Spelled
from whorl.specs import Picture as PictureSpec

_EXAMPLES = 4
# Steps that are drawn of a sequence: more of them would not be told apart.
_MOST = 400
# Frames whose numbers are further from 0 look alike.
_BRIGHTEST = 2.5


def pictures(model: Model, held_out: HeldOut | List[Sequence] | None) -> list[Picture]:
    """Frames and symbols of some sequences, spread over those that were held out; none of pictures."""
    given = [] if held_out is None else held_out if isinstance(held_out, List) else held_out.sequences
    reader = transcribing.transcript_reader(model)
    known = [one for one in given if one.texts and reader.past.num_steps(one)]
    if not known or isinstance(reader.past.codec.spec, PictureSpec):
        return []
    chosen = [known[n] for n in np.unique(np.linspace(0, len(known) - 1, _EXAMPLES).astype(np.int64))]
    found = transcribing.spelled(model, chosen)
    return [_picture(model, one, own) for one, own in zip(chosen, found, strict=True)]


def _picture(model: Model, one: Sequence, found: Spelled) -> Picture:
    reader = transcribing.transcript_reader(model)
    steps = min(reader.past.num_steps(one), _MOST)
    frames = one.past[:steps].reshape(steps * reader.past.stride, -1)
    figure, grid = drawing.figure(2.6)
    axes, end = grid[0, 0], steps * reader.step_time
    axes.imshow(
        frames.T,
        aspect="auto",
        origin="lower",
        cmap="Greys",
        vmin=-_BRIGHTEST,
        vmax=_BRIGHTEST,
        extent=(0.0, end, 0.0, frames.shape[1]),
        interpolation="nearest",
    )
    codec = reader.outputs.text
    for code, step in zip(found.symbols, found.steps, strict=True):
        letter = codec.decode(np.array([code]))
        # Names of symbols are the user's: one that could be read as mathematics, or has no shape, is a line alone.
        place = (step + 1) * reader.step_time
        if step < steps:
            axes.axvline(place, color=drawing.MODEL, linewidth=0.6, alpha=0.6)
            shown = letter if letter.isascii() and letter.isalnum() and len(letter) == 1 else ""
            axes.text(place, -0.03 * frames.shape[1], shown, ha="center", va="top", color=drawing.MODEL, fontsize=9)
    axes.set_xlim(0.0, end)
    drawing.tidy(axes, y="number of the frame")
    axes.grid(visible=False)
    axes.tick_params(axis="x", length=0, pad=18)
    words, times = words_of(reader, found.symbols, found.steps)
    said = ", ".join(f"{word} until {own[1]:.2f}" for word, own in zip(words.tolist(), times, strict=True))
    says = (
        f"Heard: {reader.text_of(found.symbols) or 'nothing'}. True: {one.texts[1]}. From left to right time, in "
        f"{reader.time_unit}; a line stands where a symbol is said, a little after it was heard. Words: "
        f"{said or 'none'}."
    )
    return Picture(drawing.source(figure), says, one.texts[1])
