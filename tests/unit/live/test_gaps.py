"""Rows that are missing between two pushes: refused, filled or ignored as the table says."""

import pytest
from tests.unit.live.tiny import MEMORIES, forecaster, rows
from tests.unit.live.watching import same

from whorl.errors import DataError
from whorl.plans.table import Table
from whorl.runtime.native import NativeEngine


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
