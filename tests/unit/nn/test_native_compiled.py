"""Native layers in torch.compile: one operator in one graph, and the bits of eager mode.

Axes: B batch, T time, D features.
"""

import pytest
import torch
from tests.unit.nn.layers import KINDS, layer_of, values_and_gradients, x_of

import whorl.nn
from whorl.errors import ArgumentError
from whorl.ops import native_compiled


@pytest.fixture(autouse=True)
def compile_afresh():
    yield
    torch.compiler.reset()


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
    "projection": ({"proj_size": 2}, {}),
    "projection, layer norm, lengths": ({"proj_size": 2, "layer_norm": True}, {"lengths": torch.tensor([6, 0, 2, 3])}),
    "lengths and resets": ({"zoneout": 0.3}, {"lengths": torch.tensor([6, 0, 2, 3]), "resets": torch.ones(6, 4) > 0}),
}


def kinds_of(case):
    return [whorl.nn.LSTM] if "proj_size" in COMPILED[case][0] else KINDS


@pytest.mark.parametrize("case", COMPILED)
def test_compiled_layers_have_no_graph_break_and_the_same_bits(case):
    options, arguments = COMPILED[case]
    kinds = kinds_of(case)
    kind = kinds[len(case) % len(kinds)]  # each case on one cell: compiling is slow
    graphs, layer = Graphs(), layer_of(kind, **options)
    compiled = torch.compile(layer, fullgraph=True, backend=graphs)
    found = values_and_gradients(compiled, layer, x_of(), **arguments)
    expected = values_and_gradients(layer, layer, x_of(), **arguments)
    checks = {"whorl.checked_lengths.default"} if "lengths" in arguments else set()
    assert graphs.found == [{"whorl.scan.default"} | checks]
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated")  # inductor's imports call it
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
@pytest.mark.parametrize(("kind", "case"), [(kind, case) for case in COMPILED for kind in kinds_of(case)])
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


@pytest.mark.parametrize("kind", KINDS)
def test_compiled_layers_read_no_steps_no_sequences_and_one_of_each(kind):
    layer = layer_of(kind)
    for shape in ((0, 4, 3), (6, 0, 3), (1, 1, 3)):
        graphs = Graphs()
        compiled = torch.compile(layer, fullgraph=True, backend=graphs, dynamic=False)
        with whorl.nn.backend("native"):
            found = values_and_gradients(compiled, layer, x_of(*shape))
            expected = values_and_gradients(layer, layer, x_of(*shape))
        assert [len(names) for names in graphs.found] == [1]
        for one, other in zip(found, expected, strict=True):
            assert torch.equal(one, other)
        torch.compiler.reset()


@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives_of_a_compiled_layer_are_refused(kind):
    layer, x = layer_of(kind), x_of().requires_grad_()
    output, _ = torch.compile(layer, fullgraph=True, backend=Graphs())(x)
    (slope,) = torch.autograd.grad(output.square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="no autograd formula was registered"):
        torch.autograd.grad(slope.square().sum(), x)


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
    assert graphs.found == [{"whorl.checked_lengths.default"} if arguments else set()]


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
