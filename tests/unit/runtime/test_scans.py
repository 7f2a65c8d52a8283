"""The scan: its numbers by hand, over the stream and over a value, real and complex."""

import numpy as np
import pytest
from tests.unit.runtime.single_operation import array, run

from whorl.runtime import operations as ops
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program

A, B = [0.5, 2.0, 0.0, 1.0], [1.0, 3.0, 5.0, -2.0]
FORWARDS = [1.0, 5.0, 5.0, 3.0]
BACKWARDS = [7.5, 13.0, 5.0, -2.0]


@pytest.mark.parametrize(("reverse", "expected"), [(False, FORWARDS), (True, BACKWARDS)])
def test_a_scan_over_the_stream_multiplies_and_adds(reverse, expected):
    op = ops.Scan(out="y", a="a", b="b", over="stream", reverse=reverse)
    said = run(op, {"a": array(*A)[None, :, None], "b": array(*B)[None, :, None]})
    np.testing.assert_array_equal(said.ravel(), expected)


@pytest.mark.parametrize(("reverse", "expected"), [(False, FORWARDS), (True, BACKWARDS)])
def test_a_scan_over_a_value_starts_anew_at_every_step_of_the_stream(reverse, expected):
    op = ops.Scan(out="y", a="a", b="b", over="value", reverse=reverse)
    a, b = (np.tile(array(*numbers)[None, None, :, None], (1, 3, 1, 1)) for numbers in (A, B))
    said = run(op, {"a": a, "b": b})
    np.testing.assert_array_equal(said[0, :, :, 0], [expected] * 3)


def test_a_scan_over_a_value_starts_from_the_state_that_it_is_given():
    op = ops.Scan(out="y", a="a", b="b", over="value", initial="h")
    said = run(
        op, {"a": array(*A).reshape(1, 1, 4, 1), "b": array(*B).reshape(1, 1, 4, 1), "h": array(4.0)[None, None]}
    )
    np.testing.assert_array_equal(said.ravel(), [3.0, 9.0, 5.0, 3.0])


def test_complex_numbers_are_halves_of_the_last_axis():
    # i (1 + 2i) + (3 + 4i) = 1 + 5i, and twice that.
    op = ops.Scan(out="y", a="a", b="b", over="stream", numbers="complex")
    a, b = array(0, 1, 0, 1, 2, 0).reshape(1, 3, 2), array(1, 2, 3, 4, 0, 0).reshape(1, 3, 2)
    said = run(op, {"a": a, "b": b})
    np.testing.assert_array_equal(said[0], [[1, 2], [1, 5], [2, 10]])


@pytest.mark.parametrize("engine", [Interpreter, NativeEngine])
def test_a_given_state_serves_the_first_step_alone_and_padding_keeps_it(engine):
    program = Program()
    x = program.add(ops.Input(out="x", shape=(2,)))
    one = program.add(ops.Constant(tensor=program.tensor("one", np.ones(2))))
    start = program.add(ops.Input(out="start", shape=(2,), static=True))
    program.output = program.add(ops.Scan(a=one, b=x, over="stream", initial=start))
    made = engine(program)
    slots = [made.open({"start": array(10, 20)}) for _ in range(2)]
    x = np.ones((2, 3, 2), np.float32)
    said = made.run({"x": x}, np.array([3, 0]), slots)
    np.testing.assert_array_equal(said[0], [[11, 21], [12, 22], [13, 23]])
    assert not said[1].any()
    np.testing.assert_array_equal(made.step(slots, {"x": x[:, 0]}), [[14, 24], [11, 21]])
