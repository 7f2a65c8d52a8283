"""The answering side of texts that are said: what each step says, and what n-grams say of the text."""

from collections.abc import Mapping
from typing import Self

import numpy as np

from whorl.errors import ModelFileError
from whorl.plans.heads import Ctc
from whorl.plans.wiring import Wiring
from whorl.runtime.ngrams import KneserNey
from whorl.runtime.readouts import readouts
from whorl.runtime.spelling_beam import Advice
from whorl.runtime.text_metrics import Measure, transcript
from whorl.runtime.text_readout import TextReadout

# Longest n-grams that are counted.
MOST_ORDER = 20


@readouts.add("transcript")
class TranscriptReadout(TextReadout):
    """The probability of each symbol at each step, or of none; a text is made of all steps by a search, as transcripts
    are scored.

    Args:
        order: n of the n-grams that a search asks; 0 asks none.
        advice: what they say, once they are learned.
    """

    measure: Measure = staticmethod(transcript)

    def __init__(self, order: int = 0, advice: Advice | None = None) -> None:
        super().__init__()
        self.order, self.advice = order, advice
        self.calibration = "weighed the n-grams" if order else ""

    @classmethod
    def of(cls, wiring: Wiring, facts: Mapping[str, object]) -> Self:
        assert isinstance(wiring.head, Ctc)
        return cls(wiring.head.order)

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
