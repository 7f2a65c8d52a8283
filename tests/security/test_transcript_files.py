"""Files of models that say texts: frames, symbols, n-grams and how late answers are belong to one model."""

import numpy as np
import pytest
from tests.security.breaking import added, changed_section, dropped, inside, put, without
from tests.security.crafting import parts, sealed
from tests.security.test_damage import chosen, flips, refused
from tests.security.test_mutations import fuzz

import whorl

FRAMES = np.random.default_rng(1).standard_normal((9, 2)).astype(np.float32)
SECTIONS = ("model", "program", "reader")


@pytest.fixture(scope="module")
def sound(saved):
    """Bytes of a small transcriber that answers two steps late and asks n-grams."""
    x = [FRAMES + n / 20 for n in range(20)]
    texts = [("ab", "b a")[n % 2] for n in range(20)]
    model = whorl.Transcriber(
        lookahead=2,
        convolution=2,
        language_model=2,
        network=whorl.Recurrent("rnn", hidden_size=3),
        training=whorl.Training(epochs=1, batch_size=8, device="cpu"),
    ).fit((x, texts), verbose=False)
    return saved(model.model_)


BROKEN = {
    "answers that are later in the reader": changed_section("reader", inside("past", "lookahead", to=3)),
    "answers that are later in the wiring": changed_section("model", inside("wiring", "pairing", "lookahead", to=3)),
    "answers that are in time": changed_section("model", inside("wiring", "pairing", "lookahead", to=0)),
    "answers that come before": changed_section("reader", inside("past", "lookahead", to=-1)),
    "answers that take too long": changed_section("reader", inside("past", "lookahead", to=10**9)),
    "other frames a step": changed_section("reader", inside("past", "stride", to=2)),
    "frames of another codec": changed_section("reader", inside("past", "codec", to="text")),
    "frames of frames": changed_section("reader", inside("past", "codec", to="framed")),
    "a plan of files": changed_section("reader", put(plan={"medium": "audio"})),
    "texts that begin": changed_section("reader", inside("outputs", "begin", to=True)),
    "one rival": changed_section("reader", put(rivals=["a"])),
    "no rival": changed_section("reader", without("rivals")),
    "other n-grams in the wiring": changed_section("model", inside("wiring", "head", "order", to=3)),
    "no n-grams in the wiring": changed_section("model", inside("wiring", "head", "order", to=0)),
    "another head": changed_section("model", inside("wiring", "head", to={"type": "point"})),
    "another readout": changed_section("model", put(readout="token")),
    "a label for a sequence": changed_section("model", inside("wiring", "pairing", "every_step", to=False)),
    "another output": changed_section("program", put(output="past")),
    "no weights of the n-grams": dropped("readout/weights"),
    "no centre of the frames": dropped("reader/past/center"),
    "an odd array of the readout": added("readout/code"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_parts_that_do_not_fit_are_refused(what, sound, load):
    assert refused(load, sealed(*BROKEN[what](*parts(sound))))


def test_the_sound_file_answers(sound, load):
    model = load(sealed(*parts(sound)))
    stream = model.stream()
    stream.push(FRAMES)
    assert stream.flush()[0].value == model.predict([FRAMES]).value


def test_a_mutated_model_of_transcripts_is_refused_or_works(sound, load):
    """M1."""

    def asked(model):
        model.predict([FRAMES])
        stream = model.stream()
        stream.push(FRAMES)
        stream.flush()

    loaded = fuzz([(sound, asked)], load, 600, sections=SECTIONS)
    assert 7 < loaded < 500


def test_every_cut_and_every_flipped_byte_of_a_model_of_transcripts_is_detected(sound, load):
    """M4."""
    places = chosen(len(sound), 200)
    assert all(refused(load, sound[:place]) for place in places)
    assert all(refused(load, flipped) for flipped in flips(sound, places))
