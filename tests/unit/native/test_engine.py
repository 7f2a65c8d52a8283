"""The native engine beside the interpreter: the same numbers, the same bits however work is cut, the same refusals."""

import copy
import pickle

import numpy as np
import pytest
from tests.laws.builder import Builder
from tests.laws.programs import BY_HAND
from tests.unit.native.layers import CELLS, recurrent

from whorl.errors import ArgumentError, ModelFileError, StreamingError
from whorl.runtime import operations as ops
from whorl.runtime.engines import engine_for
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.native import NativeEngine

# Measured over these programs: at most 5e-7 of the largest value, by the order of sums and by functions that are right
# to a unit in the last place.
TOLERANCE = 1e-6


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def same(found, wanted):
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    assert found.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("units", [1, 3, 33, 101])
def test_odd_sizes_give_the_numbers_of_the_interpreter(cell, units):
    for options in ({}, {"norm": True}, {"zoneout": 0.2}, {"projected": (units + 1) // 2} if cell == "lstm" else {}):
        program = recurrent(cell, units, **options)
        native, reference = NativeEngine(program), Interpreter(program)
        for batch, steps in ((1, 1), (1, 20), (5, 1), (5, 20)):
            x = draw(batch, steps, 3)
            lengths = np.arange(batch) * steps // max(1, batch - 1)
            for given in (None, lengths):
                found, wanted = native.run({"x": x}, given), reference.run({"x": x}, given)
                np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE * max(1, np.abs(wanted).max()))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("units", [1, 3, 33, 101])
@pytest.mark.parametrize("options", [{}, {"norm": True}, {"zoneout": 0.2}], ids=str)
def test_a_sequence_and_steps_and_streams_together_have_the_same_bits(cell, units, options):
    engine = NativeEngine(recurrent(cell, units, **options))
    x = draw(29, 17, 3)
    together = engine.run({"x": x})
    slots, alone = [engine.open() for _ in range(29)], engine.open()
    same(np.stack([engine.step(slots, {"x": x[:, t].copy()}) for t in range(17)], axis=1), together)
    same(np.stack([engine.step([alone], {"x": x[3:4, t].copy()})[0] for t in range(17)]), together[3])
    assert engine.read(alone) == engine.read(slots[3])


@pytest.mark.parametrize("num_threads", [2, 3])
def test_the_number_of_threads_changes_no_bit(num_threads):
    program = recurrent("gru", 101, 40)
    one, many = NativeEngine(program, num_threads=1), NativeEngine(program, num_threads=num_threads)
    x, lengths = draw(13, 90, 40), np.arange(13) * 90 // 12
    same(many.run({"x": x}), one.run({"x": x}))
    same(many.run({"x": x}, lengths, start=40), one.run({"x": x}, lengths, start=40))
    states = []
    for engine in (one, many):
        slots = [engine.open() for _ in range(13)]
        engine.run({"x": x}, lengths, slots)
        states.append([engine.read(slot) for slot in slots])
    assert states[0] == states[1]


def test_threads_within_a_long_product_change_no_bit():
    # Read backwards, a sequence is one block: a product of 10,000 x 40 x 404, some milliseconds.
    program, x = recurrent("lstm", 101, 40, reverse=True), draw(1, 10_000, 40)
    same(NativeEngine(program, num_threads=2).run({"x": x}), NativeEngine(program, num_threads=1).run({"x": x}))


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_a_poisoned_stream_leaves_its_neighbours_alone(name, poison):
    program = BY_HAND[name]()
    engine, batch = NativeEngine(program), 7
    inputs = {
        op.out: draw(batch, *(() if op.static else (5,)), *op.shape, seed=n) for n, op in enumerate(program.inputs)
    }
    clean = engine.run(inputs)
    others = np.arange(batch) != 2
    inputs = {key: value.copy() for key, value in inputs.items()}
    for value in inputs.values():
        value[2] = poison
    same(engine.run(inputs)[others], clean[others])


@pytest.mark.parametrize("name", [name for name, program in BY_HAND.items() if program().streams])
@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_a_poisoned_stream_among_others_in_a_step_leaves_them_alone(name, poison):
    program = BY_HAND[name]()
    engine, batch = NativeEngine(program), 7
    inputs = {op.out: draw(batch, 5, *op.shape, seed=n) for n, op in enumerate(program.inputs) if not op.static}
    contexts = [
        {op.out: draw(*op.shape, seed=row) for op in program.inputs if op.static} or None for row in range(batch)
    ]
    others = np.arange(batch) != 2

    def answers():
        slots = [engine.open(context) for context in contexts]
        found = [
            engine.step(slots, {key: value[:, t].copy() for key, value in inputs.items()})[others] for t in range(5)
        ]
        return found, [engine.read(slot) for row, slot in enumerate(slots) if others[row]]

    clean, clean_states = answers()
    for value in inputs.values():
        value[2, 1] = poison
    sick, states = answers()
    for found, wanted in zip(sick, clean, strict=True):
        same(found, wanted)
    assert states == clean_states


def test_nothing_is_run_for_no_rows_and_no_steps():
    engine = NativeEngine(recurrent("lstm", 3))
    assert engine.run({"x": draw(0, 4, 3)}).shape == (0, 4, 2)
    assert engine.run({"x": draw(4, 0, 3)}).shape == (4, 0, 2)
    assert engine.step([], {"x": draw(0, 3)}).shape == (0, 2)
    slot = engine.open()
    before = engine.read(slot)
    engine.run({"x": draw(1, 0, 3)}, slots=[slot])
    assert engine.read(slot) == before


def test_a_window_longer_than_a_block_and_a_block_longer_than_a_window(monkeypatch):
    add = Builder()
    window = add(ops.Window(x=add(ops.Input(out="x", shape=(2,))), length=40))
    program = add.done(add(ops.Reduce(x=window, axis=0, function="mean")))
    x, wanted = draw(2, 300, 2), Interpreter(program).run({"x": draw(2, 300, 2)})
    for block in (1, 100, 1_000, 100_000):
        monkeypatch.setattr("whorl.runtime.native._BLOCK", block)
        same(NativeEngine(program).run({"x": x}), wanted)


@pytest.mark.parametrize("make", [list, tuple, np.array])
@pytest.mark.parametrize("change", [np.asfortranarray, np.float64, lambda x: np.repeat(x, 2, axis=1)[:, ::2]])
def test_arrays_and_slots_of_any_make_are_taken(make, change):
    engine, x = NativeEngine(recurrent("gru", 5)), draw(3, 3)
    slots, others = ([engine.open() for _ in range(3)] for _ in range(2))
    same(engine.step(make(slots), {"x": change(x)}), engine.step(others, {"x": x}))
    same(engine.run({"x": change(x)[:, None]}, slots=make(slots)), engine.run({"x": x[:, None]}, slots=others))


def refusals(engine):
    """What an engine says to calls that do not fit, each with two open slots and one that was closed."""
    first, second, closed = engine.open(), engine.open(), engine.open()
    engine.close(closed)
    x, states = draw(2, 3), [engine.read(first), engine.read(second)]
    calls = [
        lambda: engine.step([first, first], {"x": x}),
        lambda: engine.step([first], {"x": x}),
        lambda: engine.step([first, closed], {"x": x}),
        lambda: engine.step([first, 99], {"x": x}),
        lambda: engine.step([first, -1], {"x": x}),
        lambda: engine.step([first, second], {"y": x}),
        lambda: engine.step([first, second], {"x": x[:, :2]}),
        lambda: engine.step([first, second], {"x": x[0]}),
        lambda: engine.run({"x": x}),
        lambda: engine.run({"x": x[:, None]}, start=2),
        lambda: engine.run({"x": x[:, None]}, start=-1),
        lambda: engine.run({"x": x[:, None]}, np.array([1, 2])),
        lambda: engine.run({"x": x[:, None]}, np.array([1])),
        lambda: engine.run({"x": x[:, None]}, slots=[first]),
        lambda: engine.read(closed),
        lambda: engine.close(closed),
        lambda: engine.fork(99),
        lambda: engine.write(first, states[0][:-1]),
        lambda: engine.write(first, b"x" * len(states[0])),
        lambda: engine.write(closed, states[0]),
    ]
    said = []
    for call in calls:
        with pytest.raises((ArgumentError, ModelFileError)) as caught:
            call()
        said.append((caught.type, str(caught.value)))
    assert [engine.read(first), engine.read(second)] == states
    return said


def test_what_is_refused_is_refused_in_the_words_of_the_interpreter():
    program = recurrent("lstm", 3)
    assert refusals(NativeEngine(program)) == refusals(Interpreter(program))


def test_contexts_are_refused_and_shared_like_those_of_the_interpreter():
    program = BY_HAND["static context"]()
    native, reference = NativeEngine(program), Interpreter(program)
    for engine in (native, reference):
        with pytest.raises(ArgumentError, match="`context` must hold 'context' of shape \\(2,\\), but has nothing"):
            engine.open()
        with pytest.raises(ArgumentError, match="`context` must be \\(2, \\*\\(2,\\)\\), but is \\(2, 3\\)"):
            engine.run({"x": draw(2, 1, 3), "context": draw(2, 3)})
    context, x = draw(2), draw(1, 3)
    fork = native.fork(native.open({"context": context}))
    wanted = reference.step([reference.open({"context": context})], {"x": x})
    np.testing.assert_allclose(native.step([fork], {"x": x}), wanted, rtol=0, atol=TOLERANCE)


def test_a_program_that_reads_backwards_keeps_no_state():
    engine = NativeEngine(BY_HAND["both ways"]())
    slot = engine.open()
    for call in (
        lambda: engine.step([slot], {"x": draw(1, 3)}),
        lambda: engine.run({"x": draw(1, 2, 3)}, slots=[slot]),
        lambda: engine.bind([slot]),
    ):
        with pytest.raises(StreamingError, match="bidirectional=False"):
            call()


def test_slots_come_back_and_start_afresh():
    engine, x = NativeEngine(recurrent("gru", 3)), draw(1, 3)
    fresh = engine.read(engine.open())
    for _ in range(50):
        slot = engine.open()
        assert engine.read(slot) == fresh
        engine.step([slot], {"x": x})
        assert engine.read(slot) != fresh
        engine.close(slot)
    assert slot < 4


def test_a_copy_answers_the_same_and_has_no_slots():
    engine, x = NativeEngine(recurrent("gru", 3), num_threads=1), draw(2, 9, 3)
    slot = engine.open()
    for twin in (pickle.loads(pickle.dumps(engine)), copy.deepcopy(engine)):
        same(twin.run({"x": x}), engine.run({"x": x}))
        assert twin.num_threads == 1
        with pytest.raises(ArgumentError, match="is not open"):
            twin.read(slot)


def twice_biased():
    add = Builder()
    x = add(ops.Input(out="x", shape=(3,)))
    op = {"cell": "gru", "over": "stream", "weight_ih": add.weights(9, 3), "weight_hh": add.weights(9, 3)}
    norms = tuple(add.weights(9) for _ in range(4))
    return add.done(add(ops.Recurrent(x=x, bias_hh=add.weights(9), layer_norm=norms, **op)))


def test_the_engine_that_can_is_chosen_and_a_program_that_it_cannot_run_goes_to_the_interpreter():
    plain, odd = recurrent("gru", 3), twice_biased()
    assert type(engine_for(plain)) is NativeEngine
    assert type(engine_for(plain, engine="numpy")) is Interpreter
    assert type(engine_for(odd)) is Interpreter
    for options in ({"engine": "native"}, {"weights": "int8"}):
        with pytest.raises(ArgumentError, match="adds a bias to the recurrent product and normalises it then"):
            engine_for(odd, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "nativ"}, "`engine` must be 'native' or 'numpy', but is 'nativ'. Did you mean 'native'"),
        ({"engine": "numpy", "weights": "int8"}, "`weights` must be 'fp32' on the numpy engine"),
        ({"weights": "int4"}, "`weights` must be 'fp32', 'bf16' or 'int8', but is 'int4'"),
        ({"num_threads": 0}, "`num_threads` must be a whole number of 1 to 32768, but is 0"),
    ],
)
def test_a_choice_that_does_not_exist_is_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        engine_for(recurrent("gru", 3), **options)


@pytest.mark.parametrize("name", BY_HAND)
def test_a_later_start_changes_no_bit_of_answers_and_states(name):
    program, steps = BY_HAND[name](), 6
    engine = NativeEngine(program)
    inputs = {
        op.out: draw(2, *(() if op.static else (steps,)), *op.shape, seed=n) for n, op in enumerate(program.inputs)
    }
    wanted = engine.run(inputs)
    for start in range(steps + 1):
        same(engine.run(inputs, start=start), wanted[:, start:])
    if not program.streams:  # needs the whole sequence at once, and so keeps no state
        return
    context = {op.out: inputs.pop(op.out)[0] for op in program.inputs if op.static} or None
    first, whole = {key: value[:1] for key, value in inputs.items()}, engine.open(context)
    engine.run(first, slots=[whole])
    for start in range(steps + 1):
        slot = engine.open(context)
        same(engine.run(first, slots=[slot], start=start), wanted[:1, start:])
        assert engine.read(slot) == engine.read(whole)
