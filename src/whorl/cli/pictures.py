"""Pictures as they come, row by row, answered while they are read."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from whorl.cli.stream_rows import Numbered, Skip, read_rows
from whorl.cli.streams import describe, go_on, read_states, rows_of, write_states
from whorl.codecs.image import ImageCodec
from whorl.data import pictures
from whorl.data.media_reader import MediaReader
from whorl.errors import ModelFileError
from whorl.plans.media import Image
from whorl.runtime.model import Model
from whorl.runtime.stream import Stream


class Pictures:
    """One stream of rows of pixels.

    Args:
        model: reads pictures.
        source: path of a picture; else rows come as JSON arrays of levels, one a line.
    """

    def __init__(self, model: Model, source: str) -> None:
        reader = rows_of(model)
        assert isinstance(reader, MediaReader)
        assert isinstance(reader.past, ImageCodec)
        assert isinstance(reader.plan, Image)
        self._model, self._source = model, source
        self._stream, self._plan, self._codec = model.stream(), reader.plan, reader.past

    def push(self, row: object) -> list[dict[str, object]]:
        """Reads a row of pixels: the answers so far."""
        return [one for answer in self._stream.push(row) for one in describe(answer)]  # type: ignore[arg-type]

    def rows(self, lines: BinaryIO, skip: Skip) -> Iterator[Numbered]:
        """Yields (number, row) of a picture in the size of the model, or of what comes."""
        if self._source != "-" and Path(self._source).suffix.lower() in pictures.SUFFIXES:
            (levels,) = self._codec.pictures(pictures.load(Path(self._source), self._plan))
            yield from enumerate(levels, 1)
        else:
            yield from read_rows(lines, None, skip)

    def end(self) -> list[dict[str, object]]:
        """Ends the picture."""
        return [one for answer in self._stream.flush() for one in describe(answer)]

    def load(self, path: Path) -> None:
        """Goes on from a file that `save` wrote."""
        states = read_states(path)
        if len(states) != 1:
            raise ModelFileError(f"`{path}` does not fit this model: it reads one picture. Give another --state.")
        self._stream = go_on(Stream(self._model, None), states[0], path)

    def save(self, path: Path) -> None:
        """Writes the state of the picture so far."""
        write_states(path, [self._stream.state])
