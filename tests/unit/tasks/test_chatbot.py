"""Chatbot: what is learned of dialogues, who is held out, how turns are answered and scored."""

import copy
import pickle

import numpy as np
import pytest
from markupsafe import escape

import whorl
from whorl.errors import ArgumentError, DataError, ModelFileError
from whorl.plans.wiring import Sequences
from whorl.report.exchanges import exchanges
from whorl.runtime import text_metrics
from whorl.tasks.preparation import prepare

DIALOGUES = [
    ["Hi there.", "Hello!", f"Is it {n % 3}?", "Yes, it is.", "Ünïcode 🙂", "Bye."][: 2 + n % 5] for n in range(24)
]
TRAINING = whorl.Training(epochs=2, batch_size=8, device="cpu", validation=0.25)
NETWORK = whorl.Recurrent("gru", hidden_size=8)


def chatbot(**settings):
    return whorl.Chatbot(
        **{"tokens": whorl.Text(), "longest": 30, "network": NETWORK, "training": TRAINING, **settings}
    )


@pytest.fixture(scope="module")
def model():
    return chatbot().fit(DIALOGUES, verbose=False)


def test_a_dialogue_is_on_one_side():
    found = prepare(chatbot(), DIALOGUES)
    sides = {}
    for one, cut in zip(found.sequences, found.cuts, strict=True):
        sides.setdefault(one.key, set()).add(cut > 0)
    assert len(sides) == 24
    assert all(len(side) == 1 for side in sides.values())
    assert sum(side == {False} for side in sides.values()) == 6
    assert len(found.sequences) == sum(len(one) - 1 for one in DIALOGUES)
    assert found.facts["training_sequences"] + found.facts["validation_sequences"] == len(found.sequences)


def test_what_is_held_out_teaches_no_token_and_no_rival():
    estimator = chatbot()
    prepared = prepare(estimator, DIALOGUES)
    held = {int(one.key) for one, cut in zip(prepared.sequences, prepared.cuts, strict=True) if not cut}
    other = [["odd", "words"] * 3 if n in held else one for n, one in enumerate(DIALOGUES)]
    found = prepare(estimator, [one[: len(DIALOGUES[n])] for n, one in enumerate(other)])
    assert found.reader.config() == prepared.reader.config()
    for name, array in prepared.reader.arrays().items():
        np.testing.assert_array_equal(found.reader.arrays()[name], array)


def test_dialogues_of_a_single_turn_teach_nothing_and_are_told():
    found = prepare(chatbot(), [*DIALOGUES, ["Alone."], "Alone too."])
    assert "2 dialogues have a single turn" in " ".join(found.notes)
    assert len(found.sequences) == sum(len(one) - 1 for one in DIALOGUES)
    with pytest.raises(DataError, match="of 3 dialogues 1 have a second turn"):
        chatbot().fit([["a", "b"], ["c"], ["d"]], verbose=False)
    with pytest.raises(DataError, match="dialogue 1, turn 2: a turn is text that is not blank"):
        chatbot().fit([["a", "b"], ["c", " "]], verbose=False)


def test_scores_stand_beside_rivals_that_know_nothing_of_the_turn(model):
    found = model.evaluate(DIALOGUES[:7])
    assert set(found.metrics) == {
        *("word_f1", "distinct_1", "distinct_2"),
        *("nll", "perplexity", "nats_per_character", "bits_per_character"),
    }
    assert {name: set(row) & {"nll", "word_f1"} for name, row in found.baseline.items()} == {
        "most frequent": {"word_f1"},
        "nearest turns": {"word_f1"},
        "unigram": {"nll"},
    }
    assert found.num_answers == sum(len(one) - 1 for one in DIALOGUES[:7])
    assert found.target == [turn for one in DIALOGUES[:7] for turn in one[1:]]
    assert found.index.origin.tolist() == [n for one in DIALOGUES[:7] for n in range(len(one) - 1)]
    assert found.metrics["perplexity"] == pytest.approx(np.exp(found.metrics["nll"]))
    characters = sum(map(len, found.target))
    tokens = sum(len(one) for one in model.model_.reader.read(DIALOGUES[:7], targets=True))
    assert found.metrics["nats_per_character"] == pytest.approx(found.metrics["nll"] * tokens / characters)


def test_no_reply_is_scored_without_an_answer(model):
    with pytest.raises(DataError, match="no dialogue has a second turn"):
        model.evaluate(["Hi there."])


def test_predict_answers_the_last_turn_of_each_dialogue(model):
    found = model.predict([["Hi there.", "Hello!", "Is it 1?"], "Hi there."])
    assert len(found.value) == 2
    assert found.index.origin.tolist() == [2, 0]
    assert found.names == ("reply",)
    drawn = model.predict(["Hi there."] * 9, decoding=whorl.Sample(temperature=2.0, seed=3)).value
    assert len(set(drawn)) > 1
    assert model.predict(["Hi there."] * 9, decoding=whorl.Sample(temperature=2.0, seed=3)).value == drawn


def test_only_the_last_turns_are_read(model):
    turns = ["Is it 2?", "Yes, it is.", "Bye."]
    found = model.predict([[*["Hi there."] * n, *turns] for n in (0, 2, 4)])
    assert found.value == [found.value[0]] * 3
    assert found.score.tolist() == [found.score[0]] * 3


def test_a_stream_is_a_dialogue_with_its_own_answers(model):
    stream, so_far = model.stream(), []
    for turn in ("Hi there.", {"text": "Is it 1?"}, "Bye."):
        (answer,) = stream.push(turn)
        so_far.append(turn if isinstance(turn, str) else turn["text"])
        assert answer.value == model.predict([so_far]).value
        assert int(answer.index.origin[0]) == len(so_far) - 1
        so_far.append(answer.value[0])
    assert stream.num_rows == 6
    before = bytes(stream.state)
    with pytest.raises(DataError, match="is a turn"):
        stream.push(" ")
    assert bytes(stream.state) == before
    assert stream.flush() == []
    other = model.stream()
    other.state = whorl.State.from_bytes(before)
    assert other.push("Hello!")[0].value == stream.push("Hello!")[0].value
    stream.reset()
    assert stream.push("Hi there.")[0].value == model.predict(["Hi there."]).value


@pytest.mark.parametrize("decoding", [whorl.Greedy(), whorl.Sample(temperature=2.0, seed=3), whorl.Beam(width=2)])
def test_a_stream_chooses_tokens_as_predict_does_and_so_do_its_copies(model, decoding):
    stream = model.stream(decoding=decoding)
    (first,) = stream.push("Hi there.")
    assert first.value == model.predict(["Hi there."], decoding=decoding).value
    copies = [copy.copy(stream), pickle.loads(pickle.dumps(stream))]
    wanted = model.predict([["Hi there.", first.value[0], "Bye."]], decoding=decoding)
    for one in (stream, *copies):
        (answer,) = one.push("Bye.")
        assert (answer.value, answer.score.tolist()) == (wanted.value, wanted.score.tolist())
    stream.reset()
    assert stream.push("Hi there.")[0].value == first.value


def test_a_turn_whose_answer_fails_was_never_said(model, monkeypatch):
    stream = model.stream()
    stream.push("Hi there.")
    before = bytes(stream.state)
    with monkeypatch.context() as patch:
        patch.setattr("whorl.data.turn_rows.TurnRows.answered", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            stream.push("Bye.")
    assert (bytes(stream.state), stream.num_rows) == (before, 2)


def test_a_saved_chatbot_is_one_again_and_takes_its_states(model, tmp_path):
    model.save(tmp_path / "m.whorl")
    loaded, light = whorl.load(tmp_path / "m.whorl"), whorl.runtime.load(tmp_path / "m.whorl")
    assert isinstance(loaded, whorl.Chatbot)
    assert loaded.get_params() == model.get_params()
    assert light.predict(["Hi there."]).value == model.predict(["Hi there."]).value
    assert dict(light.evaluate(DIALOGUES[:3]).metrics) == dict(model.evaluate(DIALOGUES[:3]).metrics)
    foreign = chatbot(context=1).fit(DIALOGUES, verbose=False)
    stream = loaded.stream()
    with pytest.raises(ModelFileError, match="`state` belongs to model"):
        stream.state = foreign.stream().state


def test_the_report_shows_turns_that_were_read_written_and_true(model, tmp_path):
    model.report(tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert "Dialogues: reply" in page
    assert "word_f1" in page
    assert "Written: " in page
    assert "unigram" in page
    found = exchanges(model.model_, model.held_out_)
    assert 1 <= len(found) <= 6
    assert found[-1].true in DIALOGUES[int(model.held_out_.sequences[-1].key)]
    assert [one.written for one in found] == [model.predict([list(one.turns)]).value[0] for one in found]
    assert page.count(">said</th>") == sum(len(one.turns) for one in found)
    for one in found:
        assert str(escape(one.drawn)) in page


def test_a_report_without_dialogues_shows_no_turns(model, tmp_path):
    model.save(tmp_path / "m.whorl")
    whorl.load(tmp_path / "m.whorl").report(tmp_path / "r.html")
    assert ">said</th>" not in (tmp_path / "r.html").read_text()


def test_the_wiring_says_how_many_turns_are_read():
    assert whorl.Chatbot(context=5).wiring().pairing == Sequences(every_step=True, turns=5)


@pytest.mark.parametrize(
    "settings",
    [
        {"context": 0},
        {"context": 1.5},
        {"context": 5000},
        {"longest": 1},
        {"embedding_size": 0.5},
        {"attention": "hard"},
        {"smoothing": 1.0},
    ],
)
def test_settings_that_cannot_be_are_named(settings):
    with pytest.raises(ArgumentError, match=f"`{next(iter(settings))}`"):
        whorl.Chatbot(**settings)


def test_replies_are_scored_by_their_words_and_how_they_differ():
    found = text_metrics.reply(["Yes, it is.", "yes it is", "", "no"], ["It is!", "Never.", "", "no no"])
    # 2 of 3 words and 2 of 2; nothing; nothing; 1 of 1 and 1 of 2.
    assert found["word_f1"] == pytest.approx((0.8 + 0 + 0 + 2 / 3) / 4)
    assert found["distinct_1"] == pytest.approx(4 / 7)
    assert found["distinct_2"] == pytest.approx(2 / 4)
