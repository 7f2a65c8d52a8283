"""Pairs of training that a model keeps, for the naive rival that answers with the target of the most similar source."""

import math
import re
from collections import Counter
from collections.abc import Iterable
from collections.abc import Sequence as List
from functools import cached_property
from typing import Self

import numpy as np

from whorl.codecs.numeric import require_array
from whorl.errors import ModelFileError

# More make model files larger than they are worth; they are taken evenly.
MOST_PAIRS = 4000

_WORD = re.compile(r"\w+")


class PairMemory:
    """Pairs of texts, found by the words of a source: cosine of TF-IDF (Salton & Buckley 1988, 'nfc' weights).

    They are for the naive rival, and for answers that are recalled.

    Args:
        sources: what was read.
        targets: what belongs to each.
    """

    def __init__(self, sources: List[str], targets: List[str]) -> None:
        self.sources, self.targets = tuple(sources), tuple(targets)

    @classmethod
    def of(cls, sources: List[str], targets: List[str]) -> Self:
        """Keeps some of the pairs of training."""
        chosen = np.unique(np.linspace(0, len(sources) - 1, min(len(sources), MOST_PAIRS)).astype(np.int64)).tolist()
        return cls([sources[n] for n in chosen], [targets[n] for n in chosen])

    def nearest(self, source: str) -> tuple[str, float]:
        """The target of the most similar source, and how similar it is, from 0 to 1; the first where no word is known.

        Words that no source has tell against all of them.
        """
        scores, own = np.zeros(len(self.sources)), Counter(_words(source))
        for word, count in own.items():
            places, weights = self._postings.get(word, _NOTHING)
            scores[places] += count * self._rarity.get(word, 0.0) * weights
        unknown = math.log(1 + len(self.sources)) + 1.0
        size = math.sqrt(sum((count * self._rarity.get(word, unknown)) ** 2 for word, count in own.items()))
        best = int(scores.argmax())
        return self.targets[best], float(scores[best]) / size if size else 0.0

    @cached_property
    def kept_words(self) -> int | None:
        """How many words a target has, where that is less than half of what a source has; else None."""
        counts = [sum(len(text.split()) for text in side) / len(side) for side in (self.targets, self.sources)]
        return max(1, round(counts[0])) if 2 * counts[0] < counts[1] else None

    def _weighted(self, text: str) -> dict[str, float]:
        counts = Counter(_words(text))
        return {word: count * self._rarity.get(word, 0.0) for word, count in counts.items()}

    @cached_property
    def _rarity(self) -> dict[str, float]:
        found = Counter(word for source in self.sources for word in set(_words(source)))
        return {word: math.log((1 + len(self.sources)) / (1 + count)) + 1.0 for word, count in found.items()}

    @cached_property
    def _postings(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Word -> the sources that have it, and its weight in each, of vectors of length 1."""
        places: dict[str, list[int]] = {}
        weights: dict[str, list[float]] = {}
        for n, source in enumerate(self.sources):
            own = self._weighted(source)
            size = math.sqrt(sum(weight * weight for weight in own.values()))
            for word, weight in own.items():
                places.setdefault(word, []).append(n)
                weights.setdefault(word, []).append(weight / size)
        return {word: (np.array(places[word]), np.array(weights[word])) for word in places}

    def arrays(self) -> dict[str, np.ndarray]:
        """The texts as utf-8 bytes, and where each ends."""
        return {**packed("sources", self.sources), **packed("targets", self.targets)}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        """The way back; raises ModelFileError on any mismatch."""
        sources, targets = unpacked("sources", arrays), unpacked("targets", arrays)
        if len(arrays) != 4 or len(sources) != len(targets) or not sources:
            raise ModelFileError("The model file is damaged: the pairs that it keeps do not fit each other.")
        return cls(sources, targets)


_NOTHING = (np.empty(0, np.int64), np.empty(0))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def packed(name: str, texts: Iterable[str]) -> dict[str, np.ndarray]:
    """Texts as utf-8 bytes, and where each ends."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    return {f"{name}.bytes": np.frombuffer(b"".join(encoded), np.uint8), f"{name}.ends": ends}


def unpacked(name: str, arrays: dict[str, np.ndarray]) -> list[str]:
    """The way back; raises ModelFileError where offsets and bytes do not fit."""
    data, ends = require_array(arrays, f"{name}.bytes", np.uint8), require_array(arrays, f"{name}.ends", np.int64)
    starts = np.concatenate([[0], ends])[:-1]
    if (int(ends[-1]) if len(ends) else 0) != len(data) or (ends < starts).any():
        raise ModelFileError("The model file is damaged: the offsets of its pairs do not fit their bytes.")
    raw = data.tobytes()
    try:
        return [
            raw[start:end].decode("utf-8", "surrogatepass")
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]
    except UnicodeDecodeError:
        raise ModelFileError("The model file is damaged: a pair that it keeps is not UTF-8.") from None
