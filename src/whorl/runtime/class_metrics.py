"""Metrics of classes: how often the answer is right, and how well its probabilities say so."""

from collections.abc import Sequence

import numpy as np

from whorl.codecs.symbols import is_missing
from whorl.runtime.prediction import Prediction, in_set


class ClassScores:
    """Probabilities and truths of all answers, scored together; a missing truth is not counted.

    A label that training does not have is never answered: it counts as wrong, as a class that is not found, and as not
    in its set. Scores of its probability, which it has not, are those of the other truths: nll, brier, ece, auroc.

    Keys of `result()`: accuracy; balanced_accuracy, the mean share of each class that was found; f1, the mean over
    classes of the harmonic mean of precision and recall; nll, the mean negative logarithm of the true class'
    probability, in nats; brier, the mean squared distance of the probabilities from the truth (Brier 1950); ece, the
    mean distance between confidence and accuracy over 15 bins of confidence (Guo et al. 2017, eq. 3); auroc, the
    probability that an example of the class is given a higher probability of it than another one: of the second class
    where there are two, else the mean over classes; where answers have sets, coverage, the share of truths in their
    set, and set_size, the mean number of labels in one; and where there are such, unseen, the share of truths whose
    label training does not have.

    Args:
        num_classes: C.
    """

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes
        self._probabilities: list[np.ndarray] = []
        self._truths: list[np.ndarray] = []
        self._answers: list[np.ndarray] = []
        self._strange: dict[object, float] = {}  # numbers of labels that training does not have, from C on
        self._held: list[np.ndarray] = []  # whether the truth is in the set, and how large that is, (2, N)

    def add(self, prediction: Prediction, target: np.ndarray) -> None:
        """Adds answers and their true labels, (N,)."""
        assert prediction.probabilities is not None
        assert prediction.classes is not None
        number = {label: float(n) for n, label in enumerate(prediction.classes.tolist())}
        truths = np.array([self._number(label, number) for label in target.tolist()], np.float64)
        answers = np.array([number[label] for label in prediction.value.tolist()], np.int64)
        self.update(prediction.probabilities, truths, answers, prediction.threshold)

    def _number(self, label: object, number: dict[object, float]) -> float:
        if is_missing(label):
            return np.nan
        found = number.get(label)
        return self._strange.setdefault(label, float(self.num_classes + len(self._strange))) if found is None else found

    def update(
        self,
        probabilities: np.ndarray,
        truths: np.ndarray,
        answers: np.ndarray | None = None,
        threshold: float | None = None,
    ) -> None:
        """Adds answers.

        Args:
            probabilities: (N, C).
            truths: (N,), numbers of classes from 0 on, from C on of labels that training does not have; NaN where
                missing.
            answers: (N,), numbers of the classes that are answered; None answers the most probable ones.
            threshold: probability from which on a class is in the set of an answer; None where there are no sets.
        """
        known = np.isfinite(truths)
        said = probabilities.argmax(axis=1) if answers is None else answers
        self._probabilities.append(np.asarray(probabilities, np.float64)[known])
        self._answers.append(said[known])
        self._truths.append(truths[known].astype(np.int64))
        if threshold is not None:
            held = in_set(probabilities[known], threshold)
            place = np.minimum(self._truths[-1], self.num_classes - 1)
            found = held[np.arange(len(held)), place] & (place == self._truths[-1])
            self._held.append(np.stack([found, held.sum(axis=1)]))

    def result(self) -> dict[str, float]:
        """The metrics; empty when no truth was known."""
        truths = np.concatenate([np.empty(0, np.int64), *self._truths])
        if not len(truths):
            return {}
        answers = np.concatenate(self._answers)
        found = self._found(truths, answers)
        if self._held:
            coverage, size = np.concatenate(self._held, axis=1).mean(axis=1).tolist()
            found |= {"coverage": coverage, "set_size": size}
        known = truths < self.num_classes
        if known.any():
            found |= self._believed(np.concatenate(self._probabilities)[known], truths[known], answers[known])
        return found if known.all() else found | {"unseen": float((~known).mean())}

    def _found(self, truths: np.ndarray, answers: np.ndarray) -> dict[str, float]:
        """How often the answer is right, over all truths."""
        count = max(self.num_classes, int(truths.max()) + 1)
        there, said = np.bincount(truths, minlength=count), np.bincount(answers, minlength=count)
        right = np.bincount(truths[answers == truths], minlength=count).astype(np.float64)
        present = there > 0
        return {
            "accuracy": float((answers == truths).mean()),
            "balanced_accuracy": float((right[present] / there[present]).mean()),
            "f1": float((2.0 * right / np.maximum(there + said, 1))[present | (said > 0)].mean()),
        }

    def _believed(self, probabilities: np.ndarray, truths: np.ndarray, answers: np.ndarray) -> dict[str, float]:
        """What probabilities are worth, over truths that have one."""
        truth = np.eye(self.num_classes)[truths]
        own = probabilities[np.arange(len(truths)), truths]
        found = {
            "nll": float(-np.log(np.maximum(own, np.finfo(np.float64).tiny)).mean()),
            "brier": float(((probabilities - truth) ** 2).sum(axis=1).mean()),
            "ece": _calibration_error(probabilities.max(axis=1), answers == truths),
        }
        scored = (1,) if self.num_classes == 2 else range(self.num_classes)
        areas = [auroc(probabilities[:, n], truths == n) for n in scored]
        able = [area for area in areas if area is not None]
        return found | ({"auroc": float(np.mean(able))} if able else {})

    def steps(self) -> dict[str, np.ndarray]:
        """Nothing: an answer is of a whole sequence."""
        return {}

    def confusion(self) -> np.ndarray:
        """How often each class of training (rows) was answered with each (columns), (C, C) int64."""
        table = np.zeros((self.num_classes, self.num_classes), np.int64)
        for answers, truths in zip(self._answers, self._truths, strict=True):
            known = truths < self.num_classes
            np.add.at(table, (truths[known], answers[known]), 1)
        return table


def auroc(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """Area under the receiver operating characteristic: the share of pairs that are in order, ties counting half.

    Args:
        scores: (N,).
        positive: (N,) whether the example is of the class.

    Returns:
        None where all examples are on one side.
    """
    num_positive = int(positive.sum())
    num_negative = len(positive) - num_positive
    if not num_positive or not num_negative:
        return None
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    # The mean rank of each distinct score, from 1 on.
    ranks = np.cumsum(counts) - (counts - 1) / 2.0
    return float(
        (ranks[place][positive].sum() - num_positive * (num_positive + 1) / 2.0) / (num_positive * num_negative)
    )


def _calibration_error(confidence: np.ndarray, right: Sequence[bool] | np.ndarray) -> float:
    bins = np.minimum((confidence * 15).astype(np.int64), 14)
    count = np.bincount(bins, minlength=15)
    distance = np.abs(np.bincount(bins, np.asarray(right, np.float64), 15) - np.bincount(bins, confidence, 15))
    return float(distance[count > 0].sum() / len(confidence))
