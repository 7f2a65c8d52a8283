"""Logs of events to encoded sequences: a step an event, whose truth is the one after it."""

from collections.abc import Mapping
from collections.abc import Sequence as List
from dataclasses import asdict, replace
from typing import Self

import msgspec
import numpy as np

from whorl.codecs.frame import Frame
from whorl.codecs.symbols import SymbolsCodec
from whorl.data import counts
from whorl.data.convert import time_column
from whorl.data.event_inputs import EventInputs, Lapses, Pace
from whorl.data.events import (
    MICROSECONDS,
    EventColumns,
    Log,
    Session,
    is_item,
    lists_of,
    opened,
    read_log,
    seconds,
    symbol_of,
)
from whorl.data.labels import Labels
from whorl.data.parts import configured, joined, split, table_of
from whorl.data.piece_rows import refuse_known
from whorl.data.problems import refuse
from whorl.data.reader import Inputs, Mark, Reader, Reading, Row, RowReader, damaged_state, readers
from whorl.data.sequences import Sequence
from whorl.data.values import column_of
from whorl.errors import ArgumentError, DataError, ModelFileError
from whorl.plans.table import Table

NEXT = "next item"
# The truth of an event after which came an item that training does not have.
UNSEEN = -1.0
# Whole numbers up to here are told apart as numbers of a table, too.
_LARGEST = 2**53
# What stands in a state for a time that nobody told: no timestamp is this, and no time that is counted.
_UNTOLD = -(2**63)


@readers.add("events")
class EventReader(Reader):
    """Reads logs of events; to be scored, of each session the events before the last one, whose item is the truth.

    Args:
        columns: who did what, and when.
        past: encodes events.
        dated: whether times are timestamps; None where nobody says when.
        table: how files are read.
    """

    outputs: Labels

    def __init__(self, *, columns: EventColumns, past: EventInputs, dated: bool | None, table: Table) -> None:
        self.columns, self.past, self.dated, self.table = columns, past, dated, table
        self.outputs = Labels(past.items)
        self.horizon = 0
        self.names = (NEXT,)
        self._classes = self.outputs.classes  # a push needs them, and they may be many

    @property
    def classes(self) -> np.ndarray:
        return self._classes

    @property
    def lapses(self) -> Lapses | None:
        """Bins of the time until the next event, where it is answered."""
        return self.past.lapses

    @property
    def needs_time(self) -> bool:
        """Whether events without a time cannot be read."""
        return self.past.pace is not None or self.columns.gap is not None

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that rows of a stream must have: who, what, and when where it is read."""
        columns = self.columns
        when = (columns.time,) if self.needs_time and columns.time is not None else ()
        return columns.user, columns.item, *when

    def read(self, source: object, *, known: object = None, targets: bool = False) -> list[Sequence]:
        refuse_known(known)
        log = read_log(source, self.columns, self.table, self.past.items.kind)
        dated = log.sessions[0].times.dtype.kind == "M" if log.timed else None
        if self.needs_time and dated != self.dated:
            wanted = "timestamps" if self.dated else "whole numbers"
            raise DataError(
                f"{log.origin}: this model reads when events happened, {wanted} in column '{self.columns.time}', but "
                f"that column {'is missing' if dated is None else 'has other times'}. Give a table with it."
            )
        sequences = [self.encode(one) for one in log.sessions]
        return [last_held_out(one) for one in sequences] if targets else sequences

    def encode(self, session: Session) -> Sequence:
        """Encodes a session; the truth of each event is the item after it, and that of the last one is unknown.

        Where it is answered when that comes, the time until then stands beside it, and the number of its bin.
        """
        apart = np.concatenate([[np.nan], seconds(session.times)]) if self.past.pace is not None else np.empty(0)
        past = self.past.encode(session.items, apart)
        after = np.full((len(past), 1 if self.lapses is None else 3), np.nan, np.float32)
        after[:-1, :1] = past[1:, :1] - 1.0  # code 0 becomes UNSEEN
        if self.lapses is not None:
            after[:-1, 1] = apart[1:]
            after[:-1, 2] = past[1:, -1] - 1.0
        return Sequence(key=session.key, past=past, time=session.times, targets=after)

    def decode(self, values: np.ndarray) -> np.ndarray:
        """Items (...,) of truths (..., 1); of those with times (..., 3) items and times side by side, (..., 2)."""
        if self.lapses is None:
            return self.outputs.decode(values)
        decoded = np.empty((*values.shape[:-1], 2), object)
        decoded[..., 0] = self.outputs.decode(values[..., :1])
        decoded[..., 1] = values[..., 1].astype(np.float64)
        return decoded

    def looked_at(self, source: object) -> tuple[object, list[str]]:
        if lists_of(source) is None:
            source = opened(source, self.columns, self.table, self.past.items.kind)
        sequences = self.read(source)
        count, events = self.num_unseen(sequences), sum(map(len, sequences))
        said = f"{count} of {events} events have an item that training does not have: read as unknown."
        return source, [said] if count else []

    def num_unseen(self, sequences: List[Sequence]) -> int:
        """How many events of encoded sequences have an item that training does not have."""
        return sum(int((one.past[:, 0] == 0.0).sum()) for one in sequences)

    def open(self, key: str | None, *, fills_gaps: bool = False) -> RowReader:
        return EventRows(self)

    def times_after(self, times: np.ndarray) -> np.ndarray | None:
        return None

    def config(self) -> dict[str, object]:
        return {
            "columns": msgspec.to_builtins(self.columns),
            "items": self.past.items.config(),
            "pace": None if self.past.pace is None else msgspec.to_builtins(self.past.pace),
            "dated": self.dated,
            "table": asdict(self.table),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        return joined({"items": self.past.items, "lapses": self.lapses})

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        plain = configured(config, _Config)
        own = split(arrays, ("items", "lapses"))
        items = SymbolsCodec.restore(plain.items, own["items"])
        pace, lapses = plain.pace, Lapses.restore(own["lapses"]) if own["lapses"] else None
        sound = pace is None or (np.isfinite(pace.mean) and 0 < pace.deviation < np.inf)
        timeless = plain.dated is None and (pace is not None or plain.columns.gap is not None)
        timeless = timeless or (lapses is not None and pace is None)
        if not sound or timeless or len(items.symbols) < 2 or items.kind == "boolean":
            raise ModelFileError("the reader of the model file is damaged: its items or times cannot be read.")
        table = table_of(plain.table)
        return cls(columns=plain.columns, past=EventInputs(items, pace, lapses), dated=plain.dated, table=table)


class _Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    columns: EventColumns
    items: dict[str, object]
    pace: Pace | None
    dated: bool | None
    table: dict[str, object]


def last_held_out(one: Sequence) -> Sequence:
    """A session before its last event, whose item alone is a truth; of one event nothing is one."""
    if len(one) < 2:
        return one
    part = one.part(0, len(one) - 1)
    truths = np.full_like(part.row_targets, np.nan)
    truths[-1] = part.row_targets[-1]
    return replace(part, targets=truths)


def training_sessions(sequences: List[Sequence], cuts: List[int]) -> list[Sequence]:
    """The sessions that have an event with a truth before their cut, that far."""
    made = []
    for one, cut in zip(sequences, cuts, strict=True):
        if cut < 2:
            continue
        part = one.part(0, cut)
        truths = part.row_targets.copy()
        truths[-1] = np.nan  # the item after it is not learned from
        made.append(replace(part, targets=truths))
    return made


def fit_events(
    log: Log, cuts: List[int], columns: EventColumns, table: Table, *, paced: bool, lapsed: bool = False
) -> EventReader:
    """Learns items, and how far events lie apart, from the events of each session before its cut.

    Args:
        log: all sessions.
        cuts: for each its first event that is not learned from.
        columns: where what stands.
        table: how files are read.
        paced: whether it is read how long after the one before it an event came.
        lapsed: whether it is answered, too, how long after it the next one comes.
    """
    pairs = zip(log.sessions, cuts, strict=True)
    training = [Session(one.key, one.items[:cut], one.times[:cut]) for one, cut in pairs]
    items = SymbolsCodec().fit([one.items for one in training])
    if len(items.symbols) < 2:
        raise DataError(
            f"{log.origin}: training has one item only, {items.symbols.tolist()[0]!r}, so there is nothing to choose "
            "from. Bring more events."
        )
    dated = log.sessions[0].times.dtype.kind == "M" if log.timed else None
    pace = Pace.fit(training) if paced else None
    past = EventInputs(items, pace, Lapses.fit(training) if lapsed else None)
    return EventReader(columns=columns, past=past, dated=dated, table=table)


class EventRows(RowReader):
    """Reads one user event by event."""

    def __init__(self, reader: EventReader) -> None:
        self._reader = reader
        self._count = 0
        # The last time that was told, in microseconds or as counted; nobody has to say when where it is not read.
        self._last: int | None = None
        self.restarts = reader.columns.gap is not None

    def push(self, row: Row, known: object = None) -> list[Inputs]:
        refuse_known(known)
        columns = self._reader.columns
        item = row.get(columns.item) if isinstance(row, Mapping) else row
        past = self._reader.past
        if not is_item(item):
            raise DataError(
                f"a row of this model is an event, a record with its `{columns.item}`, but {row!r:.80} came. Name it."
            )
        time = self._time(row)
        apart = np.nan
        if time is not None and self._last is not None:
            apart = (time - self._last) / (MICROSECONDS if self._reader.dated else 1.0)  # as `seconds` has it
            if apart < 0:
                raise DataError(
                    f"`{columns.time}` of an event is not before that of the last one, but lies {-apart:g} "
                    f"{'s' if self._reader.dated else 'units'} before it. Push events in order."
                )
        self.begins = columns.gap is not None and apart > columns.gap
        encoded = past.encode([symbol_of(item, past.items.kind)], np.array([np.nan if self.begins else apart]))
        self._count += 1
        self._last = self._last if time is None else time
        return [{"past": encoded}]

    def _time(self, row: object) -> int | None:
        """When an event happened, in microseconds or as it is counted; None where nobody says."""
        reader = self._reader
        name, dated = reader.columns.time, reader.dated
        cell = row.get(name) if name is not None and isinstance(row, Mapping) else None
        if dated is None or cell is None:
            if reader.needs_time:
                raise DataError(
                    f"this model reads when events happened, but {row!r:.80} does not say so. Push a record with its "
                    f"`{name}`."
                )
            return None
        if type(cell) is int and not dated and abs(cell) <= _LARGEST:
            return cell
        assert name is not None
        frame = Frame({name: column_of([cell], name, "the row", frozenset({""}))}, "the row")
        (time,) = time_column(frame, name, refuse)
        if (time.dtype.kind == "M") != dated:
            raise DataError(
                f"`{name}` of an event is {'a timestamp' if dated else 'a whole number'}, as in training, but is "
                f"{cell!r:.40}. Write it as in training."
            )
        return int(time.astype(np.int64))

    def push_rows(self, rows: object, times: object = None, known: object = None) -> Reading:
        if times is not None:
            raise ArgumentError("`time` stands beside arrays, but a row of this model is an event. Push records.")
        refuse_known(known)
        if not isinstance(rows, list | tuple) and not (isinstance(rows, np.ndarray) and rows.ndim):
            raise DataError(f"rows of this model are a list of events, but {rows!r:.80} came. Give a list.")
        mark = self.mark()
        try:
            made, happened = [], []
            for row in rows:
                made += self.push(row)
                happened.append(self.time)
        except BaseException:
            self.back_to(mark)
            raise
        width = self._reader.past.spec.width
        past = np.concatenate([np.empty((0, width), np.float32), *(one["past"] for one in made)])
        return Reading({"past": past}, np.arange(len(past)), np.array(happened))

    @property
    def time(self) -> np.ndarray:
        number = counts.last_time(self._count)
        if self._last is None:  # as of events that were read without times
            return np.asarray(np.datetime64("NaT", "us")) if self._reader.dated else number
        return np.asarray(self._last, "datetime64[us]" if self._reader.dated else np.int64)

    def mark(self) -> Mark:
        return self._count, self._last, None

    def back_to(self, mark: Mark) -> None:
        self._count, self._last = mark[0] or 0, mark[1]  # type: ignore[assignment]

    def read(self) -> bytes:
        last = _UNTOLD if self._last is None else self._last
        return counts.packed(self._count) + last.to_bytes(8, "little", signed=True)

    def write(self, remainder: bytes) -> None:
        if len(remainder) != 16:
            raise damaged_state()
        self._count = counts.unpacked(remainder[:8])
        last = int.from_bytes(remainder[8:], "little", signed=True)
        self._last = None if last == _UNTOLD or not self._count else last
