"""A Transcriber that may only hear the sentences of a grammar."""

import numpy as np
import pytest
from tests.unit.tasks.letters import examples, frames_of, transcriber

import whorl
from whorl.errors import ArgumentError, ModelFileError
from whorl.runtime.text_metrics import transcript

ORDERS = (("ab", "ba"), ("", "cad"), ("dab",))
SENTENCES = {"ab dab", "ba dab", "ab cad dab", "ba cad dab"}


@pytest.fixture(scope="module")
def fitted() -> whorl.Transcriber:
    return transcriber().fit(examples(60, seed=0), verbose=False)


def test_a_grammar_leaves_only_its_sentences_and_streams_the_same(fitted):
    x, _ = examples(12, seed=6)
    decoding = whorl.Beam(width=10, grammar=ORDERS)
    found = fitted.predict(x, decoding=decoding)
    assert all(any(one.startswith(text) for one in SENTENCES) for text in found.value)
    assert len(set(found.value) & SENTENCES) > 1
    for frames, text, score in zip(x, found.value, found.score, strict=True):
        stream = fitted.stream(decoding=decoding)
        stream.push(frames[:7])
        again = fitted.stream(decoding=decoding)
        again.state = stream.state
        again.push(frames[7:])
        (last,) = again.flush()
        assert last.value == [text]
        assert last.score[0] == pytest.approx(score)


def test_a_stream_does_not_go_on_with_what_its_grammar_has_not(fitted):
    frames = frames_of("cad", np.random.default_rng(2))
    free, asked = fitted.stream(decoding=whorl.Beam()), fitted.stream(decoding=whorl.Beam(grammar=(("ab",),)))
    free.push(frames)
    before = asked.push(frames)[0].value
    with pytest.raises(ModelFileError, match="Start it with the same `grammar`"):
        asked.state = free.state
    assert asked.flush()[0].value[0].startswith(before[0])


def test_n_grams_are_asked_among_the_sentences_of_a_grammar():
    model = transcriber(epochs=8, language_model=3).fit(examples(60, seed=0), verbose=False)
    x = examples(12, seed=6)[0]
    found = model.predict(x, decoding=whorl.Beam(width=50, grammar=ORDERS))
    assert all(any(one.startswith(text) for one in SENTENCES) for text in found.value)
    model.model_.readout.advice = None
    assert not np.array_equal(model.predict(x, decoding=whorl.Beam(width=50, grammar=ORDERS)).score, found.score)


def test_a_grammar_helps_where_sentences_are_those_of_it(fitted):
    rng = np.random.default_rng(9)
    texts = [" ".join(filter(None, (ORDERS[k][rng.integers(len(ORDERS[k]))] for k in range(3)))) for _ in range(30)]
    x = [frames_of(text, rng) + 0.6 * rng.standard_normal((1, 5)) for text in texts]
    wrong = []
    for grammar in (None, ORDERS):
        found = fitted.predict(x, decoding=whorl.Beam(grammar=grammar)).value
        wrong.append(sum(a != b for a, b in zip(found, texts, strict=True)))
        scores = fitted.evaluate((x, texts), decoding=whorl.Beam(grammar=grammar)).metrics
        assert scores["wer"] == transcript(found, texts)["wer"]
    assert wrong[1] < wrong[0]


def test_a_grammar_of_letters_that_were_never_said_is_refused(fitted):
    with pytest.raises(ArgumentError, match="`grammar` has 'zoo'"):
        fitted.predict(examples(1, seed=1)[0], decoding=whorl.Beam(grammar=(("ab", "zoo"),)))
    with pytest.raises(ArgumentError, match="`grammar` has 'zoo'"):
        fitted.stream(decoding=whorl.Beam(grammar=(("ab", "zoo"),)))


def test_single_words_have_a_grammar_though_training_had_no_space():
    rng = np.random.default_rng(0)
    texts = [("ab", "cad")[n % 2] for n in range(20)]
    model = transcriber(epochs=2).fit(([frames_of(text, rng) for text in texts], texts), verbose=False)
    found = model.predict([frames_of("cad", rng)], decoding=whorl.Beam(width=50, grammar=(("ab", "cad"),)))
    assert found.value[0] in ("ab", "cad")
    with pytest.raises(ArgumentError, match="a space between two words is a symbol, too"):
        model.predict([frames_of("cad", rng)], decoding=whorl.Beam(grammar=(("ab",), ("", "cad"))))


def test_words_as_symbols_have_a_grammar_too():
    model = transcriber(epochs=12, tokens=whorl.Text(unit="word")).fit(examples(60, seed=0), verbose=False)
    found = model.predict(examples(12, seed=6)[0], decoding=whorl.Beam(grammar=ORDERS))
    assert set(found.value) <= {*SENTENCES, "ab", "ba", "ab cad", "ba cad", ""}
