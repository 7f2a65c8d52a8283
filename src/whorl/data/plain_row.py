"""The short way for a row of a live table: numbers in all columns, and a time that is one step after the last."""

import datetime as dt
import re
from collections.abc import Sequence

import numpy as np

from whorl.codecs.rows import RowScaler
from whorl.data.cells import is_number
from whorl.data.schema import Schema
from whorl.data.timestep import TimeStep
from whorl.plans.table import Table

# What numpy and datetime read alike; `timestamps` knows more spellings.
_STAMP = re.compile(r"\d{4}-\d\d-\d\d(?:[T ](?:[01]\d|2[0-3]):\d\d(?::\d\d)?)?", re.ASCII)
_EPOCH = dt.datetime(1970, 1, 1)
_COUNTS = frozenset({int, float, np.int64, np.int32, np.float64})
_LARGEST_COUNT = 2**53


class PlainRow:
    """Reads the rows that need no judgement, and leaves the others to the general way: it never refuses one.

    Args:
        schema: roles and kinds.
        table: which repairs are allowed.
        step: time between rows.
        scaler: encodes the numbers.
        key: the series that rows must be of, if they say.
    """

    def __init__(self, schema: Schema, table: Table, step: TimeStep, scaler: RowScaler, key: str | None) -> None:
        self._columns, self._time, self._series = schema.columns, schema.time, schema.series
        self._step = step.count
        self._is_date = schema.time is not None and step.unit != "index"
        self._any_step = table.on_gap == "ignore"
        self._may_miss = table.on_missing == "mask"
        self._missing = frozenset({"", *table.missing})
        self._scaler = scaler
        # A key that cells are compared with as it is: nothing of it is stripped, and it means no missing value.
        self._key = key
        self._key_is_plain = not key or (key == key.strip() and key not in self._missing)

    @classmethod
    def of(
        cls, schema: Schema, table: Table, step: TimeStep, scaler: RowScaler | None, key: str | None
    ) -> "PlainRow | None":
        """Returns the short way; None where no row can take it."""
        values = schema.columns[1:] if schema.time else schema.columns
        if scaler is None or scaler.width != len(values) or schema.of_kind("numeric", values) != values:
            return None
        return None if step.unit == "months" and table.on_gap != "ignore" else cls(schema, table, step, scaler, key)

    def read(self, row: object, last: int | None, held: np.ndarray) -> tuple[int, np.ndarray, np.ndarray] | None:
        """Returns the row's time (microseconds, or a count), its encoding (1, width), and what is held then.

        None leaves the row to the general way.

        Args:
            row: what was pushed.
            last: time of the row before, None for the first row.
            held: what stands for missing values, and what else the codec holds.
        """
        values = self._values(row)
        if values is None:
            return None
        if self._time is None:
            time = 0 if last is None else last + 1
        else:
            stamp = self._moment(values[0]) if self._is_date else _count(values[0])
            if stamp is None:
                return None
            time, values = stamp, values[1:]
        if last is not None and (time <= last if self._any_step else time - last != self._step):
            return None
        encoded = self._scaler.encode(values, held, missing=self._may_miss, time=time)
        if encoded is None:
            encoded = self._from_text(values, held, time)
        return None if encoded is None else (time, *encoded)

    def _values(self, row: object) -> Sequence[object] | None:
        """The values in the order of the columns."""
        kind = type(row)
        if kind is tuple or kind is list:
            values: Sequence[object] = row  # type: ignore[assignment]
        elif kind is dict:
            try:
                values = [row[name] for name in self._columns]  # type: ignore[index]
            except KeyError:
                return None
            if self._key and self._series is not None and not self._is_own(row.get(self._series)):  # type: ignore[attr-defined]
                return None
        elif type(row) is np.ndarray and row.ndim == 1 and row.dtype.kind in "fi":
            values = row.tolist()
        else:
            return None
        return values if len(values) == len(self._columns) else None

    def _is_own(self, series: object) -> bool:
        return series is None or (self._key_is_plain and type(series) is str and series == self._key)

    def _moment(self, value: object) -> int | None:
        """Microseconds since 1970."""
        try:
            if type(value) is str:
                if value in self._missing or not _STAMP.fullmatch(value):
                    return None
                value = dt.datetime.fromisoformat(value)
            if type(value) is dt.datetime and value.tzinfo is None:
                since = value - _EPOCH
                return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
            if type(value) is np.datetime64 and not np.isnat(value):
                return int(np.datetime64(value, "us").astype(np.int64))  # type: ignore[call-overload]
        except (ValueError, OverflowError):
            return None
        return None

    def _from_text(self, values: Sequence[object], held: np.ndarray, time: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Cells of a CSV: the texts that are numbers, or mean that there is none."""
        if not any(type(value) is str for value in values):
            return None
        numbers: list[object] = []
        for value in values:
            if type(value) is not str:
                numbers.append(value)
            elif value in self._missing:
                numbers.append(None)
            elif is_number(value):
                numbers.append(float(value))
            else:
                return None
        return self._scaler.encode(numbers, held, missing=self._may_miss, time=time)


def _count(value: object) -> int | None:
    """A whole number that float64 holds, or the text of one."""
    if type(value) is str and is_number(value):
        value = float(value)
    if type(value) not in _COUNTS or not -_LARGEST_COUNT <= value <= _LARGEST_COUNT:  # type: ignore[operator]
        return None
    return int(value) if value == int(value) else None  # type: ignore[call-overload]
