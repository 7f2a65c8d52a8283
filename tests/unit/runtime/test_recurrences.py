"""The operations with a cell: the numbers of its equations, one unit by hand."""

import math

import numpy as np
import pytest
from tests.unit.runtime.single_operation import array, run, sigmoid

from whorl.runtime import operations as ops


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
