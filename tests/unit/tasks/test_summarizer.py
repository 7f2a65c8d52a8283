"""Summarizer: what differs from a Translator is how texts are scored, and by what they are judged."""

import sys

import pytest

import whorl
from whorl.errors import ArgumentError, MissingExtraError
from whorl.runtime import text_metrics

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
    assert reader.rivals(["one two three four five"])["start of the source"] == ["one two three"]


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
