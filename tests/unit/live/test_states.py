"""States: stored, carried to another stream or process, reset, and refused where they do not belong."""

import subprocess
import sys

import pytest
from tests.unit.live.tiny import MEMORIES, forecaster, rows
from tests.unit.live.watching import same

from whorl.errors import ArgumentError, ModelFileError
from whorl.runtime import files
from whorl.runtime.state import State


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
