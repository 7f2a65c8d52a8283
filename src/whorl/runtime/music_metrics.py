"""Metrics of music that goes on: how much each step that came surprises, and how many of its notes were expected."""

import numpy as np

from whorl.data.vocabulary import Vocabulary
from whorl.runtime.prediction import Prediction


class ChordScores:
    """Sums over the steps of rolls; an unknown truth, as after the last step of a piece, is not counted.

    Keys of `result()`: nll, the mean over steps of the negative logarithm of the probability of all notes of the step,
    sounding or silent, in nats (Boulanger-Lewandowski et al. 2012, section 4); frame_accuracy, of all notes of all
    steps that sounded or were expected the share that did both, TP / (TP + FP + FN) (Bay et al. 2009), where there are
    any. A note is expected where its probability reaches the threshold of the prediction.
    """

    def __init__(self) -> None:
        self._nats, self._steps = 0.0, 0
        self._both, self._either = 0, 0

    def add(self, prediction: Prediction, target: np.ndarray) -> None:
        """Adds the answers of some steps and the notes that came, (N, K): 1, 0, or NaN where unknown."""
        assert isinstance(prediction.probabilities, np.ndarray)
        assert prediction.thresholds is not None
        known = np.isfinite(target).all(axis=1)
        probabilities, sounded = prediction.probabilities[known], target[known] > 0
        own = np.where(sounded, probabilities, 1.0 - probabilities)
        # Of float32 logits a probability may be as near to 1 as float64 tells, and the other one nothing.
        self._nats -= float(np.log(np.maximum(own, np.finfo(np.float64).eps)).sum())
        self._steps += len(own)
        expected = probabilities >= prediction.thresholds
        self._both += int((expected & sounded).sum())
        self._either += int((expected | sounded).sum())

    def result(self) -> dict[str, float]:
        """The metrics; empty when no truth was known."""
        if not self._steps:
            return {}
        found = {"nll": self._nats / self._steps}
        return found | ({"frame_accuracy": self._both / self._either} if self._either else {})

    def steps(self) -> dict[str, np.ndarray]:
        """Nothing: what sounds next is one step ahead."""
        return {}


class EventScores:
    """Sums over events; an unknown truth, as after the last one of a piece, is not counted.

    Keys of `result()`: nll, the mean negative logarithm of the probability of the event that came, in nats; perplexity,
    its exponential; nats_per_step, which compares models of one grid whatever their events are; accuracy, the share of
    events that were the most likely one.

    Args:
        vocabulary: the events.
        waits: (V,) steps that each of them waits.
    """

    def __init__(self, vocabulary: Vocabulary, waits: np.ndarray) -> None:
        self._vocabulary, self._waits = vocabulary, waits
        self._nats, self._right, self._events, self._length = 0.0, 0, 0, 0

    def add(self, prediction: Prediction, target: np.ndarray) -> None:
        """Adds the answers of some events and those that came, (N,); None where unknown."""
        assert isinstance(prediction.probabilities, np.ndarray)
        codes = self._vocabulary.codes(target)
        known = np.flatnonzero(codes >= 0)
        codes = codes[known]
        probabilities = prediction.probabilities[known]
        own = probabilities[np.arange(len(codes)), codes]
        self._nats -= float(np.log(np.maximum(own, np.finfo(np.float64).tiny)).sum())
        self._right += int((probabilities.argmax(axis=1) == codes).sum())
        self._events += len(codes)
        self._length += int(self._waits[codes].sum())

    def result(self) -> dict[str, float]:
        """The metrics; empty when no truth was known."""
        if not self._events:
            return {}
        nll = self._nats / self._events
        found = {"nll": nll, "perplexity": float(np.exp(min(nll, 700.0))), "accuracy": self._right / self._events}
        return found | ({"nats_per_step": self._nats / self._length} if self._length else {})

    def steps(self) -> dict[str, np.ndarray]:
        """Nothing: the next event is one step ahead."""
        return {}
