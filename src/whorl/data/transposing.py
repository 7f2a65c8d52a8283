"""Pieces of music in other keys: how far each is moved, in each epoch anew."""

from collections.abc import Sequence as List

import numpy as np

from whorl.codecs.music import MusicCodec
from whorl.data.batches import Orders
from whorl.data.sequences import Sequence
from whorl.plans.changes import Transposition


class Transposing:
    """Moves each piece as a whole, by as many semitones as its notes leave room for.

    Args:
        codec: of the pieces.
        plan: how far they are moved at most.
        sequences: the pieces.
    """

    def __init__(self, codec: MusicCodec, plan: Transposition, sequences: List[Sequence]) -> None:
        self._codec = codec
        ranges = np.array([codec.range_of(one.past) for one in sequences], np.int64).reshape(-1, 2)
        self._least = np.maximum(plan.least, -ranges[:, 0])
        self._most = np.minimum(plan.most, len(codec.pitches) - 1 - ranges[:, 1])
        self._shifts = Orders(self._drawn)

    def _drawn(self, seed: int, epoch: int) -> np.ndarray:
        # Another stream of numbers than that of the order of the batches.
        return np.random.default_rng([seed, epoch, 1]).integers(self._least, self._most + 1)

    def __call__(self, rows: np.ndarray, number: int, *, seed: int, epoch: int) -> np.ndarray:
        """Some rows of the piece of this number, moved as all of it is in this epoch."""
        return self._codec.transposed(rows, int(self._shifts(seed, epoch)[number]))
