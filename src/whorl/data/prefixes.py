"""Training sequences as they were so far: some of them end early, each time elsewhere."""

import numpy as np

from whorl.data.batches import Batch, Batches

# Draws of their own: where a sequence ends must not go with how it was warped.
_OWN = 1


class PrefixBatches(Batches):
    """Batches some of whose sequences end after a part of their steps, any number of them alike probable.

    Their truth stays that of the whole sequence, so that what is learned is also the answer so far.

    Args:
        batches: of whole sequences with one truth each.
        share: of the sequences that end early.
    """

    def __init__(self, batches: Batches, share: float) -> None:
        self._batches, self._share = batches, share

    def __len__(self) -> int:
        return len(self._batches)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        """Returns batch `index` of that epoch; where its sequences end, too, is a function of the arguments."""
        batch = self._batches.batch(index, seed=seed, epoch=epoch)
        random = np.random.default_rng([seed, epoch, index, _OWN])
        past = batch.inputs["past"]
        whole = np.full(len(past), past.shape[1]) if batch.lengths is None else batch.lengths
        some = np.ceil(whole * (1.0 - random.random(len(past)))).astype(np.int64)
        lengths = np.where(random.random(len(past)) < self._share, some, whole)
        return batch._replace(inputs={**batch.inputs, "past": past[:, : lengths.max()]}, lengths=lengths)
