"""One entity, live: a row comes, answers go. The same numbers as `predict` on the rows so far."""

import weakref
from typing import TYPE_CHECKING

import numpy as np

from whorl.errors import ArgumentError, ModelFileError
from whorl.runtime.prediction import Prediction
from whorl.runtime.state import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whorl.data.reader import Row
    from whorl.runtime.model import Model


class Stream:
    """The live side of a fitted model for one entity; made by `model.stream()`.

    Example:
        stream = model.stream(series="store-7")
        stream.push({"timestamp": "2026-11-21 09:00", "load": 3.1})  # -> list[Prediction], empty while warming up
        data = bytes(stream.state)
        stream.state = whorl.State.from_bytes(data)
    """

    def __init__(self, model: "Model", series: str | None) -> None:
        self._model = model
        self.series = "" if series is None else str(series)
        self._rows = model.reader.open(series)
        self._open()

    def _open(self) -> None:
        """Takes a fresh slot; it goes back when the stream is closed or forgotten."""
        self._slot = self._model.engine.open()
        self._release = weakref.finalize(self, self._model.engine.close, self._slot)
        self._release.atexit = False  # nobody needs the slot then
        self.num_rows = 0

    def push(self, row: "Row", known: object = None) -> list[Prediction]:
        """Reads one row.

        Args:
            row: a record, or the values in the order time, targets, past, known and static covariates.
            known: rows of known covariates for the steps ahead, for models that use them.

        Returns:
            The answers after this row: empty while warming up.

        Raises:
            DataError: the row breaks a rule, such as a timestamp not after the last. The state is as before.
        """
        return self._model.push_many([self], [row], [known])[0]

    def flush(self) -> list[Prediction]:
        """Ends the sequence and returns the answers that were held back; none for models that answer at once."""
        return []

    def reset(self) -> None:
        """Forgets everything: the next row is the first one."""
        self._check_open()
        self._release()
        self._rows = self._model.reader.open(self.series or None)
        self._open()

    @property
    def time(self) -> np.ndarray:
        """When the last row happened."""
        return self._rows.time

    @property
    def state(self) -> State:
        """The state as a value; assign one to go on from it."""
        self._check_open()
        return State(
            self._model.identity, self.series, self.num_rows, self._rows.read(), self._model.engine.read(self._slot)
        )

    @state.setter
    def state(self, state: State) -> None:
        self._check_open()
        if not isinstance(state, State):
            raise ArgumentError(
                f"`state` must be a whorl.State, but is a {type(state).__name__}. Use State.from_bytes."
            )
        if state.model != self._model.identity:
            raise ModelFileError(
                f"`state` belongs to model {state.model[:12]}, but this is model {self._model.identity[:12]}. "
                "Load the model that made it, or start afresh."
            )
        rows = self._model.reader.open(state.series or None)
        rows.write(state.reader)
        self._model.engine.write(self._slot, state.engine)
        self._rows, self.series, self.num_rows = rows, state.series, state.num_rows

    def close(self) -> None:
        """Gives the stream's slot back to the engine; the stream is of no use any more."""
        self._release()

    def _check_open(self) -> None:
        """A slot that was given back may belong to another stream by now."""
        if not self._release.alive:
            raise ArgumentError(f"the stream of series '{self.series}' is closed. Start another with model.stream().")


def push_many(
    streams: "Sequence[Stream]", rows: "Sequence[Row]", known: "Sequence[object] | None" = None
) -> list[list[Prediction]]:
    """Pushes one row into each of many streams of one model, in one step of the engine; see `Model.push_many`."""
    return streams[0]._model.push_many(list(streams), list(rows), known and list(known)) if streams else []
