"""Streams: the numbers of predict, their series, their end."""

import numpy as np
import pytest
from tests.unit.live.tiny import MEMORIES, accumulator, forecaster, rows
from tests.unit.live.watching import same

from whorl.errors import ArgumentError, DataError, StreamingError
from whorl.runtime import operations as ops
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.model import Model
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program
from whorl.runtime.state import State
from whorl.runtime.stream import push_many


@pytest.mark.parametrize("memory", MEMORIES)
def test_a_stream_warms_up_for_the_context_and_then_says_what_predict_says(memory):
    model, data = forecaster(memory=memory), rows(17)
    stream = model.stream()
    for t, row in enumerate(data, start=1):
        answers = stream.push(row)
        if t < 4:
            assert answers == []
        else:
            same(answers, [model.predict(data[:t])])
    assert stream.num_rows == 17
    assert stream.flush() == []


def test_series_may_have_any_name():
    model = forecaster(series="building")
    for name in ("store-7", "Ägäis 東京 \U0001f600", "a\nb", "\ud800", ""):
        stream = model.stream(series=name)
        for row in rows(5, series=name or "x"):
            answers = stream.push(row)
        assert answers[0].index.series.tolist() == [name]
        moved = model.stream()
        moved.state = State.from_bytes(bytes(stream.state))
        assert moved.series == name


def test_a_row_of_another_series_is_refused_and_changes_nothing():
    stream = forecaster(series="building").stream(series="store-7")
    first, second = rows(2, series="store-7")
    stream.push(first)
    before = bytes(stream.state)
    with pytest.raises(DataError, match="'store-8', but this stream is that of series 'store-7'"):
        stream.push({**second, "building": "store-8"})
    assert bytes(stream.state) == before
    stream.push(second)


def test_a_closed_stream_touches_no_other():
    model, data = forecaster(), rows(6)
    closed = model.stream()
    closed.close()
    closed.close()
    fresh = model.stream()  # it may have got the slot
    before = bytes(fresh.state)
    for use in (
        lambda: closed.push(data[0]),
        closed.reset,
        lambda: closed.state,
        lambda: setattr(closed, "state", fresh.state),
        lambda: model.push_many([fresh, closed], data[:2]),
    ):
        with pytest.raises(ArgumentError, match="is closed"):
            use()
    assert bytes(fresh.state) == before


def test_the_time_of_a_stream_is_that_of_its_last_row():
    model, data = forecaster(), rows(2)
    stream = model.stream()
    with pytest.raises(DataError, match="no row was pushed yet"):
        _ = stream.time
    stream.push(data[0])
    assert stream.time == np.datetime64("2024-02-28T21:00", "us")


def test_the_time_of_a_stream_of_arrays_is_asked_for_after_its_first_row():
    stream = accumulator().stream()
    with pytest.raises(DataError, match="no row was pushed yet"):
        _ = stream.time
    stream.push([1.0, 2.0])
    assert stream.time == 0


def test_a_stream_names_its_series_as_a_table_does():
    data = [{**row, "building": series} for series in (7.0, 8.0) for row in rows(9)]
    model = forecaster(series="building", data=data)
    expected = model.predict(data).index.series.tolist()
    for series, word in zip((7, 7.0, np.int64(7), np.float32(7), 8.0), ("7", "7", "7", "7", "8"), strict=True):
        stream = model.stream(series=series)
        assert stream.series == word
        assert word in expected
        stream.push({**rows(1)[0], "building": series})
    assert model.stream(series=True).series == "True"
    assert model.stream(series="007").series == "007"


def test_many_rows_may_have_their_rows_ahead_in_an_array():
    model, data = forecaster(known=("heat",)), rows(4)
    streams, twin = [model.stream(), model.stream()], model.stream()
    ahead = np.empty(2, object)
    ahead[:] = [data[1:4], data[1:4]]
    push_many(streams, [data[0]] * 2, ahead)
    twin.push(data[0], data[1:4])
    assert [bytes(stream.state) for stream in streams] == [bytes(twin.state)] * 2


@pytest.mark.parametrize("start", [1.0, "1", None, -1, 4, [1]])
def test_the_first_wanted_step_is_a_whole_number(start):
    for engine in (accumulator().engine, Interpreter(accumulator().engine.program)):
        with pytest.raises(ArgumentError, match="`start` must be within 0 and the 3 steps, a whole number"):
            engine.run({"past": np.ones((1, 3, 2), np.float32)}, start=start)


def test_rows_of_an_array_are_summed_exactly():
    model = accumulator()
    streams = [model.stream() for _ in range(5)]
    draw = np.random.default_rng(5).integers(0, 1000, (9, 5, 2))
    for t in range(9):
        answers = model.push_many(streams, list(draw[t]))
        for n, (answer,) in enumerate(answers):
            assert answer.value.tolist() == [[draw[: t + 1, n, 0].sum()]]


def test_a_model_that_reads_both_ways_has_no_stream():
    model = accumulator()
    program = Program()
    row = program.add(ops.Input(out="past", shape=(2,)))
    weight = program.tensor("w", np.ones((1, 2), np.float32))
    one = program.tensor("u", np.ones((1, 1), np.float32))
    back = program.add(
        ops.Recurrent(x=row, cell="rnn_tanh", over="stream", weight_ih=weight, weight_hh=one, reverse=True)
    )
    program.output = program.add(ops.Reshape(x=back, shape=(1, 1)))
    fields = {name: getattr(model, name) for name in model.__dataclass_fields__}
    both = Model(**{**fields, "engine": NativeEngine(program)})
    with pytest.raises(StreamingError, match=r"This model \(regress\) cannot stream.*bidirectional=False"):
        both.stream()
