"""Lines of bytes to rows, one at a time as they come: JSON lines, or CSV with a header."""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import BinaryIO, Protocol

from whorl.data.csv_text import column_names, detect_delimiter, is_header
from whorl.errors import DataError

# Says in a row of JSON that the next one goes on with it.
MORE = "more"

# Of UTF-8, where a file begins.
_MARK = b"\xef\xbb\xbf"

Skip = Callable[[Exception], None] | None
Numbered = tuple[int, object]


class Lines(Protocol):
    """What is read line by line, and no further than asked."""

    def readline(self) -> bytes:
        """The next line; empty at the end."""


def read_texts(lines: BinaryIO, delimiter: str | None, skip: Skip, columns: Sequence[str]) -> Iterator[Numbered]:
    """Yields (line number, row) of JSON lines or CSV as `read_rows` does, or of plain text, where each line is a row.

    Args:
        lines: plain text where the first one that is not blank is no JSON, and no header with the column of the text.
        delimiter: of CSV; None detects it in the header.
        skip: is told of a bad row, which is left out; None raises.
        columns: that a header must name, that of the text first.

    Raises:
        DataError: a line is no text, or breaks a rule of `read_rows`.
    """
    first = _First(lines)
    if _is_json(first.line) or _names(first.line, delimiter, columns[0]):
        yield from read_rows(first, delimiter, skip, columns)
        return
    for number, raw in enumerate(iter(first.readline, b""), start=1):
        try:
            text = decoded(raw.removeprefix(_MARK) if number == 1 else raw)
        except BadLineError as error:
            problem = DataError(f"line {number}: {error}")
            if skip is None:
                raise problem from None
            skip(problem)
            continue
        if text.strip():
            yield number, text.rstrip("\r\n")


class _First:
    """Lines whose first ones, up to one that is not blank, were looked at before they are read.

    Args:
        lines: not read yet.
    """

    def __init__(self, lines: BinaryIO) -> None:
        self._lines = lines
        self._seen = [lines.readline()]
        while self._seen[-1] and not self._seen[-1].removeprefix(_MARK).strip():
            self._seen.append(lines.readline())
        self.line = self._seen[-1].removeprefix(_MARK)

    def readline(self) -> bytes:
        """The next line; empty at the end."""
        return self._seen.pop(0) if self._seen else self._lines.readline()


def _is_json(line: bytes) -> bool:
    """Whether a line begins as an object, or is an array: a text may begin with a bracket, too."""
    if line.lstrip()[:1] != b"[":
        return line.lstrip()[:1] == b"{"
    try:
        from_json(decoded(line))
    except BadLineError:
        return False
    return True


def _names(line: bytes, delimiter: str | None, column: str) -> bool:
    """Whether a line is the header of a table with that column."""
    try:
        text = decoded(line)
        return bool(text.strip()) and column in _cells(text, delimiter or detect_delimiter(text))
    except BadLineError:
        return False


def read_rows(lines: Lines, delimiter: str | None, skip: Skip, columns: Sequence[str] = ()) -> Iterator[Numbered]:
    """Yields (line number, row): a record, or the list of values of a JSON array.

    Args:
        lines: JSON lines or CSV, told apart by the first character that is not blank.
        delimiter: of CSV; None detects it in the header.
        columns: that a header must name. A first row of numbers is a row of the columns c0, c1, ... where there are
            none, or some of them are called so.
        skip: is told of a bad row, which is left out; None raises.

    Raises:
        DataError: a line is not text, not JSON, or has not one cell for each column.
    """
    # Not `for line in lines`, which reads ahead: each row is to be answered before the next one is there.
    numbered = enumerate(iter(lines.readline, b""), start=1)
    header: list[str] | None = None
    is_json: bool | None = None
    for number, raw in numbered:
        text = raw.removeprefix(_MARK) if number == 1 else raw
        if not text.strip():
            continue
        if is_json is None:
            is_json = text.lstrip()[:1] in (b"{", b"[")
        try:
            if is_json:
                yield number, from_json(decoded(text))
                continue
            whole = decoded(_completed(text, numbered))
            if header is None:
                delimiter = delimiter or detect_delimiter(whole)
                cells = _cells(whole, delimiter)
                if is_header(cells) or (columns and not any(re.fullmatch(r"c\d+", name) for name in columns)):
                    header = column_names(cells, "the rows")
                    _check_header(header, columns)
                    continue
                header = [f"c{n}" for n in range(len(cells))]
            yield number, _record(header, _cells(whole, delimiter or ","))
        except BadLineError as error:
            problem = DataError(f"line {number}: {error}")
            if skip is None or (not is_json and header is None):
                raise problem from None
            skip(problem)


def read_lines(lines: BinaryIO, skip: Skip, *, blank: bool) -> Iterator[Numbered]:
    """Yields (line number, row): an object of JSON, or the text of a line, without what is blank at its ends.

    Args:
        lines: JSON lines or plain text, told apart by the first character that is not blank.
        skip: is told of a bad line, which is left out; None raises.
        blank: yields blank lines of plain text, too.

    Raises:
        DataError: a line is no text, or JSON that is broken.
    """
    is_json: bool | None = None
    for number, raw in enumerate(iter(lines.readline, b""), start=1):
        line = (raw.removeprefix(_MARK) if number == 1 else raw).strip()
        if is_json is None and line:
            is_json = line[:1] == b"{"
        if not line and (is_json or not blank):
            continue
        try:
            text = decoded(line)
            yield number, from_json(text) if is_json else text.strip()
        except BadLineError as error:
            problem = DataError(f"line {number}: {error}")
            if skip is None:
                raise problem from None
            skip(problem)


def goes_on(row: Mapping[str, object]) -> bool:
    """Whether a row says that the next one goes on with what it is a piece of.

    Raises:
        DataError: it says neither true nor false.
    """
    more = row.get(MORE, False)
    if not isinstance(more, bool):
        raise DataError(
            f"`{MORE}` says whether the next row goes on with this one, true or false in JSON, but {more!r:.80} came. "
            "Write one of them, or name the column otherwise."
        )
    return more


def _check_header(header: Sequence[str], columns: Sequence[str]) -> None:
    absent = [name for name in columns if name not in header]
    if absent:
        raise BadLineError(
            f"the header lacks {', '.join(f'`{name}`' for name in absent[:5])}; it has {', '.join(header[:20])}. "
            "Rows need the columns of the training."
        )


class BadLineError(ValueError):
    """What is wrong with a line; the caller knows its number."""


def decoded(raw: bytes) -> str:
    """The text of a line; raises BadLineError for other bytes than UTF-8."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise BadLineError(f"its bytes are not UTF-8 ({error.reason}). Save the rows as UTF-8.") from None


def _completed(raw: bytes, numbered: Iterator[tuple[int, bytes]]) -> bytes:
    """A row whose quoted cell holds line breaks, with the lines that follow."""
    while raw.count(b'"') % 2:
        following = next(numbered, None)
        if following is None:
            raise BadLineError("a quoted cell is never closed. Close the quote.")
        raw += following[1]
    return raw


def from_json(text: str) -> object:
    """The object or array of a line of JSON; raises BadLineError for what is neither."""
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadLineError(f"it is not JSON ({error}). Write one object a line.") from None
    if "\\u" in text:
        try:
            json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise BadLineError("an escape \\uD800 to \\uDFFF stands alone, which is no character.") from None
    if not isinstance(row, dict | list):
        raise BadLineError(f"a row is an object or an array, but {text.strip()[:40]!r} came.")
    return row


def _cells(text: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        return text.split()
    try:
        (cells,) = csv.reader([text.rstrip("\r\n")], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError) as error:
        raise BadLineError(f"a quoted cell is broken ({error}). Close the quote.") from None
    return [cell.strip() for cell in cells]


def _record(header: list[str], cells: list[str]) -> dict[str, object]:
    if len(cells) != len(header):
        raise BadLineError(f"it has {len(cells)} cells, but the header names {len(header)} columns. Correct the row.")
    return dict(zip(header, cells, strict=True))
