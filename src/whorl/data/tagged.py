"""Sentences with a tag for each word: CoNLL-U files, and files of a word and a tag on each line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from whorl.data.problems import plural
from whorl.data.text_files import blocks, files_of, text_lines
from whorl.errors import ArgumentError, DataError, did_you_mean

TAGGED_SUFFIXES = (".conllu", ".conll", ".iob", ".bio", ".tsv")

_FIELDS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
# An underscore says "none" in these, which is a value like others; elsewhere it says "not annotated".
_MAY_BE_NONE = ("feats", "deps", "misc")
_SKIPPED = re.compile(r"\d+-\d+|\d+\.\d+", re.ASCII)
_ID = re.compile(r"\d+([-.]\d+)?", re.ASCII)
# A first line that names the two columns; nobody tags the word "word" as a "tag".
_HEADER = re.compile(r"\s*(words?|tokens?|form)[\t ]+(tags?|labels?|u?pos|ner|entity)\s*", re.ASCII | re.IGNORECASE)
# Begins a document in files of CoNLL-2003; it is no word.
_DOCUMENT = "-DOCSTART-"


@dataclass(frozen=True, kw_only=True)
class TaggedSentence:
    """A sentence, and where it stood.

    Args:
        words: at least one.
        tags: one for each word; None where the sentence has none.
        origin: name of the file.
        line: of its first word, from 1.
    """

    words: tuple[str, ...]
    tags: tuple[str, ...] | None
    origin: str
    line: int

    def __len__(self) -> int:
        return len(self.words)


def read_tagged(source: object, column: str = "upos", *, encoding: str = "utf-8") -> list[TaggedSentence]:
    """Reads sentences; a blank line ends one.

    A file named .conllu, or whose first word has the ten fields of CoNLL-U, is read as such: ranges of a token of
    several words (1-2) and empty nodes (1.1) are skipped, as the words themselves have lines of their own.

    Any other file has a word and a tag on each line, with a tab or blanks between, or words alone; a first line that
    names the columns, such as 'word' and 'tag', is left out. Where all lines of a file, which is no .tsv, have as many
    columns more, as in CoNLL-2003, the first is the word and the last the tag. Before the first word of a sentence,
    lines like '# text' are comments; '#word' and a '#' with a tab and a tag after it are words.

    Args:
        source: path of a file, or of a folder of .conllu, .conll, .iob, .bio or .tsv files, in name order.
        column: which field of CoNLL-U is the tag: 'lemma', 'upos', 'xpos', 'feats', 'head', 'deprel', 'deps' or
            'misc'. Files of a word and a tag have but one.
        encoding: of the bytes; nothing is guessed.

    Raises:
        DataError: naming file and line.
    """
    sentences = []
    for path in files_of(source, TAGGED_SUFFIXES):
        lines = text_lines(path, encoding)
        if lines and _HEADER.fullmatch(lines[0]):
            lines = ["", *lines[1:]]  # the others keep their numbers
        if path.suffix.lower() == ".conllu" or _looks_like_conllu(lines):
            if column not in _FIELDS[2:]:
                raise ArgumentError(
                    f"{path.name} is CoNLL-U, whose tags are one of {', '.join(_FIELDS[2:])}, but {column!r} was "
                    f"named.{did_you_mean(column, _FIELDS[2:])}"
                )
            found = [_conllu(first, block, column, path.name) for first, block in blocks(lines)]
        else:
            lines = lines if path.suffix.lower() == ".tsv" else _narrowed(lines)
            found = [_word_and_tag(first, block, path.name) for first, block in blocks(lines)]
        kept = [sentence for sentence in found if sentence is not None]
        if not kept:
            raise DataError(f"{path.name} has no words. Give a file with a word and a tag on each line.")
        sentences += kept
    return sentences


def _looks_like_conllu(lines: Sequence[str]) -> bool:
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    fields = first.split("\t")
    return len(fields) == len(_FIELDS) and _ID.fullmatch(fields[0]) is not None


def _conllu(first: int, block: Sequence[str], column: str, origin: str) -> TaggedSentence | None:
    words: list[str] = []
    tags: list[str] = []
    numbers: list[int] = []
    place = _FIELDS.index(column)
    for number, line in enumerate(block, first):
        if line.startswith("#"):
            continue
        fields = line.split("\t")
        where = f"{origin}, line {number}"
        if len(fields) != len(_FIELDS):
            raise DataError(
                f"{where}: a line of CoNLL-U has {len(_FIELDS)} fields with tabs between, but this one has "
                f"{len(fields)}. Write _ for a field without value."
            )
        if _SKIPPED.fullmatch(fields[0]):
            continue
        if fields[0] != str(len(words) + 1):
            raise DataError(
                f"{where}, column 1: the words of a sentence count 1, 2, 3, ..., so {len(words) + 1} comes next, but "
                f"here is {fields[0][:20]!r}. Correct the number, or separate the sentences by a blank line."
            )
        for k in (1, place):
            if not fields[k].strip():
                raise DataError(f"{where}, column {k + 1}: `{_FIELDS[k]}` is empty. Write the value, or _ for none.")
        words.append(fields[1])
        tags.append(fields[place])
        numbers.append(number)
    if not words:
        return None
    absent = [tag == "_" and column not in _MAY_BE_NONE for tag in tags]
    if column == "upos" and any(absent) and not all(absent):
        raise DataError(
            f"{origin}, line {numbers[absent.index(True)]}, column {place + 1}: other words of the sentence have "
            f"`{column}`, but this one has none. Give it one, or write _ for all of them."
        )
    return TaggedSentence(words=tuple(words), tags=None if all(absent) else tuple(tags), origin=origin, line=numbers[0])


def _narrowed(lines: list[str]) -> list[str]:
    """The first and the last of three or more columns that all lines have; other lines as they are.

    Files whose first column counts are another format, which is not guessed at.
    """
    rows = [line.split("\t") if "\t" in line else line.split() for line in lines]
    are_words = [bool(fields) and fields[0] not in ("", _DOCUMENT) for fields in rows]
    words = [fields for fields, is_word in zip(rows, are_words, strict=True) if is_word]
    if len(set(map(len, words))) != 1 or len(words[0]) < 3 or all(fields[0].isdecimal() for fields in words):
        return ["" if fields[:1] == [_DOCUMENT] else line for line, fields in zip(lines, rows, strict=True)]
    return [f"{fields[0]}\t{fields[-1]}" if is_word else "" for fields, is_word in zip(rows, are_words, strict=True)]


def _word_and_tag(first: int, block: Sequence[str], origin: str) -> TaggedSentence | None:
    rows: list[list[str]] = []
    start = first
    for number, line in enumerate(block, first):
        fields = line.split("\t") if "\t" in line else line.split()
        if not rows and _is_comment(line, fields):
            continue
        if len(fields) > 2 or not all(field.strip() for field in fields):
            raise DataError(
                f"{origin}, line {number}: a line has a word and a tag, but this one has "
                f"{plural(len(fields), 'field')}{' and one is empty' if not all(map(str.strip, fields)) else ''}. "
                "Keep two columns, with a tab between."
            )
        start = start if rows else number
        if rows and len(fields) != len(rows[0]):
            raise DataError(
                f"{origin}, line {number}: the words of a sentence all have a tag or none has, but this one has "
                f"{'no tag' if len(fields) == 1 else 'a tag'}, unlike line {start}. Add or drop tags."
            )
        rows.append([field.strip() for field in fields])
    if not rows:
        return None
    return TaggedSentence(
        words=tuple(row[0] for row in rows),
        tags=tuple(row[1] for row in rows) if len(rows[0]) == 2 else None,
        origin=origin,
        line=start,
    )


def _is_comment(line: str, fields: Sequence[str]) -> bool:
    if not line.startswith("#"):
        return False
    if "\t" in line and len(fields) == 2 and not any(" " in field.strip() for field in fields):
        return False
    return len(fields) > 2 or not fields[0][1:].strip() or fields[0][1] == " "
