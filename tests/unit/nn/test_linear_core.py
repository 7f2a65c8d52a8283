"""minGRU, minLSTM and LRU: their equations one step after the other, first weights, and programs."""

import cmath
import math

import numpy as np
import pytest
import torch

import whorl.nn
from whorl.cells import LINEAR_CELLS
from whorl.errors import ArgumentError
from whorl.nn.linear_layer import LinearState, LRUState
from whorl.ops import linear
from whorl.runtime import operations as ops
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program

CELLS = list(LINEAR_CELLS)


def drawn(cell, *, seed=0, **options):
    """A core in float64 with no weight at zero."""
    torch.manual_seed(seed)
    core = whorl.nn.LinearCore(cell, 3, 5, **options).double().eval()
    for parameter in core.parameters():
        torch.nn.init.normal_(parameter, std=0.6)
    return core


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def g(x):
    """Feng et al. (2024), appendix B: a positive activation."""
    return x + 0.5 if x >= 0 else sigmoid(x)


def min_gru(layer, x, h):
    """Feng et al. (2024), section 3.1: z = sigmoid(linear), h~ = g(linear), h = (1 - z) h + z h~."""
    weight, bias, new = layer.weight_ih.tolist(), layer.bias_ih.tolist(), []
    for unit in range(5):
        a_z, a_h = (sum(w * v for w, v in zip(weight[k], x, strict=True)) + bias[k] for k in (unit, unit + 5))
        z = sigmoid(a_z)
        new.append((1 - z) * h[unit] + z * g(a_h))
    return new, new


def min_lstm(layer, x, h):
    """Feng et al. (2024), section 3.2, with the gates brought to a sum of one."""
    weight, bias, new = layer.weight_ih.tolist(), layer.bias_ih.tolist(), []
    for unit in range(5):
        rows = (unit, unit + 5, unit + 10)
        a_i, a_f, a_h = (sum(w * v for w, v in zip(weight[k], x, strict=True)) + bias[k] for k in rows)
        i, f = sigmoid(a_i), sigmoid(a_f)
        new.append(f / (f + i) * h[unit] + i / (f + i) * g(a_h))
    return new, new


def lru(layer, x, h):
    """Orvieto et al. (2023), eq. 7: h = lambda h + gamma B x and y = Re(C h) + D x, in complex numbers; y is gated."""
    rows, columns = layer.weight_ih.tolist(), layer.weight_ho.tolist()
    nu, theta, gamma = layer.nu.tolist(), layer.theta.tolist(), layer.gamma.tolist()
    new = []
    for unit in range(5):
        decay = cmath.exp(complex(-math.exp(nu[unit]), math.exp(theta[unit])))
        read = sum(complex(re, im) * v for re, im, v in zip(rows[unit], rows[unit + 5], x, strict=True))
        new.append(decay * h[unit] + math.exp(gamma[unit]) * read)
    said = []
    for unit in range(5):
        c = [complex(re, -im) for re, im in zip(columns[unit][:5], columns[unit][5:], strict=True)]
        skipped = sum(w * v for w, v in zip(rows[unit + 10], x, strict=True))
        said.append(sum((c_k * h_k).real for c_k, h_k in zip(c, new, strict=True)) + skipped)
    opened = [sum(w * v for w, v in zip(row, said, strict=True)) for row in layer.weight_glu.tolist()]
    shares = [sigmoid(own + bias) for own, bias in zip(opened, layer.bias_glu.tolist(), strict=True)]
    return new, [y * share for y, share in zip(said, shares, strict=True)]


def test_an_lru_is_not_linear_in_what_it_reads():
    core = drawn("lru")
    a, b = torch.randn(2, 1, 6, 3).double()
    apart = core(a)[0] + core(b)[0] - core(a + b)[0]
    assert float(apart.detach().abs().max()) > 0.01


EQUATIONS = {"mingru": min_gru, "minlstm": min_lstm, "lru": lru}


def numbers_of(state):
    """The state of a layer and one row as the loops above have it."""
    parts = [part[0].tolist() for part in state]
    return parts[0] if len(parts) == 1 else [complex(re, im) for re, im in zip(*parts, strict=True)]


@pytest.mark.parametrize("cell", CELLS)
def test_a_layer_is_its_equation_step_by_step(cell):
    core = drawn(cell)
    x, state = torch.randn(1, 7, 3).double(), core.state_of(torch.randn(1, core.state_size).double())
    output, final = core(x, state)
    h = numbers_of(state[0])
    for t in range(7):
        h, said = EQUATIONS[cell](core.layers[0], x[0, t].tolist(), h)
        np.testing.assert_allclose(output[0, t].tolist(), said, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(numbers_of(final[0]), h, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_a_second_layer_reads_what_the_first_says(cell):
    core, x = drawn(cell, num_layers=2), torch.randn(1, 6, 3).double()
    output, _ = core(x)
    lower, upper = core.layers
    below = above = [0.0] * 5
    for t in range(6):
        below, said = EQUATIONS[cell](lower, x[0, t].tolist(), below)
        above, said = EQUATIONS[cell](upper, said, above)
    np.testing.assert_allclose(output[0, -1].tolist(), said, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_the_second_direction_reads_from_the_last_real_step_to_the_first(cell):
    core, x = drawn(cell, bidirectional=True), torch.randn(1, 6, 3).double()
    output, final = core(x, lengths_B=torch.tensor([4]))
    h = [0.0] * 5
    for t in (3, 2, 1, 0):
        h, said = EQUATIONS[cell](core.layers[1], x[0, t].tolist(), h)
        np.testing.assert_allclose(output[0, t, 5:].tolist(), said, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(numbers_of(final[1]), h, rtol=1e-12, atol=1e-12)
    assert not output[0, 4:].any()


@pytest.mark.parametrize("cell", CELLS)
def test_a_reset_starts_afresh_forwards_and_backwards(cell):
    core, x = drawn(cell, bidirectional=True), torch.randn(1, 7, 3).double()
    state = core.state_of(torch.randn(1, 2 * core.state_size).double())
    resets = torch.tensor([[False, False, False, True, False, False, False]])
    output, _ = core(x, state, resets_BT=resets)
    zero = core.initial_state(1)
    first, _ = core(x[:, :3], (state[0], zero[1]))
    second, _ = core(x[:, 3:], (zero[0], state[1]))
    torch.testing.assert_close(output, torch.cat([first, second], 1))


@pytest.mark.parametrize("cell", CELLS)
def test_gates_that_are_shut_far_beyond_what_their_sigmoid_resolves_give_no_nan(cell):
    core = drawn(cell).float()
    x = torch.full((1, 4, 3), 1e3, requires_grad=True)
    with torch.no_grad():
        core.layers[0].weight_ih.fill_(-1.0)
    output, _ = core(x)
    output.sum().backward()
    assert output.isfinite().all()
    assert x.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in core.parameters() if parameter.grad is not None)


def test_equal_gates_of_a_minlstm_keep_half_of_the_state_however_shut_they_are():
    gates = torch.tensor([-500.0, -500.0, 0.25])
    a, b = linear.terms("minlstm", gates, None)
    torch.testing.assert_close((a, b), (torch.tensor([0.5]), torch.tensor([0.375])))


def test_the_candidate_is_positive_and_continuous_with_slopes_of_one_and_of_a_sigmoid():
    x = torch.tensor([-30.0, -1.0, -1e-6, 0.0, 1e-6, 3.0], dtype=torch.float64, requires_grad=True)
    value = linear.candidate(x)
    value.sum().backward()
    expected = [sigmoid(-30.0), sigmoid(-1.0), 0.5, 0.5, 0.5, 3.5]
    np.testing.assert_allclose(value.tolist(), expected, rtol=0, atol=1.1e-6)
    s = sigmoid(-1.0)
    np.testing.assert_allclose(x.grad[[1, 2, 3, 4, 5]], [s * (1 - s), 0.25, 1.0, 1.0, 1.0], rtol=1e-9)


@pytest.mark.parametrize("num_steps", [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 65])
@pytest.mark.parametrize("cell", ["mingru", "lru"])
def test_the_parallel_scan_is_the_loop_whatever_the_number_of_steps(cell, num_steps):
    torch.manual_seed(num_steps)
    core, x = drawn(cell), torch.randn(2, num_steps, 3).double()
    whole, final = core(x)
    state, said = core.initial_state(2), [torch.zeros(2, 0, 5).double()]
    for t in range(num_steps):
        y, state = core(x[:, t : t + 1], state)
        said.append(y)
    torch.testing.assert_close(whole, torch.cat(said, 1))
    torch.testing.assert_close(tuple(final[0]), tuple(state[0]))


@pytest.mark.parametrize("cell", CELLS)
def test_the_reference_is_differentiable_twice(cell):
    torch.manual_seed(0)
    core = whorl.nn.LinearCore(cell, 2, 2).double()
    x = torch.randn(1, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: core(x)[0], x)


# First weights


def test_a_minlstm_forgets_little_at_first_and_all_other_biases_are_zero():
    i, f, c = whorl.nn.LinearCore("minlstm", 3, 5).layers[0].bias_ih.chunk(3)
    assert (f == 1).all()
    assert not torch.cat([i, c, whorl.nn.LinearCore("mingru", 3, 5).layers[0].bias_ih]).any()


def test_lambda_fills_the_unit_disk_evenly_and_gamma_keeps_the_size_of_the_state():
    torch.manual_seed(0)
    layer = whorl.nn.LinearCore("lru", 4, 5000).layers[0]
    re, im = layer.decay().detach().double().chunk(2)
    modulus, angle = torch.hypot(re, im), torch.atan2(im, re)
    assert modulus.max() < 1
    # Uniform over the area: the square of the modulus is uniform.
    assert abs(modulus.square().mean() - 0.5) < 0.02
    assert abs(angle.mean()) < 0.1
    assert abs(angle.std() - math.pi / 3**0.5) < 0.05
    torch.testing.assert_close(layer.gamma.exp().double().square(), 1 - modulus.square(), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_ignored_inputs_change_nothing_until_they_are_learned(cell):
    core = whorl.nn.LinearCore(cell, 3, 5, num_layers=2)
    core.ignore_inputs(1)
    x = torch.randn(2, 4, 3)
    other = torch.cat([x[..., :1], torch.randn(2, 4, 2)], -1)
    torch.testing.assert_close(core(x)[0], core(other)[0], rtol=0, atol=0)


# State and programs


@pytest.mark.parametrize("cell", CELLS)
def test_the_state_is_h_or_its_two_parts_for_each_layer_and_direction(cell):
    core = whorl.nn.LinearCore(cell, 3, 5, num_layers=2, bidirectional=True)
    state = core.initial_state(7)
    assert len(state) == 4
    assert all(type(layer) is (LRUState if cell == "lru" else LinearState) for layer in state)
    assert {part.shape for layer in state for part in layer} == {(7, 5)}
    assert core.output_size == 10
    assert not core.is_causal
    assert core.state_size == (10 if cell == "lru" else 5)


def emitted(core, lead=()):
    program = Program()
    program.output = core.emit(program, program.add(ops.Input(out="x", shape=(*lead, 3))))
    return program


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("options", [{}, {"num_layers": 2}, {"bidirectional": True, "num_layers": 2}])
def test_the_emitted_program_gives_the_numbers_of_the_core(cell, options):
    core = drawn(cell, **options).float()
    x, lengths = torch.randn(4, 9, 3), [9, 1, 0, 5]
    expected, _ = core(x, lengths_B=torch.tensor(lengths))
    for engine in (Interpreter(emitted(core)), NativeEngine(emitted(core))):
        found = engine.run({"x": x.numpy()}, np.array(lengths))
        np.testing.assert_allclose(found, expected.detach().numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_steps_from_given_products_are_those_of_the_sequence(cell):
    core = drawn(cell, num_layers=2)
    x, state = torch.randn(4, 1, 3).double(), core.state_of(torch.randn(4, 2 * core.state_size).double())
    expected, _ = core(x, state)
    gates = core.layers[0].gates(x[:, 0])
    torch.testing.assert_close(core.advance(gates, state), expected[:, 0])


@pytest.mark.parametrize("cell", CELLS)
def test_the_last_output_is_that_of_the_last_real_step_and_of_the_first_one_backwards(cell):
    x, lengths = torch.randn(3, 6, 3).double(), torch.tensor([6, 0, 2])
    for both_ways in (False, True):
        core = drawn(cell, bidirectional=both_ways)
        y, state = core(x, lengths_B=lengths)
        found = core.last_output(y, state, lengths)
        assert not found[1].any()
        torch.testing.assert_close(found[2, :5], y[2, 1, :5])
        if both_ways:
            torch.testing.assert_close(found[:, 5:], y[:, 0, 5:])


@pytest.mark.parametrize("cell", CELLS)
def test_a_core_that_reads_both_ways_takes_no_steps(cell):
    core, program = whorl.nn.LinearCore(cell, 3, 5, bidirectional=True), Program()
    x = program.add(ops.Input(out="x", shape=(4, 3)))
    for action in (
        lambda: core.advance(torch.zeros(1), ()),
        lambda: core.emit_states(program, x),
    ):
        with pytest.raises(ArgumentError, match="`bidirectional` is True"):
            action()


@pytest.mark.parametrize("engine", [Interpreter, NativeEngine])
@pytest.mark.parametrize("cell", ["mingru", "minlstm"])
def test_programs_open_gates_far_out_as_the_core_does(cell, engine):
    core = drawn(cell).float()
    x = 60 * torch.randn(2, 40, 3)
    assert float(core.layers[0].gates(x).detach().abs().max()) > 200
    expected, _ = core(x)
    found = engine(emitted(core)).run({"x": x.numpy()})
    largest = float(expected.detach().abs().max())
    np.testing.assert_allclose(found, expected.detach().numpy(), rtol=0, atol=1e-6 * largest)
