"""Which task data are for, where nobody says it: by what kind of file they are, and by the roles that are named."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from whorl.codecs.frame import Frame
from whorl.comparison.guess import Guess, are_labels
from whorl.comparison.guessing_media import of_media
from whorl.comparison.guessing_tables import of_table
from whorl.comparison.question import Question
from whorl.data.arrays import Arrays, read_arrays
from whorl.data.cells import is_number
from whorl.data.csv_text import detect_delimiter
from whorl.data.json_lines import JSON_SUFFIXES, json_values
from whorl.data.scores import is_music
from whorl.data.sources import TABLE_SUFFIXES, read_table
from whorl.data.tagged import TAGGED_SUFFIXES
from whorl.data.text_files import PLAIN_SUFFIXES, files_in, is_folder, read_text

# Of files of words with tags, and of tables, those that are nothing else.
_SENTENCES = set(TAGGED_SUFFIXES) - set(TABLE_SUFFIXES)
_TABLES = set(TABLE_SUFFIXES) - set(PLAIN_SUFFIXES)
# Lines of a file that are looked at.
_LINES = 20
# A short text is a summary of a long one where it has at most so many of its words.
_SUMMARY = 1 / 3


def guess_task(data: object, asked: Question) -> Guess:
    """The task of data.

    Args:
        data: what `fit` of some task takes.
        asked: roles of columns that were named; they tell most.

    Raises:
        DataError: the data cannot be read, or a column is not there.
    """
    if asked.label is not None or asked.normal is not None:
        by = f"label '{asked.normal}' says" if asked.label is None else f"column '{asked.label}' says"
        return Guess(task="detect", because=f"{by} which rows are anomalies")
    if asked.source is not None:
        return _of_pair(data, asked)
    if isinstance(data, str | os.PathLike) and is_music(data):
        return Guess(task="generate", because="it is music")
    of_files = of_media(data, asked) if asked.text is None and asked.series is None else None
    if of_files is not None:
        return of_files
    found = _of_path(Path(data), asked) if isinstance(data, str | os.PathLike) and str(data) else _of_values(data)
    return found or of_table(_frame(data, asked), asked)


def _of_path(path: Path, asked: Question) -> Guess | None:
    """By the kind of a file; None where it is a table."""
    columns = bool(asked.targets or asked.time or asked.series or asked.text)
    encoding = asked.table.encoding or "utf-8"
    if is_folder(path):
        endings = {one.suffix.lower() for one in files_in(path)}
        if endings & _SENTENCES:
            return Guess(task="tag", because="the folder has files of words and their tags")
        plain = endings & set(PLAIN_SUFFIXES) and not endings & _TABLES and not columns
        if plain and not _has_numbers(next(read_text(path, encoding=encoding))):
            return Guess(task="generate", because="the folder has files of text")
        return None
    ending = path.suffix.lower()
    if ending in _SENTENCES:
        return Guess(task="tag", because=f"{path.name} has words and their tags")
    arrays = read_arrays(path, labelled=not columns)
    if arrays is not None:
        return _of_arrays(arrays)
    if columns:
        return None
    if ending in JSON_SUFFIXES:
        first = next((value for _, value in json_values(path, encoding)), None)
        turns = isinstance(first, list) or (isinstance(first, Mapping) and isinstance(first.get("turns"), list))
        return Guess(task="chat", because=f"each line of {path.name} is a list of turns") if turns else None
    if ending in PLAIN_SUFFIXES and not _has_numbers(next(read_text(path, encoding=encoding))):
        return Guess(task="generate", because=f"{path.name} is text")
    return None


def _has_numbers(text: str) -> bool:
    """Whether lines after the first are cells, half of them numbers."""
    mark = detect_delimiter(text) if text.strip() else ","
    lines = [line for line in islice(text.split("\n"), 1, _LINES) if line.strip()]
    cells = [cell.strip() for line in lines for cell in (line.split() if mark == " " else line.split(mark))]
    return bool(cells) and sum(map(is_number, cells)) >= len(cells) / 2


def _of_values(data: object) -> Guess | None:
    """By what a value of Python is; None where it is a table."""
    if isinstance(data, tuple) and len(data) == 2:
        if all(isinstance(one, str | os.PathLike) for one in data):
            return Guess(task="translate", because="two files were given, of which equal lines belong together")
        if _is_texts(data[0]):
            return _of_texts(list(data[0]), data[1])
        if _is_words(data[0]):
            return Guess(task="tag", because="lists of words came with lists of tags")
    if _is_texts(data):
        return Guess(task="generate", because="a list of texts was given")
    if _is_words(data):
        return Guess(task="chat", because="a list of lists of turns was given")
    if isinstance(data, np.ndarray) and data.ndim in (1, 2):
        return Guess(task="forecast", because="an array of rows was given, without targets")
    arrays = read_arrays(data)
    return None if arrays is None else _of_arrays(arrays)


def _is_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(one, str) for one in value)


def _is_words(value: object) -> bool:
    """Lists of words or of turns, or objects with a list of turns."""
    if not isinstance(value, list | tuple) or not value:
        return False
    turns = [one.get("turns") if isinstance(one, Mapping) else one for one in value]
    return all(isinstance(one, list | tuple) for one in turns) and any(map(_is_texts, turns))


def _of_texts(texts: list[str], others: object) -> Guess:
    """Texts with labels, or with other texts."""
    given = list(others) if isinstance(others, list | tuple | np.ndarray) else []
    if _is_texts(given) and 2 * len(set(given)) > len(given):
        return Guess(task=_writes(texts, given), because="texts came with a text of its own for each")
    return Guess(task="classify", because="texts came with labels", roles={"text": "text"})


def _of_arrays(arrays: Arrays) -> Guess:
    """By the targets of arrays."""
    y = arrays.y
    if y is None:
        return Guess(task="forecast", because=f"{arrays.origin} has sequences without targets")
    every_step = isinstance(y, list) or y.ndim == 3
    flat = np.concatenate([np.asarray(part).ravel() for part in y]) if isinstance(y, list) else y.ravel()
    if not isinstance(y, list) and y.ndim == 2:
        every_step = y.shape[1] == len(arrays.x[0]) and len(set(arrays.lengths.tolist())) == 1
        several = not every_step and y.dtype.kind == "f" and bool(np.isin(flat[np.isfinite(flat)], (0.0, 1.0)).all())
        if several:
            return Guess(task="classify", because=f"{arrays.origin} has {y.shape[1]} targets of 1 and 0 a sequence")
    labels = are_labels(flat)
    if every_step:
        return Guess(
            task="tag" if labels else "regress",
            because=f"{arrays.origin} has a {'label' if labels else 'number'} for each step",
            roles={} if labels else {"every_step": True},
        )
    return Guess(
        task="classify" if labels else "regress",
        because=f"{arrays.origin} has a {'label' if labels else 'number'} for each sequence",
    )


def _of_pair(data: object, asked: Question) -> Guess:
    """Translation or summary, where a text is read and another one written."""
    because = f"'{asked.source}' is read and another text written"
    if len(asked.targets) != 1 or isinstance(data, tuple):
        return Guess(task="translate", because=because)
    from whorl.data.pair_reader import pairs_of

    assert asked.source is not None
    sources, targets = pairs_of(data, (asked.source, asked.targets[0]), replace(asked.table, missing=()))
    return Guess(task=_writes(sources, targets), because=because)


def _writes(sources: Sequence[str], targets: Sequence[str]) -> str:
    words = [np.median([len(text.split()) for text in texts]) for texts in (sources, targets)]
    return "summarize" if words[1] <= _SUMMARY * words[0] else "translate"


def _frame(data: object, asked: Question) -> Frame:
    table = asked.table
    if asked.series is not None:  # '007' and '7' are two series
        table = replace(table, kinds={asked.series: "category", **table.kinds})
    return read_table(data, table)
