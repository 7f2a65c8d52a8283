"""From how far back an answer comes: what changes when rows before some lag are those of another time.

Axes: T rows, D numbers of a row.
"""

from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np

from whorl.data.sequences import Sequence
from whorl.plans.heads import Bernoulli, Categorical, Head
from whorl.report import traces
from whorl.runtime.model import Model

# Answers that are looked at, other times that each is given, and rows before it.
_ANSWERS, _TIMES, _ROWS = 24, 4, 400


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How much of an answer rows decide that lie at least so far back.

    Args:
        lags: in rows, ascending from 0, (n,).
        shares: how much the answer changes when all rows at least so far back are taken from another time, as a share
            of the change when all are, (n,); mean over answers and other times.
        half: the number of last rows that decide half of an answer.
        answers: how many were looked at.
    """

    lags: np.ndarray
    shares: np.ndarray
    half: int
    answers: int


def reach(model: Model, sequences: List[Sequence], steps: List[np.ndarray], seed: int = 0) -> Reach | None:
    """Measures from how far back answers come; None where nothing that is read changes them.

    Args:
        model: fitted; its network reads and answers in one program.
        sequences: encoded.
        steps: steps of each sequence that have answers.
        seed: of the choice of other times.
    """
    random = np.random.default_rng(seed)
    chosen = traces.places(steps, _ANSWERS, _ROWS)
    if not chosen:
        return None
    # A window is read whole: what stood before a piece of it would be zeros that it never sees, but at the start of a
    # sequence that is shorter.
    most = model.engine.program.memory or _ROWS + 1
    chosen = [place for place in chosen if place[1] + 1 >= most] or chosen
    rows = min(most, min(step for _, step in chosen) + 1)
    lags = _lags(rows)
    every = [_changes(model, sequences, place, rows, lags, random) for place in chosen]
    total = np.mean(every, axis=0)
    if not total[0] > 0:
        return None
    shares = np.minimum(total / total[0], 1.0)
    # Other times are drawn, so that a later lag may come out larger by chance.
    shares = np.maximum.accumulate(shares[::-1])[::-1]
    below = np.flatnonzero(shares <= 0.5)
    half = int(lags[below[0]]) if len(below) else rows
    return Reach(lags=lags, shares=shares, half=half, answers=len(chosen))


def _lags(rows: int) -> np.ndarray:
    """0, 1, 2, 3, 5, 8, ... below so many rows, and three quarters of them."""
    found, step = [0, 1], 1
    while found[-1] < rows:
        found.append(found[-1] + step)
        step = found[-1] - found[-2] if len(found) < 4 else found[-2]
    return np.unique([lag for lag in (*found, -(-3 * rows // 4)) if lag < rows]).astype(np.int64)


def _changes(
    model: Model,
    sequences: List[Sequence],
    place: tuple[int, int],
    rows: int,
    lags: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """How much an answer changes for each lag from which on rows are of another time, (n,)."""
    number, step = place
    one, start = sequences[number], step + 1 - rows
    stop = step + 1 if model.engine.program.streams else len(one)
    given = one.inputs(start, stop, model.reader.horizon)
    past = given["past"]
    mixed = np.repeat(past, 1 + _TIMES * len(lags), axis=0)
    for time in range(_TIMES):
        other = _piece([s for n, s in enumerate(sequences) if n != number] or sequences, rows, random)
        for n, lag in enumerate(lags.tolist()):
            mixed[1 + time * len(lags) + n, : rows - lag] = other[: rows - lag]
    inputs = {name: np.repeat(array, len(mixed), axis=0) for name, array in given.items()}
    inputs["past"] = mixed
    output = model.engine.run(inputs, start=rows - 1)[:, 0]
    if isinstance(model.wiring.head, Categorical):
        output = output[..., : len(model.reader.classes)]  # behind the scores of a catalogue stand codes of items
    answers = _comparable(model.wiring.head, output)
    moved: np.ndarray = np.abs(answers[1:] - answers[0]).reshape(_TIMES, len(lags), -1).mean(axis=(0, 2))
    return moved


def _piece(sequences: List[Sequence], rows: int, random: np.random.Generator) -> np.ndarray:
    """So many rows in a row from some sequence, or, where none is as long, rows of them drawn one by one."""
    able = [one for one in sequences if len(one) >= rows]
    if able:
        one = able[int(random.integers(len(able)))]
        at = int(random.integers(len(one) - rows + 1))
        return one.past[at : at + rows]
    every = np.concatenate([one.past for one in sequences if len(one)])
    return every[random.integers(len(every), size=rows)]


def _comparable(head: Head, output: np.ndarray) -> np.ndarray:
    """Answers as numbers whose distance means something: probabilities, or the first number of each output."""
    output = output.astype(np.float64)
    match head:
        case Categorical():
            shares = np.exp(output - output.max(axis=-1, keepdims=True))
            answers: np.ndarray = shares / shares.sum(axis=-1, keepdims=True)
        case Bernoulli():
            answers = 1.0 / (1.0 + np.exp(-output))
        case _:
            answers = output[..., 0]
    return answers
