"""Scores of a model, and those without some of the answers each, from which their error is known."""

from collections.abc import Callable, Iterator
from collections.abc import Sequence as List

import msgspec
import numpy as np

from whorl.data.sequences import Sequence
from whorl.runtime import writing
from whorl.runtime.engines import engine_for
from whorl.runtime.metrics import Scoring
from whorl.runtime.model import Model
from whorl.runtime.prediction import Prediction

BLOCKS = 20

Answer = tuple[int, Prediction, np.ndarray]
"""The number of a block, answers and their truths."""


class Scored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Metrics of all answers, and of all but those of each block.

    Any metric has an error this way, also one that is no mean of answers (Tukey's jackknife; Efron & Tibshirani 1993,
    chapter 11). Blocks are neighbours in time where few series are scored, as their errors hang together.
    """

    metrics: dict[str, float]
    without: list[dict[str, float]] = []


def score(model: Model, sequences: List[Sequence], steps: List[np.ndarray]) -> tuple[Scored, dict[str, Scored], int]:
    """The model's scores, those of its naive rivals, and the number of answers."""
    if model.encoder is not None:
        return _of_texts(model, sequences)
    blocks = _blocks(steps, whole=model.readout.by_sequence)
    count = 1 + max((int(own.max()) for own in blocks if len(own)), default=0)

    def make() -> Scoring:
        return model.readout.scores(model.reader, model.naive_mae)

    def rivals() -> Scoring:
        return model.readout.of_rivals().scores(model.reader, model.naive_mae)

    own = _summed(_answers(model, sequences, steps, blocks), make, count)
    naive = {name: _summed(_answers(model, sequences, steps, blocks, name), rivals, count) for name in model.baselines}
    return own, naive, sum(map(len, steps))


def _blocks(steps: List[np.ndarray], *, whole: bool) -> list[np.ndarray]:
    """The number of the block of each step: sequences in turn, or pieces of them where there are few."""
    with_steps = [n for n, own in enumerate(steps) if len(own)]
    if whole or len(with_steps) >= BLOCKS:
        turn = {n: i % BLOCKS for i, n in enumerate(with_steps)}
        return [np.full(len(own), turn.get(n, 0)) for n, own in enumerate(steps)]
    total, ends = sum(map(len, steps)), np.cumsum([0, *map(len, steps)])
    return [(end + np.arange(len(own))) * BLOCKS // max(total, 1) for own, end in zip(steps, ends[:-1], strict=True)]


def _answers(
    model: Model, sequences: List[Sequence], steps: List[np.ndarray], blocks: List[np.ndarray], rival: str | None = None
) -> Iterator[Answer]:
    """What the model answers, or one of its rivals."""
    engine = None if rival is None else engine_for(model.baselines[rival])
    readout = model.readout if rival is None else model.readout.of_rivals()
    for n, at, out in model.outputs(sequences, steps, engine):
        block = blocks[n][np.searchsorted(steps[n], at)]
        for b in np.unique(block):
            some = block == b
            answers = readout.in_units(out[some], *model.units)
            prediction = readout.prediction(model.index(sequences[n], at[some]), answers, model.reader)
            yield int(b), prediction, model.truths(sequences[n], at[some])


def _summed(answers: Iterator[Answer], make: Callable[[], Scoring], count: int) -> Scored:
    whole, without = make(), [make() for _ in range(count)]
    for block, prediction, truth in answers:
        whole.add(prediction, truth)
        for n, sums in enumerate(without):
            if n != block:
                sums.add(prediction, truth)
    return Scored(whole.result(), [sums.result() for sums in without] if count > 1 else [])


def _of_texts(model: Model, sequences: List[Sequence]) -> tuple[Scored, dict[str, Scored], int]:
    every, count = range(len(sequences)), min(BLOCKS, len(sequences))

    def scored(written: writing.Written) -> Scored:
        parts = [[n for n in every if n % count != block] for block in range(count)] if count > 1 else []
        return Scored(written.scores(model, every).result(), [written.scores(model, part).result() for part in parts])

    rivals = writing.written_by_rivals(model, sequences)
    own = scored(writing.written_by_model(model, sequences))
    return own, {name: scored(written) for name, written in rivals.items()}, len(sequences)
