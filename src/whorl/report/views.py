"""Some steps looked at closely: what was read at each, and what every recurrent layer made of it.

Axes: S steps of a view, R rows of its input, a whole number of them for each step.
"""

from dataclasses import dataclass, replace

import numpy as np

from whorl.codecs.array import ArrayCodec
from whorl.codecs.table import TableCodec
from whorl.codecs.text import TextCodec
from whorl.data.lookahead import LateReader
from whorl.data.sequences import Sequence
from whorl.plans.wiring import EachRow, Sequences
from whorl.report import traces
from whorl.report.anatomy import dissect, last_layer
from whorl.report.evidence import Evidence
from whorl.report.gates import kept_of
from whorl.report.texts import text_of_each
from whorl.report.traces import Layer
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.model import Model
from whorl.runtime.program import Program

# Steps that are shown at most: of longer sequences those up to an answer.
MOST_STEPS = 240
# A carried state is read from so many rows before the origin, and from more, up to the most, where it remembers more
# than this share of what was before them.
_LEAST_ROWS, _MOST_ROWS, _FORGOTTEN = 4_000, 64_000, 1e-6
# Products that may be taken for that.
_PRODUCTS = 20_000_000_000
_MOST_COLUMNS = 3
# Tokens before those that are shown, by which these know whether a space stands between.
_BEFORE = 200
_NO_ROW = "no row"
# What is left of a zero that was scaled and back, as a share of the scale.
_DUST = 1e-6


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of numbers that were read: its name, and its values (R,), NaN where nothing was read."""

    name: str
    values: np.ndarray


@dataclass(frozen=True, kw_only=True)
class View:
    """Steps of one sequence.

    Args:
        title: which sequence it is, and why it is looked at.
        step: what a step is: 'row', 'segment' or 'token'.
        program: that ran.
        layers: every recurrent layer and direction in order, each with one run over these steps; behind each what it
            carries beside what it says, where that is something.
        names: of the steps, such as times, S long.
        tokens: the text that each step adds, S long; None where numbers are read.
        read: the first columns of numbers; none where text is read.
        left_out: what of the sequence is not shown, as a sentence; empty where nothing is left out.
    """

    title: str
    step: str
    program: Program
    layers: list[Layer]
    names: list[str]
    tokens: list[str] | None
    read: list[Column]
    left_out: str = ""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def last_layer(self) -> Layer:
        """The layer nearest to the answer that reads forwards."""
        return [layer for layer in self.layers if not layer.op.reverse and not layer.is_inside][-1]


def views(model: Model, evidence: Evidence) -> list[View]:
    """The sequence or window whose error is the median, and those with the least and the largest; none without truths.

    Of a state that is carried over one long sequence, the steps up to the answer of median error alone.
    """
    ranked = evidence.ranked()
    if last_layer(model.engine.program) is None or not ranked:
        return []
    what = "score" if isinstance(model.wiring.pairing, EachRow) else "error"
    titles = {"median": f"median {what}", "best": f"least {what}", "worst": f"largest {what}"}
    whole = isinstance(model.wiring.pairing, Sequences)
    made: dict[tuple[int, int], View] = {}
    for name in [name for name in titles if name in ranked][: None if traces.begins_anew(model) else 1]:
        row = ranked[name]
        sequence, step = evidence.sequences[row], int(evidence.steps[row])
        if whole and (id(sequence), -1) in made:  # it was shown for another of its steps
            continue
        title = f"answer of {titles[name]}" + (f", sequence '{sequence.key}'" if sequence.key else "")
        made[id(sequence), -1 if whole else step] = _view(model, sequence, step, title)
    return list(made.values())


def _view(model: Model, sequence: Sequence, step: int, title: str) -> View:
    program, sizes = model.engine.program, dissect(model.engine.program)
    assert sizes is not None
    end = step + 1 if sizes.num_read is not None else max(step + 1, min(len(sequence), MOST_STEPS))
    first = max(0, end - MOST_STEPS)
    start, found, cut = _traced(model, sequence, step, first, end)
    if sizes.num_read is not None:
        return _window(model, sequence, step, title, found, sizes.segment or 1)
    tokens, columns = _what_was_read(model, sequence, first, end)
    parts = f"Of {len(sequence):,} steps {first + 1:,} to {end:,} are shown. " if end - first < len(sequence) else ""
    return View(
        title=title,
        step="row" if tokens is None else "token",
        program=program,
        layers=[layer.first(slice(first - start, end - start)) for layer in found],
        names=_names(model, sequence, np.arange(first, end)),
        tokens=tokens,
        read=columns,
        left_out=parts + cut + _beside(found),
    )


def _traced(model: Model, sequence: Sequence, step: int, first: int, end: int) -> tuple[int, list[Layer], str]:
    """Where reading began, every layer from there to `end`, and what that leaves out, as a sentence.

    A carried state is read from so far back that by its gates nothing of what it was before is left at `first`, or from
    the start. What a state keeps by its weights alone, without gates, is not known.
    """
    program = model.engine.program
    engine, rows = Interpreter(program), program.memory or _LEAST_ROWS
    while True:
        # What reads backwards needs the whole sequence.
        start, stop = (max(0, end - rows), end) if program.streams else (0, len(sequence))
        inputs = sequence.inputs(start, stop, model.reader.horizon)
        found = traces.traced(engine, inputs, 0, np.arange(start, stop), np.array([step - start]))
        if start == 0 or rows == program.memory or _remembered(found, program, first - start) < _FORGOTTEN:
            return start, traces.with_insides(found), ""
        products = program.num_parameters() * max(len(layer.runs) for layer in found)
        most = min(_MOST_ROWS, max(_LEAST_ROWS, _PRODUCTS // max(1, products)))
        if rows >= most:
            said = f"States are those of a network that began {first - start:,} rows before. "
            return start, traces.with_insides(found), said
        rows = min(4 * rows, most)


def _remembered(layers: list[Layer], program: Program, steps: int) -> float:
    """The largest share that a unit keeps of its state over the first steps; of cells without a gate for it nothing."""
    kept = [kept_of(layer, layer.runs[0], program.tensors) for layer in layers]
    return max((float(one[:steps].prod(axis=0).max()) for one in kept if one is not None), default=0.0)


def _window(model: Model, sequence: Sequence, step: int, title: str, found: list[Layer], segment: int) -> View:
    """The segments of the window that ends at a step. Its rows before the start of the sequence are no rows."""
    all_steps = len(found[-1].runs[0].h)
    count = min(all_steps, MOST_STEPS)
    # What unrolls over another number of steps has another time.
    layers = [layer.first(slice(-count, None)) for layer in found if len(layer.runs[0].h) == all_steps]
    rows = step + 1 - count * segment + np.arange(count * segment)
    _, columns = _what_was_read(model, sequence, max(0, int(rows[0])), step + 1)
    before = np.full(int((rows < 0).sum()), np.nan)
    columns = [replace(one, values=np.concatenate([before, one.values])) for one in columns]
    names = [_NO_ROW] * len(before) + _names(model, sequence, rows[rows >= 0])
    parts = f"The last {count:,} of {all_steps:,} steps are shown. " if count < all_steps else ""
    if segment > 1:
        names = [f"{names[n]} to {names[n + segment - 1]}" for n in range(0, len(names), segment)]
    return View(
        title=title,
        step="segment" if segment > 1 else "row",
        program=model.engine.program,
        layers=layers,
        names=names,
        tokens=None,
        read=columns,
        left_out=parts + _beside(found),
    )


def _beside(found: list[Layer]) -> str:
    """What is not shown where several targets have states beside each other, as a sentence."""
    count = len(found[-1].runs)
    return f"Of {count} targets, whose states lie beside each other, the first is shown." if count > 1 else ""


def _names(model: Model, sequence: Sequence, rows: np.ndarray) -> list[str]:
    """When each row happened, or its number, from 1."""
    late = model.reader.lookahead if isinstance(model.reader, LateReader) else 0
    if sequence.time.dtype.kind != "M":
        return [f"{row + 1:,}" for row in rows.tolist()]
    # The time of a row stands at the step of its answer.
    times = np.concatenate([sequence.time[late:], np.full(late, np.datetime64("NaT"), sequence.time.dtype)])[rows]
    texts = ["" if np.isnat(time) else np.datetime_as_string(time, unit="s").replace("T", " ") for time in times]
    for ending in (":00", " 00:00"):
        if all(text.endswith(ending) for text in texts if text):
            texts = [text.removesuffix(ending) for text in texts]
    return [text or _NO_ROW for text in texts]


def _what_was_read(model: Model, sequence: Sequence, start: int, stop: int) -> tuple[list[str] | None, list[Column]]:
    """What was read at some steps: the text that each adds, or the first columns in the user's units."""
    late, reader = 0, model.reader
    if isinstance(reader, LateReader):  # its last steps read nothing
        late, reader = reader.lookahead, reader.reader
    codec = getattr(reader, "past", None)
    text = getattr(codec, "text", codec)
    if sequence.tokens is not None:
        words = [str(word) for word in sequence.tokens[late:]] + [""] * late
        return [f"{word} " for word in words[start:stop]], []
    if isinstance(text, TextCodec):
        begin = max(0, start - _BEFORE)
        codes = np.asarray(sequence.past[begin:stop, 0], np.int64)
        return tokens_of(text, codes, start - begin), []
    rows = np.arange(start, stop)
    if isinstance(codec, TableCodec | ArrayCodec) and len(codec.center):
        values = codec.decode(sequence.past[start:stop])
        values[np.abs(values) < _DUST * codec.scale] = 0.0
        values[rows >= len(sequence) - late] = np.nan
        names = codec.numeric if isinstance(codec, TableCodec) else [f"input {n + 1}" for n in range(values.shape[1])]
    else:
        values = sequence.past[start:stop].astype(np.float64)
        names = [f"input {n + 1}, as it is read" for n in range(values.shape[1])]
    shown = list(zip(names, values.T, strict=False))[:_MOST_COLUMNS]
    return None, [Column(name=name, values=own) for name, own in shown]


def tokens_of(codec: TextCodec, codes: np.ndarray, first: int = 0) -> list[str]:
    """What each token adds to the text, from the token `first` on; of those that add nothing their name."""
    names = codec.vocabulary
    return [
        text or names[code]
        for text, code in zip(text_of_each(codec, codes, first), codes[first:].tolist(), strict=True)
    ]
