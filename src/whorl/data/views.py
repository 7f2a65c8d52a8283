"""Pictures of training seen as from elsewhere, each time anew, so that few of them teach more."""

import numpy as np

from whorl.data.batches import Batch, Batches
from whorl.plans.changes import Views
from whorl.specs import Picture


class ViewedBatches(Batches):
    """Batches whose pictures are mirrored and shifted; all steps of an example are changed alike.

    Args:
        batches: of whole sequences.
        plan: how much is changed.
        spec: what a picture is.
        name: of the input that has the pictures.
    """

    def __init__(self, batches: Batches, plan: Views, spec: Picture, name: str = "past") -> None:
        self._batches, self._plan, self._spec, self._name = batches, plan, spec, name

    def __len__(self) -> int:
        return len(self._batches)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        """Returns batch `index` of that epoch; its changes, too, are a function of the arguments."""
        batch = self._batches.batch(index, seed=seed, epoch=epoch)
        random = np.random.default_rng([seed, epoch, index])
        given, spec, plan = np.asarray(batch.inputs[self._name]), self._spec, self._plan
        pictures = given.reshape(*given.shape[:2], spec.c, spec.h, spec.w)
        mirrored = plan.mirror & (random.random(len(given)) < 0.5)
        most = np.array([int(plan.shift * spec.h), int(plan.shift * spec.w)])
        shifts = random.integers(-most, most + 1, (len(given), 2))
        rows, columns = np.arange(spec.h), np.arange(spec.w)
        changed = np.empty_like(pictures)
        for n, (down, right) in enumerate(shifts.tolist()):
            across = np.clip(columns - right, 0, spec.w - 1)
            across = across[::-1] if mirrored[n] else across
            changed[n] = pictures[n][..., np.clip(rows - down, 0, spec.h - 1)[:, None], across]
        return batch._replace(inputs={**batch.inputs, self._name: changed.reshape(given.shape)})
