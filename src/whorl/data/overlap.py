"""Sequences that stand on both sides of a split: copies, and pieces cut from the same place of a longer one."""

from collections.abc import Sequence as List

import numpy as np

from whorl.data.sequences import Sequence

# Rows in a row that make a run; shorter sequences are one. Of single rows many are alike by chance.
_RUN = 8
# Most held-out sequences that are looked at.
_MOST = 2000
# Training sequences whose runs are made at a time.
_TOGETHER = 1000
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def num_shared(training: List[Sequence], held_out: List[Sequence]) -> tuple[int, int]:
    """How many held-out sequences training has, too, at least half of them, and how many were looked at.

    Runs of 8 rows are compared, bit for bit; those whose rows are all alike are left out.

    Args:
        training: sequences that are learned from; of pairs of texts their sources count.
        held_out: others.
    """
    chosen = held_out[:: max(1, -(-len(held_out) // _MOST))]
    own = [_runs(one) for one in chosen]
    # Those of the held-out sequences are few, and are looked up in one order, however many there are in training.
    wanted, place = np.unique(np.concatenate([np.empty(0, np.uint64), *own]), return_inverse=True)
    seen = np.zeros(len(wanted) + 1, bool)
    for first in range(0, len(training) if len(wanted) else 0, _TOGETHER):
        runs = np.concatenate([_runs(one) for one in training[first : first + _TOGETHER]])
        at = np.searchsorted(wanted, runs)
        seen[np.where(wanted[np.minimum(at, len(wanted) - 1)] == runs, at, len(wanted))] = True
    found = np.split(seen[place], np.cumsum([len(runs) for runs in own])[:-1])
    return sum(bool(len(one)) and bool(2 * one.sum() >= len(one)) for one in found), len(chosen)


def _runs(one: Sequence) -> np.ndarray:
    """A number for each run of rows that are not all alike, (n,) uint64."""
    rows = np.ascontiguousarray(one.past if one.source is None else one.source, np.float32)
    if not rows.size:
        return np.empty(0, np.uint64)
    width, length = rows.shape[1], min(_RUN, len(rows))
    bits = (rows + np.float32(0.0)).view(np.uint32).astype(np.uint64)  # one zero, not two
    hashed = _mixed(bits @ _powers(width))
    windows = np.lib.stride_tricks.sliding_window_view(hashed, length)
    runs = windows @ _powers(length) + np.uint64(length)
    differ = (windows != windows[:, :1]).any(axis=1)
    found: np.ndarray = runs if length == 1 else runs[differ]
    return found


def _powers(count: int) -> np.ndarray:
    return np.cumprod(np.full(count, _MULTIPLIER, np.uint64))


def _mixed(values: np.ndarray) -> np.ndarray:
    """Bits spread over the whole number, so that sums of different rows differ (as in splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)))
