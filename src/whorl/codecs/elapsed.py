"""How long ago: the time since the row before, and since each column with missing values was last observed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from whorl.codecs.numeric import hold_last

# What stands where there was nothing before: below all else, since no time is shorter than none.
NEVER = -1.0


@dataclass(frozen=True)
class Elapsed:
    """Features log(1 + d / unit) of times d since something happened, -1 where it has not happened yet.

    The first feature is of the row before; then comes one for each column with missing values, which is 0 where the
    column is observed in this row. Both are what Che et al. (2018, section 2.2) give a network beside values and flags.

    Args:
        unit: the time that counts as one: the median time between rows of the training part.
        columns: numbers of the columns with missing values.
    """

    unit: float
    columns: tuple[int, ...]

    @property
    def width(self) -> int:
        """Features of a row."""
        return 1 + len(self.columns)

    def start(self) -> np.ndarray:
        """When things happened last, before the first row, (width,): never."""
        return np.full(self.width, np.nan)

    def encode(self, times: np.ndarray, observed: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features of rows, and when things happened last then.

        Args:
            times: (T,) float64, ascending.
            observed: (T, width - 1), whether each column has a value.
            before: (width,), when things happened last.

        Returns:
            (T, width) float32 and (width,).
        """
        happened = np.concatenate([np.ones((len(times), 1), bool), observed], axis=1)
        when = hold_last(np.repeat(times[:, None], self.width, axis=1), happened, before)
        last = when[-1].copy() if len(when) else before
        # Of the row itself nothing is told; the one before it counts.
        when[:, 0] = np.concatenate([before[:1], times])[:-1]
        return self._scaled(times[:, None] - when), last

    def _scaled(self, ago: np.ndarray) -> np.ndarray:
        # A clock that was set back tells no time; NaN stays NaN.
        features = np.log1p(np.ascontiguousarray(np.maximum(ago, 0.0) / self.unit))
        return np.where(np.isnan(features), NEVER, features).astype(np.float32)


def fit_elapsed(times: Sequence[np.ndarray], flagged: np.ndarray) -> Elapsed:
    """Learns the unit from the times of training rows, (T,) each; `flagged` says which columns have missing values."""
    between = np.concatenate([np.diff(as_numbers(one)) for one in times])
    unit = float(np.median(between)) if len(between) else 1.0
    return Elapsed(unit if unit > 0 else 1.0, tuple(np.flatnonzero(flagged).tolist()))


def is_irregular(times: Sequence[np.ndarray]) -> bool:
    """Whether the time between rows differs."""
    between = [np.diff(one.astype(np.int64)) for one in times if len(one) > 1]
    return bool(between) and len(np.unique(np.concatenate(between))) > 1


def as_numbers(times: np.ndarray) -> np.ndarray:
    """Microseconds since 1970, or counts, as numbers whose differences are exact for centuries."""
    return times.astype(np.int64).astype(np.float64)
