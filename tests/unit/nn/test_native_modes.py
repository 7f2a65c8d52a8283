"""Native layers and what else torch does with a module: compile, export, trace, transform, batch, autocast.

Axes: B batch, T time, D features.
"""

import threading

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, jvp, vmap
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.utils import parametrizations, prune
from torch.utils.flop_counter import FlopCounterMode

import whorl.nn
from whorl.errors import ArgumentError
from whorl.ops import native_compiled

KINDS = [whorl.nn.RNN, whorl.nn.GRU, whorl.nn.LSTM]


@pytest.fixture(autouse=True)
def compile_afresh():
    yield
    torch.compiler.reset()


def layer_of(kind=whorl.nn.GRU, **options) -> whorl.nn.GRU:
    torch.manual_seed(0)
    return kind(3, 5, **options)


def x_of(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*(shape or (6, 4, 3)), generator=torch.Generator().manual_seed(1)).to(dtype)


def backend_of(layer, x, **arguments) -> str:
    return whorl.nn.explain(layer, x, measure=False, **arguments).backend


# torch.compile


class Graphs:
    """A backend of torch.compile that runs graphs as they are and notes which operators of whorl are in them."""

    def __init__(self):
        self.found: list[set[str]] = []

    def __call__(self, module, inputs):
        self.found.append({str(node.target) for node in module.graph.nodes if "whorl" in str(node.target)})
        return module


COMPILED = {
    "plain": ({}, {}),
    "two layers both ways": ({"num_layers": 2, "bidirectional": True, "dropout": 0.5}, {}),
    "layer norm": ({"layer_norm": True}, {}),
    "recurrent dropout": ({"recurrent_dropout": 0.3}, {}),
    "zoneout": ({"zoneout": 0.3}, {}),
    "lengths": ({}, {"lengths": torch.tensor([6, 0, 2, 3])}),
    "a list of lengths": ({}, {"lengths": [6, 0, 2, 3]}),
    "lengths and resets": ({"zoneout": 0.3}, {"lengths": torch.tensor([6, 0, 2, 3]), "resets": torch.ones(6, 4) > 0}),
}


def values_and_gradients(run, layer, x, **arguments):
    x = x.clone().requires_grad_()
    torch.manual_seed(5)
    output, state = run(x, **arguments)
    parts = state if isinstance(state, tuple) else (state,)
    loss = output.square().sum() + sum(part.sin().sum() for part in parts)
    return [output, *parts, *torch.autograd.grad(loss, [x, *layer.parameters()])]


@pytest.mark.parametrize("case", COMPILED)
def test_compiled_layers_have_no_graph_break_and_the_same_bits(case):
    options, arguments = COMPILED[case]
    kind = KINDS[len(case) % 3]  # each case on one cell: compiling is slow
    graphs, layer = Graphs(), layer_of(kind, **options)
    compiled = torch.compile(layer, fullgraph=True, backend=graphs)
    found = values_and_gradients(compiled, layer, x_of(), **arguments)
    expected = values_and_gradients(layer, layer, x_of(), **arguments)
    assert len(graphs.found) == 1
    assert len(graphs.found[0]) == 1  # whorl::scan
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated")  # inductor's imports call it
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
@pytest.mark.parametrize("case", COMPILED)
@pytest.mark.parametrize("kind", KINDS)
def test_compiled_layers_agree_with_eager_ones_on_every_cell(kind, case, backend):
    options, arguments = COMPILED[case]
    layer = layer_of(kind, **options)
    if backend == "inductor" and ("dropout" in case or "zoneout" in options or "dropout" in options):
        layer.eval()  # inductor has a generator of its own
    found = values_and_gradients(torch.compile(layer, fullgraph=True, backend=backend), layer, x_of(), **arguments)
    expected = values_and_gradients(layer, layer, x_of(), **arguments)
    for one, other in zip(found, expected, strict=True):
        # Of the graphs around the operator inductor makes other sums.
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("steps", [6, 0])
@pytest.mark.parametrize("frozen", [(), ("weight_hh_l0", "bias_ih_l0"), ("weight_ih_l0", "weight_hr_l0")])
@pytest.mark.parametrize("learns_x", [True, False])
def test_compiled_layers_learn_what_is_asked_of_them(frozen, learns_x, steps):
    graphs, layer = Graphs(), layer_of(whorl.nn.LSTM, proj_size=2)
    for name in frozen:
        layer.get_parameter(name).requires_grad_(False)
    x = x_of()[:steps].clone().requires_grad_(learns_x)
    learning = [tensor for tensor in (x, *layer.parameters()) if tensor.requires_grad]
    found = []
    for run in (layer, torch.compile(layer, fullgraph=True, backend=graphs)):
        output, (h, c) = run(x)
        found.append([output, h, c, *torch.autograd.grad(output.square().sum() + h.sum() + c.sin().sum(), learning)])
    assert [len(names) for names in graphs.found] == [1]
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


def test_a_compiled_layer_does_without_gradients():
    layer, x = layer_of(), x_of()
    with torch.no_grad():
        output, _ = torch.compile(layer, fullgraph=True, backend="aot_eager")(x)
    assert torch.equal(output, layer(x)[0])


def test_one_graph_serves_every_length_of_a_sequence():
    graphs, layer = Graphs(), layer_of()
    compiled = torch.compile(layer, fullgraph=True, backend=graphs, dynamic=True)
    for steps in (7, 8, 11):  # a size that another axis has would be taken for that one
        assert torch.equal(compiled(x_of(steps, 4, 3))[0], layer(x_of(steps, 4, 3))[0])
    assert len(graphs.found) == 1


def test_a_forced_backend_is_obeyed_in_a_graph_that_exists_already():
    graphs, layer, x = Graphs(), layer_of(), x_of()
    compiled = torch.compile(layer, fullgraph=True, backend=graphs)
    native, _ = compiled(x)
    with whorl.nn.backend("reference"):
        plain, _ = compiled(x)
    assert [bool(names) for names in graphs.found] == [True, False]
    torch.testing.assert_close(plain, native, rtol=0, atol=2e-6)
    compiled(x)
    assert len(graphs.found) == 2


def test_lengths_that_do_not_fit_are_an_error_when_the_graph_runs():
    compiled = torch.compile(layer_of(), fullgraph=True, backend="eager")
    compiled(x_of(), lengths=torch.tensor([6, 0, 2, 3]))
    for lengths, told in (([7, 1, 1, 1], "from 1 to 7"), ([-1, 1, 1, 1], "from -1 to 1")):
        with pytest.raises(ArgumentError, match=f"`lengths` must lie within 0 and the 6 steps.*goes {told}"):
            compiled(x_of(), lengths=torch.tensor(lengths))


@pytest.mark.parametrize("arguments", [{}, COMPILED["lengths and resets"][1]])
def test_what_native_code_refuses_compiles_without_a_graph_break_too(arguments):
    graphs, layer = Graphs(), layer_of(dtype=torch.float64)
    compiled = torch.compile(layer, fullgraph=True, backend=graphs)
    x = x_of(dtype=torch.float64)
    torch.testing.assert_close(compiled(x, **arguments)[0], layer(x, **arguments)[0])
    assert graphs.found == [set()]


def test_the_operators_keep_the_rules_of_torch_library():
    layer = layer_of(whorl.nn.LSTM, layer_norm=True)
    (weights,) = layer.weights()
    learning = [x_of().requires_grad_(), [torch.zeros(4, 5, requires_grad=True) for _ in range(2)]]
    there = [weight is not None for weight in weights] + [False] * 5
    known = [weight for weight in weights if weight is not None]
    torch.library.opcheck(native_compiled.forward, ("lstm", False, 0.0, True, there, *learning, known, []))
    given = [x_of(), [torch.zeros(4, 5) for _ in range(2)], [weight.detach() for weight in known], []]
    output, *final, saved = native_compiled.forward("lstm", False, 0.0, True, there, *given)
    for wanted in ([True] * 10, [False, True] * 5):
        grads = (torch.ones_like(output), [torch.ones_like(part) for part in final])
        x, _, weights_alone, _ = given
        arguments = ("lstm", False, 0.0, there, x, weights_alone, [], saved, *grads, wanted)
        torch.library.opcheck(native_compiled.backward, arguments)


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
    wrong = []

    def work():
        for _ in range(20):
            found = values_and_gradients(layer, layer, x)
            wrong.extend(one for one, other in zip(found, expected, strict=True) if not torch.equal(one, other))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


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
