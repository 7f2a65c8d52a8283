"""States of engines are of one program and one format of weights; what is none is refused, and so are odd threads."""

import pytest
from tests.unit.live.tiny import carried_program

from whorl.errors import ArgumentError, ModelFileError
from whorl.runtime.engines import engine_for
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.native import NativeEngine
from whorl.runtime.quantised import WEIGHTS

PROGRAM = carried_program(3, 0, 2, 1)


@pytest.mark.parametrize("made", WEIGHTS)
@pytest.mark.parametrize("here", WEIGHTS)
def test_a_state_fits_only_engines_with_weights_of_its_format(made, here):
    writer, reader = NativeEngine(PROGRAM, weights=made), NativeEngine(PROGRAM, weights=here)
    state, slot = writer.read(writer.open()), reader.open()
    before = reader.read(slot)
    if made == here:
        reader.write(slot, state)
        return
    with pytest.raises(ModelFileError, match=f"with {made} weights, but this engine has {here} .*weights='{made}'"):
        reader.write(slot, state)
    assert reader.read(slot) == before


def test_the_numpy_engine_takes_float32_states_of_the_native_one_and_no_others():
    engine = Interpreter(PROGRAM)
    slot = engine.open()
    for weights in WEIGHTS:
        native = NativeEngine(PROGRAM, weights=weights)
        state = native.read(native.open())
        if weights == "fp32":
            engine.write(slot, state)
            assert engine.read(slot) == state
        else:
            with pytest.raises(ModelFileError, match=f"made with {weights} weights"):
                engine.write(slot, state)


@pytest.mark.parametrize("kind", [NativeEngine, Interpreter])
def test_a_state_is_bytes(kind):
    engine = kind(PROGRAM)
    slot = engine.open()
    state = engine.read(slot)
    for given in (5, len(state), None, "text", list(state)):
        with pytest.raises(ArgumentError, match=f"`state` must be bytes, but is a {type(given).__name__}"):
            engine.write(slot, given)
    for given in (bytearray(state), memoryview(state)):
        engine.write(slot, given)
        assert engine.read(slot) == state


@pytest.mark.parametrize("engine", ["native", "numpy", None])
@pytest.mark.parametrize("num_threads", [0, -1, 1.5, "two", 1 << 16])
def test_threads_are_a_whole_number_on_every_engine(engine, num_threads):
    with pytest.raises(ArgumentError, match="`num_threads` must be a whole number"):
        engine_for(PROGRAM, engine=engine, num_threads=num_threads)
