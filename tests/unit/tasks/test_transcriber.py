"""Transcriber: from frames or recordings to texts, whole, in pieces, and with when each word was said."""

import sys

import numpy as np
import pytest
from tests.unit.live.watching import interrupted
from tests.unit.tasks.letters import WORDS, examples, frames_of, transcriber

import whorl
from whorl.data.transcript_reader import Transcribed, constant_answers
from whorl.errors import ArgumentError, DataError, MissingExtraError, ModelFileError, StreamingError
from whorl.runtime.transcribing import spelled

RATE = 8000


@pytest.fixture(scope="module")
def fitted() -> whorl.Transcriber:
    return transcriber().fit(examples(60, seed=0), verbose=False)


def test_what_is_said_is_answered_beside_rivals_that_always_say_the_same(fitted):
    x, texts = examples(20, seed=5)
    found = fitted.evaluate((x, texts))
    assert found.metrics["wer"] < 0.3
    assert 0.0 <= found.metrics["cer"] <= found.metrics["wer"]
    assert found.metrics["nll"] > 0.0
    assert set(found.baseline) == {"most frequent transcript", "most frequent words"}
    assert min(rival["wer"] for rival in found.baseline.values()) > 0.5
    assert found.target == texts
    assert found.prediction.value == fitted.predict(x).value


def test_words_are_said_where_their_frames_are(fitted):
    rng = np.random.default_rng(8)
    parts = [frames_of("dab", rng), np.zeros((6, 5)), frames_of("ba", rng)]
    parts[1][:3] = np.eye(5)[0]  # the space between them
    answer = fitted.predict([np.concatenate(parts)])
    assert answer.value == ["dab ba"]
    assert answer.index.tokens[0].tolist() == ["dab", "ba"]
    (first, second) = answer.index.time[0]
    assert 0 < first[0] < first[1] <= len(parts[0]) + 4  # a network that reads forwards is a little late
    assert len(parts[0]) + 6 < second[0] < second[1] <= sum(map(len, parts))
    (record,) = answer.to_records()
    assert record["value"] == "dab ba"
    assert record["words"].split()[1] == f"{second[0]:.2f}-{second[1]:.2f}"


@pytest.mark.parametrize("decoding", [None, whorl.Beam(width=4)])
def test_live_answers_end_as_the_transcript_of_the_whole(fitted, decoding):
    x, _ = examples(3, seed=6)
    for frames in x:
        stream, wanted = fitted.stream(decoding=decoding), fitted.predict([frames], decoding=decoding)
        partial = [stream.push(frames[at : at + 7])[-1] for at in range(0, len(frames), 7)]
        (last,) = stream.flush()
        assert not any(answer.final for answer in partial)
        assert last.final
        assert (last.value, last.score.tolist()) == (wanted.value, wanted.score.tolist())
        assert last.index.time[0].tolist() == wanted.index.time[0].tolist()
        assert partial[-1].value == wanted.value
        assert stream.flush() == []
        stream.reset()
        assert stream.push(frames[0])[0].value == fitted.predict([frames[:1]], decoding=decoding).value


def test_late_answers_are_the_transcript_of_the_whole_as_far_as_it_is_known():
    """Two steps late, a piece is answered by what the whole transcript says of all but its last two steps."""
    model = transcriber(epochs=20, lookahead=2).fit(examples(60, seed=0), verbose=False)
    assert model.evaluate(examples(20, seed=5)).metrics["wer"] < 0.4
    frames = examples(1, seed=6)[0][0]
    (whole,) = spelled(model.model_, model.model_.reader.read([frames]))
    stream = model.stream()
    for n, frame in enumerate(frames, 1):
        (answer,) = stream.push(frame)
        known = [symbol for symbol, step in zip(whole.symbols, whole.steps, strict=True) if step < n - 2]
        assert answer.value == [model.model_.reader.text_of(known)]
    (last,) = stream.flush()
    wanted = model.predict([frames])
    assert (last.value, last.score.tolist()) == (wanted.value, wanted.score.tolist())
    assert last.index.origin.tolist() == wanted.index.origin.tolist() == [len(frames) - 1]
    assert last.index.time[0].max() <= len(frames)
    assert stream.num_rows == len(frames)


def test_sound_is_answered_late_and_arrays_and_what_is_read_both_ways_are_not():
    def late(**settings: object) -> int:
        return whorl.Transcriber(**settings).wiring().pairing.lookahead

    both = whorl.Recurrent("gru", bidirectional=True)
    assert late(media=whorl.Audio()) == 10
    assert late() == late(media=whorl.Video()) == late(media=whorl.Audio(), network=both) == 0
    assert late(lookahead=4) == 4


def test_a_sequence_without_frames_is_answered_alike_live_and_whole_where_answers_are_late():
    model = transcriber(epochs=1, lookahead=3).fit(examples(20, seed=0), verbose=False)
    (answer,) = model.stream().flush()
    (wanted,) = spelled(model.model_, [model.model_.reader.encode(Transcribed([""], [np.empty((0, 5))], None, ""))[0]])
    assert answer.value == [model.model_.reader.text_of(wanted.symbols)]
    assert answer.final


def test_a_state_goes_on_in_another_stream_and_belongs_to_one_search(fitted):
    frames = examples(1, seed=7)[0][0]
    stream = fitted.stream()
    stream.push(frames[:20])
    state = whorl.State.from_bytes(bytes(stream.state))
    other = fitted.stream()
    other.state = state
    other.push(frames[20:])
    assert other.flush()[0].value == fitted.predict([frames]).value
    with pytest.raises(ModelFileError, match="decoding"):
        fitted.stream(decoding=whorl.Beam(width=3)).state = state


def test_a_signal_while_a_state_is_assigned_leaves_the_stream_where_it_stood(fitted):
    frames = examples(1, seed=7)[0][0]
    stream, other = fitted.stream(), fitted.stream()
    stream.push(frames)
    stream.flush()
    other.push(frames[:20])
    fitted.stream().state = stream.state  # what is remembered of types makes later times shorter
    before, at = bytes(other.state), 0
    while interrupted(lambda: setattr(other, "state", stream.state), at):
        assert bytes(other.state) == before, f"after an interrupt at line {at}"
        at += 1
    assert at > 20
    assert bytes(other.state) == bytes(stream.state)


def test_a_state_grows_by_the_text_alone(fitted):
    frames = examples(1, seed=7)[0][0]
    stream, sizes, lengths = fitted.stream(), [], []
    for _ in range(2):
        for _ in range(20):
            stream.push(frames)
        sizes.append(len(bytes(stream.state)))
        lengths.append(len(stream.live._search.best(final=False).symbols))
    assert lengths[1] > lengths[0] + 20
    assert sizes[1] - sizes[0] <= 12 * (lengths[1] - lengths[0]) + 8


def test_a_push_that_fails_leaves_the_stream_as_it_was(fitted):
    stream = fitted.stream()
    stream.push(examples(1, seed=7)[0][0])
    before = bytes(stream.state)
    for wrong in ([1.0, 2.0], "a text", [[0.0] * 5, [0.0] * 4]):
        with pytest.raises(DataError):
            stream.push(wrong)
        assert bytes(stream.state) == before


def test_a_saved_model_answers_the_same_with_and_without_torch(fitted, tmp_path):
    x, _ = examples(4, seed=9)
    fitted.save(tmp_path / "m.whorl")
    wanted = fitted.predict(x).value
    assert whorl.load(tmp_path / "m.whorl").predict(x).value == wanted
    assert whorl.runtime.load(tmp_path / "m.whorl").predict(x).value == wanted


def test_a_step_answers_with_a_symbol_or_none_and_the_likeliest_ones_are_the_transcript(fitted):
    model, (x, _) = fitted.model_, examples(1, seed=9)
    (sequence,) = model.reader.read(x)
    steps = np.arange(len(sequence))
    ((_, _, out),) = model.outputs([sequence], [steps])
    each = model.answered(model.index(sequence, steps), out)
    np.testing.assert_allclose(each.probabilities.sum(axis=1), 1.0)
    codes = each.probabilities.argmax(axis=1)
    assert each.value.tolist() == model.reader.classes[codes].tolist()
    said = codes[(np.diff(codes, prepend=0) != 0) & (codes > 0)]
    assert [model.reader.text_of(said)] == fitted.predict(x, decoding=whorl.Greedy()).value


def test_a_missing_package_of_scores_is_named_before_the_training(monkeypatch):
    monkeypatch.setitem(sys.modules, "jiwer", None)
    with pytest.raises(MissingExtraError, match=r"whorl\[audio\]"):  # before the one example is found too few
        transcriber().fit(examples(1, seed=0), verbose=False)


def test_n_grams_travel_in_the_model_file_and_are_asked_unless_greedy_is_asked_for(tmp_path):
    data = examples(40, seed=0)
    model = transcriber(epochs=8, language_model=4).fit(data, verbose=False)
    advice = model.model_.readout.advice
    assert advice.ngrams.order == 4
    assert advice.weight > 0.0
    model.save(tmp_path / "m.whorl")
    x, _ = examples(12, seed=3)
    asked, alone = model.predict(x).value, model.predict(x, decoding=whorl.Greedy()).value
    assert whorl.load(tmp_path / "m.whorl").predict(x).value == asked
    assert asked != alone
    assert sum(word in WORDS for text in asked for word in text.split()) > sum(
        word in WORDS for text in alone for word in text.split()
    )


def test_a_network_that_reads_both_ways_answers_whole_sequences_alone():
    network = whorl.Recurrent("gru", hidden_size=12, bidirectional=True)
    model = transcriber(epochs=2, network=network).fit(examples(20, seed=0), verbose=False)
    assert len(model.predict(examples(2, seed=1)[0]).value) == 2
    with pytest.raises(StreamingError, match=r"Give `predict` the whole, or .* bidirectional=False; its `lookahead`"):
        model.stream()


def test_a_text_that_does_not_fit_its_frames_is_left_out_of_training_and_told(capsys):
    x, texts = examples(30, seed=0)
    texts = [*texts[:29], "a very long text that nobody can say in so few frames" * 5]
    made = whorl.Transcriber(training=whorl.Training(epochs=1, validation=1, seed=0))  # which holds another one out
    made.fit((x, texts), verbose=True)
    told = capsys.readouterr().out
    assert "left out of training: 1 whose text has more symbols than there are steps, the first of them '29'" in told


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (examples(5, seed=0)[0], "has no texts to learn from"),
        ((examples(5, seed=0)[0], ["ab"] * 4), "5 sequences, but 4 texts"),
        ((examples(5, seed=0)[0], [""] * 5), "are empty"),
        (([np.ones((2, 3))] * 6, ["too long to say"] * 6), "no text of training fits"),
        (([np.ones((9, 3))], ["ab"]), "Bring more"),
        ("no-such-folder", "`no-such-folder` is not there"),
        ("no-such.csv", r"`no-such\.csv` is not there"),
        ((["a.wav", "b.m4a"], ["ab", "ba"]), r"a list of recordings .* but entry 1 is 'b\.m4a'"),
        ({"x": [1.0, 2.0]}, "frames are arrays"),
    ],
)
def test_data_that_teach_nothing_are_refused(data, match):
    with pytest.raises(DataError, match=match):
        transcriber(epochs=1).fit(data, verbose=False)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"stride": 0}, "`stride`"),
        ({"stride": 65}, "at most 64"),
        ({"convolution": -1}, "`convolution`"),
        ({"lookahead": -1}, "`lookahead`"),
        ({"lookahead": 101}, "at most 100"),
        ({"lookahead": 2, "network": whorl.Recurrent("gru", bidirectional=True)}, "reads both ways"),
        ({"language_model": 99}, "at most 20"),
        ({"convolution": 10**9}, "`convolution` is at most 1024, but is 1000000000. Lower it"),
        ({"augmentation": "frame"}, "Did you mean 'frames'"),
        ({"dropout": 1.0}, "`dropout`"),
        ({"media": "wav"}, r"whorl\.Audio"),
        ({"tokens": whorl.Audio()}, r"whorl\.Text"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, match):
    with pytest.raises(ArgumentError, match=match):
        whorl.Transcriber(**settings)


def test_rivals_say_the_most_frequent_text_and_the_most_frequent_word_of_each_place():
    texts = ["a b", "a c", "a c", "b d e", "b b"]
    assert constant_answers(texts) == ("a c", "a b")
    assert constant_answers([]) == ("", "")


def test_unknown_letters_of_new_texts_are_errors_and_no_end(fitted):
    x, texts = examples(4, seed=2)
    found = fitted.evaluate((x, ["ß?" + text for text in texts]))
    assert found.metrics["wer"] > 0.3
    assert np.isfinite(found.metrics["nll"])
