"""The answering side of surprise: nats of each channel to a score, and an alarm where it exceeds what is normal."""

from collections.abc import Mapping
from typing import Self

import numpy as np

from whorl.data.reader import Reader
from whorl.errors import ArgumentError, ModelFileError
from whorl.plans.alarm import LONGEST_BUFFER
from whorl.plans.heads import Normal, StudentT
from whorl.plans.wiring import EachRow, Surprise, Wiring
from whorl.runtime.detection_metrics import DetectionScores
from whorl.runtime.metrics import Scoring
from whorl.runtime.prediction import Index, Prediction, judged
from whorl.runtime.readouts import Readout, UnitlessReadout, readouts


def threshold_of(scores: np.ndarray, rate: float) -> float:
    """The score at rank ceil((n + 1)(1 - rate)) of n normal ones (n,), the largest one at most; 0 of none."""
    rank = int(np.ceil((len(scores) + 1) * (1.0 - rate)))
    return float(np.sort(scores)[min(len(scores), rank) - 1]) if len(scores) else 0.0


@readouts.add("surprise")
class SurpriseReadout(UnitlessReadout):
    """The mean surprise of the channels that are known, and whether it is above a threshold.

    The threshold is the score at rank ceil((n + 1)(1 - rate)) of the n rows of the validation part: were rows
    independent, a new normal row would exceed it with a probability of at most `rate` (split conformal prediction, Vovk
    et al. 2005). Where n is too small for the rate it is the largest score.

    Args:
        rate: share of normal rows that may be flagged.
        buffer: rows around an anomaly that count partly in the volume metrics.
        whole: whether an answer is of a whole sequence.
        in_nats: whether scores are nats; those of naive rivals are not.
    """

    calibration = "set the threshold"

    def __init__(self, rate: float = 0.01, *, buffer: int = 100, whole: bool = False, in_nats: bool = True) -> None:
        self.rate, self.buffer, self.whole, self.in_nats = rate, buffer, whole, in_nats
        self.threshold = 0.0
        self.num_rows = 0

    @classmethod
    def of(cls, wiring: Wiring, facts: Mapping[str, object]) -> Self:
        shape, pairing, period = wiring.shape, wiring.pairing, facts.get("period")
        if not isinstance(wiring.head, Normal | StudentT) or not isinstance(shape, Surprise):
            raise ArgumentError(f"a surprise readout needs a head with a density, but the head is {wiring.head}.")
        made = cls(shape.false_alarm_rate, whole=isinstance(pairing, EachRow) and pairing.whole)
        wanted = shape.buffer or (period if isinstance(period, int) else made.buffer)
        made.buffer = min(wanted, LONGEST_BUFFER)
        return made

    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Self:
        known = np.isfinite(targets).any(axis=-1)
        scores = self.stacked(outputs)[known, 1]
        scores = scores[np.isfinite(scores)]
        self.num_rows = len(scores)
        self.threshold = threshold_of(scores, self.rate)
        return self

    def stacked(self, outputs: np.ndarray) -> np.ndarray:
        """Alarm, score and the surprise of each channel, (N, 2 + K); NaN where nothing was known."""
        found = outputs[..., 0].astype(np.float64)
        known = outputs[..., 1].astype(np.float64)
        made = np.empty((len(found), 2 + found.shape[1]))
        # Sums of an order that the number of rows does not change.
        total = np.add.accumulate(found, axis=1)[:, -1]
        weight = np.add.accumulate(known, axis=1)[:, -1]
        made[:, 1] = np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), np.nan)
        made[:, 2:] = np.where(known > 0, found / np.where(known > 0, known, 1.0), np.nan)
        made[:, 0] = made[:, 1] > self.threshold
        return made

    def room(self, count: int, shape: tuple[int, ...]) -> np.ndarray:
        return np.empty((count, 2 + shape[0]))

    def prediction(self, index: Index, answers: np.ndarray, reader: Reader) -> Prediction:
        return judged(index, answers, reader.names, self.threshold)

    def scores(self, reader: Reader, naive_mae: np.ndarray | None = None) -> Scoring:
        return DetectionScores(buffer=None if self.whole else self.buffer, in_nats=self.in_nats)

    def of_rivals(self) -> "Readout":
        """Rivals give shares of their own threshold, so that theirs is 1."""
        rival = SurpriseReadout(self.rate, buffer=self.buffer, whole=self.whole, in_nats=False)
        rival.threshold, rival.num_rows = 1.0, self.num_rows
        return rival

    def arrays(self) -> dict[str, np.ndarray]:
        sizes = np.array([self.num_rows, self.buffer, self.whole], np.int64)
        return {"alarm": np.array([self.threshold, self.rate], np.float64), "sizes": sizes}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        alarm, sizes = arrays.get("alarm"), arrays.get("sizes")
        sound = set(arrays) == {"alarm", "sizes"} and alarm is not None and sizes is not None
        if not sound or alarm.dtype != np.float64 or sizes.dtype != np.int64:  # type: ignore[union-attr]
            raise ModelFileError(
                f"a surprise readout needs `alarm` and `sizes`, but {sorted(arrays)} came. Save again."
            )
        assert alarm is not None
        assert sizes is not None
        if alarm.shape != (2,) or sizes.shape != (3,) or not np.isfinite(alarm).all() or not 0 < alarm[1] < 1:
            raise ModelFileError("the arrays of the surprise readout are damaged. Save the model again.")
        if sizes[0] < 0 or not 0 < sizes[1] <= LONGEST_BUFFER or sizes[2] not in (0, 1):
            raise ModelFileError(f"the sizes of the surprise readout are {sizes.tolist()}. Save the model again.")
        made = cls(float(alarm[1]), buffer=int(sizes[1]), whole=bool(sizes[2]))
        made.threshold, made.num_rows = float(alarm[0]), int(sizes[0])
        return made
