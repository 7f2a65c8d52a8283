"""What the laws mean for the streams of a fitted model: the answers of predict, at a price that does not grow."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from tests.laws.drawing import cuts, random, same_bits, size
from tests.laws.engine_laws import calls
from tests.laws.model_subject import ModelSubject, Rows, ask, flat, known_of, only, read_rows, told
from tests.laws.table import law

import whorl
from whorl.data.pairing import answered_steps
from whorl.errors import DataError, StreamingError
from whorl.runtime import transcribing
from whorl.runtime.prediction import Prediction
from whorl.runtime.writing import written


@law("13 stream", "model")
def pushing_rows_is_predicting(subject: ModelSubject, data: st.DataObject) -> None:
    if not subject.model.streams:
        with pytest.raises(StreamingError, match=r"(bidirectional|crf)=False"):
            subject.fitted.stream()
        return
    if subject.text or (subject.written and not subject.dialogue):
        _pushing_pieces_is_predicting(subject, data)
        return
    if subject.dialogue:
        _pushing_turns_is_predicting(subject, data)
        return
    if subject.transcript:
        for decoding in (None, whorl.Beam(width=3)):
            _pushing_frames_is_transcribing(subject, data, decoding)
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
                place = places[str(flat(answer).index.origin[0])]
                same_bits(told(answer), told(wanted.take(slice(place, place + 1))), f"the answers at row {t}")
        answered += _late_answers_are_the_same(subject, copy.copy(stream), wanted)
        assert answered == len(wanted) or (subject.gaps and 0 < answered <= len(wanted))
        _rows_at_once_are_the_same(subject, data, rows, wanted, stream)
        _prefix_is_the_same(subject, data, rows, wanted)
    _chunks_are_the_same(subject, data, sequences, at_once)


def _pushing_pieces_is_predicting(subject: ModelSubject, data: st.DataObject) -> None:
    """Each answer is that of the tokens so far, and the one that the flush gives is that of the whole text."""
    ((key, pieces),) = subject.drawn(data, most=1).items()
    wanted = ask(subject, subject.fitted, {key: pieces})
    stream = subject.fitted.stream()
    restored = size(data, 0, len(pieces), "pieces before the stream is stored")
    answers = []
    for n, piece in enumerate(pieces):
        if n == restored:
            state = whorl.State.from_bytes(bytes(stream.state))
            stream = subject.fitted.stream()
            stream.state = state
        answers += stream.push(piece)
    answers += stream.flush()
    if subject.written:
        _written_so_far(subject, pieces, answers[:-1])
        assert answers[-1].final
        same_bits(_said(answers[-1]), _said(wanted), "the answer")
        assert stream.flush() == []
        return
    for answer in answers:
        place = int(answer.index.origin[0])
        same_bits(_said(answer), _said(wanted.take(slice(place, place + 1))), f"the answer at token {place}")
    assert int(answers[-1].index.origin[0]) == len(wanted) - 1
    assert stream.flush() == []


def _pushing_turns_is_predicting(subject: ModelSubject, data: st.DataObject) -> None:
    """Each answer is that to the dialogue so far, with the answers before it."""
    ((_, turns),) = subject.drawn(data, most=1).items()
    stream, so_far = subject.fitted.stream(), []
    restored = size(data, 0, len(turns), "turns before the stream is stored")
    for n, turn in enumerate(turns):
        if n == restored:
            state = whorl.State.from_bytes(bytes(stream.state))
            stream = subject.fitted.stream()
            stream.state = state
        (answer,) = stream.push(turn)
        so_far.append(turn)
        same_bits(_said(answer), _said(ask(subject, subject.fitted, {"": so_far})), f"the answer to turn {n}")
        so_far.append(answer.value[0])
    assert stream.num_rows == len(so_far)
    assert stream.flush() == []


def _pushing_frames_is_transcribing(subject: ModelSubject, data: st.DataObject, decoding: Any) -> None:
    """Each answer is the transcript of the frames so far, and the last one that of all of them.

    Of a model that answers late it is what the transcript of all frames says of those that are answered.
    """
    ((key, rows),) = subject.drawn(data, most=1).items()
    late = subject.model.reader.past.lookahead
    (whole,) = transcribing.spelled(subject.model, subject.model.reader.read([rows]), decoding)
    stream = subject.fitted.stream(key, decoding=decoding)
    restored = size(data, 0, len(rows), "frames before the stream is stored")
    said, n = [], 0
    for piece in cuts(data, len(rows)):
        n = piece.stop
        if piece.start <= restored < piece.stop:
            state = whorl.State.from_bytes(bytes(stream.state))
            stream = subject.fitted.stream(decoding=decoding)
            stream.state = state
        if not n:
            continue
        answers = stream.push(rows[piece.start] if piece.stop == piece.start + 1 else rows[piece])
        wanted = subject.fitted.predict([rows[:n]], decoding=decoding)
        assert bool(answers) == (stream.num_rows > (said[-1] if said else 0))
        said.append(stream.num_rows)
        for answer in answers:
            assert not answer.final
            # The end of a text says something, too, where n-grams are asked.
            if decoding is not None or subject.model.readout.advice is not None:
                continue
            if late:
                found = [symbol for symbol, step in zip(*whole[:2], strict=True) if step < stream.num_rows - late]
                assert answer.value == [subject.model.reader.text_of(found)]
            else:
                same_bits(told(answer), told(wanted), f"the transcript of {n} frames")
    (answer,) = stream.flush()
    assert answer.final
    same_bits(told(answer), told(subject.fitted.predict([rows], decoding=decoding)), "the transcript")
    assert stream.flush() == []
    with pytest.raises(DataError, match="has ended"):
        stream.push(rows[0])


def _written_so_far(subject: ModelSubject, pieces: Rows, answers: list[Prediction]) -> None:
    """Before the end what is due by then is written, and no more; nothing where the whole is read first."""
    model, wait = subject.model, subject.model.wiring.shape.wait
    (one,) = model.reader.read(subject.source({"": pieces}))
    (whole,) = written(model, [one.read_steps], whorl.Greedy())
    read = [int(answer.index.origin[0]) + 1 for answer in answers]
    due = [0, *(min(count - (wait or 0) + 1, len(whole.tokens)) for count in read)]
    assert due == sorted(set(due))
    for answer, count in zip(answers, due[1:], strict=True):
        assert wait is not None
        assert not answer.final
        assert answer.value == [model.reader.text_of(whole.tokens[:count])]
    # The last token of a source, or what stands for all that is left out, is known at its end alone.
    known = len(one.read_steps) - 1
    if wait is not None and pieces and known >= wait + 1:
        assert due[-1] <= known - wait + 1


def _said(answer: Prediction) -> list[Any]:
    """A stream's text has no place among others."""
    return told(answer)[:-1]


def _late_answers_are_the_same(subject: ModelSubject, stream: Any, wanted: Prediction) -> int:
    """What is held back comes at the end, once, as `predict` gives it; returns how many answers that are."""
    late = [flat(answer) for answer in stream.flush()]
    count = sum(map(len, late))
    assert count == min(subject.lookahead, len(wanted)) or (subject.gaps and count <= subject.lookahead)
    if late:
        same_bits([told(one) for one in late], [told(wanted.take(slice(len(wanted) - count, None)))])
        assert stream.flush() == []
        with pytest.raises(DataError, match="has ended"):
            stream.push("a row")
    return count


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
        chosen = [places[str(origin)] for origin in flat(found).index.origin]
        same_bits(told(found), told(wanted.take(np.array(chosen, np.int64))), f"the answers of rows {first} to {end}")
    assert bytes(stream.state) == bytes(pushed.state)


def _prefix_is_the_same(subject: ModelSubject, data: st.DataObject, rows: Rows, wanted: Prediction) -> None:
    """The answer from the rows so far is the one that every_row gives there."""
    if subject.gaps:
        return
    count = size(data, subject.least, len(rows), "rows so far")
    if subject.lookahead:
        _ended_stream_is_predicting(subject, rows[:count], str(wanted.index.series[0]))
        return
    # What goes on from a list of steps is no answer to its last one.
    alone = ask(subject, subject.fitted, {str(wanted.index.series[0]): rows[:count]}, every_row=subject.listed)
    if subject.listed or alone.value.ndim == 2 or len(alone) == 1:
        alone = alone.take(slice(len(alone) - 1, None))
    place = [str(origin) for origin in wanted.index.origin].index(str(alone.index.origin[-1]))
    same_bits(told(alone.take(slice(-1, None))), told(wanted.take(slice(place, place + 1))))


def _ended_stream_is_predicting(subject: ModelSubject, rows: Rows, key: str) -> None:
    stream = subject.fitted.stream(key)
    answers = [one for row in rows for one in stream.push(row)] + stream.flush()
    parts = [told(one) for one in answers]
    whole = told(ask(subject, subject.fitted, {key: rows}))
    for n, part in enumerate(whole):
        same_bits(part, None if part is None else np.concatenate([one[n] for one in parts]))


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
        parts.append(model.answered(model.index(one, steps), np.concatenate(pieces, axis=1)[0][steps]))
    for n, part in enumerate(told(at_once)):
        same_bits(part, None if part is None else np.concatenate([told(one)[n] for one in parts]))


@law("15 constant stream", "model", examples=1)  # 10,000 rows
def state_and_work_of_a_push_do_not_grow(subject: ModelSubject, data: st.DataObject) -> None:
    """Rows go through the reader and the engine singly or in chunks (13: the same bits); two pushes are measured."""
    if subject.dialogue:
        _state_and_work_of_a_turn_do_not_grow(subject, random(data))
        return
    if subject.transcript:
        _state_of_a_transcript_grows_by_its_symbols(subject, random(data))
        return
    model, rng = subject.model, random(data)
    rows, key = subject.rows(rng, 10_000 + subject.horizon), next(iter(subject.training))
    for n in range(1 + subject.horizon):  # the two measured rows hold the same values
        rows[9_999 + n] = rows[9 + n] if subject.arrays else {**rows[9_999 + n], **_but_time(rows[9 + n])}
    if subject.text:  # the words that are open then, too
        rows[9_990:10_000] = rows[:10]
    stream = subject.fitted.stream(key)
    for t in range(9):
        stream.push(rows[t], known_of(subject, rows, t))
    early = _measured(subject, stream, rows, 9)
    late = subject.fitted.stream(key)
    late.state = _advanced(subject, model, stream.state, rows, 10, 9_999)
    assert late.num_rows == 9_999 or subject.gaps or subject.text or subject.written
    found = _measured(subject, late, rows, 9_999)
    if subject.written:  # of a source no more than its `longest` first tokens cost anything
        assert found[0] == early[0]
        assert found[1] <= early[1]
        return
    assert found == early, f"(bytes of state, calls of a push) were {early} at push 10 and are {found} at push 10,000"


def _state_and_work_of_a_turn_do_not_grow(subject: ModelSubject, rng: np.random.Generator) -> None:
    """Turns go through the reader alone, with answers that others gave; the last ones are those of the early stream."""
    turns, stream = subject.rows(rng, 10), subject.fitted.stream()
    said = [(turn, stream.push(turn)[0].value[0]) for turn in turns[:9]]
    live = subject.model.reader.open("")
    for turn, answer in [*zip(subject.rows(rng, 9_980), subject.rows(rng, 9_980), strict=True), *said]:
        live.push(turn)
        live.answered(answer)
    late = subject.fitted.stream()
    late.state = replace(stream.state, reader=live.read(), num_rows=2 * 9_989)
    assert _measured(subject, late, turns, 9) == _measured(subject, stream, turns, 9)


def _state_of_a_transcript_grows_by_its_symbols(subject: ModelSubject, rng: np.random.Generator) -> None:
    """The text so far is the answer of a push, so it is kept: a code and a step, 12 bytes, for each symbol."""
    rows = subject.rows(rng, 10_000)
    stream, sizes = subject.fitted.stream(decoding=whorl.Greedy()), []
    for piece in (rows[:10], rows[10:]):
        stream.push(piece)
        symbols = stream.live._search.best(final=False).symbols
        sizes.append(len(bytes(stream.state)) - 12 * len(symbols))
    assert sizes[1] <= sizes[0] + 32, sizes  # numbers that are larger are written in more bytes


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
    readings = [one for t in range(first, last) for one in live.push(rows[t], known_of(subject, rows, t))]
    if subject.written:
        return replace(state, reader=live.read())
    slot = engine.open()
    engine.write(slot, state.engine)
    for start in range(0, len(readings), 1000):
        piece = readings[start : start + 1000]
        inputs = {name: np.concatenate([one[name] for one in piece])[None] for name in piece[0]}
        engine.run(inputs, slots=[slot], start=len(piece))
    moved = engine.read(slot)
    engine.close(slot)
    return replace(state, num_rows=state.num_rows + len(readings), reader=live.read(), engine=moved)
