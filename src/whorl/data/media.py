"""Files of sound, pictures and videos: which ones a user means, and what is said of each."""

import os
from collections.abc import Callable, Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from whorl.codecs.codec import Codec, codecs
from whorl.codecs.frame import Frame
from whorl.data.cells import as_list, as_objects
from whorl.data.problems import plural
from whorl.data.sources import PARQUET_SUFFIXES, TABLE_SUFFIXES, read_table
from whorl.data.text_files import PLAIN_SUFFIXES, files_below, files_in
from whorl.data.text_reader import LABEL, several
from whorl.errors import ArgumentError, DataError, ModelFileError, ResourceError
from whorl.plans.media import Media, word_of
from whorl.plans.table import Kind, Table
from whorl.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Medium:
    """A kind of files: how they are opened, and what encodes what is in one.

    Args:
        plan: of which choices.
        plural: what several are called in messages.
        suffixes: how the names of its files end, in lower case.
        load: opens a file, under the limits of a plan; raises DataError for one that is damaged, or too large.
        codec: of a complete plan, not fitted yet.
        complete: a plan with what it leaves to the files of training, which are there.
        value: the types of what may stand in memory in place of a file.
        apart: takes an array apart that holds several; None where an array is always one.
        taken: what a plan reads of what stands in memory; None where that is all of it.
    """

    plan: type[Media]
    plural: str
    suffixes: tuple[str, ...]
    load: Callable[[Path, Any], Any]
    codec: Callable[[Any], Codec[Any]]
    complete: Callable[[Any, List[object]], Any]
    value: tuple[type, ...] = (np.ndarray,)
    apart: Callable[[np.ndarray], list[np.ndarray]] | None = None
    taken: Callable[[Any, Any], Any] | None = None

    @property
    def option(self) -> str:
        """What names the column of its files in a table, where a task has no setting of its own for it."""
        return f"`column` of whorl.{self.plan.__name__}(...)"

    def is_file(self, cell: object) -> bool:
        """Whether this is the name of such a file."""
        return isinstance(cell, str | os.PathLike) and Path(cell).suffix.lower() in self.suffixes

    def open(self, cell: object, plan: Media) -> Any:
        """What the codec encodes: what is read of a file, or of what stands in memory, a piece of a stream, too."""
        if not isinstance(cell, Path):
            return cell if self.taken is None else self.taken(cell, plan)
        try:
            _check_there(cell)
            return self.load(cell, plan)
        except OSError as error:
            raise unread(cell, error) from None

    def completed(self, plan: Media, cells: List[object]) -> Any:
        """A plan with what it leaves to the files of training; what is given in memory comes as it is."""
        try:
            for cell in cells:
                if isinstance(cell, Path):
                    _check_there(cell)
            return self.complete(plan, cells)
        except OSError as error:
            raise unread(error.filename, error) from None


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise DataError(f"`{path}` is no file. Correct the path; in a table it starts at the table's folder.")


def unread(path: object, error: OSError) -> ResourceError | DataError:
    """What says that a file is there, but cannot be read."""
    if isinstance(error, PermissionError):
        return ResourceError(f"`{path}` may not be read by this user. Change its permissions.")
    return DataError(f"`{path!s:.200}` cannot be read: {error.strerror or error}. Give another file.")


# By the word that wirings name them with, which is also that of their codec.
mediums: Registry[Medium] = Registry("medium")


def medium_for(plan: Media) -> Medium:
    """What the files are that a plan is of."""
    return mediums.get(word_of(plan))


def restored(plan: Media, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Codec[Any]:
    """The codec of files in a model file; raises ModelFileError unless it is that of their plan."""
    codec = codecs.get(word_of(plan)).restore(config, arrays)
    check_codec(codec, plan)
    return codec


def check_codec(codec: Codec[Any], plan: Media) -> None:
    """Raises ModelFileError unless a codec is one of a plan, which leaves nothing to the files of training."""
    medium = medium_for(plan)
    try:
        own = medium.codec(medium.completed(plan, []))
    except (ArgumentError, DataError) as error:
        raise ModelFileError(f"the reader of the model file is damaged: its plan has no codec. {error}") from None
    if type(codec) is not type(own) or not own.config().items() <= codec.config().items():
        raise ModelFileError("the reader of the model file is damaged: its codec is not that of its plan.")


@dataclass(frozen=True, kw_only=True)
class Files:
    """Examples of one medium.

    Args:
        cells: a path for each, or what stands in memory.
        names: what each is called.
        frame: what else is known of them, a row for each; a folder's subfolders are labels.
        column: of the frame that named the paths, or None.
    """

    cells: list[object]
    names: list[str]
    frame: Frame
    column: str | None = None

    def __len__(self) -> int:
        return len(self.cells)


def files_of(
    source: object,
    medium: Medium,
    *,
    column: str | None,
    targets: tuple[str, ...] = (LABEL,),
    table: Table,
    named: str = "",
) -> Files:
    """What a source holds of a medium.

    Args:
        source: a folder, whose subfolders are the labels of the files in them; one file; a table with a column of
            paths, which start at the table's folder; a list of paths, or of what stands in memory; or a pair of such a
            list and what is to be answered.
        medium: what is looked for.
        column: of the paths in a table; None finds it.
        targets: columns of what is answered; labels of folders stand in the first one.
        table: how tables are read.
        named: the setting that names the column, in messages; that of the medium's plan where it is empty.

    Raises:
        DataError: there is no such file, or the source is something else.
    """
    listed, given = source if isinstance(source, tuple) and len(source) == 2 else (source, None)
    if cells_of(listed, medium) is None:
        listed, given = source, None
    cells = cells_of(listed, medium)
    if cells is not None:
        columns = {}
        if given is not None:
            answers = read_table(dict(zip(targets, several(given, targets), strict=True)), table)
            if len(answers) != len(cells):
                raise DataError(
                    f"there are {len(cells)} {medium.plural}, but {plural(len(answers), 'answer')}. Give one for each."
                )
            columns = dict(answers.columns)
        names = [str(cell) if isinstance(cell, Path) else str(n) for n, cell in enumerate(cells)]
        return Files(cells=cells, names=names, frame=Frame(columns, f"the {medium.plural}"))
    if isinstance(source, str | os.PathLike) and Path(source).is_dir():
        if not is_folder_of_tables(source, medium, table, column):
            return _of_folder(Path(source), medium, targets[0])
        source = _one_of(Path(source), medium, table, column)
    if medium.is_file(source):
        return Files(cells=[Path(source)], names=[str(source)], frame=Frame({}, Path(source).name))  # type: ignore[arg-type]
    check_listed(source, medium)
    return _of_table(source, medium, column, table, named)


def check_listed(source: object, medium: Medium) -> None:
    """Says which entry of a list is no file of the medium, where the list is none of records."""
    listed = source[0] if isinstance(source, tuple) and len(source) == 2 and isinstance(source[0], list) else source
    if not isinstance(listed, list | tuple) or any(isinstance(one, Mapping) for one in listed):
        return
    wrong = next(
        (n for n, one in enumerate(listed) if not medium.is_file(one) and not isinstance(one, medium.value)), 0
    )
    came = f"entry {wrong} is {listed[wrong]!r:.80}" if listed else "the list is empty"
    raise DataError(
        f"a list of {medium.plural} has the names of files that end in {', '.join(medium.suffixes)}, or what would "
        f"stand in them, but {came}. Correct it."
    )


def _of_folder(folder: Path, medium: Medium, target: str) -> Files:
    """The files in a folder and below it; the first folder below it that a file lies in is its label."""
    paths = sorted(filter(medium.is_file, files_below(folder)))
    if not paths:
        raise DataError(
            f"`{folder}` has no {medium.plural}: none of its files ends in {', '.join(medium.suffixes)}. Give another "
            "folder."
        )
    inside = [path.relative_to(folder) for path in paths]
    labels = [own.parts[0] if len(own.parts) > 1 else None for own in inside]
    columns = {target: as_objects(labels)} if any(label is not None for label in labels) else {}
    return Files(
        cells=list(paths), names=[own.as_posix() for own in inside], frame=Frame(columns, f"{folder.name or folder}/")
    )


def _of_table(source: object, medium: Medium, column: str | None, table: Table, named: str) -> Files:
    kinds: dict[str, Kind] = {} if column is None else {column: "category"}
    frame = read_table(source, replace(table, kinds={**kinds, **table.kinds}))
    found = column_of(frame, medium, named) if column is None else column
    if found is None:
        raise DataError(
            f"{frame.origin} has no column of {medium.plural}: in none do all cells end in "
            f"{', '.join(medium.suffixes)}. Name the column of paths as {named or medium.option}."
        )
    cells = frame[found]
    lost = [n for n, cell in enumerate(cells.tolist()) if not isinstance(cell, str) or not cell]
    if lost:
        raise DataError(
            f"{frame.origin}: column '{found}', row {frame.rows[lost[0]]}: each row names a file, but none is named. "
            "Fill it in, or leave the row out."
        )
    is_path = isinstance(source, str | os.PathLike)
    base = Path(source) if is_path else Path()  # type: ignore[arg-type]
    base = base if not is_path or base.is_dir() else base.parent
    names = cells.tolist()
    return Files(cells=[base / name for name in names], names=names, frame=frame, column=found)


def column_of(frame: Frame, medium: Medium, named: str = "") -> str | None:
    """The column whose cells all name such files; None where there is none. `named` is as of `files_of`.

    Raises:
        DataError: there are several.
    """
    found = _columns_of(frame, medium)
    if len(found) > 1:
        raise DataError(
            f"{frame.origin} has several columns of {medium.plural}: {', '.join(map(repr, found))}. Name the one to "
            f"read as {named or medium.option}."
        )
    return next(iter(found), None)


def _columns_of(frame: Frame, medium: Medium) -> list[str]:
    """The columns whose cells all name such files."""
    found = []
    for name, cells in frame.columns.items():
        known = [cell for cell in cells.tolist() if cell is not None] if cells.dtype.kind == "O" else []
        if known and all(medium.is_file(cell) for cell in known):
            found.append(name)
    return found


def is_folder_of_tables(
    source: str | os.PathLike[str], medium: Medium, table: Table, column: str | None = None
) -> bool:
    """Whether a table in a folder tells of files, or a folder has tables and no files of the medium.

    Args:
        source: the folder.
        medium: what is looked for, in the folders below it too.
        table: how tables are read.
        column: of the paths in a table; None finds it.
    """
    folder = Path(source)
    tables = _tables_in(folder)
    if not tables or any(map(medium.is_file, files_in(folder))):
        return False
    named = any(_names_files(one, medium, table, column) for one in tables)
    # Texts and lists may lie beside the folders of labels: who wrote the data, or which files are for testing.
    return named or not any(map(medium.is_file, files_below(folder)))


def _tables_in(folder: Path) -> list[Path]:
    return [one for one in files_in(folder) if one.suffix.lower() in TABLE_SUFFIXES]


def _one_of(folder: Path, medium: Medium, table: Table, column: str | None) -> Path:
    """The table of a folder that tells of its files where others do not; the folder where they are read together."""
    tables = _tables_in(folder)
    named = [one for one in tables if _names_files(one, medium, table, column)]
    return named[0] if len(named) == 1 < len(tables) else folder


def _names_files(path: Path, medium: Medium, table: Table, column: str | None) -> bool:
    """Whether a table has a column of such files; one that cannot be read but has names of some says so itself."""
    try:
        if column is None and not may_name(path, medium.suffixes):
            return False
        frame = read_table(path, table)
    except (DataError, OSError):
        return path.suffix.lower() not in PLAIN_SUFFIXES
    if column is not None:
        return column in frame.columns
    # A list of files without a header is none that tells of them: its first line would be the name of the column.
    return any(not medium.is_file(name) for name in _columns_of(frame, medium))


def may_name(path: Path, suffixes: List[str]) -> bool:
    """Whether the beginning of a file of text has one of the endings, so that it is worth reading all of it."""
    if path.suffix.lower() in PARQUET_SUFFIXES:
        return True
    with path.open("rb") as file:
        beginning = file.read(1 << 16).replace(b"\0", b"").lower()
    return any(suffix.encode() in beginning for suffix in suffixes)


def told_by_table(source: object, medium: Medium, table: Table) -> object:
    """What tells of the files of a folder, for who asks what is to be answered: the one table beside them.

    That is the source itself where it is no folder, where its files lie in subfolders, which tell already, and where no
    table or more than one names the files.
    """
    if not isinstance(source, str | os.PathLike) or not str(source) or not Path(source).is_dir():
        return source
    folder = Path(source)
    if any(medium.is_file(path) and path.parent != folder for path in files_below(folder)):
        return source
    tables = [one for one in _tables_in(folder) if _names_files(one, medium, table, None)]
    return tables[0] if len(tables) == 1 else source


def cells_of(source: object, medium: Medium) -> list[object] | None:
    """A list of paths, or of what stands in memory; None where the source is something else."""
    if isinstance(source, medium.value) and not isinstance(source, np.ndarray):
        return [source]
    given = as_list(source)
    if isinstance(source, np.ndarray) and source.ndim > 1 and medium.apart is not None:
        given = list(medium.apart(source))
    if not given or not all(medium.is_file(cell) or isinstance(cell, medium.value) for cell in given):
        return None
    return [Path(cell) if medium.is_file(cell) else cell for cell in given]  # type: ignore[arg-type]
