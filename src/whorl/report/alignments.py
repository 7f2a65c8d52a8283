"""What a text that is written looks back at in the one that was read, and some examples beside the truth."""

from collections.abc import Sequence as List

import numpy as np

from whorl.data.pair_reader import PairReader
from whorl.data.sequences import Sequence
from whorl.report import drawing, looks
from whorl.report.drawing import Picture
from whorl.report.evidence import HeldOut
from whorl.report.looks import alignment
from whorl.runtime import writing
from whorl.runtime.model import Model

_EXAMPLES = 4
# Longer texts make squares that cannot be seen.
_LONGEST = 40


def pictures(model: Model, held_out: HeldOut | List[Sequence] | None) -> list[Picture]:
    """Attention of each token that is written over those that were read, for some of the pairs; none without pairs."""
    draw = _picture if isinstance(model.reader, PairReader) else looks.picture
    return [draw(model, one) for one in shown_pairs(held_out, _EXAMPLES)]


def shown_pairs(held_out: HeldOut | List[Sequence] | None, count: int) -> list[Sequence]:
    """Some pairs, spread over those that are short enough to be seen whole, or over all where none is."""
    given = [] if held_out is None else held_out if isinstance(held_out, List) else held_out.sequences
    pairs = [one for one in given if one.targets is not None]
    known = [one for one in pairs if len(one.read_steps) <= _LONGEST] or pairs
    return [known[n] for n in np.unique(np.linspace(0, len(known) - 1, count).astype(np.int64))] if known else []


def _picture(model: Model, one: Sequence) -> Picture:
    reader = model.reader
    assert isinstance(reader, PairReader)
    (made,) = writing.written(model, [one.read_steps], writing.default(model))
    shares = alignment(model, one.read_steps, made.tokens)
    figure, grid = drawing.figure(min(7.0, 1.4 + 0.16 * len(shares)))
    axes = grid[0, 0]
    edges = [np.arange(size + 1) + 0.5 for size in shares.shape]
    mesh = axes.pcolormesh(edges[1], edges[0], shares, cmap="Blues", vmin=0.0, vmax=1.0, rasterized=True)
    figure.colorbar(mesh, ax=axes, pad=0.01).set_label("attention", fontsize=9.5)
    axes.invert_yaxis()
    drawing.tidy(axes, x="token that was read", y="token that is written")
    axes.grid(visible=False)
    names = reader.source.vocabulary
    read = " | ".join(names[int(code)] for code in one.read_steps[:, 0])
    wrote = " | ".join(str(name) for name in reader.classes[made.tokens].tolist())
    text = " / ".join(one.texts[0].split("\n"))
    says = (
        f"Read: {text}. Written: {reader.text_of(made.tokens)}. True: {one.texts[1]}. The tokens that were "
        f"read, from left to right: {read}. Those that were written, from above: {wrote}, and the end."
    )
    return Picture(drawing.source(figure), says, text)
