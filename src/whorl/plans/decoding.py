"""How a sequence of tokens is chosen from the probabilities of each next one, as data."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from numbers import Integral, Real

from whorl.errors import ArgumentError

# The words of each place of a sentence.
Grammar = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Greedy:
    """The most likely token at every step.

    Args:
        max_length: most tokens of an answer, its end counted as one. None lets the task choose.
    """

    max_length: int | None = None

    def __post_init__(self) -> None:
        _check_length(self.max_length)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A token drawn at every step.

    The draws of a sequence depend on the seed and on its number among the sequences alone, so others beside it change
    nothing.

    Args:
        temperature: the logits are divided by it; below 1 likely tokens become likelier.
        top_k: only this many of the most likely tokens are drawn from (Fan et al. 2018). None draws from all.
        top_p: only the fewest most likely tokens that have this probability together are drawn from, after `top_k`
            (nucleus sampling, Holtzman et al. 2020, eq. 2). None draws from all.
        max_length: most tokens of an answer, its end counted as one. None lets the task choose.
        seed: of the draws.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    max_length: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not _is_number(self.temperature) or not 0 < self.temperature < inf:
            raise ArgumentError(
                f"`temperature` is a positive number, but is {self.temperature!r}. "
                "Use whorl.Greedy() (--greedy) for the most likely token."
            )
        if self.top_k is not None and (not _is_whole(self.top_k) or self.top_k < 1):
            raise ArgumentError(f"`top_k` is a whole number >= 1 or None, but is {self.top_k!r}. Raise it.")
        if self.top_p is not None and (not _is_number(self.top_p) or not 0 < self.top_p <= 1):
            raise ArgumentError(f"`top_p` is a probability in (0, 1] or None, but is {self.top_p!r}.")
        if not _is_whole(self.seed) or not 0 <= self.seed < 2**63:
            raise ArgumentError(f"`seed` is a whole number in [0, 2^63), but is {self.seed!r}.")
        _check_length(self.max_length)


@dataclass(frozen=True, kw_only=True)
class Beam:
    """The likeliest sequences found when the `width` best beginnings are kept at every step.

    A finished sequence y ranks by log P(y) / lp(y) with lp(y) = ((5 + |y|) / 6)^length_penalty, where |y| counts its
    tokens and its end (Wu et al. 2016, eq. 14, without the coverage term). A width of 1 is greedy.

    Args:
        width: beginnings kept at every step.
        length_penalty: 0 ranks by probability, which favours short sequences; larger values favour longer ones.
            A transcript is as long as what is said, and has none.
        max_length: most tokens of an answer, its end counted as one. None lets the task choose.
        grammar: of a transcript, the words of each place of a sentence, as in `(("turn",), ("left", "right"))`: no
            other sentence is found, and where none is found whole, the beginning of one. An empty word, "", leaves its
            place out. None lets everything be said.
    """

    width: int = 5
    length_penalty: float = 1.0
    max_length: int | None = None
    grammar: Grammar | None = None

    def __post_init__(self) -> None:
        if not _is_whole(self.width) or self.width < 1:
            raise ArgumentError(f"`width` is a whole number >= 1, but is {self.width!r}. Raise it.")
        if not _is_number(self.length_penalty) or not 0 <= self.length_penalty < inf:
            raise ArgumentError(f"`length_penalty` is a number >= 0, but is {self.length_penalty!r}.")
        if self.grammar is not None:
            object.__setattr__(self, "grammar", _places(self.grammar))
        _check_length(self.max_length)


Decoding = Greedy | Sample | Beam


def check_decoding(decoding: object, *, said: bool = False) -> Decoding:
    """Returns what says how to decode; raises ArgumentError where it is something else.

    Args:
        decoding: by a user.
        said: whether texts are found that are said, which may have a grammar.
    """
    if not isinstance(decoding, Greedy | Sample | Beam):
        raise ArgumentError(
            f"`decoding` must be whorl.Greedy(), whorl.Sample(...) or whorl.Beam(...), but is {decoding!r}."
        )
    if not said and isinstance(decoding, Beam) and decoding.grammar is not None:
        raise ArgumentError(
            "`grammar` of a beam is the sentences that can be said in a recording or a video, but this model does not "
            "transcribe. Leave it out."
        )
    return decoding


def _places(grammar: object) -> Grammar:
    """The words of each place of a sentence as a user gave them; raises ArgumentError for what says none."""
    told = "`grammar` has the words of each place of a sentence, as in (('turn',), ('left', 'right'))"
    if isinstance(grammar, str) or not isinstance(grammar, Sequence) or not grammar:
        raise ArgumentError(f"{told}, but is {grammar!r:.80}. List them.")
    for place, words in enumerate(grammar, start=1):
        listed = isinstance(words, Sequence) and not isinstance(words, str)
        if not listed or not words or not all(isinstance(word, str) for word in words):
            raise ArgumentError(f"{told}, but place {place} is {words!r:.80}. List its words.")
    places = tuple(tuple(" ".join(word.split()) for word in words) for words in grammar)
    if not any(word for words in places for word in words):
        raise ArgumentError(f"{told}, but no place has any word. Give one a word.")
    return places


def _check_length(max_length: int | None) -> None:
    if max_length is not None and (not _is_whole(max_length) or max_length < 1):
        raise ArgumentError(f"`max_length` is a whole number >= 1 or None, but is {max_length!r}. Raise it.")


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


# How texts go on where nothing is said.
DRAWN = Sample(temperature=0.8)
