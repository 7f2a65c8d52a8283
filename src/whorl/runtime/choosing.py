"""Which tokens follow: the likeliest, one that is drawn, or those that make the best beginnings."""

from collections.abc import Callable, Sequence
from math import inf
from typing import assert_never

import numpy as np

from whorl.plans.decoding import Beam, Decoding, Greedy, Sample

# The beginning that is continued, by its place among those that are followed, and the token that continues it.
Choice = tuple[int, int]
# From the log-probabilities of the beginnings (w,) and of their next tokens (w, V).
Chooser = Callable[[np.ndarray, np.ndarray], Sequence[Choice]]


def chooser(decoding: Decoding, number: int) -> Chooser:
    """What chooses the tokens of one sequence.

    Args:
        decoding: how.
        number: of the sequence; its draws depend on it and the seed alone.
    """
    match decoding:
        case Greedy():
            return lambda totals, log_probs: [(0, int(log_probs[0].argmax()))]
        case Sample():
            generator = generator_of(decoding.seed, number)
            return lambda totals, log_probs: [(0, drawn(log_probs[0], decoding, generator.random()))]
        case Beam(width=width):
            return lambda totals, log_probs: best(totals, log_probs, int(width))
        case _:
            assert_never(decoding)


def generator_of(seed: int, number: int) -> np.random.Generator:
    """What a sequence draws from: it depends on the seed and on the sequence's number alone."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([int(seed), number])))


def best(totals: np.ndarray, log_probs: np.ndarray, width: int) -> list[Choice]:
    """The continuations with the largest sums; among equal ones those of earlier beginnings and tokens come first."""
    sums = (totals[:, None] + log_probs).ravel()
    if width < sums.size:
        least = np.partition(sums, sums.size - width)[sums.size - width]
        places = np.flatnonzero(sums >= max(least, np.finfo(np.float64).min))
    else:
        places = np.flatnonzero(sums > -inf)
    order = places[np.argsort(-sums[places], kind="stable")][:width]
    size = log_probs.shape[1]
    return [(int(place) // size, int(place) % size) for place in order]


def drawn(log_probs: np.ndarray, sample: Sample, uniform: float) -> int:
    """A token by the inverse of the distribution function.

    Args:
        log_probs: (V,) of the tokens; -inf for those that cannot come.
        sample: temperature and how many tokens are drawn from.
        uniform: in [0, 1).
    """
    with np.errstate(over="ignore"):  # however cold, the likeliest token stays at 0, and others fall to -inf at most
        heated = (log_probs - log_probs.max()) / float(sample.temperature)
    order = np.argsort(-heated, kind="stable")
    order = order[: min(len(order) if sample.top_k is None else int(sample.top_k), int(np.sum(heated > -inf)))]
    probabilities = np.exp(heated[order])
    running = np.cumsum(probabilities)
    if sample.top_p is not None:
        needed = int(np.searchsorted(running, float(sample.top_p) * running[-1], side="left")) + 1
        order, running = order[:needed], running[:needed]
    place = int(np.searchsorted(running, uniform * running[-1], side="right"))
    return int(order[min(place, len(order) - 1)])


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Log-probabilities over the last axis, in float64; a logit of -inf has none."""
    logits = np.asarray(logits, np.float64)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))
