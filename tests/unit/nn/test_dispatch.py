"""Which backend runs, and that `explain` tells it."""

import contextvars
import threading
from dataclasses import replace

import pytest
import torch
from torch.nn.utils.rnn import pack_sequence

import whorl.nn
from whorl.errors import ArgumentError
from whorl.ops import dispatch

NOTHING_RESET = torch.zeros(4, 2, dtype=torch.bool)


@pytest.fixture
def ran(monkeypatch):
    """The names of the backends that run, in order."""
    names: list[str] = []

    def spy(backend):
        def run(call):
            names.append(backend.name)
            return backend.run(call)

        return replace(backend, run=run)

    monkeypatch.setattr(dispatch, "BACKENDS", tuple(spy(backend) for backend in dispatch.BACKENDS))
    return names


# Arguments of the module, of its call, and which backends can run it in float32, the first of them by choice.
CASES = {
    "plain": ({}, {}, ["native", "torch", "reference"]),
    "equal lengths": ({}, {"lengths": [4, 4]}, ["native", "torch", "reference"]),
    "unequal lengths": ({}, {"lengths": [4, 1]}, ["native", "torch", "reference"]),
    "an empty sequence": ({}, {"lengths": [4, 0]}, ["native", "reference"]),
    "resets": ({}, {"resets": NOTHING_RESET}, ["native", "reference"]),
    "layer norm": ({"layer_norm": True}, {}, ["native", "reference"]),
    "zoneout": ({"zoneout": 0.1}, {}, ["native", "reference"]),
    "recurrent dropout": ({"recurrent_dropout": 0.1}, {}, ["native", "reference"]),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", [whorl.nn.RNN, whorl.nn.GRU, whorl.nn.LSTM])
def test_explain_names_the_backend_that_runs(case, kind, dtype, ran):
    options, arguments, able = CASES[case]
    if dtype == torch.float64:
        able = able[1:]
    layer, x = kind(3, 5, dtype=dtype, **options), torch.randn(4, 2, 3, dtype=dtype)
    decision = whorl.nn.explain(layer, x, **arguments, measure=False)
    layer(x, **arguments)
    assert [decision.backend] == ran == able[:1]
    assert {rejection.backend for rejection in decision.rejected} == {"native", "torch", "reference"} - {able[0]}
    for rejection in decision.rejected:
        assert (rejection.reason == f"{able[0]!r} is preferred") == (rejection.backend in able)


def test_recurrent_dropout_is_no_obstacle_to_torch_in_evaluation():
    layer = whorl.nn.GRU(3, 5, recurrent_dropout=0.1, dtype=torch.float64)
    x = torch.zeros(4, 2, 3, dtype=torch.float64)
    assert whorl.nn.explain(layer, x, measure=False).backend == "reference"
    assert whorl.nn.explain(layer.eval(), x, measure=False).backend == "torch"


def reasons(decision: whorl.nn.Decision) -> dict[str, str]:
    return {rejection.backend: rejection.reason for rejection in decision.rejected}


def test_the_reason_says_what_stands_in_the_way():
    layer = whorl.nn.GRU(3, 5, dtype=torch.float64)
    x = torch.zeros(4, 2, 3, dtype=torch.float64)
    found = reasons(whorl.nn.explain(layer, x, resets=NOTHING_RESET, measure=False))
    assert found["torch"] == "torch cannot reset the state inside a sequence"
    assert found["native"] == "native code runs on a CPU in float32, not on cpu in float64"


@pytest.mark.parametrize("name", ["native", "torch", "reference"])
def test_a_forced_backend_runs_and_is_explained(name, ran):
    layer, x = whorl.nn.GRU(3, 5), torch.randn(4, 2, 3)
    with whorl.nn.backend(name):
        decision = whorl.nn.explain(layer, x, measure=False)
        layer(x)
    assert [decision.backend] == ran == [name]
    assert set(reasons(decision).values()) == {f"{name!r} is forced"}
    layer(x)
    assert ran == [name, "native"]


def test_a_forced_backend_holds_for_its_own_thread():
    layer, x, found = whorl.nn.GRU(3, 5), torch.randn(4, 2, 3), []
    with whorl.nn.backend("reference"):
        thread = threading.Thread(target=lambda: found.append(whorl.nn.explain(layer, x, measure=False).backend))
        thread.start()
        thread.join()
    assert found == ["native"]


# Few steps with large weights, which native code would have to lay out anew; and training on one or two steps.
WHERE_TORCH_WINS = {
    "a large GRU, one step": (whorl.nn.GRU, 256, 1, False),
    "a large RNN, four steps": (whorl.nn.RNN, 256, 4, False),
    "a large GRU in training": (whorl.nn.GRU, 256, 2, True),
    "an RNN in training, two steps": (whorl.nn.RNN, 16, 2, True),
}


@pytest.mark.parametrize("case", WHERE_TORCH_WINS)
def test_torch_runs_what_it_is_faster_at_unless_it_cannot(case, ran):
    kind, size, steps, learns = WHERE_TORCH_WINS[case]
    layer, x = kind(size, size), torch.zeros(steps, 2, size)
    with torch.set_grad_enabled(learns):
        decision = whorl.nn.explain(layer, x, measure=False)
        layer(x)
        assert [decision.backend] == ran == ["torch"]
        assert reasons(decision)["native"].startswith("torch is faster")
        with whorl.nn.backend("native"):
            layer(x)
        layer(x, resets=torch.zeros(steps, 2, dtype=torch.bool))
        layer(x.expand(steps, 2, size).repeat(40, 1, 1))
        assert ran == ["torch", "native", "native", "native"]


def test_a_forced_backend_that_cannot_run_the_call_is_an_error():
    layer = whorl.nn.GRU(3, 5, layer_norm=True)
    with whorl.nn.backend("torch"), pytest.raises(ArgumentError, match="layer norm"):
        layer(torch.zeros(4, 2, 3))


def test_an_unknown_backend_is_an_error_that_suggests_the_known_one():
    with pytest.raises(ArgumentError, match="Did you mean 'reference'"), whorl.nn.backend("refrence"):
        pass


def test_explain_measures_what_could_run_and_only_that():
    layer, x = whorl.nn.GRU(3, 5), torch.randn(4, 2, 3)
    decision = whorl.nn.explain(layer, x)
    assert decision.cost_ms > 0
    assert all(rejection.cost_ms > 0 for rejection in decision.rejected)
    assert decision == whorl.nn.explain(layer, x, measure=False)
    costs = {one.backend: one.cost_ms for one in whorl.nn.explain(layer, x, resets=NOTHING_RESET).rejected}
    assert costs["reference"] > 0
    assert costs["torch"] is None


def test_measuring_leaves_gradients_and_random_numbers_alone():
    layer, x = whorl.nn.LSTM(3, 5, recurrent_dropout=0.5), torch.randn(4, 2, 3, requires_grad=True)
    before = torch.get_rng_state()
    whorl.nn.explain(layer, x)
    assert torch.equal(torch.get_rng_state(), before)
    assert x.grad is None
    assert all(parameter.grad is None for parameter in layer.parameters())


def test_explain_reads_packed_sequences_and_cores():
    packed = pack_sequence([torch.zeros(4, 3), torch.zeros(1, 3)])
    assert whorl.nn.explain(whorl.nn.GRU(3, 5), packed, measure=False).backend == "native"
    core = whorl.nn.RecurrentCore("lstm", 3, 5, zoneout=0.1).double()
    assert whorl.nn.explain(core, torch.zeros(2, 4, 3).double(), measure=False).backend == "reference"


def test_blocks_of_tasks_that_end_in_another_order_leave_nothing_forced():
    graphs = []

    def compiler(graph, _):
        graphs.append([str(node.target) for node in graph.graph.nodes if "whorl" in str(node.target)])
        return graph.forward

    layer, x = whorl.nn.GRU(3, 5), torch.randn(4, 2, 3)
    tasks = [(contextvars.copy_context(), whorl.nn.backend(name)) for name in ("reference", "native")]
    for task, block in tasks:
        task.run(block.__enter__)
    tasks[0][0].run(tasks[0][1].__exit__, None, None, None)
    torch.compile(layer, backend=compiler)(x)
    tasks[1][0].run(tasks[1][1].__exit__, None, None, None)
    assert dispatch._open_blocks == []
    assert dispatch._forced_in_graphs is None
    assert graphs[0]  # the native one was still forced


@pytest.mark.parametrize("asked", ["input", "state"])
def test_a_frozen_layer_that_passes_gradients_on_is_measured_with_its_backward_pass(asked, monkeypatch):
    layer, x, h = whorl.nn.GRU(3, 5).requires_grad_(False), torch.randn(4, 2, 3), torch.zeros(1, 2, 5)
    learned, found = x if asked == "input" else h, []
    learned.requires_grad_()
    grad = torch.autograd.grad

    def spy(output, leaves, **options):
        found.append((leaves, grad(output, leaves, **options)))

    monkeypatch.setattr(torch.autograd, "grad", spy)
    call = layer.call(x, (h,))
    dispatch.measure(dispatch.decide(call), call, repeats=1)
    assert found
    for leaves, gradients in found:
        assert len(leaves) == 1
        assert gradients[0].shape == learned.shape


def test_a_cell_that_nobody_else_knows_runs_on_the_reference():
    layer = whorl.nn.GRU(3, 5)
    call = replace(layer.call(torch.randn(4, 2, 3), (torch.zeros(1, 2, 5),)), cell="minimal")
    assert dispatch.choose(call).name == "reference"
    reasons = [backend.refuse(call) for backend in dispatch.BACKENDS if backend.name != "reference"]
    assert all(reason is not None and "'minimal'" in reason for reason in reasons)
