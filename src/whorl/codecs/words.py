"""Words, numbers and punctuation as tokens, and the white space between them as a rule with exceptions.

A rule says whether a space stands between two tokens: none before a comma, none after an opening bracket, a quotation
mark opens and closes in turn, one otherwise; training says it better where it usually has it otherwise. Where a text
differs, one of two tokens says so: SPACE or JOIN. So every word has one code wherever it stands, and the text comes
back exactly.
"""

import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterable
from typing import ClassVar, Self

import numpy as np

from whorl.codecs.alphabet import BEGIN, RESERVED, UNKNOWN, UNKNOWN_TEXT, Alphabet, Open, most_frequent, restored_texts
from whorl.codecs.category import Categories
from whorl.codecs.normalisation import LONGEST, marks
from whorl.codecs.numeric import require_array
from whorl.errors import ModelFileError

# The first three tokens of every vocabulary: a space that the rule does not have, no space where it has one, and the
# end of a line. No other token has white space in it or is empty.
MARKS = (" ", "", "\n")
SPACE, JOIN, BREAK = RESERVED, RESERVED + 1, RESERVED + 2
_READABLE_MARKS = ["␣", "⁀", "⏎"]

# Characters of scripts that put no space between words: each is a token.
IDEOGRAPHS = "\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af"
_OPENING = frozenset("([{“‘«‹„‚¿¡#@$£€¥")
_CLOSING = frozenset(")]}”’»›,.;:!?…%°")
_INSIDE = frozenset("-\u2010\u2011—/\\_、。〈〉《》「」『』【】〔〕〜！（），．／：；？［］｛｝")
# Each is one bit of Open.quotes while it is open.
_QUOTES = {'"': 1, "'": 2}
_LINE_BREAK = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Chunks whose codes are remembered: words come again and again, what is long does not.
_CACHED_CHUNKS, _LONGEST_CACHED = 1 << 16, 64
# What the rule knows of a token: a space usually stands before it, after it; it opens and closes in turn.
_BEFORE, _AFTER, _TURNS = 1, 2, 4
# How often a token occurs one way for each time it occurs the other way, where the rule is to say the one way always.
_CLEARLY = 3


class Words(Alphabet):
    """One code for each token.

    Args:
        tokens: the vocabulary, which begins with MARKS.
        spaces: for each token what the rule of spaces knows of it, bits _BEFORE, _AFTER and _TURNS.
    """

    holds_back: ClassVar[bool] = True

    def __init__(self, tokens: tuple[str, ...], spaces: list[int]) -> None:
        self.tokens = tokens
        self.spaces = spaces
        self._texts = [UNKNOWN_TEXT, "", "", *tokens]
        self._codes = {token: code for code, token in enumerate(tokens, RESERVED)}
        # An unknown token is read as a word; no space stands where a text begins.
        bits = [_BEFORE | _AFTER, 0, 0, *spaces]
        self._before = [bool(one & _BEFORE) for one in bits]
        self._after = [bool(one & _AFTER) for one in bits]
        self._quotes = {code: _QUOTES[self._texts[code]] for code, one in enumerate(bits) if one & _TURNS}
        self._known: dict[str, list[int]] = {}

    @classmethod
    def fit(cls, texts: Iterable[str], most: int | None, least_count: int) -> Self:
        runs: Counter[str] = Counter()
        for text in texts:
            runs.update(text.split())
        counts: Counter[str] = Counter()
        seen = _Neighbours()
        for run, count in runs.items():
            tokens = [token for chunk in _chunk_pattern().findall(run) for token in split(chunk)]
            for token in tokens:
                counts[token] += count
            seen.add(tokens, count)
        vocabulary = (*MARKS, *most_frequent(counts, most, least_count))
        return cls(vocabulary, [seen.spaces(token) for token in vocabulary])

    @property
    def size(self) -> int:
        return RESERVED + len(self.tokens)

    def encode(self, text: str, held: Open, *, last: bool) -> tuple[np.ndarray, Open]:
        chunks = _chunk_pattern().findall(held.text + text)
        rest = ""
        if chunks and not last:
            rest = _white_space(chunks.pop(), last=False)
            if not rest[0].isspace() and chunks and _white_space(chunks[-1]) == " ":
                rest = " " + rest  # whether that space is usual, the chunk after it will say
                chunks.pop()
        made: list[int] = []
        left, quotes, space = held.left, held.quotes, False
        for chunk in chunks:
            if chunk[0].isspace():
                breaks = _white_space(chunk).count("\n")
                made += [BREAK] * breaks
                space = not breaks and left != BEGIN
                if breaks:
                    left, quotes = BREAK, 0
                continue
            for code in self._codes_of(chunk):
                usual, quotes = self._rule(left, code, quotes)
                if space != usual:
                    made.append(SPACE if space else JOIN)
                made.append(code)
                left, space = code, False
        return np.array(made, np.int64), Open(rest, left, quotes)

    def decode(self, codes: list[int]) -> str:
        made: list[str] = []
        left, quotes = BEGIN, 0
        said: bool | None = None
        for code in codes:
            if code == BREAK:
                made.append("\n")
                left, quotes, said = BREAK, 0, None
            elif code in (SPACE, JOIN):
                said = code == SPACE
            elif code >= RESERVED or code == UNKNOWN:
                usual, quotes = self._rule(left, code, quotes)
                if left != BEGIN and (usual if said is None else said):
                    made.append(" ")
                made.append(self._texts[code])
                left, said = code, None
        return "".join(made)

    def canonical(self, text: str) -> str:
        """Returns the text with runs of white space as a space, or as one or two line breaks; no space at its ends."""
        chunks = _chunk_pattern().findall(text)
        return "".join(map(_white_space, chunks)).strip(" ")

    def readable(self) -> list[str]:
        return [*_READABLE_MARKS, *self.tokens[len(MARKS) :]]

    def arrays(self) -> dict[str, np.ndarray]:
        return {**Categories(self.tokens).arrays("vocabulary"), "spaces": np.array(self.spaces, np.uint8)}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        tokens = restored_texts({name: array for name, array in arrays.items() if name != "spaces"})
        if tokens[: len(MARKS)] != MARKS or any(not token or re.search(r"\s", token) for token in tokens[len(MARKS) :]):
            raise ModelFileError(
                "The model file is damaged: the vocabulary of words begins with the marks of white space, and no other "
                "token has any."
            )
        spaces = require_array(arrays, "spaces", np.uint8, len(tokens)).tolist()
        if any(
            one >= 2 * _TURNS or (one & _TURNS and token not in _QUOTES)
            for token, one in zip(tokens, spaces, strict=True)
        ):
            raise ModelFileError("The model file is damaged: the rule of spaces between words has an unknown case.")
        return cls(tokens, spaces)

    def _codes_of(self, chunk: str) -> list[int]:
        codes = self._known.get(chunk)
        if codes is None:
            codes = [self._codes.get(token, UNKNOWN) for token in split(chunk)]
            if len(self._known) >= _CACHED_CHUNKS:
                self._known.clear()
            if len(chunk) <= _LONGEST_CACHED:
                self._known[chunk] = codes
        return codes

    def _rule(self, left: int, code: int, quotes: int) -> tuple[bool, int]:
        """Returns whether a space usually stands between two codes, and which quotation marks are open then."""
        bit, left_bit = self._quotes.get(code, 0), self._quotes.get(left, 0)
        before = not quotes & bit if bit else self._before[code]
        after = not quotes & left_bit if left_bit else self._after[left]
        return before and after, quotes ^ bit


class _Neighbours:
    """Counts how tokens of training stand: at the edge of a run without white space, or inside of it."""

    def __init__(self) -> None:
        self._first: Counter[str] = Counter()
        self._joined_before: Counter[str] = Counter()
        self._last: Counter[str] = Counter()
        self._joined_after: Counter[str] = Counter()

    def add(self, tokens: list[str], count: int) -> None:
        """Counts the tokens of a run; a neighbour that usually has no space itself says nothing about a token."""
        self._first[tokens[0]] += count
        self._last[tokens[-1]] += count
        for left, right in itertools.pairwise(tokens):
            if _usual(left) & _AFTER:
                self._joined_before[right] += count
            if _usual(right) & _BEFORE:
                self._joined_after[left] += count

    def spaces(self, token: str) -> int:
        """Returns what the rule is to know of a token; what is not clear stays as it is for such tokens."""
        usual = _usual(token)
        before = _clearly(self._first[token], self._joined_before[token])
        after = _clearly(self._last[token], self._joined_after[token])
        if usual & _TURNS and (before is None or after is None):
            return usual
        before = bool(usual & _BEFORE) if before is None else before
        after = bool(usual & _AFTER) if after is None else after
        return before * _BEFORE | after * _AFTER


def _clearly(apart: int, joined: int) -> bool | None:
    """Whether a token stands apart; None where training says too little."""
    if max(apart, joined) < 2 or max(apart, joined) < _CLEARLY * min(apart, joined):
        return None
    return apart > joined


def _usual(token: str) -> int:
    """What the rule knows of a token before training."""
    if token in _QUOTES:
        return _TURNS
    if token in MARKS or _ideograph().match(token):
        return 0
    ending = len(token) > 1 and token[0] in "'’" and token[1].isalnum()
    before = token[0] not in _CLOSING and token[0] not in _INSIDE and not ending and not _NEGATION.fullmatch(token)
    after = token[-1] not in _OPENING and token[-1] not in _INSIDE and token[-1] != "\u200d"  # a joiner
    return before * _BEFORE | after * _AFTER


_NEGATION = re.compile("n['’]t", re.IGNORECASE)


def split(chunk: str) -> list[str]:
    """Returns the tokens of a chunk without white space; joined they are the chunk.

    "don't" is do and n't, "it's" is it and 's, a number keeps its points and commas, of punctuation and symbols the
    same character up to three times in a row is one token.
    """
    return [match.group() for match in _token_pattern().finditer(chunk)]


@functools.cache
def _ideograph() -> re.Pattern[str]:
    return re.compile(f"[{IDEOGRAPHS}]")


@functools.cache
def _chunk_pattern() -> re.Pattern[str]:
    """White space, an ideograph, or anything else between those: what later text cannot change once it has begun."""
    return re.compile(
        rf"\s+|[{IDEOGRAPHS}][{marks()}]{{0,{LONGEST}}}|[^\s{IDEOGRAPHS}]{{1,{LONGEST}}}",
    )


@functools.cache
def _token_pattern() -> re.Pattern[str]:
    letter, mark = r"[^\W\d_]", f"[{marks()}]"
    word = rf"{letter}+(?:{mark}+{letter}*)*"
    negation = r"[nN]['’][tT](?!\w)"
    return re.compile(
        rf"{letter}+?(?={negation})|(?<={letter}){negation}|{word}"
        rf"|(?<=[^\W_])['’]{word}"
        r"|\d+(?:[.,]\d+)*"
        rf"|(.)\1{{0,2}}{mark}*",
        re.DOTALL,
    )


def _white_space(run: str, *, last: bool = True) -> str:
    """Returns a chunk with white space as one space, or as one or two line breaks.

    Args:
        run: a chunk; one that is no white space stays as it is.
        last: whether the chunk is whole; if not, a carriage return at its end stays, for a line feed that may follow.
    """
    if not run[0].isspace():
        return run
    if not last and run.endswith("\r"):
        return _white_space(run[:-1]) + "\r" if len(run) > 1 else run
    breaks = len(_LINE_BREAK.findall(run))
    return "\n" * min(breaks, 2) or " "
