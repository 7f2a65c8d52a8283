"""The reference engine: slots, pieces, batches."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.live.tiny import carried_program, window_program

from whorl.errors import ArgumentError, ModelFileError, StreamingError
from whorl.runtime import interpreter as module
from whorl.runtime import operations as ops
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.program import Program

WIDTH = 2


def conditional():
    """h_t = relu(x_t + h_{t-1}) plus what the slot was opened with, a window beside it."""
    program = Program()
    x = program.add(ops.Input(out="x", shape=(1,)))
    given = program.add(ops.Input(out="context", shape=(1,), static=True))
    one = program.tensor("one", np.ones((1, 1)))
    total = program.add(ops.Recurrent(x=x, cell="rnn_relu", over="stream", weight_ih=one, weight_hh=one))
    program.output = program.add(ops.Combine(a=total, b=given, function="add"))
    return program


def deep():
    """Everything that carries a state, on top of each other."""
    program = carried_program(WIDTH, 0, 2, 3)
    last = program.add(ops.Reshape(x=program.output, shape=(6,)))
    first = program.add(ops.First(x=last))
    window = program.add(ops.Window(x=last, length=4))
    mean = program.add(ops.Reduce(x=window, axis=0, function="mean"))
    both = program.add(ops.Combine(a=program.add(ops.Reshape(x=mean, shape=(6,))), b=first, function="subtract"))
    program.output = program.add(ops.Activate(x=both, function="tanh"))
    return program


PROGRAMS = {
    "carried": lambda: carried_program(WIDTH, 0, 2, 3),
    "lstm": lambda: carried_program(WIDTH, 0, 1, 1, cell="lstm", hidden=3),
    "one unit": lambda: carried_program(WIDTH, 0, 1, 1, cell="rnn_tanh", hidden=1),
    "window": lambda: window_program(WIDTH, 5, 2, 3),
    "deep": deep,
}


def engine(name):
    return Interpreter(PROGRAMS[name]())


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def same(a, b):
    assert a.shape == b.shape
    assert a.tobytes() == b.tobytes()


names = pytest.mark.parametrize("name", PROGRAMS)


@names
def test_steps_are_the_run_bit_for_bit(name):
    one, x = engine(name), draw(3, 11, WIDTH)
    slots = [one.open() for _ in range(3)]
    steps = np.stack([one.step(slots, {"past": x[:, t]}) for t in range(11)], axis=1)
    same(steps, one.run({"past": x}))


@names
@given(cuts=st.lists(st.integers(0, 11), max_size=4), start=st.integers(0, 11))
def test_pieces_and_a_late_start_change_nothing(name, cuts, start):
    one, x = engine(name), draw(2, 11, WIDTH)
    whole = one.run({"past": x})
    slots = [one.open(), one.open()]
    edges = [0, *sorted(cuts), 11]
    parts = [one.run({"past": x[:, a:b]}, slots=slots) for a, b in itertools.pairwise(edges)]
    same(np.concatenate(parts, axis=1), whole)
    same(one.run({"past": x}, start=start), whole[:, start:])


@names
@given(lengths=st.lists(st.integers(0, 9), min_size=1, max_size=5), padding=st.floats(allow_nan=True, width=32))
def test_padding_and_neighbours_change_nothing(name, lengths, padding):
    one, x = engine(name), draw(len(lengths), 9, WIDTH)
    alone = [one.run({"past": x[n : n + 1, :length]}) for n, length in enumerate(lengths)]
    for n, length in enumerate(lengths):
        x[n, length:] = padding
    with np.errstate(all="ignore"):
        together = one.run({"past": x}, np.array(lengths))
    for n, length in enumerate(lengths):
        same(together[n, :length], alone[n][0])
        assert not together[n, length:].any()


@names
def test_the_state_after_padding_is_that_of_the_last_real_step(name):
    one, x, lengths = engine(name), draw(3, 8, WIDTH), np.array([8, 3, 0])
    slots, fresh = [one.open() for _ in range(3)], one.open()
    one.run({"past": x}, lengths, slots=slots)
    for n, length in enumerate(lengths):
        slot = one.open()
        one.run({"past": x[n : n + 1, :length]}, slots=[slot])
        if name != "deep" or length:
            assert one.read(slots[n]) == one.read(slot)
    if name != "deep":
        assert one.read(slots[2]) == one.read(fresh)


@names
@pytest.mark.parametrize("size", [1, 7, 100])
def test_blocks_of_any_size_give_the_same_bits(name, size, monkeypatch):
    one, x, lengths = engine(name), draw(3, 13, WIDTH), np.array([13, 0, 6])
    runs = [{}, {"start": 5}, {"start": 13}, {"lengths": lengths}, {"lengths": lengths, "start": 4}]
    whole = [one.run({"past": x}, **options) for options in runs]
    monkeypatch.setattr(module, "_BLOCK", size)
    for options, expected in zip(runs, whole, strict=True):
        same(one.run({"past": x}, **options), expected)


@names
def test_a_batch_is_its_rows_alone(name):
    one, x = engine(name), draw(67, 6, WIDTH)
    whole = one.run({"past": x})
    for n in (0, 1, 31, 66):
        same(whole[n : n + 1], one.run({"past": x[n : n + 1]}))


@names
def test_nan_in_one_slot_never_reaches_another(name):
    one, x = engine(name), draw(5, 7, WIDTH)
    clean = one.run({"past": x})
    x[2, 3] = np.nan
    with np.errstate(invalid="ignore"):
        said = one.run({"past": x})
    assert np.isnan(said[2]).any()
    for n in (0, 1, 3, 4):
        same(said[n], clean[n])


@names
def test_an_empty_batch_and_no_steps_are_safe(name):
    one = engine(name)
    shape = one.program.shapes[one.program.output]
    assert one.run({"past": draw(3, 0, WIDTH)}).shape == (3, 0, *shape)
    assert one.run({"past": draw(0, 4, WIDTH)}).shape == (0, 4, *shape)
    assert one.step([], {"past": draw(0, WIDTH)}).shape == (0, *shape)


@names
def test_slots_are_independent_however_many_there_are(name):
    one, x = engine(name), draw(23, 4, WIDTH)
    slots = []
    for n in range(23):  # the slab grows at 5, 9 and 17; what stands in it stays
        slots.append(one.open())
        one.run({"past": x[n : n + 1, :2]}, slots=[slots[-1]])
    order = np.random.default_rng(1).permutation(23)
    said = one.run({"past": x[order, 2:]}, slots=[slots[n] for n in order])
    same(said, one.run({"past": x})[order, 2:])


@names
def test_a_closed_slot_is_fresh_when_it_is_opened_again(name):
    one, x = engine(name), draw(1, 3, WIDTH)
    slots = [one.open() for _ in range(4)]
    fresh = one.read(slots[0])
    one.run({"past": x}, slots=[slots[2]])
    assert one.read(slots[2]) != fresh
    one.close(slots[2])
    again = one.open()
    assert again == slots[2]
    assert one.read(again) == fresh


@names
def test_a_fork_goes_its_own_way(name):
    one, x = engine(name), draw(1, 6, WIDTH)
    slot = one.open()
    one.run({"past": x[:, :3]}, slots=[slot])
    twin = one.fork(slot)
    before = one.read(slot)
    assert one.read(twin) == before
    same(one.run({"past": x[:, 3:]}, slots=[twin]), one.run({"past": x})[:, 3:])
    assert one.read(slot) == before


@names
def test_a_state_is_read_and_written(name):
    one, x = engine(name), draw(1, 6, WIDTH)
    slot, other = one.open(), engine(name)
    size = len(one.read(slot))
    one.run({"past": x[:, :3]}, slots=[slot])
    state = one.read(slot)
    assert len(state) == size
    there = other.open()
    other.write(there, state)
    assert other.read(there) == state
    same(other.run({"past": x[:, 3:]}, slots=[there]), one.run({"past": x[:, 3:]}, slots=[slot]))


@names
def test_a_state_that_cannot_be_of_this_program_is_refused(name):
    one = engine(name)
    slot = one.open()
    state = one.read(slot)
    foreign = Interpreter(window_program(WIDTH, 6, 2, 3))
    for bad, message in (
        (foreign.read(foreign.open()), "made by another one"),
        (b"", "made by another one"),
        (state[:20], "made by another one"),
        (state[:-1], "must have"),
        (state + b"\0", "must have"),
    ):
        with pytest.raises(ModelFileError, match=message):
            one.write(slot, bad)
        assert one.read(slot) == state


@pytest.mark.parametrize("use", ["step", "run", "read", "write", "fork", "close"])
def test_a_slot_that_is_not_open_is_refused(use):
    one, x = engine("carried"), draw(1, 1, WIDTH)
    gone, state = one.open(), one.read(one.open())
    one.close(gone)
    for slot in (gone, 99, -1):
        calls = {
            "step": lambda slot=slot: one.step([slot], {"past": x[:, 0]}),
            "run": lambda slot=slot: one.run({"past": x}, slots=[slot]),
            "read": lambda slot=slot: one.read(slot),
            "write": lambda slot=slot: one.write(slot, state),
            "fork": lambda slot=slot: one.fork(slot),
            "close": lambda slot=slot: one.close(slot),
        }
        with pytest.raises(ArgumentError, match="is not open"):
            calls[use]()


def test_a_slot_stands_once_in_a_batch():
    one, x = engine("carried"), draw(2, 1, WIDTH)
    slot, before = (opened := one.open()), one.read(opened)
    for slots in ([slot, slot], [slot], [slot, one.open(), one.open()]):
        with pytest.raises(ArgumentError, match="must be 2 different slots"):
            one.step(slots, {"past": x[:, 0]})
    assert one.read(slot) == before


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        ({}, {}, "must hold 'past'"),
        ({"past": draw(2, 3, WIDTH + 1)}, {}, "must be"),
        ({"past": draw(2)}, {}, "must be"),
        ({"past": draw(2, 3, WIDTH)}, {"start": 4}, "`start` must be within 0 and the 3 steps"),
        ({"past": draw(2, 3, WIDTH)}, {"start": -1}, "`start` must be within"),
        ({"past": draw(2, 3, WIDTH)}, {"lengths": np.array([1, 4])}, "`lengths` must be"),
        ({"past": draw(2, 3, WIDTH)}, {"lengths": np.array([1, -1])}, "`lengths` must be"),
        ({"past": draw(2, 3, WIDTH)}, {"lengths": np.array([1])}, "`lengths` must be"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(inputs, options, message):
    with pytest.raises(ArgumentError, match=message):
        engine("carried").run(inputs, **options)


def test_inputs_agree_on_their_steps():
    one = Interpreter(carried_program(WIDTH, 1, 2, 1))
    with pytest.raises(ArgumentError, match="agree on batch size and steps"):
        one.run({"past": draw(1, 3, WIDTH), "future": draw(1, 2, 2, 1)})


def test_an_error_inside_a_step_leaves_the_states_as_they_were(monkeypatch):
    one, x = engine("deep"), draw(2, 2, WIDTH)
    slots = [one.open(), one.open()]
    one.run({"past": x}, slots=slots)
    before = [one.read(slot) for slot in slots]
    with monkeypatch.context() as patch:
        patch.setattr(module.kernels, "_activate", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            one.step(slots, {"past": x[:, 0]})
    assert [one.read(slot) for slot in slots] == before


def test_what_a_slot_was_opened_with_stays_with_it_and_its_forks():
    one, x = Interpreter(conditional()), np.array([[1.0], [2.0]], np.float32)
    low, high = one.open({"context": np.array([10.0])}), one.open({"context": np.array([100.0])})
    assert one.step([low, high], {"x": x}).tolist() == [[11.0], [102.0]]
    twin = one.fork(high)
    assert one.step([twin, low], {"x": x}).tolist() == [[103.0], [13.0]]
    assert one.step([high], {"x": x[:1]}).tolist() == [[103.0]]
    said = one.run({"x": x[:, None], "context": np.array([[5.0], [7.0]])})
    assert said.tolist() == [[[6.0]], [[9.0]]]


def test_static_inputs_must_be_given_in_their_shape():
    one, x = Interpreter(conditional()), np.ones((2, 1, 1), np.float32)
    for context in (None, {}, {"context": np.ones(2)}, {"context": np.ones((1, 1))}, {"other": np.ones(1)}):
        with pytest.raises(ArgumentError, match="`context` must hold 'context'"):
            one.open(context)
    with pytest.raises(ArgumentError, match="must hold 'context'"):
        one.run({"x": x})
    for wrong in (np.ones((1, 1)), np.ones((2, 2)), np.ones(2)):
        with pytest.raises(ArgumentError, match="`context` must be"):
            one.run({"x": x, "context": wrong})


def test_a_context_is_not_the_callers_array_any_more():
    one, given = Interpreter(conditional()), np.array([10.0])
    slot = one.open({"context": given})
    given[0] = 1e9
    assert one.step([slot], {"x": np.ones((1, 1))}).tolist() == [[11.0]]


def test_an_output_that_a_state_depends_on_starts_late_too():
    program = Program()
    x = program.add(ops.Input(out="past", shape=(1,)))
    program.output = program.add(ops.Activate(x=x, function="square"))
    program.add(ops.Window(x=program.output, length=2))
    said = Interpreter(program).run({"past": np.arange(4.0).reshape(1, 4, 1)}, start=2)
    assert said.ravel().tolist() == [4.0, 9.0]


def test_a_program_that_reads_backwards_runs_whole_and_keeps_no_state(monkeypatch):
    program = Program()
    x = program.add(ops.Input(out="past", shape=(1,)))
    one = program.tensor("one", np.ones((1, 1)))
    back = program.add(ops.Recurrent(x=x, cell="rnn_relu", over="stream", weight_ih=one, weight_hh=one, reverse=True))
    program.output = program.add(ops.Concat(parts=(back, program.add(ops.First(x=back))), axis=0))
    assert not program.streams
    both = Interpreter(program)
    monkeypatch.setattr(module, "_BLOCK", 1)
    said = both.run({"past": np.array([[[1.0], [2.0], [4.0]], [[1.0], [2.0], [99.0]]])}, np.array([3, 2]))
    assert said[0].tolist() == [[7, 7], [6, 7], [4, 7]]
    assert said[1].tolist() == [[3, 3], [2, 3], [0, 0]]
    with pytest.raises(StreamingError, match="bidirectional=False"):
        both.run({"past": np.ones((1, 2, 1))}, slots=[both.open()])
