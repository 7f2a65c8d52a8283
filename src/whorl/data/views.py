"""Pictures of training seen as from elsewhere, each time anew, so that few of them teach more."""

import numpy as np

from whorl.data.batches import Batch, Batches
from whorl.data.pace import other_lengths, places, spans
from whorl.plans.changes import Views
from whorl.specs import Picture


class ViewedBatches(Batches):
    """Batches whose pictures are mirrored and shifted, all steps of an example alike; videos are also faster or slower,
    and masked in places.

    Args:
        batches: of whole sequences.
        plan: how much is changed; time is that of sequences whose steps are all read as `name`.
        spec: what a picture is.
        name: of the input that has the pictures.
        lookahead: empty steps at the end of each sequence, which stay as they are.
    """

    def __init__(self, batches: Batches, plan: Views, spec: Picture, name: str = "past", *, lookahead: int = 0) -> None:
        self._batches, self._plan, self._spec, self._name, self._lookahead = batches, plan, spec, name, lookahead

    def __len__(self) -> int:
        return len(self._batches)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        """Returns batch `index` of that epoch; its changes, too, are a function of the arguments."""
        batch = self._batches.batch(index, seed=seed, epoch=epoch)
        random = np.random.default_rng([seed, epoch, index])
        seen = self._moved(np.asarray(batch.inputs[self._name]), random)
        if not self._plan.speed and not self._plan.masks:
            return batch._replace(inputs={**batch.inputs, self._name: seen})
        lengths = np.full(len(seen), seen.shape[1]) if batch.lengths is None else batch.lengths
        seen, lengths = self._paced(seen, lengths, random)
        return batch._replace(inputs={**batch.inputs, self._name: seen}, lengths=lengths)

    def _moved(self, given: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Steps (B, T, D) whose pictures stand elsewhere."""
        spec, plan = self._spec, self._plan
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
        return changed.reshape(given.shape)

    def _paced(
        self, seen: np.ndarray, lengths: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Steps (B, T, D) at another pace and masked in places, zero from their lengths on, and these lengths."""
        plan, empty = self._plan, self._lookahead
        lengths = lengths - empty
        wanted = other_lengths(random, plan.speed, lengths)
        before, after, weight = places(lengths, wanted)
        rows, later = np.arange(len(seen))[:, None], weight.astype(np.float32)[..., None]
        made: np.ndarray = seen[rows, before]
        made += (seen[rows, after] - made) * later
        gone = np.arange(made.shape[1]) >= wanted[:, None]
        for _ in range(plan.masks):
            gone |= spans(random, wanted, plan.time_share, made.shape[1])
        made[gone] = 0.0
        return np.pad(made, ((0, 0), (0, empty), (0, 0))), wanted + empty
