"""The words of ROUGE: as rouge-score has them in ASCII, and there are some in every script."""

import pytest
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import DefaultTokenizer

from whorl.runtime import text_metrics
from whorl.runtime.rouge import RougeWords

ASCII = [
    "The quick brown foxes were jumping over 13 lazy dogs' backs.",
    "Don't panic: state-of-the-art summaries, e.g. re_written ones, cost $3.50!",
    "NATIONALITIES and nationality; ties, tied, tying",
    "a_b c__d _ 4x4 1,000 (twice)",
    "",
    "...",
]


@pytest.mark.parametrize("text", ASCII)
def test_words_of_ascii_are_those_of_rouge_score_within_any_text(text):
    wanted = DefaultTokenizer(use_stemmer=True).tokenize(text)
    assert RougeWords().tokenize(text) == wanted
    assert RougeWords().tokenize(f"{text} größe") == [*wanted, "größe"]


def test_scores_of_ascii_are_those_of_rouge_score():
    answers, truths = ASCII[:3], [ASCII[0][:30], "rewriting of summary states", "national ties were tied"]
    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    wanted = [scorer.score(truth, answer)["rougeL"].fmeasure for answer, truth in zip(answers, truths, strict=True)]
    assert text_metrics.summary(answers, truths)["rouge_l"] == pytest.approx(100 * sum(wanted) / 3)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Größe, Grüße", ["größe", "grüße"]),
        ("Gru\u0308ße", ["grüße"]),
        ("Собаки лаяли.", ["собаки", "лаяли"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("東京・カフェで、3 cats", ["東", "京", "カ", "フ", "ェ", "で", "3", "cat"]),
        ("안녕하세요 세계!", ["안녕하세요", "세계"]),
        ("مرحبا بالعالم", ["مرحبا", "بالعالم"]),
    ],
)
def test_every_script_has_words(text, wanted):
    assert RougeWords().tokenize(text) == wanted
    assert text_metrics.summary([text], [text])["rouge_1"] == pytest.approx(100.0)


def test_what_differs_in_an_accent_is_another_word():
    assert text_metrics.summary(["Größe"], ["Grüße"])["rouge_l"] == 0.0
