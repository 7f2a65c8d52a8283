"""The answering side of texts that are said: what each step says, and what n-grams say of the text."""

from collections.abc import Mapping
from typing import Self

import numpy as np

from whorl.data.reader import Reader
from whorl.errors import ModelFileError
from whorl.plans.heads import Ctc
from whorl.plans.wiring import Wiring
from whorl.runtime.choosing import log_softmax
from whorl.runtime.metrics import Scoring
from whorl.runtime.ngrams import KneserNey
from whorl.runtime.prediction import Index, Prediction
from whorl.runtime.readouts import Readout, UnitlessReadout, readouts
from whorl.runtime.spelling import Advice
from whorl.runtime.text_metrics import TextScores, transcript

# Longest n-grams that are counted.
MOST_ORDER = 20


@readouts.add("transcript")
class TranscriptReadout(UnitlessReadout):
    """The logarithm of the probability of each symbol at each step, from which a search makes a text.

    Args:
        order: n of the n-grams that a search asks; 0 asks none.
        advice: what they say, once they are learned.
    """

    def __init__(self, order: int = 0, advice: Advice | None = None) -> None:
        self.order, self.advice = order, advice
        self.calibration = "weighed the n-grams" if order else ""

    @classmethod
    def of(cls, wiring: Wiring, facts: Mapping[str, object]) -> Self:
        assert isinstance(wiring.head, Ctc)
        return cls(wiring.head.order)

    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Self:
        return self

    def stacked(self, outputs: np.ndarray) -> np.ndarray:
        """Log-probabilities (N, V) of outputs (N, 1, V)."""
        return log_softmax(outputs[..., 0, :])

    def prediction(self, index: Index, answers: np.ndarray, reader: Reader) -> Prediction:
        """Not of steps: a text is made of all of them; see `whorl.runtime.transcribing`."""
        raise NotImplementedError("a transcript is made of all steps of a sequence")

    def scores(self, reader: Reader, naive_mae: np.ndarray | None = None) -> Scoring:
        return TextScores(transcript)

    def of_rivals(self) -> Readout:
        return self

    def arrays(self) -> dict[str, np.ndarray]:
        if self.advice is None:
            return {}
        weights = np.array([self.advice.weight, self.advice.bonus])
        counted = {f"ngrams/{name}": array for name, array in self.advice.ngrams.arrays().items()}
        return {"weights": weights, **counted}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        if not arrays:
            return cls()
        weights = arrays.get("weights")
        own = {name.removeprefix("ngrams/"): array for name, array in arrays.items() if name != "weights"}
        sound = weights is not None and weights.shape == (2,) and weights.dtype == np.float64
        sound = sound and all(name.startswith("ngrams/") for name in arrays if name != "weights")
        if not sound or weights is None or not np.isfinite(weights).all() or len(own) - 1 > MOST_ORDER:
            raise ModelFileError("the n-grams of a readout of texts are damaged. Save the model again.")
        ngrams = KneserNey.restore(own)
        return cls(ngrams.order, Advice(ngrams, float(weights[0]), float(weights[1])))
