"""Linear recurrences in native code: values and every gradient of the reference, and where the reference runs instead.

Axes: B batch, T time, G gates, H hidden, S numbers of a state.
"""

import itertools

import pytest
import torch
from torch.utils.checkpoint import checkpoint

import whorl.nn
from whorl import _native
from whorl.cells import LINEAR_CELLS
from whorl.errors import ArgumentError
from whorl.ops import linear, linear_dispatch, native_linear
from whorl.ops.linear import LinearPass

CELLS = list(LINEAR_CELLS)
# Odd sizes; H below, at and above the width of a vector; enough steps that memory is taken from what was used before.
SIZES = [(3, 9, 5), (2, 33, 37), (4, 1, 16), (1, 70, 64), (5, 257, 65), (2, 0, 5), (0, 3, 5)]


def drawn(cell, batch, steps, hidden, *, time_first=False, lengths=False, resets=False, reverse=False, seed=0):
    """A call in float64 whose numbers float32 holds."""
    torch.manual_seed(seed)
    parts = LINEAR_CELLS[cell].state_parts
    width = (2 if cell == "lru" else LINEAR_CELLS[cell].num_gates) * hidden
    gates = 2 * torch.randn(steps, batch, width).transpose(0, 1).double()
    decay = None
    if cell == "lru":
        modulus, angle = torch.rand(hidden).sqrt(), 6 * torch.rand(hidden)
        decay = torch.cat([modulus * angle.cos(), modulus * angle.sin()]).double()
    return LinearPass(
        cell,
        gates if time_first else gates.contiguous(),
        decay,
        torch.randn(batch, parts * hidden).double(),
        torch.randint(0, steps + 1, (batch,)) if lengths else None,
        torch.rand(batch, steps) < 0.2 if resets else None,
        reverse,
    )


def results(run, call, dtype):
    """States, the final one, and the gradients of gates, lambda and the initial state."""
    given = [
        None if one is None else one.detach().to(dtype).clone().requires_grad_()
        for one in (call.gates_BTG, call.decay_S, call.state_BS)
    ]
    states, final = run(call._replace(gates_BTG=given[0], decay_S=given[1], state_BS=given[2]))
    torch.manual_seed(1)
    total = (states * torch.randn(states.shape).to(dtype)).sum() + (1.5 * final.sin()).sum()
    wanted = [one for one in given if one is not None]
    return [states.detach(), final.detach(), *torch.autograd.grad(total, wanted, materialize_grads=True)]


def same(found, wanted):
    """In float32 each number is off by rounding: at most 8e-7 of the largest was seen here, of the reference too."""
    for one, other in zip(found, wanted, strict=True):
        largest = float(other.abs().max()) if other.numel() else 0.0
        torch.testing.assert_close(one.double(), other, rtol=0, atol=4e-6 * max(1.0, largest))


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("cell", CELLS)
def test_values_and_all_gradients_are_those_of_the_reference(cell, sizes):
    for time_first, lengths, resets, reverse in itertools.product((False, True), repeat=4):
        options = {"time_first": time_first, "lengths": lengths, "resets": resets, "reverse": reverse}
        call = drawn(cell, *sizes, **options)
        same(results(native_linear.run, call, torch.float32), results(linear.scan, call, torch.float64))


@pytest.mark.parametrize("cell", ["mingru", "minlstm"])
def test_gates_far_out_are_those_of_the_reference(cell):
    call = drawn(cell, 2, 6, 20)
    call = call._replace(gates_BTG=call.gates_BTG * torch.tensor([1.0, 20.0]).double()[:, None, None])
    same(results(native_linear.run, call, torch.float32), results(linear.scan, call, torch.float64))


@pytest.mark.parametrize("cell", CELLS)
def test_no_bit_depends_on_the_number_of_threads(cell):
    before, found = torch.get_num_threads(), []
    try:
        for count in (1, 2, 3, 7):
            torch.set_num_threads(count)
            calls = [drawn(cell, *sizes, resets=True) for sizes in ((1, 300, 130), (5, 90, 65))]
            found += [results(native_linear.run, call, torch.float32) for call in calls]
    finally:
        torch.set_num_threads(before)
    for one in (0, 1):
        for other in found[one::2]:
            for mine, theirs in zip(found[one], other, strict=True):
                assert torch.equal(mine, theirs)


@pytest.mark.parametrize("cell", CELLS)
def test_without_gradients_the_bits_are_the_same(cell):
    call = drawn(cell, 3, 40, 21, lengths=True)
    states, final, *_ = results(native_linear.run, call, torch.float32)
    decay = None if call.decay_S is None else call.decay_S.float()
    given = call._replace(gates_BTG=call.gates_BTG.float(), decay_S=decay, state_BS=call.state_BS.float())
    with torch.no_grad():
        alone, last = native_linear.run(given)
    assert torch.equal(alone, states)
    assert torch.equal(last, final)
    assert torch.equal(given.state_BS, call.state_BS.float()), "the initial state was written over"


@pytest.mark.parametrize("cell", CELLS)
def test_the_backward_pass_is_differentiable_by_the_reference(cell):
    call = drawn(cell, 2, 5, 3, lengths=True, resets=True)

    def second(run, dtype):
        gates = call.gates_BTG.to(dtype).requires_grad_()
        decay = None if call.decay_S is None else call.decay_S.to(dtype).requires_grad_()
        state = call.state_BS.to(dtype).requires_grad_()
        states, final = run(call._replace(gates_BTG=gates, decay_S=decay, state_BS=state))
        (first,) = torch.autograd.grad(states.sin().sum() + final.square().sum(), gates, create_graph=True)
        wanted = [one for one in (gates, decay, state) if one is not None]
        return torch.autograd.grad(first.square().sum(), wanted)

    same(second(native_linear.run, torch.float32), second(linear.scan, torch.float64))


@pytest.mark.parametrize("only", ["states", "final"])
@pytest.mark.parametrize("cell", CELLS)
def test_a_loss_of_the_states_or_of_the_final_one_alone_has_its_gradients(cell, only):
    call = drawn(cell, 2, 6, 5, reverse=True)

    def gradients(run, dtype):
        given = [None if one is None else one.to(dtype).requires_grad_() for one in call[1:4]]
        states, final = run(LinearPass(cell, *given, None, None, True))
        total = states.square().sum() if only == "states" else final.square().sum()
        return torch.autograd.grad(total, [one for one in given if one is not None])

    same(gradients(native_linear.run, torch.float32), gradients(linear.scan, torch.float64))


def test_lengths_that_change_after_the_forward_pass_change_nothing():
    call = drawn("mingru", 2, 6, 5, lengths=True)
    wanted = results(native_linear.run, call, torch.float32)

    def run(own):
        lengths = own.lengths_B.clone()
        out = native_linear.run(own._replace(lengths_B=lengths))
        lengths.fill_(10**6)
        return out

    for one, other in zip(results(run, call, torch.float32), wanted, strict=True):
        assert torch.equal(one, other)


# Gates that nobody else reads


def owned(cell, **options):
    """A call in float32 that owns its gates, the leaves they are made of, and a list that gets their gradient."""
    call = drawn(cell, 3, 20, 37, **options)
    leaves = [None if one is None else one.float().requires_grad_() for one in call[1:4]]
    gates, seen = leaves[0] * 1.0, []
    gates.register_hook(seen.append)
    call = call._replace(gates_BTG=gates, decay_S=leaves[1], state_BS=leaves[2], owned=True)
    return call, [one for one in leaves if one is not None], seen


@pytest.mark.parametrize("options", [{}, {"time_first": True, "lengths": True, "resets": True, "reverse": True}])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_take_the_place_of_gates_that_nobody_else_reads(cell, options):
    call, leaves, seen = owned(cell, **options)
    apart = torch.autograd.grad(native_linear.run(call._replace(owned=False))[0].sin().sum(), leaves, retain_graph=True)
    place = call.gates_BTG.data_ptr()
    assert seen.pop().data_ptr() != place
    found = torch.autograd.grad(native_linear.run(call)[0].sin().sum(), leaves)
    assert seen.pop().data_ptr() == place
    for one, other in zip(found, apart, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("cell", CELLS)
def test_a_graph_that_is_kept_keeps_its_gates(cell):
    call, leaves, seen = owned(cell)
    loss = native_linear.run(call)[0].sin().sum()
    first = torch.autograd.grad(loss, leaves, retain_graph=True)
    again = torch.autograd.grad(loss, leaves)
    assert seen[0].data_ptr() != seen[1].data_ptr() == call.gates_BTG.data_ptr()
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one, other)


def test_a_parameter_in_place_of_gates_is_not_written_over():
    call, (_, state), _ = owned("mingru")
    gates = call.gates_BTG.detach().requires_grad_()
    before = gates.detach().clone()
    native_linear.run(call._replace(gates_BTG=gates))[0].sum().backward(inputs=[gates, state])
    assert torch.equal(gates, before)
    assert gates.grad.data_ptr() != gates.data_ptr()


def test_whoever_kept_gates_that_are_owned_is_told():
    call, leaves, _ = owned("mingru")
    kept = call.gates_BTG.square().sum()
    torch.autograd.grad(native_linear.run(call)[0].sum(), leaves)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        kept.backward()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("way", ["kept twice", "checkpoint", "reentrant checkpoint", "saved elsewhere"])
def test_a_core_has_one_gradient_however_autograd_keeps_its_graph(cell, way):
    torch.manual_seed(0)
    core, x = whorl.nn.LinearCore(cell, 3, 21, num_layers=2, bidirectional=True), torch.randn(2, 9, 3)

    def gradients(output, **kept):
        return torch.autograd.grad(output.sin().sum(), [x, *core.parameters()], **kept)

    def outputs(own):
        return core(own)[0]

    wanted = gradients(outputs(x.requires_grad_()))
    if way == "kept twice":
        output = outputs(x)
        gradients(output, retain_graph=True)
        found = gradients(output)
    elif way == "saved elsewhere":
        with torch.autograd.graph.save_on_cpu():
            found = gradients(outputs(x))
    else:
        checkpoint(outputs, x, use_reentrant=way.startswith("reentrant")).sin().sum().backward()
        found = [x.grad, *(one.grad for one in core.parameters())]
    for one, other in zip(found, wanted, strict=True):
        assert torch.equal(one, other)


# Which code runs


def ran(core, x):
    """Names of what made the output."""
    output, _ = core(x)
    seen, todo = set(), [output.grad_fn]
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            todo += [one for one, _ in node.next_functions]
    return {type(node).__name__ for node in seen}


def test_float32_on_a_cpu_runs_natively_and_everything_else_by_the_reference():
    core, x = whorl.nn.LinearCore("mingru", 3, 5), torch.randn(2, 4, 3)
    assert "LinearFunctionBackward" in ran(core, x)
    with whorl.nn.backend("reference"):
        assert "LinearFunctionBackward" not in ran(core, x)
    assert "LinearFunctionBackward" not in ran(core.double(), x.double())


def test_a_backend_that_is_forced_and_cannot_run_is_named():
    core = whorl.nn.LinearCore("lru", 3, 5).double()
    with whorl.nn.backend("native"), pytest.raises(ArgumentError, match=r"`backend\('native'\)`.*float64"):
        core(torch.zeros(2, 4, 3).double())


def test_transforms_of_functions_run_by_the_reference():
    core = whorl.nn.LinearCore("mingru", 3, 5)
    x = torch.randn(4, 2, 3)
    found = torch.func.vmap(lambda row: core(row[None])[0][0])(x)
    torch.testing.assert_close(found, core(x)[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"gates_BTG": torch.zeros(2, 4, 9)},
        {"state_BS": torch.zeros(3, 5)},
        {"state_BS": torch.zeros(2, 6)},
        {"lengths_B": torch.zeros(3, dtype=torch.int64)},
        {"resets_BT": torch.zeros(2, 3, dtype=torch.bool)},
        {"decay_S": torch.zeros(5)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_sizes_that_do_not_fit_are_refused_before_memory_is_read(changes):
    call = LinearPass("mingru", torch.zeros(2, 4, 10), None, torch.zeros(2, 5), None, None, False)
    with pytest.raises(ArgumentError):
        native_linear.run(call._replace(**changes))


def test_an_lru_without_its_lambda_is_refused():
    call = LinearPass("lru", torch.zeros(2, 4, 10), None, torch.zeros(2, 10), None, None, False)
    with pytest.raises(ArgumentError, match="must be of as many rows and units"):
        native_linear.run(call)


def test_native_code_knows_the_linear_cells_and_no_other():
    for cell in CELLS:
        _native.LinearScan(cell, False, 1, 1, 1, 1)
    with pytest.raises(ValueError, match="no cell that is linear in its state is called 'gru'"):
        _native.LinearScan("gru", False, 1, 1, 1, 1)


def test_what_explains_recurrent_modules_refuses_a_linear_core():
    with pytest.raises(ArgumentError, match="`module` must be an RNN, LSTM, GRU or RecurrentCore, but is a LinearCore"):
        whorl.nn.explain(whorl.nn.LinearCore("mingru", 3, 5), torch.zeros(1, 2, 3))


def test_the_chosen_code_gives_the_numbers_of_the_reference():
    call = drawn("minlstm", 2, 6, 5)
    same(results(linear_dispatch.run, call, torch.float32), results(linear.scan, call, torch.float64))
