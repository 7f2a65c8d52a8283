"""A program replayed in torch answers as the interpreter does, with the gradients of the network that emitted it."""

import numpy as np
import pytest
import torch
from tests.laws.networks import NETWORKS
from tests.laws.programs import BY_HAND

from whorl.errors import ArgumentError
from whorl.nn.replay import Replay
from whorl.plans.wiring import Sequences
from whorl.runtime import operations as ops
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.program import Program

BUILT = {name: build() for name, build in BY_HAND.items()}


def inputs_of(program, count=3, steps=6, seed=0):
    random = np.random.default_rng(seed)
    return {
        op.out: random.standard_normal((count, *(() if op.static else (steps,)), *op.shape)).astype(np.float32)
        for op in program.inputs
    }


@pytest.mark.parametrize("name", [name for name, program in BUILT.items() if name != "looped"])
def test_a_replay_answers_as_the_interpreter_does(name):
    program = BUILT[name]
    given = inputs_of(program)
    found = Replay(program).run({key: torch.from_numpy(x) for key, x in given.items()})
    wanted = Interpreter(program).trace(given, list(program.shapes))
    for value in program.shapes:
        np.testing.assert_allclose(
            found.values[value].detach().numpy(), wanted[value], atol=3e-5, rtol=1e-4, err_msg=value
        )
    for op in program.operations:
        if isinstance(op, ops.Recurrent):
            assert len(found.states[op.out]) == (program.shapes[op.x][-2] if op.over == "value" else 6)


@pytest.mark.parametrize("name", [name for name, program in BUILT.items() if name != "looped"])
def test_the_last_step_alone_is_the_last_of_all(name):
    program = BUILT[name]
    given = {key: torch.from_numpy(x) for key, x in inputs_of(program).items()}
    every, last = Replay(program).run(given), Replay(program).run(given, last=True)
    torch.testing.assert_close(last.output[:, -1], every.output[:, -1])
    assert last.states.keys() == every.states.keys()


@pytest.mark.parametrize("name", [name for name in NETWORKS if "sequence" in name and "both ways" not in name])
def test_gradients_are_those_of_the_network(name):
    subject = NETWORKS[name]()
    network = subject.network(dtype=torch.float64)
    one = subject.sequence(np.random.default_rng(1), 7)
    past = torch.from_numpy(one.past)[None].double()
    mine, theirs = past.clone().requires_grad_(), past.clone().requires_grad_()
    assert isinstance(subject.wiring.pairing, Sequences)
    last = network({"past": theirs}, torch.tensor([7]))
    (last if last.dim() == 3 else last[:, -1]).sin().sum().backward()
    answer = Replay(subject.program(network.float())).run({"past": mine}).output[:, -1]
    answer.sin().sum().backward()
    # Numbers only: a code has no gradient on either side.
    torch.testing.assert_close(mine.grad, theirs.grad, atol=1e-5, rtol=1e-4)
    assert theirs.grad.abs().sum() > 0


def test_the_gradient_of_a_state_is_told_apart_by_its_step():
    """h_t = tanh(x_t + h_{t-1} / 2), at x = 0: the gradient of h_5 by h_{5-k} is 2^-k."""
    program = Program()
    x = program.add(ops.Input(out="x", shape=(1,)))
    one, half = program.tensor("one", np.ones((1, 1))), program.tensor("half", np.full((1, 1), 0.5))
    program.output = program.add(ops.Recurrent(x=x, cell="rnn_tanh", over="stream", weight_ih=one, weight_hh=half))
    run = Replay(program).run({"x": torch.zeros(1, 6, 1)})
    (states,) = run.states.values()
    found = torch.autograd.grad(run.output[0, -1, 0], states)
    assert [float(each) for each in found] == [2.0**-k for k in (5, 4, 3, 2, 1, 0)]


def test_a_mean_whose_weights_grow_beyond_bounds_has_a_gradient():
    program = BUILT["pooled"]
    given = {key: torch.from_numpy(x) for key, x in inputs_of(program).items()}
    given["x"][..., -1] = 400.0 * torch.arange(given["x"].shape[1])
    given["x"].requires_grad_()
    run = Replay(program).run(given)
    assert torch.isfinite(torch.autograd.grad(run.output.sum(), given["x"])[0]).all()
    wanted = Interpreter(program).run({key: x.detach().numpy() for key, x in given.items()})
    np.testing.assert_allclose(run.output.detach().numpy(), wanted, rtol=1e-5, atol=1e-5)


def test_what_goes_back_to_the_step_before_is_refused():
    looped = next(program for program in BUILT.values() if program.loops)
    with pytest.raises(ArgumentError, match="`program` reads what it said at the step before"):
        Replay(looped)
