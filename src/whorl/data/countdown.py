"""Remaining life: the truth of a row is how many rows are left until its sequence ends in failure."""

from dataclasses import replace
from typing import NamedTuple

import msgspec
import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.arrays import Arrays
from whorl.data.sequences import Sequence, named
from whorl.data.series import Series
from whorl.errors import DataError


class Countdown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is left after each row of a sequence, counted in rows.

    Args:
        cap: what larger truths count as: an engine that is new shows no sign of when it will fail. None has no cap.
    """

    cap: float | None = None

    def __post_init__(self) -> None:
        if self.cap is not None and not 0 < self.cap < float("inf"):
            raise ValueError(f"`cap` is a number of rows above zero, but is {self.cap!r}.")

    def truths(self, count: int, left: float) -> np.ndarray:
        """Rows that are left after each of `count` rows, (count, 1), where `left` are after the last one."""
        remaining = left + np.arange(count - 1, -1, -1, dtype=np.float64)
        return (remaining if self.cap is None else np.minimum(remaining, self.cap))[:, None]

    def within(self, answers: np.ndarray) -> None:
        """Moves answers that are below zero or above the cap onto it, in place."""
        np.clip(answers, 0.0, self.cap, out=answers)

    def ended(self, frame: Frame, target: str) -> Frame:
        """A table without the column of what is left is one of sequences that end in failure."""
        return frame.with_columns({target: np.zeros(len(frame))})

    def counted(self, series: Series, target: str) -> Series:
        """The truth of each row in the target's column, whose last row says what is left there."""
        left = _checked(series.frame[target][-1], f"column `{target}` of {named(series.key)}")
        column = self.truths(len(series.frame), left)[:, 0]
        return replace(series, frame=series.frame.with_columns({target: column}))

    def counted_arrays(self, arrays: Arrays) -> Arrays:
        """The truths of each step; `y`, (N,), says what is left after the last one, and without it nothing is."""
        y = arrays.y
        if y is not None and (not isinstance(y, np.ndarray) or y.dtype.kind not in "fiub" or y.size != len(arrays)):
            raise DataError(
                "`y` must hold one number for each sequence, what is left after its last step, or be left out where "
                f"sequences end in failure, but has {'text' if _is_text(y) else 'another shape'}. Give (N,) numbers."
            )
        left = np.zeros(len(arrays)) if y is None else np.asarray(y, np.float64).ravel()
        truths = [
            self.truths(len(x), _checked(value, f"`y` of sequence {n}"))
            for n, (x, value) in enumerate(zip(arrays.x, left, strict=True))
        ]
        return replace(arrays, y=truths)


class Truths(NamedTuple):
    """Where the targets of a table stand.

    Args:
        per_sequence: the target is that of a sequence's last row, and is not read.
        every_step: each row of such a sequence has a target of its own.
        countdown: how the targets are counted where they are what remains of a sequence.
    """

    per_sequence: bool = False
    every_step: bool = False
    countdown: Countdown | None = None


def last_known(sequence: Sequence) -> Sequence:
    """Keeps the truth of the last row alone: what is scored of a sequence that ends before failure."""
    truths = np.full_like(sequence.row_targets, np.nan)
    truths[-1:] = sequence.row_targets[-1:]
    return replace(sequence, targets=truths)


def _checked(left: float, where: str) -> float:
    if left < 0 or np.isinf(left):
        raise DataError(f"{where} must say how many rows are left after the last one, but is {left:g}. Correct it.")
    return float(left)


def _is_text(y: object) -> bool:
    return isinstance(y, np.ndarray) and y.dtype.kind not in "fiub"
