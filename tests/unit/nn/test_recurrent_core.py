"""The recurrent core: its initialisation, its state, and the program it emits."""

import numpy as np
import pytest
import torch

import whorl.nn
from whorl.errors import ArgumentError
from whorl.nn.core import map_state
from whorl.nn.init import recurrent_
from whorl.runtime import operations as ops
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.program import Program

CELLS = ["rnn", "gru", "lstm"]


@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_weights_of_each_gate_are_orthogonal(cell):
    stack = whorl.nn.RecurrentCore(cell, 3, 5, num_layers=2, bidirectional=True).stack
    for weights in stack.weights():
        for gate in weights.weight_hh.chunk(stack.cell.num_gates):
            torch.testing.assert_close(gate @ gate.T, torch.eye(5))


def test_input_weights_fill_the_range_of_glorot():
    weight = whorl.nn.RecurrentCore("gru", 30, 50).stack.weight_ih_l0
    bound = (6 / (30 + 50)) ** 0.5
    assert weight.abs().max() <= bound
    assert weight.abs().max() > 0.99 * bound


def test_the_forget_gate_starts_at_its_bias_and_all_others_at_zero():
    stack = whorl.nn.RecurrentCore("lstm", 3, 5, forget_bias=1.5).stack
    i, f, g, o = (stack.bias_ih_l0 + stack.bias_hh_l0).chunk(4)
    assert (f == 1.5).all()
    assert not torch.cat([i, g, o]).any()
    assert not whorl.nn.RecurrentCore("gru", 3, 5).stack.bias_ih_l0.any()


def test_chrono_spreads_the_memory_of_units_up_to_the_longest_dependency():
    torch.manual_seed(0)
    stack = whorl.nn.RecurrentCore("lstm", 1, 2000, chrono=100).stack
    i, f, g, o = stack.bias_ih_l0.chunk(4)
    torch.testing.assert_close(i, -f)
    assert not torch.cat([g, o, stack.bias_hh_l0]).any()
    memory = f.exp()
    assert 1.0 <= memory.min() < 1.5
    assert 98.5 < memory.max() <= 99.0
    assert abs(memory.mean() - 50.0) < 4 * 98 / (12 * 2000) ** 0.5
    _, z, _ = whorl.nn.RecurrentCore("gru", 1, 50, chrono=100).stack.bias_ih_l0.chunk(3)
    assert (z >= 0).all()
    assert z.any()


@pytest.mark.parametrize(("cell", "chrono"), [("rnn", 100), ("lstm", 2)])
def test_chrono_is_refused_where_it_means_nothing(cell, chrono):
    with pytest.raises(ArgumentError, match="`chrono`"):
        whorl.nn.RecurrentCore(cell, 3, 5, chrono=chrono)


def test_an_unknown_cell_is_refused():
    with pytest.raises(ArgumentError, match=r"`cell` must be one of .*, but is 'lsmt'\. Did you mean 'lstm'"):
        whorl.nn.RecurrentCore("lsmt", 3, 5)


def test_initialisation_reaches_projections_and_gains():
    stack = whorl.nn.LSTM(3, 5, proj_size=2, layer_norm=True)
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter.fill_(7.0)
    recurrent_(stack)
    assert (stack.norm_weight_ih_l0 == 1).all()
    assert (stack.norm_bias_c_l0 == 0).all()
    assert (stack.weight_hr_l0.abs() < 1).all()


@pytest.mark.parametrize("cell", CELLS)
def test_two_halves_with_the_state_handed_over_equal_the_whole(cell):
    core = whorl.nn.RecurrentCore(cell, 3, 5, num_layers=2).eval()
    x = torch.randn(2, 7, 3)
    whole, end = core(x)
    first, middle = core(x[:, :4], core.initial_state(2))
    second, last = core(x[:, 4:], map_state(torch.detach, middle))
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    for found, expected in zip(last, end, strict=True):
        assert type(found) is type(expected) is core.stack.cell.state_type
        torch.testing.assert_close(tuple(found), tuple(expected))


def test_the_batch_is_the_first_axis_of_every_state():
    state = whorl.nn.RecurrentCore("lstm", 3, 5, num_layers=2, bidirectional=True).initial_state(7)
    assert len(state) == 4
    assert {part.shape for layer in state for part in layer} == {(7, 5)}
    assert isinstance(state[0], whorl.nn.LSTMState)


def test_only_a_core_that_reads_one_way_is_causal():
    assert whorl.nn.RecurrentCore("gru", 3, 5).is_causal
    both = whorl.nn.RecurrentCore("gru", 3, 5, bidirectional=True)
    assert not both.is_causal
    assert both.output_size == 10


def emitted(core) -> Program:
    program = Program()
    program.output = core.emit(program, program.add(ops.Input(out="x", shape=(3,))))
    return program


@pytest.mark.parametrize("cell", ["rnn", "relu", "gru", "lstm"])
@pytest.mark.parametrize(
    "options", [{}, {"num_layers": 2}, {"bidirectional": True, "num_layers": 2}, {"layer_norm": True}, {"zoneout": 0.3}]
)
def test_the_emitted_program_gives_the_numbers_of_the_core(cell, options):
    torch.manual_seed(0)
    if cell == "relu":
        cell, options = "rnn", {**options, "nonlinearity": "relu"}
    core = whorl.nn.RecurrentCore(cell, 3, 5, **options).eval()
    for parameter in core.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    x, lengths = torch.randn(4, 9, 3), [9, 1, 0, 5]
    expected, _ = core(x, lengths_B=torch.tensor(lengths))
    found = Interpreter(emitted(core)).run({"x": x.numpy()}, np.array(lengths))
    np.testing.assert_allclose(found, expected.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_a_program_streams_unless_the_core_reads_both_ways():
    assert emitted(whorl.nn.RecurrentCore("gru", 3, 5)).streams
    assert not emitted(whorl.nn.RecurrentCore("gru", 3, 5, bidirectional=True)).streams


def test_two_cores_fit_into_one_program():
    program = Program()
    x = program.add(ops.Input(out="x", shape=(3,)))
    program.output = whorl.nn.RecurrentCore("gru", 5, 4).emit(
        program, whorl.nn.RecurrentCore("gru", 3, 5).emit(program, x)
    )
    assert program.shapes[program.output] == (4,)
