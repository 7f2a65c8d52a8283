"""Many rows for a live series at once: as a table by the rules of single rows, in time, its gaps filled."""

from collections.abc import Mapping
from collections.abc import Sequence as List

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.convert import category_column, convert
from whorl.data.problems import refuse
from whorl.data.reader import Inputs, Reading
from whorl.data.schema import Schema
from whorl.data.series import INDEX
from whorl.data.sources import read_table
from whorl.data.timestep import TimeStep
from whorl.data.values import column_of
from whorl.errors import ArgumentError, DataError, did_you_mean
from whorl.plans.table import Table

# Rows that a stream fills in one gap: more is a wrong year in one cell, not a gap.
MOST_FILLED = 10_000
_ORIGIN = "the rows"


def table_of(rows: object, times: object, schema: Schema, table: Table, key: str | None) -> Frame:
    """The columns of the schema, converted.

    Args:
        rows: an array (T, D) or a list of rows in the order of the columns, or any source of a table.
        times: (T,), the time column of an array that lacks it.
        key: the series that rows must be of, if they say; None takes any.

    Raises:
        DataError: a row lacks a column, or a cell breaks a rule.
    """
    if isinstance(rows, np.ndarray) or (isinstance(rows, list | tuple) and not _are_records(rows)):
        frame = _positional(rows, times, schema, frozenset({"", *table.missing}))
    elif times is not None:
        raise ArgumentError(
            f"`time` stands beside an array of rows, but the rows are a {type(rows).__name__}. "
            "Put the times into a column of it."
        )
    else:
        if isinstance(rows, list | tuple):
            _check_columns(rows, schema)
        frame = read_table(rows, schema.named(table))
    if key and schema.series is not None and schema.series in frame.columns:
        for name in category_column(frame, schema.series).tolist():
            if name is not None and name != key:
                raise DataError(
                    f"column `{schema.series}` of the rows holds '{name}', but this stream is that of series '{key}'. "
                    "Push each series into a stream of its own."
                )
    columns = {name: convert(frame, name, schema.kinds[name], table, refuse) for name in schema.columns}
    return Frame(columns, frame.origin, frame.rows)


def _are_records(rows: List[object]) -> bool:
    return bool(len(rows)) and all(isinstance(row, Mapping) for row in rows)


def _check_columns(records: List[Mapping[str, object]], schema: Schema) -> None:
    """What a record lacks is not missing in it: the next one would be read under another name."""
    needed = frozenset(schema.columns)
    for n, record in enumerate(records):
        if not needed <= record.keys():
            name = next(name for name in schema.columns if name not in record)
            raise absent_column(name, record, f"{_ORIGIN}, row {n}: ")


def absent_column(name: str, record: Mapping[str, object], where: str = "") -> DataError:
    """The error of a record that lacks a column."""
    near = did_you_mean(name, list(map(str, record)))
    return DataError(f"{where}column `{name}` is missing from the row; it has {list(record)[:20]}.{near}")


def _positional(rows: np.ndarray | List[object], times: object, schema: Schema, missing: frozenset[str]) -> Frame:
    """Values by their place in a row."""
    names = schema.columns
    if times is not None:
        if schema.time is None:
            raise ArgumentError("`time` was given, but this model counts its rows. Leave it out.")
        names = names[1:]
    columns = _split(rows, len(names))
    if columns is None:
        shape = rows.shape if isinstance(rows, np.ndarray) else f"a {type(rows).__name__} of {len(rows)}"
        hint = " or give the times beside them with `time`" if schema.time is not None and times is None else ""
        raise DataError(
            f"rows are an array of shape (T, {len(names)}), with the columns {', '.join(names)}, but {shape} came. "
            f"Give them in this order{hint}."
        )
    made = dict(zip(names, columns, strict=True))
    if times is not None and schema.time is not None:
        made[schema.time] = np.asarray(times) if isinstance(times, np.ndarray) else list(times)  # type: ignore[call-overload]
    lengths = {name: len(column) for name, column in made.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"`time` must have one time for each row, but the columns have these lengths: {lengths}.")
    return Frame(
        {
            name: column_of(column, name, _ORIGIN, missing, names=schema.kinds[name] == "category")
            for name, column in made.items()
        },
        _ORIGIN,
    )


def _split(rows: np.ndarray | List[object], width: int) -> List[np.ndarray | List[object]] | None:
    if isinstance(rows, np.ndarray):
        rows = rows[:, None] if rows.ndim == 1 and width == 1 else rows
        fits = rows.ndim == 2 and rows.shape[1] == width
        return [rows[:, n] for n in range(width)] if fits else None
    if not all(isinstance(row, list | tuple | np.ndarray) and len(row) == width for row in rows):
        return None
    return [[row[n] for row in rows] for n in range(width)]  # type: ignore[index]


def in_time(
    frame: Frame, before: np.ndarray | None, schema: Schema, table: Table, step: TimeStep
) -> tuple[Frame, np.ndarray]:
    """Returns the rows with those of missing values in their gaps, and the place of each row among them.

    Args:
        before: when the row before these happened; None for the start of a series.

    Raises:
        DataError: a row does not come after the one before, or a gap may not be filled.
    """
    name = schema.time or INDEX
    if schema.time is None:
        first = 0 if before is None else int(before) + 1
        frame = frame.with_columns({INDEX: np.arange(first, first + len(frame), dtype=np.int64)})
    is_date = schema.time is not None and step.unit != "index"
    if not len(frame):  # columns of no values have any type
        frame = frame.with_columns({name: np.empty(0, "datetime64[us]" if is_date else np.int64)})
    times, steps = frame[name], np.arange(len(frame))
    if (times.dtype.kind == "M") != is_date:
        raise wrong_time(name, times[0], is_date)
    whole = times if before is None else np.concatenate([before.reshape(1), times])
    back = np.flatnonzero(np.diff(whole.astype(np.int64)) <= 0)
    if len(back):
        raise not_after(name, whole[back[0]], whole[back[0] + 1])
    if table.on_gap == "ignore":
        return frame, steps
    missing = checked_gaps(whole, step, table)
    if not missing.any():
        return frame, steps
    if before is None:
        missing, whole = np.append(0, missing), np.append(whole[:1], whole)
    return _filled(frame, missing, whole, step, name, schema.static)


def _filled(
    frame: Frame, missing: np.ndarray, before: np.ndarray, step: TimeStep, time: str, static: List[str]
) -> tuple[Frame, np.ndarray]:
    """`missing` rows before each row, which follow the times of `before`."""
    source = np.repeat(np.arange(len(frame)), missing + 1)
    steps = np.cumsum(missing + 1) - 1
    new = np.ones(len(source), bool)
    new[steps] = False
    columns = {name: column[source] for name, column in frame.columns.items()}
    for n in np.flatnonzero(missing).tolist():
        columns[time][steps[n] - missing[n] : steps[n]] = step.after(before[n], int(missing[n]))
    for name, column in columns.items():
        if name != time and name not in static:
            column[new] = np.nan if column.dtype.kind == "f" else None
    return Frame(columns, frame.origin), steps


def checked_gaps(times: np.ndarray, step: TimeStep, table: Table) -> np.ndarray:
    """Returns how many rows are missing between neighbours; raises DataError where they may not be filled."""
    missing, off = step.gaps(times)
    bad = off | (missing > (0 if table.on_gap == "error" else MOST_FILLED))
    if not bad.any():
        return missing
    at = int(np.argmax(bad))
    last, time, count = times[at], times[at + 1], int(missing[at])
    if off[at]:
        raise DataError(
            f"the row at {time} is not a multiple of {step.describe()} after the last one at {last}. "
            "Correct its time, or fit with on_gap='ignore' (--on-gap ignore)."
        )
    said = f"{count} rows of {step.describe()} are missing between {last} and {time}"
    if count > MOST_FILLED:
        raise DataError(
            f"{said}, but a stream fills at most {MOST_FILLED}. Correct the row's time, or reset the stream."
        )
    raise DataError(f"{said}. Fill them with missing values by fitting with on_gap='fill' (--on-gap fill).")


def wrong_time(name: str, time: object, is_date: bool) -> DataError:
    """The error of a row whose time is of the other kind."""
    expected = "a timestamp" if is_date else "a whole number"
    return DataError(f"column `{name}` must hold {expected}, as in training, but the row has {time}.")


def not_after(name: str, last: object, time: object) -> DataError:
    """The error of a row that does not come after the one before."""
    return DataError(
        f"column `{name}` must move on: the last row was at {last}, this one is at {time}. "
        "Push rows in order of time; nothing was changed."
    )


def rows_after(known: object, table: Table) -> List[object] | None:
    """Returns what is known of the rows after the last as records; None where nothing was given."""
    if known is None or isinstance(known, list | tuple):
        return known
    after = read_table(known, table)
    return [{name: column[n] for name, column in after.columns.items()} for n in range(len(after))]


def joined(readings: List[Inputs], steps: np.ndarray, times: np.ndarray) -> Reading:
    """Rows that were read singly."""
    inputs = {name: np.concatenate([one[name] for one in readings]) for name in readings[0]} if readings else {}
    return Reading(inputs, steps, times)
