"""What the native engine refuses before it touches any memory."""

import numpy as np
import pytest
from tests.laws.builder import Builder

from whorl import _native
from whorl.errors import ArgumentError
from whorl.runtime import operations as ops
from whorl.runtime.engines import engine_for
from whorl.runtime.lowering import lowered
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program


def layer(features=8, units=5):
    add = Builder()
    return add.done(add.cell(add(ops.Input(out="x", shape=(features,))), "gru", "stream", units))


def wide(values):
    """A small program that holds so many values of 2**28 numbers at the same time."""
    program = Program()
    x = program.add(ops.Repeat(x=program.add(ops.Input(out="x", shape=(1,))), axis=0, count=2**28))
    made = [program.add(ops.Activate(out=f"a{n}", x=x, function="tanh")) for n in range(values)]
    total = made[0]
    for n, value in enumerate(made[1:]):
        total = program.add(ops.Combine(out=f"b{n}", a=total, b=value, function="add"))
    program.output = program.add(ops.Slice(x=total, axis=0, start=0, stop=1))
    return program


@pytest.mark.parametrize("rows", [2**20, 2**21, 2**22, 2**22 + 1])
def test_memory_beyond_all_counting_is_refused(rows):
    engine = NativeEngine(wide(2**12 - 2), num_threads=1)  # and two sums
    x = np.zeros((rows, 1, 1), np.float32)
    with pytest.raises(MemoryError, match="Give fewer rows in a call"):  # at 2**22, 2**64 bytes: 0 in 64 bits
        engine.run({"x": x})


def test_an_input_that_changes_the_list_of_slots_leads_nowhere():
    engine = NativeEngine(layer())
    slots = [engine.open() for _ in range(2)]
    before = [engine.read(slot) for slot in slots]
    given = list(slots)

    class Name(str):
        __hash__ = str.__hash__

        def __eq__(self, other):
            given[1:] = []
            return str.__eq__(self, other)

    with pytest.raises(ArgumentError, match="must be 2 different slots"):
        engine.step(given, {Name("x"): np.ones((2, 8), np.float32)})
    assert given == slots[:1]
    assert [engine.read(slot) for slot in slots] == before


def test_static_inputs_that_do_not_fit_open_no_slot():
    add = Builder()
    parts = (add(ops.Input(out="x", shape=(3,))), add(ops.Input(out="place", shape=(2,), static=True)))
    native = NativeEngine(add.done(add(ops.Concat(parts=parts, axis=0))))._native
    for static in ([], [np.zeros(3, np.float32)], [np.zeros(2, np.float32)] * 2):
        with pytest.raises(ValueError, match="`statics` do not fit"):
            native.open(static)
    assert not native.is_open(0)
    assert native.is_open(native.open([np.zeros(2, np.float32)]))


def test_a_program_makes_one_engine_once_it_is_finished():
    with pytest.raises(ValueError, match="not finished"):
        _native.Engine(_native.Program(), [], b"", 1, 1)
    program = lowered(layer(), "fp32")
    with pytest.raises(ValueError, match="finished"):
        program.add("input", [], [1], numbers=[0])
    with pytest.raises(ValueError, match="finished"):
        program.finish(0)
    _native.Engine(program, ["x"], b"", 1, 1)
    with pytest.raises(ValueError, match="another engine has taken it over"):
        _native.Engine(program, ["x"], b"", 1, 1)
    with pytest.raises(ValueError, match="`names` must have one for each input"):
        _native.Engine(lowered(layer(), "fp32"), [], b"", 1, 1)


def test_a_matrix_that_is_too_wide_for_eight_bits_is_named():
    program = Program()
    x = program.add(ops.Input(out="x", shape=(65537,)))
    weight, back = program.tensor("w", np.ones((1, 65537))), program.tensor("u", np.ones((1, 1)))
    program.output = program.add(ops.Recurrent(x=x, cell="rnn_tanh", over="stream", weight_ih=weight, weight_hh=back))
    with pytest.raises(ArgumentError, match=r"matrix `w` cannot be kept as int8: .* at most 65536 input features"):
        NativeEngine(program, weights="int8")
    NativeEngine(program, weights="bf16")


@pytest.mark.parametrize("engine", ["native", "numpy"])
@pytest.mark.parametrize("shape", [(), (8,), (1, 1), (1, 8, 1), (1, 1, 8)])
def test_a_step_says_what_its_inputs_must_be(engine, shape):
    engine = engine_for(layer(), engine=engine)
    slot = engine.open()
    before = engine.read(slot)
    with pytest.raises(ArgumentError, match=r"`x` must be \(n, \*\(8,\)\), a row for each slot"):
        engine.step([slot], {"x": np.ones(shape, np.float32)})
    assert engine.read(slot) == before


@pytest.mark.parametrize("engine", ["native", "numpy"])
@pytest.mark.parametrize("slot", [-1, 7, 2**70, 0.5, "a", None])
def test_what_is_no_open_slot_is_named(engine, slot):
    engine = engine_for(layer(), engine=engine)
    own = engine.open()
    before, x = engine.read(own), np.ones((1, 8), np.float32)
    calls = [
        lambda: engine.read(slot),
        lambda: engine.write(slot, before),
        lambda: engine.fork(slot),
        lambda: engine.close(slot),
        lambda: engine.step([slot], {"x": x}),
        lambda: engine.run({"x": x[None]}, slots=[slot]),
    ]
    for call in [*calls, *([lambda: engine.bind([slot])] if engine.name == "native" else [])]:
        with pytest.raises(ArgumentError, match=f"`slot` {slot} is not open"):
            call()
    assert engine.read(own) == before


def test_slots_may_be_numbers_of_numpy():
    engine = NativeEngine(layer())
    slot = np.int64(engine.open())
    bound = engine.bind([slot])
    bound.step()
    assert engine.read(engine.fork(slot)) == engine.read(slot)
    engine.close(slot)


@pytest.mark.parametrize("engine", ["native", "numpy"])
def test_lengths_and_starts_are_whole_numbers(engine):
    engine, x = engine_for(layer(), engine=engine), np.ones((2, 3, 8), np.float32)
    for lengths in ([1, 0.5], [1, np.nan], [1, 4], [-1, 1], [1], ["a", "b"]):
        with pytest.raises(ArgumentError, match=r"`lengths` must be \(2,\) whole numbers within 0 and 3"):
            engine.run({"x": x}, lengths)
    for start in (-1, 4, 0.5, "a"):
        with pytest.raises(ArgumentError, match="`start` must be within 0 and the 3 steps"):
            engine.run({"x": x}, start=start)
    assert engine.run({"x": x}, np.array([1.0, 3.0]))[0, 1:].tolist() == [[0.0] * 5] * 2


@pytest.mark.parametrize("num_threads", [0, -1, 1.5, 2**40, "a"])
def test_a_number_of_threads_is_a_whole_number(num_threads):
    with pytest.raises(ArgumentError, match="`num_threads` must be a whole number"):
        NativeEngine(layer(), num_threads=num_threads)
