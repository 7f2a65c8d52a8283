"""Batches that break the laws."""

import os
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from tests.laws.batch_laws import BatchesSubject
from tests.laws.batches import piece_batches, sequence_batches, strip_batches, token_batches, window_batches
from tests.laws.broken.twins import twin

from whorl.data.batches import Batch, Batches
from whorl.data.sequences import Sequence


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


def never_afresh(batch: Batch) -> Batch:
    """A document is read with the state of the one before it."""
    return batch._replace(inputs={name: array for name, array in batch.inputs.items() if name != "starts"})


BATCHES = {
    "window batches": window_batches,
    "strip batches": lambda: strip_batches(3),
    "piece batches": lambda: piece_batches(4),
    "sequence batches": sequence_batches,
    "text": lambda: token_batches(3),
}


def batches(kind: str, change: Callable[[Batch], Batch], wrapper: type[Changed] = Changed) -> BatchesSubject:
    subject = BATCHES[kind]()
    return replace(subject, new=lambda sequences, spans: wrapper(subject.new(sequences, spans), change))


def spans_are_ignored(kind: str) -> BatchesSubject:
    """The validation part is trained on."""
    subject = BATCHES[kind]()
    return replace(subject, new=lambda sequences, spans: subject.new(sequences, [(0, len(one)) for one in sequences]))


def documents_run_together() -> BatchesSubject:
    """The last token of a document is followed by the first one of the next."""
    subject = BATCHES["text"]()

    def together(sequences: list[Sequence], spans: list[tuple[int, int]]) -> Batches:
        past = np.concatenate([one.past[:last] for one, (_, last) in zip(sequences, spans, strict=True)])
        return subject.new([replace(sequences[0], past=past)], [(0, len(past))])

    return replace(subject, new=together)


for kind in ("piece batches", "sequence batches"):
    twin("05 padding", kind, batches, kind, padded_in_front)
for kind in ("window batches", "strip batches", "piece batches"):
    twin("07 causality", kind, batches, kind, one_row_late)
    twin("14 leak", kind, spans_are_ignored, kind)
twin("07 causality", "strip batches", documents_run_together, which="text")
twin("07 causality", "strip batches", batches, "text", never_afresh, which="text, the state")
twin("14 leak", "strip batches", spans_are_ignored, "text", which="text")
for kind in BATCHES:
    of, which = ("strip batches", "text") if kind == "text" else (kind, "")
    twin("11 seed", of, batches, kind, stirred, which=which)
    twin("12 purity", of, batches, kind, lambda batch: batch, Shared, which=which)
