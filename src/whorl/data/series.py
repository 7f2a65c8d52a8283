"""A table to its series: converted, grouped, in order, on one step. Nothing is repaired unless `Table` says so."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.convert import category_column, convert
from whorl.data.problems import Problem, Report, in_series, name_rows, plural, refuse
from whorl.data.rows import fill_gaps, keep_one, sorted_rows
from whorl.data.schema import Schema
from whorl.data.timestep import TimeStep, infer_step
from whorl.data.values import column_of
from whorl.errors import DataError
from whorl.plans.table import Table

INDEX = "__index__"
ONLY_SERIES = ""


@dataclass(frozen=True)
class Series:
    """One entity over time.

    Args:
        key: its value in the series column; empty where there is none.
        frame: the columns of the schema. The time column is datetime64[us] or int64; without one,
            `__index__` counts rows.
        step: the time between two rows.
    """

    key: str
    frame: Frame
    step: TimeStep


def read_series(
    frame: Frame,
    schema: Schema,
    table: Table | None = None,
    *,
    step: TimeStep | None = None,
    report: Report = refuse,
) -> list[Series]:
    """Cuts a frame into its series, in order of first appearance.

    Args:
        frame: from `read_table`; it is not changed.
        schema: the roles and kinds of the columns.
        table: which repairs are allowed.
        step: the step of a fitted model; None infers it from all series together.
        report: what happens to a problem; the default raises it. If it returns, the reader repairs and goes on.

    Raises:
        DataError: naming the rows, the series and the option that repairs them.
    """
    table = table or Table()
    converted = _convert(frame, schema, table, report)
    time = schema.time or INDEX
    groups = []
    for key, index in rows_by_key(converted, schema.series):
        part = converted.take(index)
        if schema.time is None:
            part = part.with_columns({INDEX: np.arange(len(part), dtype=np.int64)})
        else:
            part = sorted_rows(part, time, key, table, report)
            part = keep_one(part, time, key, table, report)
        _check_static(part, schema.static, key, report)
        groups.append((key, part))
    if step is None:
        step = infer_step([part[time] for _, part in groups]) or _lone_step(converted, schema, report)
    repeated = (*schema.static, *((schema.series,) if schema.series else ()))
    return [Series(key, fill_gaps(part, time, key, step, repeated, table, report), step) for key, part in groups]


def key_of(cell: object, name: str, table: Table) -> str | None:
    """Returns the key of the series that a single cell names, as reading a whole table spells it.

    7.0 is '7', True is 'True', and '007' stays as it is, unless `table.kinds` says that keys are numbers.

    Args:
        cell: a number, text or timestamp.
        name: of the series column.
        table: kinds, and the words that mean no value.

    Returns:
        The key, or None where the cell means no value.

    Raises:
        DataError: the cell is of another type, or not of the kind of the column.
    """
    kind = table.kinds.get(name, "ignore")
    named = kind != "numeric"
    frame = Frame({name: column_of([cell], name, "the row", frozenset({"", *table.missing}), names=named)}, "the row")
    frame = frame.with_columns({name: convert(frame, name, kind, table, refuse)})
    key: str | None = category_column(frame, name)[0]
    return key


def _convert(frame: Frame, schema: Schema, table: Table, report: Report) -> Frame:
    columns = {name: convert(frame, name, schema.kinds[name], table, report) for name in schema.columns}
    if schema.series and schema.series not in columns:
        columns[schema.series] = category_column(frame, schema.series)
    if schema.label and schema.label in frame.columns:
        columns[schema.label] = category_column(frame, schema.label)
    if frame.origin.endswith("/") and "file" in frame.columns:
        columns["file"] = frame["file"]
    return Frame(columns, frame.origin, frame.rows)


def rows_by_key(frame: Frame, series: str | None) -> list[tuple[str, np.ndarray]]:
    """The key of each series and its rows, in order of first appearance; all rows where no column names one."""
    if series is None:
        return [(ONLY_SERIES, np.arange(len(frame)))]
    keys = category_column(frame, series).tolist()
    absent = np.array([key is None for key in keys])
    if absent.any():
        index = np.flatnonzero(absent)
        raise DataError(
            f"{frame.origin}: column '{series}' names the series of every row, but {name_rows(frame, index)} "
            f"{'has' if len(index) == 1 else 'have'} no value. Fill them in, or remove these rows."
        )
    codes: dict[str, int] = {}
    of_row = np.fromiter((codes.setdefault(key, len(codes)) for key in keys), np.int64, len(keys))
    order = np.argsort(of_row, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(of_row))[:-1])
    return list(zip(codes, parts, strict=True))


def _check_static(part: Frame, static: Sequence[str], key: str, report: Report) -> None:
    for name in static:
        values = {value for value in part[name].tolist() if value is not None and value == value}
        if len(values) > 1:
            report(
                Problem(
                    severity="error",
                    message=f"{part.origin}: column '{name}' is static, so it has one value in a series, but it has "
                    f"{plural(len(values), 'value')}{in_series(key)}. Take it out of --static.",
                    column=name,
                    series=key or None,
                    option="--static",
                )
            )


def _lone_step(frame: Frame, schema: Schema, report: Report) -> TimeStep:
    if schema.time is not None and frame[schema.time].dtype.kind == "M":
        report(
            Problem(
                severity="error",
                message=f"{frame.origin}: column '{schema.time}' has one timestamp in each series "
                f"({name_rows(frame, np.arange(1))}), so their step is unknown. Give at least two rows.",
                column=schema.time,
            )
        )
    return TimeStep(unit="index")
