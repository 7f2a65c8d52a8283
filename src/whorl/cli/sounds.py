"""Sound as it comes: a recording, or samples from a pipe, answered while they are read."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from whorl.cli.stream_rows import Numbered, Skip
from whorl.cli.streams import describe, go_on, read_states, rows_of, write_states
from whorl.codecs.audio import AudioCodec, Sound
from whorl.data import sounds
from whorl.data.media_reader import MediaReader
from whorl.errors import DataError, ModelFileError
from whorl.plans.media import Audio
from whorl.runtime.model import Model
from whorl.runtime.stream import Stream


class Sounds:
    """One stream of sound.

    Args:
        model: reads recordings.
        source: path of a recording, or of samples as they come: whole numbers of 16 bits, the lower byte first, of one
            channel; '-' is standard input.
        rate_hz: samples a second of these; None is the model's own rate.
        every_s: seconds of sound between answers.
    """

    def __init__(self, model: Model, source: str, *, rate_hz: int | None = None, every_s: float = 0.5) -> None:
        reader = rows_of(model)
        assert isinstance(reader, MediaReader)
        assert isinstance(reader.past, AudioCodec)
        assert isinstance(reader.plan, Audio)
        self._stream, self._plan, self._source = model.stream(), reader.plan, source
        self._rate, self._every = rate_hz or reader.past.sample_rate_hz, every_s
        self._model = model

    def push(self, row: object) -> list[dict[str, object]]:
        """Reads a piece of sound: the answer so far."""
        return [one for answer in self._stream.push(row) for one in describe(answer)]  # type: ignore[arg-type]

    def rows(self, lines: BinaryIO, skip: Skip) -> Iterator[Numbered]:
        """Yields (number, piece) of a recording, or of the samples that come."""
        if self._source != "-" and Path(self._source).suffix.lower() in sounds.SUFFIXES:
            yield from enumerate(self._pieces(sounds.load(Path(self._source), self._plan)), 1)
            return
        size, odd = max(1, int(self._rate * self._every)) * 2, b""
        number = 0
        # What a pipe holds by now is less than was asked for, and is read as soon as it is there.
        while piece := lines.read(size):
            number += 1
            if number == 1 and piece.startswith(b"RIFF"):
                raise DataError(
                    "the samples that come begin with the header of a WAV file. Give the file with --input, or write "
                    "raw samples of 16 bits, such as those of `arecord -t raw -f S16_LE`."
                )
            whole = odd + piece
            odd = whole[len(whole) // 2 * 2 :]
            yield number, Sound(np.frombuffer(whole[: len(whole) // 2 * 2], "<i2"), self._rate)
        if odd:
            raise DataError("the samples that came end in half of one: each has 16 bits. Write whole samples.")

    def _pieces(self, sound: Sound) -> Iterator[Sound]:
        size = max(1, int(sound.rate_hz * self._every))
        for at in range(0, len(sound.samples), size):
            yield Sound(sound.samples[at : at + size], sound.rate_hz)

    def end(self) -> list[dict[str, object]]:
        """Ends the sound; the answer to all of it."""
        return [one for answer in self._stream.flush() for one in describe(answer)]

    def load(self, path: Path) -> None:
        """Goes on from a file that `save` wrote."""
        states = read_states(path)
        if len(states) != 1:
            raise ModelFileError(f"`{path}` does not fit this model: it reads one sound. Give another --state.")
        self._stream = go_on(Stream(self._model, None), states[0], path)

    def save(self, path: Path) -> None:
        """Writes the state of the sound so far."""
        write_states(path, [self._stream.state])
