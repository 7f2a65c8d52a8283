"""Dialogues as they are typed: a line is a turn, and gets a line; rows of JSON may name the dialogue they belong to."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from whorl.cli.stream_rows import Numbered, Skip, read_lines
from whorl.cli.streams import describe, go_on, read_states, write_states
from whorl.data.reader import Row
from whorl.data.turn_rows import TEXT
from whorl.errors import DataError, ModelFileError
from whorl.plans.decoding import Decoding
from whorl.runtime.model import Model
from whorl.runtime.prediction import Prediction
from whorl.runtime.stream import Stream

_DIALOGUE = "dialogue"
Answers = list[dict[str, object]] | list[str]


class Dialogues:
    """A stream for each dialogue: those that rows of JSON name, or one after the other.

    Args:
        model: answers turns.
        decoding: how the tokens of a reply are chosen; None lets the task choose.
    """

    def __init__(self, model: Model, decoding: Decoding | None = None) -> None:
        self._model, self._decoding = model, decoding
        self._streams: dict[str, Stream] = {}

    def rows(self, lines: BinaryIO, skip: Skip) -> Iterator[Numbered]:
        """Yields (line number, row): an object of JSON, or the text of a turn, which is blank where a dialogue ends.

        Raises:
            DataError: a line is no text, or JSON that is broken.
        """
        yield from read_lines(lines, skip, blank=True)

    def push(self, row: object) -> Answers:
        """Reads a turn: its answer, in the form that the turn came in. A blank line ends the dialogue.

        Raises:
            DataError: the row breaks a rule; every dialogue is as before.
        """
        if isinstance(row, str):
            if not row:
                self._close("")
                return []
            # A reply in which the model begins a new line is one line all the same.
            return [" ".join(text.split("\n")) for answer in self._answered("", row) for text in answer.value]
        if not isinstance(row, Mapping) or TEXT not in row:
            raise DataError(f"a row of this model is an object with `{TEXT}`, but {row!r:.80} came. Write one.")
        key = row.get(_DIALOGUE, "")
        if not isinstance(key, str | int) or isinstance(key, bool):
            raise DataError(f"`{_DIALOGUE}` names a dialogue by text or a whole number, but is {key!r:.80}.")
        return [told for answer in self._answered(str(key), row) for told in describe(answer)]

    def _answered(self, key: str, turn: Row) -> list[Prediction]:
        stream = self._streams.get(key) or self._stream(key)
        answers = stream.push(turn)
        self._streams[key] = stream  # kept only once a turn was good
        return answers

    def _close(self, key: str) -> None:
        stream = self._streams.pop(key, None)
        if stream is not None:
            stream.close()

    def end(self) -> list[dict[str, object]]:
        """Nothing: every turn was answered."""
        return []

    def load(self, path: Path) -> None:
        """Goes on from a file that `save` wrote."""
        for state in read_states(path):
            if state.series in self._streams:
                raise ModelFileError(f"`{path}` has the dialogue '{state.series}' twice. Give another --state.")
            self._streams[state.series] = go_on(self._stream(state.series), state, path)

    def _stream(self, key: str) -> Stream:
        return Stream(self._model, key, decoding=self._decoding)

    def save(self, path: Path) -> None:
        """Writes the states of all dialogues."""
        write_states(path, [stream.state for stream in self._streams.values()])
