"""Texts that come in pieces: the answers of predict, states in the middle of a word, and ends."""

import copy

import numpy as np
import pytest
from tests.unit.tasks.reviews import same, streamed

import whorl
from whorl.errors import ArgumentError, DataError, ModelFileError


def test_rows_of_predict_are_the_answers_of_a_stream_token_by_token(reviewer):
    text = "the film was lovely, Ann's größte 🙂."
    rows = reviewer.predict([text], every_row=True)
    assert rows.index.origin.tolist() == list(range(len(rows)))
    pushed = streamed(reviewer, text, range(1, len(text)))
    assert len(pushed) > 5
    for one in pushed:  # the answer after the last token that a piece completes
        at = int(one.index.origin[0])
        assert same(one, rows.take(slice(at, at + 1)))


def test_a_piece_that_ends_no_word_has_no_answer_yet(reviewer):
    stream = reviewer.stream()
    assert stream.push("love") == []
    assert stream.push("") == []
    (answer,) = stream.push("ly film")
    assert answer.value[0] in ("good", "bad")
    assert stream.num_rows == 1
    (last,) = stream.flush()
    assert same(last, reviewer.predict(["lovely film"]))


def test_a_text_without_a_piece_is_empty(reviewer):
    (answer,) = reviewer.stream().flush()
    assert same(answer, reviewer.predict([""]))


def test_a_text_that_has_ended_takes_no_piece_until_it_is_reset(reviewer):
    stream = reviewer.stream()
    stream.push("lovely")
    (first,) = stream.flush()
    assert stream.flush() == []
    before = bytes(stream.state)
    with pytest.raises(DataError, match="Call `reset`"):
        stream.push(" film")
    assert bytes(stream.state) == before
    stream.reset()
    assert stream.num_rows == 0
    stream.push("lovely")
    assert same(stream.flush()[0], first)


@pytest.mark.parametrize("wrong", [7, None, b"lovely", ["lovely"], {"body": "lovely"}, {"text": None}, np.float64(1)])
def test_what_is_no_piece_of_text_is_refused_and_leaves_the_state(reviewer, wrong):
    stream = reviewer.stream()
    stream.push("the love")
    before = bytes(stream.state)
    with pytest.raises(DataError, match="a piece of text"):
        stream.push(wrong)
    assert bytes(stream.state) == before
    stream.push({"text": "ly"})
    assert same(stream.flush()[0], reviewer.predict(["the lovely"]))


def test_what_texts_have_not_is_refused(reviewer):
    stream = reviewer.stream()
    with pytest.raises(ArgumentError, match="`known`"):
        stream.push("lovely", known=[{"x": 1}])
    with pytest.raises(ArgumentError, match="Push its pieces with `push`"):
        stream.push_rows(["lovely", "film"])
    with pytest.raises(ArgumentError, match="`known`"):
        reviewer.predict(["lovely"], known={"x": [1]})
    with pytest.raises(DataError, match="no row was pushed"):
        _ = stream.time


@pytest.mark.parametrize("cut", [0, 2, 7, 9, 17])
def test_a_state_goes_on_in_the_middle_of_a_word_and_in_another_process(reviewer, cut, tmp_path):
    text = "a größte film\u0301 🙂🙁"
    reviewer.save(tmp_path / "model.whorl")
    stream = reviewer.stream()
    stream.push(text[:cut])
    stored = bytes(stream.state)
    later = whorl.runtime.load(tmp_path / "model.whorl").stream()
    later.state = whorl.State.from_bytes(stored)
    copied = copy.copy(stream)
    expected = reviewer.predict([text])
    for one in (later, copied, stream):
        one.push(text[cut:])
        assert same(one.flush()[0], expected)
    later.state = whorl.State.from_bytes(stored)  # goes back, from the end too
    later.push(text[cut:])
    assert same(later.flush()[0], expected)


def test_the_state_of_an_ended_text_is_an_ended_text(reviewer):
    stream, other = reviewer.stream(), reviewer.stream()
    stream.push("lovely")
    stream.flush()
    other.state = whorl.State.from_bytes(bytes(stream.state))
    assert other.flush() == []
    with pytest.raises(DataError, match="Call `reset`"):
        other.push("film")


def test_the_size_of_a_state_does_not_grow_with_the_text(reviewer):
    stream, sizes = reviewer.stream(), set()
    for _ in range(50):
        stream.push("the lovely film ")
        sizes.add(len(bytes(stream.state)))
    assert len(sizes) == 1


def test_the_state_of_another_model_is_refused(reviewer, priced):
    with pytest.raises(ModelFileError):
        reviewer.stream().state = priced.stream().state


def test_many_texts_move_in_one_step_each_with_what_its_piece_completes(reviewer):
    texts = ["a lovely film", "dull", "", "the größte, bit"]
    pieces = [("a lo", "vely fi", "lm"), ("du", "", "ll"), ("", "", ""), ("the größte, b", "i", "t")]
    streams, alone = [reviewer.stream() for _ in texts], [reviewer.stream() for _ in texts]
    for at in range(3):
        rows = [one[at] for one in pieces]
        found = whorl.push_many(streams, rows)
        for answers, stream, row in zip(found, alone, rows, strict=True):
            expected = stream.push(row)
            # push_many answers after the last token of a piece, as push does.
            assert len(answers) == len(expected)
            assert all(same(a, b) for a, b in zip(answers, expected, strict=True))
    ends = [stream.flush()[0] for stream in streams]
    expected = reviewer.predict(texts)
    assert all(same(one, expected.take(slice(n, n + 1))) for n, one in enumerate(ends))


def test_a_piece_that_is_no_text_stops_all_of_push_many(reviewer):
    streams = [reviewer.stream() for _ in range(2)]
    whorl.push_many(streams, ["the fi", "a "])
    before = [bytes(stream.state) for stream in streams]
    with pytest.raises(DataError, match="a piece of text"):
        whorl.push_many(streams, ["lm was", 7])
    assert [bytes(stream.state) for stream in streams] == before
