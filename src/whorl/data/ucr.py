"""Files of the UCR archive: one series a line, its class label first."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from whorl.data.cells import is_number, to_numbers
from whorl.data.text_files import text_lines
from whorl.errors import DataError
from whorl.plans.table import Table

UCR_SUFFIXES = (".tsv", ".txt")

_MISSING = frozenset(("", *Table().missing))
_LARGEST = float(np.finfo(np.float32).max)
# Beyond it floats skip whole numbers, so that two labels could become one.
_LARGEST_WHOLE = 2.0**53


def is_ucr(path: Path) -> bool:
    """Whether the first line is a whole number, the label, and at least two numbers or missing values.

    A headerless table of numbers looks the same, so ask only where no columns were named.
    """
    if path.suffix.lower() not in UCR_SUFFIXES:
        return False
    try:
        with path.open("rb") as file:
            first = next((line for line in file if line.strip()), b"").decode("utf-8-sig")
    except (OSError, ValueError):  # the reader of tables says what is wrong with it
        return False
    cells = _cut(first, _delimiter(first))
    values = [cell for cell in cells[1:] if cell not in _MISSING]
    return len(cells) >= 3 and _label(cells[0]) is not None and all(map(is_number, values))


def read_ucr(path: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """Reads the series and their labels.

    Returns:
        N arrays (T_i, 1), float64, NaN where a value is missing; missing values at the end are no part of a series. And
        the labels, (N,), whole numbers as float64.

    Raises:
        DataError: naming file, line and column.
    """
    x, labels = [], []
    delimiter, width = None, 0
    for number, line in _lines(path):
        delimiter = delimiter or _delimiter(line)
        cells = _cut(line, delimiter)
        width = width or len(cells)
        place = f"{path.name}, line {number}"
        if len(cells) != width:
            raise DataError(
                f"{place}: every line has as many cells as the first ({width}), but this one has {len(cells)} "
                f"(delimiter {delimiter!r}). Write NaN after the end of a shorter series."
            )
        label = _label(cells[0])
        if label is None:
            raise DataError(
                f"{place}, column 1: the label of a series is a whole number, but is {cells[0][:40]!r}. Correct it, or "
                "give the file a header line and name its columns."
            )
        series = _series(cells, place)
        x.append(series[:, None])
        labels.append(label)
    if not x:
        raise DataError(f"{path.name} is empty, but needs a line for each series. Give another file.")
    return x, np.array(labels, np.float64)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(text_lines(path, "utf-8"), 1) if line.strip())


def _delimiter(line: str) -> str:
    return next((mark for mark in "\t,;" if mark in line), " ")


def _cut(line: str, delimiter: str) -> list[str]:
    return line.split() if delimiter == " " else [cell.strip() for cell in line.rstrip("\r\n").split(delimiter)]


def _label(cell: str) -> float | None:
    value = float(cell) if is_number(cell) else 0.5
    return value if value.is_integer() and abs(value) <= _LARGEST_WHOLE else None


def _series(cells: list[str], place: str) -> np.ndarray:
    """Returns the values after the label, shape (T,)."""
    values = to_numbers([None if cell in _MISSING else cell for cell in cells[1:]])
    if values is None:
        k = next(k for k, cell in enumerate(cells) if k and cell not in _MISSING and not is_number(cell))
        raise DataError(
            f"{place}, column {k + 1}: a series holds numbers, but here is {cells[k][:40]!r}. Write a number with a "
            "decimal point, or NaN where a value is missing."
        )
    check_range(values, place, first_column=2)
    present = np.flatnonzero(~np.isnan(values))
    if not len(present):
        raise DataError(f"{place}: a series needs at least one value, but all of these are missing. Drop the line.")
    return values[: present[-1] + 1]


def check_range(values: np.ndarray, place: str, first_column: int) -> None:
    """Raises DataError naming the column of the first value that 32-bit floats cannot hold."""
    beyond = np.flatnonzero(np.abs(values) > _LARGEST)
    if len(beyond):
        raise DataError(
            f"{place}, column {beyond[0] + first_column}: values are finite and within 3.4e38, the range of 32-bit "
            f"floats, but this one is {values[beyond[0]]}. Write NaN where a value is missing."
        )
