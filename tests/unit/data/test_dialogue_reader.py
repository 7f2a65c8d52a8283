"""Dialogues as sequences: which turns are read, who said them, and what is kept while one goes on."""

import msgspec
import numpy as np
import pytest

import whorl
from whorl.codecs.text import TextCodec
from whorl.data.dialogue_reader import DialogueReader, fit_dialogues
from whorl.data.dialogues import Dialogue, Turn, dialogues_of, said_by_answerer
from whorl.errors import ArgumentError, DataError, ModelFileError

BEGIN, END = 1, 2
TALK = [["Hi.", "Hello.", "How are you?", "Fine."], ["Hi.", "Hello.", "Bye."], ["Ünïcode 🙂"]]


def reader(context=2, longest=20):
    codecs = (TextCodec(end=True), TextCodec(begin=True, end=True))
    return fit_dialogues(dialogues_of(TALK), context=context, codecs=codecs, longest=longest, table=whorl.Table())


def read(model, codes):
    """The turns that stand in what is read, each with the token behind it."""
    turns, start = [], 0
    flat = codes[:, 0].astype(int)
    for end in np.flatnonzero(np.isin(flat, (BEGIN, END))):
        turns.append((model.source.decode(flat[start:end]), int(flat[end])))
        start = end + 1
    assert start == len(flat)
    return turns


def test_every_turn_but_the_first_answers_those_before_it():
    model = reader()
    found = model.read(TALK, targets=True)
    assert [(one.key, one.origin, one.texts) for one in found] == [
        ("0", 0, ("Hi.", "Hello.")),
        ("0", 1, ("Hi.\nHello.", "How are you?")),
        ("0", 2, ("Hello.\nHow are you?", "Fine.")),
        ("1", 0, ("Hi.", "Hello.")),
        ("1", 1, ("Hi.\nHello.", "Bye.")),
    ]
    last = found[2]
    assert read(model, last.source) == [("Hello.", BEGIN), ("How are you?", END)]
    np.testing.assert_array_equal(last.past[1:], last.targets[:-1])
    assert (last.past[0, 0], last.targets[-1, 0]) == (BEGIN, END)


def test_a_dialogue_is_read_up_to_its_last_turn_where_it_is_to_be_answered():
    model = reader(context=3)
    (one, lone) = model.read([["Hi.", "Hello.", "How are you?"], "Bye."])
    assert read(model, one.source) == [("Hi.", END), ("Hello.", BEGIN), ("How are you?", END)]
    assert (one.origin, one.targets, lone.origin) == (2, None, 0)
    assert read(model, lone.source) == [("Bye.", END)]


def test_of_too_many_tokens_the_last_ones_are_read():
    (whole,), (cut,) = (reader(longest=longest).read([["Hi.", "Hello.", "How are you?"]]) for longest in (20, 5))
    np.testing.assert_array_equal(cut.source, whole.source[-5:])
    (long,) = reader(longest=3).read([["Hi.", "How are you?"]], targets=True)
    assert (len(long.past), len(long.targets), long.targets[-1, 0]) == (3, 3, END)


def test_who_spoke_is_told_by_names_where_there_are_some():
    def said(at, *speakers):
        turns = [Turn(text="Hi.", speaker=speaker) for speaker in speakers]
        return said_by_answerer(turns, at, range(at))

    assert said(3, None, None, None) == [False, True, False]
    assert said(2, "a", "a", "b") == [False, False]
    assert said(3, "a", "b", "b", "a") == [True, False, False]
    assert said(3, "a", "b", "b") == [True, False, False]  # a is to answer b
    assert said(4, "a", "b", "c", "b") == [False, False, True, False]  # c is
    assert said(2, "a", "a") == [False, False]  # whoever did not speak yet is
    assert said(3, "a", None, None, "b") == [False, True, False]
    assert said(3, "a", None, "b") == [False, True, False]  # nobody knows who is


def test_a_blank_name_is_that_of_nobody():
    unnamed, blank = ([[{"text": "Hi.", "speaker": name}] * 2] for name in (None, ""))
    (one,), (other,) = (reader().read(given) for given in (unnamed, blank))
    np.testing.assert_array_equal(one.source, other.source)


@pytest.mark.parametrize(("context", "longest"), [(1, 20), (2, 20), (3, 20), (3, 4)])
def test_a_dialogue_that_goes_on_is_read_like_the_whole(context, longest):
    model = reader(context, longest)
    live, turns, sizes = model.open(None), [], set()
    for said, reply in [("Hi.", "Hello."), (" How are you? ", "Fine."), ("Never heard of!", ""), ("Bye.", "Bye.")]:
        turns.append(said)
        codes = np.concatenate([reading["source"] for reading in live.push(said)])
        (whole,) = model.read([turns])
        np.testing.assert_array_equal(codes, whole.source)
        assert int(live.time) == whole.origin == len(turns) - 1
        live.answered(reply)
        turns.append(reply)
        restored = model.open(None)
        restored.write(live.read())
        sizes.add(len(live.read()))
        live = restored
    assert len(sizes) == 1


def test_a_turn_that_is_none_leaves_everything_as_it_was():
    live = reader().open(None)
    live.push({"text": "Hi.", "speaker": "a"})
    before = live.read()
    for wrong in (7, None, "", " \n", {"turn": "Hi."}, {"text": 7}, [1.0]):
        with pytest.raises(DataError, match="a row of this model is a turn"):
            live.push(wrong)
    with pytest.raises(ArgumentError, match="no covariates ahead"):
        live.push("Hi.", known=[])
    with pytest.raises(ArgumentError, match="each turn of a dialogue is answered"):
        live.push_rows(["Hi."])
    assert live.read() == before
    mark = live.mark()
    live.push("How are you?")
    live.back_to(mark)
    assert live.read() == before


def test_before_the_first_turn_there_is_no_time():
    with pytest.raises(DataError, match="no row was pushed"):
        reader().open(None).time  # noqa: B018


@pytest.mark.parametrize(
    "damage",
    [
        lambda codes: codes.tobytes()[:-4],
        lambda codes: np.where(codes == -1, 99, codes).astype("<i4").tobytes(),
        lambda codes: np.where(codes == -1, END, codes).astype("<i4").tobytes(),
        lambda codes: codes[::-1].tobytes(),
        lambda codes: np.full_like(codes, -1).tobytes(),
    ],
)
def test_a_damaged_state_is_refused(damage):
    live = reader().open(None)
    live.push("Hi.")
    count, codes = msgspec.msgpack.decode(live.read())
    other = reader().open(None)
    counted, kept = (msgspec.msgpack.encode([count, damage(np.frombuffer(codes, "<i4"))]), live.read()[:-1])
    beyond = msgspec.msgpack.encode([b"\xff" * 8, codes])
    for wrong in (counted, kept, beyond, b"", b"\x93"):
        with pytest.raises(ModelFileError, match="damaged, or belongs to another model"):
            other.write(wrong)


def test_a_reader_comes_back_from_its_config_and_arrays():
    model = reader()
    again = DialogueReader.restore(model.config(), model.arrays())
    assert (again.context, again.longest, again.usual.text) == (2, 20, "Hello.")
    for one, other in zip(model.read(TALK, targets=True), again.read(TALK, targets=True), strict=True):
        np.testing.assert_array_equal(one.source, other.source)
    np.testing.assert_array_equal(again.token_rivals()["unigram"], model.token_rivals()["unigram"])


@pytest.mark.parametrize(
    ("config", "arrays"),
    [
        ({"context": 0}, {}),
        ({"context": True}, {}),
        ({"context": None}, {}),
        ({"usual": 7}, {}),
        ({"columns": ["a", "b"]}, {}),
        ({"more": 1}, {}),
        ({}, {"counts": np.zeros(3, np.int64)}),
        ({}, {"counts": np.zeros(3, np.float32)}),
        ({}, {"odd": np.zeros(3)}),
    ],
)
def test_a_damaged_reader_is_refused(config, arrays):
    model = reader()
    with pytest.raises(ModelFileError):
        DialogueReader.restore({**model.config(), **config}, {**model.arrays(), **arrays})


def test_rivals_are_what_is_usually_said_and_the_answer_to_similar_turns():
    model = reader()
    assert model.rivals(model.read([["how are they"]])) == {"most frequent": ["Hello."], "nearest turns": ["Fine."]}
    shares = np.exp(model.token_rivals()["unigram"])
    assert shares.sum() == pytest.approx(1.0)
    names = list(model.classes)
    assert shares[END] > shares[names.index("Hello")] > shares[names.index("Hi")] == shares[0]  # nobody answers "Hi."


def test_dialogues_come_as_lists_of_texts_or_of_turns_with_speakers():
    found = dialogues_of([["Hi. ", "Hello."], {"turns": [{"text": "Bye.", "speaker": "a"}]}, ("a", "b"), "Hm."])
    assert [[turn.text for turn in one.turns] for one in found] == [["Hi.", "Hello."], ["Bye."], ["a", "b"], ["Hm."]]
    assert found[1].turns[0].speaker == "a"
    assert isinstance(found[0], Dialogue)
    assert [turn.text for turn in dialogues_of([["Hi.", ""]], silence=True)[0].turns] == ["Hi.", ""]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "none came"),
        (7, "a int came"),
        (("Hi.", "Hello."), "a tuple came"),
        ([["Hi.", ""]], "dialogue 0, turn 2: a turn is text that is not blank"),
        ([["Hi."], []], "dialogue 1 is to be a list of at least one turn, but has no turn"),
        ([7], "dialogue 0 is to be a list of at least one turn, but is a int"),
        ([[7]], "dialogue 0, turn 1: .* but is a number"),
        ([{"text": "Hi."}], "but is a dict"),
        ([[{"text": "Hi.", "speaker": 7}]], '"speaker" is text or null'),
        ("nowhere.txt", "is not there"),
    ],
)
def test_what_is_no_dialogue_is_refused(data, words):
    with pytest.raises(DataError, match=words):
        dialogues_of(data)


def test_a_dialogue_of_very_many_turns_is_read_in_time_that_grows_with_them():
    turns = ["Hi.", "Hello."] * 10_000
    assert len(reader().read([turns], targets=True)) == 19_999


def test_lone_turns_answer_nothing():
    with pytest.raises(DataError, match="no dialogue has a second turn"):
        reader().read(["Hi.", ["Bye."]], targets=True)
    with pytest.raises(ArgumentError, match="no covariates ahead"):
        reader().read(TALK, known=[])
