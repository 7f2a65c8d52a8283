"""What each recurrent layer read and said over some sequences: the raw material of probes.

Axes: S steps of a run, D numbers that a layer reads, H units. A run is a sequence from its start, or the segments of a
window.
"""

from collections.abc import Sequence as List
from typing import NamedTuple

import numpy as np

from whorl.data.sequences import Sequence
from whorl.report.anatomy import Recurrence, recurrences
from whorl.runtime.engine import Inputs
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.model import Model
from whorl.runtime.operations import Name, Recurrent, Scan

# Rows of a sequence that are read, from its start; and windows of it.
MOST_ROWS, _WINDOWS = 2_000, 16
# Products that may be taken in all, so that wide networks are looked at over fewer rows.
_PRODUCTS, _LEAST_ROWS = 4_000_000_000, 400


class Run(NamedTuple):
    """One run of a layer.

    Args:
        x: what it read, (S, D); of a layer that is linear in its state the share of it that was kept.
        h: what it said, (S, H); of a complex state the real part.
        before: what it had said at the step before, (S, H); zeros, or the state that it was given, at the first.
        start: the state that it was given, h or h and c side by side; None where it began with zeros.
        imaginary: of a complex state the other part, (S, H); None of others.
        sequence: number of the sequence.
        steps: the row of the sequence at each step, (S,); for segments of a window that of the window.
    """

    x: np.ndarray
    h: np.ndarray
    before: np.ndarray
    start: np.ndarray | None
    imaginary: np.ndarray | None
    sequence: int
    steps: np.ndarray


class Layer(NamedTuple):
    """The runs of a recurrent layer in one direction.

    Args:
        op: the layer.
        runs: what it read and said.
        memory: whether the `h` of the runs is what it carries beside that: the c of an LSTM, an imaginary part.
    """

    op: Recurrence
    runs: list[Run]
    memory: bool = False

    @property
    def name(self) -> str:
        """Its name in the program, such as gru_l0; of what it carries beside that lstm_l0.c or lru_l0.imaginary."""
        beside = "c" if isinstance(self.op, Recurrent) else "imaginary"
        return f"{self.op.out}.{beside}" if self.memory else self.op.out

    @property
    def states(self) -> np.ndarray:
        """All that it said, (n, H)."""
        return np.concatenate([run.h for run in self.runs])

    def first(self, steps: slice) -> "Layer":
        """The layer with some steps of its first run alone; several targets have runs beside each other."""
        run = self.runs[0]
        imaginary = None if run.imaginary is None else run.imaginary[steps]
        cut = run._replace(
            x=run.x[steps], h=run.h[steps], before=run.before[steps], imaginary=imaginary, steps=run.steps[steps]
        )
        return self._replace(runs=[cut])


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
    return [Layer(op, _runs(op, values, number, rows, at)) for op in found]


def _runs(op: Recurrence, values: dict[str, np.ndarray], number: int, rows: np.ndarray, at: np.ndarray) -> list[Run]:
    x, h = values[read_by(op)][0], values[op.out][0]  # (T, ..., D) and (T, ..., H)
    start = None if op.initial is None else values[op.initial][0]
    made = []
    if op.over == "value":
        chosen = at[np.unique(np.linspace(0, len(at) - 1, min(len(at), _WINDOWS)).astype(np.int64))] if len(at) else at
        for t in chosen.tolist():
            for n, (own, said) in enumerate(zip(_flat(x[t]), _flat(h[t]), strict=True)):
                first = None if start is None else start[t].reshape(-1, start.shape[-1])[n]
                made.append(_run(op, own, said, first, number, np.full(len(own), rows[t])))
        return made
    beside = np.moveaxis(x.reshape(len(x), -1, x.shape[-1]), 1, 0)
    said_beside = np.moveaxis(h.reshape(len(h), -1, h.shape[-1]), 1, 0)
    for n, (own, said) in enumerate(zip(beside, said_beside, strict=True)):
        first = None if start is None else start[0].reshape(-1, start.shape[-1])[n]
        made.append(_run(op, own, said, first, number, rows))
    return made


def _flat(value: np.ndarray) -> np.ndarray:
    """A value (..., S, D) as (n, S, D)."""
    return value.reshape(-1, *value.shape[-2:])


def _run(op: Recurrence, x: np.ndarray, h: np.ndarray, start: np.ndarray | None, number: int, rows: np.ndarray) -> Run:
    imaginary = None
    if isinstance(op, Scan) and op.numbers == "complex":
        h, imaginary = np.split(h, 2, axis=-1)
    first = np.zeros(h.shape[-1], np.float32) if start is None else start[: h.shape[-1]]
    before = np.concatenate([h[1:], first[None]]) if op.reverse else np.concatenate([first[None], h[:-1]])
    return Run(x, h, before, start, imaginary, number, rows)
