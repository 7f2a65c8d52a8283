"""Reading a text that comes in pieces: the rules of a piece, of the end and of the state, whatever is made of it."""

from abc import abstractmethod
from collections.abc import Mapping

import msgspec
import numpy as np

from whorl.codecs.text import TextCodec, TextEncoder
from whorl.data import counts
from whorl.data.reader import Inputs, Mark, Reading, Row, RowReader, damaged_state
from whorl.errors import ArgumentError, DataError


class PieceRows(RowReader):
    """Reads one text piece by piece, until `flush` ends it.

    Args:
        column: of a piece, where it comes in a record.
        codec: of the text.
    """

    def __init__(self, column: str, codec: TextCodec) -> None:
        self._column = column
        self._encoder: TextEncoder = codec.chunks()
        # What is kept beside the codec's remainder; it is replaced and never changed, so that a mark can hold it.
        self._held: np.ndarray | None = None
        self._count, self._ended = 0, False

    def push(self, row: Row, known: object = None) -> list[Inputs]:
        refuse_known(known)
        if self._ended:
            raise DataError(
                "the text has ended with `flush`, but another piece came. Call `reset` before the next one."
            )
        piece: object = row.get(self._column) if isinstance(row, Mapping) else row
        if not isinstance(piece, str):
            raise DataError(
                f"a row of this model is a piece of text, or a record with the column '{self._column}', but "
                f"{row!r:.80} came."
            )
        return self._take(piece, row)

    def flush(self) -> list[Inputs]:
        if self._ended:
            return []
        inputs = self._end()
        self._ended = True
        return inputs

    @abstractmethod
    def _take(self, piece: str, row: object) -> list[Inputs]:
        """What the engine reads for a piece, which came in this row."""

    @abstractmethod
    def _end(self) -> list[Inputs]:
        """What the engine reads for the end."""

    def push_rows(self, rows: object, times: object = None, known: object = None) -> Reading:
        raise ArgumentError("`push_rows` is of rows in time, but this model reads a text. Push its pieces with `push`.")

    @property
    def time(self) -> np.ndarray:
        return counts.last_time(self._count)

    def mark(self) -> Mark:
        return self._count, (self._encoder.read(), self._ended), self._held

    def back_to(self, mark: Mark) -> None:
        count, held, self._held = mark
        assert isinstance(held, tuple)
        encoder, self._ended = held
        self._encoder.write(encoder)
        self._count = count or 0

    def read(self) -> bytes:
        count = counts.packed(self._count)
        return msgspec.msgpack.encode(_Remainder(count, self._ended, self._packed(), self._encoder.read()))

    def write(self, remainder: bytes) -> None:
        try:
            plain = msgspec.msgpack.decode(remainder, type=_Remainder)
        except msgspec.DecodeError:
            raise damaged_state() from None
        count = counts.unpacked(plain.count)
        held = self._unpacked(plain.held, count)
        self._encoder.write(plain.encoder)
        self._held, self._count, self._ended = held, count, plain.ended

    @abstractmethod
    def _packed(self) -> bytes | None:
        """What is held, as bytes."""

    @abstractmethod
    def _unpacked(self, held: bytes | None, count: int) -> np.ndarray | None:
        """The way back, of a state that counts so many tokens; raises ModelFileError for what was never held."""


class _Remainder(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    count: bytes
    ended: bool
    held: bytes | None
    encoder: bytes


def refuse_known(known: object) -> None:
    """Raises ArgumentError where covariates came for a text, a file, music or events."""
    if known is not None:
        raise ArgumentError("`known` was given, but what this model reads has no covariates ahead. Leave it out.")
