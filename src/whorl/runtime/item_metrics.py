"""Metrics of recommendations: where the item that came stands in the ranking of all, and when it came."""

import numpy as np

from whorl.runtime.prediction import Prediction

CUTOFFS = (1, 5, 10, 20, 50)
_LISTED = 10


class ItemScores:
    """Ranks of the items that came, among all that training has; none is sampled.

    An item that training does not have, or that was left out because it was seen, is never found: it counts as missed.
    Equal scores rank in the order of the catalogue, as they are answered.

    Keys of `result()`: hr@k, the share of sessions whose item is among the first k; ndcg@k, the mean of
    1 / log2(1 + rank) of those, 0 of others; mrr@10, the mean of 1 / rank of those among the first 10, and mrr without
    that bound; recall@10, which with one true item is hr@10; unseen, the share of items that training does not have;
    seen, the share of items that were left out as the session had them before. Where it is answered when the item comes
    also until_nll, the mean of -log of the probability of the bin of time that it came in; until_mae, the mean absolute
    error of the median, in units of the log; until_coverage, the share of times inside the interval; and until_below,
    the share of times below the median.
    """

    def __init__(self) -> None:
        self._times: list[np.ndarray] = []
        self._ranks: list[np.ndarray] = []
        self._unseen = self._seen = 0
        self._places: dict[object, int] = {}

    def add(self, prediction: Prediction, target: np.ndarray) -> None:
        """Adds answers with the probabilities of the whole catalogue, (N, V), and what came; see `items_of`."""
        assert prediction.probabilities is not None
        assert prediction.classes is not None
        if not self._places:
            self._places = {item: n for n, item in enumerate(prediction.classes.tolist())}
        places = np.array([self._places.get(item, -1) for item in items_of(target).tolist()], np.int64)
        found = ranks(prediction.probabilities, places)
        self._ranks.append(found)
        self._unseen += int((places < 0).sum())
        self._seen += int((np.isinf(found) & (places >= 0)).sum())
        if prediction.until is not None and len(target):
            times = target[:, 1].astype(np.float64)
            (low, high), middle = prediction.until.interval, prediction.until.median
            inside = (low <= times) & (times <= high)
            nats = prediction.until.surprise(times)
            self._times.append(np.stack([nats, np.abs(times - middle), inside, times < middle]))

    def result(self) -> dict[str, float]:
        """The metrics; empty when there is no answer."""
        rank = np.concatenate([np.empty(0), *self._ranks])
        if not len(rank):
            return {}
        gains, turns = 1.0 / np.log2(1.0 + rank), 1.0 / rank
        found = {f"hr@{k}": float((rank <= k).mean()) for k in CUTOFFS}
        found |= {f"ndcg@{k}": float(np.where(rank <= k, gains, 0.0).mean()) for k in CUTOFFS[1:]}
        found[f"mrr@{_LISTED}"] = float(np.where(rank <= _LISTED, turns, 0.0).mean())
        found["mrr"] = float(turns.mean())
        found[f"recall@{_LISTED}"] = found[f"hr@{_LISTED}"]
        found |= {"unseen": self._unseen / len(rank), "seen": self._seen / len(rank)}
        if self._times:
            means = np.concatenate(self._times, axis=1).mean(axis=1).tolist()
            found |= dict(zip(("until_nll", "until_mae", "until_coverage", "until_below"), means, strict=True))
        return found

    def steps(self) -> dict[str, np.ndarray]:
        """Nothing: the next item is one step ahead."""
        return {}


def items_of(target: np.ndarray) -> np.ndarray:
    """The items that came, (N,), of truths that are these alone or, (N, 2), have beside each how long it took."""
    found: np.ndarray = target if target.ndim == 1 else target[:, 0]
    return found


def ranks(shares: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Rank of one item in each row, from 1 on; infinite where it is not in the catalogue or was left out.

    Args:
        shares: (N, V), 0 where an item was left out.
        places: (N,) numbers of items; -1 where there is none.
    """
    own = shares[np.arange(len(places)), np.maximum(places, 0)]
    better = (shares > own[:, None]).sum(axis=1)
    before = (shares == own[:, None]) & (np.arange(shares.shape[1]) < places[:, None])
    found: np.ndarray = 1.0 + better + before.sum(axis=1)
    found[(places < 0) | (own <= 0.0)] = np.inf
    return found
