"""Labels that follow each other: the most probable ones of a whole sequence, and the probability of each at each step.

Axes: T steps, C classes. `chain` is (C + 1, C + 1): [i, j] scores class j after class i, the last row what comes first,
and the last column what comes last.
"""

from collections.abc import Sequence as List

import numpy as np

# Score of what may not be.
_NEVER = -1e9


def constrained(chain: np.ndarray, classes: List[object]) -> np.ndarray:
    """The scores where, of labels that mark entities, I-X follows B-X and I-X only.

    Where no label is B-X, I-X begins an entity as well, and may follow anything.
    """
    made, names = np.array(chain, np.float64), [str(one) for one in classes]
    for place, name in enumerate(names):
        if name.startswith("I-") and f"B-{name[2:]}" in names:
            allowed = [before[:2] in ("B-", "I-") and before[2:] == name[2:] for before in names]
            made[:-1, place][~np.array(allowed)] = _NEVER
            made[-1, place] = _NEVER
    return made


def best_path(logits: np.ndarray, chain: np.ndarray) -> np.ndarray:
    """The labels with the highest score, (T,) int64, of logits (T, C) (Viterbi 1967)."""
    if not len(logits):
        return np.empty(0, np.int64)
    among, score = chain[:-1, :-1], logits[0] + chain[-1, :-1]
    came_from = np.zeros(logits.shape, np.int64)
    for t in range(1, len(logits)):
        onward = score[:, None] + among
        came_from[t] = onward.argmax(axis=0)
        score = onward.max(axis=0) + logits[t]
    path = np.empty(len(logits), np.int64)
    path[-1] = (score + chain[:-1, -1]).argmax()
    for t in range(len(logits) - 1, 0, -1):
        path[t - 1] = came_from[t, path[t]]
    return path


def marginals(logits: np.ndarray, chain: np.ndarray) -> np.ndarray:
    """The probability of each label at each step, (T, C), over all labels of the others (forward-backward)."""
    if not len(logits):
        return np.empty(logits.shape)
    among = chain[:-1, :-1]
    forward, backward = np.empty(logits.shape), np.empty(logits.shape)
    forward[0], backward[-1] = logits[0] + chain[-1, :-1], chain[:-1, -1]
    for t in range(1, len(logits)):
        forward[t] = _log_sum(forward[t - 1][:, None] + among, 0) + logits[t]
    for t in range(len(logits) - 2, -1, -1):
        backward[t] = _log_sum(among + (logits[t + 1] + backward[t + 1]), 1)
    both = forward + backward
    shares: np.ndarray = np.exp(both - both.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def _log_sum(scores: np.ndarray, axis: int) -> np.ndarray:
    top = scores.max(axis=axis)
    summed: np.ndarray = np.log(np.exp(scores - np.expand_dims(top, axis)).sum(axis=axis)) + top
    return summed
