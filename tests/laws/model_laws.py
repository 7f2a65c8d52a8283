"""What the laws mean for a fitted model: the verbs, from raw rows to answers in the user's units."""

import copy
import random as python_random
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from tests.laws.drawing import bits, random, same_bits, size
from tests.laws.model_subject import ModelSubject, Rows, ask, known_of, read_rows, told
from tests.laws.table import law

import whorl
from whorl.runtime.prediction import Prediction
from whorl.tasks import examples
from whorl.tasks.estimator import Estimator


@law("02 chunk", "model")
def rows_that_come_singly_are_encoded_like_the_whole(subject: ModelSubject, data: st.DataObject) -> None:
    if subject.dialogue:
        _turns_so_far_are_encoded_like_the_whole(subject, data)
        return
    reader, read = subject.model.reader, "source" if subject.written else "past"
    for key, rows in subject.drawn(data, most=1).items():
        live, made, future = reader.open(key), [], []
        for t in range(read_rows(subject, rows)):
            for reading in live.push(rows[t], known_of(subject, rows, t)):
                made.append(reading[read])
                future.append(reading.get("future"))
        made += [reading[read] for reading in live.flush()]
        shown = {key: rows[: read_rows(subject, rows)]}
        known = subject.source({key: rows[read_rows(subject, rows) :]}) if subject.needs_known else None
        (whole,) = reader.read(subject.source(shown), known=known)
        same_bits(np.concatenate(made), whole.read_steps if subject.written else whole.past)
        if whole.ahead is not None:
            same_bits(np.concatenate(future), whole.inputs(0, len(whole), reader.horizon)["future"][0])


def _turns_so_far_are_encoded_like_the_whole(subject: ModelSubject, data: st.DataObject) -> None:
    """Every other turn is an answer."""
    reader = subject.model.reader
    for key, rows in subject.drawn(data, most=1).items():
        live = reader.open(key)
        for t in range(len(rows)):
            if t % 2:
                live.answered(rows[t])
                continue
            (whole,) = reader.read([rows[: t + 1]])
            same_bits(np.concatenate([reading["source"] for reading in live.push(rows[t])]), whole.read_steps)


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
    if not subject.model.streams or subject.gaps:
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
    if not light.streams:
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
    same_bits(list(map(told, other.flush())), list(map(told, stream.flush())))


@law("11 seed", "model", examples=2)  # each fits two models
def a_seed_gives_one_history(subject: ModelSubject, data: st.DataObject) -> None:
    seed = size(data, 0, 2**31, "seed")
    fits = []
    for _ in range(2):
        estimator = subject.new()
        estimator.set_params(training=replace(estimator.training, seed=seed))
        fits.append(estimator.fit(subject.fitting_data(), verbose=False, **subject.options))
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
    estimator.fit(given, verbose=False, **subject.options)
    assert _same(given, before), "fit changed the training data"
    ask(subject, estimator, asked)
    estimator.evaluate(given)
    identity = estimator.model_.identity
    if estimator.model_.streams:
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
    batches, _, _ = examples.training_part(estimator, estimator.wiring(), prepared)
    made = [batches.batch(index, seed=5, epoch=epoch) for epoch in range(2) for index in range(len(batches))]
    return [bits([dict(one.inputs), one.targets, one.weights, one.lengths, one.carries]) for one in made]


def _altered_after(subject: ModelSubject, rng: np.random.Generator, cuts_of: list[int]) -> Any:
    """The training data with other values in the validation part."""
    if subject.dialogue:  # each has a sequence for every turn but its first one
        ends = np.cumsum([0, *(len(rows) - 1 for rows in subject.training.values())])
        assert ends[-1] == len(cuts_of)
        cuts_of = [cuts_of[end] for end in ends[:-1]]
    if subject.transcript:  # whole sequences are held out, and a step is several rows
        cuts_of = [len(rows) if cut else 0 for rows, cut in zip(subject.training.values(), cuts_of, strict=True)]
    training = {
        key: altered(subject, rng, rows, cut)
        for (key, rows), cut in zip(subject.training.items(), cuts_of, strict=True)
    }
    if subject.truths is None:
        return subject.fitting_data(training)
    if subject.labels:  # they say who is held out, so that each class is on both sides
        return subject.source(training), subject.fitting_data()[1]
    y = [np.array(one) for one in subject.fitting_data()[1]]
    for n, cut in enumerate(cuts_of):
        if not cut:
            other = np.asarray(rng.standard_normal(y[n].shape) * 100 + 5)
            y[n] = other if subject.model.reader.countdown is None else np.abs(other)  # no life is below zero
    return subject.source(training), (y if any(one.ndim > 1 for one in y) else np.array(y))


def altered(subject: ModelSubject, rng: np.random.Generator, rows: Rows, first: int) -> Rows:
    """Rows with other values from row `first` on: far off, missing, and words never heard of."""
    if subject.listed:  # whole pieces are
        return rows if first else subject.rows(rng, len(rows))
    if subject.text:  # whole texts are held out
        unheard = (
            ["words", " never heard of"]
            if isinstance(rows[0], str)
            else [np.full_like(np.concatenate([rows[0]] * 9), 1)]
        )
        return rows if first else unheard
    if subject.dialogue:  # whole dialogues are
        return rows if first else [f"words never heard of {rng.integers(9)}" for _ in rows]
    if subject.written and first:  # what is read is held out whole, and as long as something else
        return rows
    if isinstance(rows[0], str):
        return [*rows[:first], *(f"unheard{rng.integers(9)}" for _ in rows[first:])]
    if isinstance(rows, np.ndarray):
        other = rows.copy()
        other[first:] = rng.standard_normal(other[first:].shape) * 100 + 5
        return other
    changed = [dict(row) for row in rows]
    for row in changed[first:]:
        for name in (*(() if subject.labels else subject.targets), *subject.covariates):
            if isinstance(row[name], str):
                row[name] = f"word {rng.integers(3)}"
            else:
                row[name] = None if name in subject.covariates and rng.random() < 0.3 else _far_off(rng)
    return changed


def _far_off(rng: np.random.Generator) -> float:
    return float(rng.standard_normal() * 100 + 5)


def _later_rows_change_no_forecast(subject: ModelSubject, data: st.DataObject, rng: np.random.Generator) -> None:
    if not subject.model.streams or subject.text or subject.written or subject.transcript:  # 13 holds them to it
        return
    for key, rows in subject.drawn(data, most=1).items():
        last = size(data, subject.least - 1, len(rows) - 1, "origin")
        if subject.needs_known:
            last = max(last - subject.horizon, 0)
        other = altered(subject, rng, rows, last + 1)
        wanted, found = (ask(subject, subject.fitted, {key: one}) for one in (rows, other))
        assert [str(o) for o in found.index.origin] == [str(o) for o in wanted.index.origin]
        kept = _origins_up_to(subject, wanted, rows, last - subject.lookahead)
        same_bits(told(found.take(kept)), told(wanted.take(kept)), f"a forecast from row {last} or before")


def _origins_up_to(subject: ModelSubject, prediction: Prediction, rows: Rows, last: int) -> slice:
    if subject.gaps:
        time = np.datetime64(rows[last]["t"], "us")
        return slice(0, int((prediction.index.origin <= time).sum()))
    first = subject.least - 1 - (subject.horizon if subject.needs_known else 0)
    return slice(0, max(0, last + 1 - first))
