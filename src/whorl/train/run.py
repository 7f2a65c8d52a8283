"""A training run in memory, and the way into a checkpoint and back."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from whorl.data.batches import Batches
from whorl.errors import DataError, ModelFileError
from whorl.plans.training import Training
from whorl.train.checkpoint import Checkpoint
from whorl.train.device import autocast, seed_batch
from whorl.train.history import EpochRecord, History, Stopped, best_epoch, kept_epoch
from whorl.train.identity import Identity
from whorl.train.objective import Carried, Objective, leaves, refilled, to_tensors
from whorl.train.optim import learning_rate, make_optimizer
from whorl.train.record import Meter, RunRecord


class Run:
    """What a training run owns: the network, its optimizer and the weights to keep, the carried state, the record."""

    def __init__(
        self,
        network: nn.Module,
        train: Batches,
        valid: Batches | None,
        objective: Objective,
        training: Training,
        device: torch.device,
        task: str = "",
        num_epochs: int | None = None,
    ) -> None:
        self.network, self.train, self.valid = network, train, valid
        self.objective, self.training, self.device = objective, training, device
        self.num_epochs = num_epochs
        self.autocast = autocast(device, training.precision)
        self.optimizer = make_optimizer(network, training)
        self.parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self.kept = self._weights_copied()
        self.state: Carried = None
        self.record = RunRecord(identity=Identity.of(network, train, valid, training, task))

    @property
    def last_step(self) -> int:
        """Steps after which the run is over, unless patience ends it."""
        planned = self.record.num_steps
        return planned if self.num_epochs is None else min(planned, self.num_epochs * len(self.train))

    def indices_left(self) -> range:
        """Returns the batches of the epoch in progress that are still to be learned from."""
        before = len(self.record.epochs) * len(self.train)
        return range(self.record.step - before, min(len(self.train), self.record.num_steps - before))

    def finish_epoch(self, valid_loss: float) -> EpochRecord:
        """Closes the epoch in progress, keeps its weights if they are to be kept, and decides whether to go on."""
        record, meter, training = self.record, self.record.meter, self.training
        if meter.weight <= 0:
            raise DataError("The training part has no example with a known target and a weight. Check its targets.")
        finished = EpochRecord(
            train_loss=meter.loss / meter.weight,
            valid_loss=valid_loss,
            learning_rate=learning_rate(record.step - 1, record.num_steps, training),
            gradient_norm=meter.gradient_norm / meter.steps,
            clipped_fraction=meter.clipped / meter.steps,
            seconds=meter.seconds,
        )
        record.epochs.append(finished)
        record.meter, self.state = Meter(), None
        if kept_epoch(record.epochs, training) == len(record.epochs):
            _copy(dict(self._weights()), self.kept)
        assert training.epochs is not None
        if record.step >= record.num_steps:
            record.stopped = "epochs" if record.num_steps == training.epochs * len(self.train) else "max_seconds"
        elif len(record.epochs) == self.num_epochs:
            record.stopped = "epochs"
        elif _is_out_of_patience(record.epochs, training):
            record.stopped = "patience"
        return finished

    def use_kept(self) -> None:
        """Gives the network the weights of `kept_epoch`, or those it came with when no epoch was finished."""
        _copy(self.kept, dict(self._weights()))
        self.optimizer.zero_grad(set_to_none=True)

    def history(self, stopped: Stopped) -> History:
        """Returns the run so far as a record."""
        epochs = tuple(self.record.epochs)
        return History(
            epochs=epochs,
            best_epoch=best_epoch(epochs),
            kept_epoch=kept_epoch(epochs, self.training),
            num_steps=self.record.num_steps,
            stopped=stopped,
        )

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Lets the block train; afterwards nothing has happened."""
        weights = self._weights_copied()
        try:
            yield
        finally:
            _copy(weights, dict(self._weights()))
            self.optimizer = make_optimizer(self.network, self.training)
            self.record.meter, self.record.num_steps, self.state = Meter(), 0, None

    def capture(self) -> Checkpoint:
        """Returns all that `restore` needs, copied."""
        tensors = {f"weights/{name}": weight for name, weight in self._weights()}
        tensors |= {f"kept/{name}": weight for name, weight in self.kept.items()}
        for name, parameter in self.network.named_parameters():
            for key, value in self.optimizer.state.get(parameter, {}).items():
                tensors[f"optimizer/{name}/{key}"] = value
        tensors |= {f"carried/{index}": leaf for index, leaf in enumerate(leaves(self.state))}
        copied = {name: _contiguous(tensor.cpu()) for name, tensor in tensors.items()}
        return Checkpoint(copied, self.record.to_json())

    def restore(self, checkpoint: Checkpoint) -> None:
        """Goes back to where `capture` was called, bit for bit.

        Raises:
            ModelFileError: the checkpoint is of another run.
        """
        record = RunRecord.from_json(checkpoint.text)
        self.record.identity.check_continues(record.identity)
        self.record = record
        # Before the weights, because the forward pass in it may touch running statistics.
        self.state = self._recalled(_part(checkpoint, "carried/"))
        _copy(_part(checkpoint, "weights/"), dict(self._weights()))
        _copy(_part(checkpoint, "kept/"), self.kept)
        parameters = dict(self.network.named_parameters())
        for path, value in _part(checkpoint, "optimizer/").items():
            name, _, key = path.rpartition("/")
            if name not in parameters:
                raise _foreign(f"it has optimizer state for '{name}', which the network does not have")
            # Adam counts its steps on the CPU.
            home = value.device if key == "step" else parameters[name].device
            self.optimizer.state[parameters[name]][key] = value.to(home)

    def _recalled(self, saved: dict[str, Tensor]) -> Carried:
        """The objective's own answer gives the carried state its form, so that a file never has to name a class."""
        if not saved:
            return None
        epoch, training = len(self.record.epochs), self.training
        index = self.indices_left().start - 1
        if not 0 <= index < len(self.train):
            raise _foreign("it carries a state across epochs")
        batch = self.train.batch(index, seed=training.seed, epoch=epoch)
        seed_batch(self.device, training.seed, epoch, index)
        self.network.train()
        with torch.no_grad(), self.autocast:
            template = self.objective(self.network, to_tensors(batch, self.device), None).state
        forms = [(leaf.shape, leaf.dtype) for leaf in leaves(template)]
        tensors = [saved.get(str(number)) for number in range(len(saved))]
        found = [tensor for tensor in tensors if tensor is not None]
        if [(tensor.shape, tensor.dtype) for tensor in found] != forms:
            raise _foreign("its carried state does not have the form of the network's")
        return refilled(template, [tensor.to(self.device) for tensor in found])

    def _weights(self) -> Iterator[tuple[str, Tensor]]:
        """Parameters and every buffer, also those that a state_dict leaves out: all that a step may change."""
        yield from self.network.named_parameters()
        yield from self.network.named_buffers()

    def _weights_copied(self) -> dict[str, Tensor]:
        return {name: _contiguous(weight) for name, weight in self._weights()}


def _is_out_of_patience(epochs: list[EpochRecord], training: Training) -> bool:
    assert training.epochs is not None
    patience = max(3, training.epochs // 3) if training.patience == "auto" else training.patience
    return patience is not None and len(epochs) - best_epoch(epochs) >= patience


def _part(checkpoint: Checkpoint, prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in checkpoint.tensors.items() if name.startswith(prefix)}


def _contiguous(tensor: Tensor) -> Tensor:
    return tensor.detach().clone(memory_format=torch.contiguous_format)


def _copy(source: dict[str, Tensor], target: dict[str, Tensor]) -> None:
    # Checked by hand, because copy_ would stretch a vector over a matrix.
    if [(name, t.shape, t.dtype) for name, t in sorted(source.items())] != [
        (name, t.shape, t.dtype) for name, t in sorted(target.items())
    ]:
        raise _foreign("its weights do not have the names, shapes and types of the network's")
    with torch.no_grad():
        for name, tensor in source.items():
            target[name].copy_(tensor)


def _foreign(why: str) -> ModelFileError:
    return ModelFileError(f"The checkpoint is of another run: {why}. Resume that run, or give another folder.")
