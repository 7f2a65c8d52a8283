"""Attention and given states, by numbers that are known."""

import math

import numpy as np
import pytest
from tests.unit.runtime.single_operation import array, run

from whorl.runtime import operations as ops
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program

KEYS = array([1, 0], [0, 1], [math.nan, math.inf])
VALUES = array([4, 0, 1], [0, 8, 1], [math.nan, math.nan, math.nan])


def attended(query, length, function="dot", tensors=None):
    op = ops.Attend(
        out="y", query="q", keys="k", values="v", length="n", function=function, vector="w" if tensors else None
    )
    inputs = {"q": array([[query]])[0], "k": KEYS[None, None], "v": VALUES[None, None], "n": array([[[length]]])[0]}
    return run(op, inputs, tensors)[0, 0]


def test_rows_are_weighted_by_the_softmax_of_their_fit():
    # Fits log 3 and 0: shares 3/4 and 1/4.
    np.testing.assert_allclose(attended([math.log(3), 0], 2), [3, 2, 1], rtol=1e-6)


def test_an_additive_fit_goes_through_tanh_and_a_vector():
    # tanh(0 + 1) and tanh(0 + 0) in the first number, weighted so that the fits are log 3 and 0; the second is unread.
    vector = array(math.log(3) / math.tanh(1), 0)
    np.testing.assert_allclose(attended([0, 0], 2, "additive", {"w": vector}), [3, 2, 1], rtol=1e-6)


@pytest.mark.parametrize(("length", "result"), [(1, [4, 0, 1]), (1.9, [4, 0, 1]), (0, [0, 0, 0]), (-3, [0, 0, 0])])
def test_rows_behind_the_length_are_not_read(length, result):
    np.testing.assert_array_equal(attended([5, -2], length), result)


def test_a_length_that_is_no_number_counts_no_row_and_a_large_one_all():
    np.testing.assert_array_equal(attended([5, -2], math.nan), [0, 0, 0])
    assert np.isnan(attended([5, -2], 1e30)).all()


def test_large_fits_do_not_overflow():
    np.testing.assert_allclose(attended([1e30, -1e30], 2), [4, 0, 1])


@pytest.mark.filterwarnings("error")
def test_a_row_behind_the_length_may_fit_far_better_without_harm():
    op = ops.Attend(out="y", query="q", keys="k", values="v", length="n", function="dot")
    keys = np.broadcast_to(array([1], [1e4]), (2, 1, 2, 1))
    lengths = array([[1]], [[2]])
    inputs = {"q": np.ones((2, 1, 1), np.float32), "k": keys, "v": keys, "n": lengths}
    assert run(op, inputs, None).ravel().tolist() == [1, 1e4]


def accumulator():
    """A recurrence that keeps its state: h = tanh(10 h)."""
    program = Program()
    x = program.add(ops.Input(out="past", shape=(1,)))
    start = program.add(ops.Input(out="start", shape=(2,), static=True))
    program.tensor("ih", np.zeros((2, 1)))
    program.tensor("hh", 10 * np.eye(2))
    program.output = program.add(
        ops.Recurrent(x=x, cell="rnn_tanh", over="stream", weight_ih="ih", weight_hh="hh", initial=start)
    )
    return program


@pytest.mark.parametrize("engine", [Interpreter, NativeEngine])
def test_a_stream_starts_from_the_state_that_it_was_opened_with(engine):
    running = engine(accumulator())
    slot = running.open({"start": array(1, -1)})
    fork = running.fork(slot)
    for opened in (slot, fork):
        np.testing.assert_allclose(running.step([opened], {"past": array([0])}), [[1, -1]], atol=1e-6)
    # A state that was read before the first step goes on from what the other slot was opened with.
    other = running.open({"start": array(-1, 1)})
    running.write(other, running.read(running.open({"start": array(1, 1)})))
    np.testing.assert_allclose(running.step([other], {"past": array([0])}), [[-1, 1]], atol=1e-6)
    # After it, it is the state that counts.
    running.write(other, running.read(slot))
    np.testing.assert_allclose(running.step([other], {"past": array([0])}), [[1, -1]], atol=1e-6)


@pytest.mark.parametrize("engine", [Interpreter, NativeEngine])
def test_a_sequence_without_steps_has_not_begun(engine):
    running = engine(accumulator())
    slot = running.open({"start": array(1, -1)})
    before = running.read(slot)
    running.run({"past": np.ones((1, 3, 1), np.float32)}, np.array([0]), [slot])
    assert running.read(slot) == before


@pytest.mark.parametrize("engine", [Interpreter, NativeEngine])
def test_rows_of_nothing_have_no_state_to_begin_with(engine):
    program = Program()
    x = program.add(ops.Input(out="x", shape=(0, 3)))
    start = program.add(ops.Input(out="start", shape=(0, 2), static=True))
    program.tensor("ih", np.ones((2, 3)))
    program.tensor("hh", np.eye(2))
    program.output = program.add(
        ops.Recurrent(x=x, cell="rnn_tanh", over="stream", weight_ih="ih", weight_hh="hh", initial=start)
    )
    inputs = {"x": np.ones((2, 4, 0, 3), np.float32), "start": np.ones((2, 0, 2), np.float32)}
    assert engine(program).run(inputs).shape == (2, 4, 0, 2)
