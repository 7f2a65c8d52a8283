"""One live stream for each series of a model, and all their states in one file."""

import math
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from whorl.cli.stream_rows import Numbered, Skip, read_rows
from whorl.data.array_reader import ArrayReader
from whorl.data.event_reader import EventReader
from whorl.data.lookahead import LateReader
from whorl.data.music_reader import MusicReader
from whorl.data.reader import Reader
from whorl.data.series import key_of
from whorl.data.table_reader import TableReader
from whorl.errors import ArgumentError, DataError, ModelFileError, ResourceError
from whorl.runtime.artifact import write_bytes
from whorl.runtime.model import Model
from whorl.runtime.prediction import Prediction, plain
from whorl.runtime.records import spoken
from whorl.runtime.state import State
from whorl.runtime.stream import Stream

_MAGIC = b"whorlss1"
_KNOWN = "known"


class Streams:
    """Opens a stream when its series is first seen.

    Args:
        model: answers the rows.
        fills_gaps: rows that are missing are filled with missing values, whatever the model was fitted to do.
        most_likely: next notes or events that are told of a model of music.
    """

    def __init__(self, model: Model, *, fills_gaps: bool = False, most_likely: int = 5) -> None:
        reader = rows_of(model)
        self._most_likely = most_likely if isinstance(reader, MusicReader) else None
        # Said to the streams alone: what the reader was fitted to do is part of the identity that states belong to.
        self._model, self._fills_gaps = model, fills_gaps
        self._streams: dict[str, Stream] = {}
        schema = reader.schema if isinstance(reader, TableReader) else None
        events = reader if isinstance(reader, EventReader) else None
        self._series = None if schema is None else schema.series
        unread = (
            schema.targets if schema is not None and isinstance(reader, TableReader) and reader.per_sequence else ()
        )
        # What a row must name; nothing is known of the columns of arrays.
        self.columns = () if schema is None else tuple(name for name in schema.columns if name not in unread)
        if events is not None:
            self._series, self.columns = events.columns.user, events.named
        self._needs_known = schema is not None and bool(schema.known)
        self.delimiter = reader.table.delimiter if isinstance(reader, TableReader | EventReader) else None
        if not model.streams:
            model.stream()  # which says why not, before a row is read

    def push(self, row: object) -> list[dict[str, object]]:
        """Pushes a row into the stream of its series and returns its answers as JSON values.

        Raises:
            DataError: the row breaks a rule; every stream is as before.
        """
        key, known = "", None
        if isinstance(row, Mapping):
            key = self._key(row)
            if self._series is not None and row[self._series] != key:
                row = {**row, self._series: key}
            known = row.get(_KNOWN) if self._needs_known else None
            if not isinstance(rows_of(self._model), TableReader | EventReader | MusicReader):
                _check_step(rows_of(self._model), row)
                row = [_number(cell, name) for name, cell in row.items()]
        elif self._series is not None:
            raise DataError(f"a row must name its `{self._series}`, but an array came. Write an object.")
        if self._needs_known and not (isinstance(known, list) and all(isinstance(part, Mapping) for part in known)):
            raise DataError(
                f"`{_KNOWN}` must be a list of the rows ahead. Write rows as JSON with a `{_KNOWN}` of objects."
            )
        stream = self._streams.get(key)
        if stream is None:
            stream = self._open(key)
            answers = stream.push(row, known)  # type: ignore[arg-type]
            self._streams[key] = stream  # kept only once a row was good
        else:
            answers = stream.push(row, known)  # type: ignore[arg-type]
        if self._most_likely is not None:
            return [told for answer in answers for told in describe_most_likely(answer, self._most_likely)]
        return [described for answer in answers for described in describe(answer)]

    def _open(self, key: str) -> Stream:
        return Stream(self._model, key or None, fills_gaps=self._fills_gaps)

    def _key(self, row: Mapping[str, object]) -> str:
        """The key of the row's series, as `predict` spells it; empty where the model has none."""
        reader = rows_of(self._model)
        if self._series is None or not isinstance(reader, TableReader | EventReader):
            return ""
        cell = row.get(self._series)
        if isinstance(cell, str) and cell in self._streams:
            return cell
        key = key_of(cell, self._series, reader.table)
        if key is None:
            raise DataError(f"a row must name its series in `{self._series}`, but it has {list(row)[:20]}. Add it.")
        return key

    def rows(self, lines: BinaryIO, skip: Skip) -> Iterator[Numbered]:
        """Yields (line number, row) of JSON lines or CSV; see `read_rows`."""
        return read_rows(lines, self.delimiter, skip, self.columns)

    def end(self) -> list[dict[str, object]]:
        """Ends every series; the answers that were held back."""
        return [one for stream in self._streams.values() for answer in stream.flush() for one in describe(answer)]

    def load(self, path: Path) -> None:
        """Goes on from a file that `save` wrote."""
        for state in read_states(path):
            self._streams[state.series] = go_on(self._open(state.series), state, path)

    def save(self, path: Path) -> None:
        """Writes the states of all streams."""
        write_states(path, [stream.state for stream in self._streams.values()])


def _check_step(reader: Reader, row: Mapping[str, object]) -> None:
    """Refuses a row with a whole sequence, as tables have that a model may have been fitted on."""
    wide = reader.wide if isinstance(reader, ArrayReader) else None
    if wide is not None and set(wide.steps) <= row.keys():
        raise DataError(
            f"a row of this model is one step of a sequence, but a whole one came, with the columns '{wide.steps[0]}' "
            f"to '{wide.steps[-1]}'. Answer such tables with `whorl predict`, or write one number a line."
        )


def rows_of(model: Model) -> Reader:
    """What reads a model's rows, whenever they are answered."""
    return model.reader.reader if isinstance(model.reader, LateReader) else model.reader


def read_states(path: Path) -> list[State]:
    """The states in a file that `write_states` wrote."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ResourceError(f"`{path}` cannot be read ({error.strerror}). Check its permissions.") from None
    if data[: len(_MAGIC)] != _MAGIC:
        raise ModelFileError(f"`{path}` is not a file of stream states. Give another --state, or delete it.")
    at, states = len(_MAGIC), []
    while at < len(data):
        size = struct.unpack_from("<Q", data, at)[0] if at + 8 <= len(data) else 0
        # A state checks itself: a file that was cut anywhere fails here.
        states.append(State.from_bytes(data[at + 8 : at + 8 + size]))
        at += 8 + size
    return states


def write_states(path: Path, states: Iterable[State]) -> None:
    """Writes states, each as its length and bytes; complete under its name, or not at all."""
    stored = [bytes(state) for state in states]
    write_bytes(path, _MAGIC + b"".join(struct.pack("<Q", len(state)) + state for state in stored))


def go_on(stream: Stream, state: State, path: Path) -> Stream:
    """The stream with a state that a file had."""
    try:
        stream.state = state
    except ArgumentError as error:
        raise ModelFileError(f"`{path}` does not fit this model: {error}") from None
    return stream


def describe(answer: Prediction) -> list[dict[str, object]]:
    """An answer as JSON values, one for each row: lists over the horizon, single numbers where there is none.

    Of texts the text, and whether it goes on. Of labels the most probable one, and the probability of each; of several
    labels at once a list of those that are answered, and the probability of each; of labels for each step the steps
    that are answered, their labels, and how probable these are; of items those that are recommended, the best first,
    how probable these are, and when the next event comes where that is answered; of alarms the score, the threshold,
    the channel that surprises most and the surprise of each.
    """
    found = []
    until = None if answer.until is None else answer.until.told()
    for n in range(len(answer)):
        told: dict[str, object] = {"series": answer.index.series[n], "origin": plain(answer.index.origin[n])}
        if isinstance(answer.value, list) and answer.classes is None:
            told["value"] = {answer.names[0]: answer.value[n]}
            told |= spoken(answer, n)
            found.append(told if answer.final else {**told, "final": False})
            continue
        if isinstance(answer.value, list):
            place = {label: k for k, label in enumerate(answer.classes.tolist())}  # type: ignore[union-attr]
            labels, shares = answer.value[n].tolist(), answer.probabilities[n].tolist()
            told["step"] = [plain(time) for time in answer.index.time[n]]
            told["value"] = {answer.names[0]: labels}
            told["probability"] = {
                answer.names[0]: [own[place[label]] for label, own in zip(labels, shares, strict=True)]
            }
            found.append(told)
            continue
        if answer.index.time is not None:
            told["time"] = [plain(time) for time in answer.index.time[n]]
        if answer.score is not None and answer.contributions is not None:
            found.append(told | _alarm(answer, n))
            continue
        if answer.probabilities is not None and answer.thresholds is not None:
            told["value"] = list(answer.value[n])
            told["probabilities"] = dict(zip(answer.names, answer.probabilities[n].tolist(), strict=True))
            found.append(told)
            continue
        if answer.probabilities is not None and answer.classes is not None:
            shares = zip(map(str, answer.classes.tolist()), answer.probabilities[n].tolist(), strict=True)
            told["value"] = {answer.names[0]: answer.value[n : n + 1].tolist()[0]}
            told["probabilities"] = {answer.names[0]: dict(shares)}
            if answer.threshold is not None:
                told["set"] = {answer.names[0]: answer.take(slice(n, n + 1)).sets[0]}
            found.append(told)
            continue
        if answer.probabilities is not None:
            pairs = answer.take(slice(n, n + 1)).most_likely(len(answer.value[n]))[0]
            told["value"] = {answer.names[0]: [item for item, _ in pairs]}
            told["probability"] = {answer.names[0]: [share for _, share in pairs]}
            found.append(told if until is None else told | until[n])
            continue
        told["value"] = {name: answer.value[n][..., k].tolist() for k, name in enumerate(answer.names)}
        if answer.quantiles is not None:
            told["quantiles"] = {
                name: {f"{level:g}": answer.quantiles[n][..., k, q].tolist() for q, level in enumerate(answer.levels)}
                for k, name in enumerate(answer.names)
            }
        found.append(told)
    return found


def describe_most_likely(answer: Prediction, count: int) -> list[dict[str, object]]:
    """The same of the most likely labels alone, the first one first."""
    return [
        {
            "series": answer.index.series[n],
            "origin": plain(answer.index.origin[n]),
            "value": {answer.names[0]: answer.value[n]} if answer.thresholds is None else list(answer.value[n]),
            "probabilities": {answer.names[0]: dict(labels)} if answer.thresholds is None else dict(labels),
        }
        for n, labels in enumerate(answer.most_likely(count))
    ]


def _alarm(answer: Prediction, n: int) -> dict[str, object]:
    """JSON has no NaN: null where nothing was known."""
    assert answer.score is not None
    assert answer.contributions is not None
    parts = zip(answer.names, answer.contributions[n].tolist(), strict=True)
    return {
        "alarm": bool(answer.value[n]),
        "score": _finite(float(answer.score[n])),
        "threshold": answer.threshold,
        "channel": answer.odd(n),
        "surprise": {name: _finite(part) for name, part in parts},
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(cell: object, name: str) -> object:
    """A cell of a row of plain numbers: those of CSV come as text."""
    if not isinstance(cell, str):
        return cell
    try:
        return float(cell) if cell else float("nan")
    except ValueError:
        raise DataError(f"`{name}` must be a number, but is {cell!r}. Correct the row.") from None
