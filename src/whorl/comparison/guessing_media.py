"""Which task files of sound, pictures or videos are for, by what is said of them."""

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from whorl.codecs.frame import Frame
from whorl.comparison.guess import Guess, are_labels, is_text
from whorl.comparison.question import Question
from whorl.data.columns import dismissal, guess_kind
from whorl.data.described import is_numbered, texts_in
from whorl.data.indicators import num_columns
from whorl.data.media import cells_of, column_of, mediums, told_by_table
from whorl.data.media_guess import medium_of
from whorl.data.sources import read_table
from whorl.data.text_files import files_below
from whorl.data.text_reader import LABEL
from whorl.data.values import column_of as column_of_values
from whorl.errors import DataError

# Files that are looked at.
_SOME = 20


def of_media(data: object, asked: Question) -> Guess | None:
    """By what is said of files of sound, pictures or videos; None where the data are something else."""
    path = Path(data) if isinstance(data, str | os.PathLike) and str(data) else None
    told = path
    if path is not None and path.is_dir():
        with contextlib.suppress(DataError):  # several tables, or none: files may be told by their folders
            told = texts_in(path)
    if told is not None and is_numbered(told, asked.table):
        return Guess(task="caption", because=f"lines of {told.name} have the name of a file and a text")
    # A folder with one table is what that table says, where its own files are not examples in subfolders.
    word = medium_of(data, asked.table)
    source = data
    if word is None and told is not path:
        word, source = medium_of(told, asked.table), told
    if word is None:
        return None
    medium = mediums.get(word)
    if source is data:
        source = told_by_table(data, medium, asked.table)
    if path is not None and path.is_dir() and source is data:
        beside = word == "audio" and _have_texts_beside(path, word)
        because = f"the folder has {medium.plural}, {'each with its text beside it' if beside else 'one an example'}"
        return Guess(task="transcribe" if beside else "classify", because=because)
    if isinstance(source, tuple) and len(source) == 2 and cells_of(source, medium) is None:
        return _of_answers(source[1], word)
    is_table = isinstance(source, str | os.PathLike | list | Mapping) or hasattr(source, "columns")
    if medium.is_file(source) or not is_table:
        return Guess(task="classify", because=f"the data name {medium.plural}, one an example")
    return _beside_files(source, word, asked)


def _of_answers(y: object, word: str) -> Guess:
    """By what stands beside a list of files: texts, labels or numbers, one or several for each."""
    plural, count = mediums.get(word).plural, num_columns(y)
    listed = list(y) if isinstance(y, Iterable) else []
    # Several texts of one file may be the same; numbers of one file may be, too, and are counted.
    cells = [cell for one in listed for cell in (set(one) if _is_texts(one) else np.ravel(one).tolist())]
    column = column_of_values(cells, "y", f"the {plural}", frozenset())
    if column.dtype.kind == "O" and is_text(column):
        return Guess(task="transcribe" if word == "audio" else "caption", because=f"{plural} came with a text for each")
    if count > 1 and column.dtype.kind == "f":
        labels = bool(np.isin(column[np.isfinite(column)], (0.0, 1.0)).all())
        told = f"{count} {'targets of 1 and 0' if labels else 'numbers'}"
    else:
        labels = are_labels(column)
        told = f"a {'label' if labels else 'number'}"
    return Guess(task="classify" if labels else "regress", because=f"{plural} came with {told} for each")


def _is_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _beside_files(source: object, word: str, asked: Question) -> Guess:
    """By the columns of a table that stand beside that of its files; lists of paths have none."""
    plural = mediums.get(word).plural
    listed = isinstance(source, list) and not isinstance(source[0], Mapping)
    frame = Frame({}, f"the list of {plural}") if listed else read_table(source, asked.table)
    files = column_of(frame, mediums.get(word))
    others = [name for name in frame.columns if name not in (files, asked.group)]
    named = asked.targets or ((LABEL,) if LABEL in others else _telling(frame, others, asked))
    texts = [name for name in named if name != files and frame[name].dtype.kind == "O" and is_text(frame[name])]
    if texts and (asked.targets or named != (LABEL,)):
        task = "transcribe" if word == "audio" else "caption"
        because = f"column '{texts[0]}' has a text about each of the {plural}"
        return Guess(task=task, because=because, roles={"target": texts[0]})
    roles = {} if asked.targets or not named else {"target": named[0] if len(named) == 1 else named}
    if named and all(frame[name].dtype.kind == "f" and not are_labels(frame[name]) for name in named):
        because = f"column '{named[0]}' has a number for each of the {plural}"
        return Guess(task="regress", because=because, roles=roles)
    if len(named) == 1 and named != (LABEL,):
        because = f"column '{named[0]}' has a label for each of the {plural}"
        return Guess(task="classify", because=because, roles=roles)
    return Guess(task="classify", because=f"the data name {plural}, one an example")


def _telling(frame: Frame, others: Sequence[str], asked: Question) -> tuple[str, ...]:
    """The columns that may say what is to be answered, where nobody does; a text is one, and others hardly beside it.

    Numbers of rows and names of each file, as columns of tables that no model reads, say nothing.
    """
    texts = [name for name in others if frame[name].dtype.kind == "O" and is_text(frame[name])]
    kinds = {name: asked.table.kinds.get(name) or guess_kind(frame[name]) for name in others}
    telling = [name for name in others if not dismissal(frame, name, kinds[name], named=name in asked.table.kinds)]
    return tuple(texts or telling)


def _have_texts_beside(folder: Path, word: str) -> bool:
    """Whether a file of text lies beside each file of a medium, under its name."""
    medium = mediums.get(word)
    some = list(islice(filter(medium.is_file, files_below(folder)), _SOME))
    return bool(some) and all(path.with_suffix(".txt").is_file() for path in some)
