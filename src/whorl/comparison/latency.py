"""How long a step of a saved network takes, and how large its state is."""

import gc
import time
from collections.abc import Callable, Mapping

import msgspec
import numpy as np

from whorl.data.sequences import Sequence
from whorl.runtime import writing
from whorl.runtime.engine import Engine
from whorl.runtime.model import Model

_WARM, _STEPS, _SECONDS = 50, 5_000, 1.0


class Latency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Steps of one stream in the engine that answers, one after the other.

    Args:
        p50_s: seconds that half of the steps take at most.
        p99_s: seconds that 99 in 100 take at most.
        state_bytes: size of what a stream carries from step to step.
    """

    p50_s: float
    p99_s: float
    state_bytes: int


def latency(model: Model, sequence: Sequence) -> Latency | None:
    """Times steps of a model on rows of a sequence; None where it has no answer before a sequence ends.

    Of a model that reads a text whole and writes another, what is timed is writing a token.
    """
    engine = model.engine
    if model.encoder is not None:
        context = writing.contexts(model.encoder, engine, [sequence.read_steps], writing.wait_of(model))[0]
        return _timed(engine, {"past": sequence.past[None]}, context)
    if not engine.program.streams:
        return None
    return _timed(engine, sequence.inputs(0, len(sequence), model.reader.horizon), None)


def median_step(engine: Engine, sequence: Sequence, horizon: int) -> float:
    """Seconds of a step, quickly: enough to choose a size by."""
    return _timed(engine, sequence.inputs(0, len(sequence), horizon), None, most=400).p50_s


def _timed(
    engine: Engine, inputs: Mapping[str, np.ndarray], context: Mapping[str, np.ndarray] | None, most: int = _STEPS
) -> Latency:
    """Steps through inputs (1, T, ...), again from their start where they end."""
    rows = next(iter(inputs.values())).shape[1]
    steps = [
        {name: np.ascontiguousarray(value[:, at]) for name, value in inputs.items()} for at in range(min(rows, most))
    ]
    slot = engine.open(context)
    try:
        seconds = _each(lambda at: engine.step([slot], steps[at % len(steps)]), most)
        size = len(engine.read(slot))
    finally:
        engine.close(slot)
    return Latency(float(np.quantile(seconds, 0.5)), float(np.quantile(seconds, 0.99)), size)


def _each(step: Callable[[int], object], most: int) -> np.ndarray:
    """Seconds of each of many steps, after some that are not counted; fewer where they take long."""
    for at in range(_WARM):
        step(at)
    collects = gc.isenabled()
    gc.disable()
    try:
        seconds: list[float] = []
        started = time.perf_counter()
        while len(seconds) < most and (len(seconds) < _WARM or time.perf_counter() - started < _SECONDS):
            before = time.perf_counter()
            step(_WARM + len(seconds))
            seconds.append(time.perf_counter() - before)
    finally:
        if collects:
            gc.enable()
    return np.array(seconds)
