"""Batches that break the laws."""

import os
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from tests.laws import descriptors
from tests.laws.batch_laws import BatchesSubject
from tests.laws.broken.twins import twin

from whorl.data.batches import Batch, Batches


class Changed(Batches):
    """Other batches, each changed by a function."""

    def __init__(self, batches: Batches, change: Callable[[Batch], Batch]) -> None:
        self.batches, self.change = batches, change
        self.made: dict[tuple[int, int, int], Batch] = {}

    def __len__(self) -> int:
        return len(self.batches)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        return self.change(self.batches.batch(index, seed=seed, epoch=epoch))


class Shared(Changed):
    """Hands out one object again and again."""

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        if (index, seed, epoch) not in self.made:
            self.made[index, seed, epoch] = super().batch(index, seed=seed, epoch=epoch)
        return self.made[index, seed, epoch]


def padded_in_front(batch: Batch) -> Batch:
    """Sequences that stand at the end of their rows instead of the start."""
    past = batch.inputs["past"]
    lengths = np.full(len(past), past.shape[1]) if batch.lengths is None else batch.lengths
    return batch._replace(
        inputs={"past": np.stack([np.roll(row, 1 + len(row) - n, 0) for row, n in zip(past, lengths, strict=True)])}
    )


def one_row_late(batch: Batch) -> Batch:
    """The window ends with the first target."""
    return batch._replace(inputs={**batch.inputs, "past": batch.inputs["past"] + np.float32(1.0)})


def stirred(batch: Batch) -> Batch:
    """A share of the order comes from no seed."""
    return batch._replace(weights=batch.weights + np.float32(os.urandom(1)[0]))


BATCHES = {
    "window batches": descriptors.window_batches,
    "strip batches": lambda: descriptors.strip_batches(3),
    "sequence batches": descriptors.sequence_batches,
}


def batches(kind: str, change: Callable[[Batch], Batch], wrapper: type[Changed] = Changed) -> BatchesSubject:
    subject = BATCHES[kind]()
    return replace(subject, new=lambda sequences, spans: wrapper(subject.new(sequences, spans), change))


def spans_are_ignored(kind: str) -> BatchesSubject:
    """The validation part is trained on."""
    subject = BATCHES[kind]()
    return replace(subject, new=lambda sequences, spans: subject.new(sequences, [(0, len(one)) for one in sequences]))


twin("05 padding", "sequence batches", batches, "sequence batches", padded_in_front)
for kind in ("window batches", "strip batches"):
    twin("07 causality", kind, batches, kind, one_row_late)
    twin("14 leak", kind, spans_are_ignored, kind)
for kind in BATCHES:
    twin("11 seed", kind, batches, kind, stirred)
    twin("12 purity", kind, batches, kind, lambda batch: batch, Shared)
