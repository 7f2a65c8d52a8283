"""Pictures as they come, row by row, answered while they are read."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, final

from whorl.cli.lone import Lone
from whorl.cli.stream_rows import Numbered, Skip, read_rows
from whorl.cli.streams import rows_of
from whorl.codecs.image import ImageCodec
from whorl.data import pictures
from whorl.data.media_reader import MediaReader
from whorl.plans.media import Image
from whorl.runtime.model import Model


@final
class Pictures(Lone):
    """One stream of rows of pixels.

    Args:
        model: reads pictures.
        source: path of a picture; else rows come as JSON arrays of levels, one a line.
    """

    def __init__(self, model: Model, source: str) -> None:
        super().__init__(model, source)
        reader = rows_of(model)
        assert isinstance(reader, MediaReader)
        assert isinstance(reader.past, ImageCodec)
        assert isinstance(reader.plan, Image)
        self._plan, self._codec = reader.plan, reader.past

    def rows(self, lines: BinaryIO, skip: Skip) -> Iterator[Numbered]:
        """Yields (number, row) of a picture in the size of the model, or of what comes."""
        if self._source != "-" and Path(self._source).suffix.lower() in pictures.SUFFIXES:
            (levels,) = self._codec.pictures(pictures.load(Path(self._source), self._plan))
            yield from enumerate(levels, 1)
        else:
            yield from read_rows(lines, None, skip)
