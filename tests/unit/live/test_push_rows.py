"""Many rows at once: the answers and the state of pushing each."""

import datetime as dt
import itertools

import numpy as np
import pytest
from tests.unit.live.tiny import MEMORIES, START, accumulator, forecaster, rows
from tests.unit.live.watching import same

from whorl.errors import ArgumentError, DataError
from whorl.plans.table import Table
from whorl.runtime import live
from whorl.runtime.native import NativeEngine
from whorl.runtime.prediction import joined


def numeric(count, seed=0, missing=True):
    """Rows without a category, as records."""
    made = [{name: row[name] for name in ("time", "load", "heat")} for row in rows(count, seed=seed)]
    return made if missing else [{**row, "load": row["load"] or 0.5} for row in made]


def columns(records):
    """The values (T, 2) and the times (T,)."""
    values = np.array([[row["load"], row["heat"]] for row in records], np.float64)
    return values, np.array([row["time"] for row in records], "datetime64[us]")


def pushed(stream, records):
    """The answers of pushing one by one, or None."""
    answers = [answer for row in records for answer in stream.push(row)]
    return joined(answers) if answers else None


def same_answers(found, wanted):
    if wanted is None:
        assert len(found) == 0
    else:
        same([found], [wanted])
        assert found.names == wanted.names
        assert found.levels == wanted.levels


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("levels", [(), (0.1, 0.9), (0.1, 0.5, 0.9)])
def test_rows_at_once_are_rows_one_by_one_and_predict(memory, levels):
    data = numeric(43)
    model = forecaster(memory=memory, levels=levels, data=data)
    values, times = columns(data)
    whole, twin = model.stream(), model.stream()
    at = 0
    for stop in (1, 3, 5, 6, 26, 26, 43):
        found = whole.push_rows(values[at:stop], time=times[at:stop])
        same_answers(found, pushed(twin, data[at:stop]))
        assert bytes(whole.state) == bytes(twin.state)
        at = stop
    fresh = model.stream().push_rows(values, time=times)
    same([fresh], [model.predict(data, every_row=True)])


@pytest.mark.parametrize("memory", MEMORIES)
def test_only_the_last_answer_may_be_asked_for(memory):
    data = numeric(30)
    model = forecaster(memory=memory, data=data)
    values, times = columns(data)
    stream, twin = model.stream(), model.stream()
    for at, stop in ((0, 2), (2, 20), (20, 30)):
        last = stream.push_rows(values[at:stop], time=times[at:stop], every_row=False)
        wanted = pushed(twin, data[at:stop])
        same_answers(last, wanted and wanted.take(slice(-1, None)))
        assert bytes(stream.state) == bytes(twin.state)


def test_blocks_do_not_show(monkeypatch):
    data = numeric(31)
    model = forecaster(data=data, table=Table(on_gap="fill"))
    some = [row for n, row in enumerate(data) if n not in (2, 9, 10, 11, 25)]
    wanted = pushed(model.stream(), some)
    for block in (1, 12, 40, 100, 10_000):
        monkeypatch.setattr(live, "_BLOCK", block)
        same_answers(model.stream().push_rows(some), wanted)


@pytest.mark.parametrize(
    "source",
    [
        lambda data: data,
        lambda data: tuple(data),
        lambda data: [(row["time"], row["load"], row["heat"]) for row in data],
        lambda data: np.array([(row["time"], row["load"], row["heat"]) for row in data], object),
        lambda data: {name: [row[name] for row in data] for name in ("heat", "load", "time")},
    ],
    ids=["records", "tuple of records", "list of rows", "array of objects", "columns"],
)
def test_rows_come_in_many_forms(source):
    data = numeric(25)
    model = forecaster(data=data)
    same_answers(model.stream().push_rows(source(data)), pushed(model.stream(), data))


def test_rows_may_stand_in_a_file(tmp_path):
    data = rows(25)
    model = forecaster()
    lines = [",".join("" if cell is None else str(cell) for cell in row.values()) for row in data]
    (tmp_path / "rows.csv").write_text("\n".join([",".join(data[0]), *lines]))
    same_answers(model.stream().push_rows(tmp_path / "rows.csv"), pushed(model.stream(), data))


@pytest.mark.parametrize(
    "of", [list, np.array, lambda times: [t.astype(dt.datetime) for t in times], np.datetime_as_string]
)
def test_times_come_in_many_forms(of):
    data = numeric(9)
    model, (values, times) = forecaster(data=data), columns(data)
    same_answers(model.stream().push_rows(values, time=of(times)), pushed(model.stream(), data))


def test_categories_and_text_are_read_as_in_a_row():
    data = rows(25)
    data[5]["shop"], data[6]["shop"], data[7]["load"], data[8]["heat"] = None, "never heard of", "3.25", " NA "
    model = forecaster()
    same_answers(model.stream().push_rows(data), pushed(model.stream(), data))


def counted(count, step=1):
    """Rows whose time is a whole number."""
    return [{**row, "time": float(7 + n * step)} for n, row in enumerate(numeric(count))]


@pytest.mark.parametrize("step", [1, 3])
def test_times_may_be_whole_numbers(step):
    data = counted(30, step)
    model = forecaster(data=data)
    values = np.array([(row["time"], row["load"], row["heat"]) for row in data], np.float64)
    wanted = pushed(model.stream(), data)
    same_answers(model.stream().push_rows(values), wanted)
    same_answers(model.stream().push_rows(values[:, 1:], time=values[:, 0]), wanted)
    assert wanted.index.origin.dtype == np.int64


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("on_gap", ["fill", "ignore"])
@pytest.mark.parametrize("left", [(5, 6, 7, 11), (1,), (4, 8, 9, 24, 25)])
def test_gaps_are_filled_or_ignored(memory, on_gap, left):
    model = forecaster(memory=memory, table=Table(on_gap=on_gap))
    data = [row for n, row in enumerate(rows(30)) if n not in left]
    for cuts in ((0, 30), (0, 4, 30), (0, 5, 6, 30)):
        stream, twin = model.stream(), model.stream()
        for start, stop in itertools.pairwise(cuts):
            same_answers(stream.push_rows(data[start:stop]), pushed(twin, data[start:stop]))
            assert bytes(stream.state) == bytes(twin.state)
            assert stream.num_rows == twin.num_rows


def test_gaps_of_months_are_filled():
    months = np.datetime64("2020-01", "M") + np.arange(40)
    data = [{**row, "time": f"{month}-01"} for row, month in zip(numeric(40), months, strict=True)]
    model = forecaster(data=data, table=Table(on_gap="fill"))
    some = [row for n, row in enumerate(data) if n not in (6, 7, 20)]
    stream, twin = model.stream(), model.stream()
    same_answers(stream.push_rows(some), pushed(twin, some))
    assert bytes(stream.state) == bytes(twin.state)


def test_static_columns_keep_their_value_in_a_gap():
    data = [{**row, "size": 3.0} for row in numeric(30)]
    for n, row in enumerate(data):
        row["size"] = 3.0 if n < 15 else 4.0
    training = [{**row, "place": "x"} for row in data[:15]] + [{**row, "place": "y"} for row in data[15:]]
    model = forecaster(data=training, series="place", table=Table(on_gap="fill"), static=("size",))
    some = [row for n, row in enumerate(training[:15]) if n not in (5, 6)]
    stream, twin = model.stream("x"), model.stream("x")
    same_answers(stream.push_rows(some), pushed(twin, some))
    assert bytes(stream.state) == bytes(twin.state)


def test_known_covariates_of_a_row_are_those_of_the_rows_after_it():
    model, data = forecaster(known=("heat",)), rows(33)
    ahead = [{"time": row["time"], "heat": row["heat"]} for row in data]
    stream, twin = model.stream(), model.stream()
    answers = [a for n in range(30) for a in twin.push(data[n], ahead[n + 1 : n + 4])]
    same_answers(stream.push_rows(data[:30], known=ahead[30:]), joined(answers))
    assert bytes(stream.state) == bytes(twin.state)
    columns_ahead = {name: [row[name] for row in ahead[30:]] for name in ("time", "heat")}
    same_answers(model.stream().push_rows(data[:30], known=columns_ahead), joined(answers))
    before = bytes(stream.state)
    for known in (None, ahead[31:]):
        with pytest.raises(DataError, match="must hold"):
            stream.push_rows(data[30:], known=known)
        assert bytes(stream.state) == before
    with pytest.raises(ArgumentError, match="no known covariates"):
        forecaster().stream().push_rows(data, known=ahead)


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v, t: (v, np.append(t[1:], t[0])), "must move on"),
        (lambda v, t: (v, t - np.timedelta64(20, "h")), "must move on"),
        (lambda v, t: (v, np.append(t[:-1], t[-2])), "must move on"),
        (lambda v, t: (v, t + np.timedelta64(2, "h")), "2 rows of 1 hour are missing"),
        (lambda v, t: (v, np.append(t[:-1], t[-1] + 1)), "not a multiple of 1 hour"),
        (lambda v, t: (v, np.append(t[:-1], t[-1] + 3_600_000_000)), "1 rows of 1 hour are missing"),
        (lambda v, t: (v, np.append(t[:-1], np.datetime64("NaT"))), "needs a timestamp in every row"),
        (lambda v, t: (v, np.arange(len(t))), "must hold a timestamp"),
        (lambda v, t: (v, t[:-1]), "one time for each row"),
        (lambda v, t: (v, None), r"array of shape \(T, 3\)"),
        (lambda v, t: (v[:, :1], t), r"array of shape \(T, 2\)"),
        (lambda v, t: (v[0], t), r"array of shape \(T, 2\)"),
        (lambda v, t: (np.where(np.arange(len(v))[:, None] == 7, np.inf, v), t), "infinite value"),
        (lambda v, t: (np.where(np.arange(len(v))[:, None] == 7, 3e38, v), t), "infinite once scaled"),
        (lambda v, t: (v.astype(complex), t), "holds complex128"),
        (lambda v, t: ([1, 2, 3], t), r"array of shape \(T, 2\)"),
    ],
)
def test_rows_that_break_a_rule_leave_the_state_as_it_was(memory, change, message):
    data = numeric(25, missing=False)
    model, (values, times) = forecaster(memory=memory, data=data), columns(data)
    stream, twin = model.stream(), model.stream()
    for one in (stream, twin):
        one.push_rows(values[:6], time=times[:6])
    before = bytes(stream.state)
    given, when = change(values[6:20], times[6:20])
    with pytest.raises(DataError, match=message):
        stream.push_rows(given, time=when)
    assert bytes(stream.state) == before
    same([stream.push_rows(values[6:], time=times[6:])], [twin.push_rows(values[6:], time=times[6:])])


def test_a_gap_of_years_is_not_filled():
    model, data = forecaster(table=Table(on_gap="fill")), rows(4)
    data[3]["time"] = "9024-02-28 22:00:00"
    stream = model.stream()
    before = bytes(stream.state)
    with pytest.raises(DataError, match="a stream fills at most 10000"):
        stream.push_rows(data)
    assert bytes(stream.state) == before


def test_rows_of_another_series_are_refused():
    model = forecaster(series="building")
    data = [*rows(5, series="north"), *rows(1, series="south", start=5)]
    stream = model.stream("north")
    with pytest.raises(DataError, match="holds 'south', but this stream is that of series 'north'"):
        stream.push_rows(data)
    assert stream.num_rows == 0
    assert len(stream.push_rows(data[:5])) == 2


def test_times_stand_beside_arrays_alone():
    data = numeric(9)
    stream = forecaster(data=data).stream()
    with pytest.raises(ArgumentError, match="`time` stands beside an array"):
        stream.push_rows(data, time=columns(data)[1])


def test_an_error_between_blocks_leaves_the_engine_as_it_was(monkeypatch):
    data = numeric(25)
    model = forecaster(data=data)
    stream, calls, run = model.stream(), [], NativeEngine.run
    stream.push_rows(data[:6])
    before = bytes(stream.state)

    def broken(self, *given, **named):
        calls.append(1)
        if len(calls) == 3:
            raise MemoryError
        return run(self, *given, **named)

    monkeypatch.setattr(live, "_BLOCK", 48)
    with monkeypatch.context() as patch:
        patch.setattr(NativeEngine, "run", broken)
        with pytest.raises(MemoryError):
            stream.push_rows(data[6:])
    assert bytes(stream.state) == before


def test_no_rows_change_nothing():
    data = numeric(9)
    model, (values, times) = forecaster(data=data), columns(data)
    stream = model.stream()
    stream.push_rows(values[:5], time=times[:5])
    before = bytes(stream.state)
    none = stream.push_rows(values[:0], time=times[:0])
    assert (none.value.shape, none.quantiles.shape, none.index.time.shape) == ((0, 3, 1), (0, 3, 1, 3), (0, 3))
    assert bytes(stream.state) == before


def test_a_closed_stream_reads_no_rows():
    data = numeric(9)
    stream = forecaster(data=data).stream()
    stream.close()
    with pytest.raises(ArgumentError, match="is closed"):
        stream.push_rows(data)


def test_steps_of_an_array_at_once():
    model = accumulator()
    stream, twin = model.stream(), model.stream()
    draw = np.random.default_rng(5).integers(0, 1000, (29, 2)).astype(np.float64)
    draw[3, 0] = np.nan
    for at, stop in ((0, 1), (1, 9), (9, 9), (9, 29)):
        same_answers(stream.push_rows(draw[at:stop]), pushed(twin, draw[at:stop]))
        assert bytes(stream.state) == bytes(twin.state)
    sums = model.stream().push_rows(draw[4:].astype(int).tolist()).value
    assert sums[:, 0].tolist() == np.cumsum(draw[4:, 0]).tolist()


@pytest.mark.parametrize("given", [None, "12", [1.0, 2.0], [[1.0]], np.zeros((2, 2, 2)), [[1.0, np.inf]], [["a", "b"]]])
def test_what_are_no_steps_of_an_array_is_refused(given):
    stream = accumulator().stream()
    stream.push([1.0, 2.0])
    before = bytes(stream.state)
    with pytest.raises(DataError):
        stream.push_rows(given)
    with pytest.raises(ArgumentError, match="of tables"):
        stream.push_rows([[1.0, 2.0]], time=[START])
    assert bytes(stream.state) == before


@pytest.mark.parametrize("gaps", ["error", "fill", "ignore"])
@pytest.mark.parametrize("options", [{}, {"known": ("heat",)}, {"time": None}], ids=["dates", "known", "counted"])
def test_no_rows_have_no_answers_before_and_after_others(options, gaps):
    given = [{name: row[name] for name in row if name != "time" or "time" not in options} for row in rows(60)]
    model = forecaster(**options, data=given, table=Table(on_gap=gaps))
    stream, width = model.stream(), len(model.reader.schema.columns)
    ahead = [{"heat": 20.0}] * 3 if "known" in options else None
    for _ in range(2):
        before = bytes(stream.state)
        for empty in ([], (), np.empty((0, width)), np.empty((0, width), object)):
            for every_row in (True, False):
                found = stream.push_rows(empty, every_row=every_row)
                assert found.value.shape == (0, 3, 1)
                assert found.index.origin.dtype == (np.int64 if "time" in options else "datetime64[us]")
        assert bytes(stream.state) == before
        if not stream.num_rows:
            stream.push_rows(given[:8], known=ahead)
