"""Scores of a model, and those without some of the answers each, from which their error is known."""

from collections.abc import Callable, Iterator
from collections.abc import Sequence as List

import msgspec
import numpy as np

from whorl.data.sequences import Sequence
from whorl.plans.wiring import Sequences
from whorl.runtime import transcribing, writing
from whorl.runtime.evaluation import answers, outputs_of_rival
from whorl.runtime.metrics import Scoring
from whorl.runtime.model import Model
from whorl.runtime.prediction import Prediction

BLOCKS = 20
# Blocks below which nothing is said of an error, and horizons that a block of windows has at least.
FEWEST, _LONG = 5, 3

Answer = tuple[int, Prediction, np.ndarray]
"""The number of a block, answers and their truths."""


class Scored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Metrics of all answers, and of all but those of each block.

    Any metric has an error this way, also one that is no mean of answers (Tukey's jackknife; Efron & Tibshirani 1993,
    chapter 11). Blocks are neighbours in time where few series are scored, as their errors hang together.
    """

    metrics: dict[str, float]
    without: list[dict[str, float]] = []


def score(
    model: Model, sequences: List[Sequence], steps: List[np.ndarray], groups: List[str] | None = None
) -> tuple[Scored, dict[str, Scored], int]:
    """The model's scores, those of its naive rivals, and the number of answers whose truth is known.

    Args:
        model: fitted.
        sequences: with truths.
        steps: of each sequence that are scored.
        groups: which group each sequence belongs to, whose sequences are alike; None where they are not grouped.
    """
    if model.encoder is not None or transcribing.transcribes(model):
        return _of_texts(model, sequences, groups)
    steps = _with_truths(model, sequences, steps)
    whole = model.readout.by_sequence or isinstance(model.wiring.pairing, Sequences)
    blocks = blocks_of(steps, whole=whole, horizon=max(1, model.reader.horizon), groups=groups)
    count = 1 + max((int(own.max()) for own in blocks if len(own)), default=0)

    def make() -> Scoring:
        return model.readout.scores(model.reader, model.naive_mae)

    def rivals() -> Scoring:
        return model.readout.of_rivals().scores(model.reader, model.naive_mae)

    own = _summed(_answers(model, sequences, steps, blocks), make, count)
    naive = {name: _summed(_answers(model, sequences, steps, blocks, name), rivals, count) for name in model.baselines}
    return own, naive, sum(map(len, steps))


def _with_truths(model: Model, sequences: List[Sequence], steps: List[np.ndarray]) -> List[np.ndarray]:
    """The steps without those of whole sequences whose truth is missing."""
    pairing = model.wiring.pairing
    if not isinstance(pairing, Sequences) or pairing.every_step:
        return steps
    known = [one.labels is not None or bool(np.isfinite(one.row_targets).any()) for one in sequences]
    return [own if there else own[:0] for own, there in zip(steps, known, strict=True)]


def blocks_of(
    steps: List[np.ndarray], *, whole: bool, horizon: int, groups: List[str] | None = None
) -> list[np.ndarray]:
    """The number of the block of each step, at most 20 of them; one block for all where there are too few.

    Groups go to blocks in turn, or sequences where there are many or `whole` ones are answered. Few series are cut into
    pieces of neighbours, each of three horizons or more: windows that overlap share truths, and are wrong together.
    """
    scored = [n for n, own in enumerate(steps) if len(own)]
    units = [n if groups is None else groups[n] for n in scored]
    if whole or groups is not None or len(scored) >= BLOCKS:
        turn = {unit: i % BLOCKS for i, unit in enumerate(dict.fromkeys(units))}
        turn = turn if len(turn) >= FEWEST else dict.fromkeys(turn, 0)
        return [
            np.full(len(own), turn[n if groups is None else groups[n]] if len(own) else 0)
            for n, own in enumerate(steps)
        ]
    total, ends = sum(map(len, steps)), np.cumsum([0, *map(len, steps)])
    count = min(BLOCKS, total // (_LONG * horizon))
    count = count if count >= FEWEST else 1
    return [(end + np.arange(len(own))) * count // max(total, 1) for own, end in zip(steps, ends[:-1], strict=True)]


def _answers(
    model: Model, sequences: List[Sequence], steps: List[np.ndarray], blocks: List[np.ndarray], rival: str | None = None
) -> Iterator[Answer]:
    """What the model answers, or one of its rivals, block by block."""
    found = model.outputs(sequences, steps) if rival is None else outputs_of_rival(model, rival, sequences, steps)

    def block_of(n: int, at: np.ndarray) -> np.ndarray:
        return blocks[n][np.searchsorted(steps[n], at)]

    pieces = (
        (n, at[some], out[some])
        for n, at, out in found
        for some in (block_of(n, at) == block for block in np.unique(block_of(n, at)))
    )
    for n, at, prediction, truth in answers(model, sequences, pieces, rival=rival is not None):
        yield int(block_of(n, at)[0]), prediction, truth


def _summed(found: Iterator[Answer], make: Callable[[], Scoring], count: int) -> Scored:
    whole, without = make(), [make() for _ in range(count)]
    for block, prediction, truth in found:
        whole.add(prediction, truth)
        for n, sums in enumerate(without):
            if n != block:
                sums.add(prediction, truth)
    return Scored(whole.result(), [sums.result() for sums in without] if count > 1 else [])


def _of_texts(
    model: Model, sequences: List[Sequence], groups: List[str] | None
) -> tuple[Scored, dict[str, Scored], int]:
    every = range(len(sequences))
    blocks = [int(own[0]) for own in blocks_of([np.zeros(1)] * len(sequences), whole=True, horizon=1, groups=groups)]
    count = 1 + max(blocks, default=0)

    def scored(written: writing.Written) -> Scored:
        parts = [[n for n in every if blocks[n] != block] for block in range(count)] if count > 1 else []
        return Scored(written.scores(model, every).result(), [written.scores(model, part).result() for part in parts])

    if transcribing.transcribes(model):
        rivals, said = transcribing.said_by_rivals(model, sequences), transcribing.said_by_model(model, sequences)[1]
    else:
        rivals, said = writing.written_by_rivals(model, sequences), writing.written_by_model(model, sequences)
    own = scored(said)
    return own, {name: scored(written) for name, written in rivals.items()}, len(sequences)
