"""Networks side by side: what they answer, what each learns by, and what is told of them."""

import msgspec
import numpy as np
import pytest
import torch

import whorl
from whorl.errors import ArgumentError
from whorl.nn.build import build
from whorl.nn.ensemble import Ensemble
from whorl.report.anatomy import dissect
from whorl.runtime import operations as ops
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.members import add_member, member_of, num_members
from whorl.runtime.program import Program
from whorl.specs import Reals
from whorl.tasks.network import objective_of
from whorl.train.objective import TensorBatch

WIRING = whorl.Classifier(convolution=0).wiring()


def ensemble(count=3):
    torch.manual_seed(0)
    recipe = whorl.Recurrent("gru", hidden_size=4, members=count)
    return build(WIRING, recipe, past=Reals(2), ahead=None, num_targets=1, dropout=0.0, num_classes=3)


def emitted(network):
    program = Program()
    network.emit(program)
    return program


def test_the_answer_is_the_mean_of_what_the_members_answer():
    network, x = ensemble().eval(), np.random.default_rng(0).standard_normal((2, 5, 2)).astype(np.float32)
    each = [Interpreter(emitted(member)).run({"past": x}) for member in network.members]
    assert np.abs(each[0] - each[1]).max() > 0.01
    found = Interpreter(emitted(network)).run({"past": x})
    np.testing.assert_allclose(found, np.mean(each, axis=0), atol=1e-6)
    with torch.no_grad():
        np.testing.assert_allclose(network({"past": torch.from_numpy(x)}).numpy(), found[:, -1], atol=1e-6)


def test_one_member_is_a_network_alone():
    alone = ensemble(1)
    assert not isinstance(alone, Ensemble)
    assert num_members(emitted(alone)) == 1


def test_each_member_learns_by_its_own_loss():
    network, random = ensemble(), torch.Generator().manual_seed(0)
    batch = TensorBatch(
        inputs={"past": torch.randn(6, 5, 2, generator=random)},
        targets=torch.tensor([[0.0], [1.0], [2.0], [0.0], [1.0], [2.0]]),
        weights=torch.ones(6),
        lengths=torch.full((6,), 5),
        carries=False,
        description="",
    )
    objective = objective_of(WIRING)
    each = [objective(member, batch, None) for member in network.members]
    together = objective(network, batch, None)
    torch.testing.assert_close(together.total, torch.stack([one.total for one in each]).mean())
    torch.testing.assert_close(together.weight, each[0].weight)
    own = torch.autograd.grad(each[1].total, list(network.members[1].parameters()))
    found = torch.autograd.grad(together.total, list(network.members[1].parameters()))
    for wanted, got in zip(own, found, strict=True):
        torch.testing.assert_close(got, wanted / len(network.members))


def test_a_program_knows_its_members_after_saving():
    program = emitted(ensemble())
    again = Program.from_json(program.to_json(), program.tensors)
    assert again.hash == program.hash
    assert num_members(again) == 3
    assert [op.out for op in again.inputs] == ["past"]
    assert {member_of(op.out) for op in again.operations} == {0, 1, 2}
    assert again.num_parameters() > 3 * emitted(ensemble(1)).num_parameters()


def test_names_are_changed_and_closed_lists_are_not():
    """A value may be called like a function of an operation."""
    own = Program()
    x = own.add(ops.Input(out="max", shape=(2,)))
    own.output = own.add(ops.Reduce(out="mean", x=own.add(ops.Activate(x=x, function="tanh")), axis=0, function="max"))
    both = Program()
    both.add(ops.Input(out="max", shape=(2,)))
    assert add_member(both, own, 1) == "member1.mean"
    assert [op.out for op in both.inputs] == ["max"]
    assert msgspec.structs.astuple(both.operations[-1])[-1] == "max"
    assert both.operations[-1].x == "member1.activate"


def test_the_sizes_that_are_told_are_those_of_one_member():
    sizes, alone = dissect(emitted(ensemble())), dissect(emitted(ensemble(1)))
    assert (sizes.members, sizes.num_layers, sizes.hidden_size) == (3, 1, 4)
    assert sizes.recurrent_parameters == 3 * alone.recurrent_parameters


@pytest.mark.parametrize("members", [0, -1, 1.5, None, True])
def test_members_are_counted(members):
    with pytest.raises(ArgumentError, match=f"`members` is a whole number >= 1, but is {members!r}"):
        whorl.Recurrent("gru", members=members)


def test_members_begin_and_end_apart_and_a_seed_says_how():
    random = np.random.default_rng(0)
    x = [random.standard_normal((6, 2)) for _ in range(24)]
    y = [str(int(one.mean() > 0)) for one in x]
    two = whorl.Recurrent("gru", hidden_size=3, members=np.int64(2))
    first, again = (
        whorl.Classifier(network=two, training=whorl.Training(epochs=2, device="cpu")).fit((x, y), verbose=False)
        for _ in range(2)
    )
    tensors = first.model_.engine.program.tensors
    assert all(np.abs(tensors[name] - tensors[f"member1.{name}"]).max() > 0 for name in ("last.weight",))
    np.testing.assert_array_equal(first.predict(x).probabilities, again.predict(x).probabilities)


def test_lengths_and_states_reach_the_members_they_belong_to():
    class Stub(torch.nn.Module):
        def forward(self, inputs, state, lengths):
            return inputs["past"] * state + lengths, state + 1

    both = Ensemble([])
    both.members.extend([Stub(), Stub()])
    out, states = both({"past": torch.ones(1)}, (1.0, 3.0), 100.0)
    assert (float(out), states) == (102.0, (2.0, 4.0))


@pytest.mark.parametrize("weights", [(0.5, 2.0, 0.25), (0.7, 0.7, 0.7), (1.0, 1.0, 1.0)])
def test_members_that_were_fitted_apart_count_as_much_as_their_weights(weights):
    """They may be of several forms."""
    torch.manual_seed(0)
    layered = whorl.Recurrent("lstm", 3, num_layers=2)
    kinds = (whorl.Recurrent("gru", 4), whorl.Recurrent("rnn", 9, frozen=True), layered)
    sizes = {"past": Reals(2), "ahead": None, "num_targets": 1, "dropout": 0.0, "num_classes": 3}
    network = Ensemble([build(WIRING, kind, **sizes) for kind in kinds], weights).eval()
    x = np.random.default_rng(0).standard_normal((2, 5, 2)).astype(np.float32)
    each = [Interpreter(emitted(member)).run({"past": x}) for member in network.networks]
    found = Interpreter(emitted(network)).run({"past": x})
    np.testing.assert_allclose(found, np.tensordot(weights, np.stack(each), 1), atol=1e-6)
    with torch.no_grad():
        np.testing.assert_allclose(network({"past": torch.from_numpy(x)}).numpy(), found[:, -1], atol=1e-6)
    assert dissect(emitted(network)).which == "the first "
