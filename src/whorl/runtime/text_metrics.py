"""Metrics of texts that were written, against those that should have been."""

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from whorl.errors import MissingExtraError
from whorl.runtime.prediction import Prediction, Rows

Measure = Callable[[Sequence[str], Sequence[str]], dict[str, float]]


def translation(answers: Sequence[str], truths: Sequence[str]) -> dict[str, float]:
    """BLEU (Papineni et al. 2002) and chrF (Popovic 2015) of whole corpora, from 0 to 100.

    By sacrebleu: cased, on detokenised text, with its standard tokens (13a).
    """
    try:
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF
    except ImportError:
        raise MissingExtraError("sacrebleu", "text", "to score texts") from None
    return {
        "bleu": float(BLEU().corpus_score(answers, [truths]).score),
        "chrf": float(CHRF().corpus_score(answers, [truths]).score),
    }


def summary(answers: Sequence[str], truths: Sequence[str]) -> dict[str, float]:
    """ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004), each the mean F1 over texts, from 0 to 100.

    By rouge-score: lower case, words cut to their stems (Porter 1980); ROUGE-L of a text as one sentence.
    """
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        raise MissingExtraError("rouge-score", "text", "to score texts") from None
    kinds = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL"}
    scorer = RougeScorer(list(kinds.values()), use_stemmer=True)
    found = [scorer.score(truth, answer) for answer, truth in zip(answers, truths, strict=True)]
    return {name: 100.0 * math.fsum(one[kind].fmeasure for one in found) / len(found) for name, kind in kinds.items()}


def transcript(answers: Sequence[str], truths: Sequence[str]) -> dict[str, float]:
    """Words, and characters, that must be put in, taken out or replaced, over those of the truths, by jiwer.

    Errors and lengths are added up over all texts. Truths without a word count as one each, lest nothing is divided by.
    """
    try:
        from jiwer import process_characters, process_words
    except ImportError:
        raise MissingExtraError("jiwer", "audio", "to score transcripts") from None
    found = {}
    for name, process in (("wer", process_words), ("cer", process_characters)):
        own = process(list(truths), list(answers))
        errors, there = own.substitutions + own.deletions + own.insertions, own.hits + own.substitutions + own.deletions
        found[name] = errors / max(1, there)
    return found


_WORD = re.compile(r"\w+")


def reply(answers: Sequence[str], truths: Sequence[str]) -> dict[str, float]:
    """Overlap with what was really replied, and how much replies differ from each other.

    `word_f1` is the mean over replies of the harmonic mean of precision and recall of their words, in lower case and
    without punctuation; `distinct_1` and `distinct_2` are different words, and pairs of neighbouring words, over all of
    them (Li et al. 2016, section 5).
    """
    words = [_WORD.findall(text.lower()) for text in answers]
    scores = [_overlap(own, _WORD.findall(truth.lower())) for own, truth in zip(words, truths, strict=True)]
    pairs = [pair for own in words for pair in itertools.pairwise(own)]
    singles = [word for own in words for word in own]
    return {
        "word_f1": math.fsum(scores) / len(scores),
        "distinct_1": len(set(singles)) / max(1, len(singles)),
        "distinct_2": len(set(pairs)) / max(1, len(pairs)),
    }


def _overlap(own: list[str], wanted: list[str]) -> float:
    shared = (Counter(own) & Counter(wanted)).total()
    return 2 * shared / (len(own) + len(wanted)) if shared else 0.0


def likelihood(nats: float, num_tokens: int, num_characters: int) -> dict[str, float]:
    """What the summed surprise of texts is by the token and by the character; without either, nothing of it."""
    found = {}
    if num_tokens:
        found = {"nll": nats / num_tokens, "perplexity": math.exp(min(nats / num_tokens, 700.0))}
    if num_characters:
        each = nats / num_characters
        found |= {"nats_per_character": each, "bits_per_character": each / math.log(2.0)}
    return found


class TextScores:
    """Texts and truths of all answers, scored together.

    Keys of `result()`: those of the measure where texts are known; where the probabilities of tokens are, nll, the mean
    negative log-probability of a token of the truth, in nats; perplexity, its exponential; and nats_per_character and
    bits_per_character, which compare models whatever their tokens are. A text's end is a token without a character.

    Args:
        measure: compares texts.
    """

    def __init__(self, measure: Measure = translation) -> None:
        self._measure = measure
        self._answers: list[str] = []
        self._truths: list[str] = []
        self._nats, self._tokens, self._characters = 0.0, 0, 0

    def add(self, prediction: Prediction, target: Rows) -> None:
        """Adds answers and their truths, a list of texts each."""
        self.update(prediction.value, target)

    def update(self, answers: Sequence[str], truths: Sequence[str]) -> None:
        """Adds texts."""
        self._answers += answers
        self._truths += truths

    def add_tokens(self, log_probabilities: np.ndarray, num_characters: int) -> None:
        """Adds the log-probabilities of the tokens of a truth, (T,), which has so many characters."""
        self._nats -= float(log_probabilities.sum())
        self._tokens += len(log_probabilities)
        self._characters += num_characters

    def result(self) -> dict[str, float]:
        """The metrics; empty when nothing was answered."""
        found = self._measure(self._answers, self._truths) if self._answers else {}
        return {**found, **likelihood(self._nats, self._tokens, self._characters)}

    def steps(self) -> dict[str, np.ndarray]:
        """Nothing: an answer is a whole text."""
        return {}
