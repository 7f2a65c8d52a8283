"""Metrics of several labels at once: how well each is found, and how well the probabilities say so."""

import numpy as np

from whorl.runtime.detection_metrics import average_precision
from whorl.runtime.prediction import Prediction


class IndicatorScores:
    """Probabilities, answers and truths of all examples, scored together; an unknown truth is not counted.

    Keys of `result()`: f1_micro, the harmonic mean of precision and recall of all labels together; f1_macro, the mean
    over labels of theirs, those left out that no example has and none is answered; average_precision, the mean over the
    labels that some example has; nll, the mean negative logarithm of the probability of a label's truth, in nats;
    subset_accuracy, the share of examples all of whose labels are right, among those of which all are known.

    Args:
        num_labels: C.
    """

    def __init__(self, num_labels: int) -> None:
        self.num_labels = num_labels
        self._probabilities: list[np.ndarray] = []
        self._answers: list[np.ndarray] = []
        self._truths: list[np.ndarray] = []

    def add(self, prediction: Prediction, target: np.ndarray) -> None:
        """Adds answers and their truths, (N, C): 1, 0, or NaN where unknown."""
        assert isinstance(prediction.probabilities, np.ndarray)
        assert prediction.thresholds is not None
        self._probabilities.append(prediction.probabilities)
        self._answers.append(prediction.probabilities >= prediction.thresholds)
        self._truths.append(target)

    def answered(self, metric: str) -> np.ndarray:
        """What is answered where the metric is asked for, (N, C)."""
        return np.concatenate(self._answers)

    def result(self) -> dict[str, float]:
        """The metrics; empty when no truth was known."""
        truths = np.concatenate([np.empty((0, self.num_labels)), *self._truths])
        known = np.isfinite(truths)
        if not known.any():
            return {}
        probabilities = np.concatenate(self._probabilities)
        own = np.where(truths > 0, probabilities, 1.0 - probabilities)[known]
        found = {
            "f1_micro": _f1(counts(self.answered("f1_micro"), truths).sum(axis=1, keepdims=True)),
            "f1_macro": _f1(counts(self.answered("f1_macro"), truths)),
            "nll": float(-np.log(np.maximum(own, np.finfo(np.float64).eps)).mean()),
        }
        areas = [
            average_precision(probabilities[known[:, k], k], truths[known[:, k], k] > 0) for k in range(self.num_labels)
        ]
        able = [area for area in areas if area is not None]
        if able:
            found["average_precision"] = float(np.mean(able))
        whole = known.all(axis=1)
        if whole.any():
            right = self.answered("subset_accuracy") == (truths > 0)
            found["subset_accuracy"] = float(right[whole].all(axis=1).mean())
        return found

    def steps(self) -> dict[str, np.ndarray]:
        """Nothing: an answer is of a whole sequence."""
        return {}


class FrequencyScores(IndicatorScores):
    """The same of who knows how frequent each label is, and nothing of an example.

    The answer is the one that is best by the metric if the labels are as frequent as that: for f1_macro every label,
    for f1_micro the most frequent ones, for subset_accuracy those of more than half of the examples.
    """

    def answered(self, metric: str) -> np.ndarray:
        probabilities = np.concatenate(self._probabilities)
        if metric == "f1_macro":
            return np.ones(probabilities.shape, bool)
        if metric == "subset_accuracy":
            return probabilities > 0.5
        falling = -np.sort(-probabilities, axis=1)
        expected = 2.0 * np.cumsum(falling, axis=1)
        f1 = expected / (1.0 + np.arange(self.num_labels) + probabilities.sum(axis=1, keepdims=True))
        least = np.take_along_axis(falling, f1.argmax(axis=1, keepdims=True), axis=1)
        answers: np.ndarray = probabilities >= least
        return answers


def counts(answers: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """How many examples have each label, how many are answered with it, and how many rightly so, (3, C) int64.

    Args:
        answers: (N, C) whether a label is answered.
        truths: (N, C) 1, 0, or NaN where unknown; these are not counted.
    """
    there, said = truths > 0, answers & np.isfinite(truths)
    return np.stack([there.sum(axis=0), said.sum(axis=0), (there & said).sum(axis=0)])


def _f1(counted: np.ndarray) -> float:
    there, said, right = counted
    able = there + said > 0
    return float((2.0 * right / np.maximum(there + said, 1))[able].mean()) if able.any() else 0.0
