"""One entity, live: a row comes, answers go. The same numbers as `predict` on the rows so far."""

import copy
from typing import TYPE_CHECKING, Self

import numpy as np

from whorl.data.series import key_of
from whorl.errors import ArgumentError, ModelFileError
from whorl.plans.table import Table
from whorl.runtime.live import Live
from whorl.runtime.prediction import Prediction
from whorl.runtime.source_live import SourceLive
from whorl.runtime.state import State, mismatch
from whorl.runtime.transcribing import transcribes
from whorl.runtime.transcript_live import TranscriptLive
from whorl.runtime.writing import check_streamed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whorl.data.reader import Row
    from whorl.plans.decoding import Decoding
    from whorl.runtime.model import Model


class Stream:
    """The live side of a fitted model for one entity; made by `model.stream()`.

    A copy or a pickle goes on from the same state, independent of this stream. `copy.copy` keeps the model,
    `copy.deepcopy` copies it too.

    Args:
        model: answers.
        series: key of the sequence; a number is spelled as a table's series column spells it, 7.0 as '7'.
        fills_gaps: fills gaps with missing values where the model was fitted to refuse them.
        decoding: how the tokens of an answer that is written are chosen; None lets the task choose. It is no part of
            the state.

    Attributes:
        live: what a push moves; of the model, not of the user.

    Example:
        stream = model.stream(series="store-7")
        stream.push({"timestamp": "2026-11-21 09:00", "load": 3.1})  # -> list[Prediction], empty while warming up
        data = bytes(stream.state)
        stream.state = whorl.State.from_bytes(data)
    """

    def __init__(
        self, model: "Model", series: str | None, *, fills_gaps: bool = False, decoding: "Decoding | None" = None
    ) -> None:
        if decoding is not None:
            check_streamed(model, decoding)
        if transcribes(model):
            self.live: Live = TranscriptLive(model, _key(series), decoding=decoding)
        elif model.encoder is None:
            self.live = Live(model, _key(series), fills_gaps=fills_gaps)
        else:
            self.live = SourceLive(model, _key(series), decoding=decoding)

    def __copy__(self) -> Self:
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.live = copy.copy(self.live)
        return made

    @property
    def series(self) -> str:
        """The key of the sequence; empty where there is none."""
        return self.live.series

    @property
    def num_rows(self) -> int:
        """Rows read so far, with those that filled gaps."""
        return self.live.num_rows

    def push(self, row: "Row", known: object = None) -> list[Prediction]:
        """Reads one row.

        Args:
            row: a record, or the values in the order time, targets, past, known and static covariates.
            known: rows of known covariates for the steps ahead, for models that use them.

        Returns:
            The answers after this row: empty while warming up.

        Raises:
            DataError: the row breaks a rule, such as a timestamp not after the last. The state is as before.
            ArgumentError: `known` was given to a model without known covariates. The state is as before.
        """
        return self.live.push(row, known)

    def push_rows(
        self, rows: object, *, time: object = None, known: object = None, every_row: bool = True
    ) -> Prediction:
        """Reads many rows in order at once, with the numbers of pushing each and without the cost of a call for each.

        Args:
            rows: an array (T, D) or a list of rows whose values stand in the order of a row, or whatever `predict`
                reads: a path, a frame, records.
            time: (T,) times of the rows, for an array without a time column.
            known: rows of known covariates for the steps after the last row, as many as `push` takes, for models that
                use them; those of the other rows are read from the rows after them, and are missing where a gap is
                filled.
            every_row: answer after every row; False answers after the last one only.

        Returns:
            The answers below each other, one for each row that has enough rows before it; there may be none.

        Raises:
            DataError: a row breaks a rule, or a record lacks a column. The state is as before the first row.
            ArgumentError: `known` was given to a model without known covariates. The state is as before.
        """
        return self.live.push_rows(rows, time, known, every_row=every_row)

    def flush(self) -> list[Prediction]:
        """Ends the sequence and returns the answers that were held back; none for models that answer at once.

        Of a model with a lookahead, those of the last rows.
        """
        self.live.check_open()
        return self.live.push((), None, last=True)

    def reset(self) -> None:
        """Forgets everything: the next row is the first one."""
        self.live.check_open()
        before = self.live
        # At once: a signal leaves the stream as it was, or reset.
        self.live = before.afresh()
        before.close()

    @property
    def time(self) -> np.ndarray:
        """When the last row happened; a DataError before the first row."""
        return self.live.rows.time

    @property
    def state(self) -> State:
        """The state as a value; assign one to go on from it."""
        return self.live.state

    @state.setter
    def state(self, state: State) -> None:
        self.live.check_open()
        if not isinstance(state, State):
            raise ArgumentError(
                f"`state` must be a whorl.State, but is a {type(state).__name__}. Use State.from_bytes."
            )
        identity = self.live.model.identity
        if state.model != identity:
            raise ModelFileError(mismatch(state.model, identity))
        self.live.go_on(state)

    def close(self) -> None:
        """Gives the stream's slot back to the engine; the stream is of no use any more."""
        self.live.close()


def _key(series: object) -> str:
    """What a series is called: text as it is, and what else names a series in a table as it is spelled there."""
    if series is None or isinstance(series, str):
        return series or ""
    key = key_of(series, "series", Table())
    if key is None:
        raise ArgumentError(f"`series` must name a series, but is {series!r}. Give its name, or leave it out.")
    return key


def push_many(
    streams: "Iterable[Stream]", rows: "Iterable[Row]", known: "Iterable[object] | None" = None
) -> list[list[Prediction]]:
    """Pushes one row into each of many streams of one model, in one step of the engine; see `Model.push_many`."""
    lives, given, ahead = list(streams), list(rows), None if known is None else list(known)
    if not lives:
        check_one_each(lives, given, ahead)
        return []
    return lives[0].live.model.push_many(lives, given, ahead)


def check_one_each(streams: "Sequence[Stream]", rows: "Sequence[Row]", known: "Sequence[object] | None") -> None:
    """Raises ArgumentError unless the streams are different and there is one row, and one `known`, for each."""
    if len({id(stream) for stream in streams}) != len(streams):
        raise ArgumentError("`streams` must be different streams, but one came twice. Push its rows one after another.")
    for name, given in (("rows", rows), ("known", known)):
        if given is not None and len(given) != len(streams):
            raise ArgumentError(
                f"`{name}` must hold one for each of the {len(streams)} streams, but holds {len(given)}. "
                f"Give as many{' or leave it out' if name == 'known' else ''}."
            )
