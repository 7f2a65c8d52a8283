"""Answers in the user's units: `Prediction` and its index."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from whorl.errors import ArgumentError, MissingExtraError

if TYPE_CHECKING:
    import polars
    from matplotlib.figure import Figure


# Classes whose probabilities records tell one by one.
_MOST_LISTED = 20


class Index(NamedTuple):
    """Where answers stand.

    Shape:
        series: (N,) object, the key of each answer's sequence.
        origin: (N,) datetime64 or int64, the last row that was read.
        time: (N, H) when each step of the answer happens, or None where an answer has no time of its own.
    """

    series: np.ndarray
    origin: np.ndarray
    time: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Answers, one a row.

    Args:
        value: the answer: (N, H, K) of a Forecaster (also for H = 1 or K = 1), (N, K) of a Regressor, (N,) labels of a
            Classifier.
        index: series, origin and times of the rows.
        names: the K outputs.
        quantiles: (..., Q), ascending, or None.
        levels: the Q levels of `quantiles`.
        probabilities: (N, C) of a Classifier, or None.
        classes: (C,) the labels that `probabilities` are of, or None.
        score: (N,) or (N, T) of a detector, or None.
        final: False where a later step may still revise the answer.
    """

    value: np.ndarray
    index: Index
    names: tuple[str, ...]
    quantiles: np.ndarray | None = None
    levels: tuple[float, ...] = ()
    probabilities: np.ndarray | None = None
    classes: np.ndarray | None = None
    score: np.ndarray | None = None
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

        def part(array: np.ndarray | None) -> np.ndarray | None:
            return None if array is None else array[rows]

        return _made(
            {
                **self.__dict__,
                "value": self.value[rows],
                "index": Index(self.index.series[rows], self.index.origin[rows], part(self.index.time)),
                "quantiles": part(self.quantiles),
                "probabilities": part(self.probabilities),
                "score": part(self.score),
            }
        )

    def to_records(self) -> Iterator[dict[str, object]]:
        """Yields one record for each answer, step and output: series, origin, time, step, output, value, quantiles.

        Of labels one for each answer: series, origin, output, value, its probability, and `p(label)` of each class.
        """
        if self.probabilities is not None and self.classes is not None:
            yield from self._label_records(self.probabilities, self.classes)
            return
        value = self.value if self.value.ndim == 3 else self.value[:, None]
        quantiles = self.quantiles if self.quantiles is None or self.value.ndim == 3 else self.quantiles[:, None]
        for n, row in enumerate(value):
            for h, step in enumerate(row):
                for k, name in enumerate(self.names):
                    record: dict[str, object] = {
                        "series": self.index.series[n],
                        "origin": plain(self.index.origin[n]),
                        "time": None if self.index.time is None else plain(self.index.time[n, h]),
                        "step": h + 1,
                        "output": name,
                        "value": float(step[k]),
                    }
                    for q, level in enumerate(self.levels):
                        record[f"q{level:g}"] = None if quantiles is None else float(quantiles[n, h, k, q])
                    yield record

    def _label_records(self, probabilities: np.ndarray, classes: np.ndarray) -> Iterator[dict[str, object]]:
        names = [f"p({label})" for label in classes.tolist()]
        for n, (label, shares) in enumerate(zip(self.value.tolist(), probabilities.tolist(), strict=True)):
            record: dict[str, object] = {
                "series": self.index.series[n],
                "origin": plain(self.index.origin[n]),
                "output": self.names[0],
                "value": label,
                "probability": max(shares),
            }
            yield record | (dict(zip(names, shares, strict=True)) if len(names) <= _MOST_LISTED else {})

    def to_frame(self) -> "polars.DataFrame":
        """Returns the records as a polars frame."""
        try:
            import polars
        except ImportError:
            raise MissingExtraError("polars", "train", "to make a frame") from None
        return polars.DataFrame(list(self.to_records()))

    def write(self, path: str | Path) -> None:
        """Writes the records: `.csv`, `.jsonl` or `.parquet` by the ending of the path."""
        from whorl.runtime.export_records import write_records

        write_records(Path(path), self.to_records())

    def plot(self, row: int = 0) -> "Figure":
        """Draws one answer: its value, and its interval where it has one; of a label the probability of each class."""
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise MissingExtraError("matplotlib", "train", "to draw") from None
        if self.probabilities is not None and self.classes is not None:
            order = np.argsort(self.probabilities[row])[-_MOST_LISTED:]
            figure = Figure(figsize=(6, 0.8 + 0.25 * len(order)), layout="constrained")
            labels = [str(label) for label in self.classes[order].tolist()]
            figure.subplots().barh(labels, self.probabilities[row][order])
            return figure
        figure = Figure(figsize=(8, 2.2 * len(self.names)), layout="constrained")
        axes = figure.subplots(len(self.names), squeeze=False)[:, 0]
        value = self.value if self.value.ndim == 3 else self.value[:, None]
        steps = np.arange(1, value.shape[1] + 1) if self.index.time is None else self.index.time[row]
        for k, (axis, name) in enumerate(zip(axes, self.names, strict=True)):
            if self.quantiles is not None and len(self.levels) > 1:
                lower, upper = (bound.reshape(value.shape)[row, :, k] for bound in self.interval)
                axis.fill_between(steps, lower, upper, alpha=0.25, label=f"{self.levels[0]:g} to {self.levels[-1]:g}")
            axis.plot(steps, value[row, :, k], marker="." if value.shape[1] < 30 else "", label=name)
            axis.legend(loc="upper left", frameon=False)
        return figure


def answer(index: Index, decoded: np.ndarray, names: tuple[str, ...], levels: tuple[float, ...]) -> Prediction:
    """The prediction of values and quantiles in the user's units, (1 + Q, N, ..., K)."""
    quantiles = decoded[1:].transpose(_first_to_last(decoded.ndim)) if len(decoded) > 1 else None
    return _made({"value": decoded[0], "index": index, "names": names, "quantiles": quantiles, "levels": levels})


def labelled(index: Index, probabilities: np.ndarray, classes: np.ndarray, names: tuple[str, ...]) -> Prediction:
    """The prediction of probabilities of classes, (N, C): the value is the label of the most probable one."""
    return _made(
        {
            "value": classes[probabilities.argmax(axis=-1)],
            "index": index,
            "names": names,
            "probabilities": probabilities,
            "classes": classes,
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


def plain(value: object) -> str | int:
    """A time as JSON and CSV can hold it: date and time of day, in one form so that a column parses; or a number."""
    if isinstance(value, np.datetime64):
        return str(value.astype("datetime64[us]")).replace("T", " ").removesuffix(".000000")
    return int(value)  # type: ignore[call-overload, no-any-return]


def joined(parts: Sequence[Prediction]) -> Prediction:
    """Answers of several sequences below each other."""
    first = parts[0]
    times = [part.index.time for part in parts]
    index = Index(
        np.concatenate([part.index.series for part in parts]),
        np.concatenate([part.index.origin for part in parts]),
        None if times[0] is None else np.concatenate([time for time in times if time is not None]),
    )

    def below(arrays: Sequence[np.ndarray | None]) -> np.ndarray | None:
        given = [array for array in arrays if array is not None]
        return np.concatenate(given) if given else None

    return replace(
        first,
        value=np.concatenate([part.value for part in parts]),
        index=index,
        quantiles=below([part.quantiles for part in parts]),
        probabilities=below([part.probabilities for part in parts]),
        score=below([part.score for part in parts]),
        final=all(part.final for part in parts),
    )
