"""Records to files: CSV, JSON lines, Parquet."""

import csv
import io
import json
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
            write_bytes(path, "".join(json.dumps(record) + "\n" for record in records).encode())
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
    out = io.StringIO()
    writer = None
    for record in records:
        if writer is None:
            writer = csv.DictWriter(out, list(record), lineterminator="\n")
            writer.writerow({name: _cell(name) for name in record})
        writer.writerow({name: _cell(value) for name, value in record.items()})
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
