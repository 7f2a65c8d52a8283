"""A step of a text: its token, with the columns beside the text that hold for all of it, whole or piece by piece."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from whorl.codecs.table import TableCodec
from whorl.codecs.text import TextCodec
from whorl.data.piece_rows import PieceRows
from whorl.data.reader import Inputs, damaged_state
from whorl.data.sources import read_table
from whorl.errors import DataError
from whorl.plans.table import Table
from whorl.specs import Fields, Spec


class _Described(Protocol):
    @property
    def spec(self) -> Spec: ...


class StepColumns:
    """What a step is: its own columns, and what stands beside all steps of its sequence.

    Args:
        step: the codec of the steps.
        beside: encodes the other columns of an example, or None.
    """

    def __init__(self, step: _Described, beside: TableCodec | None) -> None:
        self._step, self.beside = step, beside

    @property
    def spec(self) -> Spec:
        """Columns of an encoded sequence."""
        beside = {} if self.beside is None else self.beside.spec.fields  # type: ignore[union-attr]
        # A column may have any name, ' ' and its own name are none of those a table's codec gives.
        return Fields({" text": self._step.spec, **beside})

    def rows(self, steps: np.ndarray, beside: np.ndarray) -> np.ndarray:
        """Steps (T, S) with what stands beside them (1, D) at each, (T, S + D)."""
        return np.concatenate([steps, np.repeat(beside, len(steps), axis=0)], axis=1)

    def of_row(self, row: object, column: str, what: str) -> np.ndarray:
        """What stands beside the steps, (1, D), of the record that the first of them came in.

        Args:
            row: as it came.
            column: of the steps, in a record.
            what: came, in a message.

        Raises:
            DataError: it is no record, or lacks a column.
        """
        codec = self.beside
        if codec is None:
            return np.empty((1, 0), np.float32)
        names = (*codec.numeric, *codec.categories)
        if not isinstance(row, Mapping) or any(name not in row for name in names):
            raise DataError(
                f"{what} comes as a record with the columns {', '.join(map(repr, names))} beside "
                f"'{column}', but {row!r:.80} came. Give what is known, and None for what is not."
            )
        kinds = dict.fromkeys(codec.numeric, "numeric") | dict.fromkeys(codec.categories, "category")
        frame = read_table({name: [row[name]] for name in names}, Table(kinds=kinds))  # type: ignore[arg-type]
        return codec.encode(frame)


class TextColumns(StepColumns):
    """What a step of a text is: its token, and what stands beside the text.

    Args:
        text: encodes texts.
        beside: encodes the other columns of an example, or None.
    """

    def __init__(self, text: TextCodec, beside: TableCodec | None) -> None:
        super().__init__(text, beside)
        self.text = text


class TextRows(PieceRows):
    """Gives the tokens of each piece. What stands beside the text comes with the first one and holds for all of it."""

    def __init__(self, column: str, past: TextColumns) -> None:
        super().__init__(column, past.text)
        self._past = past

    def _take(self, piece: str, row: object) -> list[Inputs]:
        beside = self._held
        if beside is None:
            beside = self._past.of_row(row, self._column, "the first piece of a text")
        codes = self._encoder.push(piece)
        self._held = beside
        return self._inputs(codes, beside)

    def _end(self) -> list[Inputs]:
        if self._held is None:
            if self._past.beside is not None:
                raise DataError("the text has no piece yet, so nothing is known beside it. Push one before `flush`.")
            self._held = np.empty((1, 0), np.float32)
        return self._inputs(self._encoder.flush(), self._held)

    def _inputs(self, codes: np.ndarray, beside: np.ndarray) -> list[Inputs]:
        rows = self._past.rows(codes, beside)
        self._count += len(rows)
        return [{"past": rows[n : n + 1]} for n in range(len(rows))]

    def _packed(self) -> bytes | None:
        return None if self._held is None else self._held.tobytes()

    def _unpacked(self, held: bytes | None, count: int) -> np.ndarray | None:
        width = self._past.spec.width - 1
        if held is not None and len(held) != 4 * width:
            raise damaged_state()
        return None if held is None else np.frombuffer(held, np.float32).reshape(1, width)
