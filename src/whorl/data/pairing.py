"""Cutting: which records of a sequence are input and which are target, for training and for answers."""

from collections.abc import Sequence as List
from typing import assert_never

import numpy as np

from whorl.data.batches import Batch, Batches, Orders
from whorl.data.sequences import Sequence
from whorl.errors import DataError
from whorl.plans.wiring import EachRow, Pairing, Sequences, Strips, Windows


def scored_steps(pairing: Pairing, num_rows: int) -> np.ndarray:
    """Steps whose answer can be scored: full context before them and full horizon after them."""
    match pairing:
        case Windows(context=context, horizon=horizon):
            return np.arange(context - 1, num_rows - horizon)
        case Strips(warm_up=warm_up, horizon=horizon):
            return np.arange(warm_up - 1, num_rows - horizon)
        case Sequences(every_step=every_step, lookahead=lookahead):
            return np.arange(lookahead if every_step else max(0, num_rows - 1), num_rows)
        case EachRow(whole=whole):
            return np.arange(max(0, num_rows - 1) if whole else 0, num_rows)
        case _:
            assert_never(pairing)


def steps_with_truths(pairing: Pairing, sequence: Sequence) -> np.ndarray:
    """The steps of a sequence with targets whose answer is scored."""
    steps = scored_steps(pairing, len(sequence))
    if isinstance(pairing, Sequences) and pairing.last:
        known = np.flatnonzero(np.isfinite(sequence.row_targets).any(axis=-1))
        return np.intersect1d(steps, known)
    return steps


def answered_steps(pairing: Pairing, num_rows: int) -> np.ndarray:
    """Steps with an answer: enough context before them."""
    return np.arange(first_answer(pairing), num_rows)


def told(pairing: Pairing) -> str:
    """What an answer that is scored needs before and after it, in words."""
    match pairing:
        case Windows(context=before, horizon=after) | Strips(warm_up=before, horizon=after):
            return f"a context of {before} and a horizon of {after} rows"
        case _:
            return "a whole sequence"


def first_answer(pairing: Pairing) -> int:
    """The first step that has an answer."""
    match pairing:
        case Windows(context=context):
            return context - 1
        case Strips(warm_up=warm_up):
            return warm_up - 1
        case Sequences(lookahead=lookahead):
            return lookahead
        case EachRow():
            return 0
        case _:
            assert_never(pairing)


def a_season_before(season: int, horizon: int) -> np.ndarray:
    """Where the rows of a horizon stood a season before, relative to the row of the answer: (horizon,), at most zero.

    Of what lies more than a season ahead, the last season that is known.
    """
    return np.arange(horizon) % season + 1 - season


def target_windows(targets: np.ndarray, steps: np.ndarray, horizon: int) -> np.ndarray:
    """Truths of the `horizon` rows after each step, (len(steps), horizon, K); beyond the end: NaN."""
    if not len(targets):
        return np.full((len(steps), horizon, *targets.shape[1:]), np.nan, targets.dtype)
    # Only what is asked for is read: the targets of a long text lie on disk.
    rows = steps[:, None] + np.arange(1, horizon + 1)
    found: np.ndarray = np.asarray(targets[np.minimum(rows, len(targets) - 1)])
    found[rows >= len(targets)] = np.nan
    return found


def padded(targets: np.ndarray, horizon: int) -> np.ndarray:
    """Truths with `horizon` unknown ones after the last."""
    return np.concatenate([targets, np.full((horizon, *targets.shape[1:]), np.nan, targets.dtype)])


class WindowBatches(Batches):
    """Windows of all sequences, cut in bulk. Each epoch takes every origin once, in an order of its own.

    Args:
        sequences: encoded rows.
        pairing: context, horizon and stride.
        batch_size: windows in a batch; the last batch of an epoch is smaller.
        spans: for each sequence the first and the last (exclusive) row whose targets may be used.
        shuffle: False keeps the order of time.
    """

    def __init__(
        self,
        sequences: List[Sequence],
        pairing: Windows,
        batch_size: int,
        spans: List[tuple[int, int]],
        *,
        shuffle: bool = True,
    ) -> None:
        self.context, self.horizon, self.batch_size, self.shuffle = (
            pairing.context,
            pairing.horizon,
            batch_size,
            shuffle,
        )
        self.keys = [sequence.key for sequence in sequences]
        self._past = np.concatenate([sequence.past for sequence in sequences])
        self._targets = np.concatenate([sequence.row_targets for sequence in sequences])
        self._weights = _weights(sequences)
        ahead = [sequence.ahead for sequence in sequences]
        self._ahead = None if ahead[0] is None else np.concatenate([part for part in ahead if part is not None])
        starts = np.cumsum([0, *(len(sequence) for sequence in sequences)])
        where, which = [], []
        for n, (first, last) in enumerate(spans):
            origins = np.arange(max(first - 1, self.context - 1), last - self.horizon, pairing.stride)
            where.append(origins + starts[n])
            which.append(np.full(len(origins), n))
        self._origins = np.concatenate(where).astype(np.int64)
        self._which = np.concatenate(which).astype(np.int64)
        self._starts = starts
        self._orders = Orders(self._order)
        if not len(self._origins):
            longest = max((last - first for first, last in spans), default=0)
            raise DataError(
                f"`context` {self.context} and `horizon` {self.horizon} need {self.context + self.horizon} rows, "
                f"but the longest part has {longest}. Lower one of them, or bring more rows."
            )

    def __len__(self) -> int:
        return -(-len(self._origins) // self.batch_size)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        chosen = self._orders(seed, epoch)[index * self.batch_size : (index + 1) * self.batch_size]
        origins, which = self._origins[chosen], self._which[chosen]
        inputs = {"past": self._past[origins[:, None] + np.arange(1 - self.context, 1)]}
        if self._ahead is not None:
            # Each sequence has `horizon` more rows ahead than rows, so its offset grows by that.
            rows = origins + which * self.horizon
            inputs["future"] = self._ahead[rows[:, None] + np.arange(1, self.horizon + 1)]
        targets = self._targets[origins[:, None] + np.arange(1, self.horizon + 1)]
        first = origins[0] - self._starts[which[0]]
        return Batch(
            inputs, targets, self._weights[which], description=f"series '{self.keys[which[0]]}', row {first} and others"
        )

    def _order(self, seed: int, epoch: int) -> np.ndarray:
        count = len(self._origins)
        return np.random.default_rng([seed, epoch]).permutation(count) if self.shuffle else np.arange(count)


def _weights(sequences: List[Sequence]) -> np.ndarray:
    return np.asarray([sequence.weight for sequence in sequences], np.float32)
