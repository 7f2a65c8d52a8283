"""Reading a dialogue turn by turn, for models that answer each."""

from collections.abc import Mapping

import msgspec
import numpy as np

from whorl.codecs.alphabet import BEGIN, END
from whorl.codecs.text import TextCodec
from whorl.data import counts
from whorl.data.piece_rows import refuse_known
from whorl.data.reader import Inputs, Mark, Reading, Row, RowReader, damaged_state
from whorl.errors import ArgumentError, DataError

TEXT = "text"


def ended(codes: np.ndarray, *, own: bool) -> np.ndarray:
    """The codes (T, 1) of a turn with its end, or with a begin there where it was said by who answers now."""
    return np.concatenate([codes[:-1], np.full_like(codes[-1:], BEGIN)]) if own else codes


class TurnRows(RowReader):
    """Reads one dialogue; of what was said and answered it keeps the last turns.

    Args:
        codec: of a turn, with its end.
        context: most turns that are kept.
        longest: most tokens that are kept of them.
    """

    def __init__(self, codec: TextCodec, context: int, longest: int) -> None:
        self._codec, self._context, self._longest = codec, context, longest
        self._codes, self._count = np.zeros((0, 1), np.float32), 0

    def push(self, row: Row, known: object = None) -> list[Inputs]:
        refuse_known(known)
        text: object = row.get(TEXT) if isinstance(row, Mapping) else row
        if not isinstance(text, str) or not text.strip():
            raise DataError(
                f"a row of this model is a turn: text that is not blank, or a record with it under '{TEXT}', but "
                f"{row!r:.80} came."
            )
        self._hear(text, own=False)
        return [{"source": code} for code in self._codes[:, None]]

    def answered(self, answer: str) -> None:
        self._hear(answer, own=True)

    def _hear(self, text: str, *, own: bool) -> None:
        codes = np.concatenate([self._codes, ended(self._codec.encode(text.strip()), own=own)])
        ends = np.flatnonzero((codes == END) | (codes == BEGIN))
        if len(ends) > self._context:
            codes = codes[ends[-self._context - 1] + 1 :]
        self._codes, self._count = codes[-self._longest :], self._count + 1

    def push_rows(self, rows: object, times: object = None, known: object = None) -> Reading:
        raise ArgumentError("`push_rows` is of rows in time, but each turn of a dialogue is answered. Use `push`.")

    @property
    def time(self) -> np.ndarray:
        """The number of the last turn, answers counted too."""
        return counts.last_time(self._count)

    def mark(self) -> Mark:
        return self._count, None, self._codes

    def back_to(self, mark: Mark) -> None:
        count, _, codes = mark
        assert codes is not None
        self._count, self._codes = count or 0, codes

    def read(self) -> bytes:
        """As long after any number of turns: unused places hold -1."""
        codes = np.full(self._longest, -1, "<i4")
        codes[: len(self._codes)] = self._codes[:, 0]
        return msgspec.msgpack.encode(_Remainder(counts.packed(self._count), codes.tobytes()))

    def write(self, remainder: bytes) -> None:
        try:
            plain = msgspec.msgpack.decode(remainder, type=_Remainder)
        except msgspec.DecodeError:
            raise damaged_state() from None
        count = counts.unpacked(plain.count)
        if len(plain.codes) != 4 * self._longest:
            raise damaged_state()
        codes = np.frombuffer(plain.codes, "<i4")
        codes = codes[: int((codes >= 0).sum())]
        ends = int(np.isin(codes, (BEGIN, END)).sum())
        known = bool((codes >= 0).all() and (codes < len(self._codec.vocabulary)).all())
        if not known or ends > min(count, self._context) or bool(len(codes)) != bool(count):
            raise damaged_state()
        self._codes, self._count = codes.astype(np.float32).reshape(-1, 1), count


class _Remainder(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    count: bytes
    codes: bytes
