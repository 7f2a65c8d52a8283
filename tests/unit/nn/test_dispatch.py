"""Which backend runs, and that `explain` tells it."""

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


CASES = {
    "plain": ("torch", {}, {}),
    "equal lengths": ("torch", {}, {"lengths": [4, 4]}),
    "unequal lengths": ("torch", {}, {"lengths": [4, 1]}),
    "an empty sequence": ("reference", {}, {"lengths": [4, 0]}),
    "resets": ("reference", {}, {"resets": NOTHING_RESET}),
    "layer norm": ("reference", {"layer_norm": True}, {}),
    "zoneout": ("reference", {"zoneout": 0.1}, {}),
    "recurrent dropout": ("reference", {"recurrent_dropout": 0.1}, {}),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", [whorl.nn.RNN, whorl.nn.GRU, whorl.nn.LSTM])
def test_explain_names_the_backend_that_runs(case, kind, ran):
    expected, options, arguments = CASES[case]
    layer, x = kind(3, 5, **options), torch.randn(4, 2, 3)
    decision = whorl.nn.explain(layer, x, **arguments, measure=False)
    layer(x, **arguments)
    assert [decision.backend] == ran == [expected]
    assert [rejection.backend for rejection in decision.rejected] == [
        {"torch": "reference", "reference": "torch"}[expected]
    ]


def test_recurrent_dropout_is_no_obstacle_in_evaluation():
    layer = whorl.nn.GRU(3, 5, recurrent_dropout=0.1)
    assert whorl.nn.explain(layer, torch.zeros(4, 2, 3), measure=False).backend == "reference"
    assert whorl.nn.explain(layer.eval(), torch.zeros(4, 2, 3), measure=False).backend == "torch"


def test_the_reason_says_what_stands_in_the_way():
    decision = whorl.nn.explain(whorl.nn.GRU(3, 5), torch.zeros(4, 2, 3), resets=NOTHING_RESET, measure=False)
    assert decision.rejected[0].reason == "torch cannot reset the state inside a sequence"


@pytest.mark.parametrize("name", ["torch", "reference"])
def test_a_forced_backend_runs_and_is_explained(name, ran):
    layer, x = whorl.nn.GRU(3, 5), torch.randn(4, 2, 3)
    with whorl.nn.backend(name):
        decision = whorl.nn.explain(layer, x, measure=False)
        layer(x)
    assert [decision.backend] == ran == [name]
    assert decision.rejected[0].reason == f"{name!r} is forced"
    layer(x)
    assert ran == [name, "torch"]


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
    assert decision.cost_ms is not None
    assert decision.cost_ms > 0
    assert decision.rejected[0].cost_ms > 0
    assert decision == whorl.nn.explain(layer, x, measure=False)
    refused = whorl.nn.explain(layer, x, resets=NOTHING_RESET)
    assert refused.cost_ms > 0
    assert refused.rejected[0].cost_ms is None


def test_measuring_leaves_gradients_and_random_numbers_alone():
    layer, x = whorl.nn.LSTM(3, 5, recurrent_dropout=0.5), torch.randn(4, 2, 3, requires_grad=True)
    before = torch.get_rng_state()
    whorl.nn.explain(layer, x)
    assert torch.equal(torch.get_rng_state(), before)
    assert x.grad is None
    assert all(parameter.grad is None for parameter in layer.parameters())


def test_explain_reads_packed_sequences_and_cores():
    packed = pack_sequence([torch.zeros(4, 3), torch.zeros(1, 3)])
    assert whorl.nn.explain(whorl.nn.GRU(3, 5), packed, measure=False).backend == "torch"
    core = whorl.nn.RecurrentCore("lstm", 3, 5, zoneout=0.1)
    assert whorl.nn.explain(core, torch.zeros(2, 4, 3), measure=False).backend == "reference"
