"""Every operation without a cell: its numbers and its shape."""

import math

import numpy as np
import pytest
import torch
from tests.unit.runtime.single_operation import array, program_of, run, sigmoid

from whorl.runtime import operations as ops
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program

X = array([1, 2, 3], [4, 5, 6])[None]  # B = 1, T = 2, D = 3


def test_a_constant_is_the_same_at_every_step():
    said = run(ops.Constant(out="y", tensor="c"), {"x": X}, {"c": [7, 8]})
    assert said.tolist() == [[[7, 8], [7, 8]]]


def test_affine_is_x_times_w_transposed_plus_b():
    weight, bias = [[1, 0, 2], [0, -1, 1]], [10, 20]
    assert run(ops.Affine(out="y", x="x", weight="w"), {"x": X}, {"w": weight}).tolist() == [[[7, 1], [16, 1]]]
    said = run(ops.Affine(out="y", x="x", weight="w", bias="b"), {"x": X}, {"w": weight, "b": bias})
    assert said.tolist() == [[[17, 21], [26, 21]]]


def test_a_convolution_sums_kernels_over_patches_with_zeros_around_them():
    picture = np.arange(12.0).reshape(1, 1, 1, 3, 4)  # B, T, C, H, W
    corner = [[[[1, 0], [0, 10]]]]
    op = ops.Convolve(out="y", x="x", weight="k", bias="b")
    said = run(op, {"x": picture}, {"k": corner, "b": [0.5]})
    assert said[0, 0, 0].tolist() == [[50.5, 61.5, 72.5], [94.5, 105.5, 116.5]]
    op = ops.Convolve(out="y", x="x", weight="k", padding=1, stride=2)
    said = run(op, {"x": picture}, {"k": corner})
    assert said[0, 0, 0].tolist() == [[0, 20, 0], [80, 105, 7]]


def test_a_convolution_sums_channels_and_has_an_answer_for_each_kernel():
    picture = np.stack([np.ones((2, 3)), np.full((2, 3), 10.0)])[None, None]
    kernels = np.zeros((3, 2, 1, 1))
    kernels[1, 0], kernels[2] = 1, [[[1]], [[2]]]
    said = run(ops.Convolve(out="y", x="x", weight="k"), {"x": picture}, {"k": kernels})
    assert said[0, 0].tolist() == [[[0] * 3] * 2, [[1] * 3] * 2, [[21] * 3] * 2]


@pytest.mark.parametrize(("stride", "padding", "lead"), [(1, 0, ()), (2, 1, (3,)), (3, 2, (2, 1, 2)), (1, 2, (2, 2))])
def test_a_convolution_is_that_of_torch_and_has_the_same_bits_in_both_engines(stride, padding, lead):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((2, 3, *lead, 2, 7, 5)).astype(np.float32)
    tensors = {"k": rng.standard_normal((17, 2, 3, 4)), "b": rng.standard_normal(17)}
    op = ops.Convolve(out="y", x="x", weight="k", bias="b", stride=stride, padding=padding)
    said = run(op, {"x": x}, tensors)
    flat, (kernels, bias) = torch.tensor(x).flatten(0, -4), (torch.tensor(t).float() for t in tensors.values())
    wanted = torch.nn.functional.conv2d(flat, kernels, bias, stride, padding).reshape(said.shape)
    np.testing.assert_allclose(said, wanted.numpy(), atol=1e-5)
    native = NativeEngine(program_of(op, {"x": x.shape[2:]}, tensors))
    assert np.array_equal(native.run({"x": x}), said)
    assert np.array_equal(native.run({"x": x[1:, 2:]}), said[1:, 2:])


def test_embed_reads_rows_and_what_is_no_code_reads_row_0():
    codes = array(0, 2, -1, 3, np.nan, np.inf, -np.inf, 1)[None, :, None]
    said = run(ops.Embed(out="y", x="x", table="t"), {"x": codes}, {"t": [[0, 1], [10, 11], [20, 21]]})
    assert said[0, :, 0].tolist() == [0, 20, 0, 0, 0, 0, 0, 10]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("tanh", math.tanh),
        ("relu", lambda x: max(x, 0.0)),
        ("sigmoid", sigmoid),
        ("softplus", lambda x: math.log1p(math.exp(x))),
        ("exp", math.exp),
        ("square", lambda x: x * x),
    ],
)
def test_activations_are_elementwise(function, expected):
    x = array(-2, -0.5, 0, 1.5, 3)[None, :, None]
    said = run(ops.Activate(out="y", x="x", function=function), {"x": x})
    np.testing.assert_allclose(said.ravel(), [expected(float(v)) for v in x.ravel()], rtol=1e-6)


def test_the_root_of_a_square_is_it():
    assert run(ops.Activate(out="y", x="x", function="sqrt"), {"x": X * X}).tolist() == X.tolist()


def test_sigmoid_and_softplus_are_safe_far_from_zero():
    far = array(-200, 200)[None, :, None]
    assert run(ops.Activate(out="y", x="x", function="sigmoid"), {"x": far}).ravel().tolist() == [0, 1]
    assert run(ops.Activate(out="y", x="x", function="softplus"), {"x": far}).ravel().tolist() == [0, 200]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("add", [[3, 4, 5], [9, 10, 11]]),
        ("subtract", [[-1, 0, 1], [-1, 0, 1]]),
        ("multiply", [[2, 4, 6], [20, 25, 30]]),
        ("divide", [[0.5, 1, 1.5], [0.8, 1, 1.2]]),
        ("maximum", [[2, 2, 3], [5, 5, 6]]),
    ],
)
def test_combinations_stretch_sizes_of_one(function, expected):
    b = array([2], [5])[None]
    said = run(ops.Combine(out="y", a="x", b="b", function=function), {"x": X, "b": b})
    np.testing.assert_allclose(said[0], expected, rtol=1e-7)


def test_normalise_has_mean_and_spread_of_its_last_axis():
    gain, bias = [1, 2, 3], [10, 20, 30]
    said = run(ops.Normalise(out="y", x="x", gain="g", bias="b", eps=1e-5), {"x": X}, {"g": gain, "b": bias})
    unit = 1 / math.sqrt(2 / 3 + 1e-5)
    np.testing.assert_allclose(said[0], [[10 - unit, 20, 30 + 3 * unit]] * 2, rtol=1e-6)


def test_a_window_is_the_last_values_with_zeros_before_the_start():
    x = array(1, 2, 3, 4)[None, :, None]
    said = run(ops.Window(out="y", x="x", length=3), {"x": x})
    assert said[0, :, :, 0].tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4]]
    assert run(ops.Window(out="y", x="x", length=1), {"x": x})[0, :, 0, 0].tolist() == [1, 2, 3, 4]


def test_running_without_decay_is_mean_and_spread_so_far():
    x = array(1, 3, 8, 0.5)[None, :, None]
    said = run(ops.Running(out="y", x="x", decay=1.0, floor=0.5), {"x": x})
    for t in range(4):
        part = x[0, : t + 1, 0].astype(np.float64)
        np.testing.assert_allclose(said[0, t, :, 0], [part.mean(), math.sqrt(part.var() + 0.25)], rtol=1e-6)


def test_running_with_decay_weighs_what_is_older_less():
    said = run(ops.Running(out="y", x="x", decay=0.5, floor=1e-3), {"x": array(4, 1)[None, :, None]})
    mean = (0.5 * 4 + 1) / 1.5
    spread = math.sqrt((0.5 * (4 - mean) ** 2 + (1 - mean) ** 2) / 1.5 + 1e-6)
    np.testing.assert_allclose(said[0, 1, :, 0], [mean, spread], rtol=1e-6)


def test_the_largest_so_far_is_found_below_zero_too_and_stays_lost():
    x = array(-3, -5, -1, math.nan, 7).reshape(1, 5, 1)
    said = run(ops.Pool(out="y", x="x", function="max"), {"x": x})[0, :, 0]
    np.testing.assert_array_equal(said, [-3, -3, -1, math.nan, math.nan])


@pytest.mark.parametrize("shift", [0.0, 500.0, -500.0])
def test_a_softmax_mean_weighs_steps_by_their_last_number_however_large(shift):
    values, scores = array(1, 8, -2, 4).reshape(4, 1), array(0.5, 2, -1, 3)
    x = np.concatenate([values, 10 * values, scores[:, None] + np.float32(shift)], axis=1)[None]
    said = run(ops.Pool(out="y", x="x", function="softmax"), {"x": x})[0]
    for t in range(4):
        weights = np.exp(scores[: t + 1].astype(np.float64))
        mean = (weights * values[: t + 1, 0]).sum() / weights.sum()
        np.testing.assert_allclose(said[t], [mean, 10 * mean], rtol=1e-6)


@pytest.mark.parametrize("engine", [Interpreter, NativeEngine])
def test_what_is_kept_comes_back_at_the_next_real_step(engine):
    program = Program()
    x = program.add(ops.Input(out="x", shape=(1,)))
    last = program.add(ops.Previous(shape=(1,)))
    total = program.add(ops.Combine(a=x, b=last, function="add"))
    program.output = program.add(ops.Keep(x=total, previous=last))
    made, x = engine(program), array([1, 2, 3, 4], [5, 6, 7, 8])[..., None]
    assert made.run({"x": x}, np.array([4, 2]))[..., 0].tolist() == [[1, 3, 6, 10], [5, 11, 0, 0]]
    assert made.run({"x": x}, start=2)[..., 0].tolist() == [[6, 10], [18, 26]]
    slots = [made.open(), made.open()]
    made.run({"x": x}, np.array([3, 0]), slots=slots)
    assert made.step(slots, {"x": array([10], [20])})[:, 0].tolist() == [16, 20]
    fork = made.fork(slots[0])
    state = made.read(slots[0])
    made.write(slots[1], state)
    assert made.step([fork, slots[1]], {"x": array([0], [1])})[:, 0].tolist() == [16, 17]


def test_first_is_the_first_value_at_every_step():
    assert run(ops.First(out="y", x="x"), {"x": X}).tolist() == [[[1, 2, 3], [1, 2, 3]]]


G = array(*range(12)).reshape(1, 1, 3, 4)


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (ops.Slice(out="y", x="x", axis=1, start=1, stop=3), G[0, 0, :, 1:3]),
        (ops.Slice(out="y", x="x", axis=0, start=2, stop=2), G[0, 0, 2:2]),
        (ops.Take(out="y", x="x", axis=0, indices=(2, 0, 2)), G[0, 0, [2, 0, 2]]),
        (ops.Take(out="y", x="x", axis=1, indices=()), G[0, 0, :, :0]),
        (ops.Reshape(out="y", x="x", shape=(2, 6)), G.reshape(2, 6)),
        (ops.Transpose(out="y", x="x", axes=(1, 0)), G[0, 0].T),
        (ops.Concat(out="y", parts=("x", "x"), axis=1), np.concatenate([G[0, 0]] * 2, 1)),
        (ops.Reduce(out="y", x="x", axis=1, function="mean"), G[0, 0].mean(1, keepdims=True)),
        (ops.Reduce(out="y", x="x", axis=0, function="max"), G[0, 0].max(0, keepdims=True)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_rearrangements_are_those_of_numpy(op, expected):
    said = run(op, {"x": G})
    assert said[0, 0].tolist() == expected.tolist()
    assert said.shape[2:] == expected.shape


def test_repeat_stretches_an_axis_of_one():
    said = run(ops.Repeat(out="y", x="x", axis=0, count=3), {"x": G[:, :, :1]})
    assert said[0, 0].tolist() == [[0, 1, 2, 3]] * 3
    assert run(ops.Repeat(out="y", x="x", axis=0, count=0), {"x": G[:, :, :1]}).shape == (1, 1, 0, 4)


def test_fresh_names_count_on_and_leave_out_what_is_taken():
    program = Program()
    program.add(ops.Input(out="x", shape=(3,)))
    program.add(ops.Activate(out="y.2", x="x", function="tanh"))
    program.tensor("y.3", np.ones(1))
    names = []
    for _ in range(3):
        assert program.fresh("y") == program.fresh("y")  # a name is taken when it is added, not when it is given
        names.append(program.add(ops.Activate(out=program.fresh("y"), x="x", function="tanh")))
    assert names == ["y", "y.1", "y.4"]
