"""Files of models of dialogues: how many turns are read, and what is usually replied, are those of one model."""

import pytest
from tests.security.breaking import added, changed_section, dropped, inside, put, without
from tests.security.crafting import parts, sealed
from tests.security.test_damage import chosen, flips, refused

import whorl


@pytest.fixture(scope="module")
def sound(saved):
    """Bytes of a small chatbot."""
    training = whorl.Training(epochs=1, batch_size=8, device="cpu")
    network = whorl.Recurrent("rnn", hidden_size=3)
    model = whorl.Chatbot(tokens=whorl.Text(), longest=9, network=network, training=training)
    model.fit([["Hi.", "Hello.", "Bye."]] * 6, verbose=False)
    return saved(model.model_)


BROKEN = {
    "more turns in the reader": changed_section("reader", put(context=4)),
    "no turns in the reader": changed_section("reader", without("context")),
    "turns that are no number": changed_section("reader", put(context="3")),
    "more turns in the wiring": changed_section("model", inside("wiring", "pairing", "turns", to=4)),
    "no turns in the wiring": changed_section("model", inside("wiring", "pairing", "turns", to=None)),
    "a reader of pairs": changed_section("model", put(reader="pairs")),
    "a reply that is no text": changed_section("reader", put(usual=7)),
    "no reply": changed_section("reader", without("usual")),
    "an unknown field of the reader": changed_section("reader", put(code="x")),
    "no counts": dropped("reader/counts"),
    "an unknown array": added("reader/code"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_parts_that_do_not_fit_are_refused(what, sound, load):
    assert refused(load, sealed(*BROKEN[what](*parts(sound))))


def test_the_sound_file_answers(sound, load):
    model = load(sealed(*parts(sound)))
    stream = model.stream()
    assert stream.push("Hi.")[0].value == model.predict(["Hi."]).value


def test_a_file_with_one_bit_changed_is_refused(sound, load):
    assert all(refused(load, flipped) for flipped in flips(sound, chosen(len(sound), 200)))
