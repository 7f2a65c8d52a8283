"""What is written while the source still comes: each token as soon as it is due (wait-k, Ma et al. 2019, section 3)."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from whorl.plans.decoding import Greedy
from whorl.runtime.decoding import Decoded, decode, opened
from whorl.runtime.writing import context, token_steps, wait_of, writing_reader

if TYPE_CHECKING:
    from whorl.runtime.model import Model


class Begun(NamedTuple):
    """A source that was read so far, and what was written for it.

    All of it follows from the tokens of the source, whatever the pieces they came in.

    Args:
        said: what the encoder said of each step, (n, D).
        encoder: its state after them; None before the first.
        decoder: the state of what writes, before it reads the last token; None before it has begun.
        tokens: what was written, without the end.
        total: sum of the log-probabilities of what was written.
        ended: whether its end was written.
    """

    said: np.ndarray
    encoder: bytes | None = None
    decoder: bytes | None = None
    tokens: tuple[int, ...] = ()
    total: float = 0.0
    ended: bool = False

    @property
    def decoded(self) -> Decoded:
        """The same as what a search finds."""
        tokens = np.array(self.tokens, np.int64)
        return Decoded(tokens=tokens, log_probs=np.empty(0), score=self.total, ended=self.ended)


def begun(model: "Model") -> Begun:
    """Before the first token."""
    assert model.encoder is not None
    program = model.encoder.program
    return Begun(np.empty((0, *program.shapes[program.output]), np.float32))


def gone_on(model: "Model", before: Begun, codes: np.ndarray, *, whole: bool) -> Begun:
    """Reads what came and writes what is due, or, where the source is whole, the rest.

    Args:
        model: one that waits for some tokens only.
        before: what was read and written so far.
        codes: (n, 1), the source so far.
        whole: whether it has ended.
    """
    read = _read(model, before, codes)
    wait, count = wait_of(model), len(codes)
    assert wait is not None
    # Token t, counted from 0, is due once t + wait tokens were read.
    due = writing_reader(model).most_tokens(count) if whole else min(writing_reader(model).longest, count - wait + 1)
    return read if read.ended or due <= len(read.tokens) else _written(model, read, due - len(read.tokens))


def _read(model: "Model", before: Begun, codes: np.ndarray) -> Begun:
    came = codes[len(before.said) :]
    if not len(came):
        return before
    encoder = model.encoder
    assert encoder is not None
    with opened(encoder, [None]) as (slot,):
        if before.encoder is not None:
            encoder.write(slot, before.encoder)
        said = encoder.run({"source": came[None]}, slots=[slot])[0]
        return before._replace(said=np.concatenate([before.said, said]), encoder=encoder.read(slot))


def _written(model: "Model", before: Begun, count: int) -> Begun:
    """At most so many tokens more."""
    engine, steps = model.engine, token_steps(model)
    first = before.tokens[-1] if before.tokens else writing_reader(model).outputs.begin
    with opened(engine, [context(engine, before.said, wait_of(model))]) as slots:
        if before.decoder is not None:
            engine.write(slots[0], before.decoder)
        ((made,),) = decode(engine, slots, [first], Greedy(), steps, max_lengths=count)
        tokens = made.tokens.tolist()
        if not made.ended:
            read = np.array([first, *tokens[:-1]], np.float32).reshape(1, -1, 1)
            engine.run({"past": read}, slots=slots)
        total = before.total
        for log_prob in made.log_probs.tolist():  # in the order in which a search adds them: the same bits
            total += log_prob
        return before._replace(
            decoder=engine.read(slots[0]), tokens=(*before.tokens, *tokens), total=total, ended=made.ended
        )
