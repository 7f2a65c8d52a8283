"""What an engine is given, checked: the same rules and messages for every engine."""

from collections.abc import Sequence

import numpy as np

from whorl.errors import ArgumentError, ModelFileError, StreamingError
from whorl.runtime.engine import Inputs, Slot
from whorl.runtime.program import Program
from whorl.runtime.quantised import WEIGHTS, Weights

MOST_THREADS = 1 << 15


def context_of(program: Program, context: Inputs | None) -> dict[str, np.ndarray]:
    """The static inputs of one stream; raises ArgumentError where one is missing or has another shape."""
    found = {name: np.asarray(value, np.float32) for name, value in (context or {}).items()}
    for op in program.inputs:
        if op.static and (op.out not in found or found[op.out].shape != op.shape):
            shape = found[op.out].shape if op.out in found else "nothing"
            raise ArgumentError(f"`context` must hold '{op.out}' of shape {op.shape}, but has {shape}.")
    return found


def sequences_of(program: Program, inputs: Inputs) -> tuple[dict[str, np.ndarray], int, int]:
    """The inputs that come at every step, (B, T, ...), with B and T; raises ArgumentError where they do not fit."""
    values: dict[str, np.ndarray] = {}
    sizes: set[tuple[int, int]] = set()
    for op in program.inputs:
        if op.static:
            continue
        if op.out not in inputs:
            raise ArgumentError(f"`inputs` must hold '{op.out}' of shape (B, T, {op.shape}), but has {list(inputs)}.")
        value = np.asarray(inputs[op.out], np.float32)
        if value.ndim < 2 or value.shape[2:] != op.shape:
            raise ArgumentError(f"`{op.out}` must be (B, T, *{op.shape}), but is {value.shape}.")
        values[op.out] = value
        sizes.add(value.shape[:2])
    if len(sizes) != 1:
        raise ArgumentError(f"the inputs must agree on batch size and steps, but have {sorted(sizes)}.")
    return values, *sizes.pop()


def step_of(program: Program, inputs: Inputs) -> dict[str, np.ndarray]:
    """The inputs of one step, (n, ...), as sequences of one step, (n, 1, ...); ArgumentError where they do not fit."""
    values: dict[str, np.ndarray] = {}
    for op in program.inputs:
        if op.static or op.out not in inputs:
            continue
        value = np.asarray(inputs[op.out], np.float32)
        if value.ndim < 1 or value.shape[1:] != op.shape:
            raise ArgumentError(f"`{op.out}` must be (n, *{op.shape}), a row for each slot, but is {value.shape}.")
        values[op.out] = value[:, None]
    return values


def static_of(program: Program, inputs: Inputs, batch_size: int) -> dict[str, np.ndarray]:
    """The static inputs of sequences that start afresh, (B, ...); raises ArgumentError where they do not fit."""
    static: dict[str, np.ndarray] = {}
    for op in program.inputs:
        if not op.static:
            continue
        if op.out not in inputs:
            raise ArgumentError(f"`inputs` must hold '{op.out}' of shape (B, {op.shape}), but has {list(inputs)}.")
        value = np.asarray(inputs[op.out], np.float32)
        if value.shape != (batch_size, *op.shape):
            raise ArgumentError(f"`{op.out}` must be ({batch_size}, *{op.shape}), but is {value.shape}.")
        static[op.out] = value
    return static


def check_slots(program: Program, slots: Sequence[Slot], batch_size: int) -> None:
    """Raises unless there is a slot of its own for each sequence, and the program can keep a state in it."""
    if len(set(slots)) != len(slots) or len(slots) != batch_size:
        raise ArgumentError(f"`slots` must be {batch_size} different slots, but are {list(slots)}.")
    if not program.streams:
        raise StreamingError(
            "This model reads in both directions, so it needs the whole sequence and has no state to keep. "
            "Build it with bidirectional=False."
        )


def not_open(slot: Slot) -> ArgumentError:
    """The error for a slot that nobody opened, or that was closed."""
    return ArgumentError(f"`slot` {slot} is not open. Open one with `open()`.")


def check_threads(num_threads: object) -> None:
    """Raises unless a number of threads is a whole number from 1 on, or None."""
    if num_threads is not None and num_threads not in range(1, MOST_THREADS + 1):
        raise ArgumentError(f"`num_threads` must be a whole number of 1 to {MOST_THREADS}, but is {num_threads!r}.")


def check_start(start: object, num_steps: int) -> None:
    """Raises unless the first wanted step is a whole number within the sequence or at its end."""
    if not isinstance(start, int | np.integer) or not 0 <= start <= num_steps:
        raise ArgumentError(f"`start` must be within 0 and the {num_steps} steps, a whole number, but is {start!r}.")


def lengths_of(lengths: np.ndarray | None, batch_size: int, num_steps: int) -> np.ndarray | None:
    """Real steps of each sequence, (B,) int64; None where all steps are real."""
    if lengths is None:
        return None
    lengths = np.asarray(lengths)
    fits = lengths.shape == (batch_size,) and lengths.dtype.kind in "iuf"
    if not fits or not ((lengths >= 0) & (lengths <= num_steps) & (lengths == np.floor(lengths))).all():
        raise ArgumentError(
            f"`lengths` must be ({batch_size},) whole numbers within 0 and {num_steps}, but is {lengths}."
        )
    return None if (lengths == num_steps).all() else lengths.astype(np.int64)


def state_prefix(program: Program, weights: Weights) -> bytes:
    """What stored states begin with: they belong to no other program, nor to weights of another format."""
    return bytes.fromhex(program.hash) + (b"" if weights == "fp32" else f":{weights}".encode())


def state_of(state: object) -> bytes:
    """A stored state as bytes; raises ArgumentError where it is something else."""
    if not isinstance(state, bytes | bytearray | memoryview):
        raise ArgumentError(f"`state` must be bytes, but is a {type(state).__name__}. Give what `read` returned.")
    return bytes(state)


def check_state(program: Program, weights: Weights, state: bytes, num_bytes: int) -> None:
    """Raises ModelFileError unless a stored state is of this program and these weights, and has its size.

    Args:
        program: what goes on from the state.
        weights: how its matrices are kept.
        state: with its prefix.
        num_bytes: the size behind the prefix.
    """
    for made in WEIGHTS:
        prefix = state_prefix(program, made)
        if made != weights and state.startswith(prefix) and len(state) == len(prefix) + num_bytes:
            raise ModelFileError(
                f"`state` was made with {made} weights, but this engine has {weights} weights. Start the stream "
                f"afresh, or take an engine with weights='{made}'."
            )
    prefix = state_prefix(program, weights)
    if not state.startswith(prefix):
        raise ModelFileError(
            "`state` must come from this model, but it was made by another one. Start the stream afresh, "
            "or load the model that made the state."
        )
    if len(state) != len(prefix) + num_bytes:
        raise ModelFileError(f"`state` must have {len(prefix) + num_bytes} bytes, but has {len(state)}. It is damaged.")
