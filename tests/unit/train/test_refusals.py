"""What training refuses: settings, parts without targets, and numbers that are none."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.unit.train.tiny import PLAN, ROWS, TRAIN, VALID, Sums, network, objective, plan, run, weights
from torch import nn

from whorl.data.batches import Batch
from whorl.errors import ArgumentError, DataError, ResourceError, TrainingError
from whorl.train import Carried, Loss, SilentProgress, TensorBatch, fit


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
