"""Copies and pickles of streams: each goes on from the same state, in a slot of its own."""

import copy
import pickle
from dataclasses import replace

import pytest
from tests.unit.live.tiny import MEMORIES, forecaster, rows
from tests.unit.live.watching import same

from whorl.errors import ArgumentError
from whorl.plans.table import Table
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.native import NativeEngine

WAYS = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda one: pickle.loads(pickle.dumps(one))}


def streams_of(memory, engine, way):
    """A stream after eight rows, and a copy of it."""
    model = forecaster(memory=memory)
    stream = replace(model, engine=engine(model.engine.program)).stream(series="north")
    for row in rows(8):
        stream.push(row)
    return stream, WAYS[way](stream)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("engine", [NativeEngine, Interpreter])
@pytest.mark.parametrize("memory", MEMORIES)
def test_a_copy_goes_on_and_leaves_the_stream_alone(memory, engine, way):
    stream, copied = streams_of(memory, engine, way)
    others = [copied.live.model.stream() for _ in range(3)]  # they would take a slot that the copy had not opened
    for other in others:
        other.push(rows(1, seed=5)[0])
    before = bytes(stream.state)
    assert (bytes(copied.state), copied.series, copied.num_rows) == (before, "north", 8)
    *_, row, last = rows(10)
    found = copied.push(row)
    assert bytes(stream.state) == before
    same(found, stream.push(row))
    stream.close()
    same(copied.push(last), [copied.live.model.stream(series="north").push_rows(rows(10), every_row=False)])


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_of_a_closed_stream_is_closed(way):
    stream = forecaster().stream()
    stream.close()
    with pytest.raises(ArgumentError, match="is closed"):
        WAYS[way](stream).push(rows(1)[0])


def test_a_copy_beside_its_model_is_a_stream_of_the_copied_model():
    model = forecaster()
    twin, stream = copy.deepcopy((model, model.stream()))
    assert stream.live.model is twin
    assert copy.copy(stream).live.model is twin


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_fills_gaps_as_the_stream_did(way):
    data = [row for n, row in enumerate(rows(8)) if n != 5]
    model = forecaster(table=Table(on_gap="fill"))
    stream = model.stream()
    for row in data[:5]:
        stream.push(row)
    copied = WAYS[way](stream)
    same(copied.push(data[5]), stream.push(data[5]))
    assert copied.num_rows == 7


@pytest.mark.parametrize("engine", [NativeEngine, Interpreter])
def test_a_copied_engine_has_no_open_slot(engine):
    model = forecaster()
    original = engine(model.engine.program)
    slot = original.open()
    with pytest.raises(ArgumentError, match="is not open"):
        copy.deepcopy(original).read(slot)
    assert original.read(slot)
