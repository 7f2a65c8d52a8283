"""Logs of events to sessions: what one user came to, in order. Tables with a row an event, and lists of items."""

import os
from collections.abc import Sequence as List
from dataclasses import replace
from typing import NamedTuple

import msgspec
import numpy as np

from whorl.codecs.frame import Frame
from whorl.codecs.symbols import Kind, Symbol
from whorl.data.cells import LARGEST_COUNT, is_number, spell_number
from whorl.data.convert import category_column, time_column
from whorl.data.label_columns import with_labels
from whorl.data.labels import whole
from whorl.data.problems import name_rows, quote, refuse
from whorl.data.series import rows_by_key
from whorl.data.sources import read_table
from whorl.errors import DataError
from whorl.plans.table import Kind as Kinds
from whorl.plans.table import Table

MICROSECONDS = 1e6
# Items that are numbers are smaller; those of tables, whose numbers are real, than LARGEST_COUNT.
_OVER = 2**63


class EventColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a log says who did what, and when.

    Args:
        user: column that names whose event a row is.
        item: column of what the event is about.
        time: column of when it happened; None takes rows in the order of the table.
        gap: a session ends where the next event comes later than this after it: seconds, or units of a time that is
            counted. None makes all events of a user one session.
    """

    user: str
    item: str
    time: str | None
    gap: float | None = None


class Session(NamedTuple):
    """Ordered events of one user.

    Args:
        key: whose they are.
        items: one for each event, (T,).
        times: (T,) datetime64[us] or int64, ascending; numbers from 0 on where nothing says when.
    """

    key: str
    items: list[Symbol | None]
    times: np.ndarray


class Log(NamedTuple):
    """What was read.

    Args:
        sessions: in order of the first event of their user, those of a user in order of time.
        kind: what items are.
        timed: whether it is known when events happened.
        moved: number of rows that stood before an earlier one of the same user.
        origin: where they came from, for messages.
    """

    sessions: list[Session]
    kind: Kind
    timed: bool
    moved: int
    origin: str


def read_log(source: object, columns: EventColumns, table: Table, kind: Kind | None = None) -> Log:
    """Reads a log: a table with a row an event, or a list with a list of items for each session.

    Rows of a user are put in order of time; those of one time stay in the order of the table.

    Args:
        source: what `read_table` reads, or lists of items, oldest first.
        columns: where what stands in a table.
        table: how cells are read.
        kind: what items are, where that is known from training; None finds out.

    Raises:
        DataError: naming file, row and column.
    """
    listed = lists_of(source)
    if listed is not None:
        return _of_lists(listed, kind)
    frame = opened(source, columns, table, kind)
    if columns.time is not None and kind is not None and columns.time not in frame.columns:
        raise DataError(
            f"{frame.origin}: this model puts the events of a user in order by the column '{columns.time}', but it is "
            f"not there; the columns are {quote(frame.columns)}. Give it, or give lists of items, oldest first."
        )
    timed = columns.time is not None
    times = time_column(frame, columns.time, refuse) if timed and columns.time is not None else np.arange(len(frame))
    found, cells = _kind_and_cells(frame, columns.item, kind)
    items = [symbol_of(cell, found) for cell in cells]
    sessions, moved = [], 0
    for key, index in rows_by_key(frame, columns.user):
        order = np.argsort(times[index], kind="stable")
        moved += int((np.diff(order) < 0).sum())
        rows = index[order]
        parts = _cut(rows, times[rows], columns.gap)
        sessions += [Session(key, [items[n] for n in part.tolist()], times[part]) for part in parts]
    return Log(sessions, found, timed, moved, frame.origin)


def opened(source: object, columns: EventColumns, table: Table, kind: Kind | None) -> Frame:
    """The table of a log; `read_log` takes it as it takes its source."""
    # Ids are names: '007' stays as it is where the model knows text, and '7' is the user that 7.0 is.
    known: dict[str, Kinds] = {columns.user: "category"}
    if kind == "text":
        known[columns.item] = "category"
    table = replace(table, kinds={**known, **table.kinds})
    frame = read_table(source, table)
    frame[columns.user], frame[columns.item]  # an error where one is not there
    if kind is None and isinstance(source, str | os.PathLike):
        frame, _ = with_labels(frame, columns.item, table, source, lambda other: read_table(source, other))
    return frame


def symbol_of(cell: object, kind: Kind) -> Symbol | None:
    """An item as training spelled it; None where it cannot be one of these."""
    if isinstance(cell, np.generic):
        cell = cell.item()
    if kind == "text":
        if isinstance(cell, str):
            return cell.strip() or None
        if isinstance(cell, bool) or not isinstance(cell, int | float):
            return None
        return str(cell) if isinstance(cell, int) else spell_number(cell)  # large ones are told apart
    if isinstance(cell, str):
        cell = float(cell) if is_number(cell.strip()) else None
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not np.isfinite(cell):
        return None
    if kind == "number":
        return float(cell)
    return int(cell) if float(cell).is_integer() else None


def seconds(times: np.ndarray) -> np.ndarray:
    """How much later each time is than the one before it: (T - 1,) seconds, or units of a time that is counted."""
    apart = np.diff(times)
    return apart.astype(np.int64) / MICROSECONDS if apart.dtype.kind == "m" else apart.astype(np.float64)


def _cut(rows: np.ndarray, times: np.ndarray, gap: float | None) -> list[np.ndarray]:
    return [rows] if gap is None else np.split(rows, np.flatnonzero(seconds(times) > gap) + 1)


def _kind_and_cells(frame: Frame, name: str, kind: Kind | None) -> tuple[Kind, list[object]]:
    """What items are, and a cell for each row; raises DataError where one is empty."""
    column = frame[name]
    if kind is None:
        numbers = whole(column).dtype.kind
        kind = "text" if column.dtype.kind != "f" else "integer" if numbers in "iO" else "number"
    cells = category_column(frame, name) if kind == "text" else column
    absent = np.flatnonzero(np.array([cell is None or cell != cell for cell in cells.tolist()], bool))
    if len(absent):
        raise DataError(
            f"{frame.origin}: column '{name}' names the item of every event, but {name_rows(frame, absent)} "
            f"{'has' if len(absent) == 1 else 'have'} no value. Fill them in, or remove these rows."
        )
    counted = kind != "text" and cells.dtype.kind == "f"
    large = np.flatnonzero(np.abs(cells) >= LARGEST_COUNT if counted else np.zeros(0, bool))
    if len(large):
        raise DataError(
            f"{frame.origin}: column '{name}' has items that are numbers of 2**53 or more, as in "
            f"{name_rows(frame, large[:1])}, which a table does not tell apart. Write them as text; those "
            f"of a file are read so by whorl.Table(kinds={{'{name}': 'category'}}), or --kinds {name}=category."
        )
    return kind, cells.tolist()


def lists_of(source: object) -> list[list[object]] | None:
    """Lists of items; None where the source is something else."""
    if not isinstance(source, list | tuple) or not source:
        return None
    if not all(isinstance(one, list | tuple) or (isinstance(one, np.ndarray) and one.ndim == 1) for one in source):
        return None
    return [one.tolist() if isinstance(one, np.ndarray) else list(one) for one in source]


def is_item(cell: object) -> bool:
    """Whether something can be an item: text that is not blank, or a number of 64 bits."""
    if isinstance(cell, str):
        return bool(cell.strip())
    if isinstance(cell, bool) or not isinstance(cell, int | float | np.integer | np.floating):
        return False
    return bool(-_OVER < cell < _OVER)


def _of_lists(listed: List[List[object]], kind: Kind | None) -> Log:
    for n, one in enumerate(listed):
        bad = [cell for cell in one if not is_item(cell)]
        if not one or bad:
            came = f"has {bad[0]!r:.40}" if bad else "is empty"
            raise DataError(
                f"a session is a list of at least one item, each text or a number of 64 bits, but session {n} {came}. "
                "Correct it."
            )
    if kind is None:
        kinds = {"text" if isinstance(cell, str) else "number" for one in listed for cell in one}
        whole_numbers = all(isinstance(cell, int | np.integer) for one in listed for cell in one)
        kind = "text" if "text" in kinds else "integer" if whole_numbers else "number"
        if len(kinds) > 1:
            raise DataError("items are all text or all numbers, but the sessions have both. Write them in one way.")
    sessions = [
        Session(str(n), [symbol_of(cell, kind) for cell in one], np.arange(len(one), dtype=np.int64))
        for n, one in enumerate(listed)
    ]
    return Log(sessions, kind, False, 0, "the sessions")
