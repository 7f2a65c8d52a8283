"""Which run a checkpoint belongs to: a resumed run has the same settings, network and data, or it is refused."""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict

import msgspec
import numpy as np
from torch import nn

from whorl.data.batches import Batches
from whorl.errors import ModelFileError
from whorl.plans.training import Training


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must not change between a run and its resumption.

    Args:
        training: every setting but the folder of the checkpoints.
        task: whatever else the caller says must not change.
        network: digest of the names, shapes and types of the weights.
        data: digest of the first, middle and last batch of both parts and of their numbers.
    """

    training: dict[str, int | float | str | None]
    task: str
    network: str
    data: str

    @classmethod
    def of(
        cls, network: nn.Module, train: Batches, valid: Batches | None, training: Training, task: str = ""
    ) -> "Identity":
        """Describes a run."""
        settings = asdict(training)
        del settings["checkpoint"]
        return cls(settings, task, _network_digest(network), _data_digest(train, valid, training.seed))

    def check_continues(self, saved: "Identity") -> None:
        """Raises ModelFileError if the saved run is another one than this."""
        for name in sorted(self.training.keys() | saved.training.keys()):
            now, then = self.training.get(name), saved.training.get(name)
            if now != then:
                raise ModelFileError(
                    f"`{name}` is {now!r}, but the checkpoint was trained with {then!r}. Resume with the settings "
                    "the run began with, or start a new run in another folder."
                )
        for name in ("task", "network", "data"):
            if getattr(self, name) != getattr(saved, name):
                raise ModelFileError(
                    f"The {name} differs from that of the checkpoint. Resume with the same {name}, or start a new "
                    "run in another folder."
                )


def _network_digest(network: nn.Module) -> str:
    weights = [*network.named_parameters(), *network.named_buffers()]
    described = [f"{name} {weight.dtype} {list(weight.shape)} {weight.requires_grad}" for name, weight in weights]
    return hashlib.sha256("\n".join(described).encode()).hexdigest()


def _data_digest(train: Batches, valid: Batches | None, seed: int) -> str:
    digest = hashlib.sha256()
    for batches in (train,) if valid is None else (train, valid):
        digest.update(f"{len(batches)} batches\n".encode())
        # Three batches, not all: reading everything would delay a resumption by an epoch of loading.
        for index in sorted({0, len(batches) // 2, len(batches) - 1}):
            for name, array in _arrays(batches, index, seed):
                digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _arrays(batches: Batches, index: int, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    batch = batches.batch(index, seed=seed, epoch=0)
    yield from sorted(batch.inputs.items())
    yield "targets", batch.targets
    yield "weights", batch.weights
    if batch.lengths is not None:
        yield "lengths", batch.lengths
