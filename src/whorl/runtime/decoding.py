"""Sequences of tokens from an engine that answers each token with what the next one may be.

Written once over the engine contract: greedy, drawn or by a beam, many sequences side by side. The sequences that are
at work take one engine step together, and where one ends the next begins; no sequence depends on those beside it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from math import inf
from typing import Any, Protocol

import numpy as np

from whorl.errors import ArgumentError, TrainingError
from whorl.plans.decoding import Beam, Decoding
from whorl.runtime.choosing import Choice, Chooser, chooser, log_softmax
from whorl.runtime.engine import Engine, Inputs, Slot

# Numbers that the outputs of one step may have; more sequences wait for their turn.
_AT_ONCE = 1 << 22


class Rules(Protocol):
    """Which tokens may come after others, by a state that is a value."""

    def first(self, number: int) -> object:
        """The state before anything is chosen for the sequence of this number."""

    def after(self, state: Any, code: int) -> object:
        """The state after one more token."""

    def barred(self, state: Any) -> np.ndarray:
        """Which tokens may not come, (V,) bool; one may at least."""


@dataclass(frozen=True, kw_only=True)
class TokenSteps:
    """How tokens go into an engine and what may come next is read from its output.

    Args:
        inputs: makes the inputs of a step, name -> (n, ...), from tokens (n,) and the numbers (n,) of the sequences
            that they belong to.
        logits: reads logits (n, V) from the output (n, ...) of a step.
        end: the token that ends a sequence; None where none does.
        banned: tokens that never come. Probabilities are those of the others.
        beside: reads from the output what is kept of each step beside its token, such as attention weights (n, ...).
        rules: which tokens may come after those so far; None lets all come.
    """

    inputs: Callable[[np.ndarray, np.ndarray], Inputs]
    logits: Callable[[np.ndarray], np.ndarray] = field(default=lambda output: output)
    end: int | None = None
    banned: tuple[int, ...] = ()
    beside: Callable[[np.ndarray], np.ndarray] | None = None
    rules: Rules | None = None


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """One sequence of tokens that came out.

    Args:
        tokens: (L,) int64, without the end.
        log_probs: log-probability of each token and of the end where it came, (L,) or (L + 1,). They are the
            model's own, whatever the temperature.
        score: what sequences are ranked by: the sum of `log_probs`, for a beam divided by the length penalty.
        ended: False where the sequence stopped because it was as long as it may be.
        beside: what was kept of each step, (L, ...) or (L + 1, ...); None where nothing was.
    """

    tokens: np.ndarray
    log_probs: np.ndarray
    score: float
    ended: bool
    beside: np.ndarray | None = None


def decode(
    engine: Engine,
    slots: Sequence[Slot],
    first: Sequence[int] | np.ndarray,
    decoding: Decoding,
    steps: TokenSteps,
    *,
    max_lengths: int | Sequence[int] | np.ndarray | None = None,
    num_best: int = 1,
    numbers: Sequence[int] | np.ndarray | None = None,
) -> list[list[Decoded]]:
    """Continues sequences of tokens until their end.

    Args:
        engine: runs the program.
        slots: one for each sequence, in the state before its token `first`. They stay as they are, open: the work is
            done in copies, which are closed whatever happens.
        first: the token that each sequence goes on from, (n,): the last one of a prompt, or the begin token.
        decoding: how tokens are chosen.
        steps: how tokens go into the engine and out of it.
        max_lengths: most tokens of the sequences where `decoding` does not say so, one number or one for each.
        num_best: answers wanted for a sequence; there are never more than a beam has.
        numbers: what the draws of each sequence depend on beside the seed, (n,), each at least 0; None counts from 0.

    Returns:
        For each sequence its answers, the best first.
    """
    first = np.asarray(first, np.int64).reshape(-1)
    if len(first) != len(slots):
        raise ArgumentError(f"`first` must be {len(slots)} tokens, one for each slot, but are {len(first)}.")
    if num_best < 1:
        raise ArgumentError(f"`num_best` is a whole number >= 1, but is {num_best!r}. Raise it.")
    drawn = range(len(slots)) if numbers is None else [int(number) for number in numbers]
    if len(drawn) != len(slots) or min(drawn, default=0) < 0:
        raise ArgumentError(
            f"`numbers` must be {len(slots)} whole numbers >= 0, one for each slot, but are {list(drawn)!r:.60}. "
            "Give others, or None to count from 0."
        )
    limits = _limits(decoding, max_lengths, len(slots))
    waiting = [
        _Search(place, int(token), limit, chooser(decoding, number), decoding, num_best, steps.end)
        for place, (token, limit, number) in enumerate(zip(first, limits, drawn, strict=True))
    ]
    searches = list(waiting)
    width = decoding.width if isinstance(decoding, Beam) else 1
    most = max(1, _AT_ONCE // max(1, width * int(np.prod(engine.program.shapes[engine.program.output]))))
    waiting.reverse()
    active: list[_Search] = []
    with _Copies(engine) as copies:
        while active or waiting:
            while waiting and len(active) < most:
                search = waiting.pop()
                state = None if steps.rules is None else steps.rules.first(search.number)
                search.live = [_Beginning(copies.fork(slots[search.number]), search.first, state=state)]
                active.append(search)
            _advance(engine, active, steps, copies)
            active = [search for search in active if search.live]
    return [search.best() for search in searches]


@contextmanager
def opened(engine: Engine, contexts: Sequence[Inputs | None]) -> Iterator[list[Slot]]:
    """Fresh slots with these contexts, closed at the end whatever happens."""
    with ExitStack() as stack:
        slots: list[Slot] = []
        for context in contexts:
            slot = engine.open(context)
            stack.callback(engine.close, slot)
            slots.append(slot)
        yield slots


class _Copies:
    """Slots that are open for the time of the work."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.open: set[Slot] = set()

    def fork(self, slot: Slot) -> Slot:
        copy = self.engine.fork(slot)
        self.open.add(copy)
        return copy

    def close(self, slot: Slot) -> None:
        self.open.discard(slot)
        self.engine.close(slot)

    def __enter__(self) -> "_Copies":
        return self

    def __exit__(self, *_: object) -> None:
        while self.open:
            self.engine.close(self.open.pop())


@dataclass
class _Beginning:
    """The beginning of a sequence: its last token, and the beginning before that one."""

    slot: Slot
    token: int
    log_prob: float = 0.0  # of this token
    total: float = 0.0
    length: int = 0
    beside: np.ndarray | None = None
    before: "_Beginning | None" = None
    state: object = None  # of the rules

    def whole(self, score: float, ended: bool) -> Decoded:
        path: list[_Beginning] = []
        at: _Beginning = self
        while at.before is not None:
            path.append(at)
            at = at.before
        path.reverse()
        tokens = [step.token for step in path[: len(path) - ended]]
        rows_beside = [step.beside for step in path if step.beside is not None]
        return Decoded(
            tokens=np.array(tokens, np.int64),
            log_probs=np.array([step.log_prob for step in path], np.float64),
            score=score,
            ended=ended,
            beside=np.stack(rows_beside) if rows_beside else None,
        )


class _Search:
    """One sequence on its way: the beginnings that are followed, and the ends that were found."""

    def __init__(
        self,
        number: int,
        first: int,
        limit: int,
        choose: Chooser,
        decoding: Decoding,
        num_best: int,
        end: int | None,
    ) -> None:
        self.number, self.first, self.limit, self.choose, self.end = number, first, limit, choose, end
        self.num_best = min(num_best, decoding.width) if isinstance(decoding, Beam) else 1
        self.penalty = decoding.length_penalty if isinstance(decoding, Beam) else 0.0
        self.live: list[_Beginning] = []
        self.found: list[tuple[float, bool, _Beginning]] = []

    def take(self, choices: Sequence[Choice], log_probs: np.ndarray, beside: np.ndarray | None) -> list[_Beginning]:
        """Follows these choices; returns the beginnings that go on, which still have the slots of those before."""
        onward: list[_Beginning] = []
        for parent, token in choices:
            before = self.live[parent]
            log_prob = float(log_probs[parent, token])
            kept = None if beside is None else np.array(beside[parent])
            child = _Beginning(before.slot, token, log_prob, before.total + log_prob, before.length + 1, kept, before)
            if token == self.end or child.length >= self.limit:
                self.found.append((self._score(child.total, child.length), token == self.end, child))
            else:
                onward.append(child)
        self.found.sort(key=lambda item: -item[0])
        del self.found[self.num_best :]
        return [] if self._settled(onward) else onward

    def _settled(self, onward: Sequence[_Beginning]) -> bool:
        """True where nothing that still goes on can be among the best: log-probabilities only fall from here."""
        if len(self.found) < self.num_best:
            return False
        reach = max((self._score(child.total, self.limit) for child in onward), default=-inf)
        return reach <= self.found[-1][0]

    def _score(self, total: float, length: int) -> float:
        return float(total / ((5 + length) / 6) ** self.penalty)

    def best(self) -> list[Decoded]:
        return [last.whole(score, ended) for score, ended, last in self.found]


def _advance(engine: Engine, active: Sequence[_Search], steps: TokenSteps, copies: _Copies) -> None:
    """One engine step of every beginning of every sequence."""
    live = [(search.number, beginning) for search in active for beginning in search.live]
    tokens = np.array([beginning.token for _, beginning in live], np.int64)
    numbers = np.array([number for number, _ in live], np.int64)
    output = engine.step([beginning.slot for _, beginning in live], steps.inputs(tokens, numbers))
    logits = np.array(steps.logits(output), np.float64)
    logits[:, list(steps.banned)] = -inf
    if steps.rules is not None:
        for row, (_, beginning) in enumerate(live):
            logits[row, steps.rules.barred(beginning.state)] = -inf
    if not np.isfinite(logits.max(axis=1)).all():
        raise TrainingError(
            "the logits of a step must be numbers with one token at least that is not banned, but are not. "
            "The model has diverged: fit it again with a lower learning rate."
        )
    log_probs = log_softmax(logits)
    beside = None if steps.beside is None else steps.beside(output)
    start = 0
    for search in active:
        rows = slice(start, start + len(search.live))
        start = rows.stop
        totals = np.array([beginning.total for beginning in search.live])
        onward = search.take(
            search.choose(totals, log_probs[rows]), log_probs[rows], None if beside is None else beside[rows]
        )
        _hand_on(search.live, onward, copies)
        if steps.rules is not None:
            for child in onward:
                assert child.before is not None
                child.state = steps.rules.after(child.before.state, child.token)
        search.live = onward


def _hand_on(before: Sequence[_Beginning], onward: Sequence[_Beginning], copies: _Copies) -> None:
    """Gives every beginning that goes on a slot: the first child takes its parent's, the others copies of it."""
    kept = {child.slot for child in onward}
    for parent in before:
        if parent.slot not in kept:
            copies.close(parent.slot)
    taken: set[Slot] = set()
    for child in onward:
        if child.slot in taken:
            child.slot = copies.fork(child.slot)
        taken.add(child.slot)


def _limits(decoding: Decoding, max_lengths: int | Sequence[int] | np.ndarray | None, count: int) -> list[int]:
    given = max_lengths if decoding.max_length is None else decoding.max_length
    if given is None:
        raise ArgumentError(
            "`max_length` must be given: nothing else ends a sequence for certain. Set it in `decoding`."
        )
    limits = np.broadcast_to(np.asarray(given, np.int64), (count,))
    if (limits < 1).any():
        raise ArgumentError(f"`max_lengths` are whole numbers >= 1, but the least is {limits.min()}. Raise it.")
    return [int(limit) for limit in limits]
