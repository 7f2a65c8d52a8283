"""The likeliest texts over all ways to say them, step by step, and what n-grams say of each (see `spelling`)."""

import itertools
import math
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np

from whorl.codecs.alphabet import BEGIN, END
from whorl.errors import ModelFileError
from whorl.runtime.grammar import Grammar
from whorl.runtime.ngrams import KneserNey
from whorl.runtime.spelling import BLANK, NEVER, Count, Kept, Search, Spelled, damaged, kept, restored, unpacked

# What a step says with less than this is not followed: e ** -9 = 1 / 8103.
_LEAST = -9.0


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


class _Tail(NamedTuple):
    """The end of a text that may still be another: what stands behind the part that all texts of a beam share."""

    symbols: tuple[int, ...]
    steps: tuple[int, ...]
    blank: float  # logarithm of the probability of all ways that end in none
    said: float  # and of those that end in its last symbol
    advised: float  # what the n-grams and the bonus add
    place: int = Grammar.start  # in the grammar, where there is one

    @property
    def total(self) -> float:
        return _sum(self.blank, self.said) + self.advised


class BeamSearch(Search):
    """The likeliest texts, each over all of its ways (Hannun et al. 2014, algorithm 1, in logarithms).

    What all texts of the beam begin with is final, so that a step takes the same time however long they are. Where
    there is advice it is asked at each new symbol, and for the end of a text. Where there is a grammar only its
    sentences and their beginnings are followed, however unlikely they are, and at the end only sentences that are
    whole, if there is one among them.

    Args:
        width: texts that are followed.
        advice: what n-grams say of a text, or None.
        grammar: which texts there are; None knows all.
    """

    def __init__(self, width: int, advice: Advice | None = None, grammar: Grammar | None = None) -> None:
        self._width, self._advice, self._grammar = width, advice, grammar
        self._count, self._sure = 0, Spelled()
        self._tails: tuple[_Tail, ...] = (_Tail((), (), 0.0, NEVER, 0.0),)

    def read(self, log_probs: np.ndarray) -> None:
        for row in log_probs.tolist():
            self._tails = self._onward(row)
            self._count += 1
            self._settle()

    def _onward(self, row: list[float]) -> tuple[_Tail, ...]:
        """The best texts after one more step."""
        likely = [symbol for symbol, value in enumerate(row) if value > _LEAST and symbol != BLANK]
        made: dict[tuple[int, ...], _Tail] = {}
        there = {tail.symbols: tail for tail in self._tails}
        for tail in self._tails:
            last = self._last(tail)
            said = tail.said + row[last] if last is not None else NEVER
            blank = _sum(tail.blank, tail.said) + row[BLANK]
            self._add(made, tail._replace(blank=blank, said=said))
            for symbol, place in self._following(tail, likely):
                ways = tail.blank if symbol == last else _sum(tail.blank, tail.said)
                if ways == NEVER:
                    continue
                longer = (*tail.symbols, symbol)
                known = made.get(longer) or there.get(longer)
                steps = (*tail.steps, self._count) if known is None else known.steps
                advised = self._advised(tail, symbol) if known is None else known.advised
                self._add(made, _Tail(longer, steps, NEVER, ways + row[symbol], advised, place))
        # Of equal ones that which was found first.
        return tuple(sorted(made.values(), key=lambda tail: -tail.total)[: self._width])

    def _following(self, tail: _Tail, likely: list[int]) -> Iterable[tuple[int, int]]:
        """The symbols that may follow, and where in the grammar the text stands with each."""
        if self._grammar is None:
            return ((symbol, tail.place) for symbol in likely)
        return self._grammar.onward(tail.place).items()

    @staticmethod
    def _add(made: dict[tuple[int, ...], _Tail], tail: _Tail) -> None:
        before = made.get(tail.symbols)
        if before is not None:
            tail = tail._replace(blank=_sum(before.blank, tail.blank), said=_sum(before.said, tail.said))
        made[tail.symbols] = tail

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

        ends = self._tails if self._grammar is None or not final else self._whole(self._grammar)
        found = max(ends or self._tails, key=score)
        sure = self._sure
        return Spelled((*sure.symbols, *found.symbols), (*sure.steps, *found.steps), score(found))

    def _whole(self, grammar: Grammar) -> tuple[_Tail, ...]:
        return tuple(tail for tail in self._tails if grammar.ends(tail.place))

    def mark(self) -> object:
        return self._count, self._sure, self._tails

    def back_to(self, mark: object) -> None:
        self._count, self._sure, self._tails = mark  # type: ignore[misc]

    def packed(self) -> bytes:
        tails = [(kept(Spelled(tail.symbols, tail.steps)), tail.blank, tail.said, tail.advised) for tail in self._tails]
        return msgspec.msgpack.encode(_Beam(self._width, self._count, kept(self._sure), tails))

    def unpack(self, state: bytes, num_symbols: int) -> None:
        plain = unpacked(state, _Beam)
        if plain.width != self._width:
            raise ModelFileError(
                f"`state` was made by a beam of {plain.width}, but this stream has one of {self._width}. Start it with "
                f"decoding=whorl.Beam(width={plain.width})."
            )
        if not 0 < len(plain.tails) <= self._width or not all(
            one < math.inf for tail in plain.tails for one in tail[1:]
        ):
            raise damaged()
        sure = restored(plain.sure, 0.0, plain.count, num_symbols)
        tails = []
        for own, blank, said, advised in plain.tails:
            found = restored(own, 0.0, plain.count, num_symbols)
            place = self._place((*sure.symbols, *found.symbols))
            tails.append(_Tail(found.symbols, found.steps, blank, said, advised, place))
        self._count, self._sure, self._tails = plain.count, sure, tuple(tails)

    def _place(self, text: tuple[int, ...]) -> int:
        """Where a text stands in the grammar."""
        place = Grammar.start
        if self._grammar is None:
            return place
        for symbol in text:
            onward = self._grammar.onward(place)
            if symbol not in onward:
                raise ModelFileError(
                    "`state` was made with another grammar than this stream has. Start it with the same `grammar`."
                )
            place = onward[symbol]
        return place


class _Beam(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="beam"):
    width: Count
    count: Count
    sure: Kept
    tails: list[tuple[Kept, float, float, float]]


def _sum(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    return a if b == NEVER else a + math.log1p(math.exp(b - a))
