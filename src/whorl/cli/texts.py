"""Texts as they come: each row is a text, or a piece of one that goes on."""

from collections.abc import Mapping
from pathlib import Path

from whorl.cli.streams import describe, go_on, read_states, write_states
from whorl.data.text_reader import TextReader
from whorl.errors import DataError, ModelFileError
from whorl.runtime.model import Model
from whorl.runtime.stream import Stream

# Says in a row of JSON that the next one goes on with its text.
_MORE = "more"


class Texts:
    """A stream for each text, one after the other; they are numbered from 0 on, as the rows of a table are.

    Args:
        model: reads texts.
    """

    def __init__(self, model: Model) -> None:
        reader = model.reader
        assert isinstance(reader, TextReader)
        self._model = model
        self._column, self._blank = reader.column, frozenset(reader.table.missing)
        beside = reader.past.beside
        self.columns = (reader.column, *(() if beside is None else (*beside.numeric, *beside.categories)))
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
        if not isinstance(row, Mapping) or self._column not in row:
            raise DataError(f"a row of this model is an object with `{self._column}`, but {row!r:.80} came. Write one.")
        goes_on = row.get(_MORE) is True and _MORE not in self.columns
        if self._open is None and not goes_on:
            row = {**row, self._column: self._cell(row[self._column])}
        stream = self._open or Stream(self._model, str(self._count))
        answers = stream.push(row)
        if goes_on:
            self._open = stream
        else:
            answers = stream.flush()
            stream.close()
            self._open, self._count = None, self._count + 1
        return [described for answer in answers for described in describe(answer)]

    def _cell(self, text: object) -> object:
        """A whole text as a table has it: without spaces at its ends, and empty where it is missing."""
        if not isinstance(text, str):
            return "" if text is None else text
        return "" if text.strip() in self._blank else text.strip()

    def load(self, path: Path) -> None:
        """Goes on from a file that `save` wrote."""
        states = read_states(path)
        if len(states) > 1 or not all(state.series.isdecimal() for state in states):
            raise ModelFileError(
                f"`{path}` does not fit this model: it reads one text at a time. Give another --state."
            )
        for state in states:
            self._open, self._count = go_on(Stream(self._model, state.series), state, path), int(state.series)

    def save(self, path: Path) -> None:
        """Writes the state of the text that goes on, if there is one."""
        write_states(path, [] if self._open is None else [self._open.state])
