"""What goes on: sequences are read up to their last step, and others follow from it."""

from collections.abc import Iterator
from collections.abc import Sequence as List
from contextlib import contextmanager

import numpy as np

from whorl.data.sequences import Sequence
from whorl.plans.decoding import Decoding
from whorl.runtime.decoding import Decoded, Rules, TokenSteps, decode, opened
from whorl.runtime.engine import Engine, Inputs, Slot
from whorl.runtime.prediction import Index

# Steps that are read at once.
_PIECE = 1 << 14


@contextmanager
def primed(engine: Engine, sequences: List[Sequence]) -> Iterator[list[Slot]]:
    """A slot for each sequence, which has read all of it but its last step; they are closed at the end."""
    with opened(engine, [None] * len(sequences)) as slots:
        for slot, one in zip(slots, sequences, strict=True):
            for start in range(0, len(one) - 1, _PIECE):
                piece = one.past[None, start : min(start + _PIECE, len(one) - 1)]
                engine.run({"past": piece}, slots=[slot], start=piece.shape[1])
        yield slots


def tokens_after(
    engine: Engine,
    sequences: List[Sequence],
    decoding: Decoding,
    *,
    end: int | None,
    banned: tuple[int, ...],
    limit: int,
    rules: Rules | None = None,
) -> list[Decoded]:
    """The tokens that follow each sequence.

    Args:
        engine: runs the program.
        sequences: rows of a token, and of what stands beside all of them.
        decoding: how tokens are chosen.
        end: the token that ends a sequence; None where none does.
        banned: tokens that never come.
        limit: most tokens where `decoding` does not say so.
        rules: which tokens may come after those so far; None lets all come.
    """
    beside = np.stack([one.past[-1, 1:] for one in sequences])

    def inputs(tokens: np.ndarray, numbers: np.ndarray) -> Inputs:
        return {"past": np.concatenate([tokens[:, None], beside[numbers]], axis=1).astype(np.float32)}

    steps = TokenSteps(inputs=inputs, logits=lambda output: output[:, 0, 0], end=end, banned=banned, rules=rules)
    with primed(engine, sequences) as slots:
        last = [int(one.past[-1, 0]) for one in sequences]
        return [answers[0] for answers in decode(engine, slots, last, decoding, steps, max_lengths=limit)]


def index_of(sequences: List[Sequence]) -> Index:
    """Where what follows stands: behind the last step of each."""
    keys, lengths = [one.key for one in sequences], [len(one) - 1 for one in sequences]
    return Index(np.array(keys, object), np.array(lengths, np.int64))
