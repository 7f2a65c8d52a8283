"""Which task files of sound, pictures or videos are for, by what is said of them."""

import contextlib
import os
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from whorl.codecs.frame import Frame
from whorl.comparison.guess import Guess, are_labels, is_text
from whorl.comparison.question import Question
from whorl.data.described import is_numbered, texts_in
from whorl.data.media import column_of, mediums
from whorl.data.media_guess import medium_of
from whorl.data.sources import read_table
from whorl.data.text_reader import LABEL
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
    plural = mediums.get(word).plural
    if path is not None and path.is_dir() and source is data:
        beside = word == "audio" and _have_texts_beside(path, word)
        because = f"the folder has {plural}, {'each with its text beside it' if beside else 'one an example'}"
        return Guess(task="transcribe" if beside else "classify", because=because)
    is_table = isinstance(source, str | os.PathLike | list | Mapping) or hasattr(source, "columns")
    if mediums.get(word).is_file(source) or not is_table:
        return Guess(task="classify", because=f"the data name {plural}, one an example")
    return _beside_files(source, word, asked)


def _beside_files(source: object, word: str, asked: Question) -> Guess:
    """By the columns of a table that stand beside that of its files; lists of paths have none."""
    plural = mediums.get(word).plural
    listed = isinstance(source, list) and not isinstance(source[0], Mapping)
    frame = Frame({}, f"the list of {plural}") if listed else read_table(source, asked.table)
    named = asked.targets or tuple(name for name in frame.columns if name != LABEL)
    files = column_of(frame, mediums.get(word))
    texts = [name for name in named if name != files and frame[name].dtype.kind == "O" and is_text(frame[name])]
    if texts and (asked.targets or LABEL not in frame.columns):
        task = "transcribe" if word == "audio" else "caption"
        because = f"column '{texts[0]}' has a text about each of the {plural}"
        return Guess(task=task, because=because, roles={"target": texts[0]})
    if asked.targets and all(frame[name].dtype.kind == "f" and not are_labels(frame[name]) for name in asked.targets):
        return Guess(task="regress", because=f"column '{asked.targets[0]}' has a number for each of the {plural}")
    return Guess(task="classify", because=f"the data name {plural}, one an example")


def _have_texts_beside(folder: Path, word: str) -> bool:
    """Whether a file of text lies beside each file of a medium, under its name."""
    medium = mediums.get(word)
    files = (Path(at) / name for at, _, names in os.walk(folder) for name in names if medium.is_file(name))
    some = list(islice(files, _SOME))
    return bool(some) and all(path.with_suffix(".txt").is_file() for path in some)
