"""From the probability of each symbol at each step, or of none, to a text: what a search is, and that of the likeliest.

Symbol 0 is none, the blank: between two equal symbols it says that there are two of them. A search reads steps as they
come; what it has found after some steps depends on these alone.
"""

import math
from abc import ABC, abstractmethod
from typing import Annotated, NamedTuple, TypeVar

import msgspec
import numpy as np

from whorl.errors import ModelFileError

BLANK = 0
NEVER = -math.inf

Packed = TypeVar("Packed", bound=msgspec.Struct)


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
        return msgspec.msgpack.encode(_Greedy(self._last, self._count, kept(self._found), self._found.score))

    def unpack(self, state: bytes, num_symbols: int) -> None:
        plain = unpacked(state, _Greedy)
        found = restored(plain.kept, plain.score, plain.count, num_symbols)
        if plain.last >= num_symbols:
            raise damaged()
        self._last, self._count, self._found = plain.last, plain.count, found


# Symbols and steps as little-endian integers of 4 and of 8 bytes.
Kept = tuple[bytes, bytes]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class _Greedy(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="greedy"):
    last: Count
    count: Count
    kept: Kept
    score: float


def unpacked(state: bytes, kind: type[Packed]) -> Packed:
    """The struct that a search packed; raises ModelFileError for that of another search."""
    try:
        return msgspec.msgpack.decode(state, type=kind)
    except msgspec.DecodeError:
        raise ModelFileError(
            "`state` holds another search than the one of this stream, or is damaged. Start the stream with the "
            "`decoding` that the state was made with."
        ) from None


def damaged() -> ModelFileError:
    """What says that a state is none of a search."""
    return ModelFileError("the search in `state` is damaged, or belongs to another model.")


def kept(found: Spelled) -> Kept:
    """Symbols and steps as bytes."""
    return np.array(found.symbols, "<i4").tobytes(), np.array(found.steps, "<i8").tobytes()


def restored(held: Kept, score: float, count: int, num_symbols: int) -> Spelled:
    """The way back; each symbol is said at one of `count` steps, none before the one it follows."""
    if len(held[0]) % 4 or len(held[1]) != 2 * len(held[0]) or not math.isfinite(score):
        raise damaged()
    symbols, steps = np.frombuffer(held[0], "<i4"), np.frombuffer(held[1], "<i8")
    if len(symbols) and (symbols.min() < 1 or symbols.max() >= num_symbols):
        raise damaged()
    if len(steps) and (steps[0] < 0 or steps[-1] >= count or (np.diff(steps) < 0).any()):
        raise damaged()
    return Spelled(tuple(symbols.tolist()), tuple(steps.tolist()), score)


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
    alpha = np.full(len(ways), NEVER)
    alpha[:2] = log_probs[0, ways[:2]]
    for row in log_probs[1:]:
        before = alpha.copy()
        alpha[1:] = np.logaddexp(alpha[1:], before[:-1])
        alpha[skips] = np.logaddexp(alpha[skips], before[np.flatnonzero(skips) - 2])
        alpha = alpha + row[ways]
    return -float(np.logaddexp.reduce(alpha[-2:]))
