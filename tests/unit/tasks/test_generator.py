"""A Generator: what it learns from, how it is asked, and what it answers."""

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

import whorl
from whorl.codecs.alphabet import END, UNKNOWN_TEXT
from whorl.errors import ArgumentError, DataError, ModelFileError
from whorl.plans.heads import Point
from whorl.plans.wiring import Strips
from whorl.runtime.class_readout import CategoricalReadout
from whorl.runtime.consistency import check_parts
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.token_metrics import TokenScores

TINY = whorl.Recurrent("gru", hidden_size=9)
SHORT = whorl.Training(epochs=2, batch_size=4, tbptt_steps=13, seed=0)


def generator(**settings):
    return whorl.Generator(**{"network": TINY, "training": SHORT, **settings})


@pytest.fixture(scope="module")
def poems():
    return generator().fit(["ab ab ab.", "ba, ba!", "Übel"] * 9, verbose=False)


@pytest.fixture(scope="module")
def stream_of_text(tmp_path_factory):
    path = Path(tmp_path_factory.mktemp("text")) / "one.txt"
    path.write_text("the cat sat on the mat. " * 40)
    return generator().fit(path, verbose=False), path


def test_each_prompt_has_a_text_that_follows_it(poems):
    found = poems.predict(["ab", "", "Übel ab"], decoding=whorl.Sample(max_length=11, seed=4))
    assert len(found) == 3
    assert isinstance(found.value, list)
    assert all(isinstance(text, str) and len(text) <= 11 for text in found.value)
    assert found.score.shape == (3,)
    assert (found.score < 0).all()
    assert [record["value"] for record in found.to_records()] == found.value


def test_without_a_decoding_texts_are_drawn_the_same_each_time(poems):
    once, again = poems.predict(["ab"]), poems.predict(["ab"])
    assert once.value == again.value


def test_the_score_is_the_log_probability_of_what_follows(poems):
    found = poems.predict(["ab a"], decoding=whorl.Greedy(max_length=5))
    every = poems.predict(["ab a" + found.value[0]], every_row=True)
    shares = every.probabilities[4 : 4 + len(found.value[0])]
    codes = [every.classes.tolist().index(letter) for letter in found.value[0]]
    # The unknown and the begin never come: their share belongs to the others.
    allowed = 1 - every.probabilities[4 : 4 + len(codes), :2].sum(axis=1)
    ended = math.log(every.probabilities[-1, END] / (1 - every.probabilities[-1, :2].sum())) if len(codes) < 5 else 0.0
    expected = np.log(shares[np.arange(len(codes)), codes] / allowed).sum() + ended
    assert found.score[0] == pytest.approx(expected, abs=1e-5)


def test_a_stream_of_text_never_ends_and_documents_do(poems, stream_of_text):
    model, _ = stream_of_text
    drawn = model.predict([""] * 40, decoding=whorl.Sample(temperature=3.0, max_length=30))
    assert {len(text) for text in drawn.value} == {30}
    drawn = poems.predict([""] * 40, decoding=whorl.Sample(temperature=3.0, max_length=30))
    assert min(len(text) for text in drawn.value) < 30


def test_the_last_part_of_a_text_is_held_out_and_read_with_its_state(stream_of_text):
    model, path = stream_of_text
    text = path.read_text()
    card = model.model_.card["data"]
    assert card["training_tokens"] == 1 + 864  # the begin, and nine tenths of 960 characters
    every = model.predict([text], every_row=True)
    codes = [every.classes.tolist().index(letter) for letter in text]
    nats = -np.log(every.probabilities[np.arange(len(text)), codes])
    scores = model.model_.card["scores"]
    assert scores["answers"] == 96
    assert scores["metrics"]["nll"] == pytest.approx(nats[864:].mean(), rel=1e-6)
    found = model.evaluate(path)
    assert found.num_answers == len(text)
    assert found.metrics["nll"] == pytest.approx(nats.mean(), rel=1e-6)
    assert found.metrics["perplexity"] == pytest.approx(math.exp(nats.mean()))
    assert found.metrics["bits_per_character"] == pytest.approx(nats.mean() / math.log(2))


def test_files_of_a_folder_are_documents_that_end(tmp_path):
    for name in ("a.txt", "b.txt", "notes.md"):
        (tmp_path / name).write_text(f"{name[0]} and so on. " * 20)
    model = generator().fit(tmp_path, verbose=False)
    data = model.model_.card["data"]
    assert (data["documents"], data["tokens"]) == (2, 2 * (1 + 260 + 1))
    assert data["training_tokens"] == 2 * (1 + 234)  # nine tenths of each
    assert model.evaluate(tmp_path).num_answers == 2 * 261
    assert model.model_.reader.ends


def test_rivals_are_frequencies_of_the_training_part(stream_of_text):
    model, path = stream_of_text
    text = path.read_text()[:864]
    program = model.model_.baselines["bigram"]
    reader = model.model_.reader
    logits = Interpreter(program).run({"past": reader.past.text.encode("t")[None]})[0, 1, 0, 0]
    names = model.model_.reader.classes.tolist()
    share = math.exp(logits[names.index("h")])
    follows = text.count("th") / (text.count("t") - text.endswith("t"))
    assert share == pytest.approx(follows, abs=0.08)
    assert np.exp(logits).sum() == pytest.approx(1.0, abs=1e-5)
    assert set(model.model_.card["scores"]["baselines"]) == {"unigram", "bigram"}


def test_units_compare_by_the_character(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("It's größer, he said: größer!\n" * 30, encoding="utf-8")
    for unit in ("character", "byte", "word"):
        model = generator(tokens=whorl.Text(unit=unit)).fit(path, verbose=False)
        found = model.evaluate(path).metrics
        tokens = len(model.model_.reader.read(path, targets=True)[0]) - 1
        characters = found["nll"] * tokens / found["nats_per_character"]
        assert characters == pytest.approx(len(path.read_text(encoding="utf-8")), abs=1)


def test_byte_pairs_are_learned_too():
    pytest.importorskip("tokenizers")
    model = generator(tokens=whorl.Text(unit="bpe", most=300)).fit(["low lower lowest " * 5] * 21, verbose=False)
    assert model.predict(["low"], decoding=whorl.Greedy(max_length=4)).value[0] is not None
    assert model.wiring().shape.tied


def test_a_label_beside_the_text_changes_what_follows():
    table = {"text": ["aaaaaaaa", "bbbbbbbb"] * 12, "author": ["ann", "bob"] * 12}
    plan = whorl.Training(epochs=12, batch_size=4, tbptt_steps=9, learning_rate=0.03, seed=0)
    model = generator(condition="author", training=plan).fit(table, verbose=False)
    found = model.predict({"text": ["", ""], "author": ["ann", "bob"]}, decoding=whorl.Greedy(max_length=4))
    assert found.value == ["aaaa", "bbbb"]
    stream = model.stream()
    assert stream.push({"text": "", "author": "bob"})[0].value[0] == "b"


def test_a_stream_tells_the_most_likely_next_tokens(poems):
    stream, text = poems.stream(), "ab ab"
    every = poems.predict([text], every_row=True)
    assert stream.push("")[0].most_likely(3) == every.take(slice(0, 1)).most_likely(3)
    for n, letter in enumerate(text):
        (answer,) = stream.push(letter)
        ((first, share), *others) = answer.most_likely(4)[0]
        assert (first, share) == (every.value[n + 1], every.probabilities[n + 1].max())
        assert len(others) == 3
        assert [one for _, one in others] == sorted((one for _, one in others), reverse=True)


def test_only_labels_have_most_likely_ones(poems):
    with pytest.raises(ArgumentError, match="`most_likely` is of labels"):
        poems.predict(["a"]).most_likely()


def test_decodings_are_for_answers_that_are_sequences(poems):
    with pytest.raises(ArgumentError, match="`decoding` must be whorl"):
        poems.predict(["a"], decoding="greedy")
    with pytest.raises(ArgumentError, match="with `every_row` are not"):
        poems.predict(["a"], decoding=whorl.Greedy(), every_row=True)
    with pytest.raises(ArgumentError, match="`known` was given"):
        poems.predict(["a"], known=[])
    forecaster = whorl.Regressor(network=TINY, training=SHORT).fit((np.ones((20, 3, 1)), np.arange(20.0)))
    with pytest.raises(ArgumentError, match="those of this regress model are not"):
        forecaster.predict(np.ones((1, 3, 1)), decoding=whorl.Greedy())


def test_an_unfinished_text_of_words_keeps_its_spaces():
    model = generator(tokens=whorl.Text(unit="word")).fit(["one two three four."] * 24, verbose=False)
    reader = model.model_.reader
    found = model.predict(["one two"], decoding=whorl.Beam(width=2, max_length=3))
    whole = "one two" + found.value[0]
    assert reader.text(reader.past.text.encode(whole)[:, 0]) == whole


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tokens": "character"}, r"`tokens` is a whorl.Text"),
        ({"condition": "text"}, "`text` and `condition` are both 'text'"),
        ({"embedding_size": 0}, "`embedding_size` is a whole number >= 1"),
        ({"dropout": 1.0}, r"`dropout` is a probability in \[0, 1\)"),
        ({"network": whorl.Recurrent("gru", bidirectional=True)}, "`network` reads both ways"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ArgumentError, match=message):
        generator(**settings)


@pytest.mark.parametrize("validation", [30, 24])
def test_not_all_can_be_held_out(validation):
    with pytest.raises(DataError, match="there are 24 documents"):
        generator(training=whorl.Training(epochs=1, validation=validation)).fit(["abc"] * 24, verbose=False)
    with pytest.raises(DataError, match="has 12 characters"):
        generator(training=whorl.Training(epochs=1, validation=validation)).fit(["abc" * 4], verbose=False)


def test_time_alone_ends_a_run_of_limited_time():
    _, plan = generator(training=whorl.Training(max_seconds=5)).resolved(1_000_000, 1)
    assert plan.epochs * 1_000_000 > 1e10
    _, plan = generator(training=whorl.Training()).resolved(1_000_000, 1)
    assert 2 <= plan.epochs <= 40


def test_nats_are_those_of_the_tokens_that_came(poems):
    scores = TokenScores(poems.model_.reader)
    assert scores.result() == {}
    size = len(poems.model_.reader.classes)
    probabilities = np.full((3, size), 1 / size)
    codes = poems.model_.reader.outputs.codes(np.array(["a", None, "<end>"], object))
    scores.update(probabilities, codes)
    found = scores.result()
    assert found["nll"] == pytest.approx(math.log(size))
    assert found["nats_per_character"] == pytest.approx(2 * math.log(size))  # the end has no character
    assert found["accuracy"] == 0.0


@pytest.mark.parametrize(("strange", "by_character"), [(1, True), (3, False)])
def test_unknown_tokens_are_told_and_make_no_text_short(poems, strange, by_character):
    """Of 100 tokens; one that is unknown is likely, whatever its characters are."""
    scores, size = TokenScores(poems.model_.reader), len(poems.model_.reader.classes)
    names = np.array(["a"] * (100 - strange) + [UNKNOWN_TEXT] * strange, object)
    scores.update(np.full((100, size), 1 / size), poems.model_.reader.outputs.codes(names))
    found = scores.result()
    assert found["unknown"] == pytest.approx(strange / 100)
    assert found["nll"] == pytest.approx(math.log(size))
    assert {"nats_per_character" in found, "bits_per_character" in found} == {by_character}


def test_scores_tell_the_share_of_unknown_tokens(poems):
    assert "unknown" not in poems.evaluate(["ab ab."]).metrics
    found = poems.evaluate(["ab xyz"])
    assert found.metrics["unknown"] == pytest.approx(3 / 7)  # the end is a token
    assert {rival["unknown"] for rival in found.baseline.values()} == {found.metrics["unknown"]}


def test_a_model_file_whose_parts_are_of_other_shapes_is_refused(poems):
    model = poems.model_
    parts = (model.readout, model.engine.program, model.baselines, None)
    check_parts(model.wiring, model.reader, *parts)
    wiring, other = model.wiring, whorl.Classifier().wiring()
    wrong = [
        msgspec.structs.replace(wiring, shape=other.shape),
        msgspec.structs.replace(wiring, pairing=other.pairing),
        msgspec.structs.replace(wiring, pairing=Strips(warm_up=2, horizon=1)),
        msgspec.structs.replace(wiring, head=Point()),
    ]
    for one in wrong:
        with pytest.raises(ModelFileError, match="do not fit each other"):
            check_parts(one, model.reader, *parts)
    with pytest.raises(ModelFileError, match="readout is of another shape"):
        check_parts(wiring, model.reader, CategoricalReadout(), *parts[1:])
    with pytest.raises(ModelFileError, match="needs a reader of running text"):
        model.readout.scores(None)
