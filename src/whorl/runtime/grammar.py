"""Which texts are sentences: those that have one of some words at each place."""

from collections.abc import Callable, Mapping, Sequence

from whorl.errors import ArgumentError
from whorl.plans.decoding import Grammar as Places

Symbols = tuple[int, ...]
# What is left of a word that was begun, and the place behind it.
_Ahead = tuple[Symbols, int]


class Grammar:
    """Sentences read symbol by symbol.

    Where a text stands is a whole number: the same for all beginnings that the same may follow. What can be reached
    from there is worked out where it is asked for the first time, so that many words cost nothing until then.

    Args:
        first: what may stand at each place, as the symbols of words that nothing stands before; a word without symbols
            leaves its place out.
        later: the same behind other words, with what separates them.
    """

    start = 0

    def __init__(self, first: Sequence[Sequence[Symbols]], later: Sequence[Sequence[Symbols]]) -> None:
        self._first, self._later = first, later
        self._states: list[tuple[frozenset[_Ahead], bool]] = []
        self._numbers: dict[tuple[frozenset[_Ahead], bool], int] = {}
        self._onward: dict[int, dict[int, int]] = {}
        # Nothing said is no sentence, also where every place may be left out.
        self._number(self._from(0, begun=False), ends=False)

    def ends(self, state: int) -> bool:
        """Whether a text that stands here is a sentence."""
        return self._states[state][1]

    def onward(self, state: int) -> Mapping[int, int]:
        """The symbols that may follow, in order, and where a text stands with each."""
        if state not in self._onward:
            symbols = sorted({rest[0] for rest, _ in self._states[state][0]})
            self._onward[state] = {symbol: self._reached(state, symbol) for symbol in symbols}
        return self._onward[state]

    def _reached(self, state: int, symbol: int) -> int:
        onward = {(rest[1:], place) for rest, place in self._states[state][0] if rest[0] == symbol}
        ahead = {one for one in onward if one[0]}
        places = {place for rest, place in onward if not rest}
        for place in places:
            ahead |= self._from(place, begun=True)
        return self._number(ahead, ends=any(self._may_end(place) for place in places))

    def _from(self, place: int, *, begun: bool) -> set[_Ahead]:
        """What may follow before a place, also at those behind it where it may be left out."""
        found: set[_Ahead] = set()
        words = self._later if begun else self._first
        for at in range(place, len(words)):
            found |= {(word, at + 1) for word in words[at] if word}
            if all(words[at]):
                break
        return found

    def _may_end(self, place: int) -> bool:
        return not any(all(words) for words in self._first[place:])

    def _number(self, ahead: set[_Ahead], *, ends: bool) -> int:
        state = frozenset(ahead), ends
        if state not in self._numbers:
            self._numbers[state] = len(self._states)
            self._states.append(state)
        return self._numbers[state]


def grammar_of(places: Places, symbols_of: Callable[[str], Symbols]) -> Grammar:
    """The sentences that have one of these words at each place.

    Args:
        places: the words.
        symbols_of: the symbols of some words.

    Raises:
        ArgumentError: the symbols of a word depend on those beside it.
    """
    before = next(word for words in places for word in words if word)
    known = symbols_of(before)
    first = [[symbols_of(word) for word in words] for words in places]
    later: list[list[Symbols]] = []
    for words, alone in zip(places, first, strict=True):
        later.append([])
        for word, own in zip(words, alone, strict=True):
            both = symbols_of(f"{before} {word}") if word else known
            if both[: len(known)] != known or both[len(both) - len(own) :] != own:
                raise ArgumentError(
                    f"`grammar` has '{word}', whose symbols depend on the words beside it. Fit the model with "
                    'tokens=whorl.Text(unit="character"), or "word".'
                )
            later[-1].append(both[len(known) :])
    return Grammar(first, later)
