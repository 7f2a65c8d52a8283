"""Means with intervals, and paired differences: over seeds, and over blocks of what was scored."""

from collections.abc import Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import stats

from whorl.comparison.scoring import Scored

LEVEL = 0.95


class Estimate(NamedTuple):
    """A mean, its interval at 95 %, and how probable one as far from 0 is by chance; None where that is not known."""

    mean: float
    low: float | None = None
    high: float | None = None
    p: float | None = None


@dataclass(frozen=True)
class Field:
    """Scores of several networks and rivals on the same answers.

    A variance has two parts: that between seeds, and that between blocks of answers, by the jackknife. Few seeds tell
    little of the first, so that of one network is at least the mean of all networks'; taken by itself it is too small
    now and then by chance, and a difference seems certain that is none. Intervals say what other seeds on other data of
    the same kind would give.

    Args:
        metric: the one that is looked at.
        scored: for each name the scores of its seeds; a rival has one.
    """

    metric: str
    scored: Mapping[str, List[Scored]]

    def estimate(self, name: str) -> Estimate:
        """The mean over the seeds of a network."""
        values = self._values(name)
        seeds = None if len(values) == 1 else float(max(values.var(ddof=1), self._between[0])) / len(values)
        return self._estimate(values, self._without(name), seeds)

    def difference(self, first: str, second: str) -> Estimate:
        """The mean difference of two, seed by seed and block by block of the same answers; rivals have no seeds.

        It has no interval where there are no blocks: seeds alone would make it far too sure.
        """
        own, other = self._values(first), self._values(second)
        shared = float(sum(self._between[0] / len(values) for values in (own, other) if len(values) > 1))
        own, other = np.broadcast_arrays(own, other)
        without, seeds = [self._without(name) for name in (first, second)], None
        blocks = None
        if without[0] is not None and without[1] is not None and without[0].shape[1] == without[1].shape[1]:
            blocks = without[0] - without[1]
        if blocks is None:
            return Estimate(float((own - other).mean()))
        if len(own) > 1:
            seeds = max(float((own - other).var(ddof=1)) / len(own), shared)
        return self._estimate(own - other, blocks, seeds)

    @cached_property
    def _between(self) -> tuple[float, int]:
        """The variance between seeds, the mean over networks, and its degrees of freedom."""
        found = [self._values(name) for name in self.scored if len(self.scored[name]) > 1]
        freedom = sum(len(values) - 1 for values in found)
        squares = sum(float(values.var(ddof=1)) * (len(values) - 1) for values in found)
        return (squares / freedom if freedom else 0.0), freedom

    def _values(self, name: str) -> np.ndarray:
        return np.array([one.metrics[self.metric] for one in self.scored[name]])

    def _without(self, name: str) -> np.ndarray | None:
        """The metric without each block, (S, B); None where one lacks it."""
        scored = self.scored[name]
        counts = {len(one.without) for one in scored}
        lacks = any(self.metric not in part for one in scored for part in one.without)
        if counts == {0} or len(counts) > 1 or lacks:
            return None
        return np.array([[part[self.metric] for part in one.without] for one in scored])

    def _estimate(self, values: np.ndarray, without: np.ndarray | None, seeds: float | None) -> Estimate:
        mean = float(values.mean())
        parts = [] if seeds is None else [(seeds, self._between[1])]
        if without is not None:
            blocks = without.shape[1]
            pseudo = (blocks * values[:, None] - (blocks - 1) * without).mean(axis=0)
            parts.append((float(pseudo.var(ddof=1)) / blocks, blocks - 1))
        variance = sum(part for part, _ in parts)
        if not parts or not np.isfinite(variance):
            return Estimate(mean)
        if variance == 0.0:
            return Estimate(mean, mean, mean, 1.0 if mean == 0.0 else 0.0)
        # Degrees of freedom of a sum of variances (Satterthwaite 1946).
        freedom = variance**2 / sum(part**2 / count for part, count in parts)
        error = variance**0.5
        reach = float(stats.t.ppf(0.5 + LEVEL / 2, freedom)) * error
        return Estimate(mean, mean - reach, mean + reach, float(2 * stats.t.sf(abs(mean) / error, freedom)))


def adjusted(found: Mapping[str, float]) -> dict[str, float]:
    """Probabilities of several tests, made larger so that one false alarm in all stays improbable (Holm 1979)."""
    order = sorted(found, key=lambda name: found[name])
    made, largest = {}, 0.0
    for rank, name in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * found[name]))
        made[name] = largest
    return made
