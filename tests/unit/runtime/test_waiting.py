"""Texts that are written while they are read: a stream says what `predict` says, as soon as it is due."""

import copy
import pickle

import numpy as np
import pytest
from tests.unit.live.tiny_translator import translator

import whorl
from whorl.errors import ArgumentError, DataError
from whorl.runtime.decoding import TokenSteps
from whorl.runtime.writing import written

LONGEST = 17
TEXT = "one two three , one two , two one"


@pytest.fixture(scope="module", params=[{"wait": 1}, {"wait": 3, "input_feeding": True}, {"wait": 16}], ids=str)
def model(request):
    """With weights drawn by a seed, and an end that never comes, so that every token is due at some time."""
    return translator(longest=LONGEST, **request.param)


@pytest.fixture(autouse=True)
def without_an_end(monkeypatch):
    made = TokenSteps.__init__

    def endless(self, **given):
        made(self, **{**given, "end": None, "banned": (*given["banned"], given["end"])})

    monkeypatch.setattr(TokenSteps, "__init__", endless)


def read(model, text):
    (one,) = model.reader.read([text])
    return one.read_steps


def pieces(text, *cuts):
    return [text[a:b] for a, b in zip((0, *cuts), (*cuts, None), strict=True)]


@pytest.mark.parametrize("text", [TEXT, "one", "", " ".join(["two"] * 40), "never heard of"])
@pytest.mark.parametrize("cut", [[], [1], [4, 5, 20], range(1, 40)], ids=["whole", "two", "four", "characters"])
def test_pieces_say_what_the_whole_says_token_by_token(model, text, cut):
    (wanted,) = written(model, [read(model, text)], whorl.Greedy())
    assert not wanted.ended
    wait, stream, told = model.wiring.shape.wait, model.stream(), 0
    for piece in pieces(text, *cut):
        answers = stream.push(piece)
        known = len(stream.live.rows.codes)
        assert stream.num_rows == (int(stream.time) + 1 if known else 0) >= known
        due = max(0, min(known - wait + 1, LONGEST))
        assert len(answers) == (due > told)
        told = max(told, due)
        for answer in answers:
            assert answer.value == [model.reader.text_of(wanted.tokens[:told])]
            assert answer.score[0] == sum(wanted.log_probs[:told].tolist(), 0.0)
            assert answer.index.origin.tolist() == [known - 1]
            assert not answer.final
    (last,) = stream.flush()
    assert last.final
    assert last.value == [model.reader.text_of(wanted.tokens)] == model.predict([text]).value
    assert last.score[0] == wanted.score == model.predict([text]).score[0]
    assert stream.flush() == []
    with pytest.raises(DataError, match="has ended"):
        stream.push("one")
    stream.reset()
    assert len(stream.push("one two ")) == (len(stream.live.rows.codes) >= wait)


def test_a_state_a_copy_and_a_pickle_go_on(model):
    stream = model.stream()
    stream.push(TEXT[:17])
    restored = model.stream()
    restored.state = whorl.State.from_bytes(bytes(stream.state))
    others = [restored, copy.copy(stream), pickle.loads(pickle.dumps(stream))]
    wanted = [answer.value for answer in (*stream.push(TEXT[17:]), *stream.flush())]
    for other in others:
        assert [answer.value for answer in (*other.push(TEXT[17:]), *other.flush())] == wanted


def test_a_push_that_fails_leaves_what_was_written(model, monkeypatch):
    stream = model.stream()
    stream.push(TEXT[:8])
    state, before = bytes(stream.state), stream.live.mark()
    step = model.engine.step
    if model.wiring.shape.wait < 10:

        def broken(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(type(model.engine), "step", broken)
        with pytest.raises(KeyboardInterrupt):
            stream.push(TEXT[8:])
        monkeypatch.undo()
        assert model.engine.step == step
    with pytest.raises(DataError):
        stream.push(7)
    assert bytes(stream.state) == state
    assert stream.live.mark()[2] is before[2]
    others = [model.stream(), stream]
    with pytest.raises(DataError):
        whorl.push_many(others, ["one ", 7])
    assert stream.live.mark()[2] is before[2]
    assert bytes(others[0].state) == bytes(model.stream().state)


def test_draws_are_taken_and_a_beam_is_refused(model):
    drawn = [model.predict([TEXT], decoding=whorl.Sample(seed=seed, temperature=2.0)).value for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    for beam in (whorl.Beam(width=3), whorl.Beam(width=1)):
        with pytest.raises(ArgumentError, match=r"may drop what was written.*whorl\.Greedy\(\)"):
            model.predict([TEXT], decoding=beam)
        with pytest.raises(ArgumentError, match=r"may drop what was written.*whorl\.Greedy\(\)"):
            model.stream(decoding=beam)
    stream = model.stream(decoding=whorl.Greedy())
    assert [*stream.push(TEXT), *stream.flush()][-1].value == model.predict([TEXT]).value
    with pytest.raises(ArgumentError, match="takes the most likely token each time"):
        model.stream(decoding=whorl.Sample())


def test_the_encoder_and_the_beginning_know_no_more_than_was_read():
    model = translator(longest=LONGEST, wait=2)
    wanted, found = (written(model, [read(model, text)], whorl.Greedy())[0] for text in ("one two one", "one two two"))
    np.testing.assert_array_equal(found.tokens[:1], wanted.tokens[:1])
    np.testing.assert_array_equal(found.log_probs[:1], wanted.log_probs[:1])
    assert found.log_probs[1] != wanted.log_probs[1]
