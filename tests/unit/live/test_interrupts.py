"""A signal at any line of a push: it is as if the push had never begun."""

import gc

import numpy as np
import pytest
from tests.unit.live.test_push_rows import columns, numeric
from tests.unit.live.tiny import accumulator, forecaster, rows
from tests.unit.live.tiny_translator import translator
from tests.unit.live.watching import interrupted, same

from whorl.plans.table import Table
from whorl.runtime.source_live import SourceLive
from whorl.runtime.state import State


def everywhere(stream, twin, act, stride=1):
    """Interrupts an act at every line, each time from the same state; then lets it through, here and at the twin."""
    before, at = bytes(stream.state), 0
    while interrupted(lambda: act(stream), at):
        assert bytes(stream.state) == before, f"after an interrupt at line {at}"
        at += stride
    assert at > 10 * stride
    act(twin)
    assert bytes(stream.state) == bytes(twin.state)


@pytest.mark.parametrize("memory", ["carried", "window"])
def test_a_signal_in_a_push_of_numbers(memory):
    data = numeric(20, missing=False)
    model = forecaster(memory=memory, data=data)
    stream, twin = model.stream(), model.stream()
    for row in data[:6]:
        stream.push(row)
        twin.push(row)
    for row in data[6:8]:
        everywhere(stream, twin, lambda one, row=row: one.push(tuple(row.values())))
    same(stream.push(data[8]), twin.push(data[8]))


def test_a_signal_while_a_gap_is_filled():
    model = forecaster(table=Table(on_gap="fill"))
    data = [row for n, row in enumerate(rows(12)) if n not in (6, 7)]
    stream, twin = model.stream(), model.stream()
    for row in data[:6]:
        stream.push(row)
        twin.push(row)
    everywhere(stream, twin, lambda one: one.push(data[6]), stride=7)
    same(stream.push(data[7]), twin.push(data[7]))


def test_a_signal_while_known_covariates_are_read():
    model, data = forecaster(known=("heat",)), rows(12)
    stream, twin = model.stream(), model.stream()
    for one in (stream, twin):
        one.push(data[0], data[1:4])
    everywhere(stream, twin, lambda one: one.push(data[1], data[2:5]), stride=7)
    same(stream.push(data[2], data[3:6]), twin.push(data[2], data[3:6]))


def test_a_signal_in_a_push_of_an_array():
    model = accumulator()
    stream, twin = model.stream(), model.stream()
    everywhere(stream, twin, lambda one: one.push([1.0, 2.0]))
    everywhere(stream, twin, lambda one: one.push_rows(np.ones((7, 2))))


def test_a_signal_in_a_push_of_many_rows(monkeypatch):
    monkeypatch.setattr("whorl.runtime.live._BLOCK", 60)
    data = numeric(25)
    model, (values, times) = forecaster(data=data, table=Table(on_gap="fill")), columns(data)
    some = np.array([n for n in range(25) if n not in (9, 10, 20)])
    stream, twin = model.stream(), model.stream()
    for one in (stream, twin):
        one.push_rows(values[:3], time=times[:3])
    everywhere(stream, twin, lambda one: one.push_rows(values[some[3:]], time=times[some[3:]]), stride=5)


def test_a_signal_in_a_push_into_many_streams():
    model, data = forecaster(), rows(9)
    streams, twins = [[model.stream() for _ in range(3)] for _ in range(2)]
    for row in data[:5]:
        model.push_many(streams, [row] * 3)
        model.push_many(twins, [row] * 3)
    before, at = [bytes(stream.state) for stream in streams], 0
    while interrupted(lambda: model.push_many(streams, [data[5]] * 3), at):
        assert [bytes(stream.state) for stream in streams] == before
        at += 7
    model.push_many(twins, [data[5]] * 3)
    assert [bytes(stream.state) for stream in streams] == [bytes(twin.state) for twin in twins]


def test_a_signal_while_a_state_is_taken():
    model, data = forecaster(), rows(9)
    stream, twin = model.stream(), model.stream("other")
    for row in data:
        stream.push(row)
    other = twin.state
    everywhere(stream, twin, lambda one: setattr(one, "state", other))


@pytest.mark.parametrize("wait", [None, 1])
def test_a_signal_while_the_state_of_a_source_is_taken_leaves_none_in_part(wait):
    model = translator(wait=wait)
    stream, other = model.stream(), model.stream("other")
    other.push("three one")
    stream.push("two")
    before, wanted, at = bytes(stream.state), other.state, 0
    while interrupted(lambda: setattr(stream, "state", wanted), at, within=SourceLive.go_on):
        assert bytes(stream.state) in (before, bytes(wanted)), f"after an interrupt at operation {at}"
        stream.state = State.from_bytes(before)
        at += 1
    assert at > 50
    assert [answer.value for answer in stream.flush()] == [answer.value for answer in other.flush()]


def num_open(model):
    return sum(model.engine._native.is_open(slot) for slot in range(64))


def test_a_signal_while_a_stream_is_reset_leaves_it_as_it_was_or_reset():
    model, data = forecaster(), rows(9)
    stream, twin = model.stream(), model.stream()
    at, outcomes = 0, []
    while True:
        for row in data[:5]:
            stream.push(row)
        before, alone = bytes(stream.state), num_open(model)
        came = interrupted(stream.reset, at)
        after = bytes(stream.state)  # which a closed stream refuses
        assert after in (before, bytes(twin.state)), f"after an interrupt at line {at}"
        # Once it is reset, a signal may come in the one line that gives the old slot back.
        assert num_open(model) - alone in ((0,) if after == before else (0, 1)), f"after an interrupt at line {at}"
        outcomes.append(after == before)
        if not came:
            break
        stream.reset()
        at += 1
    assert outcomes[0]
    assert not outcomes[-1]
    assert outcomes == sorted(outcomes, reverse=True)
    for row in data:
        same(stream.push(row), twin.push(row))


def test_a_signal_while_a_stream_is_opened_leaks_no_slot():
    model, opened, at = forecaster(), [], 0
    while interrupted(lambda: opened.append(model.stream()), at):
        assert num_open(model) == len(opened), f"after an interrupt at line {at}"
        opened.clear()
        at += 1
    assert at > 10
    assert num_open(model) == 1


def test_a_stream_that_is_forgotten_gives_its_slot_back():
    model = forecaster()
    stream = model.stream()
    stream.reset()
    assert num_open(model) == 1
    stream.close()
    assert num_open(model) == 0
    stream = model.stream()
    del stream
    gc.collect()
    assert num_open(model) == 0
