"""The answering side of classes: numbers of the engine to labels and probabilities that can be believed."""

from collections.abc import Mapping
from typing import Self

import numpy as np

from whorl.data.reader import Reader
from whorl.errors import ArgumentError, ModelFileError
from whorl.plans.heads import Categorical
from whorl.plans.wiring import Wiring
from whorl.runtime.class_metrics import ClassScores
from whorl.runtime.metrics import Scoring
from whorl.runtime.prediction import Index, Prediction, labelled
from whorl.runtime.readouts import Readout, UnitlessReadout, readouts

# Temperatures within which the best one is looked for, and the spread of its logarithm that is expected beforehand: few
# validation examples, all of them right, would else make the network sure of everything.
COLDEST, HOTTEST, _SPREAD = 0.05, 20.0, 0.5


@readouts.add("categorical")
class CategoricalReadout(UnitlessReadout):
    """The most probable class, and the probability of each.

    Probabilities are softmax(outputs / temperature); the one temperature makes the truths of the validation part as
    probable as it can (Guo et al. 2017, section 4.2), and changes no answer.

    With a coverage an answer has a set, too: all classes at least as probable as a threshold, and the most probable
    one. These are the smallest sets on average that hold the true class so often (Sadinle et al. 2019, theorem 1). The
    threshold is the floor((n + 1) (1 - coverage))-th smallest of the probabilities of the n validation truths, or 0
    where that is none: split conformal prediction, so the promise holds for examples that are exchangeable with those.

    Args:
        temperature: what outputs are divided by.
        coverage: share of answers whose set holds the true class; None has no sets.
        threshold: least probability of a class in a set; sets that are not calibrated hold all classes.
    """

    calibration = "calibrated the probabilities"

    def __init__(self, temperature: float = 1.0, coverage: float | None = None, threshold: float = 0.0) -> None:
        self.temperature, self.coverage, self.threshold = temperature, coverage, threshold
        if coverage is not None:
            self.calibration = "calibrated the probabilities and the sets"

    @classmethod
    def of(cls, wiring: Wiring, facts: Mapping[str, object]) -> Self:
        if not isinstance(wiring.head, Categorical):
            raise ArgumentError(f"a categorical readout needs a head of classes, but the head is {wiring.head}.")
        return cls(coverage=wiring.head.coverage)

    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Self:
        known = np.isfinite(targets).ravel()
        logits = outputs.reshape(-1, outputs.shape[-1])[known].astype(np.float64)
        truths = targets.ravel()[known].astype(np.int64)
        self.temperature = temperature_of(logits, truths) if len(truths) else 1.0
        if self.coverage is not None:
            shares = _softmax(logits / self.temperature)[np.arange(len(truths)), truths]
            self.threshold = _threshold(shares, self.coverage)
        return self

    def stacked(self, outputs: np.ndarray) -> np.ndarray:
        """Probabilities (N, ..., C)."""
        return _softmax(outputs[..., 0, :].astype(np.float64) / self.temperature)

    def room(self, count: int, shape: tuple[int, ...]) -> np.ndarray:
        return np.empty((count, *shape[:-2], shape[-1]))

    def prediction(self, index: Index, answers: np.ndarray, reader: Reader) -> Prediction:
        threshold = None if self.coverage is None else self.threshold
        return labelled(index, answers, reader.classes, reader.names, threshold=threshold)

    def scores(self, reader: Reader, naive_mae: np.ndarray | None = None) -> Scoring:
        return ClassScores(len(reader.classes))

    def of_rivals(self) -> "Readout":
        return CategoricalReadout()

    def arrays(self) -> dict[str, np.ndarray]:
        learned = {"temperature": np.array([self.temperature])}
        return learned if self.coverage is None else {**learned, "sets": np.array([self.coverage, self.threshold])}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        temperature = arrays.get("temperature")
        if set(arrays) - {"sets"} != {"temperature"} or temperature is None or temperature.shape != (1,):
            raise ModelFileError(
                f"a categorical readout needs one `temperature`, but {sorted(arrays)} came. The file is damaged."
            )
        if not COLDEST <= temperature[0] <= HOTTEST:
            raise ModelFileError(f"`temperature` of a readout is {temperature[0]:g}, which no fit gives.")
        sets = arrays.get("sets")
        if sets is None:
            return cls(float(temperature[0]))
        if sets.shape != (2,) or sets.dtype != np.float64 or not (0 < sets[0] < 1 and 0 <= sets[1] <= 1):
            raise ModelFileError("the `sets` of a readout are a coverage and a threshold, but not here. Save it again.")
        return cls(float(temperature[0]), float(sets[0]), float(sets[1]))


def _softmax(logits: np.ndarray) -> np.ndarray:
    shares: np.ndarray = np.exp(logits - logits.max(axis=-1, keepdims=True))
    # Sums of an order that the number of rows does not change.
    shares /= np.add.accumulate(shares, axis=-1)[..., -1:]
    return shares


def _threshold(shares: np.ndarray, coverage: float) -> float:
    """The probability that so many truths reach, from those of others, (n,); 0 where these are too few to say."""
    # A share such as 0.9 is a little off as a float, which must not cost a rank.
    rank = int(np.floor((len(shares) + 1) * (1.0 - coverage) + 1e-9))
    return float(np.sort(shares)[rank - 1]) if rank else 0.0


def temperature_of(logits: np.ndarray, truths: np.ndarray) -> float:
    """The temperature that makes truths most probable: the bottom of one valley, by golden section over the logarithm.

    Args:
        logits: (n, C).
        truths: (n,) numbers of classes.
    """

    def cost(at: float) -> float:
        scaled = logits / np.exp(at)
        top = scaled.max(axis=1)
        nats = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1)) - scaled[np.arange(len(truths)), truths]
        return float(nats.sum()) + 0.5 * (at / _SPREAD) ** 2

    low, high, ratio = float(np.log(COLDEST)), float(np.log(HOTTEST)), (5**0.5 - 1) / 2
    inner = [high - ratio * (high - low), low + ratio * (high - low)]
    costs = [cost(at) for at in inner]
    for _ in range(40):
        if costs[0] <= costs[1]:
            high, inner[1], costs[1] = inner[1], inner[0], costs[0]
            inner[0] = high - ratio * (high - low)
            costs[0] = cost(inner[0])
        else:
            low, inner[0], costs[0] = inner[0], inner[1], costs[1]
            inner[1] = low + ratio * (high - low)
            costs[1] = cost(inner[1])
    return float(np.exp((low + high) / 2))
