"""The answering side of classes: numbers of the engine to labels and probabilities that can be believed."""

from collections.abc import Mapping
from typing import Self

import numpy as np

from whorl.data.reader import Reader
from whorl.errors import ArgumentError, ModelFileError
from whorl.plans.wiring import Categorical, Wiring
from whorl.runtime.class_metrics import ClassScores
from whorl.runtime.metrics import Scoring
from whorl.runtime.prediction import Index, Prediction, labelled
from whorl.runtime.readouts import Readout, UnitlessReadout, readouts

# Temperatures within which the best one is looked for, and the spread of its logarithm that is expected beforehand: few
# validation examples, all of them right, would else make the network sure of everything.
_COLDEST, _HOTTEST, _SPREAD = 0.05, 20.0, 0.5


@readouts.add("categorical")
class CategoricalReadout(UnitlessReadout):
    """The most probable class, and the probability of each.

    Probabilities are softmax(outputs / temperature); the one temperature makes the truths of the validation part as
    probable as it can (Guo et al. 2017, section 4.2), and changes no answer.
    """

    calibration = "calibrated the probabilities"

    def __init__(self, temperature: float = 1.0) -> None:
        self.temperature = temperature

    @classmethod
    def of(cls, wiring: Wiring, facts: Mapping[str, object]) -> Self:
        if not isinstance(wiring.head, Categorical):
            raise ArgumentError(f"a categorical readout needs a head of classes, but the head is {wiring.head}.")
        return cls()

    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Self:
        known = np.isfinite(targets).ravel()
        logits = outputs.reshape(-1, outputs.shape[-1])[known].astype(np.float64)
        truths = targets.ravel()[known].astype(np.int64)
        self.temperature = _temperature(logits, truths) if len(truths) else 1.0
        return self

    def stacked(self, outputs: np.ndarray) -> np.ndarray:
        """Probabilities (N, ..., C)."""
        return _softmax(outputs[..., 0, :].astype(np.float64) / self.temperature)

    def room(self, count: int, shape: tuple[int, ...]) -> np.ndarray:
        return np.empty((count, *shape[:-2], shape[-1]))

    def prediction(self, index: Index, answers: np.ndarray, reader: Reader) -> Prediction:
        return labelled(index, answers, reader.classes, reader.names)

    def scores(self, reader: Reader, naive_mae: np.ndarray | None = None) -> Scoring:
        return ClassScores(len(reader.classes))

    def of_rivals(self) -> "Readout":
        return CategoricalReadout()

    def arrays(self) -> dict[str, np.ndarray]:
        return {"temperature": np.array([self.temperature])}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        temperature = arrays.get("temperature")
        if set(arrays) != {"temperature"} or temperature is None or temperature.shape != (1,):
            raise ModelFileError(
                f"a categorical readout needs one `temperature`, but {sorted(arrays)} came. The file is damaged."
            )
        if not _COLDEST <= temperature[0] <= _HOTTEST:
            raise ModelFileError(f"`temperature` of a readout is {temperature[0]:g}, which no fit gives.")
        return cls(float(temperature[0]))


def _softmax(logits: np.ndarray) -> np.ndarray:
    shares: np.ndarray = np.exp(logits - logits.max(axis=-1, keepdims=True))
    # Sums of an order that the number of rows does not change.
    shares /= np.add.accumulate(shares, axis=-1)[..., -1:]
    return shares


def _temperature(logits: np.ndarray, truths: np.ndarray) -> float:
    """The minimum of a function with one valley, by golden section over the logarithm."""

    def cost(at: float) -> float:
        scaled = logits / np.exp(at)
        top = scaled.max(axis=1)
        nats = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1)) - scaled[np.arange(len(truths)), truths]
        return float(nats.sum()) + 0.5 * (at / _SPREAD) ** 2

    low, high, ratio = float(np.log(_COLDEST)), float(np.log(_HOTTEST)), (5**0.5 - 1) / 2
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
