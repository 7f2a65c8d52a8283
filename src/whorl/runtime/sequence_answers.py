"""Answers with one array of labels for each sequence, made of those of all steps below each other."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from whorl.runtime.prediction import Index, Prediction


def by_sequence(flat: Prediction, series: np.ndarray, counts: Sequence[int]) -> Prediction:
    """The answers of sequences, of which the first has the first `counts[0]` steps, and so on.

    Args:
        flat: one answer a step.
        series: (N,) object, the key of each sequence.
        counts: steps of each sequence; there may be none.
    """
    ends = np.cumsum([0, *counts])

    def cut(array: np.ndarray) -> list[np.ndarray]:
        return [array[a:b] for a, b in itertools.pairwise(ends)]

    times = cut(flat.index.origin)
    # Of an empty sequence there is no last step: -1, and NaT of dates.
    never = np.array(np.datetime64("NaT") if flat.index.origin.dtype.kind == "M" else -1, flat.index.origin.dtype)
    origin = np.array([part[-1] if len(part) else never for part in times], flat.index.origin.dtype)
    tokens = None if flat.index.tokens is None else cut(flat.index.tokens)
    return replace(
        flat,
        value=cut(flat.value),
        probabilities=cut(flat.probabilities),
        index=Index(series, origin, times, tokens),
    )


def whole_sequences(
    pieces: Iterable[tuple[int, np.ndarray, np.ndarray]],
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Pieces of answers (number of the sequence, steps, outputs), those of a sequence as one."""
    for n, group in itertools.groupby(pieces, key=lambda piece: piece[0]):
        own = list(group)
        if len(own) == 1:
            yield own[0]
        else:
            yield n, np.concatenate([at for _, at, _ in own]), np.concatenate([out for _, _, out in own])


def of_one_sequence(parts: Sequence[Prediction]) -> Prediction:
    """Answers to pieces of one sequence, in order, as one."""
    last = parts[-1].index
    index = Index(last.series, last.origin, [np.concatenate([time for part in parts for time in part.index.time])])
    return replace(
        parts[-1],
        value=[np.concatenate([labels for part in parts for labels in part.value])],
        probabilities=[np.concatenate([shares for part in parts for shares in part.probabilities])],
        index=index,
    )
