"""`whorl.nn` against `torch.nn`: the same numbers from the same weights, on every backend."""

import itertools
import warnings

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pack_sequence

import whorl.nn

CELLS = ["RNN", "relu", "GRU", "LSTM", "projected"]
EXACT = {"rtol": 1e-9, "atol": 1e-11}


def pair(cell: str, input_size: int = 3, hidden_size: int = 5, **options):
    """A torch module and a whorl module with the same weights, in float64."""
    options = {"dtype": torch.float64, **options}
    match cell:
        case "relu":
            name, options = "RNN", {"nonlinearity": "relu", **options}
        case "projected":
            name, options = "LSTM", {"proj_size": 2, **options}
        case name:
            pass
    theirs = getattr(torch.nn, name)(input_size, hidden_size, **options)
    ours = getattr(whorl.nn, name)(input_size, hidden_size, **options)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def initial_state(module, batch_size: int, dtype=torch.float64) -> list[Tensor]:
    layers = module.num_layers * (2 if module.bidirectional else 1)
    parts = [torch.randn(layers, batch_size, getattr(module, "proj_size", 0) or module.hidden_size, dtype=dtype)]
    if isinstance(module, torch.nn.LSTM):
        parts.append(torch.randn(layers, batch_size, module.hidden_size, dtype=dtype))
    return parts


def flat(output, state) -> list[Tensor]:
    if isinstance(output, PackedSequence):
        output = output.data
    return [output, *(state if isinstance(state, tuple) else (state,))]


def everything(module, x, state: list[Tensor] | None, **arguments) -> list[Tensor]:
    """Outputs, final states, and the gradients of a random-looking sum of them for x, the state and the weights."""
    leaves = [part.detach().requires_grad_() for part in state or []]
    data = (x.data if isinstance(x, PackedSequence) else x).detach().requires_grad_()
    fed = x._replace(data=data) if isinstance(x, PackedSequence) else data
    hx = None if state is None else (tuple(leaves) if len(leaves) == 2 else leaves[0])
    results = flat(*module(fed, hx, **arguments))
    weighed = sum((r * torch.linspace(-1, 2, r.numel(), dtype=r.dtype).view(r.shape)).sum() for r in results)
    gradients = torch.autograd.grad(weighed, [data, *leaves, *module.parameters()])
    return [*results, *gradients]


def assert_same(theirs: list[Tensor], ours: list[Tensor], **tolerance) -> None:
    assert len(theirs) == len(ours)
    for expected, found in zip(theirs, ours, strict=True):
        torch.testing.assert_close(found, expected, **(tolerance or EXACT))


@pytest.fixture(params=["torch", "reference"])
def backend(request):
    with whorl.nn.backend(request.param):
        yield request.param


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    ("num_layers", "bidirectional", "bias"), list(itertools.product([1, 2], [False, True], [True, False]))
)
def test_outputs_states_and_all_gradients_are_those_of_torch(cell, num_layers, bidirectional, bias, backend):
    torch.manual_seed(0)
    theirs, ours = pair(cell, num_layers=num_layers, bidirectional=bidirectional, bias=bias)
    x, state = torch.randn(7, 4, 3, dtype=torch.float64), initial_state(theirs, 4)
    assert_same(everything(theirs, x, state), everything(ours, x, state))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("sizes", [(1, 1, 1, 3), (1, 3, 5, 4), (5, 1, 1, 3), (3, 5, 3, 3)])
def test_odd_sizes_without_an_initial_state(cell, sizes, backend):
    num_steps, batch_size, input_size, hidden_size = sizes
    theirs, ours = pair(cell, input_size, hidden_size)
    x = torch.randn(num_steps, batch_size, input_size, dtype=torch.float64)
    assert_same(everything(theirs, x, None), everything(ours, x, None))


@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
def test_batch_first_changes_the_layout_of_the_output_but_not_of_the_state(cell, backend):
    theirs, ours = pair(cell, batch_first=True, bidirectional=True)
    x, state = torch.randn(2, 7, 3, dtype=torch.float64), initial_state(theirs, 2)
    assert_same(everything(theirs, x, state), everything(ours, x, state))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("batch_first", [False, True])
def test_a_single_sequence_needs_no_batch_axis(cell, batch_first, backend):
    theirs, ours = pair(cell, batch_first=batch_first, num_layers=2)
    x, state = torch.randn(5, 3, dtype=torch.float64), [part[:, 0] for part in initial_state(theirs, 1)]
    assert_same(everything(theirs, x, state), everything(ours, x, state))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("lengths", [[5, 2, 4], [3, 3, 3], [5, 4, 1]])
def test_packed_sequences_come_in_and_go_out_as_in_torch(cell, lengths, backend):
    theirs, ours = pair(cell, num_layers=2, bidirectional=True)
    packed = pack_sequence([torch.randn(n, 3, dtype=torch.float64) for n in lengths], enforce_sorted=False)
    state = initial_state(theirs, 3)
    assert_same(everything(theirs, packed, state), everything(ours, packed, state))
    found, expected = ours(packed)[0], theirs(packed)[0]
    for name in ("batch_sizes", "sorted_indices", "unsorted_indices"):
        assert torch.equal(getattr(found, name), getattr(expected, name))


def test_sorted_packed_sequences_stay_without_indices(backend):
    theirs, ours = pair("GRU")
    packed = pack_sequence([torch.randn(n, 3, dtype=torch.float64) for n in (4, 4, 1)])
    assert_same(everything(theirs, packed, None), everything(ours, packed, None))
    assert ours(packed)[0].sorted_indices is None


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("batch_first", [False, True])
def test_lengths_mean_what_packing_means(cell, batch_first, backend):
    theirs, ours = pair(cell, bidirectional=True, num_layers=2, batch_first=batch_first)
    lengths = torch.tensor([2, 6, 1, 4])
    x = torch.randn(4, 6, 3, dtype=torch.float64) if batch_first else torch.randn(6, 4, 3, dtype=torch.float64)
    packed = pack_padded_sequence(x, lengths, batch_first=batch_first, enforce_sorted=False)
    expected, expected_state = theirs(packed)
    output, state = ours(x, lengths=lengths)
    again = pack_padded_sequence(output, lengths, batch_first=batch_first, enforce_sorted=False)
    assert_same(flat(expected, expected_state), flat(again, state))


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("cell", CELLS)
def test_single_precision_agrees_within_rounding(cell, backend):
    torch.manual_seed(1)
    theirs, ours = pair(cell, 5, 7, dtype=torch.float32, num_layers=2)
    x, state = torch.randn(9, 3, 5), initial_state(theirs, 3, torch.float32)
    # Gradients sum 27 steps in another order: measured 4e-6 on values up to 30.
    assert_same(everything(theirs, x, state), everything(ours, x, state), rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_weights_travel_both_ways_and_keep_names_order_and_shapes(cell):
    theirs, ours = pair(cell, num_layers=2, bidirectional=True)
    assert [(n, p.shape) for n, p in ours.named_parameters()] == [(n, p.shape) for n, p in theirs.named_parameters()]
    ours.reset_parameters()
    theirs.load_state_dict(ours.state_dict())
    for found, expected in zip(theirs.state_dict().values(), ours.state_dict().values(), strict=True):
        assert torch.equal(found, expected)


@pytest.mark.parametrize("cell", CELLS)
def test_a_seed_gives_the_initial_weights_of_torch(cell):
    name, options = {"relu": ("RNN", {"nonlinearity": "relu"}), "projected": ("LSTM", {"proj_size": 2})}.get(
        cell, (cell, {})
    )
    made = []
    for library in (torch.nn, whorl.nn):
        torch.manual_seed(3)
        made.append(getattr(library, name)(3, 5, num_layers=2, bidirectional=True, **options))
    for expected, found in zip(made[0].parameters(), made[1].parameters(), strict=True):
        assert torch.equal(expected, found)


@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
def test_dropout_between_layers_draws_the_masks_of_torch(cell, backend):
    theirs, ours = pair(cell, num_layers=3, dropout=0.4, bidirectional=True)
    x, results = torch.randn(6, 3, 3, dtype=torch.float64), []
    for module in (theirs, ours):
        torch.manual_seed(5)
        results.append(everything(module, x, None))
    assert_same(*results)
    assert not torch.equal(ours(x)[0], ours(x)[0])
    assert torch.equal(ours.eval()(x)[0], ours(x)[0])


def test_positional_arguments_stand_where_torch_has_them():
    rnn = whorl.nn.RNN(3, 5, 2, "relu", False, True, 0.5, True)
    assert rnn.nonlinearity == "relu"
    assert (rnn.num_layers, rnn.bias, rnn.batch_first, rnn.dropout, rnn.bidirectional) == (2, False, True, 0.5, True)
    gru = whorl.nn.GRU(3, 5, 2, False, True, 0.5, True)
    assert (gru.bias, gru.batch_first, gru.dropout, gru.bidirectional) == (False, True, 0.5, True)
    lstm = whorl.nn.LSTM(3, 5, 2, False, True, 0.5, True, 4, "cpu", torch.float64)
    assert lstm.weight_hr_l1_reverse.shape == (4, 5)
    assert lstm.weight_hr_l1_reverse.dtype == torch.float64


def test_a_projection_in_single_precision_gives_no_warning():
    layer = whorl.nn.LSTM(3, 5, proj_size=2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        layer(torch.zeros(2, 1, 3))
    assert not caught


def test_second_derivatives_are_right():
    torch.manual_seed(0)
    for cell in ("RNN", "GRU", "LSTM"):
        _, ours = pair(cell, 2, 2, bidirectional=True)
        x = torch.randn(3, 2, 2, dtype=torch.float64, requires_grad=True)
        with whorl.nn.backend("reference"):
            assert torch.autograd.gradgradcheck(
                lambda x, ours=ours: ours(x, lengths=[3, 1])[0], (x,), gen_non_contig_grad_outputs=True
            )
