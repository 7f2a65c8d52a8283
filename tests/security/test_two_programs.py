"""Files of models with a side that reads and one that writes: both are checked, and whether they fit each other."""

import numpy as np
import pytest
from tests.security.breaking import added, changed_section, dropped, inside, metadata, program_changed, put
from tests.security.crafting import parts, sealed
from tests.security.test_mutations import fuzz
from tests.unit.live.tiny_translator import translator

import whorl
from whorl.data.pair_reader import MOST_STEPS
from whorl.errors import ModelFileError
from whorl.runtime import consistency


def without_encoder(header, body):
    sections = {name: text for name, text in header["__metadata__"].items() if name != "encoder"}
    kept = {name: entry for name, entry in header.items() if not name.startswith("encoder/")}
    return {**kept, "__metadata__": sections}, body


BROKEN = {
    "no side that reads": without_encoder,
    "a side that reads nothing": metadata(encoder="{}"),
    "a side that reads with an odd tensor": added("encoder/code"),
    "a side that reads without a weight": dropped("encoder/bridge.weight"),
    "another input of the encoder": changed_section("encoder", program_changed(0, out="other")),
    "a static input of the encoder": changed_section("encoder", program_changed(0, static=True)),
    "another output of the encoder": changed_section("encoder", put(output="source")),
    "another output of the decoder": changed_section("program", put(output="past")),
    "a length of two": changed_section("program", program_changed(0, shape=[2])),
    "a memory of other steps": changed_section("program", program_changed(1, shape=[7, 8])),
    "a memory that is none": changed_section("program", program_changed(1, static=False)),
    "another width of the keys": changed_section("program", program_changed(2, shape=[6, 4])),
    "attention of another kind": changed_section("program", lambda value: _attend(value, function="dot")),
    "attention to nothing": changed_section("program", lambda value: _attend(value, values="past")),
    "attention that is no word": changed_section("program", lambda value: _attend(value, function="hard")),
    "more steps in the wiring": changed_section("model", inside("wiring", "shape", "longest", to=7)),
    "fewer steps in the reader": changed_section("reader", put(longest=5)),
    "another shape": changed_section("model", inside("wiring", "shape", to={"type": "many_to_many"})),
    "a way back that is not there": changed_section("model", inside("wiring", "shape", "input_feeding", to=True)),
    "a wait that nothing counts": changed_section("model", inside("wiring", "shape", "wait", to=2)),
    "another pairing": changed_section(
        "model", inside("wiring", "pairing", to={"type": "strips", "warm_up": 1, "horizon": 1})
    ),
    "turns of a dialogue": changed_section("model", inside("wiring", "pairing", "turns", to=3)),
    "another head": changed_section("model", inside("wiring", "head", to={"type": "point"})),
    "an unknown attention": changed_section("model", inside("wiring", "shape", "attention", to="hard")),
    "a codec without an end": changed_section("reader", inside("target", "end", to=False)),
}  # fmt: skip


def _attend(value, **changes):
    place = next(n for n, op in enumerate(value["operations"]) if op["op"] == "attend")
    return program_changed(place, **changes)(value)


WAITING = {
    "other steps to wait for": changed_section("model", inside("wiring", "shape", "wait", to=3)),
    "no step to wait for": changed_section("model", inside("wiring", "shape", "wait", to=0)),
    "nothing to wait for": changed_section("model", inside("wiring", "shape", "wait", to=None)),
    "a side that reads backwards": changed_section("encoder", lambda value: _recurrent(value, reverse=True)),
}


def _recurrent(value, **changes):
    place = next(n for n, op in enumerate(value["operations"]) if op["op"] == "recurrent")
    return program_changed(place, **changes)(value)


@pytest.fixture(scope="module")
def waiting(saved):
    return saved(translator(wait=2))


@pytest.mark.parametrize("what", WAITING)
def test_what_waits_for_others_is_refused(what, waiting, load):
    header, body = parts(waiting)
    assert load(sealed(header, body)).wiring.shape.wait == 2
    with pytest.raises(ModelFileError):
        load(sealed(*WAITING[what](header, body)))


@pytest.mark.parametrize("what", BROKEN)
def test_sides_that_do_not_fit_are_refused(what, sound, load):
    header, body = BROKEN[what](*parts(sound["pairs"]))
    with pytest.raises(ModelFileError):
        load(sealed(header, body))


def test_the_sound_file_answers(sound, load):
    header, body = parts(sound["pairs"])
    model = load(sealed(header, body))
    assert len(model.predict(["one two", "three"])) == 2


def test_a_decoder_is_not_told_more_than_memory_holds(sound, load, monkeypatch):
    assert consistency._MOST_TOLD >= MOST_STEPS * 3 * 2048  # both directions and keys
    told = sum(int(np.prod(op.shape)) for op in load(sound["pairs"]).engine.program.inputs if op.static) - 1
    monkeypatch.setattr(consistency, "_MOST_TOLD", told)
    load(sound["pairs"])
    monkeypatch.setattr(consistency, "_MOST_TOLD", told - 1)
    with pytest.raises(ModelFileError, match=f"is told {told} numbers, more than {told - 1}; lower `longest`"):
        load(sound["pairs"])


def test_a_table_of_another_model_takes_no_encoder(sound, load):
    header, body = parts(sound["table"])
    other, _ = parts(sound["pairs"])
    crafted = metadata(encoder=other["__metadata__"]["encoder"])(header, body)
    with pytest.raises(ModelFileError):
        load(sealed(*crafted))


def test_a_mutation_with_a_right_checksum_is_refused_or_works(sound, load):
    def asked(model):
        model.predict(["one two", ""], decoding=whorl.Greedy(max_length=3))

    loaded = fuzz([(sound["pairs"], asked)], load, 700, sections=("model", "program", "encoder", "reader"))
    assert 7 < loaded < 600
