"""Files as they are named, one a line: each is read and answered by itself."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from whorl.cli.stream_rows import Numbered, Skip, read_lines
from whorl.cli.streams import describe, read_states, rows_of, write_states
from whorl.data.caption_reader import CaptionReader
from whorl.data.media import medium_for
from whorl.data.media_reader import MediaReader
from whorl.data.transcript_reader import TranscriptReader
from whorl.errors import DataError, ModelFileError
from whorl.plans.decoding import Decoding
from whorl.runtime.model import Model


class NamedFiles:
    """A stream for each file.

    Args:
        model: reads videos or features, says what is said in them, or writes about what is in a file.
        decoding: how the tokens of a text that is written are chosen; None lets the task choose.
    """

    def __init__(self, model: Model, decoding: Decoding | None = None) -> None:
        reader = rows_of(model)
        assert isinstance(reader, CaptionReader | MediaReader | TranscriptReader)
        assert reader.plan is not None
        self._model, self._decoding, self._plan = model, decoding, reader.plan
        self._medium = medium_for(reader.plan)
        self._column = reader.where.column if isinstance(reader, CaptionReader) else reader.plan.column
        model.stream(decoding=decoding).close()  # which says, where it cannot be, why not, before a file is read

    def rows(self, lines: BinaryIO, skip: Skip) -> Iterator[Numbered]:
        """Yields (line number, path) of lines that are paths, or JSON with one."""
        yield from read_lines(lines, skip, blank=False)

    def push(self, row: object) -> list[dict[str, object]]:
        """Reads a file: its answer.

        Raises:
            DataError: the row names none, or it cannot be read.
        """
        named = row
        if isinstance(row, Mapping):
            known = [name for name in (self._column, "path", "file") if name in row]
            named = row[known[0]] if known else next(iter(row.values()), None)
        if not self._medium.is_file(named):
            raise DataError(
                f"a line of this model is the path of a file that ends in {', '.join(self._medium.suffixes)}, but "
                f"{row!r:.80} came. Write one."
            )
        with closing(self._model.stream(str(named), decoding=self._decoding)) as stream:
            answers = stream.push(Path(str(named)))  # type: ignore[arg-type]  # a whole file, which is no row
            answers = stream.flush() or answers
        return [one for answer in answers[-1:] for one in describe(answer)]

    def end(self) -> list[dict[str, object]]:
        """Nothing: each file was answered."""
        return []

    def load(self, path: Path) -> None:
        """Goes on from a file that `save` wrote, which holds nothing."""
        if read_states(path):
            raise ModelFileError(f"`{path}` does not fit this model: it answers each file at once. Give another.")

    def save(self, path: Path) -> None:
        """Writes that nothing goes on."""
        write_states(path, [])
