"""Answers that come late: a sequence goes on for some empty steps, and truths stand as many steps later."""

from dataclasses import replace
from typing import Self

import msgspec
import numpy as np

from whorl.data.pair_reader import PairReader
from whorl.data.reader import Inputs, Mark, Reader, Reading, Row, RowReader, damaged_state, readers
from whorl.data.sequences import Sequence
from whorl.data.text_reader import TextReader
from whorl.errors import ArgumentError, DataError, ModelFileError

# The time of a step that answers no row: before the first one, and where a gap was filled. Of dates it is NaT.
_NONE = np.iinfo(np.int64).min
_LONGEST = 1_000


@readers.add("late")
class LateReader(Reader):
    """Reads what another reader reads, for answers that come `lookahead` steps after their row.

    Args:
        reader: of the rows.
        lookahead: how much later, at least 1.
    """

    def __init__(self, reader: Reader, lookahead: int) -> None:
        self.reader, self.lookahead = reader, lookahead
        self.horizon, self.names, self.outputs = reader.horizon, reader.names, reader.outputs
        self.past = reader.past  # type: ignore[attr-defined]

    def read(self, source: object, *, known: object = None, targets: bool = False) -> list[Sequence]:
        return [self.later(one) for one in self.reader.read(source, known=known, targets=targets)]

    def looked_at(self, source: object) -> tuple[object, list[str]]:
        return self.reader.looked_at(source)

    def later(self, one: Sequence) -> Sequence:
        """The sequence with empty steps after it; its times, tokens and truths move to the steps of their answers."""
        count = self.lookahead
        targets = one.targets
        if targets is not None:
            targets = np.concatenate([np.full((count, targets.shape[1]), np.nan, targets.dtype), targets])
        tokens = None if one.tokens is None else np.concatenate([np.full(count, None, object), one.tokens])
        labels = None if one.labels is None else np.concatenate([np.full(count, None, object), one.labels])
        unknown = np.full(count, _NONE, np.int64).view(one.time.dtype)
        return replace(
            one,
            past=np.concatenate([one.past, np.zeros((count, one.past.shape[1]), one.past.dtype)]),
            time=np.concatenate([unknown, one.time]),
            targets=targets,
            labels=labels,
            tokens=tokens,
        )

    def open(self, key: str | None, *, fills_gaps: bool = False) -> RowReader:
        return _LateRows(self.reader.open(key, fills_gaps=fills_gaps), self.lookahead, self.past.spec.width)

    def times_after(self, times: np.ndarray) -> np.ndarray | None:
        return None

    def config(self) -> dict[str, object]:
        return {
            "reader": readers.name_of(type(self.reader)),
            "config": self.reader.config(),
            "lookahead": self.lookahead,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        return self.reader.arrays()

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        try:
            plain = msgspec.convert(config, _Config)
        except msgspec.ValidationError as error:
            raise ModelFileError(f"the reader of the model file is damaged: {error}") from None
        # Of these some have no answer for each row, and one is late already.
        never = LateReader | PairReader | TextReader
        known = plain.reader in readers and not issubclass(readers.get(plain.reader), never)
        if not known or not 1 <= plain.lookahead <= _LONGEST:
            raise ModelFileError(f"the reader of the model file is damaged: {plain.reader!r:.40}, {plain.lookahead}.")
        reader = readers.get(plain.reader).restore(plain.config, arrays)
        if reader.horizon:
            raise ModelFileError("the reader of the model file is damaged: it answers a horizon, late.")
        return cls(reader, plain.lookahead)


class _Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    reader: str
    config: dict[str, object]
    lookahead: int


class _LateRows(RowReader):
    """Reads one sequence row by row and remembers when the last rows happened; `flush` gives the empty steps."""

    def __init__(self, rows: RowReader, lookahead: int, width: int) -> None:
        self._rows, self.lookahead, self._width = rows, lookahead, width
        # Of the last steps and of as many before them as answers are late; never changed in place.
        self._times = np.full(lookahead, _NONE, np.int64)
        self._ended = False

    def push(self, row: Row, known: object = None) -> list[Inputs]:
        self._check_open()
        readings = self._rows.push(row, known)
        filled = np.full(max(0, len(readings) - 1), _NONE, np.int64)
        now = self._rows.time.reshape(1).view(np.int64) if readings else filled
        self._times = np.concatenate([self._times[-self.lookahead :], filled, now])
        return readings

    def flush(self) -> list[Inputs]:
        if self._ended:
            return []
        readings = self._rows.flush()
        if readings:
            raise ArgumentError("a reader that holds back its rows has no late answers. Choose lookahead=0.")
        self._ended = True
        empty = np.zeros((1, self._width), np.float32)
        self._times = np.concatenate([self._times[-self.lookahead :], np.full(self.lookahead, _NONE, np.int64)])
        return [{"past": empty} for _ in range(self.lookahead)]

    def push_rows(self, rows: object, times: object = None, known: object = None) -> Reading:
        self._check_open()
        reading = self._rows.push_rows(rows, times, known)
        count = len(reading.inputs["past"]) if reading.inputs else 0
        happened = np.full(count, _NONE, np.int64)
        happened[reading.steps] = reading.times.view(np.int64)
        whole = np.concatenate([self._times[-self.lookahead :], happened])
        self._times = whole[-self.lookahead :].copy()
        steps = np.flatnonzero(whole[:count] != _NONE)
        return Reading(reading.inputs, steps, whole[steps].view(reading.times.dtype))

    def origins(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        answered = self._times[:count]
        steps = np.flatnonzero(answered != _NONE)
        times = answered[steps]
        return steps, times.view(self._rows.time.dtype) if len(steps) else times

    def _check_open(self) -> None:
        if self._ended:
            raise DataError("the sequence has ended with `flush`, but a row came. Call `reset` before the next one.")

    @property
    def time(self) -> np.ndarray:
        return self._rows.time

    def mark(self) -> Mark:
        return int(self._ended), self._rows.mark(), self._times

    def back_to(self, mark: Mark) -> None:
        ended, inner, times = mark
        assert times is not None
        self._rows.back_to(inner)  # type: ignore[arg-type]
        self._ended, self._times = bool(ended), times

    def read(self) -> bytes:
        return bytes([self._ended]) + self._times[-self.lookahead :].astype("<i8").tobytes() + self._rows.read()

    def write(self, remainder: bytes) -> None:
        size = 1 + 8 * self.lookahead
        if len(remainder) < size or remainder[0] > 1:
            raise damaged_state()
        self._rows.write(remainder[size:])
        self._ended = remainder[0] == 1
        self._times = np.frombuffer(remainder[1:size], "<i8").astype(np.int64)
