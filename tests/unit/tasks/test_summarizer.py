"""Summarizer: what differs from a Translator is how texts are scored, and by what they are judged."""

import sys

import numpy as np
import pytest

import whorl
from whorl.errors import ArgumentError, MissingExtraError, ModelFileError
from whorl.runtime import text_metrics
from whorl.runtime.recall import best_threshold
from whorl.runtime.text_readout import SummaryReadout

NETWORK = whorl.Recurrent("gru", hidden_size=8)
TEXTS = [f"Dear all, the meeting of {day} is moved to the large room." for day in ("Monday", "Friday", "today")] * 8
TITLES = [f"meeting of {day}" for day in ("Monday", "Friday", "today")] * 8


@pytest.fixture(scope="module")
def model():
    training = whorl.Training(epochs=2, batch_size=8, device="cpu", validation=0.25)
    tokens = whorl.Text(unit="word")
    made = whorl.Summarizer(source="body", target="subject", tokens=tokens, network=NETWORK, training=training)
    return made.fit((TEXTS, TITLES), verbose=False)


def test_scores_are_rouge_beside_starts_and_similar_texts(model, tmp_path):
    found = model.evaluate((TEXTS[:6], TITLES[:6]))
    of_tokens = {"nll", "perplexity", "nats_per_character", "bits_per_character"}
    assert set(found.metrics) == {"rouge_1", "rouge_2", "rouge_l", *of_tokens}
    assert set(found.baseline) == {"start of the source", "nearest pair"}
    assert found.baseline["nearest pair"]["rouge_l"] == pytest.approx(100.0)
    assert found.prediction.names == ("subject",)
    model.report(tmp_path / "r.html")
    assert "Summaries: subject" in (tmp_path / "r.html").read_text()


def test_a_start_has_as_many_words_as_a_summary_has(model):
    reader = model.model_.reader
    assert reader.rivals(reader.encode(["one two three four five"]))["start of the source"] == ["one two three"]


def test_a_saved_summarizer_is_one_again(model, tmp_path):
    model.save(tmp_path / "m.whorl")
    loaded = whorl.load(tmp_path / "m.whorl")
    assert isinstance(loaded, whorl.Summarizer)
    assert loaded.predict(TEXTS[:3]).value == model.predict(TEXTS[:3]).value
    assert set(loaded.evaluate((TEXTS[:2], TITLES[:2])).metrics) >= {"rouge_l"}


def test_rouge_is_the_mean_f1_over_texts():
    found = text_metrics.summary(["the cats sat", "nothing here"], ["the cat sat down", "of all that"])
    # Of the first: 3 of 3 words and 3 of 4, stems alike; 2 of 2 pairs and 2 of 3. Of the second nothing.
    assert found["rouge_1"] == pytest.approx(100 * (2 * 3 / 7) / 2)
    assert found["rouge_2"] == pytest.approx(100 * (2 * 2 / 5) / 2)
    assert found["rouge_l"] == pytest.approx(found["rouge_1"])


def test_a_missing_extra_is_one_line(monkeypatch):
    for name in [*(name for name in sys.modules if name.startswith("rouge_score")), "rouge_score.rouge_scorer"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r'whorl\[text\]"$'):
        text_metrics.summary(["a"], ["a"])


def test_settings_are_those_of_a_translator():
    assert whorl.Summarizer().longest == 400
    with pytest.raises(ArgumentError, match="`attention`"):
        whorl.Summarizer(attention="hard")


@pytest.fixture(scope="module")
def recalling():
    training = whorl.Training(epochs=1, batch_size=8, device="cpu", validation=0.25)
    made = whorl.Summarizer(tokens=whorl.Text(unit="word"), network=NETWORK, training=training, recall=True)
    return made.fit((TEXTS, TITLES), verbose=False)


def test_what_training_has_is_recalled_where_the_network_writes_worse(recalling):
    """After one epoch it does: of the texts that are held out training has the same ones, with their titles."""
    assert 0 < recalling.model_.readout.recall < 1
    assert "decided what is recalled" in recalling.model_.readout.calibration
    found = recalling.predict([TEXTS[0], "Something else altogether."])
    assert found.value[0] == TITLES[0]
    assert np.isnan(found.score).tolist() == [True, False]
    assert recalling.evaluate((TEXTS[:6], TITLES[:6])).metrics["rouge_l"] == pytest.approx(100.0)


def test_what_is_not_recalled_begins_as_the_text_where_that_is_better():
    """Titles are the first six words, and no two texts are alike: a network of one epoch cannot write them."""
    words = [a + b for a in "abcdefgh" for b in "aeiou"]
    random = np.random.default_rng(0)
    texts = [" ".join(random.permutation(words)[:15]) for _ in range(40)]
    titles = [" ".join(text.split()[:6]) for text in texts]
    training = whorl.Training(epochs=1, batch_size=8, device="cpu", validation=0.25)
    made = whorl.Summarizer(tokens=whorl.Text(unit="word"), network=NETWORK, training=training, recall=True)
    model = made.fit((texts, titles), verbose=False)
    assert model.model_.readout.start == 6
    text = " ".join(words[5:20]) + "\nand a second line"
    assert model.predict([text]).value == [" ".join(words[5:11])]
    stream = model.stream()
    stream.push(text)
    assert stream.flush()[0].value == [" ".join(words[5:11])]


def test_a_stream_and_a_file_recall_the_same(recalling, tmp_path):
    recalling.save(tmp_path / "m.whorl")
    loaded = whorl.load(tmp_path / "m.whorl")
    assert loaded.model_.readout.recall == recalling.model_.readout.recall
    texts = [TEXTS[1], "Dear all, the room of Monday is moved.", "Nothing of it"]
    assert loaded.predict(texts).value == recalling.predict(texts).value
    for text in texts:
        stream = loaded.stream()
        pushed = [stream.push(piece) for piece in (text[:9], text[9:])]
        assert pushed == [[], []]
        assert stream.flush()[0].value == loaded.predict([text]).value


def test_what_gains_nothing_is_never_recalled(model):
    assert model.model_.readout.recall is None
    assert best_threshold(np.array([0.9, 0.5]), np.array([-1.0, 0.5])) == SummaryReadout.NEVER


@pytest.mark.parametrize(
    ("alike", "gains", "wanted"),
    [
        ([0.2, 0.8, 0.6], [-3.0, 2.0, 1.0], 0.4),
        ([0.8, 0.6], [1.0, 1.0], 0.3),
        # One of two that are equally similar cannot be recalled without the other.
        ([0.8, 0.8, 0.4], [3.0, -1.0, -1.0], 0.6),
        ([0.8, 0.8, 0.4], [3.0, -4.0, 0.5], SummaryReadout.NEVER),
        # What shares no word is never recalled.
        ([0.5, 0.0], [1.0, 0.1], 0.25),
        ([0.0, 0.0], [1.0, 1.0], SummaryReadout.NEVER),
    ],
)
def test_the_threshold_is_where_most_is_gained(alike, gains, wanted):
    assert best_threshold(np.array(alike), np.array(gains)) == pytest.approx(wanted)


def test_a_damaged_threshold_is_refused():
    wrongs = ([3.0, 0.0], [-1.0, 0.0], [0.5], [0.5, 7.0], [0.5, np.nan])
    for wrong in (*map(np.array, wrongs), np.array([0.5, 0.0], np.float32)):
        with pytest.raises(ModelFileError, match="`recall` of a readout is a similarity and a number of words"):
            SummaryReadout.restore({"temperature": np.ones(1), "recall": wrong})


def test_recall_is_on_or_off():
    with pytest.raises(ArgumentError, match="`recall` is True or False, but is 'yes'"):
        whorl.Summarizer(recall="yes")
