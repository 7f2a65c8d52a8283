"""Reading a table row by row: the same conversions, rules and numbers as reading it whole."""

import math
import struct
from collections.abc import Mapping

import numpy as np

from whorl.codecs.frame import Frame
from whorl.codecs.numeric import NumericEncoder
from whorl.codecs.table import TableCodec
from whorl.data.convert import convert
from whorl.data.live_frames import (
    absent_column,
    checked_gaps,
    in_time,
    joined,
    not_after,
    rows_after,
    table_of,
    wrong_time,
)
from whorl.data.plain_row import PlainRow
from whorl.data.problems import refuse
from whorl.data.reader import Inputs, Mark, Reading, Row, RowReader, before_first_row
from whorl.data.schema import Schema
from whorl.data.series import INDEX, key_of
from whorl.data.timestep import TimeStep
from whorl.data.values import column_of
from whorl.errors import ArgumentError, DataError, ModelFileError
from whorl.plans.table import Table

_LARGEST = float(np.finfo(np.float32).max)
_COUNT, _DATE = np.dtype(np.int64), np.dtype("datetime64[us]")


class TableRows(RowReader):
    """Reads one series row by row.

    Args:
        schema: roles and kinds.
        table: which repairs are allowed.
        step: time between rows.
        horizon: steps that are known ahead.
        past: encodes what is read.
        ahead: encodes what is known ahead, or None.
        key: the series that rows must be of, if they say; None takes any.
    """

    def __init__(
        self,
        schema: Schema,
        table: Table,
        step: TimeStep,
        horizon: int,
        past: TableCodec,
        ahead: TableCodec | None,
        key: str | None = None,
    ) -> None:
        self.key = key
        self.schema, self.table, self.step, self.horizon = schema, table, step, horizon
        self._missing = frozenset({"", *table.missing})
        self._past: NumericEncoder[Frame] = past.chunks()
        self._ahead: NumericEncoder[Frame] | None = None if ahead is None else ahead.chunks()
        self._last: int | None = None  # time of the last row: microseconds since 1970, or a count
        self._is_date = schema.time is not None and step.unit != "index"
        self._plain = None if ahead is not None else PlainRow.of(schema, table, step, past.row_scaler(), key)

    @property
    def time(self) -> np.ndarray:
        """When the last row happened; a DataError before the first row."""
        if self._last is None:
            raise before_first_row()
        time = np.array(self._last, _COUNT)
        return time.view(_DATE) if self._is_date else time

    @property
    def _before(self) -> np.ndarray | None:
        return None if self._last is None else self.time

    def push(self, row: Row, known: object = None) -> list[Inputs]:
        if known is not None:
            self._check_known()
        if self._plain is not None:
            found = self._plain.read(row, self._last, self._past.held)
            if found is not None:
                self._last, encoded, self._past.held = found
                return [{"past": encoded}]
        frame = self._frame(row)
        time = self._next_time(frame)
        frames = [*self._filled(time, frame), frame]
        future = self._future(time, known) if self._ahead is not None else None
        before = self.mark()
        try:
            inputs = self._encoded(frames, future)
            self._last = int(time.astype(np.int64))
        except BaseException:  # a value may be infinite once scaled
            self.back_to(before)
            raise
        return inputs

    def push_rows(self, rows: object, times: object = None, known: object = None) -> Reading:
        if known is not None:
            self._check_known()
        frame = table_of(rows, times, self.schema, self.table, self.key)
        before = self.mark()
        try:
            if self._ahead is not None:
                return self._singly(frame, known)
            frame, steps = in_time(frame, self._before, self.schema, self.table, self.step)
            inputs = {"past": self._past.push(frame)}
            stamps = frame[self.schema.time or INDEX][steps]
            if len(stamps):
                self._last = int(stamps[-1].astype(np.int64))
            return Reading(inputs, steps, stamps)
        except BaseException:
            self.back_to(before)
            raise

    def _singly(self, frame: Frame, known: object) -> Reading:
        """Rows one by one, each with the known covariates of the rows after it, in gaps with missing ones."""
        frame, steps = in_time(frame, self._before, self.schema, self.table, self.step)
        clock = self.schema.time or INDEX
        times = frame[clock]
        if not len(times):
            return joined([], steps, times)
        last = self._future(np.asarray(times[-1]), rows_after(known, self.schema.named(self.table)))
        coming = {name: np.concatenate([frame[name], last[name]]) for name in self.schema.known}
        readings: list[Inputs] = []
        for at in steps.tolist():
            columns = {name: column[at + 1 : at + 1 + self.horizon] for name, column in coming.items()}
            future = Frame({clock: self.step.after(times[at], self.horizon), **columns}, "the rows ahead")
            pieces = [frame.take(slice(n, n + 1)) for n in range(len(readings), at + 1)]
            readings += self._encoded(pieces, future)
        self._last = int(times[-1].astype(np.int64))
        return joined(readings, steps, times[steps])

    def _encoded(self, frames: list[Frame], future: Frame | None) -> list[Inputs]:
        inputs = []
        for n, piece in enumerate(frames):
            reading = {"past": self._past.push(piece)}
            if self._ahead is not None and future is not None:
                self._ahead.push(piece)
                rows = future if n == len(frames) - 1 else self._shown(frames[n + 1 :], future)
                held = self._ahead.held
                reading["future"] = self._ahead.push(rows)[None]
                self._ahead.held = held
            inputs.append(reading)
        return inputs

    def read(self) -> bytes:
        time = -(2**63) if self._last is None else self._last
        past = self._past.read()
        return struct.pack("<qQ", time, len(past)) + past + (b"" if self._ahead is None else self._ahead.read())

    def write(self, remainder: bytes) -> None:
        if len(remainder) < 16:
            raise ModelFileError(f"`state` of the reader has {len(remainder)} bytes, at least 16 are needed.")
        time, size = struct.unpack_from("<qQ", remainder)
        past, ahead = remainder[16 : 16 + size], remainder[16 + size :]
        if self._ahead is None and ahead:
            raise ModelFileError(f"`state` of the reader has {len(ahead)} bytes too many. It belongs to another model.")
        self._past.write(past)
        if self._ahead is not None:
            self._ahead.write(ahead)
        self._last = None if time == -(2**63) else time

    def mark(self) -> Mark:
        return self._last, self._past.held, None if self._ahead is None else self._ahead.held

    def back_to(self, mark: Mark) -> None:
        self._last, past, ahead = mark
        assert isinstance(past, np.ndarray)
        self._past.held = past
        if self._ahead is not None and ahead is not None:
            self._ahead.held = ahead

    # One row

    def _frame(self, row: Row) -> Frame:
        """A row as a frame of one row, converted by the rules of the table."""
        record = row if isinstance(row, Mapping) else self._record(row)
        self._check_series(record)
        columns = {}
        for name in self.schema.columns:
            if name not in record:
                raise absent_column(name, record)
            columns[name] = self._cell(name, record[name])
        if self.schema.time is None:
            columns[INDEX] = np.array([0 if self._last is None else self._last + 1], np.int64)
        return Frame(columns, "the row")

    def _check_series(self, record: Mapping[str, object]) -> None:
        name = self.schema.series
        if not self.key or name is None or record.get(name) is None:
            return
        found = key_of(record[name], name, self.table)
        if found != self.key:
            raise DataError(
                f"column `{name}` of the row is '{found}', but this stream is that of series '{self.key}'. "
                "Push each series into a stream of its own."
            )

    def _record(self, row: object) -> Mapping[str, object]:
        if not isinstance(row, list | tuple | np.ndarray):
            raise DataError(
                f"a row must be a record, or a list of the values of {', '.join(self.schema.columns)}, but is a "
                f"{type(row).__name__}. Push one row at a time."
            )
        values = list(row)
        if len(values) != len(self.schema.columns):
            raise DataError(
                f"a row of values must have {len(self.schema.columns)} in the order "
                f"{', '.join(self.schema.columns)}, but has {len(values)}. Give all, or a record with names."
            )
        return dict(zip(self.schema.columns, values, strict=True))

    def _cell(self, name: str, value: object) -> np.ndarray:
        kind = self.schema.kinds[name]
        if kind == "numeric" and type(value) is float and abs(value) <= _LARGEST:
            return np.array([value])
        cells = column_of([value], name, "the row", self._missing, names=kind == "category")
        frame = Frame({name: cells}, "the row")
        if kind == "numeric" and (value is None or (isinstance(value, float) and math.isnan(value))):
            frame = Frame({name: np.array([np.nan])}, "the row")
        return convert(frame, name, kind, self.table, refuse)

    # Time

    def _next_time(self, frame: Frame) -> np.ndarray:
        """The row's time; an error unless it comes after the last one and on the step."""
        name = self.schema.time or INDEX
        time = np.asarray(frame[name][0])
        if (time.dtype.kind == "M") != self._is_date:
            raise wrong_time(name, time, self._is_date)
        last = self._before
        if last is not None and time <= last:
            raise not_after(name, last, time)
        return time

    def _filled(self, time: np.ndarray, frame: Frame) -> list[Frame]:
        """Rows of missing values for the steps between the last row and this one, where the table allows it."""
        last = self._before
        if last is None or self.table.on_gap == "ignore":
            return []
        count = int(checked_gaps(np.array([last, time]), self.step, self.table)[0])
        times = self.step.after(last[()], count)
        return [self._empty(times[n : n + 1], frame) for n in range(count)]

    def _empty(self, times: np.ndarray, like: Frame) -> Frame:
        columns = {}
        for name in like.columns:
            if name == (self.schema.time or INDEX):
                columns[name] = times
            elif name in self.schema.static:
                columns[name] = np.repeat(like[name], len(times))
            elif self.schema.kinds[name] == "numeric":
                columns[name] = np.full(len(times), np.nan)
            else:
                columns[name] = np.full(len(times), None, object)
        return Frame(columns, "the row")

    # What is known ahead

    def _check_known(self) -> None:
        if not self.schema.known:
            raise ArgumentError("`known` was given, but this model has no known covariates. Leave it out.")

    def _future(self, time: np.ndarray, known: object) -> Frame:
        """The steps after this row with their known covariates."""
        times = self.step.after(time[()], self.horizon)
        columns: dict[str, np.ndarray] = {self.schema.time or INDEX: times}
        rows = list(known) if isinstance(known, list | tuple) else []
        if self.schema.known and len(rows) != self.horizon:
            came = len(rows) if known is None or isinstance(known, list | tuple) else type(known).__name__
            raise DataError(
                f"`known` must hold {self.horizon} rows with {', '.join(self.schema.known)} for the steps after "
                f"{time}, but {came} came. Pass a list with a row for each of these steps."
            )
        for place, row in enumerate(rows):
            self._check_ahead(row, times[place])
        for name in self.schema.known:
            columns[name] = np.concatenate([self._cell(name, row[name]) for row in rows])
        return Frame(columns, "the rows ahead")

    def _check_ahead(self, row: object, time: np.datetime64 | np.int64) -> None:
        """A row ahead has the known covariates, and no other time than the one it stands for."""
        absent = [name for name in self.schema.known if not isinstance(row, Mapping) or name not in row]
        if absent:
            raise DataError(
                f"`known` must hold {', '.join(self.schema.known)} in each row ahead, but at {time} it is {row!r:.80}."
            )
        own = self.schema.time
        if own is not None and isinstance(row, Mapping) and own in row and self._cell(own, row[own])[0] != time:
            raise DataError(f"`known` must hold the row of {time} here, but it is that of {row[own]}. Sort the rows.")

    def _shown(self, frames: list[Frame], future: Frame) -> Frame:
        """What stood ahead of a filled row: the filled rows after it, this row, and some of its future."""
        parts = [*frames, future]
        columns = {name: np.concatenate([part[name] for part in parts])[: self.horizon] for name in future.columns}
        return Frame(columns, "the rows ahead")
