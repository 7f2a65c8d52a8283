"""Parallel text: pairs of a source and a target, from aligned files or from two columns of a table."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.problems import name_rows
from whorl.data.sources import TABLE_SUFFIXES, read_table
from whorl.data.text_files import files_in, is_folder, text_lines
from whorl.errors import ArgumentError, DataError
from whorl.plans.table import Table


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two texts that belong together, and where they stood.

    Args:
        source: what is read.
        target: what is to be written.
        origin: name of the file, or of both.
        row: line of the files, or row of the table as the user counts it.
    """

    source: str
    target: str
    origin: str
    row: int


def read_pairs(
    data: object,
    *,
    source: str = "source",
    target: str = "target",
    encoding: str | None = None,
    table: Table | None = None,
) -> list[Pair]:
    """Reads pairs of texts.

    Args:
        data: two paths `(source, target)` of files of which equal lines belong together; a folder of such files,
            which differ in their ending (train.en, train.de); or a table with a column for each, whatever
            `read_table` takes. Lines that are blank in both files are left out.
        source: column of the table, or ending of the files in a folder.
        target: the same for the target.
        encoding: of the bytes; None is utf-8 for files of lines, and what `table` says for tables.
        table: how the cells of a table are read; the default takes every word at its word, '-' and 'None' too.

    Raises:
        DataError: naming file and line or row; with both counts where files differ in length.
    """
    if source == target:
        raise ArgumentError(f"`source` and `target` must differ, but both are {source!r}. Name two columns or endings.")
    match data:
        case (str() | os.PathLike(), str() | os.PathLike()):
            return list(_aligned(_file(data[0]), _file(data[1]), encoding or "utf-8"))
        case str() | os.PathLike() if str(data) and is_folder(Path(data)):
            found = _files_of_both(Path(data), source, target)
            if found:
                return [pair for one, other in found for pair in _aligned(one, other, encoding or "utf-8")]
    table = table or Table(missing=())
    kinds = {**table.kinds, source: "category", target: "category"}
    frame = read_table(data, replace(table, kinds=kinds, encoding=encoding or table.encoding))
    return _of_table(frame, source, target)


def _file(source: str | os.PathLike[str]) -> Path:
    path = Path(source)
    if is_folder(path):
        raise DataError(f"`{path}` is a folder, but a pair of paths names two files. Give one folder, or two files.")
    return path


def _files_of_both(folder: Path, source: str, target: str) -> list[tuple[Path, Path]]:
    """Returns files that differ in their ending, in name order; none where the folder holds tables."""
    names = [path.name for path in files_in(folder)]
    ends = [f".{end.removeprefix('.')}" for end in (source, target)]
    stems = [[name.removesuffix(end) for name in names if name.endswith(end)] for end in ends]
    if not any(stems):
        endings = sorted({Path(name).suffix for name in names} - {""})
        if any(ending.lower() in TABLE_SUFFIXES for ending in endings):
            return []
        raise DataError(
            f"`{folder}` has no files that end in {ends[0]} and {ends[1]}; its endings are "
            f"{', '.join(endings[:8]) or 'none'}. Name two of them with `source` and `target`."
        )
    for own, others, end in ((stems[0], stems[1], ends[1]), (stems[1], stems[0], ends[0])):
        for stem in own:
            if stem not in others:
                raise DataError(
                    f"`{folder}`: every file has a partner with the other ending, but {stem}{end} is not there. "
                    "Add it, or move its partner away."
                )
    return [(folder / f"{stem}{ends[0]}", folder / f"{stem}{ends[1]}") for stem in stems[0]]


def _aligned(one: Path, other: Path, encoding: str) -> Iterator[Pair]:
    sources, targets = text_lines(one, encoding), text_lines(other, encoding)
    if len(sources) != len(targets):
        raise DataError(
            f"{one.name} has {len(sources)} lines, but {other.name} has {len(targets)}; equal lines of parallel files "
            "belong together. Give files of the same length."
        )
    count = 0
    for row, (text, answer) in enumerate(zip(map(str.strip, sources), map(str.strip, targets), strict=True), 1):
        if text and answer:
            count += 1
            yield Pair(source=text, target=answer, origin=f"{one.name}, {other.name}", row=row)
        elif text or answer:
            blank, full = (other, one) if text else (one, other)
            raise DataError(
                f"{blank.name}, line {row} is blank, but the same line of {full.name} is not. Fill it, or drop the "
                "line from both files."
            )
    if not count:
        raise DataError(f"{one.name} and {other.name} have no text. Give files with a text on each line.")


def _of_table(frame: Frame, source: str, target: str) -> list[Pair]:
    columns = []
    for name in (source, target):
        cells = frame[name].tolist()
        for i, cell in enumerate(cells):
            if cell is None:
                row = name_rows(frame, np.array([i]))
                raise DataError(
                    f"{frame.origin}, {row}: column '{name}' is empty, but a pair needs both texts. Fill it, or drop "
                    "the row."
                )
        columns.append(cells)
    files = frame.columns["file"].tolist() if frame.origin.endswith("/") and "file" in frame.columns else None
    return [
        Pair(source=text, target=answer, origin=files[i] if files else frame.origin, row=row)
        for i, (text, answer, row) in enumerate(zip(*columns, frame.rows.tolist(), strict=True))
    ]
