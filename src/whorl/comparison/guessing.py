"""Which task data are for, where nobody says it: by what kind of file they are, and by the roles that are named."""

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np

from whorl.codecs.frame import Frame
from whorl.comparison.question import Question
from whorl.data.arrays import Arrays, read_arrays
from whorl.data.cells import is_number
from whorl.data.columns import guess_kind
from whorl.data.csv_text import detect_delimiter
from whorl.data.described import is_numbered, texts_in
from whorl.data.json_lines import JSON_SUFFIXES, json_values
from whorl.data.labels import whole
from whorl.data.media import column_of, mediums
from whorl.data.media_guess import medium_of
from whorl.data.scores import is_music
from whorl.data.sources import TABLE_SUFFIXES, read_table
from whorl.data.tagged import TAGGED_SUFFIXES
from whorl.data.text_files import PLAIN_SUFFIXES, files_in, is_folder, read_text
from whorl.data.text_reader import LABEL
from whorl.errors import DataError

# Of files of words with tags, and of tables, those that are nothing else.
_SENTENCES = set(TAGGED_SUFFIXES) - set(TABLE_SUFFIXES)
_TABLES = set(TABLE_SUFFIXES) - set(PLAIN_SUFFIXES)
# Words of a cell from which on a column is text rather than a category, and lines that are looked at.
_TEXT_WORDS, _LINES = 3, 20
# A short text is a summary of a long one where it has at most so many of its words.
_SUMMARY = 1 / 3
# What columns of logs of events are called, with or without "id" behind it.
_USERS, _ITEMS = ("user", "customer", "session", "visitor"), ("item", "product", "article", "movie", "track", "song")
_TIMES = ("time", "timestamp", "date")


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A task, and what it was told by.

    Args:
        task: its word on the command line.
        because: what was seen.
        roles: columns that were found, as fields of the task.
    """

    task: str
    because: str
    roles: Mapping[str, object] = field(default_factory=dict)


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
    of_media = _of_media(data, asked) if asked.text is None and asked.series is None else None
    if of_media is not None:
        return of_media
    found = _of_path(Path(data), asked) if isinstance(data, str | os.PathLike) and str(data) else _of_values(data)
    return found or _of_table(_frame(data, asked), asked)


def _of_media(data: object, asked: Question) -> Guess | None:
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
    texts = [name for name in named if name != files and frame[name].dtype.kind == "O" and _is_text(frame[name])]
    if texts and (asked.targets or LABEL not in frame.columns):
        task = "transcribe" if word == "audio" else "caption"
        because = f"column '{texts[0]}' has a text about each of the {plural}"
        return Guess(task=task, because=because, roles={"target": texts[0]})
    if asked.targets and all(frame[name].dtype.kind == "f" and not _are_labels(frame[name]) for name in asked.targets):
        return Guess(task="regress", because=f"column '{asked.targets[0]}' has a number for each of the {plural}")
    return Guess(task="classify", because=f"the data name {plural}, one an example")


def _have_texts_beside(folder: Path, word: str) -> bool:
    """Whether a file of text lies beside each file of a medium, under its name."""
    medium = mediums.get(word)
    files = (Path(at) / name for at, _, names in os.walk(folder) for name in names if medium.is_file(name))
    some = list(islice(files, _LINES))
    return bool(some) and all(path.with_suffix(".txt").is_file() for path in some)


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
    labels = _are_labels(flat)
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


def _are_labels(values: np.ndarray) -> bool:
    """Whether values are text, or whole numbers that come twice or more on average."""
    if values.dtype.kind == "O":
        present = [value for value in values.tolist() if value is not None]
        return any(isinstance(value, str) and not is_number(value) for value in present) or (
            bool(present) and _are_labels(np.array(present, np.float64))
        )
    known = values[np.isfinite(values)]
    return bool(len(known)) and whole(known).dtype.kind == "i" and 2 * len(np.unique(known)) <= len(known)


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


def _of_table(frame: Frame, asked: Question) -> Guess:
    """By what the columns of a table hold."""
    for name in (*asked.targets, asked.time, asked.series, asked.group, asked.text, *asked.known, *asked.static):
        if name is not None:
            frame[name]
    kinds = {name: asked.table.kinds.get(name) or guess_kind(column) for name, column in frame.columns.items()}
    time = asked.time or next((name for name, kind in kinds.items() if kind == "time"), None)
    texts = [name for name, kind in kinds.items() if kind == "category" and _is_text(frame[name])]
    if asked.text is not None or (texts and time is None and asked.series is None):
        return _of_text_column(frame, asked, asked.text or texts[0])
    events = _of_events(frame, asked, time)
    if events is not None:
        return events
    if not asked.targets:
        seen = f"rows in time, by column '{time}', and no label" if time else "rows in order, and no label"
        return Guess(task="forecast", because=f"{frame.origin} has {seen}")
    return _of_targets(frame, asked, time)


def _of_events(frame: Frame, asked: Question, time: str | None) -> Guess | None:
    """A log of what users had, by the names of its columns; None where it is none."""
    user, item = (_called(frame, words) for words in (_USERS, _ITEMS))
    if asked.targets or asked.series or user is None or item is None:
        return None
    when = time or _called(frame, _TIMES)
    roles: dict[str, object] = {"user": user, "item": item}
    if when is not None:
        roles["time"] = when
    return Guess(task="recommend", because=f"each row has a user, '{user}', and an item, '{item}'", roles=roles)


def _called(frame: Frame, words: Sequence[str]) -> str | None:
    """The first column that is called so."""
    plain = {name: name.lower().replace("_", "").removesuffix("id") for name in frame.columns}
    return next((name for name, word in plain.items() if word in words), None)


def _is_text(column: np.ndarray) -> bool:
    cells = [str(cell) for cell in column.tolist() if cell is not None]
    return 2 * len(set(cells)) > len(cells) > 0 and np.median([len(cell.split()) for cell in cells]) >= _TEXT_WORDS


def _of_text_column(frame: Frame, asked: Question, text: str) -> Guess:
    if asked.text is not None and asked.series is not None:
        return Guess(task="tag", because=f"column '{text}' has a word a row, and '{asked.series}' names its sentence")
    target = asked.targets or ((LABEL,) if LABEL in frame.columns else ())
    if target:
        roles: dict[str, object] = {"text": text, "target": target[0] if len(target) == 1 else target}
        return Guess(task="classify", because=f"column '{text}' has a text a row, '{target[0]}' a label", roles=roles)
    return Guess(
        task="generate", because=f"column '{text}' has a text a row, and no label is named", roles={"text": text}
    )


def _of_targets(frame: Frame, asked: Question, time: str | None) -> Guess:
    """By whether what is answered is one value a sequence, and whether it is a label."""
    first = asked.targets[0]
    column = frame[first]
    labels = guess_kind(column) == "category" or asked.table.kinds.get(first) == "category"
    if asked.series is None:
        if labels:
            return Guess(task="tag", because=f"column '{first}' has a label a row")
        return Guess(task="forecast", because=f"column '{first}' has a number a row{', in time' if time else ''}")
    last = _of_each_series(column, frame[asked.series])
    if last is None:
        if labels:
            return Guess(task="tag", because=f"column '{first}' has labels that change within a '{asked.series}'")
        return Guess(task="forecast", because=f"column '{first}' has numbers that change within a '{asked.series}'")
    labels = labels or _are_labels(last)
    return Guess(
        task="classify" if labels else "regress",
        because=f"column '{first}' has one {'label' if labels else 'number'} for each '{asked.series}'",
    )


def _of_each_series(column: np.ndarray, keys: np.ndarray) -> np.ndarray | None:
    """The value of each series; None where it changes within one, or where there are not two series."""
    found: dict[object, object] = {}
    for key, cell in zip(keys.tolist(), column.tolist(), strict=True):
        if cell is None or cell != cell:
            found.setdefault(key, None)
        elif found.setdefault(key, cell) is None:
            found[key] = cell
        elif found[key] != cell:
            return None
    if len(found) < 2:
        return None
    values = np.empty(len(found), object)
    values[:] = list(found.values())
    return values
