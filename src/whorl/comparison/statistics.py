"""Means with intervals, and paired differences: over seeds, and over blocks of what was scored."""

from collections.abc import Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats

from whorl.comparison.scoring import Scored

LEVEL = 0.95
# Variances below such a share of the middle one count as that.
_LEAST = 1e-5
# Logarithms of variances that vary by less than this beyond what chance explains: networks are alike.
_ALIKE = 1e-6


class Estimate(NamedTuple):
    """A mean, its interval at 95 %, and how probable one as far from 0 is by chance; None where that is not known."""

    mean: float
    low: float | None = None
    high: float | None = None
    p: float | None = None


class Part(NamedTuple):
    """A variance, and how many numbers beyond those needed to find it."""

    variance: float
    freedom: float


@dataclass(frozen=True)
class Field:
    """Scores of several networks and rivals on the same answers.

    A variance has two parts: that between seeds, and that between blocks of answers, by the jackknife. Few seeds tell
    little of the first: taken by itself it is too small now and then by chance, and a difference seems certain that is
    none. So what all networks vary by is weighed in, the more the more alike they vary (Smyth 2004, sections 3 and 6):
    one that is unsteady does not make others seem so. Intervals say what other seeds on other data of the same kind
    would give.

    Args:
        metric: the one that is looked at.
        scored: for each name the scores of its seeds; a rival has one.
    """

    metric: str
    scored: Mapping[str, List[Scored]]

    def estimate(self, name: str) -> Estimate:
        """The mean over the seeds of a network."""
        values = self._values(name)
        seeds = None if len(values) == 1 else self._between(name)
        return self._estimate(values, self._without(name), seeds)

    def difference(self, first: str, second: str) -> Estimate:
        """The mean difference of two, seed by seed and block by block of the same answers; rivals have no seeds.

        It has no interval where there are no blocks: seeds alone would make it far too sure.
        """
        own, other = self._values(first), self._values(second)
        between = [self._between(name) for name in (first, second) if len(self.scored[name]) > 1]
        own, other = np.broadcast_arrays(own, other)
        without, seeds = [self._without(name) for name in (first, second)], None
        blocks = None
        if without[0] is not None and without[1] is not None and without[0].shape[1] == without[1].shape[1]:
            blocks = without[0] - without[1]
        if blocks is None:
            return Estimate(float((own - other).mean()))
        if len(own) > 1:
            variance = sum(part.variance for part in between)
            freedom = _freedom(between)
            seeds = Part(max(_variance(own - other) / len(own), variance), freedom)
        return self._estimate(own - other, blocks, seeds)

    def _between(self, name: str) -> Part:
        """The variance between seeds of the mean of a network."""
        values = self._values(name)
        own, count = _variance(values), len(values) - 1
        usual, weight = self._usual
        freedom = min(count + weight, self._seeds)
        return Part((weight * usual + count * own) / (weight + count) / len(values), freedom)

    @cached_property
    def _seeds(self) -> int:
        """Degrees of freedom of the variances between seeds, of all networks together."""
        return sum(len(one) - 1 for one in self.scored.values())

    @cached_property
    def _usual(self) -> tuple[float, float]:
        """What variances between seeds are like, and as how many degrees of freedom that counts for one network.

        By the mean and the variance of their logarithms: one wild network moves these little, and says that networks
        are not alike.
        """
        found = [self._values(name) for name in self.scored if len(self.scored[name]) > 1]
        found = [values for values in found if np.isfinite(values).all()]
        variances = np.array([_variance(values) for values in found])
        if len(found) < 2 or not (variances > 0).any():
            return 0.0, 0.0
        half = np.array([(len(values) - 1) / 2 for values in found])
        # One that is zero by chance, as of few answers right or wrong, must not make all others unlike.
        raised = np.maximum(variances, _LEAST * np.median(variances[variances > 0]))
        logs = np.log(raised) - special.digamma(half) + np.log(half)
        spread = float(logs.var(ddof=1) - special.polygamma(1, half).mean())
        if spread < _ALIKE:
            return float(np.exp(logs.mean())), float(self._seeds)
        inverse = optimize.brentq(lambda x: float(special.polygamma(1, np.exp(x))) - spread, -20.0, 20.0)
        weight = 2 * float(np.exp(inverse))
        usual = float(np.exp(logs.mean() + special.digamma(weight / 2) - np.log(weight / 2)))
        return usual, min(weight, float(self._seeds))

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

    def _estimate(self, values: np.ndarray, without: np.ndarray | None, seeds: Part | None) -> Estimate:
        mean = float(values.mean())
        parts = [] if seeds is None else [seeds]
        if without is not None:
            blocks = without.shape[1]
            pseudo = (blocks * values[:, None] - (blocks - 1) * without).mean(axis=0)
            parts.append(Part(float(pseudo.var(ddof=1)) / blocks, blocks - 1))
        variance = sum(part.variance for part in parts)
        if not parts or not np.isfinite(variance):
            return Estimate(mean)
        if variance == 0.0:
            return Estimate(mean, mean, mean, 1.0 if mean == 0.0 else 0.0)
        freedom = _freedom(parts)
        error = variance**0.5
        reach = float(stats.t.ppf(0.5 + LEVEL / 2, freedom)) * error
        return Estimate(mean, mean - reach, mean + reach, float(2 * stats.t.sf(abs(mean) / error, freedom)))


def _variance(values: np.ndarray) -> float:
    """The variance of the scores of seeds; NaN where one has none."""
    return float(values.var(ddof=1)) if np.isfinite(values).all() else np.nan


def _freedom(parts: List[Part]) -> float:
    """Degrees of freedom of a sum of variances (Satterthwaite 1946)."""
    variance = sum(part.variance for part in parts)
    if variance == 0.0:
        return sum(part.freedom for part in parts)
    return variance**2 / sum(part.variance**2 / part.freedom for part in parts)


def adjusted(found: Mapping[str, float]) -> dict[str, float]:
    """Probabilities of several tests, made larger so that one false alarm in all stays improbable (Holm 1979)."""
    order = sorted(found, key=lambda name: found[name])
    made, largest = {}, 0.0
    for rank, name in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * found[name]))
        made[name] = largest
    return made
