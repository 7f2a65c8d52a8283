"""Reading a picture, a video or features that come in pieces, for models that write about them."""

import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from whorl.codecs.codec import Codec
from whorl.data import counts
from whorl.data.media_reader import MediaRows
from whorl.data.reader import Inputs, Mark, Reading, Row, RowReader, damaged_state
from whorl.errors import ArgumentError, DataError

# What was held before, and the steps (n, D) that came after it; None is nothing yet.
_Held = tuple["_Held", np.ndarray] | None


def check_number(count: int, most: int, name: str = "") -> None:
    """Raises DataError for several pictures where one is all that is read of a source; longer sources are cut."""
    if most == 1 and count > 1:
        told = f"`{name}`: " if name else ""
        raise DataError(
            f"{told}a source is one picture, but {count} came. Give each as a source of its own, or read them as the "
            "frames of a video, with `media` a whorl.Video(...)."
        )


class CaptionRows(RowReader):
    """Gives a source when it ends.

    Args:
        codec: of the source.
        most: steps that are kept of it, the first ones.
        opened: what the codec encodes of a piece, as of `MediaRows`.
    """

    def __init__(self, codec: Codec[Any], most: int, opened: Callable[[object], object] | None = None) -> None:
        self._rows = MediaRows(codec, opened)
        self._shape = most, codec.spec.width
        # What was held before, and the steps that came then: a mark can hold it, and a push adds to it without a copy.
        self._held: _Held = None
        self._count, self._ended = 0, False

    def push(self, row: Row, known: object = None) -> list[Inputs]:
        self._hold(self._rows.push(row, known))
        return []

    def flush(self) -> list[Inputs]:
        if self._ended:
            return []
        self._hold(self._rows.flush())
        self._ended = True
        whole = self._joined()
        return [{"source": whole[n : n + 1]} for n in range(self._count)]

    def _hold(self, readings: list[Inputs]) -> None:
        most = self._shape[0]
        check_number(self._count + len(readings), most)
        new = [reading["past"] for reading in readings][: most - self._count]
        if new:
            self._held, self._count = (self._held, np.concatenate(new)), self._count + len(new)

    def _joined(self) -> np.ndarray:
        """The steps that were kept, and zeros after them: as many at any time."""
        whole, held, end = np.zeros(self._shape, np.float32), self._held, self._count
        while held is not None:
            held, steps = held
            whole[end - len(steps) : end] = steps
            end -= len(steps)
        return whole

    def push_rows(self, rows: object, times: object = None, known: object = None) -> Reading:
        raise ArgumentError(
            "`push_rows` is of rows that are answered, but this model writes at the end. Push the pieces with `push`."
        )

    @property
    def time(self) -> np.ndarray:
        return counts.last_time(self._count)

    def mark(self) -> Mark:
        return self._count, (self._rows.mark(), self._ended, self._held), None

    def back_to(self, mark: Mark) -> None:
        count, kept, _ = mark
        assert isinstance(kept, tuple)
        rows, self._ended, self._held = kept
        self._rows.back_to(rows)
        self._count = count or 0

    def read(self) -> bytes:
        held = self._joined().astype("<f4").tobytes()
        return msgspec.msgpack.encode(_Remainder(counts.packed(self._count), self._ended, held, self._rows.read()))

    def write(self, remainder: bytes) -> None:
        try:
            plain = msgspec.msgpack.decode(remainder, type=_Remainder)
        except msgspec.DecodeError:
            raise damaged_state() from None
        held = np.frombuffer(plain.held[: len(plain.held) // 4 * 4], "<f4").astype(np.float32)
        sound = len(plain.held) == 4 * math.prod(self._shape) and bool(np.isfinite(held).all())
        count = counts.unpacked(plain.count)
        if not sound or count > self._shape[0]:
            raise damaged_state()
        self._rows.write(plain.rows)
        self._held = (None, held.reshape(self._shape)[:count]) if count else None
        self._count, self._ended = count, plain.ended


class _Remainder(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    count: bytes
    ended: bool
    held: bytes
    rows: bytes
