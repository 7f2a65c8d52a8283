"""JSON lines: one value a line, as records of a table or as whatever another reader makes of it."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.text_files import text_lines
from whorl.data.values import frame_of_columns, names_of
from whorl.errors import DataError
from whorl.plans.table import Table

JSON_SUFFIXES = (".jsonl", ".ndjson")

# Floats end below 2 to the power of 1024.
_MOST_BITS = 1023


def read_json_lines(path: Path, table: Table) -> Frame:
    """Reads records of scalar values, one object a line.

    A key that a line lacks, and null, are missing values. Text stays text, even '7'; numbers, true and false become
    numeric columns. NaN is missing, and Infinity is a number.

    Raises:
        DataError: naming line and key; for nested values, keys that come twice, and what is no JSON.
    """
    origin = path.name
    records: list[dict[str, object]] = []
    lines: list[int] = []
    for line, value in json_values(path, table.encoding or "utf-8"):
        if not isinstance(value, dict):
            raise DataError(
                f"{origin}, line {line}: every line of a table is an object of names and values, but this one is "
                f'{kind_of(value)}. Write {{"column": value, ...}}.'
            )
        for key, cell in value.items():
            if isinstance(cell, dict | list):
                raise DataError(
                    f"{origin}, line {line}: key '{key}' must hold a number, text or null, but holds "
                    f"{kind_of(cell)}. Give each of its values a key of its own, or drop it."
                )
            if isinstance(cell, int) and cell.bit_length() > _MOST_BITS:
                raise DataError(
                    f"{origin}, line {line}: key '{key}' holds a whole number of {cell.bit_length()} bits, beyond the "
                    "range of floats. Scale it, or write it as text."
                )
        records.append(value)
        lines.append(line)
    if not records:
        raise DataError(f"{origin} is empty, but a table needs at least one row. Write one JSON object a line.")
    names = dict.fromkeys(key for record in records for key in record)
    columns = {name: [record.get(name) for record in records] for name in names}
    frame = frame_of_columns(columns, origin, frozenset(table.missing), names_of(table))
    return Frame(frame.columns, origin, np.array(lines, np.int64))


def json_values(path: Path, encoding: str) -> Iterator[tuple[int, object]]:
    """Returns the number and the value of every line that is not blank."""
    for number, line in enumerate(text_lines(path, encoding), 1):
        if line.strip():
            yield number, _value(line, f"{path.name}, line {number}")


def kind_of(value: object) -> str:
    """Returns what JSON calls a value, for a message."""
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return "text"
        case bool():
            return "true or false"
        case None:
            return "null"
        case _:
            return "a number"


def _value(line: str, place: str) -> object:
    def distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
        made = dict(pairs)
        if len(made) < len(pairs):
            twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
            raise DataError(f"{place}: key {twice!r} comes twice in one object. Rename or drop one of them.")
        return made

    try:
        value: object = json.loads(line, object_pairs_hook=distinct)
        if "\\u" in line:  # half of a surrogate pair is legal in JSON, but no text
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise DataError(
            f"{place}, column {error.colno}: this is not JSON ({error.msg}). Write one whole value on each line."
        ) from None
    except UnicodeEncodeError:
        raise DataError(
            f"{place}: an escape \\uD800 to \\uDFFF stands alone, which is no character. Drop it."
        ) from None
    except RecursionError:
        raise DataError(f"{place}: lists and objects are nested too deeply to be read. Flatten them.") from None
    except DataError:
        raise
    except ValueError:  # Python reads whole numbers of at most 4300 digits
        raise DataError(f"{place}: a whole number has too many digits. Write it as text, or scale it.") from None
    return value
