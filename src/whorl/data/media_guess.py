"""Whether data are files of sound, pictures or videos, where nobody says so."""

import os
from pathlib import Path

import numpy as np

from whorl.data import features, pictures, sounds, videos  # noqa: F401  register their media
from whorl.data.cells import as_list
from whorl.data.media import Medium, cells_of, check_listed, column_of, is_folder_of_tables, may_name, mediums
from whorl.data.sources import TABLE_SUFFIXES, read_table
from whorl.data.text_files import PLAIN_SUFFIXES, files_below, files_in, is_folder
from whorl.errors import DataError
from whorl.plans.table import Table


def medium_of(data: object, table: Table, named: str = "") -> str | None:
    """The word of the medium that data are made of, where they are; None where they are something else.

    A folder is one of a medium where its files, or those in its subfolders, are; a table where it has a column of such
    paths. `named` is the setting that names that column, in messages; that of the medium's plan where it is empty.

    Raises:
        DataError: a folder has files of several.
    """
    source = data[0] if isinstance(data, tuple) and len(data) == 2 else data
    try:
        return _listed_or_lying_there(source, table) or _named_in_table(source, table, named)
    except OSError:
        return None  # no path at all, or none that may be read: whoever reads it says so


def check_readable(source: object, table: Table) -> None:
    """Raises DataError for what keeps a path, a table or a list of paths from being seen as files of a medium."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        endings = set(TABLE_SUFFIXES)
        if is_folder(path):
            endings -= set(PLAIN_SUFFIXES)  # a README is no table
        for one in files_in(path) if path.is_dir() else [path]:
            if one.suffix.lower() in endings:
                read_table(one, table)
        return
    listed = as_list(source) or []
    medium = next((own for own in map(mediums.get, mediums) if any(map(own.is_file, listed))), None)
    if medium is not None:
        check_listed(source, medium)


def _listed_or_lying_there(source: object, table: Table) -> str | None:
    """The word of the medium that a list, a file or a folder is of."""
    if isinstance(source, str | os.PathLike) and Path(source).is_dir():
        return _lying_in(Path(source), table)
    for word in mediums:
        medium = mediums.get(word)
        if medium.is_file(source):
            return word
        if (cells := cells_of(source, medium)) is not None and isinstance(cells[0], Path):
            return word
    return None


def _lying_in(folder: Path, table: Table) -> str | None:
    """The word of the medium that most files in a folder are of; raises DataError where others are half as many."""
    paths = list(files_below(folder))
    counts = {word: sum(map(mediums.get(word).is_file, paths)) for word in mediums}
    found = [
        word
        for word in sorted(mediums, key=counts.__getitem__, reverse=True)
        if counts[word]
        and not is_folder_of_tables(folder, mediums.get(word), table)
        and _has_files(folder, mediums.get(word))
    ]
    if len(found) > 1 and 2 * counts[found[1]] >= counts[found[0]]:
        told = " and ".join(f"{counts[word]:,} {mediums.get(word).plural}" for word in found[:2])
        plans = " or ".join(f"whorl.{mediums.get(word).plan.__name__}()" for word in found[:2])
        raise DataError(
            f"`{folder}` has {told}, so that it is not clear which are meant. Say it with {plans} as `tokens` or "
            "`media`, or give a folder of one kind."
        )
    return next(iter(found), None)


def _named_in_table(source: object, table: Table, named: str) -> str | None:
    """The word of the medium that a column of a table names files of."""
    if isinstance(source, str | os.PathLike) and Path(source).suffix.lower() not in TABLE_SUFFIXES:
        return None
    suffixes = [suffix for word in mediums for suffix in mediums.get(word).suffixes]
    if isinstance(source, str | os.PathLike) and not may_name(Path(source), suffixes):
        return None
    if isinstance(source, np.ndarray):
        return None
    if isinstance(source, list | tuple) and not (source and isinstance(source[0], dict)):
        return None
    try:
        frame = read_table(source, table)
    except DataError:
        return None  # whoever reads it as what it is says what is wrong
    return next((word for word in mediums if column_of(frame, mediums.get(word), named) is not None), None)


def _has_files(folder: Path, medium: Medium) -> bool:
    """Whether a folder has files, and not just a few about the tables that lie in it, such as plots in a folder."""
    found = (path.relative_to(folder).parts for path in files_below(folder) if medium.is_file(path))
    if not any(one.suffix.lower() in set(TABLE_SUFFIXES) - set(PLAIN_SUFFIXES) for one in files_in(folder)):
        return any(found)
    labels = {parts[:-1][:1] for parts in found}
    return () in labels or len(labels) > 1
