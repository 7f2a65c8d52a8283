"""Byte-pair encoding: the most frequent neighbours become one token, again and again, from single bytes on.

References:
    Sennrich, Haddow, Birch 2016, Neural Machine Translation of Rare Words with Subword Units; over bytes as in
    Radford et al. 2019, Language Models are Unsupervised Multitask Learners.
"""

import functools
import heapq
import json
import re
from collections.abc import Iterable, Iterator
from typing import ClassVar, Self

import numpy as np

from whorl.codecs.alphabet import (
    RESERVED,
    UNKNOWN_BYTE,
    Alphabet,
    Open,
    from_bytes,
    readable_bytes,
    to_bytes,
)
from whorl.codecs.normalisation import LONGEST, marks
from whorl.codecs.numeric import require_array
from whorl.errors import ArgumentError, MissingExtraError, ModelFileError

DEFAULT_SIZE = 8000
_BYTES = 256
# A piece has at most LONGEST characters and a space before them, of at most four bytes each.
_LONGEST_TOKEN = 4 * (LONGEST + 1)
# What a model file may ask for: tokens that double in length would fill any memory.
_MOST_MERGES = 2**20
_MOST_BYTES = 2**26
# Pieces whose codes are remembered: words come again and again, what is long does not.
_CACHED_PIECES, _LONGEST_CACHED = 1 << 16, 64


class BytePairs(Alphabet):
    """One code for each byte, and one for each pair of tokens that is joined.

    Args:
        merges: pairs of token numbers in the order in which they are joined, (m, 2). Numbers below 256 are bytes;
            a merge makes the next number, unless a token of the same bytes exists.
    """

    holds_back: ClassVar[bool] = True

    def __init__(self, merges: list[tuple[int, int]]) -> None:
        self.merges = merges
        self._tokens = [bytes([byte]) for byte in range(_BYTES)]
        self._ranks: dict[tuple[int, int], tuple[int, int]] = {}
        numbers = {token: number for number, token in enumerate(self._tokens)}
        total = 0
        for rank, (left, right) in enumerate(merges):
            if not (0 <= left < len(self._tokens) and 0 <= right < len(self._tokens)) or (left, right) in self._ranks:
                raise ModelFileError(f"The model file is damaged: merge {rank} of a text codec joins {left}, {right}.")
            token = self._tokens[left] + self._tokens[right]
            total += len(token)
            if len(token) > _LONGEST_TOKEN or total > _MOST_BYTES:
                raise ModelFileError(f"The model file is damaged: merge {rank} of a text codec makes too long a token.")
            number = numbers.setdefault(token, len(self._tokens))
            if number == len(self._tokens):
                self._tokens.append(token)
            self._ranks[left, right] = rank, number
        self._texts = [UNKNOWN_BYTE, b"", b"", *self._tokens]
        self._known: dict[str, list[int]] = {}

    @classmethod
    def fit(cls, texts: Iterable[str], most: int | None, least_count: int) -> Self:
        """Learns the merges; raises MissingExtraError without the tokenizers library.

        Args:
            texts: training texts.
            most: number of tokens, the 256 bytes among them.
            least_count: a pair is joined if it occurs this often, and at least twice.
        """
        size = DEFAULT_SIZE if most is None else most
        if size < _BYTES:
            raise ArgumentError(f"`most` is at least {_BYTES} for byte pairs, one for each byte, but {size} came.")
        try:
            from tokenizers import Tokenizer, models, pre_tokenizers, trainers
        except ImportError:
            raise MissingExtraError("tokenizers", "text", "to learn byte pairs") from None
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        trainer = trainers.BpeTrainer(
            vocab_size=size,
            min_frequency=max(2, least_count),
            initial_alphabet=[chr(_BYTES + byte) for byte in range(_BYTES)],
            show_progress=False,
        )
        tokenizer.train_from_iterator(_spelled(texts), trainer)
        numbers = {bytes([byte]): byte for byte in range(_BYTES)}
        merges = []
        for left, right in json.loads(tokenizer.to_str())["model"]["merges"]:
            pair = _unspelled(left), _unspelled(right)
            merges.append((numbers[pair[0]], numbers[pair[1]]))
            numbers.setdefault(pair[0] + pair[1], len(numbers))
        return cls(merges)

    @property
    def size(self) -> int:
        return RESERVED + len(self._tokens)

    def encode(self, text: str, held: Open, *, last: bool) -> tuple[np.ndarray, Open]:
        pieces = _piece_pattern().findall(held.text + text)
        rest = pieces.pop() if pieces and not last else ""
        made: list[int] = []
        for piece in pieces:
            made += self._codes_of(piece)
        return np.array(made, np.int64), Open(rest)

    def decode(self, codes: list[int]) -> str:
        return from_bytes([self._texts[code] for code in codes])

    def readable(self) -> list[str]:
        return [readable_bytes(token) for token in self._tokens]

    def arrays(self) -> dict[str, np.ndarray]:
        return {"merges": np.array(self.merges, np.int64).reshape(-1)}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        if set(arrays) != {"merges"}:
            raise ModelFileError(f"The text codec of the model file is damaged: its arrays are {sorted(arrays)}.")
        merges = require_array(arrays, "merges", np.int64)
        if len(merges) % 2 or len(merges) > 2 * _MOST_MERGES:
            raise ModelFileError(
                f"The model file is damaged: merges are pairs, at most {_MOST_MERGES}, but {len(merges)} numbers came."
            )
        return cls([(left, right) for left, right in merges.reshape(-1, 2).tolist()])

    def _codes_of(self, piece: str) -> list[int]:
        codes = self._known.get(piece)
        if codes is None:
            codes = [RESERVED + number for number in self._merged(to_bytes(piece))]
            if len(self._known) >= _CACHED_PIECES:
                self._known.clear()
            if len(piece) <= _LONGEST_CACHED:
                self._known[piece] = codes
        return codes

    def _merged(self, piece: bytes) -> list[int]:
        """Returns the tokens of a piece: the pair that was learned first is joined first, from left to right."""
        numbers, after = list(piece), list(range(1, len(piece) + 1))
        before = list(range(-1, len(piece) - 1))
        waiting: list[tuple[int, int, int, int]] = []

        def consider(at: int) -> None:
            if at >= 0 and after[at] < len(numbers):
                pair = numbers[at], numbers[after[at]]
                if (found := self._ranks.get(pair)) is not None:
                    heapq.heappush(waiting, (found[0], at, *pair))

        for at in range(len(numbers) - 1):
            consider(at)
        while waiting:
            _, at, left, right = heapq.heappop(waiting)
            following = after[at]
            # What was joined meanwhile is not there any more: a joined token has -1 at the place of its right part.
            if numbers[at] != left or following >= len(numbers) or numbers[following] != right:
                continue
            numbers[at], numbers[following] = self._ranks[left, right][1], -1
            after[at] = after[following]
            if after[at] < len(numbers):
                before[after[at]] = at
            consider(before[at])
            consider(at)
        return [number for number in numbers if number >= 0]


@functools.cache
def _piece_pattern() -> re.Pattern[str]:
    """What is never joined across: a word with the space before it, three digits, punctuation, white space."""
    letter = rf"(?:[^\W\d_]|[{marks()}])"
    return re.compile(
        rf"['’]{letter}{{1,{LONGEST}}}| ?{letter}{{1,{LONGEST}}}| ?\d{{1,3}}| ?(?:[^\s\w]|_){{1,{LONGEST}}}"
        # The last space of several belongs to the word after them.
        rf"|\s{{1,{LONGEST}}}(?!\S)|\s{{1,{LONGEST}}}"
    )


def _spelled(texts: Iterable[str]) -> Iterator[str]:
    """Pieces of texts as the trainer takes them: one letter for each byte, one space between pieces."""
    for text in texts:
        pieces = _piece_pattern().findall(text)
        yield " ".join([to_bytes(piece).decode("latin-1").translate(_LETTERS) for piece in pieces])


def _unspelled(text: str) -> bytes:
    return bytes(ord(letter) - _BYTES for letter in text)


_LETTERS = {byte: _BYTES + byte for byte in range(_BYTES)}
