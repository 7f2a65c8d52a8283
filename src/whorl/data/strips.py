"""Batches for a carried state: series cut into strips that are read from their start to their end, side by side."""

from collections.abc import Callable
from collections.abc import Sequence as List

import numpy as np

from whorl.data.batches import Batch, Batches
from whorl.data.pairing import a_season_before, padded
from whorl.data.sequences import Sequence
from whorl.errors import DataError
from whorl.plans.wiring import Strips


class StripBatches(Batches):
    """Strips of all sequences, `num_steps` rows at a time; every batch but an epoch's first carries on.

    A strip begins with `warm_up` rows that are read and not scored. Where a sequence is cut moves from epoch to epoch.

    Args:
        sequences: encoded rows.
        pairing: warm-up and horizon.
        batch_size: strips side by side.
        num_steps: rows between truncations of the gradient.
        spans: for each sequence the first and the last (exclusive) row whose targets may be used.
        running: running statistics of targets (T, K) -> (T, 2, K).
        season: rows of a season; None gives none of what stood a season before.
        shuffle: False cuts at the same places in every epoch.
    """

    def __init__(
        self,
        sequences: List[Sequence],
        pairing: Strips,
        batch_size: int,
        num_steps: int,
        spans: List[tuple[int, int]],
        running: Callable[[np.ndarray], np.ndarray],
        *,
        season: int | None = None,
        shuffle: bool = True,
    ) -> None:
        self.pairing, self.batch_size, self.num_steps, self.shuffle = pairing, batch_size, num_steps, shuffle
        self.season = season
        self._sequences, self._spans = list(sequences), list(spans)
        self._running = [running(one.past[:, : one.row_targets.shape[1]]) for one in sequences]
        self._targets = [
            padded(one.row_targets[:last], pairing.horizon) for one, (_, last) in zip(sequences, spans, strict=True)
        ]
        # Rows of `_seasons` relative to a step; zeros stand before the start of each.
        self._season_rows = None if season is None else season - 1 + a_season_before(season, pairing.horizon)
        self._seasons = [_after_zeros(one, (season or 1) - 1) for one in sequences]
        rows = [max(0, last - max(first, pairing.warm_up)) for first, last in spans]
        if not sum(rows):
            raise DataError(
                f"`context` {pairing.warm_up} and `horizon` {pairing.horizon} leave no row to learn from. Lower one."
            )
        # Strips of one length for all sequences; at least two batches long, so that the state is really carried.
        self._scored = max(-(-sum(rows) // batch_size), min(max(rows), 2 * num_steps))
        self._length = pairing.warm_up + self._scored
        self._order: tuple[tuple[int, int], list[tuple[int, int]]] | None = None

    def elsewhere(self, spans: List[tuple[int, int]], *, shuffle: bool = True) -> "StripBatches":
        """The same sequences in strips of other spans; their running statistics are not computed again."""
        known = iter(self._running)
        return StripBatches(
            self._sequences,
            self.pairing,
            self.batch_size,
            self.num_steps,
            spans,
            lambda _: next(known),
            season=self.season,
            shuffle=shuffle,
        )

    def __len__(self) -> int:
        return -(-self._length // self.num_steps)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        strips = self._strips(seed, epoch)
        start = index * self.num_steps
        parts = [self._part(n, first + start, first) for n, first in strips]
        names = parts[0][0].keys()
        weights = np.array([self._sequences[n].weight for n, _ in strips], np.float32)
        n, first = strips[0]
        inputs = {name: np.stack([part[0][name] for part in parts]) for name in names}
        if not inputs["starts"].any():
            del inputs["starts"]  # nothing to reset, and a recurrence without resets is faster
        return Batch(
            inputs,
            np.stack([part[1] for part in parts]),
            weights,
            carries=index > 0,
            description=f"series '{self._sequences[n].key}' from row {max(0, first + start)}, {len(strips)} strips",
        )

    def _strips(self, seed: int, epoch: int) -> list[tuple[int, int]]:
        """(sequence, first row) of each strip; rows before a sequence's start are padding."""
        if self._order is None or self._order[0] != (seed, epoch):
            shift = int(np.random.default_rng([seed, epoch]).integers(self._scored)) if self.shuffle else 0
            strips = []
            for n, (first, last) in enumerate(self._spans):
                begin = max(first, self.pairing.warm_up) - shift
                strips += [(n, at - self.pairing.warm_up) for at in range(begin, last, self._scored)]
            self._order = ((seed, epoch), strips)
        return self._order[1]

    def _part(self, n: int, start: int, strip: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Inputs and targets of `num_steps` rows; what lies outside of the strip or the span has no target."""
        sequence, (first, last) = self._sequences[n], self._spans[n]
        rows = np.arange(start, start + self.num_steps)
        inside = np.clip(rows, 0, last - 1)
        before = np.arange(start - self.pairing.num_lags, start + self.num_steps)
        past = np.where((before >= 0)[:, None], sequence.past[np.clip(before, 0, last - 1)], np.float32(0.0))
        inputs = {"past": past, "running": self._running[n][inside], "starts": rows == 0}
        if sequence.ahead is not None:
            inputs["future"] = sequence.ahead[inside[:, None] + np.arange(1, self.pairing.horizon + 1)]
        if self._season_rows is not None:
            inputs["season"] = self._seasons[n][inside[:, None] + self._season_rows]
        targets = self._targets[n][inside[:, None] + np.arange(1, self.pairing.horizon + 1)]
        begin = max(first, self.pairing.warm_up) - 1
        # The last row of a strip is scored by the next one, where it follows a whole warm-up.
        scored = (rows >= max(strip + self.pairing.warm_up - 1, begin)) & (rows < min(last, strip + self._length - 1))
        targets[~scored] = np.nan
        return inputs, targets


def _after_zeros(sequence: Sequence, count: int) -> np.ndarray:
    """Targets as they are read, (count + T, K)."""
    own = sequence.past[:, : sequence.row_targets.shape[1]]
    return np.concatenate([np.zeros((count, own.shape[1]), np.float32), own]) if count else own
