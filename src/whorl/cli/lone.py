"""One stream of one file, or of what comes by a pipe: what recordings and pictures have in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from whorl.cli.stream_rows import Numbered, Skip
from whorl.cli.streams import describe, go_on, read_states, write_states
from whorl.errors import ModelFileError
from whorl.plans.decoding import Decoding
from whorl.runtime.model import Model
from whorl.runtime.stream import Stream


class Lone(ABC):
    """One stream, whatever its pieces are.

    Args:
        model: reads one example piece by piece.
        source: path of a file, or '-' for standard input.
        decoding: how a text is searched for, where one is answered; None lets the task choose.
    """

    def __init__(self, model: Model, source: str, *, decoding: Decoding | None = None) -> None:
        self._model, self._source, self._decoding = model, source, decoding
        self._stream = model.stream(decoding=decoding)

    @abstractmethod
    def rows(self, lines: BinaryIO, skip: Skip) -> Iterator[Numbered]:
        """Yields (number, piece) of the file, or of what comes."""

    def push(self, row: object) -> list[dict[str, object]]:
        """Reads a piece: the answers so far."""
        return [one for answer in self._stream.push(row) for one in describe(answer)]  # type: ignore[arg-type]

    def end(self) -> list[dict[str, object]]:
        """Ends the example; what its end is still answered with."""
        return [one for answer in self._stream.flush() for one in describe(answer)]

    def load(self, path: Path) -> None:
        """Goes on from a file that `save` wrote."""
        states = read_states(path)
        if len(states) != 1:
            raise ModelFileError(f"`{path}` does not fit this model: it reads one file. Give another --state.")
        self._stream = go_on(Stream(self._model, None, decoding=self._decoding), states[0], path)

    def save(self, path: Path) -> None:
        """Writes the state so far."""
        write_states(path, [self._stream.state])
