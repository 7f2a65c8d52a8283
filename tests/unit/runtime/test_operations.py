"""Every operation: its numbers, its shape, and each way of breaking its rule."""

import math
from typing import get_args

import msgspec
import numpy as np
import pytest

from whorl.errors import ModelFileError
from whorl.runtime import operations as ops
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.program import Program


def array(*values):
    return np.array(values, np.float32)


def program_of(op, inputs, tensors=None, output=None):
    """A program of one operation on inputs of these shapes."""
    program = Program()
    for name, shape in inputs.items():
        program.add(ops.Input(out=name, shape=shape))
    for name, value in (tensors or {}).items():
        program.tensor(name, np.asarray(value))
    program.add(op)
    program.output = output or op.out
    return program


def run(op, inputs, tensors=None, output=None):
    """Inputs (B, T, ...) through one operation; the shape that was promised is the one that comes."""
    values = {name: np.asarray(value, np.float32) for name, value in inputs.items()}
    program = program_of(op, {name: value.shape[2:] for name, value in values.items()}, tensors, output)
    result = Interpreter(program).run(values)
    assert result.shape == (*next(iter(values.values())).shape[:2], *program.shapes[program.output])
    assert result.dtype == np.float32
    return result


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


X = array([1, 2, 3], [4, 5, 6])[None]  # B = 1, T = 2, D = 3


def test_a_constant_is_the_same_at_every_step():
    said = run(ops.Constant(out="y", tensor="c"), {"x": X}, {"c": [7, 8]})
    assert said.tolist() == [[[7, 8], [7, 8]]]


def test_affine_is_x_times_w_transposed_plus_b():
    weight, bias = [[1, 0, 2], [0, -1, 1]], [10, 20]
    assert run(ops.Affine(out="y", x="x", weight="w"), {"x": X}, {"w": weight}).tolist() == [[[7, 1], [16, 1]]]
    said = run(ops.Affine(out="y", x="x", weight="w", bias="b"), {"x": X}, {"w": weight, "b": bias})
    assert said.tolist() == [[[17, 21], [26, 21]]]


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


def steps(cell, wx, wh, bias, xs, state):
    """One unit of each cell by hand: gates W x + b and U h, h and c of one unit."""
    h, c = state
    for x in xs:
        gx = [w * x + b for w, b in zip(wx, bias, strict=True)]
        gh = [u * h for u in wh]
        if cell == "rnn_tanh":
            h = math.tanh(gx[0] + gh[0])
        elif cell == "rnn_relu":
            h = max(gx[0] + gh[0], 0.0)
        elif cell == "gru":
            r, z = sigmoid(gx[0] + gh[0]), sigmoid(gx[1] + gh[1])
            n = math.tanh(gx[2] + r * gh[2])
            h = (1 - z) * n + z * h
        else:
            i, f, o = (sigmoid(gx[k] + gh[k]) for k in (0, 1, 3))
            c = f * c + i * math.tanh(gx[2] + gh[2])
            h = o * math.tanh(c)
        yield h, c


CELLS = {"rnn_tanh": 1, "rnn_relu": 1, "gru": 3, "lstm": 4}


def tensors_of(cell):
    gates = CELLS[cell]
    wx, wh, bias = [0.5, -0.3, 0.8, 0.2][:gates], [0.7, 0.4, -0.6, 0.9][:gates], [0.1, 0.2, 0.3, -0.1][:gates]
    return (wx, wh, bias), {"w": np.array(wx)[:, None], "u": np.array(wh)[:, None], "b": bias}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("reverse", [False, True])
def test_a_recurrence_over_the_stream_is_its_cell_step_by_step(cell, reverse):
    by_hand, tensors = tensors_of(cell)
    xs = [1.0, -2.0, 0.5, 3.0]
    op = ops.Recurrent(
        out="y", x="x", cell=cell, over="stream", weight_ih="w", weight_hh="u", bias_ih="b", reverse=reverse
    )
    said = run(op, {"x": array(*xs)[None, :, None]}, tensors).ravel()
    expected = [h for h, _ in steps(cell, *by_hand, xs[::-1] if reverse else xs, (0.0, 0.0))]
    np.testing.assert_allclose(said, expected[::-1] if reverse else expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("reverse", [False, True])
def test_a_recurrence_over_a_value_starts_from_its_initial_state_at_every_step(cell, reverse):
    by_hand, tensors = tensors_of(cell)
    lstm = cell == "lstm"
    xs, starts = [[1.0, -2.0, 0.5], [0.3, 0.2, -0.1]], [(0.4, -0.7), (-0.2, 0.6)]
    op = ops.Recurrent(
        out="y",
        x="x",
        cell=cell,
        over="value",
        weight_ih="w",
        weight_hh="u",
        bias_ih="b",
        reverse=reverse,
        initial="s",
        final="last",
    )
    inputs = {
        "x": np.array(xs)[None, :, :, None],
        "s": np.array([start if lstm else start[:1] for start in starts])[None],
    }
    outputs, last = run(op, inputs, tensors), run(op, inputs, tensors, output="last")
    for t in range(2):
        made = list(steps(cell, *by_hand, xs[t][::-1] if reverse else xs[t], starts[t]))
        hs = [h for h, _ in made]
        np.testing.assert_allclose(outputs[0, t, :, 0], hs[::-1] if reverse else hs, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(last[0, t], made[-1] if lstm else made[-1][:1], rtol=1e-5, atol=1e-7)


def test_a_projection_narrows_h_and_leaves_c():
    _, tensors = tensors_of("lstm")
    wide = {"w": np.repeat(tensors["w"], 2, 0), "u": np.repeat(tensors["u"], 2, 0), "b": np.repeat(tensors["b"], 2)}
    op = ops.Recurrent(
        out="y", x="x", cell="lstm", over="value", weight_ih="w", weight_hh="u", bias_ih="b", weight_hr="p", final="s"
    )
    x = array([1.0, -0.5])[None, None, :, :].reshape(1, 1, 2, 1)
    h, c, out = 0.0, [0.0, 0.0], []
    for value in (1.0, -0.5):
        gates = [
            w * value + b + u * h for w, u, b in zip(*(t.ravel() for t in map(np.asarray, wide.values())), strict=True)
        ]
        i, f, g, o = (gates[2 * k : 2 * k + 2] for k in range(4))
        c = [sigmoid(f[n]) * c[n] + sigmoid(i[n]) * math.tanh(g[n]) for n in (0, 1)]
        h = sum(p * sigmoid(o[n]) * math.tanh(c[n]) for n, p in enumerate((2.0, -0.5)))
        out.append(h)
    np.testing.assert_allclose(run(op, {"x": x}, {**wide, "p": [[2.0, -0.5]]}).ravel(), out, rtol=1e-5)
    np.testing.assert_allclose(run(op, {"x": x}, {**wide, "p": [[2.0, -0.5]]}, "s").ravel(), [h, *c], rtol=1e-5)


def test_zoneout_mixes_the_old_state_with_the_new_one():
    op = ops.Recurrent(out="y", x="x", cell="rnn_relu", over="stream", weight_ih="w", weight_hh="u", zoneout=0.25)
    said = run(op, {"x": array(8, 16)[None, :, None]}, {"w": [[1]], "u": [[0]]})
    assert said.ravel().tolist() == [6.0, 0.25 * 6 + 0.75 * 16]


def test_layer_norm_of_one_unit_leaves_its_bias():
    norms = {"g": [3.0], "b0": [0.25], "b1": [0.5]}
    op = ops.Recurrent(
        out="y", x="x", cell="rnn_relu", over="stream", weight_ih="w", weight_hh="u", layer_norm=("g", "b0", "g", "b1")
    )
    assert (
        run(op, {"x": array(8, -16)[None, :, None]}, {"w": [[1]], "u": [[1]], **norms}).ravel().tolist() == [0.75] * 2
    )


@pytest.mark.parametrize("cell", CELLS)
def test_a_single_step_of_a_cell_stretches_gates_against_states(cell):
    (wx, wh, bias), tensors = tensors_of(cell)
    xs, states = (1.0, -0.5), ((0.4, -0.7), (-0.2, 0.6), (0.1, 0.3))
    gates = [[[w * x + b for w, b in zip(wx, bias, strict=True)] for x in xs]]  # (1, 2, G)
    given = [[list(state if cell == "lstm" else state[:1])] for state in states]  # (3, 1, S)
    op = ops.Step(out="y", gates="gates", state="s", cell=cell, weight_hh="u")
    said = run(op, {"gates": np.array(gates)[None, None], "s": np.array(given)[None, None]}, {"u": tensors["u"]})
    assert said.shape == (1, 1, 3, 2, 2 if cell == "lstm" else 1)
    for k, state in enumerate(states):
        for p, x in enumerate(xs):
            ((h, c),) = steps(cell, wx, wh, bias, [x], state)
            np.testing.assert_allclose(said[0, 0, k, p], [h, c] if cell == "lstm" else [h], rtol=1e-5, atol=1e-7)


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


SHAPES = {"v": (3,), "m": (2, 3), "one": (1,), "none": (0,), "scalar": (), "h": (2,), "gates": (6,), "hc": (4,)}
TENSORS = {
    "w": (2, 3), "b": (2,), "t": (4, 2), "g": (3,), "wx": (6, 3), "wh": (6, 2), "b6": (6,), "n2": (2,),
    "lx": (8, 3), "lh": (8, 2), "lp": (1, 2), "l1": (8, 1), "e": (0, 2), "w0": (0, 3), "flat": (6,), "e2": (0, 0),
    "g0": (0,),
}  # fmt: skip


def recurrent(**changes):
    usual = {"out": "bad", "x": "v", "cell": "gru", "over": "stream", "weight_ih": "wx", "weight_hh": "wh"}
    return ops.Recurrent(**{**usual, **changes})


VIOLATIONS = [
    (ops.Input(out="bad", shape=(-1,)), "outside the limits"),
    (ops.Input(out="bad", shape=(2**20, 2**20)), "outside the limits"),
    (ops.Input(out="bad", shape=(1,) * 9), "outside the limits"),
    (ops.Input(out="v", shape=(1,)), "must be new"),
    (ops.Constant(out="bad", tensor="nothing"), "tensor `nothing`, which is missing"),
    (ops.Affine(out="bad", x="later", weight="w"), "reads `later`, which is not defined before it"),
    (ops.Affine(out="bad", x="v", weight="nothing"), "is missing"),
    (ops.Affine(out="bad", x="h", weight="w"), "does not fit an input"),
    (ops.Affine(out="bad", x="scalar", weight="w"), "does not fit an input"),
    (ops.Affine(out="bad", x="v", weight="g"), "does not fit an input"),
    (ops.Affine(out="bad", x="v", weight="w0"), "must not be empty"),
    (ops.Affine(out="bad", x="v", weight="w", bias="g"), "does not fit weight"),
    (ops.Embed(out="bad", x="v", table="t"), "axis of size 1"),
    (ops.Embed(out="bad", x="scalar", table="t"), "axis of size 1"),
    (ops.Embed(out="bad", x="one", table="g"), r"must be \(n, d\)"),
    (ops.Embed(out="bad", x="one", table="e"), r"with n > 0"),
    (ops.Activate(out="bad", x="nothing", function="tanh"), "not defined"),
    (ops.Combine(out="bad", a="v", b="m", function="add"), "same number of axes"),
    (ops.Combine(out="bad", a="v", b="h", function="add"), "do not stretch"),
    (ops.Normalise(out="bad", x="v", gain="b", bias="g"), "must fit the last axis"),
    (ops.Normalise(out="bad", x="v", gain="g", bias="b"), "must fit the last axis"),
    (ops.Normalise(out="bad", x="scalar", gain="g", bias="g"), "must not be empty"),
    (ops.Normalise(out="bad", x="none", gain="g0", bias="g0"), "must not be empty"),
    (ops.Normalise(out="bad", x="v", gain="g", bias="g", eps=0.0), "eps must be in"),
    (ops.Normalise(out="bad", x="v", gain="g", bias="g", eps=-1e-5), "eps must be in"),
    (ops.Normalise(out="bad", x="v", gain="g", bias="g", eps=math.nan), "eps must be in"),
    (recurrent(x="h"), "weight_ih"),
    (recurrent(x="scalar"), "weight_ih"),
    (recurrent(x="scalar", weight_ih="flat"), "at least one feature"),
    (recurrent(weight_hh="wx"), "weight_hh must read h"),
    (recurrent(weight_hh="g"), "weight_hh must be"),
    (recurrent(weight_hh="e2"), "must not be empty"),
    (recurrent(cell="lstm"), "weight_hh must be"),
    (recurrent(bias_ih="b"), "a bias must be"),
    (recurrent(bias_hh="g"), "a bias must be"),
    (recurrent(weight_hr="lp"), "only an LSTM"),
    (recurrent(cell="lstm", weight_ih="lx", weight_hh="lh", weight_hr="w"), "weight_hr must be"),
    (recurrent(cell="lstm", weight_ih="lx", weight_hh="lh", weight_hr="lp"), "weight_hh must read h"),
    (recurrent(zoneout=1.0), "zoneout"),
    (recurrent(zoneout=-0.1), "zoneout"),
    (recurrent(zoneout=math.nan), "zoneout"),
    (recurrent(layer_norm=("b6", "b6")), "gain and bias for each norm"),
    (recurrent(layer_norm=("b6", "b6", "b6", "n2")), "layer norm tensor n2"),
    (recurrent(initial="h"), "belongs to the engine"),
    (recurrent(final="last"), "belongs to the engine"),
    (recurrent(over="value"), "reads \\(..., steps, features\\)"),
    (recurrent(over="value", x="m", initial="v"), "initial state does not fit"),
    (recurrent(over="value", x="m", final="v"), "must be new"),
    (recurrent(over="value", x="m", final="bad"), "must be new"),
    (ops.Step(out="bad", gates="gates", state="h", cell="gru", weight_hh="wx"), "weight_hh must be"),
    (ops.Step(out="bad", gates="gates", state="h", cell="gru", weight_hh="g"), "weight_hh must be"),
    (ops.Step(out="bad", gates="gates", state="h", cell="gru", weight_hh="e2"), "must not be empty"),
    (ops.Step(out="bad", gates="gates", state="h", cell="gru", weight_hh="wh", bias_hh="g"), "bias_hh must fit"),
    (ops.Step(out="bad", gates="gates", state="hc", cell="gru", weight_hh="wh"), "must fit weight_hh"),
    (ops.Step(out="bad", gates="v", state="h", cell="gru", weight_hh="wh"), "must fit weight_hh"),
    (ops.Step(out="bad", gates="gates", state="h", cell="gru", weight_hh="wh", layer_norm=("b6",)), "for each norm"),
    (ops.Step(out="bad", gates="gates", state="h", cell="gru", weight_hh="wh", layer_norm=("b6", "g")), "tensor g"),
    (ops.Window(out="bad", x="v", length=0), "within 1 and 1,000,000"),
    (ops.Window(out="bad", x="v", length=1_000_001), "within 1 and 1,000,000"),
    (ops.Running(out="bad", x="v", decay=0.0, floor=1.0), "decay must be in"),
    (ops.Running(out="bad", x="v", decay=1.1, floor=1.0), "decay must be in"),
    (ops.Running(out="bad", x="v", decay=0.5, floor=0.0), "floor in"),
    (ops.Running(out="bad", x="v", decay=0.5, floor=math.inf), "floor in"),
    (ops.First(out="bad", x="nothing"), "not defined"),
    (ops.Slice(out="bad", x="v", axis=0, start=0, stop=4), "must lie within 0:3"),
    (ops.Slice(out="bad", x="v", axis=0, start=-1, stop=2), "must lie within 0:3"),
    (ops.Slice(out="bad", x="v", axis=0, start=2, stop=1), "must lie within 0:3"),
    (ops.Slice(out="bad", x="v", axis=1, start=0, stop=1), "axis 1 is not in shape"),
    (ops.Slice(out="bad", x="v", axis=-1, start=0, stop=1), "axis -1 is not in shape"),
    (ops.Take(out="bad", x="v", axis=0, indices=(3,)), "within 0 and 2"),
    (ops.Take(out="bad", x="v", axis=0, indices=(-1,)), "within 0 and 2"),
    (ops.Reshape(out="bad", x="v", shape=(2,)), "does not fill"),
    (ops.Reshape(out="bad", x="v", shape=(-1, -3)), "outside the limits"),
    (ops.Transpose(out="bad", x="m", axes=(0, 0)), "permutation"),
    (ops.Transpose(out="bad", x="m", axes=(0,)), "permutation"),
    (ops.Transpose(out="bad", x="m", axes=(0, 2)), "permutation"),
    (ops.Concat(out="bad", parts=(), axis=0), "needs a part"),
    (ops.Concat(out="bad", parts=("v", "m"), axis=0), "parts must fit"),
    (ops.Concat(out="bad", parts=("v", "v"), axis=1), "axis 1"),
    (ops.Repeat(out="bad", x="v", axis=0, count=2), "axis of size 1"),
    (ops.Repeat(out="bad", x="one", axis=0, count=-1), "axis of size 1"),
    (ops.Repeat(out="bad", x="one", axis=0, count=2**40), "outside the limits"),
    (ops.Reduce(out="bad", x="none", axis=0, function="mean"), "not empty"),
    (ops.Reduce(out="bad", x="v", axis=3, function="max"), "axis 3"),
]


@pytest.mark.parametrize(("op", "message"), VIOLATIONS, ids=lambda value: type(value).__name__)
def test_an_operation_that_breaks_its_rule_is_named(op, message):
    program = Program()
    for name, shape in SHAPES.items():
        program.add(ops.Input(out=name, shape=shape))
    for name, shape in TENSORS.items():
        program.tensor(name, np.zeros(shape))
    before = dict(program.shapes)
    with pytest.raises(ModelFileError, match=message) as caught:
        program.add(op)
    assert f"`{op.out}` ({type(op).__name__.lower()})" in str(caught.value)
    assert len(program.operations) == len(SHAPES)
    assert set(program.shapes) - {"bad"} == set(before)


def test_every_operation_has_a_rule_that_can_be_broken():
    broken = {type(op) for op, _ in VIOLATIONS}
    assert broken == set(get_args(ops.AnyOperation))


def test_operations_are_told_apart_by_their_tags():
    for kind in get_args(ops.AnyOperation):
        assert kind.__struct_config__.tag == kind.__name__.lower()
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'[{"op":"shell","out":"x"}]', type=list[ops.AnyOperation])
