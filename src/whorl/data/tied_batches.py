"""Sessions whose events of one time come in an order of chance: nobody knows which of them was first."""

from collections.abc import Sequence as List
from dataclasses import replace

import numpy as np

from whorl.data.batches import Batch, Batches, Orders
from whorl.data.padded import SequenceBatches
from whorl.data.sequences import Sequence

# Draws of their own: the order of events must not go with that of sessions.
_OWN = 2


class TiedBatches(Batches):
    """Batches of whole sessions, in which the items of one time change places anew in each epoch.

    A log of many events in a second would else be learned in an order that means nothing. The truth of an event stays
    the item after it; how long after it that came is no matter of which item it is.

    Args:
        sessions: encoded; the first column of a row is its item, code 0 an unknown one.
        batch_size: sessions in a batch.
    """

    def __init__(self, sessions: List[Sequence], batch_size: int) -> None:
        self._whole = SequenceBatches(sessions, batch_size)
        self._sessions, self._batch_size = list(sessions), batch_size
        self._tied = any((one.time[1:] == one.time[:-1]).any() for one in sessions)
        self._orders = Orders(self._drawn)

    def __len__(self) -> int:
        return len(self._whole)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        """Returns batch `index` of that epoch; which item comes first, too, is a function of the arguments."""
        batches = self._orders(seed, epoch) if self._tied else self._whole
        return batches.batch(index, seed=seed, epoch=epoch)

    def _drawn(self, seed: int, epoch: int) -> SequenceBatches:
        random = np.random.default_rng([seed, epoch, _OWN])
        return SequenceBatches([_mixed(one, random) for one in self._sessions], self._batch_size)


def _mixed(one: Sequence, random: np.random.Generator) -> Sequence:
    """A session with the items of each time in another order; what stands beside an item belongs to its place."""
    order = np.lexsort((random.random(len(one)), one.time))
    past, targets = one.past.copy(), one.row_targets.copy()
    past[:, 0] = one.past[order, 0]
    known = np.isfinite(targets[:-1, 0])
    targets[:-1, 0][known] = past[1:, 0][known] - 1.0
    return replace(one, past=past, targets=targets)
