"""Metrics of texts that were written, against those that should have been."""

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from whorl.errors import MissingExtraError
from whorl.runtime.caption_metrics import cider
from whorl.runtime.prediction import Prediction, Rows
from whorl.runtime.rouge import RougeWords

# What should have been written, or several texts that would be as good.
Truth = str | tuple[str, ...]
Measure = Callable[[Sequence[str], Sequence[Truth]], dict[str, float]]


def alternatives(truth: Truth) -> tuple[str, ...]:
    """All that would be as good; an answer is compared with the one that is nearest to it."""
    return (truth,) if isinstance(truth, str) else truth


def caption(answers: Sequence[str], truths: Sequence[Truth]) -> dict[str, float]:
    """BLEU as of `translation`, and CIDEr-D (Vedantam et al. 2015), from 0 to 10: agreement with what all wrote."""
    known = [alternatives(truth) for truth in truths]
    return {"bleu": _bleu(answers, known, spaced=True), "cider": cider(answers, known)}


def translation(answers: Sequence[str], truths: Sequence[Truth]) -> dict[str, float]:
    """BLEU (Papineni et al. 2002) and chrF (Popovic 2015) of whole corpora, from 0 to 100.

    By sacrebleu: cased, on detokenised text, with its standard tokens (13a), against all alternatives of each truth.
    """
    known = [alternatives(truth) for truth in truths]
    bleu = _bleu(answers, known)
    from sacrebleu.metrics.chrf import CHRF

    return {"bleu": bleu, "chrf": float(CHRF().corpus_score(answers, _sets(known)).score)}


def _bleu(answers: Sequence[str], known: Sequence[tuple[str, ...]], *, spaced: bool = False) -> float:
    """BLEU; where people put spaces before full stops, as in captions, nobody is told that this is odd."""
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError:
        raise MissingExtraError("sacrebleu", "text", "to score texts") from None
    return float(BLEU(force=spaced).corpus_score(answers, _sets(known)).score)


def _sets(known: Sequence[tuple[str, ...]]) -> list[list[str]]:
    """The first alternative of each truth, the second of each, and so on; sacrebleu reads an empty one as none."""
    return [[own[n] if n < len(own) else "" for own in known] for n in range(max(map(len, known)))]


def summary(answers: Sequence[str], truths: Sequence[Truth]) -> dict[str, float]:
    """ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004), each the mean F1 over texts, from 0 to 100.

    By rouge-score: lower case, words cut to their stems (Porter 1980), those of other letters than a to z whole, see
    `RougeWords`; ROUGE-L of a text as one sentence.
    """
    try:
        from rouge_score.rouge_scorer import RougeScorer

        words = RougeWords()
    except ImportError:
        raise MissingExtraError("rouge-score", "text", "to score texts") from None
    kinds = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL"}
    scorer = RougeScorer(list(kinds.values()), tokenizer=words)
    found = [
        [scorer.score(one, answer) for one in alternatives(truth)]
        for answer, truth in zip(answers, truths, strict=True)
    ]
    return {
        name: 100.0 * math.fsum(max(one[kind].fmeasure for one in own) for own in found) / len(found)
        for name, kind in kinds.items()
    }


def transcript(answers: Sequence[str], truths: Sequence[Truth]) -> dict[str, float]:
    """Words, and characters, that must be put in, taken out or replaced, over those of the truths, by jiwer.

    Errors and lengths are added up over all texts; of several that may be true the first counts. Truths without a word
    count as one each, lest nothing is divided by.
    """
    try:
        from jiwer import process_characters, process_words
    except ImportError:
        raise MissingExtraError("jiwer", "audio", "to score transcripts") from None
    found, said = {}, [alternatives(truth)[0] for truth in truths]
    for name, process in (("wer", process_words), ("cer", process_characters)):
        own = process(said, list(answers))
        errors, there = own.substitutions + own.deletions + own.insertions, own.hits + own.substitutions + own.deletions
        found[name] = errors / max(1, there)
    return found


_WORD = re.compile(r"\w+")


def reply(answers: Sequence[str], truths: Sequence[Truth]) -> dict[str, float]:
    """Overlap with what was really replied, and how much replies differ from each other.

    `word_f1` is the mean over replies of the harmonic mean of precision and recall of their words, in lower case and
    without punctuation; `distinct_1` and `distinct_2` are different words, and pairs of neighbouring words, over all of
    them (Li et al. 2016, section 5).
    """
    words = [_WORD.findall(text.lower()) for text in answers]
    scores = [
        max(_overlap(own, _WORD.findall(one.lower())) for one in alternatives(truth))
        for own, truth in zip(words, truths, strict=True)
    ]
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


# Up to this share of unknown tokens what they hide weighs little in figures by the character.
_FEW_UNKNOWN = 0.01


def likelihood(nats: float, num_tokens: int, num_characters: int, num_unknown: int = 0) -> dict[str, float]:
    """What the summed surprise of texts is by the token and by the character; without either, nothing of it.

    An unknown token costs little and hides its characters, so the fewer tokens a model knows the better it would look:
    where there are some, their share is told, and where there are many, nothing by the character.
    """
    found = {}
    if num_tokens:
        found = {"nll": nats / num_tokens, "perplexity": math.exp(min(nats / num_tokens, 700.0))}
    if num_unknown:
        found["unknown"] = num_unknown / num_tokens
    if num_characters and num_unknown <= _FEW_UNKNOWN * num_tokens:
        each = nats / num_characters
        found |= {"nats_per_character": each, "bits_per_character": each / math.log(2.0)}
    return found


class TextScores:
    """Texts and truths of all answers, scored together.

    Keys of `result()`: those of the measure where texts are known; where the probabilities of tokens are, nll, the mean
    negative log-probability of a token of the truth, in nats; perplexity, its exponential; unknown, the share of tokens
    of the truth that the model does not know, where there are any; and, where these are at most 1 %, nats_per_character
    and bits_per_character, which compare models whatever their tokens are. A text's end is a token without a character.

    Args:
        measure: compares texts.
    """

    def __init__(self, measure: Measure = translation) -> None:
        self._measure = measure
        self._answers: list[str] = []
        self._truths: list[Truth] = []
        self._nats, self._tokens, self._characters, self._unknown = 0.0, 0, 0, 0

    def add(self, prediction: Prediction, target: Rows) -> None:
        """Adds answers and their truths, a list of texts each; a truth may be several texts."""
        self.update(prediction.value, target)

    def update(self, answers: Sequence[str], truths: Sequence[Truth]) -> None:
        """Adds texts."""
        self._answers += answers
        self._truths += truths

    def add_tokens(self, log_probabilities: np.ndarray, num_characters: int, num_unknown: int = 0) -> None:
        """Adds log-probabilities of the tokens of a truth, (T,), and how many characters and unknown tokens it has."""
        self._nats -= float(log_probabilities.sum())
        self._tokens += len(log_probabilities)
        self._characters += num_characters
        self._unknown += num_unknown

    def result(self) -> dict[str, float]:
        """The metrics; empty when nothing was answered."""
        found = self._measure(self._answers, self._truths) if self._answers else {}
        return {**found, **likelihood(self._nats, self._tokens, self._characters, self._unknown)}

    def steps(self) -> dict[str, np.ndarray]:
        """Nothing: an answer is a whole text."""
        return {}
