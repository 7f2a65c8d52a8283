"""Running an engine over many sequences of any length in batches, piece by piece, so that memory stays bounded."""

from collections.abc import Iterator
from collections.abc import Sequence as List

import numpy as np

from whorl.data.sequences import Sequence
from whorl.runtime.engine import Engine

# Sequences in a batch, and numbers in one piece of answers (float32): pieces of 64 MB.
_BATCH = 64
_PIECE = 1 << 24


def outputs(
    engine: Engine, sequences: List[Sequence], steps: List[np.ndarray], horizon: int
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yields (n, steps, outputs) until all wanted steps of all sequences are answered; sequences come in order.

    Args:
        engine: what runs.
        sequences: what is read.
        steps: for each sequence the steps whose answer is wanted, ascending.
        horizon: steps ahead that known covariates reach.
    """
    memory = engine.program.memory
    size = int(np.prod(engine.program.shapes[engine.program.output]))
    # A batch of whole sequences makes an answer at each step from the shortest one's end on: only for short ones.
    rows = max((int(wanted[-1]) + 1 for wanted in steps if len(wanted)), default=0) if memory is None else memory
    single = all(len(wanted) == 1 for wanted in steps)
    if single and rows * size * min(_BATCH, len(sequences)) <= _PIECE:
        for first in range(0, len(sequences), _BATCH):
            yield from _last_steps(engine, sequences, steps, horizon, range(first, min(first + _BATCH, len(sequences))))
        return
    for n, (sequence, wanted) in enumerate(zip(sequences, steps, strict=True)):
        if not len(wanted):
            continue
        at = 0 if memory is None else max(0, int(wanted[0]) - memory + 1)
        stop = int(wanted[-1]) + 1
        if not engine.program.streams:
            result = engine.run(sequence.inputs(at, stop, horizon), start=int(wanted[0]) - at)
            yield n, wanted, result[0][wanted - wanted[0]]
            continue
        slot = engine.open()
        try:
            span = max(1, _PIECE // max(size, 1))
            while at < stop:
                end = min(stop, max(at + span, int(wanted[0]) + 1))
                chosen = wanted[(wanted >= at) & (wanted < end)]
                start = int(chosen[0]) - at if len(chosen) else end - at
                result = engine.run(sequence.inputs(at, end, horizon), slots=[slot], start=start)
                if len(chosen):
                    yield n, chosen, result[0][chosen - chosen[0]]
                at = end
        finally:
            engine.close(slot)


def _last_steps(
    engine: Engine, sequences: List[Sequence], steps: List[np.ndarray], horizon: int, which: range
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """One answer a sequence: padded to the longest and run together."""
    memory = engine.program.memory
    stops = np.array([int(steps[n][0]) + 1 for n in which])
    starts = np.zeros_like(stops) if memory is None else np.maximum(0, stops - memory)
    lengths = stops - starts
    pieces = [sequences[n].inputs(int(a), int(b), horizon) for n, a, b in zip(which, starts, stops, strict=True)]
    longest = int(lengths.max())
    padded = {name: np.concatenate([_pad(piece[name], longest) for piece in pieces]) for name in pieces[0]}
    result = engine.run(padded, lengths, start=int(lengths.min()) - 1)
    for row, n in enumerate(which):
        at = int(lengths[row]) - int(lengths.min())
        yield n, steps[n], result[row, at : at + 1]


def _pad(values: np.ndarray, length: int) -> np.ndarray:
    return np.concatenate([values, np.zeros((1, length - values.shape[1], *values.shape[2:]), values.dtype)], axis=1)
