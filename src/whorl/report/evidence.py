"""What a report shows of a model's answers: some origins answered again, by the model and by its rivals."""

from collections.abc import Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from whorl.codecs.symbols import is_missing
from whorl.data.pairing import steps_with_truths, told
from whorl.data.sequences import Sequence
from whorl.errors import DataError
from whorl.plans.wiring import EachRow
from whorl.runtime.evaluation import answers, score_rival
from whorl.runtime.item_metrics import items_of
from whorl.runtime.model import Model
from whorl.runtime.prediction import Prediction, joined

# Most answers that are drawn from, and most numbers in them: more would take long and look the same.
_ANSWERS = 2_000
_NUMBERS = 1 << 22
_BLOCK = 32


class HeldOut(Protocol):
    """Sequences, and the steps of each whose truths the model did not learn from."""

    @property
    def sequences(self) -> list[Sequence]:
        """Whole sequences."""

    @property
    def steps(self) -> list[np.ndarray]:
        """Steps of each sequence."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Answers and truths in the user's units.

    Args:
        prediction: N answers.
        target: truths, of the shape of `prediction.value`, of several labels at once (N, C), of items and their
            times (N, 2); NaN where unknown.
        sequences: the sequence of each answer, N long.
        steps: the step of each answer in its sequence, (N,).
        scale: (K,) training scale of each output.
        metrics: the model first, then its rivals; on these answers.
        by_step: for the same names mae, coverage and width at each step, (H, K).
        every: one answer of so many was looked at.
    """

    prediction: Prediction
    target: np.ndarray
    sequences: List[Sequence]
    steps: np.ndarray
    scale: np.ndarray
    metrics: Mapping[str, Mapping[str, float]]
    by_step: Mapping[str, Mapping[str, np.ndarray]]
    every: float

    @cached_property
    def errors(self) -> np.ndarray:
        """Mean absolute error of each answer, in units of the training scale, (N,); NaN where no truth is known.

        Of a label the share of probability that the truth was not given, of several labels its mean; of a row that is
        judged its score.
        """
        if self.prediction.score is not None:
            return self.prediction.score
        if self.prediction.thresholds is not None:
            return _mean(np.abs(self.prediction.probabilities - self.target))
        if self.prediction.probabilities is not None:
            truths = self.classes_of_truths
            place = np.where(np.isfinite(truths), truths, 0).astype(np.int64)
            missed = 1.0 - self.prediction.probabilities[np.arange(len(place)), place]
            missed[~np.isfinite(truths)] = 1.0  # training does not have the label, so it was given nothing
            return np.where(self.given, missed, np.nan)
        return _mean(np.abs(self.prediction.value - self.target) / self.scale)

    @cached_property
    def classes_of_truths(self) -> np.ndarray:
        """The number of the true class of each answer, (N,); NaN where it is missing or training does not have it."""
        assert self.prediction.classes is not None
        number = {label: float(n) for n, label in enumerate(self.prediction.classes.tolist())}
        return np.array([number.get(label, np.nan) for label in items_of(self.target).tolist()], np.float64)

    @cached_property
    def given(self) -> np.ndarray:
        """Whether the label of each answer is there, known to training or not, (N,)."""
        return np.array([not is_missing(label) for label in items_of(self.target).tolist()], bool)

    def ranked(self) -> dict[str, int]:
        """Numbers of the best, the median and the worst answer; fewer where there are fewer."""
        order = np.argsort(self.errors, kind="stable")  # NaN last
        order = order[: int(np.isfinite(self.errors).sum())]
        if not len(order):
            return {}
        chosen = {"best": int(order[0]), "median": int(order[len(order) // 2]), "worst": int(order[-1])}
        return {name: row for n, (name, row) in enumerate(chosen.items()) if row not in list(chosen.values())[:n]}


def _mean(error: np.ndarray) -> np.ndarray:
    """The mean of the known errors of each answer, (N,); NaN where none is."""
    known = np.isfinite(error)
    axes = tuple(range(1, error.ndim))
    count = known.sum(axis=axes)
    total = np.where(known, error, 0.0).sum(axis=axes)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def longest(held_out: HeldOut | List[Sequence] | None) -> tuple[Sequence, int] | None:
    """The longest part that was held out, or that was given, and its first step that is scored."""
    if held_out is None:
        return None
    if isinstance(held_out, List):
        parts = [(one, 0) for one in held_out if len(one) > 1]
    else:
        parts = [(one, int(at[0])) for one, at in zip(held_out.sequences, held_out.steps, strict=True) if len(at)]
    return max(parts, key=lambda part: len(part[0]) - part[1], default=None)


def gather(model: Model, held_out: HeldOut | List[Sequence] | None) -> Evidence | None:
    """Answers what is held out, or the sequences given; None where there is nothing with a truth."""
    if held_out is None:
        return None
    if isinstance(held_out, List):
        sequences = [one for one in held_out if one.targets is not None]
        steps = [steps_with_truths(model.wiring.pairing, one) for one in sequences]
    else:
        sequences, steps = list(held_out.sequences), list(held_out.steps)
    total = sum(map(len, steps))
    if not total and isinstance(held_out, List):
        raise DataError(
            f"a report on data needs {told(model.wiring.pairing)} with truths, but there is no such part. Bring longer "
            "sequences, or leave `data` out."
        )
    if not total:
        return None
    if not isinstance(model.wiring.pairing, EachRow):  # runs of anomalies and alarms would be cut into pieces
        sequences, steps = _thinned(model, sequences, steps)
    own = model.readout.scores(model.reader, model.naive_mae)
    predictions, targets, numbers = [], [], []
    for n, at, prediction, target in answers(model, sequences, model.outputs(sequences, steps)):
        predictions.append(prediction)
        targets.append(target)
        numbers.append(np.full(len(at), n))
        own.add(predictions[-1], targets[-1])
    scores = {"model": own, **{name: score_rival(model, name, sequences, steps) for name in model.baselines}}
    return Evidence(
        prediction=joined(predictions),
        target=np.concatenate(targets),
        sequences=[sequences[n] for n in np.concatenate(numbers)],
        steps=np.concatenate(steps),
        scale=model.reader.scale,
        metrics={name: score.result() for name, score in scores.items()},
        by_step={name: score.steps() for name, score in scores.items()},
        every=total / sum(map(len, steps)),
    )


def _thinned(
    model: Model, sequences: list[Sequence], steps: list[np.ndarray]
) -> tuple[list[Sequence], list[np.ndarray]]:
    """At most some thousand steps, spread evenly; sequences without any are left out, others may come repeatedly."""
    size = int(np.prod(model.engine.program.shapes[model.engine.program.output]))
    most = max(_BLOCK, min(_ANSWERS, _NUMBERS // size))
    pieces = [(n, part) for n, part in enumerate(steps) if len(part)]
    total = sum(len(part) for _, part in pieces)
    if model.readout.by_sequence:
        # Labels of a sequence may hang together, and are read together.
        return _whole(sequences, pieces, most, total)
    if total > most and model.engine.program.memory is not None:
        # An engine answers neighbouring steps at once, so a few short runs cost less than as many steps far apart.
        pieces = [(n, part[at : at + _BLOCK]) for n, part in pieces for at in range(0, len(part), _BLOCK)]
        pieces = _some(pieces, max(1, most // _BLOCK))
    elif total > most:
        pieces = _some(pieces, most)
        every = -(-sum(len(part) for _, part in pieces) // most)
        pieces = [(n, part[::every]) for n, part in pieces]
    return [sequences[n] for n, _ in pieces], [part for _, part in pieces]


def _whole(
    sequences: list[Sequence], pieces: list[tuple[int, np.ndarray]], most: int, total: int
) -> tuple[list[Sequence], list[np.ndarray]]:
    pieces = _some(pieces, max(1, round(len(pieces) * most / max(total, 1))))
    return [sequences[n] for n, _ in pieces], [part for _, part in pieces]


def _some(pieces: list[tuple[int, np.ndarray]], most: int) -> list[tuple[int, np.ndarray]]:
    if len(pieces) <= most:
        return pieces
    return [pieces[n] for n in np.linspace(0, len(pieces) - 1, most).round().astype(int)]
