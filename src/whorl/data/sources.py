"""Whatever a user calls a table, to one frame: files, folders, dataframes, records, columns."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.cells import as_objects, spell
from whorl.data.convert import convert
from whorl.data.csv_source import read_csv
from whorl.data.dataframes import frame_of_arrow, frame_of_pandas, is_pandas, read_parquet
from whorl.data.json_lines import JSON_SUFFIXES, read_json_lines
from whorl.data.problems import Report, refuse
from whorl.data.values import ArrowStream, frame_of_columns, frame_of_records, names_of
from whorl.errors import DataError, ResourceError
from whorl.plans.table import Table

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".tab")
PARQUET_SUFFIXES = (".parquet", ".pq")
TABLE_SUFFIXES = TEXT_SUFFIXES + PARQUET_SUFFIXES + JSON_SUFFIXES


def read_table(source: object, table: Table | None = None, *, report: Report = refuse) -> Frame:
    """Reads any kind of table.

    Columns whose cells are all numbers become float64; timestamps of typed sources, and columns that `table.kinds`
    calls 'time', become datetime64[us]; every other column holds text. A column that `table.kinds` calls 'category'
    keeps its spelling ('007'). A repeated call reads again: nothing is cached.

    Args:
        source: path of a CSV, TSV, TXT, Parquet or JSON lines file or of a folder of them (concatenated; a column
            `file` is added), a polars, pandas or pyarrow frame, a list of dicts, a dict of columns, or a `Frame`.
        table: how cells are read; the default repairs nothing.
        report: what happens to a problem in the cells; the default raises it.

    Raises:
        DataError: naming file, row and column.
    """
    table = table or Table()
    frame = _read(source, table)
    if not frame.columns or not len(frame):
        raise DataError(f"{frame.origin} has no rows of data. Give a table with at least one row.")
    kinds = {name: kind for name, kind in table.kinds.items() if name in frame.columns and kind != "ignore"}
    if not kinds:
        return frame
    return frame.with_columns({name: convert(frame, name, kind, table, report) for name, kind in kinds.items()})


def _read(source: object, table: Table) -> Frame:
    missing, names = frozenset(table.missing), names_of(table)
    match source:
        case Frame():
            return source
        case str() if not source:
            raise DataError("the path of the data is empty. Give the path of a table.")
        case str() | os.PathLike():
            return _read_path(Path(source), table)
        case _ if is_pandas(source):
            return frame_of_pandas(source, missing, names)
        case ArrowStream():
            return frame_of_arrow(source, missing, names)
        case Mapping():
            return frame_of_columns(source, "columns", missing, names)
        case list() | tuple() if source and isinstance(source[0], Mapping):
            return frame_of_records(source, "records", missing, names)
        case list() | tuple() if not source:
            raise DataError("The list of records is empty. Give a table with at least one row.")
        case _:
            raise DataError(
                f"A {type(source).__name__} is not a table. Give a path, a polars, pandas or pyarrow frame, "
                "a list of dicts, or a dict of columns."
            )


def _read_path(path: Path, table: Table) -> Frame:
    try:
        return _read_folder(path, table) if path.is_dir() else _read_file(path, table)
    except PermissionError:
        raise ResourceError(f"`{path}` may not be read by this user. Change its permissions.") from None
    except OSError as error:
        shown = str(path) if len(str(path)) <= 80 else f"{str(path)[:77]}..."
        raise DataError(f"`{shown}` cannot be read: {error.strerror or error}. Give the path of a table.") from None


def _read_file(path: Path, table: Table) -> Frame:
    if "\0" in str(path):
        raise DataError(f"`{path}` is not a path: it has a NUL character. Give the path of a file.")
    if path.suffix.lower() in PARQUET_SUFFIXES:
        return read_parquet(path, frozenset(table.missing), names_of(table))
    if path.suffix.lower() in JSON_SUFFIXES:
        return read_json_lines(path, table)
    return read_csv(path, table)


def _read_folder(folder: Path, table: Table) -> Frame:
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in TABLE_SUFFIXES and path.is_file())
    if not paths:
        raise DataError(
            f"`{folder}` has no tables: none of its files ends in {', '.join(TABLE_SUFFIXES)}. Give another folder."
        )
    frames = [_read_file(path, table) for path in paths]
    names = list(frames[0].columns)
    for path, frame in zip(paths, frames, strict=True):
        if set(frame.columns) != set(names):
            odd = sorted(set(frame.columns) ^ set(names))
            raise DataError(
                f"`{folder}`: the files of a folder have the same columns, but {path.name} and {paths[0].name} differ "
                f"in {', '.join(map(repr, odd[:5]))}. Rename the columns, or move the file away."
            )
    if "file" in names:
        raise DataError(f"`{folder}`: a column 'file' is added to a folder's tables, but they have one. Rename it.")
    columns = {name: _concatenate([frame[name] for frame in frames]) for name in names}
    labels = [[path.name] * len(frame) for path, frame in zip(paths, frames, strict=True)]
    columns["file"] = as_objects([label for part in labels for label in part])
    return Frame(columns, f"{folder.name}/", np.concatenate([frame.rows for frame in frames]))


def _concatenate(parts: list[np.ndarray]) -> np.ndarray:
    kinds = {part.dtype.kind for part in parts}
    if kinds == {"f", "O"}:  # text in one file's cells makes the column text
        parts = [spell(part) if part.dtype.kind == "f" else part for part in parts]
    elif len(kinds) > 1:
        parts = [part if part.dtype.kind == "O" else as_objects([str(cell) for cell in part]) for part in parts]
    return np.concatenate(parts)
