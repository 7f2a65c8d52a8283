"""The answering side of a recommender: scores of items to the k best of those that were not seen, and when."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Self

import numpy as np

from whorl.data.event_reader import EventReader
from whorl.data.reader import Reader
from whorl.errors import ArgumentError, ModelFileError
from whorl.plans.wiring import Autoregressive, Wiring
from whorl.runtime.class_readout import COLDEST, HOTTEST, CategoricalReadout, temperature_of
from whorl.runtime.item_metrics import ItemScores
from whorl.runtime.metrics import Scoring
from whorl.runtime.prediction import Index, Prediction, labelled
from whorl.runtime.readouts import Readout, UnitlessReadout, readouts
from whorl.runtime.until import Until

# Answers of one user take no longer than a screen, and a file no more than a table.
MOST_LISTED = 1_000


@readouts.add("next_item")
class ItemReadout(UnitlessReadout):
    """The k most probable next items, and how probable each is; of items that were left out it is 0.

    Behind the scores of an output stand those of bins of the time until the next event, where it is answered when that
    comes, and the codes of the last items of the session, code 0 for none, which are left out. Scores of items and of
    bins are divided by a temperature each, with which those that came in the validation part are most probable; no
    rank is changed by it.

    Args:
        count: k.
        seen: codes behind the scores.
        bins: scores of bins of time between the two.
        temperatures: of items and of bins.
        whole: answers have the probabilities of the whole catalogue, which is what a rank is found in.
    """

    calibration = CategoricalReadout.calibration

    def __init__(
        self,
        count: int = 10,
        seen: int = 0,
        bins: int = 0,
        temperatures: tuple[float, float] = (1.0, 1.0),
        *,
        whole: bool = False,
    ) -> None:
        self.count, self.seen, self.bins, self.temperatures, self._whole = count, seen, bins, temperatures, whole
        self.judge: ItemReadout | None = None
        if not whole:
            self.judge = ItemReadout(count, seen, bins, temperatures, whole=True)

    @classmethod
    def of(cls, wiring: Wiring, facts: Mapping[str, object]) -> Self:
        items = wiring.shape.items if isinstance(wiring.shape, Autoregressive) else None
        if items is None:
            raise ArgumentError(f"a readout of next items needs a catalogue, but the shape is {wiring.shape}.")
        bins = facts["bins"] if items.until else 0
        assert isinstance(bins, int)
        return cls(items.listed, items.seen, bins)

    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Self:
        """Finds the temperatures; items that training does not have, or that are left out, say nothing of them."""
        came = targets.reshape(len(outputs), -1)
        items, bins = self._scores(outputs)
        known = [_known(items, came[:, 0]), _known(bins, came[:, -1])] if self.bins else [_known(items, came[:, 0])]
        found = [temperature_of(*pair) if len(pair[1]) else 1.0 for pair in known]
        self.temperatures = (found[0], found[-1] if self.bins else 1.0)
        if self.judge is not None:
            self.judge.temperatures = self.temperatures
        return self

    def stacked(self, outputs: np.ndarray) -> np.ndarray:
        """Probabilities of items and of bins side by side, (N, V + bins), of outputs (N, ..., V + bins + seen)."""
        items, bins = self._scores(outputs)
        scores = np.empty((len(outputs), items.shape[1] + self.bins))
        _to_shares(np.divide(items, self.temperatures[0], out=scores[:, : items.shape[1]]))
        if self.bins:
            _to_shares(np.divide(bins, self.temperatures[1], out=scores[:, items.shape[1] :]))
        return scores

    def _scores(self, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores of items, (N, V), minus infinity for those that are left out, and of bins, (N, bins)."""
        rows = outputs.reshape(len(outputs), outputs.shape[-1])
        size = rows.shape[1] - self.seen - self.bins
        items = rows[:, :size].astype(np.float64)
        codes = np.rint(rows[:, size + self.bins :])
        row, place = np.nonzero((codes >= 1) & (codes <= size))
        items[row, codes[row, place].astype(np.int64) - 1] = -np.inf
        return items, rows[:, size : size + self.bins].astype(np.float64)

    def room(self, count: int, shape: tuple[int, ...]) -> np.ndarray:
        return np.empty((count, shape[-1] - self.seen))

    def prediction(self, index: Index, answers: np.ndarray, reader: Reader) -> Prediction:
        shares, classes = answers[:, : len(reader.classes)], reader.classes
        if self._whole:
            found = labelled(index, shares, classes, reader.names)
        else:
            found = ranked(index, shares, classes, reader.names, self.count)
        if not self.bins:
            return found
        assert isinstance(reader, EventReader)
        assert reader.lapses is not None
        return replace(found, until=Until(shares=answers[:, len(classes) :], lapses=reader.lapses))

    def scores(self, reader: Reader, naive_mae: np.ndarray | None = None) -> Scoring:
        return ItemScores()

    def of_rivals(self) -> Readout:
        return ItemReadout(self.count, self.seen, self.bins)

    def arrays(self) -> dict[str, np.ndarray]:
        listed = np.array([self.count, self.seen, self.bins], np.int64)
        return {"listed": listed, "temperatures": np.array(self.temperatures)}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        listed, temperatures = arrays.get("listed"), arrays.get("temperatures")
        sound = listed is not None and listed.dtype == np.int64 and listed.shape == (3,)
        sound = sound and temperatures is not None and temperatures.dtype == np.float64 and temperatures.shape == (2,)
        if set(arrays) != {"listed", "temperatures"} or not sound:
            raise ModelFileError(
                f"a readout of items needs `listed` and `temperatures`, but {sorted(arrays)} came. The file is damaged."
            )
        assert listed is not None
        assert temperatures is not None
        count, seen, bins = listed.tolist()
        if not 1 <= count <= MOST_LISTED or seen < 0 or bins < 0:
            raise ModelFileError(f"a readout of items lists {count} of them, which no fit gives. The file is damaged.")
        items, when = temperatures.tolist()
        if not (COLDEST <= items <= HOTTEST and COLDEST <= when <= HOTTEST):
            raise ModelFileError(f"`temperatures` of a readout are {items:g} and {when:g}, which no fit gives.")
        return cls(count, seen, bins, (items, when))


def _known(scores: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows of which it is known what came, and that, of those with a score at all."""
    row = np.flatnonzero(codes >= 0)
    truths = codes[row].astype(np.int64)
    able = np.isfinite(scores[row, truths])
    return scores[row[able]], truths[able]


def _to_shares(scores: np.ndarray) -> None:
    """Turns the scores of each row into probabilities, in place; of a row without any they are 0."""
    best = scores.max(axis=1, keepdims=True)
    np.exp(scores - np.where(np.isfinite(best), best, 0.0), out=scores)
    total = np.add.accumulate(scores, axis=1)[:, -1:]  # in an order that the number of rows does not change
    scores /= np.where(total > 0, total, 1.0)


def ranked(index: Index, shares: np.ndarray, classes: np.ndarray, names: tuple[str, ...], count: int) -> Prediction:
    """The prediction of the `count` best items of each row, the best first; None where fewer are left.

    Args:
        index: of the rows.
        shares: (N, V), 0 for items that were left out; equal ones keep the order of the catalogue.
        classes: (V,) the catalogue.
        names: of what is answered.
        count: items of a row; at most V are listed.
    """
    count = min(count, shares.shape[1])
    value = np.full((len(shares), count), None, object)
    best = np.zeros((len(shares), count))
    for row, own in enumerate(shares):
        least = np.partition(own, -count)[-count]
        able = np.flatnonzero((own >= least) & (own > 0.0))
        chosen = able[np.argsort(-own[able], kind="stable")][:count]
        value[row, : len(chosen)] = classes[chosen].tolist()
        best[row, : len(chosen)] = own[chosen]
    return Prediction(value=value, index=index, names=names, probabilities=best)
