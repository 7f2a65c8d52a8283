"""Batches of pairs: a sequence that is read, and one that is written."""

from collections.abc import Sequence as List

import numpy as np

from whorl.data.batches import Batch, Batches, Orders
from whorl.data.sequences import Sequence, num_sources
from whorl.errors import DataError


class PairBatches(Batches):
    """Whole pairs. Batches hold pairs of like lengths, so that little is padded; their order is shuffled.

    Of sequences behind each other that share their source, as texts about one picture do, some of like lengths come
    together in a batch, which has the source once, and `source_place` says which each row belongs to.

    Args:
        sequences: encoded, with sources and a target for each step.
        batch_size: pairs in a batch, or, where sources are shared, sources; the last batch is smaller.
        shuffle: False keeps the order of lengths.
        together: most sequences of a source in a batch.
    """

    def __init__(self, sequences: List[Sequence], batch_size: int, *, shuffle: bool = True, together: int = 1) -> None:
        if not sequences:
            raise DataError("no pairs are left for training or validation. Bring more, or change `validation`.")
        self._sequences, self.batch_size, self.shuffle = list(sequences), batch_size, shuffle
        self._orders = Orders(self._order)
        self._lengths = np.array([len(one) for one in sequences], np.int64)
        self._parts = [[n] for n in range(len(sequences))] if together == 1 else self._of_sources(together)
        self._longest = np.array([self._lengths[part].max() for part in self._parts], np.int64)
        self._read = np.array([len(sequences[part[0]].read_steps) for part in self._parts], np.int64)
        self._shared = together > 1

    def _of_sources(self, together: int) -> list[list[int]]:
        """Numbers of sequences that share their source, some of like lengths in each part."""
        numbers = np.array(num_sources(self._sequences))
        parts = []
        for own in np.split(np.arange(len(numbers)), np.flatnonzero(np.diff(numbers)) + 1):
            ordered = own[np.argsort(self._lengths[own], kind="stable")]
            parts += np.array_split(ordered, -(-len(ordered) // together))
        return [part.tolist() for part in parts]

    def __len__(self) -> int:
        return -(-len(self._parts) // self.batch_size)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        chosen = self._orders(seed, epoch)[index * self.batch_size : (index + 1) * self.batch_size]
        parts = [self._parts[n] for n in chosen]
        rows = [n for part in parts for n in part]
        sequences, lengths, read = [self._sequences[n] for n in rows], self._lengths[rows], self._read[chosen]
        past = _padded([one.past for one in sequences], int(lengths.max()), 0.0)
        sources = [self._sequences[part[0]].read_steps for part in parts]
        inputs = {
            "past": past,
            "source": _padded(sources, int(read.max()), 0.0),
            "source_length": read[:, None].astype(np.float32),
        }
        if self._shared:
            places = np.repeat(np.arange(len(parts), dtype=np.float32), [len(part) for part in parts])
            inputs["source_place"] = places[:, None]
        return Batch(
            inputs,
            _padded([one.row_targets for one in sequences], int(lengths.max()), np.nan),
            np.array([one.weight for one in sequences], np.float32),
            lengths=lengths,
            description=f"pair {sequences[0].key} and {len(sequences) - 1} others",
        )

    def _order(self, seed: int, epoch: int) -> np.ndarray:
        count = len(self._parts)
        if not self.shuffle:
            return np.lexsort([self._read, self._longest])
        random = np.random.default_rng([seed, epoch])
        # Lengths of the source blurred a little: otherwise batches of equal targets would always meet the same ones.
        blurred = self._read + random.uniform(0.0, 2.0, count)
        order = np.lexsort([blurred, self._longest])
        starts = random.permutation(np.arange(0, count, self.batch_size))
        full = [order[start : start + self.batch_size] for start in starts]
        full.sort(key=lambda part: len(part) < self.batch_size)  # the smaller batch stays last
        return np.concatenate(full)


def _padded(parts: List[np.ndarray], longest: int, value: float) -> np.ndarray:
    padded = np.full((len(parts), longest, parts[0].shape[1]), value, np.float32)
    for row, part in enumerate(parts):
        padded[row, : len(part)] = part
    return padded
