"""What answers of several fits cost, answer by answer, and how sure a difference between them is.

Axes: S seeds, N sequences that are scored.
"""

from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np

from whorl.data.sequences import Sequence
from whorl.plans.heads import Bernoulli, Categorical, Point
from whorl.plans.wiring import Wiring
from whorl.runtime.class_metrics import auroc
from whorl.runtime.evaluation import answers, outputs_of_rival
from whorl.runtime.model import Model
from whorl.runtime.prediction import Prediction

# Draws of sequences and seeds behind an interval, and its level.
_DRAWS, _LEVEL = 1000, 0.95


@dataclass(frozen=True, kw_only=True)
class Losses:
    """What was found of each sequence.

    Args:
        values: its loss, or its score where anomalies are to be told, (S, N); NaN where no truth is known.
        marks: whether it is an anomaly, (N,), where values are scores; else None.
    """

    values: np.ndarray
    marks: np.ndarray | None = None

    def mean(self, seeds: np.ndarray, rows: np.ndarray) -> float:
        """The mean loss of some seeds and sequences; of scores the share of pairs that they put in the wrong order."""
        if self.marks is None:
            return float(np.nanmean(self.values[np.ix_(seeds, rows)]))
        found = [auroc(self.values[seed, rows], self.marks[rows] == 1.0) for seed in seeds.tolist()]
        return float(np.mean([np.nan if area is None else 1.0 - area for area in found]))

    @property
    def total(self) -> float:
        """That of all seeds and sequences."""
        return self.mean(*(np.arange(count) for count in self.values.shape))


def measure_of(wiring: Wiring) -> str:
    """What the loss of a task is called."""
    match wiring.head:
        case Categorical():
            return "Brier score"
        case Bernoulli():
            return "mean Brier score of a label"
        case Point(loss="mse"):
            return "squared error in units of the training scale"
        case _ if wiring.readout == "surprise":
            return "1 - AUROC"
        case _:
            return "absolute error in units of the training scale"


def losses(
    model: Model, sequences: List[Sequence], steps: List[np.ndarray], rival: str | None = None
) -> tuple[np.ndarray, dict[str, float]]:
    """The loss, or score, of each sequence, (N,), and the usual metrics of all answers.

    Args:
        model: fitted.
        sequences: with truths.
        steps: of each sequence that are answered.
        rival: the naive rival whose answers are scored instead of the model's.
    """
    readout = model.readout if rival is None else model.readout.of_rivals()
    found = model.outputs(sequences, steps) if rival is None else outputs_of_rival(model, rival, sequences, steps)
    squared = isinstance(model.wiring.head, Point) and model.wiring.head.loss == "mse"
    scores = readout.scores(model.reader, model.naive_mae)
    sums, counts = np.zeros(len(sequences)), np.zeros(len(sequences))
    for n, _, prediction, truths in answers(model, sequences, found, rival=rival is not None):
        scores.add(prediction, truths)
        each = _each(prediction, truths, model.reader.scale, squared=squared)
        known = np.isfinite(each)
        sums[n] += each[known].sum()
        counts[n] += known.sum()
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan), scores.result()


def _each(prediction: Prediction, truths: np.ndarray, scale: np.ndarray, *, squared: bool) -> np.ndarray:
    """The loss of each number that was answered: the Brier score of labels (Brier 1950), or the error of numbers."""
    if prediction.score is not None:
        return prediction.score
    if prediction.thresholds is not None:
        return np.asarray((prediction.probabilities - truths) ** 2)
    if prediction.probabilities is not None:
        assert prediction.classes is not None
        number = {label: n for n, label in enumerate(prediction.classes.tolist())}
        codes = np.array([number.get(label, -1) for label in truths.tolist()], np.int64)
        own = np.eye(len(number))[codes]
        return np.where(codes < 0, np.nan, ((prediction.probabilities - own) ** 2).sum(axis=1))
    error = np.abs(prediction.value - truths) / scale
    return np.asarray(error**2 if squared else error)


def interval(other: Losses, own: Losses, units: np.ndarray, seed: int) -> tuple[float, float]:
    """How much more the answers of one fit cost than those of another, from where to where with 95 %.

    Sequences, or blocks of windows that overlap, are drawn anew in pairs (a block bootstrap, Künsch 1989, section 2.2),
    and so are the seeds of each fit, whose randomness is not paired.

    Args:
        other: the fit whose answers may cost more.
        own: the fit that it is held against.
        units: the number of the block of each sequence, (N,).
        seed: of the draws.
    """
    random = np.random.default_rng(seed)
    blocks = [np.flatnonzero(units == unit) for unit in np.unique(units)]
    found = []
    for _ in range(_DRAWS):
        rows = np.concatenate([blocks[n] for n in random.integers(len(blocks), size=len(blocks)).tolist()])
        seeds = [random.integers(len(one.values), size=len(one.values)) for one in (other, own)]
        found.append(other.mean(seeds[0], rows) - own.mean(seeds[1], rows))
    low, high = np.nanquantile(found, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]).tolist()
    return low, high
