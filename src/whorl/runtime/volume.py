"""Volume under the surface: areas under curves whose labels fade out around an anomaly, over all lengths of the fading.

After Paparrizos, Boniol, Palpanas, Tsay, Elmore & Franklin (2022), "Volume Under the Surface", PVLDB 15(11), section 3:
an alarm shortly before or after a range of anomalous rows is worth something, and how much does not hang on one choice
of the buffer's length.
"""

import numpy as np


def events(flags: np.ndarray) -> list[tuple[int, int]]:
    """First and last (exclusive) row of each run of flagged rows."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def volumes(scores: np.ndarray, truth: np.ndarray, buffer: int) -> tuple[float, float]:
    """VUS-ROC and VUS-PR: the mean of the areas under both curves over the buffers 0, 1, ..., `buffer`.

    Args:
        scores: (N,) higher where a row is more anomalous; NaN where it is not judged.
        truth: (N,) whether a row is an anomaly; of those that are judged some are, and some are not.
        buffer: rows over which labels fade out, half of them on either side of a range.
    """
    order = np.argsort(-scores, kind="stable")[: np.count_nonzero(~np.isnan(scores))]
    areas = [_areas(scores, order, truth, length) for length in range(buffer + 1)]
    return float(np.mean([area[0] for area in areas])), float(np.mean([area[1] for area in areas]))


def faded(truth: np.ndarray, length: int) -> np.ndarray:
    """Labels that fall off as sqrt(1 - d / length) at distance d <= length / 2 from a range of anomalies.

    Where the buffers of two ranges meet they add up to at most 1.
    """
    labels = truth.astype(np.float64)
    for start, stop in events(truth):
        for rows, edge in (
            (np.arange(max(0, start - length // 2), start), start),
            (np.arange(stop, min(len(truth), stop + length // 2)), stop - 1),
        ):
            labels[rows] += np.sqrt(1.0 - np.abs(rows - edge) / max(length, 1))
    return np.minimum(labels, 1.0)


def _areas(scores: np.ndarray, order: np.ndarray, truth: np.ndarray, length: int) -> tuple[float, float]:
    """Range-AUC-ROC and Range-AUC-PR at one length, over all distinct thresholds."""
    labels, judged = faded(truth, length), ~np.isnan(scores)
    # The last row of each run of equal scores: a threshold takes all of them.
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hit = np.cumsum(labels[order])[last]
    count = last + 1.0
    # Between the anomalies and all that is labelled, so that a buffer is neither demanded nor free.
    positive = (truth[judged].sum() + labels[judged].sum()) / 2.0
    highest = np.array([np.max(scores[a:b], where=judged[a:b], initial=-np.inf) for a, b in events(labels > 0)])
    highest = np.sort(highest[highest > -np.inf])
    found = 1.0 - np.searchsorted(highest, scores[order][last], side="left") / len(highest)
    recall = np.minimum(hit / positive, 1.0) * found
    false = np.minimum((count - hit) / (len(order) - positive), 1.0)
    recall_at = np.concatenate([[0.0], recall, [1.0]])
    false_at = np.concatenate([[0.0], false, [1.0]])
    roc = float((np.diff(false_at) * (recall_at[1:] + recall_at[:-1]) / 2.0).sum())
    precise = float((np.diff(recall_at[:-1]) * (hit / count)).sum())
    return roc, precise
