"""The answering side of a head: numbers of the engine to values and intervals, calibrated on the validation part."""

from abc import ABC, abstractmethod
from typing import NamedTuple, Self

import numpy as np

from whorl.errors import ModelFileError
from whorl.registry import Registry

readouts: Registry[type["Readout"]] = Registry("readout")


class Answer(NamedTuple):
    """What a readout says, in the codec's units: value (..., K), and quantiles (..., K, Q) or None."""

    value: np.ndarray
    quantiles: np.ndarray | None = None


class Readout(ABC):
    """Outputs of the engine to answers. Numpy only.

    Laws: `fit` sees the validation part only; an answer depends on its own row alone.
    """

    levels: tuple[float, ...] = ()

    @abstractmethod
    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Self:
        """Calibrates on validation outputs (N, ..., K, O) and targets (N, ..., K); NaN targets are left out."""

    @abstractmethod
    def __call__(self, outputs: np.ndarray) -> Answer:
        """Turns outputs (N, ..., K, O) into an answer of N rows."""

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray]:
        """What was calibrated."""

    @classmethod
    @abstractmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        """Builds a readout from `arrays()`."""


@readouts.add("point")
class PointReadout(Readout):
    """One number an output; nothing to calibrate."""

    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Self:
        return self

    def __call__(self, outputs: np.ndarray) -> Answer:
        return Answer(outputs[..., 0])

    def arrays(self) -> dict[str, np.ndarray]:
        return {}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        if arrays:
            raise ModelFileError(f"a point readout has no arrays, but {sorted(arrays)} came. The file is damaged.")
        return cls()


@readouts.add("quantile")
class QuantileReadout(Readout):
    """A point and quantiles; pairs of levels (q, 1 - q) are widened or narrowed to cover what they promise.

    For each pair, step and output the distance of the bounds from the median is multiplied by the smallest factor that
    covers ceil((n + 1)(1 - 2q)) of the n validation targets: split conformal prediction (Romano et al. 2019) with
    the score max((m - y) / (m - low), (y - m) / (high - m)). Factors are shared by all outputs of a step, and averaged
    over neighbouring steps, since windows of one series overlap and say less than their number.

    Args:
        levels: ascending levels within (0, 1).
    """

    SMOOTHING = 2  # steps on either side

    def __init__(self, levels: tuple[float, ...]) -> None:
        self.levels = levels
        self.factors: np.ndarray | None = None

    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Self:
        quantiles = np.sort(outputs[..., 1:], axis=-1).astype(np.float64)
        middle = self._middle(quantiles)
        steps = targets.shape[1:-1]
        factors = np.ones((*steps, len(self.levels)), np.float64)
        for low, high in self._pairs():
            below = np.maximum(middle - quantiles[..., low], 1e-9)
            above = np.maximum(quantiles[..., high] - middle, 1e-9)
            score = np.maximum((middle - targets) / below, (targets - middle) / above)
            share = self.levels[high] - self.levels[low]
            by_step = np.moveaxis(score.reshape(len(score), int(np.prod(steps)), -1), 0, 1).reshape(
                int(np.prod(steps)), -1
            )
            factor = _smooth(np.array([_conformal(row, share) for row in by_step]), self.SMOOTHING)
            factors[..., low] = factors[..., high] = factor.reshape(steps)
        self.factors = factors.astype(np.float32)
        return self

    def __call__(self, outputs: np.ndarray) -> Answer:
        quantiles = np.sort(outputs[..., 1:], axis=-1)
        if self.factors is not None:
            middle = self._middle(quantiles)[..., None]
            quantiles = np.sort(middle + (quantiles - middle) * self.factors[..., None, :], axis=-1)
        return Answer(outputs[..., 0], quantiles)

    def arrays(self) -> dict[str, np.ndarray]:
        calibrated = {} if self.factors is None else {"factors": self.factors}
        return {"levels": np.asarray(self.levels, np.float64), **calibrated}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        levels = arrays.get("levels")
        if levels is None or levels.ndim != 1 or not set(arrays) <= {"levels", "factors"}:
            raise ModelFileError(f"a quantile readout needs `levels`, but {sorted(arrays)} came. The file is damaged.")
        readout = cls(tuple(float(level) for level in levels))
        factors = arrays.get("factors")
        if factors is not None and factors.shape[-1:] != levels.shape:
            raise ModelFileError("`factors` of the quantile readout do not fit its levels. The file is damaged.")
        readout.factors = factors
        return readout

    def _middle(self, quantiles: np.ndarray) -> np.ndarray:
        """The median, or the mean of the two levels around it."""
        count = len(self.levels)
        return (quantiles[..., (count - 1) // 2] + quantiles[..., count // 2]) / 2

    def _pairs(self) -> list[tuple[int, int]]:
        count = len(self.levels)
        return [
            (i, count - 1 - i) for i in range(count // 2) if abs(self.levels[i] + self.levels[count - 1 - i] - 1) < 1e-9
        ]


def _conformal(scores: np.ndarray, share: float) -> float:
    """The factor that covers `share` of what comes next, from scores of what was; 1 where there is none to learn from."""
    scores = np.sort(scores[np.isfinite(scores)])
    if not len(scores):
        return 1.0
    rank = min(len(scores), int(np.ceil((len(scores) + 1) * share)))
    return float(scores[rank - 1])


def _smooth(values: np.ndarray, reach: int) -> np.ndarray:
    return np.array([values[max(0, i - reach) : i + reach + 1].mean() for i in range(len(values))])
