"""Sound as it comes: a recording, or samples from a pipe, answered while they are read."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, final

import numpy as np

from whorl.cli.lone import Lone
from whorl.cli.stream_rows import Numbered, Skip
from whorl.cli.streams import rows_of
from whorl.codecs.audio import AudioCodec
from whorl.codecs.framed import FramedCodec
from whorl.codecs.sound import Sound
from whorl.data import sounds
from whorl.data.media_reader import MediaReader
from whorl.data.transcript_reader import TranscriptReader
from whorl.errors import DataError
from whorl.plans.decoding import Decoding
from whorl.plans.media import Audio
from whorl.runtime.model import Model


@final
class Sounds(Lone):
    """One stream of sound.

    Args:
        model: reads recordings.
        source: path of a recording, or of samples as they come: whole numbers of 16 bits, the lower byte first, of one
            channel; '-' is standard input.
        rate_hz: samples a second of these; None is the model's own rate.
        every_s: seconds of sound between answers.
        decoding: how a transcript is searched for; None lets the task choose.
    """

    def __init__(
        self,
        model: Model,
        source: str,
        *,
        rate_hz: int | None = None,
        every_s: float = 0.5,
        decoding: Decoding | None = None,
    ) -> None:
        super().__init__(model, source, decoding=decoding)
        reader = rows_of(model)
        assert isinstance(reader, MediaReader | TranscriptReader)
        codec = reader.past.codec if isinstance(reader.past, FramedCodec) else reader.past
        assert isinstance(codec, AudioCodec)
        assert isinstance(reader.plan, Audio)
        self._plan = reader.plan
        self._rate, self._every = rate_hz or codec.sample_rate_hz, every_s

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
