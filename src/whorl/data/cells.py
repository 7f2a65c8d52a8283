"""Text cells to numbers: what counts as a number, and what as no value."""

import re
from collections.abc import Iterable, Sequence

import numpy as np

# Python's float() also takes '1_000', 'nan' and digits of other scripts; a table must not.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.ASCII | re.IGNORECASE)
# Numbers that are spelled as ids are, and not as numbers are written.
_SPELLED = re.compile(r"[+-]?0\d|\+|.*[eE]")
# From here on float64 makes one of neighbouring whole numbers.
LARGEST_COUNT = 2**53
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)


def is_number(cell: str) -> bool:
    """Whether a stripped cell is a number: digits with a decimal point and exponent, or inf."""
    return _NUMBER.fullmatch(cell) is not None


def are_numbers(cells: Iterable[str | None]) -> bool:
    """Whether names in cells are numbers, so that nothing is lost where they are read as such.

    They are not where two of them would become one ('007' and '7', '1.10' and '1.1', or of 2**53 and more), or where a
    spelling would not come back ('01', '+1', '1e5').
    """
    present = {cell for cell in cells if cell is not None}
    if not all(map(is_number, present)) or any(map(_SPELLED.match, present)):
        return False
    numbers = set(map(float, present))
    return len(numbers) == len(present) and all(abs(number) < LARGEST_COUNT for number in numbers)


def has_decimal_comma(cell: str) -> bool:
    """Whether a cell looks like 1,5."""
    return _DECIMAL_COMMA.fullmatch(cell) is not None


def clean(cells: Iterable[str], missing: frozenset[str]) -> list[str | None]:
    """Strips the cells; the empty one and the words of `missing` become None."""
    return [None if not cell or cell in missing else cell for cell in map(str.strip, cells)]


def to_numbers(cells: Sequence[str | None]) -> np.ndarray | None:
    """Returns float64 with NaN for None, or None when a cell is not a number."""
    try:
        values = np.array([np.nan if cell is None else float(cell) for cell in cells], np.float64)
    except ValueError:
        return None
    present = "".join(filter(None, cells))
    if "_" in present or not present.isascii() or np.isnan(values).sum() != cells.count(None):
        return None
    return values


def numbers_or_text(cells: Sequence[str | None]) -> tuple[np.ndarray, np.ndarray]:
    """Returns float64 with NaN for None and for text, and the index of the cells that are text."""
    text = np.array([cell is not None and not is_number(cell) for cell in cells], bool)
    values = [np.nan if cell is None or bad else float(cell) for cell, bad in zip(cells, text.tolist(), strict=True)]
    return np.array(values, np.float64), np.flatnonzero(text)


def as_objects(cells: Sequence[object]) -> np.ndarray:
    """Returns an object array of the cells; np.array(list, object) would do, but not for an empty list's shape."""
    column = np.empty(len(cells), object)
    column[:] = cells
    return column


def spell(values: np.ndarray) -> np.ndarray:
    """Returns numbers as text, 7.0 as '7', so that a number can name a category or a series."""
    return as_objects([spell_number(value) for value in values.tolist()])


def spell_number(value: float) -> str | None:
    """Returns a number as text, 7.0 as '7'; None for NaN."""
    return None if value != value else str(int(value)) if value.is_integer() else repr(value)


def as_list(source: object) -> list[object] | None:
    """A list, an array of texts, or a column of pandas or polars as a list; None where the source is something else."""
    if isinstance(source, list | tuple):
        return list(source)
    if isinstance(source, np.ndarray) and source.ndim == 1 and source.dtype.kind in "UO":
        return list(source.tolist())
    if hasattr(source, "to_list") and not hasattr(source, "columns"):  # a column, no frame
        return list(source.to_list())
    return None
