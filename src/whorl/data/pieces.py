"""Batches of pieces of sequences, for answers to each row: cut anywhere, and padded at their end."""

from collections.abc import Sequence as List

import numpy as np

from whorl.data.batches import Batch, Batches, Orders
from whorl.data.sequences import Sequence
from whorl.errors import DataError
from whorl.plans.wiring import EachRow

# Pieces of an epoch at least: few rows are seen from many beginnings.
_LEAST = 32
COLD = 4


class PieceBatches(Batches):
    """Pieces of `length` rows that are scored, and as many rows before them, as far as there are, that are only read.

    One of `COLD` pieces that are drawn has no rows before it: a stream has a beginning too.

    Args:
        sequences: encoded rows with targets (T, K).
        pairing: length of a piece; of whole sequences each is one.
        batch_size: pieces in a batch; the last batch is smaller.
        spans: for each sequence the first and the last (exclusive) row whose targets may be used.
        shuffle: draws pieces anew for each epoch, from anywhere in the spans and about as many as cover them; else the
            pieces are those that cover the spans.
    """

    def __init__(
        self,
        sequences: List[Sequence],
        pairing: EachRow,
        batch_size: int,
        spans: List[tuple[int, int]],
        *,
        shuffle: bool = True,
    ) -> None:
        self.length = max(map(len, sequences)) if pairing.whole else pairing.length
        self.batch_size, self.shuffle = batch_size, shuffle
        self._sequences, self._spans = list(sequences), list(spans)
        self._known = [np.isfinite(one.row_targets).any(axis=1) for one in sequences]
        self._pieces = [
            (n, at)
            for n, (first, last) in enumerate(spans)
            for at in range(first, last, self.length)
            if self._known[n][at : min(last, at + self.length)].any()
        ]
        if not self._pieces:
            raise DataError("no rows are left for training or validation. Bring more, or change `validation`.")
        # Whole sequences that are no longer than a piece have one beginning.
        self._movable = any(last - first > self.length for first, last in spans)
        self._count = max(len(self._pieces), _LEAST) if shuffle and self._movable else len(self._pieces)
        self._orders = Orders(self._order)

    def __len__(self) -> int:
        return -(-self._count // self.batch_size)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        chosen = self._orders(seed, epoch)[index * self.batch_size : (index + 1) * self.batch_size]
        parts = [self._part(n, at, cold) for n, at, cold in chosen]
        lengths = np.array([len(past) for past, _ in parts], np.int64)
        longest = int(lengths.max())
        past = np.zeros((len(parts), longest, parts[0][0].shape[1]), np.float32)
        targets = np.full((len(parts), longest, parts[0][1].shape[1]), np.nan, np.float32)
        for row, (read, truths) in enumerate(parts):
            past[row, : len(read)], targets[row, : len(truths)] = read, truths
        n, at, _ = chosen[0]
        return Batch(
            {"past": past},
            targets,
            np.array([self._sequences[n].weight for n, _, _ in chosen], np.float32),
            lengths=None if (lengths == longest).all() else lengths,
            description=f"series '{self._sequences[n].key}' from row {at} and {len(chosen) - 1} others",
        )

    def _order(self, seed: int, epoch: int) -> list[tuple[int, int, bool]]:
        """(sequence, first scored row, whether nothing is read before it) of each piece of an epoch."""
        if not self.shuffle:
            return [(n, at, False) for n, at in self._pieces]
        random = np.random.default_rng([seed, epoch])
        order = random.permutation(len(self._pieces))
        chosen = [self._pieces[order[place % len(order)]] for place in range(self._count)]
        return [(n, self._moved(n, at, random), place % COLD == 0) for place, (n, at) in enumerate(chosen)]

    def _moved(self, n: int, at: int, random: np.random.Generator) -> int:
        first, last = self._spans[n]
        if last - first <= self.length:
            return at
        moved = int(random.integers(first, last - self.length + 1))
        return moved if self._known[n][moved : moved + self.length].any() else at

    def _part(self, n: int, at: int, cold: bool) -> tuple[np.ndarray, np.ndarray]:
        sequence, last = self._sequences[n], min(self._spans[n][1], at + self.length)
        start = at if cold else max(0, at - self.length)
        targets = sequence.row_targets[start:last].astype(np.float32)
        targets[: at - start] = np.nan
        return sequence.past[start:last], targets
