"""Pieces of a source in, and at its end what is written for it: the streams of models that read a sequence whole.

A turn of a dialogue is such an end: it is answered, and the answer is read before the next one.
"""

from collections.abc import Sequence as List

import numpy as np

from whorl.data.reader import Row
from whorl.data.sequences import Sequence
from whorl.errors import ModelFileError
from whorl.runtime.live import Live
from whorl.runtime.prediction import Prediction
from whorl.runtime.state import State
from whorl.runtime.writing import answered


class SourceLive(Live):
    """What a stream moves on where nothing is answered before the end: the reader of pieces alone.

    Args:
        model: answers.
        series: key of the source; empty where there is none.
    """

    __slots__ = ()

    def _take_slot(self) -> None:
        """None is needed before the end, and then a search takes its own."""
        self.slot = -1

    def push(self, row: Row, known: object, *, last: bool = False) -> list[Prediction]:
        """Reads a piece, which has no answer, or what ends the source, which has one."""
        self.check_open()
        rows, num_rows, mark = self.rows, self.num_rows, self.rows.mark()
        try:
            readings = rows.flush() if last else rows.push(row, known)
            if not readings:
                return []
            codes, origin = np.concatenate([reading["source"] for reading in readings]), int(rows.time)
            one = Sequence(
                key=self.series,
                past=codes[:1],
                time=np.arange(1),
                source=codes.reshape(len(codes), -1),
                origin=origin,
            )
            prediction = answered(self.model, [one], None)
            rows.answered(prediction.value[0])
            self.num_rows = int(rows.time) + 1
            return [prediction]
        except BaseException:
            self.num_rows = num_rows
            rows.back_to(mark)
            raise

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
        self.rows, self.series, self.num_rows = rows, state.series, state.num_rows


def push_each(lives: "List[Live]", rows: "List[Row]", known: "List[object]") -> list[list[Prediction]]:
    """Pushes one piece into each of different streams; on an error all are as before."""
    before = [(live, live.num_rows, live.rows.mark()) for live in lives]
    try:
        return [live.push(row, ahead) for live, row, ahead in zip(lives, rows, known, strict=True)]
    except BaseException:
        for live, num_rows, mark in before:
            live.num_rows = num_rows
            live.rows.back_to(mark)
        raise
