"""What the memory does: the hidden state over one window, above what was read."""

import numpy as np

from whorl.data.corpus_reader import CorpusReader
from whorl.data.sequences import Sequence
from whorl.plans.wiring import Sequences
from whorl.report import drawing
from whorl.report.anatomy import Recurrence, dissect, hidden_size, last_layer
from whorl.report.drawing import Picture
from whorl.report.evidence import Evidence
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.model import Model

_MOST_STEPS = 200
# A carried state is read from so many rows before the origin at most; what is older has been forgotten.
_MOST_ROWS = 4_000
_MOST_FEATURES = 3
_MOST_TEXT = 60


def heatmap(model: Model, evidence: Evidence) -> Picture | None:
    """The hidden state of the last layer over the window whose error is the median; None where nothing recurs."""
    top, sizes, rows = last_layer(model.engine.program), dissect(model.engine.program), evidence.ranked()
    if top is None or sizes is None or not rows:
        return None
    row = rows.get("median", rows["best"])
    sequence, step = evidence.sequences[row], int(evidence.steps[row])
    states, edges = _states(model, top, sequence, step, sizes.segment)
    order = np.argsort(states[-1], kind="stable")
    largest = float(np.abs(states).max()) or 1.0
    figure, grid = drawing.figure(4.6, rows=2, sharex=True, height_ratios=[3, 1.3])
    above, below = grid[:, 0]
    units = np.arange(states.shape[1] + 1) + 0.5
    mesh = above.pcolormesh(edges, units, states.T[order], cmap="RdBu_r", vmin=-largest, vmax=largest, rasterized=True)
    bar = figure.colorbar(mesh, ax=above, pad=0.01)
    bar.set_label("hidden state", fontsize=9.5)
    bar.ax.tick_params(labelsize=9)
    above.set_ylabel("unit", fontsize=9.5)
    above.yaxis.get_major_locator().set_params(integer=True)
    above.tick_params(labelsize=9)
    first = int(edges[0] + 0.5)
    read, what = _read(model, sequence, max(0, step + first), step + 1)
    at = np.arange(len(read)) - len(read) + 1
    for k in range(read.shape[1]):
        style = {"color": (drawing.TRUTH, drawing.MODEL, drawing.ACCENT)[k], "linestyle": ("-", *drawing.DASHES)[k]}
        below.plot(at, read[:, k], linewidth=1.1, label=f"input {k + 1}", **style)
    below.set_xlim(edges[0], edges[-1])
    drawing.tidy(below, x="rows before the answer", y="read")
    if read.shape[1] > 1:
        drawing.legend(below)
    steps = f"{len(states)} segments" if sizes.num_read is not None else f"the last {len(states)} steps"
    says = (
        f"Hidden state of the last layer, {states.shape[1]} units over {steps}, sorted by their last value; below it "
        f"{what}. Blue is negative, red positive: a stripe that keeps its colour is a unit that remembers."
    )
    return Picture(drawing.source(figure), says)


def _states(
    model: Model, top: Recurrence, sequence: Sequence, step: int, segment: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """States (n, H) of the first target, and the edges of their columns in rows before the answer, (n + 1,)."""
    program = model.engine.program
    start = max(0, step + 1 - (program.memory or _MOST_ROWS))
    # What reads backwards needs the whole sequence.
    stop = step + 1 if program.streams else len(sequence)
    values = Interpreter(program).trace(sequence.inputs(start, stop, model.reader.horizon), [top.out])[top.out][0]
    size = hidden_size(program, top)  # of complex units, which have two numbers, the real part
    values = values[: step + 1 - start, ..., :size]
    if top.over == "value":
        states = values[-1].reshape(-1, values.shape[-2], size)[0]
        return states, (np.arange(len(states) + 1) - len(states)) * float(segment or 1) + 0.5
    whole = isinstance(model.wiring.pairing, Sequences) or isinstance(model.reader, CorpusReader)
    shown = _MOST_STEPS if whole else max(12, _context(model))
    states = values.reshape(len(values), -1, size)[-min(shown, _MOST_STEPS) :, 0]
    return states, np.arange(len(states) + 1) - len(states) + 0.5


def _context(model: Model) -> int:
    return int(getattr(model.wiring.pairing, "warm_up", _MOST_STEPS))


def _read(model: Model, sequence: Sequence, start: int, stop: int) -> tuple[np.ndarray, str]:
    """What was read, (n, 1 to 3), and what it is."""
    if not isinstance(model.wiring.pairing, Sequences) and not isinstance(model.reader, CorpusReader):
        return model.reader.decode(sequence.row_targets[start:stop])[:, :1], f"{model.reader.names[0]} as it was read"
    if isinstance(model.reader, CorpusReader):
        text = model.reader.text(sequence.past[start:stop, 0])[-_MOST_TEXT:]
        return sequence.past[start:stop, :1], f"the number of each token that was read, whose text ends in {text!r}"
    names = getattr(getattr(model.reader, "past", None), "numeric", ())[:_MOST_FEATURES]
    read = sequence.past[start:stop, :_MOST_FEATURES]
    said = f" ({', '.join(names)})" if names else ""
    return read, f"the first {read.shape[1]} inputs{said}, scaled" if read.shape[1] > 1 else f"the input{said}, scaled"
