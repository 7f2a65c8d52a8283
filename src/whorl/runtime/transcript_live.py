"""Frames or samples in, and the transcript so far out; what comes at the end is final."""

from collections.abc import Callable
from collections.abc import Sequence as List
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from whorl.data.reader import Inputs, Mark, Row
from whorl.errors import ArgumentError, ModelFileError
from whorl.plans.decoding import Decoding
from whorl.runtime.choosing import log_softmax
from whorl.runtime.live import Live
from whorl.runtime.prediction import Prediction
from whorl.runtime.state import State
from whorl.runtime.transcribing import prediction, search_for

if TYPE_CHECKING:
    from whorl.runtime.model import Model

# Steps that were read, where the reader stands, the engine's state, where the search stands, and whether all was read.
_Mark = tuple[int, Mark, bytes, tuple[object, bool]]


class TranscriptLive(Live):
    """What a stream moves on where a text is said: reader, slot, and the search for the text.

    Args:
        model: answers.
        series: key of the sequence; empty where there is none.
        decoding: how a text is searched for; None lets the task choose.
    """

    __slots__ = ("_afresh", "_decoding", "_ended", "_search")

    def __init__(self, model: "Model", series: str, *, decoding: Decoding | None = None) -> None:
        self._decoding, self._ended = decoding, False
        self._afresh = search_for(model, decoding)
        self._search = self._afresh()
        super().__init__(model, series)

    def _maker(self) -> Callable[["Model", str], Live]:
        return partial(type(self), decoding=self._decoding)

    def mark(self) -> _Mark:
        """Where it stands."""
        return self.num_rows, self.rows.mark(), self._engine.read(self.slot), (self._search.mark(), self._ended)

    def back_to(self, mark: _Mark) -> None:
        """Stands there again."""
        self.num_rows, reader, engine, found = mark
        self.rows.back_to(reader)
        self._engine.write(self.slot, engine)
        own, self._ended = found
        self._search.back_to(own)

    def push(self, row: Row, known: object, *, last: bool = False) -> list[Prediction]:
        """Reads a frame, several, or a piece of samples: what is said so far, where that made a step or ended it."""
        self.check_open()
        if self._ended and last:
            return []
        mark = self.mark()
        try:
            moved = self._read(self.rows.flush() if last else self.rows.push(row, known), last=last)
            self._ended = last
            if not (moved or last):
                return []
            found = self._search.best(final=last)
            return [prediction(self.model, [self.series], [self.num_rows], [found], final=last)]
        except BaseException:
            self.back_to(mark)
            raise

    def _read(self, readings: List[Inputs], *, last: bool = False) -> int:
        """Moves on by the steps that were read, the `last` of which are empty where answers are late; how many."""
        if not readings:
            return 0
        steps = np.concatenate([inputs["past"] for inputs in readings])
        if len(steps):
            out = self._engine.run({"past": steps[None]}, slots=self._slots)[0]
            late = self.first - min(self.first, self.num_rows)
            self._search.read(log_softmax(out[late:, 0]))
            self.num_rows += len(steps) - (self.first if last else 0)
        return len(steps)

    def push_rows(self, rows: object, times: object, known: object, *, every_row: bool) -> Prediction:
        """Reads many frames; the one answer after the last of them."""
        if every_row:
            raise ArgumentError(
                "`push_rows` of a stream that transcribes answers once. Use every_row=False, or `push`, which takes "
                "pieces of any length."
            )
        self.check_open()
        mark = self.mark()
        try:
            self._read([self.rows.push_rows(rows, times, known).inputs])
            found = self._search.best(final=False)
            return prediction(self.model, [self.series], [self.num_rows], [found], final=False)
        except BaseException:
            self.back_to(mark)
            raise

    @property
    def state(self) -> State:
        """What the answers after the next push depend on; it holds the text so far."""
        self.check_open()
        own = msgspec.msgpack.encode(_Engine(self._engine.read(self.slot), self._search.packed(), self._ended))
        return State(self.model.identity, self.series, self.num_rows, self.rows.read(), own)

    def go_on(self, state: State) -> None:
        """Takes the place of the stream that made the state."""
        try:
            own = msgspec.msgpack.decode(state.engine, type=_Engine)
        except msgspec.DecodeError:
            raise ModelFileError("`state` holds no search for a text. It belongs to another model.") from None
        found = self._afresh()
        found.unpack(own.search, len(self.model.reader.classes))
        before = self._search, self._ended
        try:
            self._search, self._ended = found, own.ended
            super().go_on(replace(state, engine=own.slot))
        except BaseException:
            self._search, self._ended = before
            raise


class _Engine(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    slot: bytes
    search: bytes
    ended: bool
