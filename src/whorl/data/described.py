"""Sources with the texts that describe them: lists, tables, and folders of files with a file of texts."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.cells import as_list
from whorl.data.features import is_arrays_file, read_arrays_file
from whorl.data.media import Files, Medium, cells_of, files_of, is_folder_of_tables
from whorl.data.sources import TABLE_SUFFIXES, read_table
from whorl.data.text_files import files_in, is_folder, text_lines
from whorl.errors import DataError
from whorl.plans.table import Kind, Table

# A line of the captions of Flickr8k: the name of a picture, the number of the text, and the text.
_NUMBERED = re.compile(r"(?P<name>[^\t]+)#\d+\t(?P<text>.*\S.*)")
# The setting that names the column of sources, in messages.
SOURCE = "`source`"
_NUMBERED_SUFFIXES = (".txt", ".token", ".text")


class Described(NamedTuple):
    """A source, and the texts that describe it.

    Args:
        name: what it is called in messages.
        cell: a path, or what stands in memory.
        texts: at least one where they were asked for.
    """

    name: str
    cell: object
    texts: tuple[str, ...] = ()


class Where(NamedTuple):
    """Where sources and texts stand.

    Args:
        medium: what sources are.
        column: of their paths; None finds it.
        targets: columns of the texts.
        table: how tables are read.
    """

    medium: Medium
    column: str | None
    targets: tuple[str, ...]
    table: Table

    @property
    def words(self) -> Table:
        """The table, whose paths and texts are taken at their word: '-' and 'None' too."""
        named = self.targets if self.column is None else (self.column, *self.targets)
        kinds: dict[str, Kind] = dict.fromkeys(named, "category")
        return replace(self.table, kinds={**self.table.kinds, **kinds}, missing=())


def described(data: object, where: Where) -> list[Described]:
    """Sources with their texts; see `files_described`."""
    return files_described(data, where)[0]


def files_described(data: object, where: Where) -> tuple[list[Described], Files]:
    """Sources with their texts, and the same as files, with the first row of each where they stand in a table.

    Args:
        data: `(sources, texts)`, where a source is a path or stands in memory, and its texts are one or a list of them;
            a table with a column of paths and one or several of texts; a file of lines `path#0<TAB>text`; or a folder
            that has exactly one such table or file. All texts of one path belong together. Paths start at the folder of
            the table or the file, or at a folder in it.
        where: what sources are, and the columns.

    Raises:
        DataError: a source has no text, or the data are none of these.
    """
    if isinstance(data, tuple) and len(data) == 2:
        return _alone(_paired(*data, where), f"the {where.medium.plural}")
    path = Path(data) if isinstance(data, str | os.PathLike) and str(data) else None
    if path is not None and is_folder(path):
        data = path = texts_in(path)
    if path is not None and is_numbered(path, where.table):
        return _alone(_of_numbered(path, where.table), path.name)
    files = files_of(data, where.medium, column=where.column, targets=where.targets, table=where.words, named=SOURCE)
    found: dict[str, list[str]] = {}
    for name in where.targets:
        files.frame[name]  # which says what columns there are, where this is none
    for row, source in enumerate(files.names):
        texts = [files.frame[name][row] for name in where.targets]
        found.setdefault(source, []).extend(str(text) for text in texts if text is not None and str(text).strip())
    for source, texts in found.items():
        if not texts:
            told = ", ".join(map(repr, where.targets))
            raise DataError(f"{files.frame.origin}: '{source}' has no text in {told}. Write one, or leave it out.")
    files = _once(files)
    return [one._replace(texts=tuple(found[one.name])) for one in _placed(files, path)], files


def first_source(data: object, column: str | None, table: Table) -> object:
    """The first source of data, so far as it shows without knowing what sources are; else, and of arrays in one file,
    the data.

    Raises:
        DataError: data are a path that is not there.
    """
    if isinstance(data, tuple) and len(data) == 2:
        data = data[0]
    if isinstance(data, list | np.ndarray) and len(data) and not isinstance(data[0], Mapping):
        return data[0]
    path = Path(data) if isinstance(data, str | os.PathLike) and str(data) else None
    if path is not None and is_folder(path):
        data = path = texts_in(path)
    if is_arrays_file(data):
        return data
    if path is not None and is_numbered(path, table):
        return _of_numbered(path, table)[0].cell
    if column is None:
        return data
    return read_table(data, replace(table, kinds={column: "category"}, missing=()))[column][0]


def bare(data: object, where: Where) -> list[Described]:
    """Sources alone: a list of paths or of what stands in memory, a file, a folder of files, a table with their column,
    or what `described` takes.

    Raises:
        DataError: there is none.
    """
    if isinstance(data, tuple) and len(data) == 2 and cells_of(list(data), where.medium) is None:
        return [one._replace(texts=()) for one in described(data, where)]
    listed = _listed(data)
    path = Path(data) if isinstance(data, str | os.PathLike) and str(data) else None
    if listed is None and path is not None and is_folder(path) and _is_told(path, where):
        data = path = texts_in(path)
    if listed is None and path is not None and is_numbered(path, where.table):
        return [one._replace(texts=()) for one in _of_numbered(path, where.table)]
    if listed:
        return list(map(Described, listed, listed.values()))
    given = data if listed is None else []
    files = files_of(given, where.medium, column=where.column, targets=where.targets, table=where.words, named=SOURCE)
    return _placed(_once(files), path)


def _listed(data: object) -> dict[str, np.ndarray] | None:
    """Sources that stand behind each other in one array, or in one file of several, by name."""
    if isinstance(data, np.ndarray) and data.ndim >= 3:
        return {str(n): one for n, one in enumerate(data)}
    if isinstance(data, str | os.PathLike) and Path(data).suffix.lower() == ".safetensors":
        return read_arrays_file(Path(data))
    return None


def _paired(sources: object, texts: object, where: Where) -> list[Described]:
    named = read_arrays_file(Path(sources)) if is_arrays_file(sources) else {}
    sources = list(named.values()) if named else sources
    cells = cells_of(list(sources) if isinstance(sources, np.ndarray) else sources, where.medium)
    if not cells:
        raise DataError(
            f"sources are a list of {where.medium.plural}, beside a list of their texts, but {sources!r:.60} came. "
            "Give paths, or what stands in memory."
        )
    listed = texts.tolist() if isinstance(texts, np.ndarray) else as_list(texts)
    if not isinstance(listed, list) or len(listed) != len(cells):
        count = len(listed) if isinstance(listed, list) else type(texts).__name__
        raise DataError(f"there are {len(cells)} sources, but {count} texts. Give one for each, or a list for each.")
    found: dict[object, Described] = {}
    for name, cell, own in zip(named or range(len(cells)), cells, listed, strict=True):
        key = cell if isinstance(cell, Path) else name
        one = found.get(key, Described(str(key), cell))
        found[key] = one._replace(texts=(*one.texts, *_texts(own, one.name)))
    return list(found.values())


def _texts(given: object, name: str) -> tuple[str, ...]:
    listed = (given,) if isinstance(given, str) else given
    if not isinstance(listed, list | tuple) or not listed or not all(isinstance(text, str) for text in listed):
        raise DataError(f"the texts of source '{name}' are one text or a list of them, but {given!r:.80} came.")
    texts = tuple(text for text in listed if text.strip())
    if not texts:
        raise DataError(f"source '{name}' has no text: {given!r:.80} came. Write one, or leave it out.")
    return texts


def _once(files: Files) -> Files:
    """Each source of a table once, in the order in which they come, with its first row; all of a list."""
    if files.column is None:
        return files
    first = {name: row for row, name in reversed(list(enumerate(files.names)))}
    rows = sorted(first.values())
    cells, names = [files.cells[n] for n in rows], [files.names[n] for n in rows]
    return replace(files, cells=cells, names=names, frame=files.frame.take(np.array(rows)))


def _placed(files: Files, table: Path | None) -> list[Described]:
    """The sources of files; a path of a table that is not there is looked for beside it."""
    listed, first = list(map(Described, files.names, files.cells)), files.cells[0]
    if files.column is None or table is None or not isinstance(first, Path) or first.exists():
        return listed
    base = _base(table.parent, files.names[0])
    return [one._replace(cell=base / one.name) for one in listed]


def _alone(sources: list[Described], origin: str) -> tuple[list[Described], Files]:
    """Sources of which nothing else is known."""
    cells, names = [one.cell for one in sources], [one.name for one in sources]
    return sources, Files(cells=cells, names=names, frame=Frame({}, origin))


def _base(folder: Path, name: str) -> Path:
    """The folder that names are relative to: this one, or one in it."""
    if (folder / name).exists() or not folder.is_dir():
        return folder
    inside = [one for one in sorted(folder.iterdir()) if one.is_dir() and (one / name).exists()]
    return inside[0] if inside else folder


def texts_in(folder: Path) -> Path:
    """The file with the texts of the sources in a folder; raises DataError unless there is exactly one."""
    endings = (*TABLE_SUFFIXES, *_NUMBERED_SUFFIXES)
    found = sorted(one for one in folder.iterdir() if one.suffix.lower() in endings and one.is_file())
    if len(found) != 1:
        names = ", ".join(one.name for one in found[:5]) or "none"
        raise DataError(
            f"`{folder}`: a folder of sources has one file with their texts, but these could be it: {names}. Give the "
            "path of that file."
        )
    return found[0]


def _is_told(folder: Path, where: Where) -> bool:
    """Whether a file in a folder tells of the sources below it."""
    files = files_in(folder)
    if any(map(where.medium.is_file, files)):
        return False
    told = is_folder_of_tables(folder, where.medium, where.table, where.column)
    return told or any(is_numbered(one, where.table) for one in files)


def is_numbered(path: Path, table: Table) -> bool:
    """Whether a file has lines of the name of a source, the number of a text, and the text."""
    if path.suffix.lower() not in _NUMBERED_SUFFIXES or not path.is_file():
        return False
    try:
        first = next((line for line in text_lines(path, table.encoding or "utf-8") if line.strip()), "")
    except DataError:
        return False  # whoever reads it as what it is says what is wrong
    return _NUMBERED.fullmatch(first.strip()) is not None


def _of_numbered(path: Path, table: Table) -> list[Described]:
    found: dict[str, list[str]] = {}
    for number, line in enumerate(text_lines(path, table.encoding or "utf-8"), start=1):
        if not line.strip():
            continue
        match = _NUMBERED.fullmatch(line.strip())
        if match is None:
            raise DataError(f"{path.name}, line {number} is {line[:60]!r}, but no 'name#0<TAB>text'. Correct it.")
        found.setdefault(match["name"], []).append(match["text"].strip())
    base = _base(path.parent, next(iter(found)))
    return [Described(name, base / name, tuple(texts)) for name, texts in found.items()]
