"""Where a training recording is quiet, for as long as a network does not know yet where something is said."""

import numpy as np

from whorl.data.batches import Batch, Batches

# Percent of a recording's steps that are no louder than what counts as loud in it.
_LOUD = 90.0


class QuietBatches(Batches):
    """Batches that say how improbable a symbol is at each step, since little is heard there, in their input `quiet`.

    It is (B, T) float32, in nats: `cost` for each unit by which a step's loudness, the mean of its bands, is below that
    of the loud steps of its recording. It falls from step to step of training, and batches have no such input after the
    last of `num_steps`.

    Args:
        batches: of whole sequences of bands.
        cost: nats for a unit, at the first step.
        num_steps: steps of training, from the first one, in which it falls to zero.
        lookahead: empty steps at the end of each sequence. A step is answered so many steps later, and what it costs
            stands there.
    """

    def __init__(self, batches: Batches, cost: float, num_steps: int, lookahead: int = 0) -> None:
        self._batches, self._cost, self._num_steps, self._lookahead = batches, cost, num_steps, lookahead

    def __len__(self) -> int:
        return len(self._batches)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        """Returns batch `index` of that epoch, which knows from both how many steps came before it."""
        batch = self._batches.batch(index, seed=seed, epoch=epoch)
        left = 1.0 - (epoch * len(self) + index) / self._num_steps if self._num_steps else 0.0
        if left <= 0.0:
            return batch
        past, late = batch.inputs["past"], self._lookahead
        lengths = np.full(len(past), past.shape[1]) if batch.lengths is None else batch.lengths
        loudness = past.mean(axis=2)
        quiet = np.zeros(loudness.shape, np.float32)
        for row, length in enumerate((lengths - late).tolist()):
            if length > 0:
                own = loudness[row, :length]
                quiet[row, late : late + length] = np.maximum(np.percentile(own, _LOUD) - own, 0.0)
        return batch._replace(inputs={**batch.inputs, "quiet": np.float32(self._cost * left) * quiet})
