"""Scoring a model on data with known truths, beside its baselines."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from whorl.codecs.symbols import is_missing
from whorl.data.indicators import Indicators
from whorl.data.labels import Labels
from whorl.data.pairing import told
from whorl.data.sequences import Sequence
from whorl.errors import ArgumentError, DataError
from whorl.plans.wiring import Sequences
from whorl.runtime.engines import engine_for
from whorl.runtime.metrics import Scoring
from whorl.runtime.prediction import Index, Prediction, Rows, joined

if TYPE_CHECKING:
    from whorl.runtime.model import Model

Outputs = List[tuple[int, np.ndarray, np.ndarray]]
"""Pieces of an engine's answers: number of the sequence, steps (N,), outputs (N, ...)."""

KEEP_BYTES = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What `evaluate` found.

    Args:
        metrics: name -> value in the user's units; `_scaled` ones in units of the training scale.
        baseline: name of a naive rival -> its metrics on the same origins.
        by_step: mae, coverage and width at each step of the horizon, (H, K).
        num_answers: number of scored answers; where labels are answered, without those whose truth is missing.
        skipped: keys of sequences too short for a context and a horizon, which have no answer to score.
        scale: (K,) training scale of each output, the unit of the `_scaled` metrics.
    """

    metrics: Mapping[str, float]
    baseline: Mapping[str, Mapping[str, float]]
    num_answers: int
    scale: np.ndarray
    skipped: tuple[str, ...] = ()
    by_step: Mapping[str, np.ndarray] = field(default_factory=dict)
    kept: tuple[Prediction, Rows] | None = None

    @property
    def prediction(self) -> Prediction:
        """The answers, where they were kept."""
        return self._kept()[0]

    @property
    def target(self) -> Rows:
        """The truths, of the shape of `prediction.value`; NaN where unknown, of labels None where missing.

        Of several labels at once they are (N, C), of a Recommender the items that came, (N,), or with what time passed
        until then beside them, (N, 2).
        """
        return self._kept()[1]

    @property
    def index(self) -> Index:
        """Series and origin of each answer."""
        return self._kept()[0].index

    def _kept(self) -> tuple[Prediction, Rows]:
        if self.kept is None:
            raise ArgumentError(
                f"the {self.num_answers} answers were not kept, since they exceed 1 GB or `keep` was False. "
                "Evaluate with keep=True."
            )
        return self.kept


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some steps of sequences that a model is scored on.

    Args:
        model: what is scored, and whose rivals are.
        sequences: with targets.
        steps: for each sequence the steps that are scored.
        outputs: what the engine answers at these steps, where that is known already.
    """

    model: "Model"
    sequences: List[Sequence]
    steps: List[np.ndarray]
    outputs: Outputs | None = None


def evaluate(
    model: "Model",
    sequences: List[Sequence],
    steps: List[np.ndarray],
    keep: bool | None = None,
    outputs: Outputs | None = None,
) -> Evaluation:
    """Scores a model on some steps of encoded sequences with targets.

    Args:
        model: what is scored.
        sequences: with targets.
        steps: for each sequence the steps that are scored.
        keep: keep answers and truths. None keeps them up to 1 GB.
        outputs: what the model's engine answers at these steps, where that is known already.
    """
    num_answers = sum(map(len, steps))
    if not num_answers:
        longest = max((len(sequence) for sequence in sequences), default=0)
        raise DataError(
            f"`evaluate` needs {told(model.wiring.pairing)}, but the longest sequence has {longest} rows. Bring longer "
            "ones."
        )
    size = int(np.prod(model.engine.program.shapes[model.engine.program.output]))
    keep = num_answers * size * 8 <= KEEP_BYTES if keep is None else keep
    predictions: list[Prediction] = []
    targets: list[np.ndarray] = []

    def kept(prediction: Prediction, target: np.ndarray) -> None:
        predictions.append(prediction)
        targets.append(target)

    part = Part(model=model, sequences=sequences, steps=steps, outputs=outputs)
    found = evaluate_parts([part], kept if keep else None)
    return replace(found, kept=_kept(model, sequences, steps, predictions, targets)) if keep else found


def evaluate_parts(parts: List[Part], told_of: Callable[[Prediction, np.ndarray], object] | None = None) -> Evaluation:
    """Scores the answers of several models of one form together, each on its own part, as those of folds are.

    Args:
        parts: at least one.
        told_of: is told of answers and their truths.
    """
    first = parts[0].model
    scores = first.readout.scores(first.reader, first.naive_mae)
    rivals = {name: first.readout.of_rivals().scores(first.reader, first.naive_mae) for name in first.baselines}
    missing = 0
    for part in parts:
        model, sequences, steps = part.model, part.sequences, part.steps
        found = model.outputs(sequences, steps) if part.outputs is None else part.outputs
        for _, _, prediction, target in answers(model, sequences, found):
            scores.add(prediction, target)
            missing += _num_missing(model, target)
            if told_of is not None:
                told_of(prediction, target)
        for name, rival in rivals.items():
            _add_rival(rival, model, name, sequences, steps)
    pairs = [pair for part in parts for pair in zip(part.sequences, part.steps, strict=True)]
    return Evaluation(
        metrics=scores.result(),
        baseline={name: rival.result() for name, rival in rivals.items()},
        by_step=scores.steps(),
        num_answers=sum(len(wanted) for _, wanted in pairs) - missing,
        scale=first.reader.scale,
        skipped=tuple(one.key for one, wanted in pairs if not len(wanted)),
    )


def _num_missing(model: "Model", target: np.ndarray) -> int:
    """How many answers of labels have no truth; 0 of other answers."""
    if isinstance(model.reader.outputs, Indicators):
        return int(np.isnan(target).all(axis=1).sum())
    # Of the last step of a session the next item is there, if only as one that training does not have.
    last = isinstance(model.wiring.pairing, Sequences) and model.wiring.pairing.last
    return sum(map(is_missing, target.tolist())) if isinstance(model.reader.outputs, Labels) and not last else 0


def _kept(
    model: "Model",
    sequences: List[Sequence],
    steps: List[np.ndarray],
    predictions: list[Prediction],
    targets: list[np.ndarray],
) -> tuple[Prediction, np.ndarray | list[np.ndarray]]:
    """Answers and truths below each other, or those of each sequence."""
    truths = np.concatenate(targets)
    if not model.readout.by_sequence:
        return joined(predictions), truths
    counts = [len(wanted) for wanted in steps]
    ends = np.cumsum([0, *counts])
    answers = model.of_sequences(predictions, [one.key for one in sequences], counts)
    return answers, [truths[a:b] for a, b in itertools.pairwise(ends)]


def answers(
    model: "Model",
    sequences: List[Sequence],
    outputs: Iterable[tuple[int, np.ndarray, np.ndarray]],
    *,
    rival: bool = False,
) -> Iterator[tuple[int, np.ndarray, Prediction, np.ndarray]]:
    """Yields what outputs answer, in the user's units: number of the sequence, steps, answers, truths.

    Args:
        model: whose they are.
        sequences: with truths.
        outputs: pieces of what an engine answers.
        rival: whether that is one of a naive rival.
    """
    readout = model.readout.of_rivals() if rival else model.readout
    readout = readout.judge or readout
    for n, at, out in outputs:
        in_units = readout.in_units(out, *model.units)
        prediction = readout.prediction(model.index(sequences[n], at), in_units, model.reader)
        yield n, at, prediction, model.truths(sequences[n], at)


def outputs_of_rival(
    model: "Model", name: str, sequences: List[Sequence], steps: List[np.ndarray]
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Pieces of what one of a model's naive rivals answers on these steps."""
    return model.outputs(sequences, steps, engine_for(model.baselines[name]))


def score_rival(model: "Model", name: str, sequences: List[Sequence], steps: List[np.ndarray]) -> Scoring:
    """Scores one of a model's naive rivals on the same steps."""
    scores = model.readout.of_rivals().scores(model.reader, model.naive_mae)
    _add_rival(scores, model, name, sequences, steps)
    return scores


def _add_rival(scores: Scoring, model: "Model", name: str, sequences: List[Sequence], steps: List[np.ndarray]) -> None:
    found = outputs_of_rival(model, name, sequences, steps)
    for _, _, prediction, target in answers(model, sequences, found, rival=True):
        scores.add(prediction, target)
