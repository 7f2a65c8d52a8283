"""Answers in the user's units: `Prediction` and its index."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from whorl.errors import ArgumentError, MissingExtraError
from whorl.runtime.until import Until

if TYPE_CHECKING:
    import polars
    from matplotlib.figure import Figure


# Classes whose probabilities records tell one by one.
MOST_LISTED = 20
# What the one output of a model of music is called.
PIECE = "piece"
# An array of answers below each other, or a list with the array of each sequence: which of them, the task says.
Rows = Any


class Index(NamedTuple):
    """Where answers stand.

    Shape:
        series: (N,) object, the key of each answer's sequence.
        origin: (N,) datetime64 or int64, the last row that was read.
        time: (N, H) when each step of the answer happens, or None where an answer has no time of its own; of labels for
            each step of sequences a list of N arrays (T_i,).
        tokens: for each step what stands there as it was written, where steps are words: a list of N arrays (T_i,).
            Of transcripts their words, and `time` is then a list of N arrays (W_i, 2): from when to when each was said,
            in seconds, or in rows where frames came as arrays.
    """

    series: np.ndarray
    origin: np.ndarray
    time: Rows = None
    tokens: Rows = None


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Answers, one a row.

    Args:
        value: the answer: (N, H, K) of a Forecaster (also for H = 1 or K = 1), (N, K) of a Regressor, (N,) labels
            of a Classifier, or where several may come together (N,) tuples of labels, (N,) 1 where an alarm is given,
            else 0, of a Detector; a list with one array (T_i,) of labels for each of N sequences of a Tagger, or with
            one text for each of a Generator, Translator or Transcriber, or one piece of music
            (`whorl.codecs.piece.Piece`); (N, k) items of a Recommender, the best first, None where fewer are left.
        index: series, origin and times of the rows.
        names: the K outputs.
        quantiles: (..., Q), ascending, or None.
        levels: the Q levels of `quantiles`.
        probabilities: (N, C) of a Classifier, (N, k) of the items of a Recommender, a list of N arrays (T_i, C) of a
            Tagger, or None.
        classes: (C,) the labels that `probabilities` are of, or None.
        thresholds: (C,) the probability from which on each of several labels is answered, or None.
        score: (N,) of a Detector, higher where a row is more anomalous, NaN where nothing was known; (N,)
            what texts that were written rank by; or None.
        contributions: (N, K) surprise of each channel of a Detector, or None.
        threshold: the score above which a Detector gives an alarm; the probability from which on a label of a
            Classifier is in the set; or None.
        until: when the next event comes, of a Recommender that answers it; or None.
        final: False where a later step may still revise the answer.
    """

    value: Rows
    index: Index
    names: tuple[str, ...]
    quantiles: np.ndarray | None = None
    levels: tuple[float, ...] = ()
    probabilities: Rows = None
    classes: np.ndarray | None = None
    score: np.ndarray | None = None
    contributions: np.ndarray | None = None
    threshold: float | None = None
    thresholds: np.ndarray | None = None
    until: Until | None = None
    final: bool = True

    def __len__(self) -> int:
        return len(self.value)

    @property
    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bound: the outermost quantiles, each of the shape of `value`."""
        if self.quantiles is None or len(self.levels) < 2:
            raise ArgumentError(
                "`interval` needs two quantiles, but this model has none. Fit with quantiles=(0.1, 0.9)."
            )
        return self.quantiles[..., 0], self.quantiles[..., -1]

    def take(self, rows: np.ndarray | slice) -> "Prediction":
        """Returns some of the answers."""

        def part(array: Rows) -> Rows:
            if array is None:
                return None
            return array[rows] if isinstance(array, np.ndarray) else taken(array, rows)

        index = self.index
        return _made(
            {
                **self.__dict__,
                "value": part(self.value),
                "index": Index(index.series[rows], index.origin[rows], part(index.time), part(index.tokens)),
                "quantiles": part(self.quantiles),
                "probabilities": part(self.probabilities),
                "score": part(self.score),
                "contributions": part(self.contributions),
                "until": None if self.until is None else self.until.take(rows),
            }
        )

    @property
    def ranks(self) -> bool:
        """Whether each answer is a list of items, the best first, with the probability of each."""
        shares = self.probabilities
        return isinstance(shares, np.ndarray) and self.classes is None and shares.shape == np.shape(self.value)

    def most_likely(self, count: int = 5) -> list[list[tuple[object, float]]]:
        """For each answer its most probable labels with their probabilities, the most probable first.

        Of a Recommender they are the items that are left: fewer than `k`, or none, where most were seen.
        """
        if self.ranks:
            rows = zip(self.value.tolist(), self.probabilities.tolist(), strict=True)
            return [
                [(item, share) for item, share in zip(items, shares, strict=True) if item is not None][:count]
                for items, shares in rows
            ]
        if self.probabilities is None or self.classes is None:
            raise ArgumentError("`most_likely` is of labels with probabilities, but these answers have none.")
        if isinstance(self.probabilities, list):
            raise ArgumentError(
                "`most_likely` is of answers with one label, but these have a label for each step. "
                "Read `probabilities` and `classes`."
            )
        order = np.argsort(-self.probabilities, axis=-1, kind="stable")[:, :count]
        shares = np.take_along_axis(self.probabilities, order, axis=-1)
        labels = self.classes[order]
        return [list(zip(*pair, strict=True)) for pair in zip(labels.tolist(), shares.tolist(), strict=True)]

    @property
    def sets(self) -> list[list[object]]:
        """Of each answer the labels that hold the true one as often as was promised, the most probable first."""
        if not isinstance(self.probabilities, np.ndarray) or self.classes is None or self.threshold is None:
            raise ArgumentError(
                "`sets` are of a Classifier with one target and a coverage, but these answers have none. Fit with "
                "coverage=0.9; of several labels at once read `value`."
            )
        order = np.argsort(-self.probabilities, axis=-1, kind="stable")
        labels, sizes = self.classes[order].tolist(), in_set(self.probabilities, self.threshold).sum(axis=-1).tolist()
        return [own[:size] for own, size in zip(labels, sizes, strict=True)]

    def to_records(self) -> Iterator[dict[str, object]]:
        """Yields one record for each answer, or for each of its steps; see `whorl.runtime.records.records`."""
        from whorl.runtime.records import records

        return records(self)

    def odd(self, row: int) -> str | None:
        """The channel that surprises most in a row; None where nothing was known of it."""
        assert self.contributions is not None
        parts = self.contributions[row]
        return self.names[int(np.nanargmax(parts))] if np.isfinite(parts).any() else None

    def to_frame(self) -> "polars.DataFrame":
        """Returns the records as a polars frame."""
        try:
            import polars
        except ImportError:
            raise MissingExtraError("polars", "train", "to make a frame") from None
        return polars.DataFrame(list(self.to_records()))

    def write(self, path: str | Path) -> None:
        """Writes the records: `.csv`, `.jsonl` or `.parquet` by the ending of the path.

        Of music also the pieces, as `.mid` or as sound, `.wav`; where there are several, each has its number, from 1
        on, before the ending.
        """
        from whorl.runtime.export_records import write_records
        from whorl.runtime.music_files import MUSIC_FILES, write_music

        if Path(path).suffix.lower() in MUSIC_FILES and isinstance(self.value, list) and self.names == (PIECE,):
            write_music(Path(path), self.value)
            return
        write_records(Path(path), self.to_records())

    def plot(self, row: int = 0) -> "Figure":
        """Draws one answer: its value, and its interval where it has one; of a label the probability of each class, of
        an alarm the surprise of each channel.

        Of labels for each step of a sequence the probability of the label of each step.
        """
        from whorl.runtime.plots import plotted

        return plotted(self, row)


def taken(parts: list[np.ndarray], rows: np.ndarray | slice) -> list[np.ndarray]:
    """Some of the sequences."""
    return [parts[n] for n in np.arange(len(parts))[rows].tolist()]


def answer(index: Index, decoded: np.ndarray, names: tuple[str, ...], levels: tuple[float, ...]) -> Prediction:
    """The prediction of values and quantiles in the user's units, (1 + Q, N, ..., K)."""
    quantiles = decoded[1:].transpose(_first_to_last(decoded.ndim)) if len(decoded) > 1 else None
    return _made({"value": decoded[0], "index": index, "names": names, "quantiles": quantiles, "levels": levels})


def labelled(
    index: Index,
    probabilities: np.ndarray,
    classes: np.ndarray,
    names: tuple[str, ...],
    labels: np.ndarray | None = None,
    threshold: float | None = None,
) -> Prediction:
    """The prediction of probabilities of classes, (N, C): the value is the most probable one, unless it is given."""
    return _made(
        {
            "value": classes[probabilities.argmax(axis=-1)] if labels is None else labels,
            "index": index,
            "names": names,
            "probabilities": probabilities,
            "classes": classes,
            "threshold": threshold,
        }
    )


def several_labelled(
    index: Index, probabilities: np.ndarray, classes: np.ndarray, names: tuple[str, ...], thresholds: np.ndarray
) -> Prediction:
    """The prediction of probabilities of labels that may come together, (N, C): those that reach their thresholds."""
    value = np.empty(len(probabilities), object)
    value[:] = [tuple(classes[held].tolist()) for held in probabilities >= thresholds]
    return _made(
        {
            "value": value,
            "index": index,
            "names": names,
            "probabilities": probabilities,
            "classes": classes,
            "thresholds": thresholds,
        }
    )


def in_set(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Which classes are in the set of each answer, (N, C): never none."""
    held: np.ndarray = probabilities >= np.minimum(threshold, probabilities.max(axis=-1, keepdims=True))
    return held


def judged(index: Index, answers: np.ndarray, names: tuple[str, ...], threshold: float) -> Prediction:
    """The prediction of alarms, scores and the surprise of each channel, (N, 2 + K)."""
    return _made(
        {
            "value": answers[:, 0].astype(np.int64),
            "index": index,
            "names": names,
            "score": answers[:, 1],
            "contributions": answers[:, 2:],
            "threshold": threshold,
        }
    )


@cache
def _first_to_last(ndim: int) -> tuple[int, ...]:
    return (*range(1, ndim), 0)


def _made(fields: dict[str, object]) -> Prediction:
    """A prediction without the setters of a frozen dataclass, which cost as much as the arithmetic of a row."""
    made = object.__new__(Prediction)
    made.__dict__.update(fields)
    return made


def plain(value: object) -> str | int | None:
    """A time as JSON and CSV can hold it: date and time of day, in one form so that a column parses; or a number.

    None where it is not known.
    """
    if isinstance(value, np.datetime64):
        return (
            None if np.isnat(value) else str(value.astype("datetime64[us]")).replace("T", " ").removesuffix(".000000")
        )
    return int(value)  # type: ignore[call-overload, no-any-return]


def joined(parts: Sequence[Prediction]) -> Prediction:
    """Answers of several sequences below each other."""
    first = parts[0]

    def below(given: Sequence[Rows]) -> Rows:
        there = [part for part in given if part is not None]
        if not there:
            return None
        if isinstance(there[0], list):
            return [array for part in there for array in part]
        return np.concatenate(there)

    index = Index(
        np.concatenate([part.index.series for part in parts]),
        np.concatenate([part.index.origin for part in parts]),
        below([part.index.time for part in parts]),
        below([part.index.tokens for part in parts]),
    )
    until = [part.until for part in parts if part.until is not None]
    return replace(
        first,
        value=below([part.value for part in parts]),
        index=index,
        quantiles=below([part.quantiles for part in parts]),
        probabilities=below([part.probabilities for part in parts]),
        score=below([part.score for part in parts]),
        contributions=below([part.contributions for part in parts]),
        until=until[0].below(until) if until else None,
        final=all(part.final for part in parts),
    )
