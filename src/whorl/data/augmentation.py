"""Training series changed a little, each time anew, so that few of them teach more."""

import numpy as np

from whorl.data.batches import Batch, Batches
from whorl.plans.changes import Augmentation
from whorl.specs import Fields, Reals, Spec

# Speeds at so many points of a series; between them they change evenly.
_KNOTS = 4


class AugmentedBatches(Batches):
    """Batches whose series are read at a changing speed, and whose columns of numbers are scaled and made noisy.

    What is no number, such as flags and codes, is only moved in time. (Um et al. 2017 compare such changes.)

    Args:
        batches: of whole sequences.
        plan: how much is changed.
        spec: what the columns are.
    """

    def __init__(self, batches: Batches, plan: Augmentation, spec: Spec) -> None:
        self._batches, self._plan = batches, plan
        fields = spec.fields if isinstance(spec, Fields) else {"all": spec}
        self._numeric = np.concatenate([np.full(part.width, isinstance(part, Reals)) for part in fields.values()])

    def __len__(self) -> int:
        return len(self._batches)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        """Returns batch `index` of that epoch; its changes, too, are a function of the arguments."""
        batch = self._batches.batch(index, seed=seed, epoch=epoch)
        random = np.random.default_rng([seed, epoch, index])
        past = np.asarray(batch.inputs["past"])
        lengths = np.full(len(past), past.shape[1]) if batch.lengths is None else batch.lengths
        if self._plan.warp and past.shape[1] > 1:
            past = self._warped(past, lengths, random)
        numeric = self._numeric
        factor = 1.0 + self._plan.scale * random.standard_normal((len(past), 1, int(numeric.sum())))
        noise = self._plan.noise * random.standard_normal((*past.shape[:2], int(numeric.sum())))
        changed = np.array(past, np.float32)
        changed[..., numeric] = past[..., numeric] * factor + noise
        return batch._replace(inputs={**batch.inputs, "past": changed})

    def _warped(self, past: np.ndarray, lengths: np.ndarray, random: np.random.Generator) -> np.ndarray:
        count, steps, _ = past.shape
        knots = self._plan.warp * random.standard_normal((count, _KNOTS))
        step = np.arange(steps)
        # Each series has its knots spread over its own length, and keeps its first and its last step.
        last = np.maximum(lengths - 1, 1)[:, None]
        share = np.minimum(step / last, 1.0) * (_KNOTS - 1)
        left = np.minimum(share.astype(np.int64), _KNOTS - 2)
        rows = np.arange(count)[:, None]
        slope = share - left
        speed = np.exp(knots[rows, left] * (1.0 - slope) + knots[rows, left + 1] * slope)
        way = np.cumsum(speed, axis=1) - speed[:, :1]
        place = way / np.maximum(way[rows, last], 1e-9) * last
        place = np.where(step < lengths[:, None], np.clip(place, 0, last), step)
        before = np.minimum(place.astype(np.int64), steps - 1)
        after = np.minimum(before + 1, np.maximum(lengths[:, None] - 1, before))
        weight = (place - before)[..., None]
        warped = past[rows, before] * (1.0 - weight) + past[rows, after] * weight
        nearest = past[rows, np.where(weight[..., 0] < 0.5, before, after)]
        made: np.ndarray = np.where(self._numeric, warped, nearest)
        return made
