"""The loop: seeds, what it hands to the objective and to progress, and what it leaves alone."""

import random
import signal

import numpy as np
import pytest
import torch
from tests.unit.train.tiny import PLAN, TRAIN, VALID, Network, Sums, network, objective, plan, run, weights
from torch import nn

from whorl.data.batches import Batch
from whorl.errors import TrainingError
from whorl.train import Carried, EpochRecord, Loss, SilentProgress, TensorBatch, fit


def test_one_seed_gives_one_history_and_the_same_weights_bit_for_bit() -> None:
    """R5."""
    first, second, other = network(), network(), network()
    history = run(first)
    assert run(second) == history
    assert weights(first) == weights(second)
    assert run(other, plan(seed=8)) != history


def test_dropout_depends_on_the_seed_and_not_on_the_callers_generator() -> None:
    """R5."""
    histories = []
    for state in (0, 1):
        torch.manual_seed(state)
        histories.append(run(network(dropout=0.5)))
    assert histories[0] == histories[1]


def test_validation_meets_the_same_random_numbers_in_every_epoch() -> None:
    """R5."""

    def noisy(net: nn.Module, batch: TensorBatch, state: Carried, /) -> Loss:
        loss = objective(net, batch, state)
        return loss if net.training else Loss(0 * loss.total + torch.rand(()), 1.0)

    history = fit(network(), TRAIN, VALID, noisy, PLAN, progress=SilentProgress())
    assert len({epoch.valid_loss for epoch in history.epochs}) == 1


def test_training_learns() -> None:
    history = run(network(dropout=0.0), plan(epochs=15, learning_rate=0.02), Sums(num_batches=30))
    assert history.epochs[-1].valid_loss < 0.5 * history.epochs[0].valid_loss


def test_the_callers_random_numbers_and_threads_are_left_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate(), torch.get_num_threads()  # noqa: NPY002
    run(network())
    after = torch.get_rng_state(), np.random.get_state()[1], random.getstate(), torch.get_num_threads()  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])
    assert before[2:] == after[2:]


def test_signal_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    run(network())
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_the_carried_state_is_used_where_the_batch_goes_on_and_dropped_elsewhere() -> None:
    seen: list[tuple[bool, bool, bool]] = []

    def watching(net: nn.Module, batch: TensorBatch, state: Carried, /) -> Loss:
        loss = objective(net, batch, state)
        known = state is not None
        seen.append((batch.carries, known, known and state.hidden.requires_grad))  # type: ignore[union-attr]
        return loss

    class Pieces(Sums):
        def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
            return super().batch(index, seed=seed, epoch=epoch)._replace(carries=index in (1, 3))

    fit(network(), Pieces(), Pieces(), watching, plan(epochs=2), progress=SilentProgress())
    assert {carries for carries, _, _ in seen} == {False, True}
    assert all(carries == known for carries, known, _ in seen)
    assert not any(needs_gradient for _, _, needs_gradient in seen)


def test_read_only_and_reversed_arrays_are_taken() -> None:
    class Frozen(Sums):
        def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
            batch = super().batch(index, seed=seed, epoch=epoch)
            batch.targets.flags.writeable = False
            inputs = np.ascontiguousarray(batch.inputs["x"][:, ::-1])[:, ::-1]
            return batch._replace(inputs={"x": inputs})

    assert run(network(), train=Frozen()) == run(network())


def test_clipping_is_counted_and_limits_the_step() -> None:
    free, clipped = run(network(), plan(clip_norm=None)), run(network(), plan(clip_norm=1e-6))
    assert [epoch.clipped_fraction for epoch in free.epochs] == [0, 0, 0]
    assert [epoch.clipped_fraction for epoch in clipped.epochs] == [1, 1, 1]
    assert clipped.epochs[0].gradient_norm > 1e-3  # the norm before clipping
    assert free.epochs[0].train_loss != clipped.epochs[0].train_loss


def test_the_learning_rate_of_each_epoch_is_recorded() -> None:
    history = run(network(), plan(schedule="constant"))
    assert [epoch.learning_rate for epoch in history.epochs] == [0.01, 0.01, 0.01]
    rates = [epoch.learning_rate for epoch in run(network()).epochs]
    assert rates == sorted(rates, reverse=True)


def test_bfloat16_runs_the_forward_pass_in_bfloat16() -> None:
    seen = set()

    def watching(net: nn.Module, batch: TensorBatch, state: Carried, /) -> Loss:
        seen.add(net.last(torch.zeros(1, 4)).dtype)  # type: ignore[operator]
        return objective(net, batch, None)

    training = plan(precision="bfloat16", epochs=1)
    fit(network(), Sums(carries=False), VALID, watching, training, progress=SilentProgress())
    assert seen == {torch.bfloat16}


def test_frozen_parameters_stay() -> None:
    net = network()
    net.gru.requires_grad_(False)
    before = weights(net)
    run(net)
    after = weights(net)
    assert before["gru.weight_hh_l0"] == after["gru.weight_hh_l0"]
    assert before["last.weight"] != after["last.weight"]


def test_progress_hears_of_every_step_and_epoch_and_of_the_end() -> None:
    class Listener:
        def __init__(self) -> None:
            self.heard: list[object] = []

        def start(self, num_steps: int, steps_taken: int) -> None:
            self.heard.append((num_steps, steps_taken))

        def step(self, loss: float) -> None:
            self.heard.append("step")

        def epoch(self, number: int, record: EpochRecord, best_loss: float) -> None:
            self.heard.append(number)

        def done(self) -> None:
            self.heard.append("done")

    listener = Listener()
    fit(network(), TRAIN, VALID, objective, plan(epochs=2), progress=listener)
    assert listener.heard == [(8, 0), *["step"] * 4, 1, *["step"] * 4, 2, "done"]

    unlucky = Listener()
    with pytest.raises(TrainingError):
        fit(network(), Sums(poison=(0, 1)), VALID, objective, PLAN, progress=unlucky)
    assert unlucky.heard == [(12, 0), "step", "done"]


def test_gradients_are_freed_at_the_end() -> None:
    net: Network = network()
    run(net)
    assert all(parameter.grad is None for parameter in net.parameters())
