"""The time until the next event as a distribution: how probable each bin of time is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from whorl.data.event_inputs import Lapses
from whorl.errors import ArgumentError
from whorl.plans.sizes import is_level

# An interval leaves so much out below, and as much above.
OUTSIDE = 0.1


@dataclass(frozen=True, kw_only=True)
class Until:
    """When the next event comes, one distribution a row: in seconds, or in units of a time that is counted.

    Within a bin the logarithm of 1 + t is spread evenly from its least training time to its largest one. No time beyond
    those of training is answered.

    Args:
        shares: (N, B) how probable each bin is.
        lapses: the bins.
    """

    shares: np.ndarray
    lapses: Lapses

    def __len__(self) -> int:
        return len(self.shares)

    @property
    def median(self) -> np.ndarray:
        """The time before which the next event comes as often as after it, (N,)."""
        return self.quantile(0.5)

    @property
    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """The times between which the next event comes in 80 % of cases, as often before as after them, (N,) each."""
        return self.quantile(OUTSIDE), self.quantile(1.0 - OUTSIDE)

    def quantile(self, level: float) -> np.ndarray:
        """The time before which the next event comes with this probability, (N,).

        Raises:
            ArgumentError: the level is not within (0, 1).
        """
        if not is_level(level):
            raise ArgumentError(f"`level` is a probability within (0, 1), but is {level!r:.60}. Use 0.5, say.")
        reached = np.add.accumulate(self.shares, axis=1)
        row = np.arange(len(self))
        bin_ = np.minimum((reached < level).sum(axis=1), self.shares.shape[1] - 1)
        own = self.shares[row, bin_]
        # Sums are rounded: where they end below the level, it lies at the end of the last bin.
        inside = np.clip((level - (reached[row, bin_] - own)) / np.where(own > 0, own, 1.0), 0.0, 1.0)
        least, most = (ends.astype(np.float64)[bin_] for ends in (self.lapses.least, self.lapses.most))
        low, high = np.log1p(least), np.log1p(most)
        # Rounding must not carry a time that fills a bin past itself: whether others are as long decides scores.
        found: np.ndarray = np.clip(np.expm1(low + inside * (high - low)), least, most)
        return found

    def surprise(self, times: np.ndarray) -> np.ndarray:
        """How improbable the bins of these times are, one a row, in nats, (N,)."""
        own = self.shares[np.arange(len(self)), self.lapses.bins(times)]
        found: np.ndarray = -np.log(np.maximum(own, np.finfo(np.float64).tiny))
        return found

    def take(self, rows: np.ndarray | slice) -> "Until":
        """Some of the answers."""
        return replace(self, shares=self.shares[rows])

    def below(self, parts: Sequence["Until"]) -> "Until":
        """Answers of several parts below each other."""
        return replace(self, shares=np.concatenate([part.shares for part in parts]))

    def told(self) -> list[dict[str, float]]:
        """Each answer for records: `until`, its median, and the bounds of its interval."""
        names = ("until", f"until_q{OUTSIDE:g}", f"until_q{1.0 - OUTSIDE:g}")
        times = np.stack([self.median, *self.interval], axis=1).tolist()
        return [dict(zip(names, row, strict=True)) for row in times]
