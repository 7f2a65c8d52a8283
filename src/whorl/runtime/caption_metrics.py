"""CIDEr-D: how much a caption agrees with what several people wrote of the same picture (Vedantam et al. 2015)."""

import math
import re
from collections import Counter
from collections.abc import Sequence

_LONGEST = 4  # words of an n-gram
_SPREAD = 6.0  # sigma of eq. 4, in words
_WORD = re.compile(r"\w+")

Gram = tuple[str, ...]


def cider(answers: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """CIDEr-D of captions: the mean over pictures of eq. 3 with eq. 4, from 0 to 10.

    Words are read in lower case and without punctuation, and are not stemmed. How telling an n-gram is goes by how many
    of these pictures have it in their references, so the number depends on the pictures, and of a single one it is 0.
    Counts of n-grams are not divided by the length of the caption, as in the scorer that the authors published: before
    the minimum of eq. 4 that makes a difference.

    Args:
        answers: a caption for each picture.
        references: what people wrote of each.
    """
    wanted = [[_counts(text) for text in texts] for texts in references]
    found = Counter(gram for texts in wanted for gram in {gram for counts in texts for gram in counts})
    rarity = {gram: math.log(len(references) / count) for gram, count in found.items()}
    unknown = math.log(max(1, len(references)))  # of what no reference has
    total = 0.0
    for answer, texts in zip(answers, wanted, strict=True):
        own = _weighted(_counts(answer), rarity, unknown)
        each = [_agreement(own, _weighted(counts, rarity, unknown)) for counts in texts]
        total += math.fsum(each) / len(each)
    return total / len(answers)


class _Caption:
    """Weights of the n-grams of a caption, by their length, with the norm of each, and how many words there are."""

    def __init__(self, weights: list[dict[Gram, float]], num_words: int) -> None:
        self.weights, self.num_words = weights, num_words
        self.norms = [math.sqrt(math.fsum(w * w for w in one.values())) for one in weights]


def _counts(text: str) -> Counter[Gram]:
    words = _WORD.findall(text.lower())
    return Counter(tuple(words[n : n + size]) for size in range(1, _LONGEST + 1) for n in range(len(words) - size + 1))


def _weighted(counts: Counter[Gram], rarity: dict[Gram, float], unknown: float) -> _Caption:
    """Eq. 1."""
    weights: list[dict[Gram, float]] = [{} for _ in range(_LONGEST)]
    for gram, count in counts.items():
        weights[len(gram) - 1][gram] = count * rarity.get(gram, unknown)
    return _Caption(weights, sum(count for gram, count in counts.items() if len(gram) == 1))


def _agreement(own: _Caption, other: _Caption) -> float:
    """Eq. 4 for one reference, the mean over lengths of n-grams (eq. 3)."""
    total = 0.0
    for n in range(_LONGEST):
        norms = own.norms[n] * other.norms[n]
        if norms:
            theirs = other.weights[n]
            shared = (min(w, theirs[gram]) * theirs[gram] for gram, w in own.weights[n].items() if gram in theirs)
            total += math.fsum(shared) / norms
    apart = own.num_words - other.num_words
    return 10.0 * math.exp(-(apart**2) / (2.0 * _SPREAD**2)) * total / _LONGEST
