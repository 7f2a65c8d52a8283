"""Native layers and what else torch does with a module: export, trace, transform, batch, autocast.

Axes: B batch, T time, D features.
"""

import pytest
import torch
from tests.threads import in_threads
from tests.unit.nn.layers import KINDS, layer_of, values_and_gradients, x_of
from torch import Tensor, nn
from torch.func import functional_call, grad, jvp, vmap
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.utils import parametrizations, prune
from torch.utils.flop_counter import FlopCounterMode

import whorl.nn
from whorl.errors import ArgumentError


def backend_of(layer, x, **arguments) -> str:
    return whorl.nn.explain(layer, x, measure=False, **arguments).backend


# What must run without native code, or be refused


def test_exported_programs_run_without_whorl():
    layer, x = layer_of(), x_of()
    program = torch.export.export(layer, (x,))
    assert not any("whorl" in str(node.target) for node in program.graph.nodes)
    torch.testing.assert_close(program.module()(x)[0], layer(x)[0], rtol=0, atol=2e-6)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore:.*jit.*:DeprecationWarning")
def test_traced_modules_run_without_whorl():
    layer, x = layer_of(), x_of()
    traced = torch.jit.trace(layer, (x,))
    assert "whorl::" not in str(traced.graph)
    other = x_of(9, 4, 3)
    torch.testing.assert_close(traced(other)[0], layer(other)[0], rtol=0, atol=2e-6)


def test_graphs_of_make_fx_hold_the_operations():
    layer, x = layer_of(), x_of()
    graph = make_fx(lambda x: layer(x)[0])(x)
    torch.testing.assert_close(graph(x + 1.0), layer(x + 1.0)[0], rtol=0, atol=2e-6)


# torch's own LSTM is slow there.
@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_each_sample_by_torch_func_are_those_of_a_loop(kind):
    layer, x = layer_of(kind), x_of()
    weights = {name: parameter.detach() for name, parameter in layer.named_parameters()}

    def loss(weights, x):
        return functional_call(layer, weights, (x,))[0].square().sum()

    together = vmap(grad(loss), (None, 1))(weights, x)
    for row in range(4):
        alone = torch.autograd.grad(layer(x[:, row])[0].square().sum(), list(layer.parameters()))
        for found, expected in zip(together.values(), alone, strict=True):
            torch.testing.assert_close(found[row], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # torch's forward mode calls it
def test_forward_mode_gradients_agree_with_backward_ones():
    layer, x, way = layer_of(), x_of(), torch.ones(6, 4, 3)
    _, tangent = jvp(lambda x: layer(x)[0], (x,), (way,))
    x = x.requires_grad_()
    (slope,) = torch.autograd.grad(layer(x)[0].sum(), x)
    torch.testing.assert_close(tangent.sum(), (slope * way).sum(), rtol=1e-5, atol=1e-5)
    with torch.autograd.forward_ad.dual_level():
        assert backend_of(layer, x_of()) == "torch"


def test_many_gradients_at_once_are_those_of_a_loop():
    layer, x = layer_of(), x_of().requires_grad_()
    output, _ = layer(x)
    seeds = torch.randn(3, *output.shape)
    together = torch.autograd.grad(output, x, seeds, is_grads_batched=True, retain_graph=True)[0]
    for seed, found in zip(seeds, together, strict=True):
        (expected,) = torch.autograd.grad(output, x, seed, retain_graph=True)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def in_autocast(layer, x):
    with torch.autocast("cpu", torch.bfloat16):
        return layer(x)


def in_dispatch_mode(layer, x):
    with FlopCounterMode(display=False) as counter:
        found = layer(x)
    assert counter.get_total_flops() > 0
    return found


class Labelled(Tensor):
    """A subclass that does nothing."""


REFUSED = {
    "float64": (lambda layer, x: layer.double()(x.double()), "not on cpu in float64"),
    "bfloat16": (lambda layer, x: layer.bfloat16()(x.bfloat16()), "not on cpu in bfloat16"),
    "no memory": (lambda layer, x: layer.to("meta")(x.to("meta")), "not on meta in float32"),
    "autocast": (in_autocast, "autocast"),
    "a dispatch mode": (in_dispatch_mode, "a torch dispatch mode must see every operation"),
    "a subclass": (lambda layer, x: layer(x.as_subclass(Labelled)), "reads plain tensors, not a Labelled"),
    "torch.func": (lambda layer, x: grad(lambda x: layer(x)[0].sum())(x), "cannot be transformed by torch.func"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_native_code_cannot_do_runs_elsewhere_and_is_refused_where_it_is_forced(case):
    run, reason = REFUSED[case]
    run(layer_of(), x_of())
    with whorl.nn.backend("native"), pytest.raises(ArgumentError, match=rf"`backend\('native'\)` must be.*{reason}"):
        run(layer_of(), x_of())


# What users make of a module


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: parametrizations.weight_norm(layer, "weight_hh_l0"),
        lambda layer: parametrizations.spectral_norm(layer, "weight_hh_l0"),
        lambda layer: prune.random_unstructured(layer, "weight_hh_l0", 0.5),
    ],
    ids=["weight norm", "spectral norm", "pruned"],
)
def test_weights_that_are_computed_learn_through_native_code(change):
    torch.manual_seed(0)
    layer, x, grads = change(layer_of()).eval(), x_of(), []
    assert backend_of(layer, x) == "native"
    for name in ("native", "reference"):
        with whorl.nn.backend(name):
            grads.append(torch.autograd.grad(layer(x)[0].square().sum(), list(layer.parameters())))
    for found, expected in zip(*grads, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_one_layer_is_called_from_many_threads_at_once():
    layer, x = layer_of(whorl.nn.LSTM, num_layers=2), x_of(40, 16, 3)
    expected = values_and_gradients(layer, layer, x)

    def work(_):
        for _ in range(20):
            found = values_and_gradients(layer, layer, x)
            assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))

    in_threads(4, work)


def test_a_layer_inside_other_modules_trains_them():
    torch.manual_seed(0)

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.before, self.core, self.after = nn.Linear(3, 3), whorl.nn.GRU(3, 5), nn.Linear(5, 1)

        def forward(self, x):
            return self.after(self.core(self.before(x))[0])

    reader, grads = Reader(), []
    for name in ("native", "reference"):
        with whorl.nn.backend(name):
            grads.append(torch.autograd.grad(reader(x_of()).square().sum(), list(reader.parameters())))
    for found, expected in zip(*grads, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
