"""Reading a source that comes in pieces, for models that write something for it."""

import numpy as np

from whorl.codecs.text import TextCodec
from whorl.data.piece_rows import PieceRows
from whorl.data.reader import Inputs, damaged_state


class SourceRows(PieceRows):
    """Gives a source when it ends; what is certain of it before is told by `codes`.

    Args:
        column: of a piece, where it comes in a record.
        codec: of the source.
        longest: tokens that are kept of it.
    """

    def __init__(self, column: str, codec: TextCodec, longest: int) -> None:
        super().__init__(column, codec)
        self._longest = longest
        # As long at any token.
        self._held: np.ndarray = np.zeros(longest, np.int32)

    def _take(self, piece: str, row: object) -> list[Inputs]:
        self._hold(self._encoder.push(piece))
        return []

    def _end(self) -> list[Inputs]:
        self._hold(self._encoder.flush())
        codes = self._held[: self._count].astype(np.float32).reshape(-1, 1, 1)
        return [{"source": code} for code in codes]

    @property
    def codes(self) -> np.ndarray:
        """What is certain of the source, (n, 1): before its end the last of `longest` tokens may still be another."""
        count = self._count if self._ended else min(self._count, self._longest - 1)
        return self._held[:count].astype(np.float32).reshape(-1, 1)

    @property
    def ended(self) -> bool:
        """Whether all of the source was read."""
        return self._ended

    def _hold(self, codes: np.ndarray) -> None:
        """Keeps the first codes; behind them the last one stands for all that is left out, as in a whole text."""
        held = self._held.copy()
        for code in codes[:, 0].astype(np.int32).tolist():
            held[min(self._count, self._longest - 1)] = code
            self._count = min(self._count + 1, self._longest)
        self._held = held

    def _packed(self) -> bytes:
        return self._held.astype("<i4").tobytes()

    def _unpacked(self, held: bytes | None, count: int) -> np.ndarray:
        if held is None or len(held) != 4 * self._longest or count > self._longest:
            raise damaged_state()
        return np.frombuffer(held, "<i4").astype(np.int32)
