"""Training recordings changed a little, each time anew, as rooms, voices and tongues differ."""

import numpy as np

from whorl.data.batches import Batch, Batches
from whorl.data.pace import other_lengths, places, spans
from whorl.plans.changes import SoundChange


class SoundBatches(Batches):
    """Batches whose recordings are faster or slower, higher or lower, louder or softer, noisy, and masked in places.

    Args:
        batches: of whole sequences of features.
        plan: how much is changed.
        stride: frames that stand side by side in a step; they are changed one by one.
        lookahead: empty steps at the end of each sequence, which stay as they are.
    """

    def __init__(self, batches: Batches, plan: SoundChange, stride: int = 1, lookahead: int = 0) -> None:
        self._batches, self._plan, self._stride, self._lookahead = batches, plan, stride, lookahead

    def __len__(self) -> int:
        return len(self._batches)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        """Returns batch `index` of that epoch; its changes, too, are a function of the arguments."""
        batch = self._batches.batch(index, seed=seed, epoch=epoch)
        random, plan = np.random.default_rng([seed, epoch, index]), self._plan
        past, stride = np.asarray(batch.inputs["past"]), self._stride
        count, steps, width = len(past), past.shape[1] * stride, past.shape[2] // stride
        past = past.reshape(count, steps, width)
        empty = self._lookahead * stride
        lengths = (np.full(count, steps) if batch.lengths is None else batch.lengths * stride) - empty
        shorter = other_lengths(random, plan.speed, lengths, stride)
        past = _read_at(past, lengths, shorter)
        if plan.bands and width > 1:
            higher = np.exp(plan.warp * random.standard_normal(count))
            past = _warped(past, higher) if plan.warp else past
            slope = np.linspace(-1.0, 1.0, width) * random.standard_normal((count, 1, 1))
            past = past + plan.gain * random.standard_normal((count, 1, 1)) + plan.tilt * slope
        elif not plan.bands:
            past = past + plan.tilt * random.standard_normal((count, 1, width))
        past = past + plan.noise * random.standard_normal(past.shape)
        for _ in range(plan.masks):
            past = np.where(spans(random, shorter, plan.time_share, past.shape[1])[:, :, None], 0.0, past)
            if plan.bands:
                past = np.where(spans(random, np.full(count, width), plan.band_share, width)[:, None, :], 0.0, past)
        past = np.where((np.arange(past.shape[1]) < shorter[:, None])[:, :, None], past, 0.0)
        past = np.concatenate([past, np.zeros((count, empty, width))], axis=1)
        past = past.astype(np.float32).reshape(count, past.shape[1] // stride, width * stride)
        return batch._replace(inputs={**batch.inputs, "past": past}, lengths=(shorter + empty) // stride)


def _read_at(past: np.ndarray, lengths: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Sequences (B, T, D) of these lengths with as many steps as are wanted, (B, most of them, D)."""
    before, after, weight = places(lengths, wanted)
    weight = weight[..., None]
    rows = np.arange(len(past))[:, None]
    made: np.ndarray = past[rows, before] * (1.0 - weight) + past[rows, after] * weight
    return made


def _warped(past: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Bands of (B, T, D) moved up by a factor, between those that there are."""
    width = past.shape[2]
    place = np.clip(np.arange(width) / factor[:, None], 0, width - 1)
    before = np.minimum(place.astype(np.int64), width - 2)
    weight = (place - before)[:, None, :]
    rows, steps = np.arange(len(past))[:, None, None], np.arange(past.shape[1])[:, None]
    low, high = before[:, None, :], before[:, None, :] + 1
    made: np.ndarray = past[rows, steps, low] * (1.0 - weight) + past[rows, steps, high] * weight
    return made
