"""Which texts are sentences: those that have one of some words at each place."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from whorl.errors import ArgumentError
from whorl.plans.decoding import Grammar as Places

Symbols = tuple[int, ...]
# Where in a tree of words a text stands, and the place behind its word.
_Ahead = tuple[int, int]


class Grammar:
    """Sentences read symbol by symbol.

    Where a text stands is a whole number: the same for all beginnings that the same may follow. What can be reached
    from there is worked out where it is asked for the first time, so that many words cost little until then.

    Args:
        first: what may stand at each place, as the symbols of words that nothing stands before; a word without symbols
            leaves its place out.
        later: the same behind other words, with what separates them.
    """

    start = 0

    def __init__(self, first: Sequence[Sequence[Symbols]], later: Sequence[Sequence[Symbols]]) -> None:
        self._first, self._later = first, later
        self._left_out = [not all(words) for words in first]
        # From here on every place may be left out.
        self._needed = max((place for place, may in enumerate(self._left_out, 1) if not may), default=0)
        # Trees of words: the symbols that follow each node, those that end a word, and the root of some words.
        self._branches: list[dict[int, int]] = []
        self._whole: set[int] = set()
        self._roots: dict[tuple[int, bool], int] = {}
        self._shared: dict[tuple[Symbols, ...], int] = {}
        self._states: list[tuple[frozenset[_Ahead], bool]] = []
        self._numbers: dict[tuple[frozenset[_Ahead], bool], int] = {}
        self._onward: dict[int, dict[int, int]] = {}
        # Nothing said is no sentence, also where every place may be left out.
        self._number(self._from([0], begun=False), ends=False)

    def ends(self, state: int) -> bool:
        """Whether a text that stands here is a sentence."""
        return self._states[state][1]

    def onward(self, state: int) -> Mapping[int, int]:
        """The symbols that may follow, in order, and where a text stands with each."""
        if state not in self._onward:
            reached: dict[int, set[_Ahead]] = {}
            for node, place in self._states[state][0]:
                for symbol, behind in self._branches[node].items():
                    reached.setdefault(symbol, set()).add((behind, place))
            self._onward[state] = {symbol: self._reached(reached[symbol]) for symbol in sorted(reached)}
        return self._onward[state]

    def _reached(self, nodes: set[_Ahead]) -> int:
        places = sorted({place for node, place in nodes if node in self._whole})
        ahead = {one for one in nodes if self._branches[one[0]]} | self._from(places, begun=True)
        return self._number(ahead, ends=bool(places) and places[-1] >= self._needed)

    def _from(self, places: Iterable[int], *, begun: bool) -> set[_Ahead]:
        """What may follow before places, in order, also at those behind each where it may be left out."""
        found: set[_Ahead] = set()
        known = 0  # all that may follow before this place was found
        for place in places:
            if place < known:
                continue
            for at in range(place, len(self._left_out)):
                found.add((self._root(at, begun), at + 1))
                known = at + 1
                if not self._left_out[at]:
                    break
        return found

    def _root(self, place: int, begun: bool) -> int:
        """Where the tree of the words of a place begins."""
        if (place, begun) not in self._roots:
            words = tuple((self._later if begun else self._first)[place])
            # Equal words have one tree, however many places they stand at.
            if words not in self._shared:
                self._shared[words] = self._planted(words)
            self._roots[place, begun] = self._shared[words]
        return self._roots[place, begun]

    def _planted(self, words: Iterable[Symbols]) -> int:
        root = self._grown()
        for word in filter(None, words):
            node = root
            for symbol in word:
                if symbol not in self._branches[node]:
                    self._branches[node][symbol] = self._grown()
                node = self._branches[node][symbol]
            self._whole.add(node)
        return root

    def _grown(self) -> int:
        self._branches.append({})
        return len(self._branches) - 1

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
    alone = {word: symbols_of(word) for words in places for word in words}
    first = [[alone[word] for word in words] for words in places]
    if sum(map(any, places)) == 1:
        return Grammar(first, first)  # nothing stands behind a word, and training may have had no space
    named = [word for word in alone if word]
    # Beside a letter or a digit symbols are as usual; beside a bracket, say, all others would look unusual.
    beside = next((word for word in named if word[0].isalnum() and word[-1].isalnum()), named[0])
    known = alone[beside]
    behind = {"": (), beside: symbols_of(f"{beside} {beside}")[len(known) :]}
    for word in named:
        around = symbols_of(f"{beside} {word} {beside}")
        own = around[len(known) : len(around) - len(behind[beside])]
        if around != (*known, *own, *behind[beside]) or own[len(own) - len(alone[word]) :] != alone[word]:
            raise ArgumentError(
                f"`grammar` has '{word}', whose symbols depend on the words beside it. Leave it out, or fit the model "
                'with tokens=whorl.Text(unit="character").'
            )
        behind[word] = own
    return Grammar(first, [[behind[word] for word in words] for words in places])
