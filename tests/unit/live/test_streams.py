"""Streams: the numbers of predict, and rows that break a rule leave no trace."""

import subprocess
import sys

import numpy as np
import pytest
from tests.unit.live.tiny import accumulator, forecaster, rows
from tests.unit.live.watching import same

from whorl.errors import ArgumentError, DataError, ModelFileError, StreamingError
from whorl.plans.table import Table
from whorl.runtime import files
from whorl.runtime import operations as ops
from whorl.runtime.model import Model
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program
from whorl.runtime.state import State

MEMORIES = ("carried", "window")


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


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize(
    "row",
    [
        {"time": "2024-02-29 00:00:00"},
        {"time": "2024-02-28 21:00:00"},
        {"time": "1999-01-01 00:00:00"},
        {"time": "yesterday"},
        {"time": 17},
        {"time": None},
        {"time": float("nan")},
        {"load": float("inf")},
        {"load": -1e39},
        {"heat": 3e38},
        {"load": "much"},
        {"load": 1j},
        {"load": [1.0, 2.0]},
        {"load": b"1"},
        {"heat": 10**400},
        {"shop": ("open",)},
    ],
    ids=repr,
)
def test_a_row_that_breaks_a_rule_leaves_the_state_as_it_was(memory, row):
    model, data = forecaster(memory=memory), rows(9)
    stream, twin = model.stream(), model.stream()
    for good in data[:4]:
        stream.push(good)
        twin.push(good)
    before = bytes(stream.state)
    with pytest.raises(DataError, match=r"time|load|heat|shop"):
        stream.push({**data[4], **row})
    assert bytes(stream.state) == before
    assert stream.num_rows == 4
    for good in data[4:]:
        same(stream.push(good), twin.push(good))


@pytest.mark.parametrize("row", [None, 5, "abcd", b"abcd", 3.5, {1, 2, 3, 4}, [], (1, 2), np.zeros((4, 2)), object()])
def test_what_is_no_row_is_refused(row):
    stream = forecaster().stream()
    before = bytes(stream.state)
    with pytest.raises(DataError):
        stream.push(row)
    assert bytes(stream.state) == before


def test_a_missing_column_is_named_with_the_closest_one_and_others_are_ignored():
    model, data = forecaster(), rows(4)
    stream, twin = model.stream(), model.stream()
    typo = {("laod" if name == "load" else name): value for name, value in data[0].items()}
    with pytest.raises(DataError, match=r"column `load` is missing from the row.*Did you mean 'laod'"):
        stream.push(typo)
    for row in data:
        same(stream.push({**row, "colour": object()}), twin.push(row))


def test_a_row_may_be_the_values_in_the_order_of_the_roles():
    model, data = forecaster(), rows(6)
    stream, twin = model.stream(), model.stream()
    for row in data:
        same(stream.push(tuple(row[name] for name in ("time", "load", "heat", "shop"))), twin.push(row))
    with pytest.raises(DataError, match="must have 4 in the order time, load, heat, shop, but has 3"):
        stream.push((1, 2, 3))


def test_missing_values_are_held_as_predict_holds_them():
    model, data = forecaster(), rows(8)
    for n, absent in ((2, None), (3, float("nan")), (5, ""), (6, "NA"), (7, np.float32("nan"))):
        data[n]["load"] = absent
        data[n]["heat"] = absent
    stream = model.stream()
    pushed = [stream.push(row) for row in data]
    plain = [{**row, "load": None, "heat": None} if n in (2, 3, 5, 6, 7) else row for n, row in enumerate(data)]
    same(pushed[-1], [model.predict(plain)])


def test_missing_values_are_refused_where_the_table_says_so():
    data = [row for row in rows(30) if row["load"] is not None]
    for n, row in enumerate(data):
        row["time"] = n
    model = forecaster(table=Table(on_missing="error"), data=data)
    stream = model.stream()
    with pytest.raises(DataError, match="may have no missing values"):
        stream.push({**data[0], "load": float("nan")})


def gapped(count):
    """Rows 5 to 7 and row 11 are missing."""
    return [row for n, row in enumerate(rows(count)) if n not in (5, 6, 7, 11)]


@pytest.mark.parametrize("memory", MEMORIES)
def test_a_gap_is_refused_by_default(memory):
    model, data = forecaster(memory=memory), gapped(15)
    stream = model.stream()
    for row in data[:5]:
        stream.push(row)
    before = bytes(stream.state)
    with pytest.raises(DataError, match=r"3 rows of 1 hour are missing .*on_gap='fill'"):
        stream.push(data[5])
    assert bytes(stream.state) == before
    with pytest.raises(DataError, match="is not a multiple of 1 hour"):
        stream.push({**data[5], "time": "2024-02-29 02:30:00"})
    assert bytes(stream.state) == before


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("known", [(), ("heat",)])
@pytest.mark.parametrize("on_gap", ["fill", "ignore"])
def test_a_gap_is_filled_or_ignored_as_predict_does(memory, known, on_gap):
    known = known if memory == "carried" else ()
    model = forecaster(memory=memory, known=known, table=Table(on_gap=on_gap))
    data, coming = gapped(19), rows(30)
    stream = model.stream()
    answered = 0
    for t, row in enumerate(data, start=1):
        ahead = None
        if known:
            last = next(n for n, other in enumerate(coming) if other["time"] == row["time"])
            ahead = [{"time": other["time"], "heat": other["heat"]} for other in coming[last + 1 : last + 4]]
        answers = stream.push(row, known=ahead)
        if answers:
            same(answers, [model.predict(data[:t], known=ahead)])
            answered += 1
    assert answered == len(data) - 3
    assert stream.num_rows == (19 if on_gap == "fill" else 15)


def test_a_gap_of_years_is_not_filled():
    model, data = forecaster(table=Table(on_gap="fill")), rows(2)
    stream = model.stream()
    stream.push(data[0])
    before = bytes(stream.state)
    with pytest.raises(DataError, match="a stream fills at most 10000"):
        stream.push({**data[1], "time": "9024-02-28 22:00:00"})
    assert bytes(stream.state) == before


def test_an_error_after_a_filled_gap_leaves_the_engine_as_it_was(monkeypatch):
    model, data = forecaster(table=Table(on_gap="fill")), gapped(9)
    stream, twin = model.stream(), model.stream()
    for row in data[:5]:
        stream.push(row)
        twin.push(row)
    before, calls, step = bytes(stream.state), [], NativeEngine.step

    def broken(self, slots, inputs):
        calls.append(slots)
        if len(calls) == 3:
            raise MemoryError
        return step(self, slots, inputs)

    with monkeypatch.context() as patch:
        patch.setattr(NativeEngine, "step", broken)
        with pytest.raises(MemoryError):
            stream.push(data[5])
    assert len(calls) == 3
    assert bytes(stream.state) == before
    same(stream.push(data[5]), twin.push(data[5]))


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (None, "must hold 3 rows with heat .* but 0 came"),
        ([], "but list came"),
        ([{"heat": 1.0}] * 2, "but 2 came"),
        (7, "but int came"),
        ("abc", "but str came"),
        ([1.0, 2.0, 3.0], "must hold heat in each row ahead"),
        ([{"hat": 1.0}] * 3, "must hold heat in each row ahead"),
        ([{"heat": "hot"}] * 3, "'heat' is numeric"),
        ([{"heat": 1.0, "time": "2024-02-28 21:00:00"}] * 3, "must hold the row of"),
    ],
)
def test_rows_ahead_that_are_missing_or_wrong_are_refused(known, message):
    model, data = forecaster(known=("heat",)), rows(2)
    stream = model.stream()
    before = bytes(stream.state)
    with pytest.raises(DataError, match=message):
        stream.push(data[0], known=known)
    assert bytes(stream.state) == before


def test_predict_refuses_a_last_row_whose_rows_ahead_are_unknown():
    model, data = forecaster(known=("heat",)), rows(14)
    with pytest.raises(DataError, match=r"must be given for 3 rows after the last row .* but 0 came"):
        model.predict(data)
    with pytest.raises(DataError, match="but 2 came"):
        model.predict(data, known=[{"time": row["time"], "heat": 3.0} for row in rows(16)[14:]])
    # The rows before it have theirs in the data.
    assert len(model.predict(data, every_row=True)) == 14 - 3 - 3
    assert len(model.predict(data, known=[{"time": row["time"], "heat": 3.0} for row in rows(17)[14:]])) == 1


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


@pytest.mark.parametrize("memory", MEMORIES)
def test_pushing_many_is_pushing_each_bit_for_bit(memory):
    model = forecaster(memory=memory, series="building", table=Table(on_gap="fill"))
    names = [f"s{n}" for n in range(7)]
    data = {name: rows(13, series=name, seed=n) for n, name in enumerate(names)}
    data["s3"] = [row for n, row in enumerate(data["s3"]) if n not in (5, 6)]  # this one fills a gap
    many = [model.stream(series=name) for name in names]
    alone = [model.stream(series=name) for name in names]
    places = [0] * 7
    for t in range(11):
        chosen = [n for n in range(7) if (n + t) % 3]  # another batch each time
        given = [data[names[n]][places[n]] for n in chosen]
        answers = model.push_many([many[n] for n in chosen], given)
        for n, row, said in zip(chosen, given, answers, strict=True):
            same(said, alone[n].push(row))
            places[n] += 1
    assert [bytes(stream.state) for stream in many] == [bytes(stream.state) for stream in alone]


def test_one_bad_row_of_many_leaves_all_streams_as_they_were():
    model = forecaster()
    streams = [model.stream() for _ in range(3)]
    for row in rows(5):
        model.push_many(streams, [row] * 3)
    before = [bytes(stream.state) for stream in streams]
    row = rows(6)[5]
    for bad in (0, 1, 2):
        given = [{**row, "load": "x"} if n == bad else row for n in range(3)]
        with pytest.raises(DataError):
            model.push_many(streams, given)
        assert [bytes(stream.state) for stream in streams] == before


def test_pushing_many_needs_a_row_for_each_of_different_streams_of_this_model():
    model, row = forecaster(), rows(1)[0]
    one, two, foreign = model.stream(), model.stream(), forecaster().stream()
    for streams, given in (([one, two], [row]), ([one, one], [row, row]), ([one], [row, row])):
        with pytest.raises(ArgumentError, match="needs one row for each"):
            model.push_many(streams, given)
    with pytest.raises(ArgumentError, match="needs one row for each"):
        model.push_many([one, two], [row, row], [None])
    with pytest.raises(ArgumentError, match="of another one"):
        model.push_many([one, foreign], [row, row])
    assert model.push_many([], []) == []
    assert one.num_rows == two.num_rows == foreign.num_rows == 0


@pytest.mark.parametrize("memory", MEMORIES)
def test_a_state_goes_on_where_it_was_stored(memory):
    model, data = forecaster(memory=memory), rows(12)
    stream = model.stream(series="north")
    size = len(bytes(stream.state))
    for row in data[:6]:
        stream.push(row)
    stored = bytes(stream.state)
    assert len(stored) == size
    assert bytes(State.from_bytes(stored)) == stored
    moved = model.stream()
    moved.push(rows(1)[0])  # what stood there before is replaced
    moved.state = State.from_bytes(stored)
    assert (moved.series, moved.num_rows) == ("north", 6)
    for row in data[6:]:
        same(moved.push(row), stream.push(row))
    assert bytes(moved.state) == bytes(stream.state)


CONTINUE = """
import json, sys
import whorl
model = whorl.runtime.load(sys.argv[1])
stream = model.stream()
stream.state = whorl.State.from_bytes(open(sys.argv[2], "rb").read())
for row in json.load(open(sys.argv[3])):
    (answer,) = stream.push(row)
    print(answer.value.tobytes().hex(), answer.quantiles.tobytes().hex())
assert "torch" not in sys.modules
"""


@pytest.mark.parametrize("memory", MEMORIES)
def test_a_state_goes_on_in_another_process_from_the_model_file(memory, tmp_path):
    import json

    model, data = forecaster(memory=memory), rows(11)
    files.save(model, tmp_path / "m.whorl")
    stream = model.stream()
    for row in data[:6]:
        stream.push(row)
    (tmp_path / "state").write_bytes(bytes(stream.state))
    (tmp_path / "rows.json").write_text(json.dumps(data[6:]))
    arguments = [str(tmp_path / name) for name in ("m.whorl", "state", "rows.json")]
    done = subprocess.run([sys.executable, "-c", CONTINUE, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = [answer for row in data[6:] for answer in stream.push(row)]
    assert done.stdout.splitlines() == [f"{a.value.tobytes().hex()} {a.quantiles.tobytes().hex()}" for a in said]


def test_a_stream_that_was_reset_is_a_new_one():
    model, data = forecaster(), rows(9)
    stream, new = model.stream(), model.stream()
    for row in data:
        stream.push(row)
    stream.reset()
    assert bytes(stream.state) == bytes(new.state)
    for row in data:
        same(stream.push(row), new.push(row))


def test_a_state_of_another_model_is_refused_and_nothing_changes():
    model, data = forecaster(), rows(5)
    others = [forecaster(memory="window"), forecaster(seed=3), forecaster(context=5), forecaster(levels=())]
    stream = model.stream()
    for row in data:
        stream.push(row)
    before = bytes(stream.state)
    for other in others:
        with pytest.raises(ModelFileError, match="belongs to model"):
            stream.state = other.stream().state
    with pytest.raises(ArgumentError, match=r"State\.from_bytes"):
        stream.state = before
    assert bytes(stream.state) == before


def test_the_parts_of_a_state_are_checked_before_anything_changes():
    model, data = forecaster(), rows(6)
    stream = model.stream()
    for row in data:
        stream.push(row)
    state, before = stream.state, bytes(stream.state)
    for reader, engine in (
        (state.reader[:-1], state.engine),
        (state.reader + b"x", state.engine),
        (b"", state.engine),
        (state.reader, state.engine[:-1]),
        (state.reader, b"x" * 32 + state.engine[32:]),
    ):
        with pytest.raises(ModelFileError):
            stream.state = State(state.model, "", 6, reader, engine)
        assert bytes(stream.state) == before


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


def test_rows_of_an_array_are_summed_exactly():
    model = accumulator()
    streams = [model.stream() for _ in range(5)]
    draw = np.random.default_rng(5).integers(0, 1000, (9, 5, 2))
    for t in range(9):
        answers = model.push_many(streams, list(draw[t]))
        for n, (answer,) in enumerate(answers):
            assert answer.value.tolist() == [[draw[: t + 1, n, 0].sum()]]


@pytest.mark.parametrize(
    "row", [None, "12", ["1", "x"], [1.0], [1.0, 2.0, 3.0], [1.0, float("inf")], [1e39, 0.0], {"a": 1}, [1j, 0], [[]]]
)
def test_what_is_no_row_of_an_array_is_refused(row):
    stream = accumulator().stream()
    stream.push([1.0, 2.0])
    before = bytes(stream.state)
    with pytest.raises(DataError):
        stream.push(row)
    assert bytes(stream.state) == before


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
    with pytest.raises(StreamingError, match=r"This regress cannot stream.*bidirectional=False"):
        both.stream()
