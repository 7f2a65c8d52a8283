"""What the laws mean for a fitted model: the verbs, from raw rows to answers in the user's units."""

import copy
import functools
import random as python_random
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from tests.laws.drawing import bits, cuts, random, same_bits, size
from tests.laws.engine_laws import calls
from tests.laws.table import law

import whorl
from whorl.data.pairing import answered_steps
from whorl.errors import StreamingError
from whorl.runtime.prediction import Prediction
from whorl.tasks import fitting
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
        prepare: what `fit` does before it trains.
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
    prepare: Callable[[Estimator, Any], Any] = prepare

    @property
    def arrays(self) -> bool:
        return self.truths is not None

    def fitting_data(self, training: Mapping[str, Rows] | None = None) -> Any:
        source = self.source(training or self.training)
        if self.truths is None:
            return source
        return source, self.truths(np.random.default_rng(1), list((training or self.training).values()))

    def source(self, sequences: Mapping[str, Rows]) -> Any:
        """Sequences as a user brings them: long records, or a list of arrays."""
        if self.arrays:
            return list(sequences.values())
        if self.series is None:
            return [dict(row) for rows in sequences.values() for row in rows]
        return [{**row, self.series: key} for key, rows in sequences.items() for row in rows]

    @functools.cached_property
    def fitted(self) -> Any:
        return self.new().fit(self.fitting_data(), verbose=False)

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


def known_of(subject: ModelSubject, rows: Rows, t: int) -> Any:
    """The rows of known covariates for the steps after row t, gaps as rows in which nothing is known."""
    if not subject.needs_known:
        return None
    assert not subject.gaps
    return [dict(row) for row in rows[t + 1 : t + 1 + subject.horizon]]


def ask(subject: ModelSubject, model: Any, sequences: Mapping[str, Rows], *, every_row: bool = True) -> Prediction:
    """Predicts; where known covariates are needed, from all but the last `horizon` rows, which are then known."""
    if not subject.needs_known:
        return model.predict(subject.source(sequences), every_row=every_row)
    shown = {key: rows[: len(rows) - subject.horizon] for key, rows in sequences.items()}
    after = {key: rows[len(rows) - subject.horizon :] for key, rows in sequences.items()}
    return model.predict(subject.source(shown), known=subject.source(after), every_row=every_row)


def read_rows(subject: ModelSubject, rows: Rows) -> int:
    """How many of the rows are read: the last ones are only known ahead."""
    return len(rows) - (subject.horizon if subject.needs_known else 0)


def told(prediction: Prediction) -> list[Any]:
    return [prediction.value, prediction.quantiles, prediction.index.origin, prediction.index.time]


def only(prediction: Prediction, key: str) -> Prediction:
    return prediction.take(np.flatnonzero(prediction.index.series == key))


@law("02 chunk", "model")
def rows_that_come_singly_are_encoded_like_the_whole(subject: ModelSubject, data: st.DataObject) -> None:
    reader = subject.model.reader
    for key, rows in subject.drawn(data, most=1).items():
        live, made, future = reader.open(key), [], []
        for t in range(read_rows(subject, rows)):
            for reading in live.push(rows[t], known_of(subject, rows, t)):
                made.append(reading["past"])
                future.append(reading.get("future"))
        shown = {key: rows[: read_rows(subject, rows)]}
        known = subject.source({key: rows[read_rows(subject, rows) :]}) if subject.needs_known else None
        (whole,) = reader.read(subject.source(shown), known=known)
        same_bits(np.concatenate(made), whole.past)
        if whole.ahead is not None:
            same_bits(np.concatenate(future), whole.inputs(0, len(whole), reader.horizon)["future"][0])


@law("06 batch", "model")
def sequences_together_are_each_alone(subject: ModelSubject, data: st.DataObject) -> None:
    sequences = subject.drawn(data)
    for every_row in (True, False):
        together = ask(subject, subject.fitted, sequences, every_row=every_row)
        alone = [
            told(ask(subject, subject.fitted, {key: rows}, every_row=every_row)) for key, rows in sequences.items()
        ]
        for n, part in enumerate(told(together)):
            same_bits(part, None if part is None else np.concatenate([one[n] for one in alone]))
    if not subject.model.engine.program.streams or subject.gaps:
        return
    many, single = ([subject.fitted.stream(key) for key in sequences] for _ in range(2))
    for t in range(min(read_rows(subject, rows) for rows in sequences.values())):
        rows = [rows[t] for rows in sequences.values()]
        known = [known_of(subject, rows, t) for rows in sequences.values()]
        wanted = [stream.push(row, after) for stream, row, after in zip(single, rows, known, strict=True)]
        found = subject.model.push_many(many, rows, known)
        same_bits([[told(p) for p in part] for part in found], [[told(p) for p in part] for part in wanted])


@law("10 save", "model")
def a_loaded_model_answers_the_same_bits(subject: ModelSubject, data: st.DataObject) -> None:
    sequences = subject.drawn(data)
    wanted = told(ask(subject, subject.fitted, sequences))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.whorl"
        subject.fitted.save(path)
        loaded, light = whorl.load(path), whorl.runtime.load(path)
    assert loaded.get_params() == subject.fitted.get_params()
    assert light.identity == loaded.model_.identity == subject.model.identity
    same_bits(told(ask(subject, loaded, sequences)), wanted)
    same_bits(told(ask(subject, light, sequences)), wanted)
    if not light.engine.program.streams:
        return
    key, rows = next(iter(sequences.items()))
    stream = subject.fitted.stream(key)
    half = read_rows(subject, rows) // 2
    for t in range(half):
        stream.push(rows[t], known_of(subject, rows, t))
    other = light.stream()
    other.state = whorl.State.from_bytes(bytes(stream.state))
    for t in range(half, read_rows(subject, rows)):
        known = known_of(subject, rows, t)
        same_bits(list(map(told, other.push(rows[t], known))), list(map(told, stream.push(rows[t], known))))


@law("11 seed", "model", examples=2)  # each fits two models
def a_seed_gives_one_history(subject: ModelSubject, data: st.DataObject) -> None:
    seed = size(data, 0, 2**31, "seed")
    fits = []
    for _ in range(2):
        estimator = subject.new()
        estimator.set_params(training=replace(estimator.training, seed=seed))
        fits.append(estimator.fit(subject.fitting_data(), verbose=False))
        torch.rand(7)  # where the caller's generators stand does not matter
    assert fits[0].history_ == fits[1].history_
    sequences = subject.drawn(data)
    same_bits(told(ask(subject, fits[0], sequences)), told(ask(subject, fits[1], sequences)))
    assert fits[0].model_.identity == fits[1].model_.identity


@law("12 purity", "model", examples=2)  # each fits a model
def the_verbs_change_nothing_of_the_caller(subject: ModelSubject, data: st.DataObject) -> None:
    estimator, given = subject.new(), subject.fitting_data()
    settings, before = copy.deepcopy(estimator.get_params()), copy.deepcopy(given)
    sequences = subject.drawn(data)
    asked, asked_before = sequences, copy.deepcopy(sequences)
    globals_before = _global_state()
    estimator.fit(given, verbose=False)
    assert _same(given, before), "fit changed the training data"
    ask(subject, estimator, asked)
    estimator.evaluate(given)
    identity = estimator.model_.identity
    if estimator.model_.engine.program.streams:
        key, rows = next(iter(asked.items()))
        stream = estimator.stream(key)
        for t in range(read_rows(subject, rows)):
            stream.push(rows[t], known_of(subject, rows, t))
    assert _same(given, before), "evaluate changed its data"
    assert _same(asked, asked_before), "predict or stream changed the caller's rows"
    assert estimator.get_params() == settings
    assert estimator.model_.identity == identity
    assert _global_state() == globals_before, "a global generator moved, or a global setting"


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, np.ndarray):
        return isinstance(found, np.ndarray) and bits(found) == bits(wanted)
    if isinstance(wanted, Mapping):
        return list(found) == list(wanted) and all(_same(found[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list | tuple):
        return len(found) == len(wanted) and all(map(_same, found, wanted))
    return bool(found == wanted) or (found != found and wanted != wanted)


def _global_state() -> bytes:
    name, keys, *rest = np.random.get_state()  # noqa: NPY002  the global generator is what must not move
    settings = [torch.get_num_threads(), torch.is_grad_enabled(), str(torch.get_default_dtype()), str(np.geterr())]
    return repr(
        [torch.random.get_rng_state().tolist(), name, keys.tolist(), rest, python_random.getstate()]
    ).encode() + (repr(settings).encode())


@law("13 stream", "model")
def pushing_rows_is_predicting(subject: ModelSubject, data: st.DataObject) -> None:
    if not subject.model.engine.program.streams:
        with pytest.raises(StreamingError, match="bidirectional=False"):
            subject.fitted.stream()
        return
    sequences = subject.drawn(data, most=2)
    at_once = ask(subject, subject.fitted, sequences)
    for key, rows in sequences.items():
        wanted = only(at_once, key)
        places = {str(origin): n for n, origin in enumerate(wanted.index.origin)}
        stream, answered = subject.fitted.stream(key), 0
        restored = size(data, 0, len(rows), "rows before the stream is stored")
        for t in range(read_rows(subject, rows)):
            if t == restored:
                state = whorl.State.from_bytes(bytes(stream.state))
                stream = subject.fitted.stream()
                stream.state = state
            for answer in stream.push(rows[t], known_of(subject, rows, t)):
                answered += 1
                place = places[str(answer.index.origin[0])]
                same_bits(told(answer), told(wanted.take(slice(place, place + 1))), f"the answers at row {t}")
        assert stream.flush() == []
        assert answered == len(wanted) or (subject.gaps and 0 < answered <= len(wanted))
        _rows_at_once_are_the_same(subject, data, rows, wanted, stream)
        _prefix_is_the_same(subject, data, rows, wanted)
    _chunks_are_the_same(subject, data, sequences, at_once)


def _rows_at_once_are_the_same(
    subject: ModelSubject, data: st.DataObject, rows: Rows, wanted: Prediction, pushed: Any
) -> None:
    """Rows pushed in two pieces leave the state of rows pushed singly, and have their answers."""
    places = {str(origin): n for n, origin in enumerate(wanted.index.origin)}
    stream, last = subject.fitted.stream(pushed.series), read_rows(subject, rows)
    middle = size(data, 0, last, "rows in the first piece")
    for first, end in ((0, middle), (middle, last)):
        if first == end:
            continue
        known = None if not subject.needs_known else known_of(subject, rows, end - 1)
        found = stream.push_rows(rows[first:end], known=known)
        chosen = [places[str(origin)] for origin in found.index.origin]
        same_bits(told(found), told(wanted.take(np.array(chosen, np.int64))), f"the answers of rows {first} to {end}")
    assert bytes(stream.state) == bytes(pushed.state)


def _prefix_is_the_same(subject: ModelSubject, data: st.DataObject, rows: Rows, wanted: Prediction) -> None:
    """The answer from the rows so far is the one that every_row gives there."""
    if subject.gaps:
        return
    count = size(data, subject.least, len(rows), "rows so far")
    alone = ask(subject, subject.fitted, {str(wanted.index.series[0]): rows[:count]}, every_row=False)
    if alone.value.ndim == 2 or len(alone) == 1:
        alone = alone.take(slice(len(alone) - 1, None))
    place = [str(origin) for origin in wanted.index.origin].index(str(alone.index.origin[-1]))
    same_bits(told(alone.take(slice(-1, None))), told(wanted.take(slice(place, place + 1))))


def _chunks_are_the_same(
    subject: ModelSubject, data: st.DataObject, sequences: Mapping[str, Rows], at_once: Prediction
) -> None:
    """The engine, fed by chunks into slots, says what `predict` says."""
    model = subject.model
    shown = {key: rows[: read_rows(subject, rows)] for key, rows in sequences.items()}
    after = {key: rows[read_rows(subject, rows) :] for key, rows in sequences.items()}
    known = subject.source(after) if subject.needs_known else None
    parts = []
    for one in model.reader.read(subject.source(shown), known=known):
        slot = model.engine.open()
        pieces = [
            model.engine.run(one.inputs(piece.start, piece.stop, model.reader.horizon), slots=[slot])
            for piece in cuts(data, len(one))
        ]
        model.engine.close(slot)
        steps = answered_steps(model.wiring.pairing, len(one))
        answer = model.readout(np.concatenate(pieces, axis=1)[0][steps])
        parts.append(model.prediction(one, steps, answer))
    for n, part in enumerate(told(at_once)):
        same_bits(part, None if part is None else np.concatenate([told(one)[n] for one in parts]))


@law("14 leak", "model")
def validation_rows_teach_nothing_and_later_rows_change_no_forecast(subject: ModelSubject, data: st.DataObject) -> None:
    rng = random(data)
    estimator = subject.new()
    wanted = subject.prepare(estimator, subject.fitting_data())
    found = subject.prepare(estimator, _altered_after(subject, rng, wanted.cuts))
    same_bits(found.reader.arrays(), wanted.reader.arrays(), "the statistics")
    assert found.reader.config() == wanted.reader.config()
    assert found.cuts == wanted.cuts
    assert _training_batches(estimator, found) == _training_batches(estimator, wanted), "a training batch"
    _later_rows_change_no_forecast(subject, data, rng)


def _training_batches(estimator: Estimator, prepared: Any) -> list[bytes]:
    batches, _, _ = fitting._training_part(estimator, estimator.wiring(), prepared)
    made = [batches.batch(index, seed=5, epoch=epoch) for epoch in range(2) for index in range(len(batches))]
    return [bits([dict(one.inputs), one.targets, one.weights, one.lengths, one.carries]) for one in made]


def _altered_after(subject: ModelSubject, rng: np.random.Generator, cuts_of: list[int]) -> Any:
    """The training data with other values in the validation part."""
    training = {
        key: altered(subject, rng, rows, cut)
        for (key, rows), cut in zip(subject.training.items(), cuts_of, strict=True)
    }
    if subject.truths is None:
        return subject.fitting_data(training)
    y = [np.array(one) for one in subject.fitting_data()[1]]
    for n, cut in enumerate(cuts_of):
        if not cut:
            y[n] = np.asarray(rng.standard_normal(y[n].shape) * 100 + 5)
    return subject.source(training), (y if any(one.ndim > 1 for one in y) else np.array(y))


def altered(subject: ModelSubject, rng: np.random.Generator, rows: Rows, first: int) -> Rows:
    """Rows with other values from row `first` on: far off, missing, and words never heard of."""
    if isinstance(rows, np.ndarray):
        other = rows.copy()
        other[first:] = rng.standard_normal(other[first:].shape) * 100 + 5
        return other
    changed = [dict(row) for row in rows]
    for row in changed[first:]:
        for name in (*subject.targets, *subject.covariates):
            if isinstance(row[name], str):
                row[name] = f"word {rng.integers(3)}"
            else:
                row[name] = None if name in subject.covariates and rng.random() < 0.3 else _far_off(rng)
    return changed


def _far_off(rng: np.random.Generator) -> float:
    return float(rng.standard_normal() * 100 + 5)


def _later_rows_change_no_forecast(subject: ModelSubject, data: st.DataObject, rng: np.random.Generator) -> None:
    if not subject.model.engine.program.streams:
        return
    for key, rows in subject.drawn(data, most=1).items():
        last = size(data, subject.least - 1, len(rows) - 1, "origin")
        if subject.needs_known:
            last = max(last - subject.horizon, 0)
        other = altered(subject, rng, rows, last + 1)
        wanted, found = (ask(subject, subject.fitted, {key: one}) for one in (rows, other))
        assert [str(o) for o in found.index.origin] == [str(o) for o in wanted.index.origin]
        kept = _origins_up_to(subject, wanted, rows, last)
        same_bits(told(found.take(kept)), told(wanted.take(kept)), f"a forecast from row {last} or before")


def _origins_up_to(subject: ModelSubject, prediction: Prediction, rows: Rows, last: int) -> slice:
    if subject.gaps:
        time = np.datetime64(rows[last]["t"], "us")
        return slice(0, int((prediction.index.origin <= time).sum()))
    first = subject.least - 1 - (subject.horizon if subject.needs_known else 0)
    return slice(0, max(0, last + 1 - first))


@law("15 constant stream", "model", examples=1)  # 10,000 rows
def state_and_work_of_a_push_do_not_grow(subject: ModelSubject, data: st.DataObject) -> None:
    """Rows go through the reader and the engine singly or in chunks (13: the same bits); two pushes are measured."""
    model, rng = subject.model, random(data)
    rows, key = subject.rows(rng, 10_000 + subject.horizon), next(iter(subject.training))
    for n in range(1 + subject.horizon):  # the two measured rows hold the same values
        rows[9_999 + n] = rows[9 + n] if subject.arrays else {**rows[9_999 + n], **_but_time(rows[9 + n])}
    stream = subject.fitted.stream(key)
    for t in range(9):
        stream.push(rows[t], known_of(subject, rows, t))
    early = _measured(subject, stream, rows, 9)
    late = subject.fitted.stream(key)
    late.state = _advanced(subject, model, stream.state, rows, 10, 9_999)
    assert late.num_rows == 9_999 or subject.gaps
    found = _measured(subject, late, rows, 9_999)
    assert found == early, f"(bytes of state, calls of a push) were {early} at push 10 and are {found} at push 10,000"


def _but_time(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "t"}


def _measured(subject: ModelSubject, stream: Any, rows: Rows, t: int) -> tuple[int, int]:
    known = known_of(subject, rows, t)
    work = []
    for _ in range(3):  # what is computed once and kept does not count
        trial = subject.fitted.stream()
        trial.state = stream.state
        work.append(calls(lambda: trial.push(rows[t], known)))  # noqa: B023  called at once
        trial.close()
    stream.push(rows[t], known)
    return len(bytes(stream.state)), min(work)


def _advanced(subject: ModelSubject, model: Any, state: Any, rows: Rows, first: int, last: int) -> Any:
    live, engine = model.reader.open(state.series), model.engine
    live.write(state.reader)
    slot = engine.open()
    engine.write(slot, state.engine)
    readings = [one for t in range(first, last) for one in live.push(rows[t], known_of(subject, rows, t))]
    for start in range(0, len(readings), 1000):
        piece = readings[start : start + 1000]
        inputs = {name: np.concatenate([one[name] for one in piece])[None] for name in piece[0]}
        engine.run(inputs, slots=[slot], start=len(piece))
    moved = engine.read(slot)
    engine.close(slot)
    return replace(state, num_rows=state.num_rows + len(readings), reader=live.read(), engine=moved)
