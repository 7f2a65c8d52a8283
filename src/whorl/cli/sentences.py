"""Sentences as they come: a line of plain text is one, and rows of JSON and CSV may bring their words singly."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from whorl.cli.stream_rows import MORE, Numbered, Skip, goes_on, read_lines, read_texts
from whorl.cli.streams import describe, go_on, read_states, write_states
from whorl.data.word_reader import WordReader
from whorl.errors import DataError, ModelFileError
from whorl.runtime.model import Model
from whorl.runtime.sequence_answers import of_one_sequence
from whorl.runtime.stream import Stream

_WORDS = "words"


class Sentences:
    """A stream for each sentence, one after the other; they are numbered from 0 on unless a column names them.

    Args:
        model: answers words.
        reader: what it reads words with.
    """

    def __init__(self, model: Model, reader: WordReader) -> None:
        self._model, self._word, self._series = model, reader.word, reader.columns.series
        self._of_table = reader.columns.text is not None
        self.columns = tuple(name for name in (reader.columns.text, self._series) if name is not None)
        self.delimiter = reader.columns.table.delimiter
        self._count = 0
        self._open: Stream | None = None
        if not model.streams:
            model.stream()  # which says why not, before a row is read

    def rows(self, lines: BinaryIO, skip: Skip) -> Iterator[Numbered]:
        """Yields (line number, row): an object of JSON, a record of CSV where the model knows columns, or a sentence.

        Raises:
            DataError: a line is no text, or JSON that is broken.
        """
        table = read_texts(lines, self.delimiter, skip, self.columns) if self._of_table else None
        for number, row in read_lines(lines, skip, blank=False) if table is None else table:
            yield number, row.split() if isinstance(row, str) else row

    def push(self, row: object) -> list[dict[str, object]]:
        """Reads a row: the answers of a sentence that ends with it, or those that are known of one that goes on.

        Raises:
            DataError: the row breaks a rule; the sentence is as before.
        """
        if isinstance(row, Mapping) and self._series is not None and self._series in row:
            return self._push_word(row, str(row[self._series]))
        words, more = self._words(row)
        if not more and self._open is None:
            with_words: dict[str, object] = {_WORDS: words}
            told = self._told(Stream(self._model, str(self._count)), words, ends=True)
            self._count += 1
            return [{**one, **with_words} for one in told]
        stream = self._open or Stream(self._model, str(self._count))
        told = self._told(stream, words, ends=not more)
        self._count += self._open is None
        self._open = stream if more else None
        return told

    def _push_word(self, row: Mapping[str, object], key: str) -> list[dict[str, object]]:
        """A word of a table: the sentence before it has ended where another one begins."""
        if self._open is not None and self._open.series == key:
            return [one for answer in self._open.push(row) for one in describe(answer)]
        stream = Stream(self._model, key)
        answers = stream.push(row)
        before = self.end()
        self._open = stream
        return [*before, *(one for answer in answers for one in describe(answer))]

    def _words(self, row: object) -> tuple[list[object], bool]:
        if isinstance(row, list):
            return row, False
        assert isinstance(row, Mapping)
        more = self._word != MORE and goes_on(row)
        if self._word in row:
            return [row[self._word]], more
        words = row.get(_WORDS)
        if not isinstance(words, list | str):
            raise DataError(
                f"a row of this model is a sentence, or an object with `{_WORDS}` or `{self._word}`, but {row!r:.80} "
                "came. Write one."
            )
        return (words.split() if isinstance(words, str) else words), more  # type: ignore[return-value]

    def _told(self, stream: Stream, words: list[object], *, ends: bool) -> list[dict[str, object]]:
        answer = stream.push_rows(words)
        answers = [answer] if answer.value[0].size else []
        if ends:
            answers += stream.flush()
            stream.close()
        return describe(of_one_sequence(answers)) if answers else []

    def end(self) -> list[dict[str, object]]:
        """Ends the sentence that goes on; its last answers."""
        if self._open is None:
            return []
        answers = self._open.flush()
        self._open.close()
        self._open = None
        return [one for answer in answers for one in describe(answer)]

    def load(self, path: Path) -> None:
        """Goes on from a file that `save` wrote."""
        states = read_states(path)
        if len(states) > 1:
            raise ModelFileError(f"`{path}` does not fit this model: it reads one sentence at a time. Give another.")
        for state in states:
            self._open = go_on(Stream(self._model, state.series), state, path)
            self._count = int(state.series) + 1 if state.series.isdecimal() else 0

    def save(self, path: Path) -> None:
        """Writes the state of the sentence that goes on, if there is one."""
        write_states(path, [] if self._open is None else [self._open.state])
