"""Batches of whole sequences of different lengths, padded to the longest of the batch."""

from collections.abc import Sequence as List

import numpy as np

from whorl.data.batches import Batch, Batches, Orders
from whorl.data.sequences import Sequence
from whorl.errors import DataError


class SequenceBatches(Batches):
    """Whole sequences. Batches hold sequences of like length, so that little is padded; their order is shuffled.

    Args:
        sequences: encoded, with targets (K,) for each, or (T, K) for each step.
        batch_size: sequences in a batch; the last batch is smaller.
        shuffle: False keeps the order given.
    """

    def __init__(self, sequences: List[Sequence], batch_size: int, *, shuffle: bool = True) -> None:
        if not sequences:
            raise DataError("no sequences are left for training or validation. Bring more, or change `validation`.")
        self._sequences, self.batch_size, self.shuffle = list(sequences), batch_size, shuffle
        self._orders = Orders(self._order)
        self._lengths = np.array([len(sequence) for sequence in sequences], np.int64)
        self._same = bool((self._lengths == self._lengths[0]).all())
        self._stacked = np.stack([sequence.past for sequence in sequences]) if self._same else None

    def __len__(self) -> int:
        return -(-len(self._sequences) // self.batch_size)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        chosen = self._orders(seed, epoch)[index * self.batch_size : (index + 1) * self.batch_size]
        sequences = [self._sequences[n] for n in chosen]
        lengths = self._lengths[chosen]
        longest = int(lengths.max())
        if self._stacked is not None:
            past = self._stacked[chosen]
        else:
            past = np.zeros((len(chosen), longest, sequences[0].past.shape[1]), np.float32)
            for row, sequence in enumerate(sequences):
                past[row, : len(sequence)] = sequence.past
        return Batch(
            {"past": past},
            _targets(sequences, longest),
            np.array([sequence.weight for sequence in sequences], np.float32),
            lengths=None if self._same else lengths,
            description=f"sequence '{sequences[0].key}' and {len(sequences) - 1} others",
        )

    def _order(self, seed: int, epoch: int) -> np.ndarray:
        count = len(self._sequences)
        if not self.shuffle:
            return np.arange(count)
        random = np.random.default_rng([seed, epoch])
        order = random.permutation(count)
        if self._same:
            return order
        # A stable sort of a shuffled order: like lengths side by side, equal ones in a new order each epoch.
        order = order[np.argsort(self._lengths[order], kind="stable")]
        starts = random.permutation(np.arange(0, count, self.batch_size))
        full = [order[start : start + self.batch_size] for start in starts]
        full.sort(key=lambda part: len(part) < self.batch_size)  # the smaller batch stays last
        return np.concatenate(full)


def _targets(sequences: List[Sequence], longest: int) -> np.ndarray:
    targets = [sequence.targets for sequence in sequences]
    first = targets[0]
    assert first is not None
    if first.ndim == 1:
        return np.stack([target for target in targets if target is not None])
    padded = np.full((len(targets), longest, first.shape[1]), np.nan, np.float32)
    for row, target in enumerate(targets):
        assert target is not None
        padded[row, : len(target)] = target
    return padded
