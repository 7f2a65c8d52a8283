"""Text tables to frames: the standard library's reader, and polars for large plain files, with the same result."""

import csv
import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.cells import as_objects, clean, to_numbers
from whorl.data.csv_text import column_names, decode, detect_delimiter, is_header
from whorl.errors import ArgumentError, DataError
from whorl.plans.table import Table

# Below this size importing polars takes longer than reading.
_LARGE = 1 << 20

Reader = Literal["auto", "stdlib", "polars"]


def read_csv(path: Path, table: Table, reader: Reader = "auto") -> Frame:
    """Reads a CSV, TSV or TXT file. `reader` chooses the machinery, not the result."""
    return parse_csv(read_bytes(path), path.name, table, reader)


def read_bytes(path: Path) -> bytes:
    """Returns the bytes of a file; raises DataError where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"`{path}` is not there. Give the path of a file or a folder of tables.") from None


def parse_csv(data: bytes, origin: str, table: Table, reader: Reader = "auto") -> Frame:
    """Reads the bytes of a text table."""
    text = decode(data, origin, table.encoding)
    delimiter = table.delimiter or detect_delimiter(text)
    if len(delimiter) != 1 or delimiter in '"\n\r':
        raise ArgumentError(f"`delimiter` is one character, but is {delimiter!r}. Use ',', ';', '|', ' ' or a tab.")
    if reader == "polars" or (reader == "auto" and len(text) > _LARGE and importlib.util.find_spec("polars")):
        uniform = _uniform_lines(text, delimiter)
        if uniform is not None:
            return _frame_by_polars(uniform, delimiter, origin, table)
    return _frame_by_stdlib(text, delimiter, origin, table)


def _frame_by_stdlib(text: str, delimiter: str, origin: str, table: Table) -> Frame:
    if '"' in text:
        records, lines = _quoted_records(text, delimiter, origin)
    else:
        records, lines = _plain_records(text, delimiter)
    names, first = _names(records[0], origin)
    _check_widths(records, lines, len(names), delimiter, origin)
    if len(records) == first:
        raise _no_rows(origin)
    missing = frozenset(table.missing)
    columns = {}
    for name, cells in zip(names, zip(*records[first:], strict=True), strict=True):
        columns[name] = _column(clean(cells, missing), table.kinds.get(name) == "category")
    return Frame(columns, origin, np.array(lines[first:], np.int64))


def _plain_records(text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """Cuts at every delimiter: nothing is quoted here. Spaces delimit in runs, and none counts at the ends."""
    rows = text.rstrip("\n").split("\n")
    single = delimiter not in text
    records: list[list[str]] = []
    lines: list[int] = []
    for i, row in enumerate(rows):
        blank = not row.strip(" " if delimiter == "\t" else None)
        if not blank or (single and records):  # the blank line of a lone column is a missing value
            records.append(row.split() if delimiter == " " else row.split(delimiter))
            lines.append(i + 1)
    return records, lines


def _quoted_records(text: str, delimiter: str, origin: str) -> tuple[list[list[str]], list[int]]:
    reader = csv.reader(
        io.StringIO(text.rstrip("\n"), newline=""), delimiter=delimiter, strict=True, skipinitialspace=delimiter == " "
    )
    records: list[list[str]] = []
    lines: list[int] = []
    line = 1
    try:
        for record in reader:
            if record or (records and len(records[0]) == 1):  # the blank line of a lone column is a missing value
                records.append(record or [""])
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{origin}, row {line}: a quoted cell is broken ({error}). Close the quote; write a quote inside a quoted "
            'cell as "".'
        ) from None
    if not records:
        raise _no_rows(origin)
    return records, lines


def _names(first: Sequence[str], origin: str) -> tuple[list[str], int]:
    """Returns the column names and the number of header rows, 0 or 1."""
    if is_header(first):
        return column_names(first, origin), 1
    return [f"c{i}" for i in range(len(first))], 0


def _check_widths(records: list[list[str]], lines: list[int], width: int, delimiter: str, origin: str) -> None:
    for record, line in zip(records, lines, strict=True):
        if len(record) != width:
            raise DataError(
                f"{origin}, row {line}: every row has as many cells as the first ({width}), but this one has "
                f"{len(record)} (delimiter {delimiter!r}). Correct the row, or name the delimiter with --delimiter."
            )


def _column(cells: list[str | None], keep_text: bool) -> np.ndarray:
    numbers = None if keep_text else to_numbers(cells)
    return as_objects(cells) if numbers is None else numbers


def _no_rows(origin: str) -> DataError:
    return DataError(f"{origin} has column names but no rows of data. Give a table with at least one row.")


def _uniform_lines(text: str, delimiter: str) -> bytes | None:
    """Returns the text as UTF-8 if nothing is quoted and every line has the same number of cells, else None.

    polars fills short rows with nulls and has its own ideas of blank lines; on such a text there are neither.
    """
    if '"' in text or delimiter == " " or not delimiter.isascii() or delimiter not in text:
        return None
    data = text.rstrip("\n").encode() + b"\n"
    raw = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(raw == ord("\n"))
    counts = np.diff(np.searchsorted(np.flatnonzero(raw == ord(delimiter)), ends), prepend=0)
    return data if (counts == counts[0]).all() and counts[0] > 0 else None


def _frame_by_polars(data: bytes, delimiter: str, origin: str, table: Table) -> Frame:
    import polars as pl

    names, first = _names(data[: data.index(b"\n")].decode().split(delimiter), origin)
    if data.count(b"\n") == first:
        raise _no_rows(origin)
    frame = pl.read_csv(
        data,
        separator=delimiter,
        has_header=False,
        skip_rows=first,
        new_columns=[f"{i}" for i in range(len(names))],
        infer_schema=False,
        quote_char=None,
    )
    missing = ["", *table.missing]
    columns = {}
    for name, raw in zip(names, frame.get_columns(), strict=True):
        stripped = raw.str.strip_chars()
        cells = stripped.set(stripped.is_in(missing), None)
        numbers = cells.cast(pl.Float64, strict=False)
        # Where polars is stricter or laxer than `cells`, the shared reader decides.
        agree = numbers.null_count() == cells.null_count() and not numbers.is_nan().any()
        if agree and table.kinds.get(name) != "category":
            columns[name] = numbers.fill_null(float("nan")).to_numpy().astype(np.float64)
        else:
            columns[name] = _column(cells.to_list(), table.kinds.get(name) == "category")
    return Frame(columns, origin, np.arange(len(frame), dtype=np.int64) + first + 1)
