"""A fitted model under the laws: what it is fitted on, and how it is asked."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from tests.laws.drawing import random, size

import whorl
from whorl.codecs.piece import Piece
from whorl.plans.networks import Network
from whorl.runtime.prediction import Index, Prediction
from whorl.tasks.estimator import Estimator
from whorl.tasks.preparation import prepare

Rows = list[Any]  # records, or an array (T, D)


@dataclass(frozen=True, kw_only=True)
class ModelSubject:
    """An estimator, what it is fitted on, and how to draw other data.

    Args:
        new: makes the unfitted estimator.
        rows: (random, length) -> rows of one sequence that a user could have.
        training: name of a sequence -> its rows.
        truths: (random, rows of each sequence) -> y, for data that are arrays.
        least: fewest rows that are answered.
        horizon: steps ahead.
        needs_known: whether answers need `horizon` rows of known covariates.
        gaps: whether steps may be missing between rows.
        series: column that names a sequence.
        targets: columns that are answered.
        covariates: other columns that change with time, those known ahead left out.
        labels: whether answers are labels.
        lookahead: how many steps after its row an answer comes.
        text: whether a sequence is a text, a sound or pictures, whose rows are its pieces.
        asked: what else `predict` is told where it does not answer every row.
        written: whether answers are texts that are written once the whole text was read.
        listed: whether a sequence is a list of steps that are no rows of numbers, such as chords.
        dialogue: whether a sequence is a dialogue, whose rows are its turns; each is answered, and the answer is one.
        transcript: whether answers are texts that are said step by step, each push the text so far.
        prepare: what `fit` does before it trains.
        options: what else `fit` is told.
    """

    new: Callable[[], Estimator]
    rows: Callable[[np.random.Generator, int], Rows]
    training: Mapping[str, Rows]
    truths: Callable[[np.random.Generator, list[Rows]], Any] | None = None
    least: int = 1
    horizon: int = 0
    needs_known: bool = False
    gaps: bool = False
    series: str | None = None
    targets: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    labels: bool = False
    lookahead: int = 0
    text: bool = False
    asked: Mapping[str, Any] = field(default_factory=dict)
    written: bool = False
    listed: bool = False
    dialogue: bool = False
    transcript: bool = False
    prepare: Callable[[Estimator, Any], Any] = prepare
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def arrays(self) -> bool:
        return self.truths is not None or self.text or self.dialogue or self.listed

    def fitting_data(self, training: Mapping[str, Rows] | None = None) -> Any:
        source = self.source(training or self.training)
        if self.truths is None:
            return source
        return source, self.truths(np.random.default_rng(1), list((training or self.training).values()))

    def source(self, sequences: Mapping[str, Rows]) -> Any:
        """Sequences as a user brings them: long records, or a list of arrays or texts."""
        if self.text and not self.listed:
            return [joined(pieces) for pieces in sequences.values()]
        if self.arrays:
            return list(sequences.values())
        if self.series is None:
            return [dict(row) for rows in sequences.values() for row in rows]
        return [{**row, self.series: key} for key, rows in sequences.items() for row in rows]

    @functools.cached_property
    def fitted(self) -> Any:
        return self.new().fit(self.fitting_data(), verbose=False, **self.options)

    @property
    def model(self) -> Any:
        return self.fitted.model_

    def drawn(self, data: st.DataObject, *, most: int = 3, extra: int = 8) -> dict[str, Rows]:
        """One or several sequences, under the names of training, and one that training did not have."""
        rng = random(data)
        count = 1 if self.series is None and not self.arrays else size(data, 1, most, "sequences")
        if self.arrays:
            names = [str(n) for n in range(count)]  # arrays have no names but their places
        else:
            names = [""] if self.series is None else [*list(self.training)[: count - 1], "new"]
        return {name: self.rows(rng, size(data, self.least, self.least + extra, "rows")) for name in names}


def joined(pieces: Rows) -> Any:
    """A text, a sound or pictures, of their pieces."""
    return "".join(pieces) if all(isinstance(piece, str) for piece in pieces) else np.concatenate(pieces)


def known_of(subject: ModelSubject, rows: Rows, t: int) -> Any:
    """The rows of known covariates for the steps after row t, gaps as rows in which nothing is known."""
    if not subject.needs_known:
        return None
    assert not subject.gaps
    return [dict(row) for row in rows[t + 1 : t + 1 + subject.horizon]]


def ask(subject: ModelSubject, model: Any, sequences: Mapping[str, Rows], *, every_row: bool = True) -> Prediction:
    """Predicts; where known covariates are needed, from all but the last `horizon` rows, which are then known."""
    if not subject.needs_known:
        asked = {} if every_row else subject.asked
        return flat(model.predict(subject.source(sequences), every_row=every_row, **asked))
    shown = {key: rows[: len(rows) - subject.horizon] for key, rows in sequences.items()}
    after = {key: rows[len(rows) - subject.horizon :] for key, rows in sequences.items()}
    return model.predict(subject.source(shown), known=subject.source(after), every_row=every_row)


def read_rows(subject: ModelSubject, rows: Rows) -> int:
    """How many of the rows are read: the last ones are only known ahead."""
    return len(rows) - (subject.horizon if subject.needs_known else 0)


def flat(prediction: Prediction) -> Prediction:
    """Answers of each step below each other, where they came as a list with one array for each sequence."""
    if not isinstance(prediction.value, list) or prediction.classes is None:
        return prediction
    index, counts = prediction.index, [len(part) for part in prediction.value]
    assert [len(part) for part in index.time] == [len(part) for part in prediction.probabilities] == counts
    return replace(
        prediction,
        value=np.concatenate(prediction.value),
        probabilities=np.concatenate(prediction.probabilities),
        index=Index(np.repeat(index.series, counts), np.concatenate(index.time)),
    )


def listed(value: Any) -> Any:
    """Pieces of music as text; everything else as it is."""
    pieces = isinstance(value, list) and any(isinstance(one, Piece) for one in value)
    return [repr([np.asarray(part).tolist() for part in one]) for one in value] if pieces else value


def told(prediction: Prediction) -> list[Any]:
    prediction = flat(prediction)
    several = prediction.thresholds is not None  # tuples of labels
    value = np.array([" | ".join(map(str, own)) for own in prediction.value] if several else listed(prediction.value))
    value = value.astype(str).astype("U20") if value.dtype.kind in "OU" else value  # not where the texts lie
    has_sets = prediction.threshold is not None and prediction.probabilities is not None
    sets = np.array([str(one) for one in prediction.sets]).astype("U99") if has_sets else None
    until = None if prediction.until is None else prediction.until.shares
    answers = [sets, value, prediction.quantiles, prediction.probabilities, prediction.score, prediction.contributions]
    answers.append(until)
    time = prediction.index.time
    time = np.concatenate(time) if isinstance(time, list) else time  # of the words of each text
    return [*answers, prediction.index.origin, time]


def only(prediction: Prediction, key: str) -> Prediction:
    return prediction.take(np.flatnonzero(prediction.index.series == key))


def model(new: Callable[..., Any], network: Network, *, training: dict[str, Any], **options: Any) -> ModelSubject:
    plan = whorl.Training(
        epochs=1, batch_size=16, tbptt_steps=8, device="cpu", validation=options.pop("validation", 0.2)
    )
    settings = options.pop("settings", {})
    return ModelSubject(new=lambda: new(network=network, training=plan, **settings), training=training, **options)
