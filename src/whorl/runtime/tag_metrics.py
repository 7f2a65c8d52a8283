"""Metrics of labels for each step: those of classes, and of entities where the labels mark their begin and inside."""

from collections.abc import Iterator
from collections.abc import Sequence as List

import numpy as np

from whorl.codecs.symbols import is_missing
from whorl.runtime.class_metrics import ClassScores
from whorl.runtime.prediction import Prediction

Span = tuple[int, int, str]


class TagScores:
    """Answers and truths of all steps, scored as classes; a missing truth is not counted.

    Where the classes mark entities (B-X begins one of kind X, I-X goes on with it, O is outside), `result()` has
    `entity_f1` too: the harmonic mean of precision and recall of entities over all sequences, right only where kind,
    first and last step are (Tjong Kim Sang & De Meulder 2003, section 3.2). An entity whose labels training does not
    have is one that was not found.

    Args:
        classes: (C,) the labels.
    """

    def __init__(self, classes: np.ndarray) -> None:
        self._classes = ClassScores(len(classes))
        self._marked = marks_entities(classes.tolist())
        self._said, self._there, self._right = 0, 0, 0

    def add(self, prediction: Prediction, target: np.ndarray) -> None:
        """Adds the answers of one sequence's steps and their true labels, (N,)."""
        self._classes.add(prediction, target)
        if not self._marked:
            return
        assert isinstance(prediction.value, np.ndarray)
        truths = target.tolist()
        known = [not is_missing(truth) for truth in truths]
        said = set(entities([label if there else "O" for label, there in zip(prediction.value, known, strict=True)]))
        true = set(entities([truth if there else "O" for truth, there in zip(truths, known, strict=True)]))
        self._said, self._there = self._said + len(said), self._there + len(true)
        self._right += len(said & true)

    def result(self) -> dict[str, float]:
        """The metrics; empty when no truth was known."""
        found = self._classes.result()
        if self._marked and found and self._there:
            found["entity_f1"] = 2.0 * self._right / (self._said + self._there)
        return found

    def steps(self) -> dict[str, np.ndarray]:
        """Nothing: no step has a horizon."""
        return {}


def marks_entities(classes: List[object]) -> bool:
    """Whether labels are those of entities: O, B-X and I-X."""
    if not all(isinstance(one, str) and (one == "O" or one[:2] in ("B-", "I-")) for one in classes):
        return False
    return any(str(one).startswith("B-") for one in classes)


def entities(labels: List[str]) -> Iterator[Span]:
    """First step, step after the last, and kind of each entity; an I-X that follows neither B-X nor I-X begins one."""
    start, kind = 0, ""
    for n, label in enumerate([*labels, "O"]):
        mark, own = label[:2], label[2:]
        if kind and (mark != "I-" or own != kind):
            yield start, n, kind
            kind = ""
        if mark in ("B-", "I-") and not kind:
            start, kind = n, own
