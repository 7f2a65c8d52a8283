"""From the probability of each symbol at each step, or of none, to a text: the likeliest one step by step, or a search.

Symbol 0 is none, the blank: between two equal symbols it says that there are two of them. A search reads steps as they
come; what it has found after some steps depends on these alone.
"""

import itertools
import math
from abc import ABC, abstractmethod
from typing import Annotated, NamedTuple, TypeVar

import msgspec
import numpy as np

from whorl.codecs.alphabet import BEGIN, END
from whorl.errors import ArgumentError, ModelFileError
from whorl.plans.decoding import Beam, Decoding, Greedy, check_decoding
from whorl.runtime.ngrams import KneserNey

BLANK = 0
# What a step says with less than this is not followed: e ** -9 = 1 / 8103.
_LEAST = -9.0
_NEVER = -math.inf


class Spelled(NamedTuple):
    """A text so far.

    Args:
        symbols: their codes.
        steps: at which step each of them was first said.
        score: logarithm of its probability, or of what a search ranks it by.
    """

    symbols: tuple[int, ...] = ()
    steps: tuple[int, ...] = ()
    score: float = 0.0


class Advice(NamedTuple):
    """What n-grams say of a text, beside the network.

    Args:
        ngrams: of the training texts, each between a begin and an end.
        weight: what their log-probabilities are multiplied by.
        bonus: what each symbol adds, since n-grams alone make texts short.
    """

    ngrams: KneserNey
    weight: float
    bonus: float

    def of(self, before: tuple[int, ...], symbol: int) -> float:
        """What a symbol adds to the score of a text."""
        order = self.ngrams.order
        context = before[-(order - 1) :] if order > 1 else ()
        if len(before) < order - 1:
            context = (BEGIN, *before)
        return self.bonus - self.weight * self.ngrams.next_nats(context, symbol)


class Search(ABC):
    """Makes a text of the log-probabilities of symbols, step by step."""

    @abstractmethod
    def read(self, log_probs: np.ndarray) -> None:
        """Reads steps, (T, V)."""

    @abstractmethod
    def best(self, *, final: bool) -> Spelled:
        """The text so far; `final` where no step follows."""

    @abstractmethod
    def mark(self) -> object:
        """What `back_to` needs."""

    @abstractmethod
    def back_to(self, mark: object) -> None:
        """Goes back to where it was when `mark` was called."""

    @abstractmethod
    def packed(self) -> bytes:
        """All that later answers depend on. It grows with the text that was found, and with nothing else."""

    @abstractmethod
    def unpack(self, state: bytes, num_symbols: int) -> None:
        """Goes on from what `packed` returned; raises ModelFileError for what it never returned."""


def search_of(decoding: Decoding | None, advice: Advice | None) -> Search:
    """The search that a user asks for.

    Args:
        decoding: how; None searches with a beam where there is advice, and takes the likeliest symbols else.
        advice: what n-grams say; a search that takes the likeliest symbol of each step asks nobody.
    """
    chosen = (Greedy() if advice is None else Beam(width=10)) if decoding is None else check_decoding(decoding)
    if not isinstance(chosen, Greedy | Beam) or chosen.max_length is not None:
        raise ArgumentError(
            f"`decoding` is {chosen}, but a transcript is as long as what is said, and nothing of it is drawn. Use "
            "whorl.Greedy() or whorl.Beam(width=...)."
        )
    return GreedySearch() if isinstance(chosen, Greedy) else BeamSearch(int(chosen.width), advice)


class GreedySearch(Search):
    """The likeliest symbol of each step; runs of one count once, and none counts for nothing (Graves et al. 2006,
    section 3.2, best path decoding).
    """

    def __init__(self) -> None:
        self._last, self._count, self._found = BLANK, 0, Spelled()

    def read(self, log_probs: np.ndarray) -> None:
        if not len(log_probs):
            return
        likeliest = log_probs.argmax(axis=1)
        before = np.concatenate([[self._last], likeliest[:-1]])
        new = np.flatnonzero((likeliest != before) & (likeliest != BLANK))
        # One after the other, so that pieces add up to the same bits.
        score = sum(log_probs.max(axis=1).tolist(), start=self._found.score)
        symbols = (*self._found.symbols, *likeliest[new].tolist())
        steps = (*self._found.steps, *(new + self._count).tolist())
        self._found = Spelled(symbols, steps, score)
        self._last, self._count = int(likeliest[-1]), self._count + len(log_probs)

    def best(self, *, final: bool) -> Spelled:
        return self._found

    def mark(self) -> object:
        return self._last, self._count, self._found

    def back_to(self, mark: object) -> None:
        self._last, self._count, self._found = mark  # type: ignore[misc]

    def packed(self) -> bytes:
        return msgspec.msgpack.encode(_Greedy(self._last, self._count, _kept(self._found), self._found.score))

    def unpack(self, state: bytes, num_symbols: int) -> None:
        plain = _unpacked(state, _Greedy)
        found = _restored(plain.kept, plain.score, plain.count, num_symbols)
        if plain.last >= num_symbols:
            raise _damaged()
        self._last, self._count, self._found = plain.last, plain.count, found


class _Tail(NamedTuple):
    """The end of a text that may still be another: what stands behind the part that all texts of a beam share."""

    symbols: tuple[int, ...]
    steps: tuple[int, ...]
    blank: float  # logarithm of the probability of all ways that end in none
    said: float  # and of those that end in its last symbol
    advised: float  # what the n-grams and the bonus add

    @property
    def total(self) -> float:
        return _sum(self.blank, self.said) + self.advised


class BeamSearch(Search):
    """The likeliest texts, each over all of its ways (Hannun et al. 2014, algorithm 1, in logarithms).

    What all texts of the beam begin with is final, so that a step takes the same time however long they are. Where
    there is advice it is asked at each new symbol, and for the end of a text.

    Args:
        width: texts that are followed.
        advice: what n-grams say of a text, or None.
    """

    def __init__(self, width: int, advice: Advice | None = None) -> None:
        self._width, self._advice = width, advice
        self._count, self._sure = 0, Spelled()
        self._tails: tuple[_Tail, ...] = (_Tail((), (), 0.0, _NEVER, 0.0),)

    def read(self, log_probs: np.ndarray) -> None:
        for row in log_probs.tolist():
            self._tails = self._onward(row)
            self._count += 1
            self._settle()

    def _onward(self, row: list[float]) -> tuple[_Tail, ...]:
        """The best texts after one more step."""
        followed = [symbol for symbol, value in enumerate(row) if value > _LEAST and symbol != BLANK]
        made: dict[tuple[int, ...], _Tail] = {}
        kept = {tail.symbols: tail for tail in self._tails}
        for tail in self._tails:
            last = self._last(tail)
            said = tail.said + row[last] if last is not None else _NEVER
            self._add(made, tail.symbols, tail.steps, _sum(tail.blank, tail.said) + row[BLANK], said, tail.advised)
            for symbol in followed:
                ways = tail.blank if symbol == last else _sum(tail.blank, tail.said)
                if ways == _NEVER:
                    continue
                longer = (*tail.symbols, symbol)
                known = made.get(longer) or kept.get(longer)
                steps = (*tail.steps, self._count) if known is None else known.steps
                advised = self._advised(tail, symbol) if known is None else known.advised
                self._add(made, longer, steps, _NEVER, ways + row[symbol], advised)
        # Of equal ones that which was found first.
        return tuple(sorted(made.values(), key=lambda tail: -tail.total)[: self._width])

    @staticmethod
    def _add(
        made: dict[tuple[int, ...], _Tail],
        symbols: tuple[int, ...],
        steps: tuple[int, ...],
        blank: float,
        said: float,
        advised: float,
    ) -> None:
        before = made.get(symbols)
        if before is not None:
            blank, said = _sum(before.blank, blank), _sum(before.said, said)
        made[symbols] = _Tail(symbols, steps, blank, said, advised)

    def _last(self, tail: _Tail) -> int | None:
        if tail.symbols:
            return tail.symbols[-1]
        return self._sure.symbols[-1] if self._sure.symbols else None

    def _advised(self, tail: _Tail, symbol: int) -> float:
        if self._advice is None:
            return tail.advised
        return tail.advised + self._advice.of(self._before(tail), symbol)

    def _before(self, tail: _Tail) -> tuple[int, ...]:
        """As many of the last symbols of a text as the n-grams look back at, or all there are."""
        assert self._advice is not None
        more = max(0, self._advice.ngrams.order - len(tail.symbols))
        return (*self._sure.symbols[max(0, len(self._sure.symbols) - more) :], *tail.symbols)

    def _settle(self) -> None:
        """What all texts begin with goes where nothing changes it any more."""
        first = self._tails[0].symbols
        shared = min(len(tail.symbols) for tail in self._tails)
        for tail in self._tails[1:]:
            same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first[:shared], tail.symbols, strict=False))
            shared = sum(1 for _ in same)
        if not shared:
            return
        sure, best = self._sure, self._tails[0]
        self._sure = Spelled((*sure.symbols, *first[:shared]), (*sure.steps, *best.steps[:shared]))
        self._tails = tuple(
            tail._replace(symbols=tail.symbols[shared:], steps=tail.steps[shared:]) for tail in self._tails
        )

    def best(self, *, final: bool) -> Spelled:
        def score(tail: _Tail) -> float:
            if not final or self._advice is None:
                return tail.total
            return tail.total + self._advice.of(self._before(tail), END) - self._advice.bonus

        found = max(self._tails, key=score)
        sure = self._sure
        return Spelled((*sure.symbols, *found.symbols), (*sure.steps, *found.steps), score(found))

    def mark(self) -> object:
        return self._count, self._sure, self._tails

    def back_to(self, mark: object) -> None:
        self._count, self._sure, self._tails = mark  # type: ignore[misc]

    def packed(self) -> bytes:
        tails = [
            (_kept(Spelled(tail.symbols, tail.steps)), tail.blank, tail.said, tail.advised) for tail in self._tails
        ]
        return msgspec.msgpack.encode(_Beam(self._width, self._count, _kept(self._sure), tails))

    def unpack(self, state: bytes, num_symbols: int) -> None:
        plain = _unpacked(state, _Beam)
        if plain.width != self._width:
            raise ModelFileError(
                f"`state` was made by a beam of {plain.width}, but this stream has one of {self._width}. Start it with "
                f"decoding=whorl.Beam(width={plain.width})."
            )
        if not 0 < len(plain.tails) <= self._width or any(math.isnan(one) for tail in plain.tails for one in tail[1:]):
            raise _damaged()
        sure = _restored(plain.sure, 0.0, plain.count, num_symbols)
        tails = []
        for kept, blank, said, advised in plain.tails:
            found = _restored(kept, 0.0, plain.count, num_symbols)
            tails.append(_Tail(found.symbols, found.steps, blank, said, advised))
        self._count, self._sure, self._tails = plain.count, sure, tuple(tails)


# Symbols and steps as little-endian integers of 4 and of 8 bytes.
_Kept = tuple[bytes, bytes]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class _Greedy(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="greedy"):
    last: _Count
    count: _Count
    kept: _Kept
    score: float


class _Beam(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="beam"):
    width: _Count
    count: _Count
    sure: _Kept
    tails: list[tuple[_Kept, float, float, float]]


_Packed = TypeVar("_Packed", _Greedy, _Beam)


def _unpacked(state: bytes, kind: type[_Packed]) -> _Packed:
    try:
        return msgspec.msgpack.decode(state, type=kind)
    except msgspec.DecodeError:
        raise ModelFileError(
            "`state` holds another search than the one of this stream, or is damaged. Start the stream with the "
            "`decoding` that the state was made with."
        ) from None


def _damaged() -> ModelFileError:
    return ModelFileError("the search in `state` is damaged, or belongs to another model.")


def _kept(found: Spelled) -> _Kept:
    return np.array(found.symbols, "<i4").tobytes(), np.array(found.steps, "<i8").tobytes()


def _restored(kept: _Kept, score: float, count: int, num_symbols: int) -> Spelled:
    """The way back; each symbol is said at one of `count` steps, none before the one it follows."""
    if len(kept[0]) % 4 or len(kept[1]) != 2 * len(kept[0]) or not math.isfinite(score):
        raise _damaged()
    symbols, steps = np.frombuffer(kept[0], "<i4"), np.frombuffer(kept[1], "<i8")
    if len(symbols) and (symbols.min() < 1 or symbols.max() >= num_symbols):
        raise _damaged()
    if len(steps) and (steps[0] < 0 or steps[-1] >= count or (np.diff(steps) < 0).any()):
        raise _damaged()
    return Spelled(tuple(symbols.tolist()), tuple(steps.tolist()), score)


def _sum(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    return a if b == _NEVER else a + math.log1p(math.exp(b - a))


def nats(log_probs: np.ndarray, symbols: np.ndarray) -> float:
    """Surprise of a text: minus the logarithm of its probability over all ways (Graves et al. 2006, eq. 5 to 8).

    Args:
        log_probs: (T, V).
        symbols: (L,), none of them the blank.

    Returns:
        Infinity where it has more symbols, and blanks between equal ones, than there are steps.
    """
    # Symbols with blanks between and around them; a way stays, goes to the next, or leaves out a blank between two
    # different symbols.
    ways = np.zeros(2 * len(symbols) + 1, np.int64)
    ways[1::2] = symbols
    if not len(log_probs):
        return math.inf if len(symbols) else 0.0
    skips = np.zeros(len(ways), bool)
    skips[3::2] = ways[3::2] != ways[1:-2:2]
    alpha = np.full(len(ways), _NEVER)
    alpha[:2] = log_probs[0, ways[:2]]
    for row in log_probs[1:]:
        before = alpha.copy()
        alpha[1:] = np.logaddexp(alpha[1:], before[:-1])
        alpha[skips] = np.logaddexp(alpha[skips], before[np.flatnonzero(skips) - 2])
        alpha = alpha + row[ways]
    return -float(np.logaddexp.reduce(alpha[-2:]))
