"""Whatever a user calls sentences, with a tag for each word or without: lists, files of tags, plain text, tables."""

import os
from collections.abc import Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from whorl.data.series import rows_by_key
from whorl.data.sources import TABLE_SUFFIXES, read_table
from whorl.data.tagged import TAGGED_SUFFIXES, read_tagged
from whorl.data.text_files import PLAIN_SUFFIXES, files_of, text_lines
from whorl.errors import DataError
from whorl.plans.table import Table

WORD, TAG = "word", "tag"


@dataclass(frozen=True)
class Sentence:
    """Words in order.

    Args:
        key: name of the sentence: its number from 0 on, or the series of a table.
        words: as they were written.
        tags: one for each word; None where the sentence has none, and for a word without one.
    """

    key: str
    words: tuple[str, ...]
    tags: tuple[object, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class SentenceColumns:
    """Where words and tags stand.

    Args:
        text: column of the word of a row of a table; None reads no tables.
        target: column of its tag, or the field of CoNLL-U.
        series: column that names the sentence of a row.
        table: how tables are read.
    """

    text: str | None = None
    target: str | None = None
    series: str | None = None
    table: Table


def read_sentences(source: object, columns: SentenceColumns) -> list[Sentence] | None:
    """Reads sentences; None where the source is something else, such as arrays or a table of numbers.

    Args:
        source: a file of words and tags (.conllu, .conll, .iob, .bio, .tsv) or a folder of them; a text file, a
            sentence a line; a list of sentences, each a list of words or a text; a pair of such a list and the tags of
            each sentence; or a table with a word a row. A text is split where white space stands.
        columns: where words and tags stand.

    Raises:
        DataError: naming file, row and column, or the number of the sentence.
    """
    if isinstance(source, tuple) and len(source) == 2 and _are_sentences(source[0]):
        return _paired(source[0], source[1])
    if _are_sentences(source):
        return [Sentence(str(n), _words(one, n)) for n, one in enumerate(source)]  # type: ignore[arg-type, var-annotated]
    if isinstance(source, str | os.PathLike) and str(source):
        path = Path(source)
        if columns.text is None or path.suffix.lower() not in TABLE_SUFFIXES:
            found = _of_path(path, columns)
            if found is not None:
                return found
    return None if columns.text is None else _of_table(source, columns)


def _of_path(path: Path, columns: SentenceColumns) -> list[Sentence] | None:
    if path.is_dir():
        if not any(one.suffix.lower() in TAGGED_SUFFIXES for one in path.iterdir()):
            return None
    elif path.suffix.lower() in PLAIN_SUFFIXES:
        (file,) = files_of(path, PLAIN_SUFFIXES)
        lines = text_lines(file, columns.table.encoding or "utf-8")
        said = [tuple(line.split()) for line in lines if line.strip()]
        return [Sentence(str(n), words) for n, words in enumerate(said)]
    elif path.suffix.lower() not in TAGGED_SUFFIXES:
        return None
    tagged = read_tagged(path, columns.target or "upos", encoding=columns.table.encoding or "utf-8")
    return [Sentence(str(n), one.words, one.tags) for n, one in enumerate(tagged)]


def _are_sentences(source: object) -> bool:
    """A list of texts, or of lists of texts; an empty list of words is a sentence among others."""
    if not isinstance(source, list | tuple) or not source:
        return False
    return any(isinstance(one, str) or _are_words(one) for one in source) and all(
        isinstance(one, str) or _are_words(one) or (isinstance(one, list | tuple) and not one) for one in source
    )


def _are_words(one: object) -> bool:
    if isinstance(one, np.ndarray):
        return one.ndim == 1 and one.dtype.kind in "UO" and len(one) > 0 and isinstance(one[0], str)
    return isinstance(one, list | tuple) and bool(one) and isinstance(one[0], str)


def _words(one: object, number: int) -> tuple[str, ...]:
    words: tuple[object, ...] = tuple(one.split()) if isinstance(one, str) else tuple(one)  # type: ignore[arg-type]
    for place, word in enumerate(words):
        if not isinstance(word, str) or not word.strip():
            raise DataError(f"sentence {number}: word {place} must be text, but is {word!r:.40}. Leave it out.")
    return tuple(map(str, words))


def _paired(sentences: object, tags: object) -> list[Sentence]:
    given = list(sentences)  # type: ignore[call-overload]
    if not isinstance(tags, list | tuple | np.ndarray) or len(tags) != len(given):
        raise DataError(
            f"there are {len(given)} sentences, but "
            f"{len(tags) if isinstance(tags, list | tuple | np.ndarray) else 'a ' + type(tags).__name__} came as their "
            "tags. Give a list with the tags of each sentence."
        )
    made = []
    for n, (one, its) in enumerate(zip(given, tags, strict=True)):
        words = _words(one, n)
        own = tuple(its.split()) if isinstance(its, str) else tuple(its)
        if len(own) != len(words):
            raise DataError(f"sentence {n} has {len(words)} words, but {len(own)} tags. Give one tag for each word.")
        made.append(Sentence(str(n), words, own))
    return made


def _of_table(source: object, columns: SentenceColumns) -> list[Sentence]:
    text = columns.text
    assert text is not None
    roles = [name for name in (text, columns.target, columns.series) if name is not None]
    kinds = dict.fromkeys(roles, "category")
    # 'NA' and '?' are words like others.
    table = replace(columns.table, kinds={**columns.table.kinds, **kinds}, missing=())  # type: ignore[dict-item]
    frame = read_table(source, table)
    if columns.series is None and not isinstance(source, Mapping):
        raise DataError(
            f"{frame.origin} has a word a row, so `series` must name the column that says which sentence a row is of; "
            f"the columns are {', '.join(map(repr, frame.columns))}."
        )
    words = frame[text].tolist()
    for row, word in zip(frame.rows.tolist(), words, strict=True):
        if not str(word or "").strip():
            raise DataError(f"{frame.origin}, row {row}: column '{text}' has no word. Write one, or drop the row.")
    target = columns.target or TAG
    tags = frame[target].tolist() if target in frame.columns else None
    return [
        Sentence(
            key if columns.series is not None else "0",
            tuple(str(words[n]) for n in rows),
            None if tags is None else tuple(tags[n] for n in rows),
        )
        for key, rows in ((key, index.tolist()) for key, index in rows_by_key(frame, columns.series))
    ]


def tags_column(sentences: List[Sentence]) -> np.ndarray:
    """The tags of all words below each other, (T,) object; None where there is none."""
    tags = [tag for one in sentences for tag in (one.tags or (None,) * len(one.words))]
    made = np.empty(len(tags), object)
    made[:] = tags
    return made
