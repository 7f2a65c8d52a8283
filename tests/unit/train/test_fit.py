"""The loop: seeds, early stopping, budgets, what it refuses, and what it leaves alone."""

import random
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.unit.train.tiny import PLAN, ROWS, Network, Sums, network, objective, plan, weights
from torch import nn

from whorl.data.batches import Batch, Batches
from whorl.errors import ArgumentError, DataError, ResourceError, TrainingError
from whorl.plans.training import Training
from whorl.train import Carried, EpochRecord, History, Loss, SilentProgress, TensorBatch, fit

TRAIN, VALID = Sums(), Sums(num_batches=2)


def run(net: nn.Module, training: Training = PLAN, train: Batches = TRAIN, num_steps: int | None = None) -> History:
    return fit(net, train, VALID, objective, training, progress=SilentProgress(), num_steps=num_steps)


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


class Scripted(nn.Module):
    """One weight that grows by about the learning rate at every step, so that validation can follow a script."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))


def scripted(*losses: float):  # type: ignore[no-untyped-def]
    script = iter(losses)
    seen = []

    def objective(net: nn.Module, batch: TensorBatch, state: Carried, /) -> Loss:
        if net.training:
            return Loss(-net.weight * len(batch.weights), batch.weights.sum())
        seen.append(net.weight.item())
        return Loss(torch.tensor(float(next(script))), 1.0)

    return objective, seen


def test_an_epochs_record_is_about_that_epoch_alone_and_weighs_examples() -> None:
    losses: list[tuple[float, float]] = []

    def uneven(net: nn.Module, batch: TensorBatch, state: Carried, /) -> Loss:
        weight = 1.0 + len(losses) % 3
        total = weight * (3.0 - net.weight)
        if net.training:
            losses.append((total.item(), weight))
        return Loss(total, weight)

    training = plan(epochs=2, clip_norm=2.0)
    history = fit(Scripted(), TRAIN, VALID, uneven, training, progress=SilentProgress())
    for epoch, part in zip(history.epochs, (losses[:4], losses[4:]), strict=True):
        assert epoch.train_loss == pytest.approx(sum(t for t, _ in part) / sum(w for _, w in part), rel=1e-6)
        assert (epoch.gradient_norm, epoch.clipped_fraction) == (1.0, 0.0)
    assert history.epochs[0].train_loss > history.epochs[1].train_loss


def test_patience_ends_training_and_the_best_weights_come_back() -> None:
    follow, seen = scripted(3.0, 1.0, 2.0, 1.5, 0.1)
    net = Scripted()
    history = fit(net, TRAIN, Sums(num_batches=1), follow, plan(epochs=9, patience=2), progress=SilentProgress())
    assert [epoch.valid_loss for epoch in history.epochs] == [3.0, 1.0, 2.0, 1.5]
    assert (history.best_epoch, history.stopped, history.num_steps) == (2, "patience", 36)
    assert net.weight.item() == seen[1] != seen[3]
    assert not net.training


@pytest.mark.parametrize(("epochs", "run_epochs"), [(6, 4), (15, 6)])
def test_patience_left_to_itself_is_a_third_of_the_epochs_and_at_least_three(epochs: int, run_epochs: int) -> None:
    follow, _ = scripted(*range(1, 20))
    training = plan(epochs=epochs, patience="auto")
    history = fit(Scripted(), TRAIN, Sums(num_batches=1), follow, training, progress=SilentProgress())
    assert (len(history.epochs), history.stopped) == (run_epochs, "patience")


def test_without_patience_every_epoch_is_run_and_the_first_of_equal_ones_is_best() -> None:
    follow, seen = scripted(2.0, 1.0, 1.0, 3.0)
    net = Scripted()
    history = fit(net, TRAIN, Sums(num_batches=1), follow, plan(epochs=4), progress=SilentProgress())
    assert (history.best_epoch, history.stopped) == (2, "epochs")
    assert net.weight.item() == seen[1]


def test_a_number_of_steps_can_be_asked_for_and_ends_within_an_epoch() -> None:
    history = run(network(), num_steps=6)
    assert (len(history.epochs), history.num_steps, history.stopped) == (2, 6, "max_seconds")
    with pytest.raises(ArgumentError, match="`num_steps` lies between 1 and the 12 steps"):
        run(network(), num_steps=13)


def test_a_time_budget_becomes_a_recorded_number_of_steps_that_replays_bit_for_bit() -> None:
    timed, replayed = network(), network()
    training = plan(epochs=100_000, max_seconds=0.5)
    history = run(timed, training)
    assert history.stopped == "max_seconds"
    assert 1 <= history.num_steps < 400_000
    assert len(history.epochs) == -(-history.num_steps // len(TRAIN))
    assert run(replayed, training, num_steps=history.num_steps) == history
    assert weights(timed) == weights(replayed)


def test_a_generous_time_budget_changes_nothing() -> None:
    unhurried, timed = network(), network()
    assert run(unhurried) == run(timed, plan(max_seconds=3600.0))
    assert weights(unhurried) == weights(timed)


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


def test_a_state_of_something_else_than_tensors_is_refused() -> None:
    def careless(net: nn.Module, batch: TensorBatch, state: Carried, /) -> Loss:
        return objective(net, batch, None)._replace(state=(7,))  # type: ignore[arg-type]

    with pytest.raises(ArgumentError, match=r"`state` carries tensors .* but holds int"):
        fit(network(), TRAIN, VALID, careless, PLAN, progress=SilentProgress())


def test_an_input_that_is_not_a_number_stops_the_step_and_names_the_batch() -> None:
    """R4."""
    net = network()
    start = weights(net)
    with pytest.raises(
        TrainingError, match=r"loss is (nan|inf) in epoch 1, batch 3 of 4 \(rows 6 to 8\).*those it began"
    ):
        run(net, train=Sums(poison=(0, 2)))
    assert weights(net) == start
    assert not net.training


def test_a_poisoned_later_epoch_leaves_the_best_weights() -> None:
    """R4."""
    net, clean = network(), network()
    with pytest.raises(TrainingError, match=r"epoch 2, batch 1 of 4 \(rows 0 to 2\).*those of epoch 1"):
        run(net, plan(schedule="constant"), Sums(poison=(1, 0)))
    run(clean, plan(schedule="constant", epochs=1))
    assert weights(net) == weights(clean)


def test_an_infinite_gradient_of_a_finite_loss_stops_the_step() -> None:
    """R4."""

    def steep(net: nn.Module, batch: TensorBatch, state: Carried, /) -> Loss:
        return Loss(torch.sqrt(net.last.bias * 0).sum(), 1.0)  # type: ignore[union-attr,operator]

    net = network()
    start = weights(net)
    with pytest.raises(TrainingError, match=r"gradient norm is (nan|inf) in epoch 1, batch 1 of 4"):
        fit(net, TRAIN, VALID, steep, PLAN, progress=SilentProgress())
    assert weights(net) == start


def test_a_validation_loss_that_is_not_a_number_is_named_too() -> None:
    """R4."""
    with pytest.raises(TrainingError, match=r"validation loss is .* epoch 1, validation batch 2 of 2 \(rows 3 to 5\)"):
        fit(network(), TRAIN, Sums(num_batches=2, poison=(0, 1)), objective, PLAN, progress=SilentProgress())


class Unknown(Sums):
    """Batches none of whose examples counts, but for those from `first` on."""

    first = 10**9

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        batch = super().batch(index, seed=seed, epoch=epoch)
        return batch if index >= self.first else batch._replace(weights=np.zeros(ROWS, np.float32))


def test_a_part_without_known_targets_is_a_data_error() -> None:
    with pytest.raises(DataError, match="training part has no example"):
        run(network(), train=Unknown())
    with pytest.raises(DataError, match="validation part has no example"):
        fit(network(), TRAIN, Unknown(), objective, PLAN, progress=SilentProgress())


def test_a_batch_without_known_targets_among_others_is_harmless() -> None:
    class HalfKnown(Unknown):
        first = 2

    assert run(network(), train=HalfKnown()).stopped == "epochs"


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


@pytest.mark.parametrize("name", ["epochs", "batch_size", "learning_rate"])
def test_settings_must_have_been_chosen(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"`{name}` must be chosen"):
        run(network(), replace(PLAN, **{name: None}))


def test_missing_devices_and_frozen_networks_are_refused() -> None:
    with pytest.raises(ArgumentError, match="`device` is 'auto' or a device name"):
        run(network(), plan(device="abacus"))
    if not torch.cuda.is_available():
        with pytest.raises(ResourceError, match="`device` is 'cuda', which this machine"):
            run(network(), plan(device="cuda"))
    with pytest.raises(ArgumentError, match="`network` has no parameter"):
        run(network().requires_grad_(False))
    with pytest.raises(DataError, match="training part has no examples"):
        run(network(), train=Sums(num_batches=0))


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
