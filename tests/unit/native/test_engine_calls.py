"""The native engine in a process: bound slots, other threads, forks, and every instruction set."""

import gc
import sys
import threading
import time
import weakref

import numpy as np
import pytest
from tests.laws.builder import Builder
from tests.laws.programs import BY_HAND
from tests.threads import in_threads
from tests.unit.native.layers import CELLS, recurrent
from tests.unit.processes import check_one_digest, run_python

from whorl.errors import ArgumentError
from whorl.runtime import operations as ops
from whorl.runtime.native import NativeEngine


def layer(cell="lstm", units=33, features=8):
    add = Builder()
    return add.done(add.cell(add(ops.Input(out="x", shape=(features,))), cell, "stream", units))


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


# Bound slots


@pytest.mark.parametrize("batch", [1, 3, 300])  # the last one is long enough to give Python's lock away
def test_bound_steps_have_the_bits_of_steps(batch):
    engine, x = NativeEngine(layer("gru", 101)), draw(batch, 20, 8)
    slots, others = ([engine.open() for _ in range(batch)] for _ in range(2))
    bound = engine.bind(slots)
    assert bound.inputs["x"].shape == (batch, 8)
    for t in range(20):
        bound.inputs["x"][:] = x[:, t]
        bound.step()
        np.testing.assert_array_equal(bound.output, engine.step(others, {"x": x[:, t].copy()}))
    assert [engine.read(slot) for slot in slots] == [engine.read(slot) for slot in others]


def test_bound_slots_move_with_all_others():
    engine, x = NativeEngine(layer()), draw(4, 1, 8)
    slot, other = engine.open(), engine.open()
    bound = engine.bind([slot])
    engine.step([slot], {"x": x[0]})
    more = [engine.open() for _ in range(200)]  # the slab moves
    bound.inputs["x"][:] = x[1]
    bound.step()
    engine.step([slot], {"x": x[2]})
    fork = engine.fork(slot)
    bound.inputs["x"][:] = x[3]
    bound.step()
    wanted = [engine.step([other], {"x": row}) for row in x]
    np.testing.assert_array_equal(bound.output, wanted[3])
    np.testing.assert_array_equal(engine.step([fork], {"x": x[3]}), wanted[3])
    assert len({slot, other, fork, *more}) == 203


def test_a_bound_slot_that_was_closed_steps_no_more_whoever_has_it_now():
    engine = NativeEngine(layer())
    slots = [engine.open() for _ in range(3)]
    bound = engine.bind(slots)
    engine.close(slots[1])
    with pytest.raises(ArgumentError, match=f"`slot` {slots[1]} was closed"):
        bound.step()
    stranger = engine.open()
    assert stranger == slots[1]
    before = [engine.read(slot) for slot in slots]
    with pytest.raises(ArgumentError, match=r"was closed\. Bind open slots"):
        bound.step()
    assert [engine.read(slot) for slot in slots] == before


def test_slots_that_are_closed_or_named_twice_are_not_bound():
    engine = NativeEngine(layer())
    slot = engine.open()
    with pytest.raises(ArgumentError, match="must be 2 different slots"):
        engine.bind([slot, slot])
    with pytest.raises(ArgumentError, match="`slot` 7 is not open"):
        engine.bind([7])


def test_what_is_bound_outlives_the_engine_that_made_it():
    engine = NativeEngine(layer())
    twin, slot = NativeEngine(engine.program), engine.open()
    bound, gone = engine.bind([slot]), weakref.ref(engine)
    x = bound.inputs["x"]
    x[:] = draw(1, 8)
    wanted = twin.step([twin.open()], {"x": x})
    del engine
    gc.collect()
    assert gone() is None
    bound.step()
    np.testing.assert_array_equal(bound.output, wanted)


def test_the_arrays_of_what_is_bound_cannot_be_exchanged_unseen():
    engine = NativeEngine(layer())
    bound = engine.bind([engine.open()])
    with pytest.raises(TypeError):
        bound.inputs["x"] = draw(1, 8)
    with pytest.raises(AttributeError):
        bound.output = draw(1, 33)
    with pytest.raises(ValueError, match="resize"):
        bound.inputs["x"].resize((5, 8))


# Threads


def test_callers_on_several_threads_get_their_own_answers():
    engine = NativeEngine(layer("gru", 65), num_threads=2)
    data = [draw(3 + n, 200, 8, seed=n) for n in range(6)]
    wanted = [engine.run({"x": x}) for x in data]

    def work(index):
        for _ in range(10):
            np.testing.assert_array_equal(engine.run({"x": data[index]}), wanted[index])

    in_threads(6, work)


@pytest.mark.parametrize("cell", CELLS)
def test_steps_of_many_streams_have_the_same_bits_on_any_number_of_threads(cell):
    program, x, found = recurrent(cell, 101, 40), draw(601, 3, 40), []
    for num_threads in (1, 2, 3):
        engine = NativeEngine(program, num_threads=num_threads)
        slots, others = ([engine.open() for _ in range(601)] for _ in range(2))
        bound, made = engine.bind(others), []
        for t in range(3):
            bound.inputs["x"][:] = x[:, t]
            bound.step()
            made += [engine.step(slots, {"x": x[:, t].copy()}).tobytes(), bound.output.tobytes()]
        found.append(made + [engine.read(slot) for slot in slots + others])
    assert found[0] == found[1] == found[2]


def test_slots_open_and_close_on_one_thread_while_others_run():
    engine, x, done = NativeEngine(layer("gru", 65), num_threads=2), draw(1, 4000, 8), threading.Event()
    (wanted,) = engine.run({"x": x})
    slots = [engine.open() for _ in range(3)]

    def work(index):
        if index == 3:
            while not done.is_set():
                for slot in [engine.open() for _ in range(100)]:
                    engine.close(slot)
            return
        try:
            found = [engine.run({"x": x[:, at : at + 500]}, slots=[slots[index]])[0] for at in range(0, 4000, 500)]
            np.testing.assert_array_equal(np.concatenate(found), wanted)
        finally:
            if index == 0:
                done.set()

    in_threads(4, work)


def is_running(thread):
    """Whether a thread stands in the engine's compiled code, or right before it."""
    frame = sys._current_frames().get(thread.ident)
    return frame is not None and frame.f_code is NativeEngine.run.__code__


def test_a_slot_that_is_closed_during_a_run_is_not_written_to():
    engine, steps = NativeEngine(layer("gru", 65), num_threads=1), 250_000
    for _ in range(5):  # until the run was long enough
        x = draw(1, steps, 8)
        slot = engine.open()
        fresh = engine.read(slot)
        runner = threading.Thread(target=engine.run, args=({"x": x}, None, [slot]))
        runner.start()
        while runner.is_alive() and not is_running(runner):
            time.sleep(0)
        time.sleep(0.1)  # the checks before it take some microseconds, the run itself tenths of a second
        engine.close(slot)
        went_on = runner.is_alive()
        assert engine.open() == slot  # a stranger's now
        runner.join()
        if went_on:
            break
        engine.close(slot)
        steps *= 2
    assert went_on
    assert engine.read(slot) == fresh


def test_python_goes_on_beside_a_long_run():
    engine, x = NativeEngine(layer("gru", 65), num_threads=1), draw(1, 100_000, 8)
    runner, turns = threading.Thread(target=engine.run, args=({"x": x},)), 0
    runner.start()
    while runner.is_alive():
        turns += 1
        time.sleep(0)
    # With the lock held throughout, this thread would come in once before the run and once behind it.
    assert turns > 10


PREPARE = """
import os, sys, time, warnings
import numpy as np
from tests.laws.programs import BY_HAND
from whorl.runtime.native import NativeEngine
engine = NativeEngine(BY_HAND["lstm, layer norm"](), num_threads=2)
x = np.random.default_rng(0).standard_normal((64, 500, 3)).astype(np.float32)
"""


def test_a_child_process_after_fork_runs_the_parents_engine():
    code = """
warnings.simplefilter("ignore")  # newer Pythons warn of any fork beside threads; that is what is tested here
slot, wanted = engine.open(), engine.run({"x": x}).tobytes()
state = engine.read(slot)
child = os.fork()
if child == 0:
    same = engine.run({"x": x}).tobytes() == wanted and engine.read(slot) == state
    os._exit(0 if same else 1)
raise SystemExit(os.waitpid(child, 0)[1] or engine.run({"x": x}).tobytes() != wanted)
"""
    result = run_python(PREPARE + code)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("load", ["", "import torch; torch.set_num_threads(2); torch.ones(2)"])
def test_a_process_may_fork_while_another_thread_runs_the_engine(load):
    code = """
import signal, threading
warnings.simplefilter("ignore")
x = x[:, :100]
wanted, done = engine.run({"x": x}).tobytes(), threading.Event()

def work():
    while not done.is_set():
        assert engine.run({"x": x}).tobytes() == wanted

runner = threading.Thread(target=work)
runner.start()
failed = []
for index in range(20):
    time.sleep(0.0007 * index)  # forks at many places of a run, which takes about 9 ms
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # ends what hangs
        os._exit(0 if engine.run({"x": x}).tobytes() == wanted else 1)
    failed.append(os.waitpid(child, 0)[1])
went_on = runner.is_alive()
done.set()
runner.join()
assert went_on
assert not any(failed), failed
"""
    result = run_python(load + "\n" + PREPARE + code)
    assert result.returncode == 0, result.stderr


def test_helpers_at_rest_use_no_processor():
    code = """
engine.run({"x": x})
before = time.process_time()
time.sleep(0.5)
print(time.process_time() - before)
"""
    result = run_python(PREPARE + code)
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < 0.1  # one that turned in a circle would use all of the half second


# Instruction sets

FINGERPRINT = """
import hashlib
import numpy as np
from tests.laws.programs import BY_HAND
from whorl import _native
from whorl.runtime.native import NativeEngine
digest = hashlib.sha256()
for name, program in BY_HAND.items():
    engine = NativeEngine(program())
    rng = np.random.default_rng(1)
    inputs = {
        op.out: (2 * rng.standard_normal((3, *(() if op.static else (9,)), *op.shape))).astype(np.float32)
        for op in engine.program.inputs
    }
    digest.update(engine.run(inputs, np.array([9, 0, 5])).tobytes())
print(_native.isa(), digest.hexdigest())
"""


def test_every_instruction_set_gives_the_same_bits_for_every_operation():
    check_one_digest(FINGERPRINT)


def test_the_rounding_that_a_caller_has_set_changes_no_bit():
    import torch

    program = BY_HAND["running statistics"]()
    engine = NativeEngine(program)
    inputs = {op.out: np.float32(1e-39) * draw(2, 5, *op.shape) for op in program.inputs}
    wanted = engine.run(inputs)
    torch.set_flush_denormal(True)
    try:
        found = engine.run(inputs)
    finally:
        torch.set_flush_denormal(False)
    assert found.tobytes() == wanted.tobytes()
    assert found.any()
