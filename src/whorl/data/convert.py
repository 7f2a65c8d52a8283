"""Columns of a frame to the kind that a schema names: numbers, categories or timestamps."""

from typing import Literal, assert_never

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.cells import has_decimal_comma, is_number, numbers_or_text, spell
from whorl.data.problems import Problem, Report, name_rows, plural, quote
from whorl.data.timestamps import BadCellError, parse_times
from whorl.errors import DataError
from whorl.plans.table import Kind, Table

# The network computes in 32 bits: a larger value would be infinite there.
_LARGEST = float(np.finfo(np.float32).max)


def convert(frame: Frame, name: str, kind: Kind, table: Table, report: Report) -> np.ndarray:
    """Returns the column as that kind; what breaks a rule is reported, and repaired if the report returns."""
    match kind:
        case "numeric":
            return numeric_column(frame, name, table, report)
        case "category":
            return category_column(frame, name)
        case "time":
            return time_column(frame, name, report)
        case "ignore":
            return frame[name]
        case _:
            assert_never(kind)


def numeric_column(frame: Frame, name: str, table: Table, report: Report) -> np.ndarray:
    """Returns float64 in which text, infinite and missing cells are NaN, as far as the options allow them."""
    column = frame[name]
    if column.dtype.kind == "M":
        raise DataError(
            f"{frame.origin}: column '{name}' must be numeric, but holds timestamps. Choose another column."
        )
    if column.dtype.kind == "O":
        values, text = numbers_or_text(column.tolist())
        if len(text) and table.on_text == "error":
            report(_text_problem(frame, name, text))
    else:
        values = column.astype(np.float64)
    infinite = np.flatnonzero(np.abs(values) > _LARGEST)
    if len(infinite):
        values[infinite] = np.nan
        if table.on_infinite == "error":
            report(_infinite_problem(frame, name, infinite))
    if table.on_missing == "error" and np.isnan(values).any():
        report(_missing_problem(frame, name, np.flatnonzero(np.isnan(values))))
    return values


def category_column(frame: Frame, name: str) -> np.ndarray:
    """Returns an object array of `str | None`; a number becomes its shortest spelling."""
    column = frame[name]
    if column.dtype.kind == "O":
        return column
    if column.dtype.kind == "M":
        words = np.datetime_as_string(column).astype(object)
        words[np.isnat(column)] = None
        return words
    return spell(column)


def time_column(frame: Frame, name: str, report: Report) -> np.ndarray:
    """Returns datetime64[us], or int64 where whole numbers count the steps."""
    column = frame[name]
    if column.dtype.kind == "O" and len(column) and all(type(cell) is str and is_number(cell) for cell in column):
        column = column.astype(np.float64)  # cells of a line of text, where nothing else tells that steps are counted
    if column.dtype.kind == "O":
        try:
            column = parse_times(column.tolist())
        except BadCellError as bad:
            row = name_rows(frame, np.array([bad.index]))
            raise DataError(f"{frame.origin}: column '{name}', {row}: {bad.reason}. {bad.advice}") from None
    absent = np.isnat(column) if column.dtype.kind == "M" else np.isnan(column)
    if absent.any():
        index = np.flatnonzero(absent)
        raise DataError(
            f"{frame.origin}: column '{name}' needs a timestamp in every row, but {name_rows(frame, index)} "
            f"{'has' if len(index) == 1 else 'have'} none. Fill them in, or remove these rows."
        )
    if column.dtype.kind == "M":
        return column
    broken = np.flatnonzero((column != np.floor(column)) | (np.abs(column) > 2**53))
    if len(broken):
        raise DataError(
            f"{frame.origin}: column '{name}' is the time; times are timestamps or whole numbers of less than 2**53, "
            f"but it is {float(column[broken[0]])!r} in {name_rows(frame, broken[:1])}. Write timestamps, number the "
            "steps, or count in whole seconds, milliseconds or microseconds."
        )
    return column.astype(np.int64)


def _text_problem(frame: Frame, name: str, text: np.ndarray) -> Problem:
    cells = frame[name][text]
    hint = " A decimal comma is written as a point: 1.5." if has_decimal_comma(cells[0]) else ""
    return _cell_problem(
        frame,
        name,
        text,
        f"is numeric, but {plural(len(text), 'cell')} {_holds(text)} text: {quote(dict.fromkeys(cells))} "
        f"({name_rows(frame, text)}).{hint} Read text as missing by fitting with --on-text missing, or correct the "
        "cells.",
        "--on-text missing",
    )


def _infinite_problem(frame: Frame, name: str, index: np.ndarray) -> Problem:
    return _cell_problem(
        frame,
        name,
        index,
        f"has {plural(len(index), 'infinite value')} or beyond 3.4e38, the range of 32-bit floats "
        f"({name_rows(frame, index)}). Read them as missing by fitting with --on-infinite missing, or rescale the "
        "column.",
        "--on-infinite missing",
    )


def _missing_problem(frame: Frame, name: str, index: np.ndarray) -> Problem:
    return _cell_problem(
        frame,
        name,
        index,
        f"may have no missing values, but has {len(index)} ({name_rows(frame, index)}). "
        "Hold the last value and flag it with --on-missing mask.",
        "--on-missing mask",
    )


def _cell_problem(frame: Frame, name: str, index: np.ndarray, rule: str, option: str) -> Problem:
    return Problem(
        severity="error",
        message=f"{frame.origin}: column '{name}' {rule}",
        column=name,
        rows=tuple(frame.rows[index].tolist()),
        option=option,
    )


def _holds(index: np.ndarray) -> Literal["holds", "hold"]:
    return "holds" if len(index) == 1 else "hold"
