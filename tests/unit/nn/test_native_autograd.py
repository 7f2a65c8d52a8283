"""Native layers inside torch's autograd: twice, in parts, again, and with what users do between two calls.

Axes: B batch, T time, D features, H hidden.
"""

import pytest
import torch
from tests.unit.nn.judging import CELLS, OPTIONS, PROJECTED, Case, in_float64, leaves, results
from torch import Tensor

import whorl.nn
from whorl.ops import native

# Gradients in float32 of values of order 1, against those of another order of the same sums.
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture(params=CELLS)
def cell(request):
    return request.param


@pytest.fixture
def forced():
    with whorl.nn.backend("native"):
        yield


def layer_of(cell: str, **options) -> whorl.nn.RNN:
    torch.manual_seed(0)
    kind, own = CELLS[cell]
    return kind(3, 5, **own, **options)


def check_second_derivatives(case: Case) -> None:
    call, found = case.call(), []
    for run in (in_float64, native.run):
        torch.manual_seed(2)
        output, final = run(call)
        torch.manual_seed(3)
        values = (output, *final)
        total = sum((one * torch.randn(one.shape).to(one.dtype)).sin().sum() for one in values)
        first = torch.autograd.grad(total, leaves(call), create_graph=True)
        ways = [torch.randn(one.shape) for one in first]
        slope = sum((one * way).sum() for one, way in zip(first, ways, strict=True))
        found.append(torch.autograd.grad(slope, leaves(call), allow_unused=True, materialize_grads=True))
    for right, one in zip(*found, strict=True):
        # Relative to the largest number beside it; measured: 3.2e-7, and 1.8e-5 through two layers with layer norm.
        largest = max(right.abs().max().item(), 1e-2)
        assert (one - right).abs().max().item() <= (1e-4 if "layer_norm" in case.options else 3e-6) * largest


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("options", ["plain", "everything"])
def test_second_derivatives_are_those_of_float64(cell, options, training):
    check_second_derivatives(Case(cell=cell, options=OPTIONS[options], training=training, lengths=True, resets=True))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("options", ["plain, projected", "everything, projected"])
def test_second_derivatives_of_a_projection_are_too(options, training):
    check_second_derivatives(
        Case(cell="lstm", options=PROJECTED[options], training=training, lengths=True, resets=True)
    )


def test_a_penalty_on_gradients_trains_the_weights(cell, forced):
    layer, x = layer_of(cell), torch.randn(6, 4, 3, requires_grad=True)
    penalties = []
    for name in ("native", "reference"):
        with whorl.nn.backend(name):
            output, _ = layer(x)
            (slope,) = torch.autograd.grad(output.square().sum(), x, create_graph=True)
            (slope.norm() - 1.0).square().backward()
        penalties.append([parameter.grad for parameter in layer.parameters()])
        layer.zero_grad()
    for found, expected in zip(*penalties, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_the_graph_may_be_walked_twice(cell, forced):
    layer, x = layer_of(cell, num_layers=2), torch.randn(6, 4, 3, requires_grad=True)
    loss = layer(x)[0].square().sum()
    wanted = [x, *layer.parameters()]
    first = torch.autograd.grad(loss, wanted, retain_graph=True)
    second = torch.autograd.grad(loss, wanted)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(loss, wanted)


@pytest.mark.parametrize("options", [{}, {"layer_norm": True}])
@pytest.mark.parametrize("who", ["x", "the state", "all weights", "one weight", "a bias"])
def test_only_what_learns_gets_a_gradient_and_it_is_the_same(cell, who, options):
    call = Case(cell=cell, options=options).call()
    weights = call.weights[0]
    chosen = {
        "x": [call.x_TBD],
        "the state": list(call.state),
        "all weights": [weight for weight in weights if weight is not None],
        "one weight": [weights.weight_hh],
        "a bias": [weights.bias_ih],
    }[who]
    _, expected = results(native.run, call)
    everything = leaves(call)
    for leaf in everything:
        leaf.requires_grad_(any(leaf is one for one in chosen))
    torch.manual_seed(2)
    output, final = native.run(call)
    torch.manual_seed(3)
    total = sum((one * torch.randn(one.shape)).sum() for one in (output, *final))
    found = iter(torch.autograd.grad(total, chosen))
    for leaf, right in zip(everything, expected, strict=True):
        if leaf.requires_grad:
            assert torch.equal(next(found), right)


@pytest.mark.parametrize(("cell", "part"), [(cell, part) for cell in CELLS for part in range(2 + (cell == "lstm"))])
def test_outputs_that_nobody_uses_cost_nothing(cell, part, forced):
    """Only the output, only h, only c: the gradients of the others are zero, not missing."""
    layer, x = layer_of(cell), torch.randn(6, 4, 3, requires_grad=True)
    used = []
    for name in ("native", "reference"):
        with whorl.nn.backend(name):
            output, state = layer(x)
        parts = (output, *(state if isinstance(state, tuple) else (state,)))
        used.append(torch.autograd.grad(parts[part].square().sum(), [x, *layer.parameters()]))
    for found, expected in zip(*used, strict=True):
        torch.testing.assert_close(found, expected, **CLOSE)


@pytest.mark.parametrize(
    "gradient",
    {
        "expanded": lambda: torch.ones(()).expand(6, 4, 5),
        "one row for all": lambda: torch.randn(6, 1, 5).expand(6, 4, 5),
        "every other feature": lambda: torch.randn(6, 4, 10)[..., ::2],
        "batch first": lambda: torch.randn(4, 6, 5).transpose(0, 1),
        "negated lazily": lambda: torch.imag(torch.randn(6, 4, 5, dtype=torch.complex64).conj()),
    }.items(),
    ids=lambda item: item[0],
)
def test_gradients_may_come_in_any_memory_layout(cell, gradient, forced):
    layer, x = layer_of(cell), torch.randn(6, 4, 3, requires_grad=True)
    given = gradient[1]()
    output, _ = layer(x)
    found, expected = (
        torch.autograd.grad(output, [x, *layer.parameters()], one, retain_graph=True)
        for one in (given, given.resolve_neg().clone(memory_format=torch.contiguous_format))
    )
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_gradients_add_up_and_keep_their_own_memory(cell, forced):
    layer, x = layer_of(cell), torch.randn(6, 4, 3)
    layer(x)[0].sum().backward()
    first = [parameter.grad.clone() for parameter in layer.parameters()]
    layer(x)[0].sum().backward()
    for parameter, one in zip(layer.parameters(), first, strict=True):
        assert torch.equal(parameter.grad, one + one)
        # A view of a larger block would keep the block alive, and be saved with it.
        assert parameter.grad.untyped_storage().nbytes() == 4 * parameter.grad.numel()


def test_weights_that_an_optimizer_changes_are_read_anew(cell, forced):
    layer, x = layer_of(cell), torch.randn(6, 4, 3)
    optimizer, losses = torch.optim.Adam(layer.parameters(), lr=0.02), []
    for _ in range(20):
        optimizer.zero_grad()
        loss = (layer(x)[0] - 0.3).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    with whorl.nn.backend("reference"):
        expected = (layer(x)[0] - 0.3).square().mean().item()
    assert (layer(x)[0] - 0.3).square().mean().item() == pytest.approx(expected, rel=1e-5)


def test_a_weight_changed_before_the_backward_pass_is_an_error_as_in_torch(cell, forced):
    layer, x = layer_of(cell), torch.randn(6, 4, 3)
    loss = layer(x)[0].sum()
    with torch.no_grad():
        layer.weight_hh_l0.mul_(2.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("quiet", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}, {"zoneout": 0.2}])
def test_without_gradients_the_values_are_the_same_and_nothing_is_kept(cell, options, quiet, forced):
    layer, x = layer_of(cell, **options).eval(), torch.randn(6, 4, 3)
    expected, _ = layer(x, lengths=[6, 2, 0, 5])
    with quiet():
        found, _ = layer(x, lengths=[6, 2, 0, 5])
    assert torch.equal(found, expected)
    assert not found.requires_grad
    assert expected.requires_grad


def test_inputs_and_initial_states_are_left_as_they_are(cell):
    call = Case(cell=cell, lengths=True, resets=True).call()
    before = [leaf.detach().clone() for leaf in leaves(call)]
    results(native.run, call)
    with torch.no_grad():
        native.run(call)
    assert all(torch.equal(leaf, old) for leaf, old in zip(leaves(call), before, strict=True))


def test_the_final_state_is_memory_of_its_own(cell, forced):
    layer = layer_of(cell)
    with torch.no_grad():
        output, state = layer(torch.randn(1, 4, 3))
    last = output[-1].clone()
    (state[0] if isinstance(state, tuple) else state).zero_()
    assert torch.equal(output[-1], last)


def test_checkpointing_and_hooks_on_saved_tensors_see_all_that_is_kept(cell, forced):
    layer, x = layer_of(cell), torch.randn(6, 4, 3, requires_grad=True)
    plain = torch.autograd.grad(layer(x)[0].square().sum(), [x, *layer.parameters()])
    packed = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda one: packed.append(one.numel()) or one.clone(), lambda one: one
    ):
        loss = layer(x)[0].square().sum()
    assert sum(packed) >= 6 * 4 * 5 * 2  # gates and h of each step among them
    hooked = torch.autograd.grad(loss, [x, *layer.parameters()])
    again = torch.utils.checkpoint.checkpoint(lambda x: layer(x)[0], x, use_reentrant=False)
    checkpointed = torch.autograd.grad(again.square().sum(), [x, *layer.parameters()])
    for right, one, other in zip(plain, hooked, checkpointed, strict=True):
        assert torch.equal(one, right)
        assert torch.equal(other, right)


def test_a_loop_over_pieces_learns_through_the_carried_state(cell, forced):
    layer, x = layer_of(cell), torch.randn(9, 4, 3, requires_grad=True)
    state, outputs = None, []
    for piece in x.split(3):
        output, state = layer(piece, state)
        outputs.append(output)
    pieces = torch.autograd.grad(torch.cat(outputs).square().sum(), [x, *layer.parameters()])
    whole = torch.autograd.grad(layer(x)[0].square().sum(), [x, *layer.parameters()])
    for found, expected in zip(pieces, whole, strict=True):
        torch.testing.assert_close(found, expected, **CLOSE)


def test_the_backward_pass_frees_what_the_forward_pass_kept(forced):
    layer, x = layer_of("lstm"), torch.randn(6, 4, 3, requires_grad=True)
    output, _ = layer(x * 1.0)
    saved: list[Tensor] = [one for one in output.grad_fn.saved_tensors if one is not None]
    assert saved
    output.sum().backward()
    with pytest.raises(RuntimeError, match="freed"):
        _ = output.grad_fn.saved_tensors


def test_what_is_differentiated_twice_is_the_same_function(cell):
    """The reference that stands in for the second derivative gets every option: else its first would differ."""
    call = Case(cell=cell, options=OPTIONS["everything"], lengths=True, resets=True).call()
    found = []
    for create_graph in (False, True):
        torch.manual_seed(2)
        output, _ = native.run(call)
        found.append(torch.autograd.grad(output.square().sum(), leaves(call), create_graph=create_graph))
    for one, other in zip(*found, strict=True):
        largest = max(1e-2, one.abs().max().item())
        assert (one - other).abs().max().item() <= 2e-5 * largest


def carried(layer, x):
    first, state = layer(x)
    second, _ = layer(x * 2, state)
    return first.square().sum() + second.square().sum()


def twice(layer, x):
    return layer(layer(x)[0])[0].square().sum()


@pytest.mark.parametrize("use", [carried, twice])
def test_weights_that_are_used_twice_count_once_in_gradients_of_gradients(cell, use):
    torch.manual_seed(0)
    kind, own = CELLS[cell]
    layer, found = kind(5, 5, **own), {}
    x = torch.randn(4, 2, 5, requires_grad=True)
    for name in ("native", "reference"):
        with whorl.nn.backend(name):
            grads = torch.autograd.grad(use(layer, x), [x, *layer.parameters()], create_graph=True)
            penalty = sum(grad.square().sum() for grad in grads)
            found[name] = [*grads, *torch.autograd.grad(penalty, [x, *layer.parameters()])]
    for one, other in zip(found["native"], found["reference"], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4 * float(other.detach().abs().max()))


def test_a_tensor_in_two_places_counts_once_in_each():
    torch.manual_seed(0)
    layer, found = whorl.nn.GRU(3, 5), {}
    layer.bias_hh_l0 = layer.bias_ih_l0
    x = torch.randn(4, 2, 3)
    for name in ("native", "reference"):
        with whorl.nn.backend(name):
            (found[name],) = torch.autograd.grad(layer(x)[0].square().sum(), layer.bias_ih_l0, create_graph=True)
    torch.testing.assert_close(found["native"], found["reference"], **CLOSE)


def test_gradients_of_gradients_take_no_part_in_autocast(forced):
    layer, x = layer_of("gru"), torch.randn(4, 2, 3, requires_grad=True)
    output, _ = layer(x)
    (expected,) = torch.autograd.grad(output.sum(), x, create_graph=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        (found,) = torch.autograd.grad(output.sum(), x, create_graph=True)
    assert torch.equal(found, expected)


def test_relu_passes_the_gradient_of_nan_on_as_torch_does():
    x = torch.full((2, 1, 3), torch.nan, requires_grad=True)
    grads = []
    for name in ("native", "reference"):
        layer = whorl.nn.RNN(3, 5, nonlinearity="relu")
        with whorl.nn.backend(name):
            grads.append(torch.autograd.grad(layer(x)[0].sum(), layer.bias_ih_l0)[0].isnan())
    assert torch.equal(*grads)
