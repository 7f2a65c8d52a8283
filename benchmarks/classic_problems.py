"""The classic problems of recurrent networks: what is read, what is asked, and what is known without reading.

Every sequence is drawn from a seed; nothing is loaded. Axes: N sequences, T steps, D columns.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

import whorl
from whorl.plans.networks import Network
from whorl.plans.wiring import Wiring
from whorl.tasks.estimator import Estimator

# Symbols of the copy problem, and how many of them are kept; beside them are a blank and a mark that asks for them.
SYMBOLS, COPIED = 8, 10
BLANK, MARK = SYMBOLS, SYMBOLS + 1
# Parity is learned from sequences of these lengths, and asked of sequences so long.
SHORTEST, LONGEST, ASKED = 2, 40, 256
# Steps whose answers to parity are scored, counted from 1; the last part is the one that says whether it was learned.
PARTS = {"steps 21 to 40": (21, 40), "steps 41 to 80": (41, 80), "steps 129 to 256": (129, 256)}
# Steps whose share of right answers is kept as one number, for the picture.
BIN = 8

# Sequences, each (T, D), and what is asked of each.
Examples = tuple[list[np.ndarray], list[np.ndarray] | np.ndarray]


def adding(count: int, length: int, seed: Sequence[int]) -> Examples:
    """Two of many numbers are marked, one in each half, and their sum is asked at the end.

    Hochreiter & Schmidhuber (1997), section 5.4, with the marks as Arjovsky et al. (2016), section 4.2, place them.

    Returns:
        x (N, T, 2), a number in [0, 1) and its mark at each step, and y (N,).
    """
    random = np.random.default_rng([1, *seed])
    x = np.zeros((count, length, 2), np.float32)
    x[..., 0] = random.random((count, length))
    rows = np.arange(count)
    marked = random.integers(0, length // 2, count), random.integers(length // 2, length, count)
    for at in marked:
        x[rows, at, 1] = 1.0
    return list(x), sum(x[rows, at, 0].astype(np.float64) for at in marked)  # type: ignore[return-value]


def copying(count: int, length: int, seed: Sequence[int]) -> Examples:
    """Ten symbols are read, and are written in their order when a mark comes after a long pause.

    Arjovsky et al. (2016), section 4.1; what is written before the mark, and until it, is the blank.

    Returns:
        x (N, length + 20, 10), a one for the symbol of a step, and y (N, length + 20) their numbers.
    """
    random = np.random.default_rng([2, *seed])
    symbols = random.integers(0, SYMBOLS, (count, COPIED))
    read = np.full((count, length + 2 * COPIED), BLANK)
    read[:, :COPIED] = symbols
    read[:, length + COPIED - 1] = MARK
    asked = np.full_like(read, BLANK)
    asked[:, -COPIED:] = symbols
    return list(np.eye(SYMBOLS + 2, dtype=np.float32)[read]), list(asked)


def parity(count: int, length: int, seed: Sequence[int], shortest: int | None = None) -> Examples:
    """Whether the number of ones up to each step is odd.

    Returns:
        x (T, 1) of bits and y (T,) of bits for each sequence, all of them `length` long, or from `shortest` to it.
    """
    random = np.random.default_rng([3, *seed])
    lengths = random.integers(length if shortest is None else shortest, length + 1, count)
    bits = [random.integers(0, 2, steps) for steps in lengths]
    return [one[:, None].astype(np.float32) for one in bits], [one.cumsum() % 2 for one in bits]


class Summing(whorl.Regressor):
    """A Regressor without dropout: a problem without noise has nothing to be learned by heart."""

    def wiring(self) -> Wiring:
        return msgspec.structs.replace(super().wiring(), dropout=0.0)


class Labelling(whorl.Tagger):
    """A Tagger without dropout."""

    def wiring(self) -> Wiring:
        return msgspec.structs.replace(super().wiring(), dropout=0.0)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One of the classic problems.

    Args:
        lengths: of the sequences, or of the pause in them; the learning rate is chosen at the first.
        steps: of training.
        measure: the score that says whether it was learned, as `score` calls it; less is better.
        chosen_by: metric of the validation part that chooses the learning rate.
        baseline: that score of the best answer that does not need the sequence, by length.
        window: steps that must be seen at once, by length.
        train: draws examples to learn from, by count, length and seed.
        task: builds the estimator.
        score: scores a fitted one on new sequences, by length and seed.
    """

    lengths: tuple[int, ...]
    steps: int
    measure: str
    chosen_by: str
    baseline: Callable[[int], float]
    window: Callable[[int], int]
    train: Callable[[int, int, Sequence[int]], Examples]
    task: Callable[[Network, whorl.Training], Estimator]
    score: Callable[[Estimator, int, Sequence[int]], Mapping[str, float | list[float]]]


def _scored_sums(model: Estimator, length: int, seed: Sequence[int]) -> dict[str, float | list[float]]:
    found = model.evaluate(adding(2000, length, seed))
    return {"mse": float(found.metrics["mse"])}


def _scored_copies(model: Estimator, length: int, seed: Sequence[int]) -> dict[str, float | list[float]]:
    x, y = copying(1000, length, seed)
    right = np.stack(model.predict(x).value).astype(np.int64)[:, -COPIED:] == np.stack(list(y))[:, -COPIED:]
    return {"nll": float(model.evaluate((x, y)).metrics["nll"]), "accuracy of copied symbols": float(right.mean())}


def _scored_parities(model: Estimator, length: int, seed: Sequence[int]) -> dict[str, float | list[float]]:
    x, y = parity(500, ASKED, seed)
    right = (np.stack(model.predict(x).value).astype(np.int64) == np.stack(list(y))).mean(axis=0)
    shares: dict[str, float | list[float]] = {
        name: float(right[first - 1 : last].mean()) for name, (first, last) in PARTS.items()
    }
    *_, far = shares.values()
    assert isinstance(far, float)
    by_step = right.reshape(-1, BIN).mean(axis=1)
    return {**shares, "wrong": 1.0 - far, "by_step": [round(float(one), 4) for one in by_step]}


# A mark is 0 or 1 as it stands; scaled by its deviation it would be the larger, the longer the sequence is.
_UNSCALED = whorl.Table(scaling="none")


def _summing(network: Network, training: whorl.Training) -> Estimator:
    return Summing(table=_UNSCALED, network=network, training=training)


def _labelling(network: Network, training: whorl.Training) -> Estimator:
    return Labelling(table=_UNSCALED, lookahead=0, network=network, training=training)


PROBLEMS = {
    "adding": Problem(
        lengths=(50, 100, 200),
        steps=3000,
        measure="mse",
        chosen_by="mse",
        # Twice the variance of a uniform number: of the mean, 1, as the answer to all.
        baseline=lambda length: 1.0 / 6.0,
        window=lambda length: length,
        train=adding,
        task=_summing,
        score=_scored_sums,
    ),
    "copy": Problem(
        lengths=(50, 100),
        steps=2500,
        measure="nll",
        chosen_by="nll",
        # Blanks are known; each of the symbols is as good as any other.
        baseline=lambda length: COPIED * math.log(SYMBOLS) / (length + 2 * COPIED),
        window=lambda length: length + 2 * COPIED,
        train=copying,
        task=_labelling,
        score=_scored_copies,
    ),
    "parity": Problem(
        lengths=(LONGEST,),
        steps=2000,
        measure="wrong",
        chosen_by="nll",
        baseline=lambda length: 0.5,
        window=lambda length: ASKED,
        train=lambda count, length, seed: parity(count, length, seed, SHORTEST),
        task=_labelling,
        score=_scored_parities,
    ),
}
