"""Sequences at another pace, and spans of them: what changes of training have in common.

Axes: B sequences, T steps.
"""

import numpy as np


def other_lengths(random: np.random.Generator, spread: float, lengths: np.ndarray, stride: int = 1) -> np.ndarray:
    """Steps of sequences that are read faster or slower by chance, (B,) int64; at least one of each that has any.

    Args:
        random: where chance comes from; one number of it is taken for each sequence.
        spread: of the logarithm of the factor.
        lengths: real steps of each sequence.
        stride: what the lengths stay multiples of.
    """
    faster = np.exp(spread * random.standard_normal(len(lengths)))
    steps: np.ndarray = stride * np.maximum(1, np.round(lengths / faster / stride)).astype(np.int64) * (lengths > 0)
    return steps


def places(lengths: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where sequences of these lengths are read for so many steps, evenly from the first to the last one.

    Returns:
        The step before each place and the one after it, (B, most wanted steps) int64, and what the latter counts.
    """
    step = np.arange(max(1, int(wanted.max())))
    last = np.maximum(lengths - 1, 0)[:, None]
    place = np.minimum(step * (last / np.maximum(wanted - 1, 1)[:, None]), last)
    before = place.astype(np.int64)
    return before, np.minimum(before + 1, last), place - before


def spans(random: np.random.Generator, lengths: np.ndarray, share: float, size: int) -> np.ndarray:
    """A span of each sequence, of at most this share of its length, (B, size) bool."""
    wide = np.floor(random.random(len(lengths)) * (share * lengths + 1)).astype(np.int64)
    start = np.floor(random.random(len(lengths)) * (lengths - wide + 1))
    place = np.arange(size)
    made: np.ndarray = (place >= start[:, None]) & (place < (start + wide)[:, None])
    return made
