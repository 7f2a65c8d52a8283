"""The answering side of several labels at once: how probable each is, and which are answered."""

from collections.abc import Mapping
from typing import Self

import numpy as np

from whorl.data.reader import Reader
from whorl.errors import ArgumentError, ModelFileError
from whorl.plans.heads import Bernoulli
from whorl.plans.wiring import Wiring
from whorl.runtime.class_readout import COLDEST, HOTTEST, temperature_of
from whorl.runtime.indicator_metrics import FrequencyScores, IndicatorScores
from whorl.runtime.metrics import Scoring
from whorl.runtime.prediction import Index, Prediction, several_labelled
from whorl.runtime.readouts import Readout, UnitlessReadout, readouts

_UNDECIDED = 0.5


@readouts.add("bernoulli")
class BernoulliReadout(UnitlessReadout):
    """The probability of each label, whatever the others are, and the labels whose probability reaches a threshold.

    Probabilities are sigmoid(outputs / temperature); the one temperature makes the truths of the validation part as
    probable as it can (Guo et al. 2017, section 4.2). The threshold of a label is the one with the largest F1 on that
    part, which is not 0.5 where a label is rare (Lipton et al. 2014, section 4), half way between two probabilities;
    of several such it is the one nearest to 0.5, and where that part has no example with the label it is 0.5.

    Args:
        temperature: what outputs are divided by.
        thresholds: (C,) least probability of a label that is answered; None is 0.5 for all.
        blind: whether the probabilities are those of who knows nothing of an example.
    """

    calibration = "calibrated the probabilities and the thresholds"

    def __init__(self, temperature: float = 1.0, thresholds: np.ndarray | None = None, *, blind: bool = False) -> None:
        self.temperature, self.thresholds, self.blind = temperature, thresholds, blind

    @classmethod
    def of(cls, wiring: Wiring, facts: Mapping[str, object]) -> Self:
        if not isinstance(wiring.head, Bernoulli):
            raise ArgumentError(f"a Bernoulli readout needs a head of several labels, but the head is {wiring.head}.")
        return cls()

    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Self:
        logits, known = outputs[..., 0].astype(np.float64), np.isfinite(targets)
        # An output is the logit of 1 beside a logit of 0 for 0.
        pairs = np.stack([np.zeros(int(known.sum())), logits[known]], axis=1)
        self.temperature = temperature_of(pairs, targets[known].astype(np.int64)) if len(pairs) else 1.0
        probabilities = self.stacked(outputs)
        self.thresholds = np.array(
            [_threshold(probabilities[known[:, k], k], targets[known[:, k], k] > 0) for k in range(targets.shape[1])]
        )
        return self

    def stacked(self, outputs: np.ndarray) -> np.ndarray:
        """Probabilities (N, C)."""
        return _sigmoid(outputs[..., 0].astype(np.float64) / self.temperature)

    def room(self, count: int, shape: tuple[int, ...]) -> np.ndarray:
        return np.empty((count, *shape[:-1]))

    def prediction(self, index: Index, answers: np.ndarray, reader: Reader) -> Prediction:
        thresholds = np.full(len(reader.names), _UNDECIDED) if self.thresholds is None else self.thresholds
        return several_labelled(index, answers, reader.classes, reader.names, thresholds)

    def scores(self, reader: Reader, naive_mae: np.ndarray | None = None) -> Scoring:
        return (FrequencyScores if self.blind else IndicatorScores)(len(reader.names))

    def of_rivals(self) -> "Readout":
        return BernoulliReadout(blind=True)

    def arrays(self) -> dict[str, np.ndarray]:
        learned = {"temperature": np.array([self.temperature])}
        return learned if self.thresholds is None else {**learned, "thresholds": self.thresholds}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        temperature, thresholds = arrays.get("temperature"), arrays.get("thresholds")
        if set(arrays) - {"thresholds"} != {"temperature"} or temperature is None or temperature.shape != (1,):
            raise ModelFileError(
                f"a Bernoulli readout needs one `temperature`, but {sorted(arrays)} came. The file is damaged."
            )
        if temperature.dtype != np.float64 or not COLDEST <= temperature[0] <= HOTTEST:
            raise ModelFileError(f"`temperature` of a readout is {temperature[0]:g}, which no fit gives.")
        if thresholds is None:
            return cls(float(temperature[0]))
        if thresholds.ndim != 1 or thresholds.dtype != np.float64 or not ((thresholds > 0) & (thresholds <= 1)).all():
            raise ModelFileError("the `thresholds` of a readout are probabilities above 0, but not here.")
        return cls(float(temperature[0]), thresholds)


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    small = np.exp(-np.abs(logits))  # never above 1, so that nothing overflows
    found: np.ndarray = np.where(logits >= 0, 1.0, small) / (1.0 + small)
    return found


def _threshold(probabilities: np.ndarray, truths: np.ndarray) -> float:
    """The least probability that is answered, for the largest F1.

    Args:
        probabilities: (n,) of one label.
        truths: (n,) whether the examples have it.
    """
    if not truths.any():
        return _UNDECIDED
    order = np.argsort(-probabilities, kind="stable")
    values = probabilities[order]
    last = np.flatnonzero(np.append(np.diff(values) != 0, True))  # an answer for one value is that for all like it
    hits = np.cumsum(truths[order])[last]
    f1 = 2.0 * hits / (last + 1.0 + truths.sum())
    # Half way to the next smaller probability, lest it depends on the last digit of one example.
    below = np.append(values[last[1:]], 0.0)
    between = (values[last] + below) / 2.0
    between = np.where(between > below, between, values[last])
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    chosen = float(between[best[np.argmin(np.abs(between[best] - _UNDECIDED))]])
    return max(chosen, float(np.finfo(np.float64).tiny))
