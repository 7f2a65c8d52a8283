"""What each recurrent layer read and said over some sequences: the raw material of probes.

Axes: S steps of a run, D numbers that a layer reads, H units. A run is a sequence from its start, or the segments of a
window.
"""

from collections.abc import Mapping
from collections.abc import Sequence as List
from typing import Literal, NamedTuple

import numpy as np

from whorl.data.corpus_reader import CorpusReader
from whorl.data.sequences import Sequence
from whorl.plans.wiring import Sequences
from whorl.report.anatomy import Recurrence, last_layer, recurrences
from whorl.report.carried import memory_cells
from whorl.runtime.engine import Inputs
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.model import Model
from whorl.runtime.operations import Name, Recurrent, Scan

# Rows of a sequence that are read, from its start; and windows of it.
MOST_ROWS, _WINDOWS = 2_000, 16
# Products that may be taken in all, so that wide networks are looked at over fewer rows.
_PRODUCTS, _LEAST_ROWS = 4_000_000_000, 400


Part = Literal["", "c", "real", "imaginary"]
"""Of the state of a layer; empty where there is but one, or it is what is said."""


class Run(NamedTuple):
    """One run of a layer.

    Args:
        x: what it read, (S, D); of a layer that is linear in its state the share of it that was kept.
        h: what it said, (S, H); of a complex state the real part.
        before: what it had said at the step before, (S, H); zeros, or the state that it was given, at the first.
        inside: what it carries beside that, (S, H): the c of an LSTM, an imaginary part; None where there is nothing.
        inside_before: the same at the step before, (S, H).
        sequence: number of the sequence.
        steps: the row of the sequence at each step, (S,); for segments of a window that of the window.
    """

    x: np.ndarray
    h: np.ndarray
    before: np.ndarray
    inside: np.ndarray | None
    inside_before: np.ndarray | None
    sequence: int
    steps: np.ndarray


class Layer(NamedTuple):
    """The runs of a recurrent layer in one direction.

    Args:
        op: the layer.
        runs: what it read and said.
        is_inside: whether the `h` of the runs is not what it said, but what it carries beside that.
    """

    op: Recurrence
    runs: list[Run]
    is_inside: bool = False

    @property
    def name(self) -> str:
        """Its name in the program, such as gru_l0; of what it carries beside what it says lstm_l0.c."""
        return f"{self.op.out}.{self.part}" if self.is_inside else self.op.out

    @property
    def part(self) -> Part:
        """Which part of the state of the layer its runs have."""
        if isinstance(self.op, Scan):
            return "" if self.op.numbers == "real" else "imaginary" if self.is_inside else "real"
        return "c" if self.is_inside else ""

    @property
    def inside(self) -> "Layer | None":
        """The layer with what it carries beside what it says in place of that; None where there is nothing."""
        kept = [run._replace(h=run.inside) for run in self.runs if run.inside is not None]
        return self._replace(runs=kept, is_inside=True) if kept else None

    @property
    def whole(self) -> "Layer":
        """The layer with all that it carries from step to step in place of what it says: both side by side."""
        both = [
            run if run.inside is None else run._replace(h=np.concatenate([run.h, run.inside], axis=1))
            for run in self.runs
        ]
        return self._replace(runs=both)

    @property
    def states(self) -> np.ndarray:
        """All that it said, (n, H)."""
        return np.concatenate([run.h for run in self.runs])

    def first(self, steps: slice) -> "Layer":
        """The layer with some steps of its first run alone; several targets have runs beside each other."""
        run = self.runs[0]
        cut = run._replace(x=run.x[steps], h=run.h[steps], before=run.before[steps], steps=run.steps[steps])
        if run.inside is not None and run.inside_before is not None:
            cut = cut._replace(inside=run.inside[steps], inside_before=run.inside_before[steps])
        return self._replace(runs=[cut])


def with_insides(layers: List[Layer]) -> list[Layer]:
    """The layers, and behind each what it carries beside what it says."""
    return [one for layer in layers for one in (layer, layer.inside) if one is not None]


def places(steps: List[np.ndarray], most: int, rows: int) -> list[tuple[int, int]]:
    """Some answers, as numbers of sequences and steps of these, spread over all that have much before them.

    Args:
        steps: steps of each sequence that have answers.
        most: how many answers.
        rows: before an answer beyond which more count for nothing.
    """
    every = [(n, int(step)) for n, at in enumerate(steps) for step in at]
    if not every:
        return []
    before = np.array([min(step, rows) for _, step in every])
    able = np.flatnonzero(before >= np.median(before))
    chosen = able[np.unique(np.linspace(0, len(able) - 1, min(len(able), most)).astype(np.int64))]
    return [every[n] for n in chosen]


def begins_anew(model: Model) -> bool:
    """Whether each answer has a window or a sequence of its own."""
    top = last_layer(model.engine.program)
    by_window = top is not None and top.over == "value"
    return by_window or (isinstance(model.wiring.pairing, Sequences) and not isinstance(model.reader, CorpusReader))


def read_by(op: Recurrence) -> Name:
    """The value that `Run.x` has of a layer."""
    return op.x if isinstance(op, Recurrent) else op.a


def layers(model: Model, sequences: List[Sequence], steps: List[np.ndarray]) -> list[Layer]:
    """Reads sequences, each from its start, and traces every recurrent layer; of several networks those of the first.

    Args:
        model: fitted.
        sequences: encoded.
        steps: steps of each sequence that have answers; windows are traced at some of them.
    """
    program = model.engine.program
    found = recurrences(program)
    runs: dict[str, list[Run]] = {op.out: [] for op in found}
    engine, left = Interpreter(program), max(_LEAST_ROWS, _PRODUCTS // max(1, program.num_parameters()))
    for number, (one, at) in enumerate(zip(sequences, steps, strict=True)):
        # Windows need the rows before the first that is answered alone.
        start = max(0, int(at[0]) + 1 - program.memory) if program.memory is not None and len(at) else 0
        most = max(min(MOST_ROWS, left), program.memory or 0) if left > 0 else 0
        stop = min(len(one), start + most) if program.streams else len(one)
        if stop <= start:
            continue
        left -= stop - start
        inputs = one.inputs(start, stop, model.reader.horizon)
        for layer in traced(engine, inputs, number, np.arange(start, stop), at[at < stop] - start):
            runs[layer.op.out] += layer.runs
    return [Layer(op, runs[op.out]) for op in found if runs[op.out]]


def traced(engine: Interpreter, inputs: Inputs, number: int, rows: np.ndarray, at: np.ndarray) -> list[Layer]:
    """Runs one sequence and traces every recurrent layer.

    Args:
        engine: of the program.
        inputs: name -> (1, T, ...); static ones (1, ...).
        number: of the sequence.
        rows: of the sequence at each step, (T,).
        at: steps of those given, whose windows are traced.
    """
    found = recurrences(engine.program)
    names = dict.fromkeys(name for op in found for name in (read_by(op), op.out, *([op.initial] if op.initial else [])))
    values = engine.trace(inputs, list(names))
    return [Layer(op, _runs(op, values, number, rows, at, engine.program.tensors)) for op in found]


def _runs(
    op: Recurrence,
    values: dict[str, np.ndarray],
    number: int,
    rows: np.ndarray,
    at: np.ndarray,
    tensors: Mapping[str, np.ndarray],
) -> list[Run]:
    x, said = values[read_by(op)][0], values[op.out][0]  # (T, ..., D) and (T, ..., H)
    start = None if op.initial is None else values[op.initial][0]
    if op.over == "value":
        at = at[np.unique(np.linspace(0, len(at) - 1, min(len(at), _WINDOWS)).astype(np.int64))] if len(at) else at
        x, said = x[at], said[at]  # (windows, ..., S, D), each with steps of its own
        beside = len(at) and int(np.prod(said.shape[1:-2]))
        steps = np.repeat(rows[at], beside)[:, None] + np.zeros(said.shape[-2], np.int64)
        start = None if start is None else start[at]
    else:
        x, said = (np.moveaxis(own.reshape(len(own), -1, own.shape[-1]), 0, 1) for own in (x, said))
        steps = np.tile(rows, (len(said), 1))
        start = None if start is None else start[0]
    x, said = (own.reshape(-1, *own.shape[-2:]) for own in (x, said))
    h, inside = np.split(said, 2, axis=-1) if isinstance(op, Scan) and op.numbers == "complex" else (said, None)
    units = h.shape[-1]
    given = None if start is None else start.reshape(-1, start.shape[-1])
    before = _before(op, h, None if given is None else given[:, :units])
    if isinstance(op, Recurrent):
        inside = memory_cells(op, x, before, given, tensors)
    if inside is None:
        return [Run(x[n], h[n], before[n], None, None, number, steps[n]) for n in range(len(h))]
    earlier = _before(op, inside, None if given is None else given[:, -inside.shape[-1] :])
    return [Run(x[n], h[n], before[n], inside[n], earlier[n], number, steps[n]) for n in range(len(h))]


def _before(op: Recurrence, states: np.ndarray, start: np.ndarray | None) -> np.ndarray:
    """Of states (n, S, H) those of the step before, from a start (n, H), or from zeros."""
    first = np.zeros_like(states[:, :1]) if start is None else start[:, None]
    return np.concatenate([states[:, 1:], first] if op.reverse else [first, states[:, :-1]], axis=1)
