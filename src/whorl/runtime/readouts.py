"""The answering side of a head: numbers of the engine to values and intervals, calibrated on the validation part."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np

from whorl import _native
from whorl.data.reader import Reader
from whorl.errors import ArgumentError, ModelFileError
from whorl.plans.heads import Quantiles
from whorl.plans.wiring import Wiring
from whorl.registry import Registry
from whorl.runtime.metrics import Scores, Scoring
from whorl.runtime.prediction import Index, Prediction, answer

_FLOAT32 = np.dtype(np.float32)

readouts: Registry[type["Readout"]] = Registry("readout")


class Readout(ABC):
    """Outputs of the engine to answers. Numpy only.

    Laws: `fit` sees the validation part only; an answer depends on its own row alone.
    """

    levels: tuple[float, ...] = ()
    # What `fit` does with the validation part, in words; nothing where it does nothing.
    calibration: str = ""
    # Whether users get one array of answers for each sequence, or all answers below each other.
    by_sequence: bool = False
    # What reads answers that are scored, where users get less than metrics need.
    judge: "Readout | None" = None
    # How classes follow each other, where the answers of a sequence hang together; see `whorl.runtime.chain`.
    chain: np.ndarray | None = None

    @classmethod
    @abstractmethod
    def of(cls, wiring: Wiring, facts: Mapping[str, object]) -> Self:
        """Builds the readout of a wiring, before it is calibrated; `facts` are those of the training data."""

    @abstractmethod
    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Self:
        """Calibrates on validation outputs (N, ..., K, O) and targets (N, ..., K); NaN targets are left out."""

    @abstractmethod
    def stacked(self, outputs: np.ndarray) -> np.ndarray:
        """Turns outputs (N, ..., K, O) into the answers of N rows in the codec's units, as a room holds them."""

    def room(self, count: int, shape: tuple[int, ...]) -> np.ndarray:
        """Where the answers of so many rows go, whose outputs have this shape (..., K, O): (1 + Q, count, ..., K)."""
        return np.empty((1 + len(self.levels), count, *shape[:-1]))

    def in_units(
        self, outputs: np.ndarray, scale: np.ndarray, center: np.ndarray, into: np.ndarray | None = None, at: int = 0
    ) -> np.ndarray:
        """Answers in the user's units.

        Args:
            outputs: (N, ..., K, O).
            scale: (K,), what values are multiplied by.
            center: (K,), what is added then.
            into: (1 + Q, N or more, ..., K) float64, contiguous, where answers are written from row `at` on.

        Returns:
            `into`, or a new array (1 + Q, N, ..., K).
        """
        values = self.stacked(outputs).astype(np.float64)
        values *= scale
        values += center
        if into is None:
            return values
        into[:, at : at + len(outputs)] = values
        return into

    def prediction(self, index: Index, answers: np.ndarray, reader: Reader) -> Prediction:
        """The answers of a room in the user's units, as the user gets them."""
        if reader.countdown is not None:
            reader.countdown.within(answers)
        return answer(index, answers, reader.names, self.levels)

    def scores(self, reader: Reader, naive_mae: np.ndarray | None = None) -> Scoring:
        """Sums up how good such answers are; see `Scores` for `naive_mae`."""
        return Scores(reader.scale, naive_mae, self.levels, remaining=reader.countdown is not None)

    def of_rivals(self) -> "Readout":
        """What reads the outputs of a naive rival."""
        return PointReadout()

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

    @classmethod
    def of(cls, wiring: Wiring, facts: Mapping[str, object]) -> Self:
        return cls()

    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Self:
        return self

    def stacked(self, outputs: np.ndarray) -> np.ndarray:
        return outputs[None, ..., 0]

    def arrays(self) -> dict[str, np.ndarray]:
        return {}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        if arrays:
            raise ModelFileError(f"a point readout has no arrays, but {sorted(arrays)} came. The file is damaged.")
        return cls()


class UnitlessReadout(Readout):
    """Answers that have no unit of the user's, such as probabilities: a room holds (count, ...) of them, row by row."""

    def in_units(
        self, outputs: np.ndarray, scale: np.ndarray, center: np.ndarray, into: np.ndarray | None = None, at: int = 0
    ) -> np.ndarray:
        answers = self.stacked(outputs)
        if into is None:
            return answers
        into[at : at + len(outputs)] = answers
        return into


class _Ready(NamedTuple):
    """The native readout of rows of one shape in one unit; None where there is none."""

    steps: tuple[int, ...]
    scale: np.ndarray
    center: np.ndarray
    native: _native.QuantileReadout | None


@readouts.add("quantile")
class QuantileReadout(Readout):
    """A point and quantiles; pairs of levels (q, 1 - q) are widened or narrowed to cover what they promise.

    For each pair and step both bounds are moved outwards by the smallest share of their distance that covers
    ceil((n + 1)(1 - 2q)) of the n validation targets: split conformal prediction for quantiles (Romano et al. 2019,
    eq. 8), its score divided by the width of the interval. Scores are pooled over the outputs of a step and over so
    many neighbouring steps that there are enough: windows of one series overlap and say less than their number. A
    width counts as at least a tenth of the median width of its output, lest a bound that collapsed sets the share.
    Levels without a partner stay as they were learned.

    Args:
        levels: ascending levels within (0, 1).
    """

    calibration = "set the intervals"
    ENOUGH = 200  # scores behind a share, where there are as many

    def __init__(self, levels: tuple[float, ...]) -> None:
        self.levels = levels
        self.shifts: np.ndarray | None = None  # (..., Q): signed share of the width, by step
        self.floors: np.ndarray | None = None  # (K, Q): least width that counts, by output
        self._ready: _Ready | None = None

    @classmethod
    def of(cls, wiring: Wiring, facts: Mapping[str, object]) -> Self:
        if not isinstance(wiring.head, Quantiles):
            raise ArgumentError(f"a quantile readout needs a head of quantiles, but the head is {wiring.head}.")
        return cls(wiring.head.levels)

    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Self:
        quantiles = np.sort(outputs[..., 1:], axis=-1).astype(np.float64)
        *steps, num_outputs = targets.shape[1:]
        count, num_steps = len(self.levels), int(np.prod(steps))
        shifts, floors = np.zeros((*steps, count)), np.zeros((num_outputs, count))
        for low, high in self._pairs():
            width = quantiles[..., high] - quantiles[..., low]
            floor = np.full(num_outputs, 1e-6)
            if len(width):
                floor = np.maximum(0.1 * np.median(width.reshape(-1, num_outputs), axis=0), floor)
            error = np.maximum(quantiles[..., low] - targets, targets - quantiles[..., high])
            scores = (error / np.maximum(width, floor)).reshape(len(targets), num_steps, num_outputs)
            share = self.levels[high] - self.levels[low]
            pools = _pools(np.moveaxis(scores, 1, 0), self.ENOUGH)
            shift = np.array([_conformal(pool, share) for pool in pools]).reshape(steps)
            shifts[..., low], shifts[..., high] = -shift, shift
            floors[:, low] = floors[:, high] = floor
        self.shifts, self.floors = shifts.astype(np.float32), floors.astype(np.float32)
        self._ready = None
        return self

    def stacked(self, outputs: np.ndarray) -> np.ndarray:
        return np.concatenate([outputs[None, ..., 0], np.moveaxis(self._quantiles(outputs), -1, 0)])

    def in_units(
        self, outputs: np.ndarray, scale: np.ndarray, center: np.ndarray, into: np.ndarray | None = None, at: int = 0
    ) -> np.ndarray:
        steps = outputs.shape[1:-1]
        ready = self._ready
        if ready is None or ready.steps != steps or ready.scale is not scale or ready.center is not center:
            ready = self._ready = self._prepared(steps, scale, center)
        if ready.native is None or outputs.dtype is not _FLOAT32:
            return super().in_units(outputs, scale, center, into, at)
        answers = np.empty((len(self.levels) + 1, *outputs.shape[:-1])) if into is None else into
        ready.native.answer(np.ascontiguousarray(outputs), answers, at)
        return answers

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_ready": None}  # native code is made again where it is needed

    def _prepared(self, steps: tuple[int, ...], scale: np.ndarray, center: np.ndarray) -> "_Ready":
        """`_quantiles` in native code, with the constants of each number of a row."""
        shape, calibration = (*steps, len(self.levels)), [np.empty((0, 0), np.float32)] * 2
        if self.shifts is not None and self.floors is not None:
            if self.shifts.dtype != np.float32 or self.floors.dtype != np.float32:
                return _Ready(steps, scale, center, None)
            wide = np.broadcast_to(self.shifts[..., None, :], shape), np.broadcast_to(self.floors, shape)
            calibration = [np.ascontiguousarray(part.reshape(-1, len(self.levels)).T) for part in wide]
        by, plus = (np.broadcast_to(np.asarray(part, np.float64), steps).ravel() for part in (scale, center))
        native = _native.QuantileReadout(len(self.levels), by, plus, *calibration)
        return _Ready(steps, scale, center, native)

    def _quantiles(self, outputs: np.ndarray) -> np.ndarray:
        quantiles = np.sort(outputs[..., 1:], axis=-1)
        if self.shifts is not None and self.floors is not None:
            width = np.abs(quantiles - quantiles[..., ::-1])
            moved = np.sort(quantiles + self.shifts[..., None, :] * np.maximum(width, self.floors), axis=-1)
            # Bounds may be drawn in as far as the median, which stays where it is.
            count, half = len(self.levels), len(self.levels) // 2
            if count % 2:
                middle = quantiles[..., half : half + 1]
                lower = np.minimum(moved[..., :half], middle)
                quantiles = np.concatenate([lower, middle, np.maximum(moved[..., count - half :], middle)], axis=-1)
            else:
                quantiles = moved
        # A value is never outside of its own interval.
        value = outputs[..., 0]
        quantiles[..., 0] = np.minimum(quantiles[..., 0], value)
        quantiles[..., -1] = np.maximum(quantiles[..., -1], value)
        return quantiles

    def arrays(self) -> dict[str, np.ndarray]:
        levels = {"levels": np.asarray(self.levels, np.float64)}
        if self.shifts is None or self.floors is None:
            return levels
        return {**levels, "shifts": self.shifts, "floors": self.floors}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        levels = arrays.get("levels")
        if levels is None or levels.ndim != 1 or set(arrays) not in ({"levels"}, {"levels", "shifts", "floors"}):
            raise ModelFileError(f"a quantile readout needs `levels`, but {sorted(arrays)} came. The file is damaged.")
        readout = cls(tuple(float(level) for level in levels))
        if "shifts" in arrays:
            readout.shifts, readout.floors = arrays["shifts"], arrays["floors"]
            if readout.shifts.shape[-1:] != levels.shape or readout.floors.shape[-1:] != levels.shape:
                raise ModelFileError("the arrays of the quantile readout do not fit its levels. The file is damaged.")
        return readout

    def _pairs(self) -> list[tuple[int, int]]:
        count = len(self.levels)
        return [
            (i, count - 1 - i) for i in range(count // 2) if abs(self.levels[i] + self.levels[count - 1 - i] - 1) < 1e-9
        ]


def _conformal(scores: np.ndarray, share: float) -> float:
    """The score that covers `share` of what comes next, from scores of what was; 0 where there is none."""
    scores = np.sort(scores[np.isfinite(scores)])
    if not len(scores):
        return 0.0
    rank = min(len(scores), int(np.ceil((len(scores) + 1) * share)))
    return float(scores[rank - 1])


def _pools(by_step: np.ndarray, enough: int) -> list[np.ndarray]:
    """Scores (S, n, K) of each step with those of its neighbours, two on either side or more until there are enough."""
    counts = np.isfinite(by_step).sum(axis=(1, 2))
    pools = []
    for step in range(len(by_step)):
        reach = 2
        while reach < len(by_step) and counts[max(0, step - reach) : step + reach + 1].sum() < enough:
            reach += 1
        pools.append(by_step[max(0, step - reach) : step + reach + 1].ravel())
    return pools
