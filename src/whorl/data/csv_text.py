"""The bytes of a text table: encoding, line ends, delimiter, header. Detected, or as `Table` says."""

import re
from collections.abc import Sequence

from whorl.data.cells import is_number
from whorl.data.timestamps import looks_like_time
from whorl.errors import DataError

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_LINES = 50


def decode(data: bytes, origin: str, encoding: str | None) -> str:
    """Returns the text with newlines as line ends; raises DataError for bytes that are no text."""
    if not data.strip():
        raise DataError(f"{origin} is empty, but a table needs a row of column names and at least one row of data.")
    named = encoding or _detect(data)
    try:
        text = data.decode(named)
    except LookupError:
        raise DataError(
            f"`encoding` is {named!r}, which Python does not know. Use utf-8, utf-16 or cp1252, or leave it out."
        ) from None
    except (UnicodeDecodeError, UnicodeError) as error:
        if encoding is None and named == "utf-8":
            text = _western(data)
        else:
            line = data.count(b"\n", 0, getattr(error, "start", 0)) + 1
            raise DataError(
                f"{origin}, row {line}: its bytes are not {named}. Name the encoding with --encoding, or save as UTF-8."
            ) from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if found := _CONTROL.search(text):
        row = text.count("\n", 0, found.start()) + 1
        what = "a NUL byte" if found[0] == "\0" else f"the control character {found[0]!r}"
        raise DataError(
            f"{origin}, row {row}: found {what}, which no text table has; the file is damaged or is not text. "
            "Tables are CSV, TSV, TXT or Parquet files."
        )
    if not text.strip():
        raise DataError(f"{origin} is empty, but a table needs a row of column names and at least one row of data.")
    return text


def _detect(data: bytes) -> str:
    for bom, name in _BOMS:
        if data.startswith(bom):
            return name
    sample = data[:4096]
    # English and digits in UTF-16 have a NUL in every second byte.
    if len(sample) >= 4 and sample[1::2].count(0) > 0.4 * len(sample) and not sample[::2].count(0):
        return "utf-16-le"
    if len(sample) >= 4 and sample[::2].count(0) > 0.4 * len(sample) and not sample[1::2].count(0):
        return "utf-16-be"
    return "utf-8"


def _western(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def detect_delimiter(text: str) -> str:
    """Returns the mark of the first line that occurs equally often in the lines after it; ',' when there is none."""
    lines = [_unquoted(line) for line in text[: 1 << 16].split("\n") if line.strip()][:_SAMPLE_LINES]
    if len(text) > 1 << 16 and len(lines) > 1:
        lines.pop()  # the sample may have cut it
    scores = {}
    for mark in _DELIMITERS:
        count = lines[0].count(mark)
        if count:
            scores[mark] = (sum(line.count(mark) == count for line in lines), count)
    if scores:
        return max(scores, key=lambda mark: scores[mark])
    widths = {len(line.split()) for line in lines}
    return " " if len(lines) > 1 and len(widths) == 1 and widths != {1} else ","


def _unquoted(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line) if '"' in line else line


def is_header(cells: Sequence[str]) -> bool:
    """Whether the first row names the columns: a row of numbers and timestamps alone does not."""
    present = [cell.strip() for cell in cells if cell.strip()]
    return not present or not all(is_number(cell) or looks_like_time([cell]) for cell in present)


def column_names(cells: Sequence[str], origin: str) -> list[str]:
    """Returns the names of a header row; an empty one becomes c0, c1, ... by its place."""
    names = [cell.strip() or f"c{i}" for i, cell in enumerate(cells)]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise DataError(
                f"{origin}, row 1: column names are unique, but '{name}' names columns {names.index(name) + 1} and "
                f"{i + 1}. Rename one of them."
            )
    return names
