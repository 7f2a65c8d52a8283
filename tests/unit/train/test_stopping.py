"""When training ends and which weights are kept: patience, steps, time."""

import pytest
import torch
from tests.unit.conftest import Clock
from tests.unit.train.tiny import TRAIN, VALID, Sums, network, plan, run, weights
from torch import nn

from whorl.errors import ArgumentError
from whorl.train import Carried, Loss, SilentProgress, TensorBatch, fit


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


def test_without_patience_every_epoch_is_run_and_the_last_weights_are_kept() -> None:
    follow, seen = scripted(2.0, 1.0, 1.0, 3.0)
    net = Scripted()
    history = fit(net, TRAIN, Sums(num_batches=1), follow, plan(epochs=4), progress=SilentProgress())
    assert (history.best_epoch, history.kept_epoch, history.stopped) == (2, 4, "epochs")
    assert net.weight.item() == seen[3] != seen[1]


def test_with_patience_that_never_ends_the_first_of_equally_good_epochs_is_kept() -> None:
    follow, seen = scripted(2.0, 1.0, 1.0, 3.0)
    net = Scripted()
    history = fit(net, TRAIN, Sums(num_batches=1), follow, plan(epochs=4, patience=4), progress=SilentProgress())
    assert (history.best_epoch, history.kept_epoch, history.stopped) == (2, 2, "epochs")
    assert net.weight.item() == seen[1]


def test_a_number_of_steps_can_be_asked_for_and_ends_within_an_epoch() -> None:
    history = run(network(), num_steps=6)
    assert (len(history.epochs), history.num_steps, history.stopped) == (2, 6, "max_seconds")
    with pytest.raises(ArgumentError, match="`num_steps` lies between 1 and the 12 steps"):
        run(network(), num_steps=13)


def test_a_time_budget_becomes_a_recorded_number_of_steps_that_replays_bit_for_bit(
    clock: Clock,
) -> None:
    clock.tick = 1e-3
    timed, replayed = network(), network()
    training = plan(epochs=100_000, max_seconds=0.5)
    history = run(timed, training)
    assert history.stopped == "max_seconds"
    # The plan is made after 14 ms. A step, a validation and a save take 1 ms each, so 0.95 of the 486 ms left pay for
    # 65 epochs of 4 + 2 + 1 ms, and for 3 steps and an end.
    assert history.num_steps == 65 * 4 + 3
    assert len(history.epochs) == -(-history.num_steps // len(TRAIN))
    assert run(replayed, training, num_steps=history.num_steps) == history
    assert weights(timed) == weights(replayed)


def test_a_generous_time_budget_changes_nothing() -> None:
    unhurried, timed = network(), network()
    assert run(unhurried) == run(timed, plan(max_seconds=3600.0))
    assert weights(unhurried) == weights(timed)
