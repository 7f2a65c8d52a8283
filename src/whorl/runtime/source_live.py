"""Pieces of a source in, and what is written for it out: at its end, or, of models that wait less, while it comes.

A turn of a dialogue is an end: it is answered, and the answer is read before the next one.
"""

from collections.abc import Callable
from collections.abc import Sequence as List
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from whorl.data.reader import Inputs, Mark, Row, RowReader
from whorl.data.sequences import Sequence
from whorl.data.source_rows import SourceRows
from whorl.errors import ModelFileError
from whorl.plans.decoding import Decoding
from whorl.runtime.live import Live
from whorl.runtime.prediction import Prediction
from whorl.runtime.state import State
from whorl.runtime.transcript_live import TranscriptLive
from whorl.runtime.waiting import Begun, begun, gone_on
from whorl.runtime.writing import answered, prediction, wait_of

if TYPE_CHECKING:
    from whorl.runtime.model import Model

# Pieces that were read, where the reader stands, and what was written.
_Mark = tuple[int, Mark, Begun | None]


class SourceLive(Live):
    """What a stream moves on where a text is written: the reader of pieces, and what was written so far.

    Of a model that reads all before it writes nothing was, and of any other it follows from what was read.

    Args:
        model: answers.
        series: key of the source; empty where there is none.
        decoding: how the tokens of an answer are chosen; None lets the task choose.
    """

    __slots__ = ("_begun", "_decoding")

    def __init__(self, model: "Model", series: str, *, decoding: Decoding | None = None) -> None:
        self._decoding = decoding
        super().__init__(model, series)

    def _maker(self) -> Callable[["Model", str], Live]:
        return partial(type(self), decoding=self._decoding)

    def _take_slot(self) -> None:
        """None is kept between pushes: what writes takes its own."""
        self.slot = -1
        self._begun = None if wait_of(self.model) is None else begun(self.model)

    def mark(self) -> _Mark:
        """Where it stands."""
        return self.num_rows, self.rows.mark(), self._begun

    def back_to(self, mark: _Mark) -> None:
        """Stands there again."""
        self.num_rows, reader, self._begun = mark
        self.rows.back_to(reader)

    def push(self, row: Row, known: object, *, last: bool = False) -> list[Prediction]:
        """Reads a piece, which has an answer where tokens are due, or what ends the source, which has the whole one."""
        self.check_open()
        rows, mark = self.rows, self.mark()
        try:
            readings = rows.flush() if last else rows.push(row, known)
            if self._begun is None:
                return [self._whole(rows, readings)] if readings else []
            return self._due(rows, self._begun, readings) if readings or not last else []
        except BaseException:
            self.back_to(mark)
            raise

    def _whole(self, rows: RowReader, readings: List[Inputs]) -> Prediction:
        """What is written for a source that was read whole."""
        codes, origin = np.concatenate([reading["source"] for reading in readings]), int(rows.time)
        one = Sequence(
            key=self.series, past=codes[:1], time=np.arange(1), source=codes.reshape(len(codes), -1), origin=origin
        )
        made = answered(self.model, [one], self._decoding)
        rows.answered(made.value[0])
        self.num_rows = int(rows.time) + 1
        return made

    def _due(self, rows: RowReader, before: Begun, readings: List[Inputs]) -> list[Prediction]:
        """What is written now that so much was read."""
        assert isinstance(rows, SourceRows)
        codes = rows.codes
        self.num_rows = int(rows.time) + 1 if len(codes) else 0
        one = Sequence(key=self.series, past=codes[:1], time=np.arange(1), source=codes)
        self._begun = now = gone_on(self.model, before, codes, whole=rows.ended)
        if len(now.tokens) == len(before.tokens) and not rows.ended:
            return []
        return [prediction(self.model, [one], [now.decoded], final=rows.ended)]

    @property
    def state(self) -> State:
        """What the answer at the end depends on."""
        self.check_open()
        return State(self.model.identity, self.series, self.num_rows, self.rows.read(), b"")

    def go_on(self, state: State) -> None:
        """Takes the place of the stream that made the state."""
        if state.engine:
            raise ModelFileError("`state` holds an engine's, but this model keeps none. It belongs to another model.")
        rows = self._reading(state.series)
        rows.write(state.reader)
        begins = None
        if self._begun is not None:
            assert isinstance(rows, SourceRows)
            begins = gone_on(self.model, begun(self.model), rows.codes, whole=rows.ended)
        before = self.rows, self.series, self.num_rows, self._begun
        try:
            self.rows, self.series, self.num_rows, self._begun = rows, state.series, state.num_rows, begins
        except BaseException:
            self.rows, self.series, self.num_rows, self._begun = before
            raise


def push_each(lives: "List[Live]", rows: "List[Row]", known: "List[object]") -> list[list[Prediction]]:
    """Pushes one piece into each of different streams; on an error all are as before."""
    before = [(live, live.mark()) for live in lives if isinstance(live, SourceLive | TranscriptLive)]
    try:
        return [live.push(row, ahead) for live, row, ahead in zip(lives, rows, known, strict=True)]
    except BaseException:
        for live, mark in before:
            live.back_to(mark)  # type: ignore[arg-type]
        raise
