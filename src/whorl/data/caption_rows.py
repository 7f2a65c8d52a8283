"""Reading a picture, a video or features that come in pieces, for models that write about them."""

from typing import Any

import msgspec
import numpy as np

from whorl.codecs.codec import Codec
from whorl.data import counts
from whorl.data.media_reader import MediaRows
from whorl.data.reader import Inputs, Mark, Reading, Row, RowReader, damaged_state
from whorl.errors import ArgumentError


class CaptionRows(RowReader):
    """Gives a source when it ends.

    Args:
        codec: of the source.
        most: steps that are kept of it, the first ones.
    """

    def __init__(self, codec: Codec[Any], most: int) -> None:
        self._rows = MediaRows(codec)
        # As long at any step; it is replaced and never changed, so that a mark can hold it.
        self._held = np.zeros((most, codec.spec.width), np.float32)
        self._count, self._ended = 0, False

    def push(self, row: Row, known: object = None) -> list[Inputs]:
        self._hold(self._rows.push(row, known))
        return []

    def flush(self) -> list[Inputs]:
        if self._ended:
            return []
        self._hold(self._rows.flush())
        self._ended = True
        return [{"source": self._held[n : n + 1]} for n in range(self._count)]

    def _hold(self, readings: list[Inputs]) -> None:
        new = [reading["past"] for reading in readings][: len(self._held) - self._count]
        if new:
            held = self._held.copy()
            held[self._count : self._count + len(new)] = np.concatenate(new)
            self._held, self._count = held, self._count + len(new)

    def push_rows(self, rows: object, times: object = None, known: object = None) -> Reading:
        raise ArgumentError(
            "`push_rows` is of rows that are answered, but this model writes at the end. Push the pieces with `push`."
        )

    @property
    def time(self) -> np.ndarray:
        return counts.last_time(self._count)

    def mark(self) -> Mark:
        return self._count, (self._rows.mark(), self._ended), self._held

    def back_to(self, mark: Mark) -> None:
        count, held, kept = mark
        assert isinstance(held, tuple)
        assert kept is not None
        rows, self._ended = held
        self._rows.back_to(rows)
        self._held, self._count = kept, count or 0

    def read(self) -> bytes:
        held = self._held.astype("<f4").tobytes()
        return msgspec.msgpack.encode(_Remainder(counts.packed(self._count), self._ended, held, self._rows.read()))

    def write(self, remainder: bytes) -> None:
        try:
            plain = msgspec.msgpack.decode(remainder, type=_Remainder)
        except msgspec.DecodeError:
            raise damaged_state() from None
        held = np.frombuffer(plain.held[: len(plain.held) // 4 * 4], "<f4").astype(np.float32)
        sound = len(plain.held) == 4 * self._held.size and bool(np.isfinite(held).all())
        count = counts.unpacked(plain.count)
        if not sound or count > len(self._held):
            raise damaged_state()
        self._rows.write(plain.rows)
        self._held, self._count, self._ended = held.reshape(self._held.shape), count, plain.ended


class _Remainder(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    count: bytes
    ended: bool
    held: bytes
    rows: bytes
