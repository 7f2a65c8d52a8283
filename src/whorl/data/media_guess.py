"""Whether data are files of sound, pictures or videos, where nobody says so."""

import os
from pathlib import Path

import numpy as np

from whorl.data import sounds  # noqa: F401  registers its medium
from whorl.data.media import Medium, cells_of, column_of, hidden_left_out, is_folder_of_tables, mediums
from whorl.data.sources import TABLE_SUFFIXES, read_table
from whorl.errors import DataError
from whorl.plans.table import Table


def medium_of(data: object, table: Table) -> str | None:
    """The word of the medium that data are made of, where they are; None where they are something else.

    A folder is one of a medium where its files, or those in its subfolders, are; a table where it has a column of such
    paths.
    """
    source = data[0] if isinstance(data, tuple) and len(data) == 2 else data
    for word in mediums:
        medium = mediums.get(word)
        if medium.is_file(source):
            return word
        if isinstance(source, str | os.PathLike):
            path = Path(source)
            if path.is_dir() and not is_folder_of_tables(path, medium) and _has_files(path, medium):
                return word
        elif (cells := cells_of(source, medium)) is not None and isinstance(cells[0], Path):
            return word
    if isinstance(source, str | os.PathLike) and Path(source).suffix.lower() not in TABLE_SUFFIXES:
        return None
    if isinstance(source, str | os.PathLike) and not Path(source).is_file():
        return None
    return _named_in_table(source, table)


def _named_in_table(source: object, table: Table) -> str | None:
    if isinstance(source, np.ndarray):
        return None
    if isinstance(source, list | tuple) and not (source and isinstance(source[0], dict)):
        return None
    try:
        frame = read_table(source, table)
    except DataError:
        return None  # whoever reads it as what it is says what is wrong
    return next((word for word in mediums if column_of(frame, mediums.get(word)) is not None), None)


def _has_files(folder: Path, medium: Medium) -> bool:
    return any(
        medium.is_file(name) for _, folders, names in os.walk(folder) if not hidden_left_out(folders) for name in names
    )
