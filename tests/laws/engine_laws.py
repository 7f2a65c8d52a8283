"""What the laws mean for an engine with a program. All of them bit for bit."""

import copy
import functools
import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import strategies as st
from tests.laws.drawing import bits, close, cuts, random, same_bits, size
from tests.laws.table import law

from whorl.errors import ArgumentError, ModelFileError
from whorl.runtime.engine import Engine
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.program import Program

Inputs = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class EngineSubject:
    """A program, and the engine that runs it.

    Args:
        program: builds it; the same numbers every time.
        engine: runs it.
    """

    program: Callable[[], Program]
    engine: Callable[[Program], Engine] = Interpreter

    def new(self) -> Engine:
        return self.engine(self.program())


def drawn(rng: np.random.Generator, program: Program, batch: int, steps: int) -> tuple[Inputs, list[Inputs]]:
    """Inputs (B, T, ...), and a context for each slot. Values double as codes of symbols: some lie out of range."""
    inputs: Inputs = {}
    contexts: list[Inputs] = [{} for _ in range(batch)]
    for op in program.inputs:
        if op.static:
            for context in contexts:
                context[op.out] = rng.standard_normal(op.shape).astype(np.float32)
        else:
            inputs[op.out] = (1.5 * rng.standard_normal((batch, steps, *op.shape))).astype(np.float32)
    return inputs, contexts


def at(inputs: Inputs, *place: Any) -> Inputs:
    return {name: value[place] for name, value in inputs.items()}


def nudged(program: Program, rng: np.random.Generator) -> Program:
    """The program with every weight one unit in the last place off, up or down."""
    other = copy.deepcopy(program)
    for name, tensor in other.tensors.items():
        other.tensors[name] = np.nextafter(
            tensor, np.where(rng.random(tensor.shape) < 0.5, -np.inf, np.inf), dtype=np.float32
        )
    return other


def whole(engine: Engine, inputs: Inputs, contexts: list[Inputs], lengths: np.ndarray | None = None) -> np.ndarray:
    """A run from fresh states that are not kept."""
    static = {name: np.stack([context[name] for context in contexts]) for name in contexts[0]}
    return engine.run({**inputs, **static}, lengths)


@law("03 step", "engine")
def stepping_is_running(subject: EngineSubject, data: st.DataObject) -> None:
    engine = subject.new()
    batch, steps = size(data, 1, 3, "batch"), size(data, 0, 9, "steps")
    inputs, contexts = drawn(random(data), engine.program, batch, steps)
    slots = [engine.open(context) for context in contexts]
    others = [engine.open(context) for context in contexts]
    at_once = engine.run(inputs, slots=slots)
    for t in range(steps):
        same_bits(engine.step(others, at(inputs, slice(None), t)), at_once[:, t], f"step {t}")
    same_bits(at_once, whole(engine, inputs, contexts), "a run with slots and one without")
    for slot, other in zip(slots, others, strict=True):
        same_bits(engine.read(other), engine.read(slot), "the final states")


@law("04 split", "engine")
def pieces_with_the_state_handed_over_are_the_whole(subject: EngineSubject, data: st.DataObject) -> None:
    engine = subject.new()
    steps, lag = size(data, 0, 11, "steps"), size(data, 0, 3, "steps not wanted")
    inputs, contexts = drawn(random(data), engine.program, 1, steps)
    wanted = whole(engine, inputs, contexts)
    slot, made = engine.open(contexts[0]), []
    for piece in cuts(data, steps):
        fork = engine.fork(slot)
        made.append(engine.run(at(inputs, slice(None), piece), slots=[fork]))
        # The slot that was forked did not move: it goes on from where the fork began.
        start = min(lag, piece.stop - piece.start)
        late = engine.run(at(inputs, slice(None), piece), slots=[slot], start=start)
        same_bits(late, made[-1][:, start:], "a run with a later start")
        same_bits(engine.read(slot), engine.read(fork), "the states of a fork and of its origin")
        engine.close(fork)
    same_bits(np.concatenate(made, axis=1), wanted)
    with mock.patch("whorl.runtime.interpreter._BLOCK", 1), mock.patch("whorl.runtime.native._BLOCK", 1):
        same_bits(whole(subject.new(), inputs, contexts), wanted, "blocks of one step and of many")


@law("05 padding", "engine")
def more_padding_changes_nothing(subject: EngineSubject, data: st.DataObject) -> None:
    engine = subject.new()
    lengths = np.array(data.draw(st.lists(st.integers(0, 7), min_size=1, max_size=4), label="lengths"))
    steps = int(lengths.max()) + size(data, 0, 3, "extra padding")
    inputs, contexts = drawn(random(data), engine.program, len(lengths), steps)
    for value in inputs.values():
        for row, length in enumerate(lengths):
            value[row, length:] = np.nan
    found = whole(engine, inputs, contexts, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = whole(engine, at(inputs, slice(row, row + 1), slice(0, length)), contexts[row : row + 1])
        same_bits(found[row : row + 1, :length], alone, f"row {row}")
        assert (found[row, length:] == 0).all()
    if not engine.program.streams:
        return
    slots, others = ([engine.open(context) for context in contexts] for _ in range(2))
    engine.run(inputs, lengths, slots)
    for row, length in enumerate(lengths.tolist()):
        engine.run(at(inputs, slice(row, row + 1), slice(0, length)), slots=[others[row]])
        same_bits(engine.read(slots[row]), engine.read(others[row]), f"the state of row {row}")


@law("06 batch", "engine")
def a_row_never_depends_on_its_neighbours(subject: EngineSubject, data: st.DataObject) -> None:
    engine = subject.new()
    batch, steps = size(data, 1, 9, "batch"), size(data, 1, 5, "steps")
    rng = random(data)
    inputs, contexts = drawn(rng, engine.program, batch, steps)
    found = whole(engine, inputs, contexts)
    for row in range(batch):
        alone = whole(engine, at(inputs, slice(row, row + 1)), contexts[row : row + 1])
        same_bits(found[row : row + 1], alone, f"row {row}")
    order = rng.permutation(batch)
    same_bits(whole(engine, at(inputs, order), [contexts[n] for n in order]), found[order], "rows in another order")


@law("07 causality", "engine")
def no_output_depends_on_a_later_step(subject: EngineSubject, data: st.DataObject) -> None:
    engine, rng = subject.new(), random(data)
    steps = size(data, 1, 9, "steps")
    t = size(data, 0, steps - 1, "step")
    inputs, contexts = drawn(rng, engine.program, 1, steps)
    other, _ = drawn(rng, engine.program, 1, steps)
    for name, value in other.items():
        value[:, : t + 1] = inputs[name][:, : t + 1]
    found = whole(engine, other, contexts)
    same_bits(found[:, : t + 1], whole(engine, inputs, contexts)[:, : t + 1])


@law("08 backend", "engine")
def every_engine_says_what_the_interpreter_says(subject: EngineSubject, data: st.DataObject) -> None:
    engine = subject.new()
    reference = Interpreter(engine.program)
    batch, steps = size(data, 1, 3, "batch"), size(data, 1, 9, "steps")
    inputs, contexts = drawn(random(data), engine.program, batch, steps)
    lengths = np.array(data.draw(st.lists(st.integers(0, steps), min_size=batch, max_size=batch), label="lengths"))
    wanted = whole(reference, inputs, contexts, lengths)

    def tolerance() -> float:
        # Measured: at most 7e-7 of the largest value of an answer; its cause is the order of sums, and functions that
        # are right to one unit in the last place.
        return 1e-6 * max(1.0, float(np.abs(wanted).max(initial=0))) + 4.0 * lost

    lost = 0.0
    if any(getattr(op, "layer_norm", ()) for op in engine.program.operations):
        # Layer norm of a product that hardly varies loses digits, whoever computes it. How many, the interpreter says
        # of weights that differ in their last bit.
        rng = np.random.default_rng(len(inputs) + batch + 10 * steps)
        for _ in range(3):
            other = whole(Interpreter(nudged(engine.program, rng)), inputs, contexts, lengths)
            lost = max(lost, float(np.abs(other - wanted).max(initial=0)))
    close(whole(engine, inputs, contexts, lengths), wanted, atol=tolerance())
    if not engine.program.streams:
        return
    # A state of one goes on in the other.
    slot, other = engine.open(contexts[0]), reference.open(contexts[0])
    row = at(inputs, slice(0, 1))
    engine.run(row, slots=[slot])
    reference.write(other, engine.read(slot))
    wanted = reference.run(row, slots=[other])
    close(engine.run(row, slots=[slot]), wanted, atol=tolerance())


@law("10 save", "engine")
def a_loaded_program_and_state_give_the_same_bits(subject: EngineSubject, data: st.DataObject) -> None:
    engine = subject.new()
    program = engine.program
    tensors = {name: tensor.copy() for name, tensor in program.tensors.items()}
    loaded = subject.engine(Program.from_json(program.to_json(), tensors))
    assert loaded.program.hash == program.hash
    steps = size(data, 0, 7, "steps")
    inputs, contexts = drawn(random(data), program, 1, 2 * steps)
    same_bits(whole(loaded, inputs, contexts), whole(engine, inputs, contexts))
    if not program.streams:
        return
    slot, moved = engine.open(contexts[0]), loaded.open(contexts[0])
    engine.run(at(inputs, slice(None), slice(0, steps)), slots=[slot])
    loaded.write(moved, engine.read(slot))
    rest = at(inputs, slice(None), slice(steps, None))
    same_bits(loaded.run(rest, slots=[moved]), engine.run(rest, slots=[slot]), "answers after the state was moved")


@law("12 purity", "engine")
def running_changes_neither_inputs_nor_program(subject: EngineSubject, data: st.DataObject) -> None:
    engine = subject.new()
    program = engine.program
    inputs, contexts = drawn(random(data), program, 2, size(data, 1, 5, "steps"))
    before = bits([inputs, contexts, program.tensors])
    first = whole(engine, inputs, contexts)
    kept = bits(first)
    whole(engine, {name: value + 1 for name, value in inputs.items()}, contexts)
    same_bits(bits([inputs, contexts, program.tensors]), before, "inputs, context or tensors")
    assert bits(first) == kept, "a later run wrote into an earlier answer"
    if not program.streams:
        return
    slots = [engine.open(context) for context in contexts]
    engine.run(inputs, slots=slots)
    states = [engine.read(slot) for slot in slots]
    with pytest.raises(ArgumentError):
        engine.step([slots[0], slots[0]], at(inputs, slice(None), 0))
    with pytest.raises(ArgumentError):
        engine.step(slots, {name: value[:, 0, None] for name, value in inputs.items()})
    with pytest.raises(ModelFileError):
        engine.write(slots[0], states[0][:-1])
    same_bits([engine.read(slot) for slot in slots], states, "states after a refused call")


def calls(action: Callable[[], object]) -> int:
    """How many functions an action calls, Python's and C's: work that needs no clock to be measured."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before, collects = sys.getprofile(), gc.isenabled()
    gc.disable()  # a collection calls whoever asked to be told of it
    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()
    return count


@law("15 constant stream", "engine", examples=1)  # 10,000 steps
def state_and_work_of_a_step_do_not_grow(subject: EngineSubject, data: st.DataObject) -> None:
    engine = subject.new()
    inputs, contexts = drawn(random(data), engine.program, 1, 1000)
    slot = engine.open(contexts[0])
    row = at(inputs, slice(None), 0)
    state_sizes, work, pushed = [], [], 0
    for goal in (10, 10_000):
        while pushed < goal - 1:
            piece = min(goal - 1 - pushed, 1000)
            engine.run(at(inputs, slice(None), slice(0, piece)), slots=[slot], start=piece)
            pushed += piece
        # The first of three may compute what is kept from then on.
        forks = [engine.fork(slot) for _ in range(3)]
        work.append(min(calls(functools.partial(engine.step, [fork], row)) for fork in forks))
        engine.step([slot], row)
        pushed += 1
        state_sizes.append(len(engine.read(slot)))
    assert state_sizes[0] == state_sizes[1], state_sizes
    assert work[0] == work[1], work
