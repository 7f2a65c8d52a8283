"""What the laws mean for batches: rows that hold their own numbers show what was cut where."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st
from tests.laws.drawing import bits, random, same_bits, size
from tests.laws.table import law

from whorl.data.batches import Batch, Batches
from whorl.data.sequences import Sequence


@dataclass(frozen=True, kw_only=True)
class BatchesSubject:
    """How batches are made of sequences.

    Args:
        new: (sequences, spans) -> batches; those of whole sequences take no spans.
        least: fewest rows of a sequence.
        horizon: rows ahead of an origin that are its targets.
        every_step: sequences with a target at each step.
        covers: whether pieces score each row of their span once an epoch.
    """

    new: Callable[[list[Sequence], list[tuple[int, int]]], Batches]
    least: int = 1
    horizon: int = 0
    every_step: bool = False
    covers: bool = False


def numbered(key: int, count: int, subject: BatchesSubject) -> Sequence:
    """Column 0 of every row, of what is known ahead of it and of its target is the row's number."""
    place = np.arange(count + subject.horizon, dtype=np.float32)
    row = np.stack([place, np.full_like(place, 1000 * (key + 1))], axis=1)
    targets = row[:count] if subject.horizon or subject.every_step else row[count - 1]
    return Sequence(
        key=str(key),
        past=row[:count],
        time=np.arange(count),
        ahead=row if subject.horizon else None,
        targets=targets,
        weight=1.0 + key,
    )


def some(data: st.DataObject, subject: BatchesSubject) -> tuple[list[Sequence], list[tuple[int, int]]]:
    counts = data.draw(st.lists(st.integers(subject.least, subject.least + 9), min_size=1, max_size=4), label="rows")
    sequences = [numbered(n, count, subject) for n, count in enumerate(counts)]
    return sequences, [(0, size(data, subject.least, count, "end of the span")) for count in counts]


def epoch(batches: Batches, number: int = 0, seed: int = 3) -> list[Batch]:
    return [batches.batch(index, seed=seed, epoch=number) for index in range(len(batches))]


def _lengths(batch: Batch) -> np.ndarray:
    past = batch.inputs["past"]
    return np.full(len(past), past.shape[1]) if batch.lengths is None else batch.lengths


def content(batch: Batch) -> bytes:
    return bits([batch.inputs, batch.targets, batch.weights, batch.lengths, batch.carries])


@law("05 padding", "sequence batches")
def padding_of_a_batch_changes_no_sequence(subject: BatchesSubject, data: st.DataObject) -> None:
    sequences, spans = some(data, subject)
    seen = []
    for batch in epoch(subject.new(sequences, spans), size(data, 0, 3, "epoch")):
        past, lengths = batch.inputs["past"], _lengths(batch)
        for row, length in enumerate(lengths.tolist()):
            n = int(past[row, 0, 1]) // 1000 - 1
            seen.append(n)
            same_bits(past[row, :length], sequences[n].past)
            truth = batch.targets[row, :length] if subject.every_step else batch.targets[row]
            same_bits(truth, sequences[n].targets)
            assert batch.weights[row] == sequences[n].weight
            assert not subject.every_step or np.isnan(batch.targets[row, length:]).all()
    assert sorted(seen) == list(range(len(sequences)))


@law("05 padding", "piece batches")
def padding_of_a_batch_changes_no_piece(subject: BatchesSubject, data: st.DataObject) -> None:
    sequences, spans = some(data, subject)
    for batch in epoch(subject.new(sequences, spans), size(data, 0, 3, "epoch")):
        past, targets, lengths = batch.inputs["past"], batch.targets, _lengths(batch)
        assert lengths.max() == past.shape[1], "steps that are of no piece"
        for row, length in enumerate(lengths.tolist()):
            n, first = int(past[row, 0, 1]) // 1000 - 1, int(past[row, 0, 0])
            same_bits(past[row, :length], sequences[n].past[first : first + length])
            assert not past[row, length:].any()
            assert np.isnan(targets[row, length:]).all()
            assert np.isfinite(targets[row, length - 1]).all(), "a row that is read for nothing"
            assert batch.weights[row] == sequences[n].weight


@law("07 causality", "window batches")
def a_window_ends_before_its_targets(subject: BatchesSubject, data: st.DataObject) -> None:
    sequences, spans = some(data, subject)
    for batch in epoch(subject.new(sequences, spans), size(data, 0, 3, "epoch")):
        past, future, targets = batch.inputs["past"], batch.inputs["future"], batch.targets
        key = past[:, :1, 1]
        origin = past[:, -1:, 0]
        assert (past[..., 0] == origin + np.arange(1 - past.shape[1], 1)).all()
        assert (past[..., 1] == key).all()
        for ahead in (future, targets):
            assert (ahead[..., 0] == origin + np.arange(1, subject.horizon + 1)).all()
            assert (ahead[..., 1] == key).all()


@law("07 causality", "strip batches")
def a_scored_row_comes_before_its_targets(subject: BatchesSubject, data: st.DataObject) -> None:
    sequences, spans = some(data, subject)
    scored, made = set(), epoch(subject.new(sequences, spans), size(data, 0, 3, "epoch"))
    for batch in made:
        targets = batch.targets
        past = batch.inputs["past"][:, -targets.shape[1] :]
        known = np.isfinite(targets[..., 0])
        origin = np.broadcast_to(past[..., 0, None], known.shape)
        key = np.broadcast_to(past[..., 1, None], known.shape)
        steps = np.arange(1, subject.horizon + 1)
        for ahead in (targets, batch.inputs.get("future", targets)):
            assert (ahead[..., 0] == origin + steps)[known].all()
            # A token is one column; that of another document would have another number.
            assert (ahead[..., 1:] == key[..., None])[known].all()
        for row, end in zip(key[known] // 1000 - 1, (origin + steps)[known], strict=True):
            assert end < spans[int(row)][1], "a target beyond the span"
        scored |= set(zip(key[known].tolist(), origin[known].tolist(), strict=True))
    for n, (_, last) in enumerate(spans):
        wanted = {(1000.0 * (n + 1), float(t)) for t in range(subject.least - subject.horizon - 1, last - 1)}
        assert wanted <= scored, "an origin that no strip scored"
    _the_state_has_read_the_rows_before(made)


def _the_state_has_read_the_rows_before(made: list[Batch]) -> None:
    """A scored row follows the one before it in its strip, across batches too, or nothing is carried to it."""
    assert [batch.carries for batch in made] == [n > 0 for n in range(len(made))]
    past = np.concatenate([batch.inputs["past"][:, -batch.targets.shape[1] :] for batch in made], axis=1)
    fresh = [batch.inputs.get("starts", np.zeros(batch.targets.shape[:2], bool)) for batch in made]
    starts = np.concatenate(fresh, axis=1)
    known = np.concatenate([np.isfinite(batch.targets).any(axis=(2, 3)) for batch in made], axis=1)
    follows = (past[:, 1:] - past[:, :-1] == [1.0, 0.0]).all(axis=-1)
    assert (follows | starts[:, 1:])[known[:, 1:]].all(), "a state of other rows"
    assert not past[..., 0][starts].any(), "a state that is lost within a sequence"


@law("07 causality", "piece batches")
def a_row_is_scored_after_rows_of_its_sequence(subject: BatchesSubject, data: st.DataObject) -> None:
    sequences, spans = some(data, subject)
    scored = []
    for batch in epoch(subject.new(sequences, spans), size(data, 0, 3, "epoch")):
        for past, targets, length in zip(batch.inputs["past"], batch.targets, _lengths(batch), strict=True):
            assert (np.diff(past[:length], axis=0) == [1.0, 0.0]).all(), "rows that do not follow each other"
            known = np.isfinite(targets).all(axis=1)
            same_bits(targets[known], past[known])
            assert known[known.argmax() : length].all(), "rows that are only read come first"
            n = int(past[0, 1]) // 1000 - 1
            assert past[length - 1, 0] < spans[n][1], "a row beyond the span"
            scored += [(n, int(place)) for place in past[known, 0]]
    if subject.covers:
        assert sorted(scored) == [(n, place) for n, (_, last) in enumerate(spans) for place in range(last)]


def _one_history(subject: BatchesSubject, data: st.DataObject) -> None:
    sequences, spans = some(data, subject)
    first, other = subject.new(sequences, spans), subject.new(sequences, spans)
    seed = size(data, 0, 2**31, "seed")
    wanted = [[content(batch) for batch in epoch(first, number, seed)] for number in range(3)]
    asked = data.draw(st.permutations([(e, n) for e in range(3) for n in range(len(first))]), label="order")
    for number, index in asked:
        assert content(other.batch(index, seed=seed, epoch=number)) == wanted[number][index]


@law("11 seed", "window batches")
def a_seed_says_what_the_windows_are(subject: BatchesSubject, data: st.DataObject) -> None:
    _one_history(subject, data)


@law("11 seed", "strip batches")
def a_seed_says_what_the_strips_are(subject: BatchesSubject, data: st.DataObject) -> None:
    _one_history(subject, data)


@law("11 seed", "piece batches")
def a_seed_says_what_the_pieces_are(subject: BatchesSubject, data: st.DataObject) -> None:
    _one_history(subject, data)


@law("11 seed", "sequence batches")
def a_seed_says_what_the_batches_are(subject: BatchesSubject, data: st.DataObject) -> None:
    _one_history(subject, data)


def _nothing_is_shared(subject: BatchesSubject, data: st.DataObject) -> None:
    sequences, spans = some(data, subject)
    before = bits([[one.past, one.ahead, one.targets] for one in sequences])
    batches = subject.new(sequences, spans)
    wanted = [content(batch) for batch in epoch(batches)]
    for batch in epoch(batches):
        for array in (*batch.inputs.values(), batch.targets, batch.weights):
            array[...] = -7  # a network may work in place
    assert [content(batch) for batch in epoch(batches)] == wanted
    assert bits([[one.past, one.ahead, one.targets] for one in sequences]) == before


@law("12 purity", "window batches")
def what_is_done_to_windows_changes_no_sequence(subject: BatchesSubject, data: st.DataObject) -> None:
    _nothing_is_shared(subject, data)


@law("12 purity", "strip batches")
def what_is_done_to_strips_changes_no_sequence(subject: BatchesSubject, data: st.DataObject) -> None:
    _nothing_is_shared(subject, data)


@law("12 purity", "piece batches")
def what_is_done_to_pieces_changes_no_sequence(subject: BatchesSubject, data: st.DataObject) -> None:
    _nothing_is_shared(subject, data)


@law("12 purity", "sequence batches")
def what_is_done_to_a_batch_changes_no_sequence(subject: BatchesSubject, data: st.DataObject) -> None:
    _nothing_is_shared(subject, data)


def _rows_after_the_span_are_not_seen(subject: BatchesSubject, data: st.DataObject) -> None:
    sequences, spans = some(data, subject)
    rng = random(data)

    def altered(one: Sequence, last: int) -> Sequence:
        given = {"past": one.past, "ahead": one.ahead, "targets": one.targets}
        parts = {name: array.copy() for name, array in given.items() if array is not None}
        for name, array in parts.items():
            # What is known ahead of the span's last row is known: it is an input of that row.
            first = last + subject.horizon if name == "ahead" else last
            array[first:] = rng.standard_normal(array[first:].shape)
            if name == "targets":
                array[first:][rng.random(len(array) - first) < 0.5] = np.nan  # nobody knows them
        return replace(one, **parts)

    others = [altered(one, last) for one, (_, last) in zip(sequences, spans, strict=True)]
    for number in range(3):
        found, wanted = epoch(subject.new(others, spans), number), epoch(subject.new(sequences, spans), number)
        assert list(map(content, found)) == list(map(content, wanted))


@law("14 leak", "window batches")
def windows_see_no_row_after_their_span(subject: BatchesSubject, data: st.DataObject) -> None:
    _rows_after_the_span_are_not_seen(subject, data)


@law("14 leak", "strip batches")
def strips_see_no_row_after_their_span(subject: BatchesSubject, data: st.DataObject) -> None:
    _rows_after_the_span_are_not_seen(subject, data)


@law("14 leak", "piece batches")
def pieces_see_no_row_after_their_span(subject: BatchesSubject, data: st.DataObject) -> None:
    _rows_after_the_span_are_not_seen(subject, data)
