"""What does not fit together is refused before native code reads its memory."""

import numpy as np
import pytest
import torch
from torch.nn import Parameter

import whorl.nn
from whorl import _native
from whorl.errors import ArgumentError
from whorl.ops.call import Weights
from whorl.ops.native_bounds import check_layer

# A weight of each kind, in another shape.
WRONG = {
    "weight_ih_l0": (20, 2),
    "weight_hh_l0": (32, 8),
    "bias_ih_l0": (19,),
    "bias_hh_l0": (5,),
    "norm_weight_ih_l0": (5,),
    "norm_weight_hh_l0": (21,),
    "norm_weight_c_l0": (4,),
    "norm_bias_c_l0": (20,),
}


def layer_of():
    torch.manual_seed(0)
    return whorl.nn.LSTM(3, 5, layer_norm=True)


@pytest.fixture(autouse=True)
def forced():
    with whorl.nn.backend("native"):
        yield


@pytest.mark.parametrize("learns", [False, True])
@pytest.mark.parametrize("name", WRONG)
def test_a_weight_of_another_shape_is_an_error(name, learns):
    layer = layer_of()
    setattr(layer, name, Parameter(torch.randn(WRONG[name])))
    with torch.set_grad_enabled(learns), pytest.raises(ArgumentError, match=r"must have shape|a state must be"):
        layer(torch.randn(4, 2, 3))


def test_a_projection_of_another_shape_is_an_error():
    layer = whorl.nn.LSTM(3, 5, proj_size=2)
    layer.weight_hr_l0 = Parameter(torch.randn(2, 6))
    with pytest.raises(ArgumentError, match="`weight_hr` must have shape"):
        layer(torch.randn(4, 2, 3))


def test_a_weight_whose_memory_was_freed_is_an_error():
    layer = layer_of()
    layer.weight_hh_l0.data.untyped_storage().resize_(0)
    with torch.no_grad(), pytest.raises(ArgumentError, match="has no memory any more"):
        layer(torch.randn(4, 2, 3))


@pytest.mark.parametrize("change", [lambda kept: kept.half(), lambda kept: kept[..., :1]])
def test_saved_tensors_that_come_back_otherwise_are_an_error(change):
    layer = layer_of()
    with torch.autograd.graph.saved_tensors_hooks(lambda kept: kept, lambda kept: change(kept) if kept.dim() else kept):
        output, _ = layer(torch.randn(4, 2, 3))
    with pytest.raises(ArgumentError, match=r"native code reads float32|must have shape|must be a contiguous"):
        output.sum().backward()


def test_a_compiled_graph_checks_too():
    layer, x = layer_of(), torch.randn(4, 2, 3)
    expected, _ = layer(x)
    compiled = torch.compile(layer, fullgraph=True, backend="eager")
    assert torch.equal(compiled(x)[0], expected)
    with pytest.raises(ArgumentError, match="native code reads float32"):
        torch.ops.whorl.scan(
            "gru", False, 0.0, False, [True] * 2 + [False] * 12, x.double(), [torch.zeros(2, 5).double()],
            [torch.zeros(15, 3), torch.zeros(15, 5)], [],
        )  # fmt: skip


def test_lengths_and_resets_may_change_after_the_forward_pass():
    layer, x = layer_of(), torch.randn(6, 2, 3, requires_grad=True)
    lengths, resets = np.array([6, 3]), np.zeros((6, 2), bool)
    resets[2] = True
    grads = []
    for changes in (False, True):
        own_lengths, own_resets = lengths.copy(), resets.copy()
        output, _ = layer(x, lengths=torch.from_numpy(own_lengths), resets=torch.from_numpy(own_resets))
        if changes:
            own_lengths[:], own_resets[:] = 1000, False
        grads.append(torch.autograd.grad(output.sum(), x)[0])
    assert torch.equal(*grads)


def test_a_weight_that_is_a_negative_view_is_read_with_its_sign():
    layer, x = whorl.nn.RNN(3, 1), torch.randn(4, 2, 3)
    weights = dict(layer.named_parameters())
    turned = weights | {"weight_ih_l0": torch._neg_view(weights["weight_ih_l0"].detach().neg())}
    with torch.no_grad():
        assert torch.equal(torch.func.functional_call(layer, turned, x)[0], layer(x)[0])


@pytest.mark.parametrize("cell", ["rnn_tanh", "rnn_relu", "gru"])
def test_a_projection_of_a_cell_without_c_is_an_error(cell):
    rows = _native.CELLS[cell][0] * 5
    sizes = [(rows, 3), (rows, 2), (rows,), (rows,), (2, 5)]
    weights = Weights(*map(torch.randn, sizes))
    with pytest.raises(ArgumentError, match="`weight_hr` projects h, which only a cell that keeps a c"):
        check_layer(cell, _native.CELLS[cell][0], weights, torch.randn(4, 2, 3))
