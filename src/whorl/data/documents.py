"""Texts of any size, one piece after the other: a file, the files of a folder, the rows of a table, or a list."""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.text_files import PLAIN_SUFFIXES, files_of, is_folder, pieces, read_text, text_lines
from whorl.data.text_reader import LABEL, text_frame, texts_of
from whorl.errors import DataError
from whorl.plans.table import Kind, Table

# Numbers that are kept in memory; more of them go to a temporary file.
_IN_MEMORY = 1 << 26


@dataclass(frozen=True, kw_only=True)
class Document:
    """A text that can be read again and again.

    Args:
        name: of the file, or the number of the row.
        pieces: reads it from its start.
        row: of the table that it is from; None for files.
        ends: False where what was given is a part of something longer, as one file is: it has no end of its own.
    """

    name: str
    pieces: Callable[[], Iterable[str]]
    row: int | None = None
    ends: bool = True

    def length(self) -> int:
        """Number of characters."""
        return sum(map(len, self.pieces()))

    def first(self, count: int) -> Iterator[str]:
        """The first `count` characters, in pieces."""
        for piece in self.pieces():
            if count <= 0:
                return
            yield piece[:count]
            count -= len(piece)

    def lines(self, count: int | None = None) -> Iterator[str]:
        """The same in pieces that end where a line does, so that no word is cut; a very long line is."""
        held = ""
        for piece in self.pieces() if count is None else self.first(count):
            held += piece
            stop = held.rfind("\n") + 1
            if stop or len(held) > 1 << 20:
                yield held[: stop or len(held)]
                held = held[stop or len(held) :]
        if held:
            yield held


def documents(source: object, column: str, condition: str | None, table: Table) -> tuple[list[Document], Frame | None]:
    """What a source holds, and its table where it is one.

    A lone file of text is a stream without an end; the files of a folder, the texts of a list and the rows of a table
    are documents with one.

    Raises:
        DataError: there is no text in it.
    """
    if is_plain(source):
        paths = files_of(source, PLAIN_SUFFIXES)
        lone = len(paths) == 1
        found = [
            Document(name=path.name, pieces=_file(path, table.encoding or "utf-8"), ends=not lone) for path in paths
        ]
        for _ in read_text(source, encoding=table.encoding or "utf-8"):
            break  # says what is wrong where nothing is in it
        return found, None
    frame = frame_of(source, column, condition, table)
    texts = texts_of(frame, column)
    if not any(texts):
        raise DataError(f"{frame.origin}: the texts are all empty, but there is nothing to learn from them. Give text.")
    return [Document(name=str(n), pieces=_text(text), row=n) for n, text in enumerate(texts)], frame


def prompts(source: object, column: str, condition: str | None, table: Table) -> Frame:
    """Beginnings of texts, one a row; of a file of text each line is one."""
    if is_plain(source):
        encoding = table.encoding or "utf-8"
        lines = [line for path in files_of(source, PLAIN_SUFFIXES) for line in text_lines(path, encoding)]
        if not lines:
            raise DataError(f"`{source}` has no line, but each line is a prompt. Write one.")
        source = lines
    return frame_of(source, column, condition, table)


def is_plain(source: object) -> bool:
    """Whether a source is a file of text or a folder."""
    if not isinstance(source, str | os.PathLike) or not str(source):
        return False
    path = Path(source)
    return path.suffix.lower() in PLAIN_SUFFIXES or (path.suffix == "" and is_folder(path))


def frame_of(source: object, column: str, condition: str | None, table: Table) -> Frame:
    """A table, or a list of texts, as a table; what training read as text is text."""
    kinds: dict[str, Kind] = {name: "category" for name in (column, condition) if name is not None}
    frame = text_frame(source, column, (condition or LABEL,), replace(table, kinds={**kinds, **table.kinds}))
    frame[column]
    return frame


def _file(path: Path, encoding: str) -> Callable[[], Iterable[str]]:
    return lambda: pieces(path, encoding)


def _text(text: str) -> Callable[[], Iterable[str]]:
    return lambda: [text]


class Rows:
    """Rows of numbers that are added one after the other and then read as one array, from disk where they are many.

    Args:
        width: columns.
    """

    def __init__(self, width: int) -> None:
        self.width, self.count = width, 0
        self._parts: list[np.ndarray] = []
        self._spilled: IO[bytes] | None = None

    def add(self, rows: np.ndarray) -> None:
        """Adds rows (n, width)."""
        rows = np.ascontiguousarray(rows, np.float32)
        self.count += len(rows)
        self._parts.append(rows)
        if self._spilled is None and self.count * self.width > _IN_MEMORY:
            self._spilled = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as its array does
        if self._spilled is not None:
            for part in self._parts:
                self._spilled.write(part.tobytes())
            self._parts = []

    def whole(self) -> np.ndarray:
        """All rows, (count, width) float32."""
        if self._spilled is None:
            return np.concatenate([np.empty((0, self.width), np.float32), *self._parts])
        with self._spilled as file:
            file.flush()
            # The array keeps the space on disk, which goes when the array does.
            return np.memmap(file, np.float32, "r", shape=(self.count, self.width))
