"""Batches of pairs: a sequence that is read, and one that is written."""

from collections.abc import Sequence as List

import numpy as np

from whorl.data.batches import Batch, Batches, Orders
from whorl.data.sequences import Sequence
from whorl.errors import DataError


class PairBatches(Batches):
    """Whole pairs. Batches hold pairs of like lengths, so that little is padded; their order is shuffled.

    Args:
        sequences: encoded, with sources and a target for each step.
        batch_size: pairs in a batch; the last batch is smaller.
        shuffle: False keeps the order of lengths.
    """

    def __init__(self, sequences: List[Sequence], batch_size: int, *, shuffle: bool = True) -> None:
        if not sequences:
            raise DataError("no pairs are left for training or validation. Bring more, or change `validation`.")
        self._sequences, self.batch_size, self.shuffle = list(sequences), batch_size, shuffle
        self._orders = Orders(self._order)
        self._lengths = np.array([len(one) for one in sequences], np.int64)
        self._read = np.array([len(one.read_steps) for one in sequences], np.int64)

    def __len__(self) -> int:
        return -(-len(self._sequences) // self.batch_size)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        chosen = self._orders(seed, epoch)[index * self.batch_size : (index + 1) * self.batch_size]
        sequences = [self._sequences[n] for n in chosen]
        lengths, read = self._lengths[chosen], self._read[chosen]
        past = _padded([one.past for one in sequences], int(lengths.max()), 0.0)
        source = _padded([one.read_steps for one in sequences], int(read.max()), 0.0)
        return Batch(
            {"past": past, "source": source, "source_length": read[:, None].astype(np.float32)},
            _padded([one.row_targets for one in sequences], int(lengths.max()), np.nan),
            np.array([one.weight for one in sequences], np.float32),
            lengths=lengths,
            description=f"pair {sequences[0].key} and {len(sequences) - 1} others",
        )

    def _order(self, seed: int, epoch: int) -> np.ndarray:
        count = len(self._sequences)
        if not self.shuffle:
            return np.lexsort([self._read, self._lengths])
        random = np.random.default_rng([seed, epoch])
        # Lengths of the source blurred a little: otherwise batches of equal targets would always meet the same ones.
        blurred = self._read + random.uniform(0.0, 2.0, count)
        order = np.lexsort([blurred, self._lengths])
        starts = random.permutation(np.arange(0, count, self.batch_size))
        full = [order[start : start + self.batch_size] for start in starts]
        full.sort(key=lambda part: len(part) < self.batch_size)  # the smaller batch stays last
        return np.concatenate(full)


def _padded(parts: List[np.ndarray], longest: int, value: float) -> np.ndarray:
    padded = np.full((len(parts), longest, parts[0].shape[1]), value, np.float32)
    for row, part in enumerate(parts):
        padded[row, : len(part)] = part
    return padded
