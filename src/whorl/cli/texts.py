"""Texts as they come: each row is a text, or a piece of one that goes on."""

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from whorl.cli.stream_rows import MORE, Numbered, Skip, goes_on, read_rows, read_texts
from whorl.cli.streams import describe, describe_most_likely, go_on, read_states, write_states
from whorl.data.corpus_reader import CorpusReader
from whorl.data.pair_reader import PairReader
from whorl.data.text_reader import TextReader
from whorl.errors import DataError, ModelFileError
from whorl.plans.decoding import Decoding
from whorl.runtime.model import Model
from whorl.runtime.stream import Stream


class Texts:
    """A stream for each text, one after the other; they are numbered from 0 on, as the rows of a table are.

    Args:
        model: reads texts.
        most_likely: next tokens that are told of a language model.
        decoding: how the tokens of a text that is written are chosen; None lets the task choose.
    """

    def __init__(self, model: Model, *, most_likely: int = 5, decoding: Decoding | None = None) -> None:
        reader = model.reader
        assert isinstance(reader, TextReader | CorpusReader | PairReader)
        self._most_likely = most_likely if isinstance(reader, CorpusReader) else None
        self._model, self._decoding = model, decoding
        pairs = isinstance(reader, PairReader)
        self._column = reader.columns[0] if isinstance(reader, PairReader) else reader.column
        self._blank = frozenset(() if pairs else reader.table.missing)
        beside = None if isinstance(reader, PairReader) else reader.past.beside
        self.columns = (self._column, *(() if beside is None else (*beside.numeric, *beside.categories)))
        self.delimiter = reader.table.delimiter
        self._count = 0
        self._open: Stream | None = None
        if not model.engine.program.streams:
            model.stream()  # which says why not, before a row is read

    def push(self, row: object) -> list[dict[str, object]]:
        """Reads a row: the answer of a text that ends with it, or the answers so far of one that goes on.

        Raises:
            DataError: the row breaks a rule; the text is as before.
        """
        if isinstance(row, str) and len(self.columns) == 1:
            row = {self._column: row}
        if not isinstance(row, Mapping) or self._column not in row:
            raise DataError(f"a row of this model is an object with `{self._column}`, but {row!r:.80} came. Write one.")
        more = MORE not in self.columns and goes_on(row)
        if self._open is None and not more and self._most_likely is None:
            row = {**row, self._column: self._cell(row[self._column])}
        stream = self._open or self._stream(str(self._count))
        answers = stream.push(row)
        if more:
            self._open = stream
            if self._most_likely is not None:
                # What is typed is answered as it stands, though its last word may still grow.
                answers = copy.copy(stream).flush() or answers
        else:
            # The end of a text may hold nothing back, and then the last piece has said it all.
            answers = stream.flush() or answers
            stream.close()
            self._open, self._count = None, self._count + 1
        if self._most_likely is not None:
            return [told for answer in answers for told in describe_most_likely(answer, self._most_likely)]
        return [described for answer in answers for described in describe(answer)]

    def _cell(self, text: object) -> object:
        """A whole text as a table has it: without spaces at its ends, and empty where it is missing."""
        if not isinstance(text, str):
            return "" if text is None else text
        return "" if text.strip() in self._blank else text.strip()

    def rows(self, lines: BinaryIO, skip: Skip) -> Iterator[Numbered]:
        """Yields (line number, row) of JSON lines or CSV, or of plain text where nothing stands beside a text."""
        if len(self.columns) > 1:
            return read_rows(lines, self.delimiter, skip, self.columns)
        return read_texts(lines, self.delimiter, skip, self.columns)

    def end(self) -> list[dict[str, object]]:
        """Nothing: a text that goes on is not answered before its end."""
        return []

    def load(self, path: Path) -> None:
        """Goes on from a file that `save` wrote."""
        states = read_states(path)
        if len(states) > 1 or not all(state.series.isdecimal() for state in states):
            raise ModelFileError(
                f"`{path}` does not fit this model: it reads one text at a time. Give another --state."
            )
        for state in states:
            self._open, self._count = go_on(self._stream(state.series), state, path), int(state.series)

    def _stream(self, key: str) -> Stream:
        return Stream(self._model, key, decoding=self._decoding)

    def save(self, path: Path) -> None:
        """Writes the state of the text that goes on, if there is one."""
        write_states(path, [] if self._open is None else [self._open.state])
