"""Records to files: CSV, JSON lines, Parquet."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from whorl.errors import ArgumentError, MissingExtraError
from whorl.runtime.artifact import write_bytes

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_records(path: Path, records: Iterable[Mapping[str, object]]) -> None:
    """Writes records in the format that the path's ending names; complete under its name, or not at all."""
    match path.suffix.lower():
        case ".csv":
            write_bytes(path, to_csv(records).encode())
        case ".jsonl" | ".ndjson":
            write_bytes(path, "".join(map(_json_line, records)).encode())
        case ".parquet":
            try:
                import polars
            except ImportError:
                raise MissingExtraError("polars", "train", "to write Parquet") from None
            buffer = io.BytesIO()
            polars.DataFrame(list(records)).write_parquet(buffer)
            write_bytes(path, buffer.getvalue())
        case other:
            raise ArgumentError(f"`{path}` must end in .csv, .jsonl or .parquet, but ends in '{other}'. Rename it.")


def to_csv(records: Iterable[Mapping[str, object]]) -> str:
    """CSV text. Text that a spreadsheet would run as a formula gets a leading quote mark; numbers stay numbers."""
    lines: list[str] = []
    for record in records:
        if not lines:
            lines.append(_csv_line(record))
        lines.append(_csv_line(record.values()))
    return "".join(lines)


def _csv_line(cells: Iterable[object]) -> str:
    line = io.StringIO()
    # A lone carriage return in a cell is quoted only if the end of a line has one.
    csv.writer(line, lineterminator="\r\n").writerow(map(_cell, cells))
    return line.getvalue()[:-2] + "\n"


def _json_line(record: Mapping[str, object]) -> str:
    """JSON has no NaN and no infinity: null."""
    return json.dumps(finite(record), allow_nan=False) + "\n"


def finite(record: Mapping[str, object]) -> dict[str, object]:
    """A record as JSON can hold it: null for NaN and infinity."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
