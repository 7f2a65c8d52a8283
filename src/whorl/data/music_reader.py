"""Pieces of music to encoded sequences: at each step a chord or an event, and a label of the whole piece beside it."""

from collections.abc import Mapping
from collections.abc import Sequence as List
from dataclasses import asdict
from typing import Self

import msgspec
import numpy as np

from whorl.codecs.codes import column
from whorl.codecs.frame import Frame
from whorl.codecs.music import END, MusicCodec
from whorl.codecs.notation import Moment, piece_of_moments
from whorl.codecs.piece import Piece
from whorl.codecs.table import TableCodec
from whorl.data import counts
from whorl.data.notes import Notes
from whorl.data.parts import configured, joined, split, table_of
from whorl.data.piece_rows import refuse_known
from whorl.data.problems import plural
from whorl.data.reader import Inputs, Mark, Reader, Reading, Row, RowReader, damaged_state, readers
from whorl.data.scores import Score, scores
from whorl.data.sequences import Sequence
from whorl.data.text_columns import StepColumns
from whorl.data.vocabulary import Vocabulary
from whorl.errors import DataError, ModelFileError
from whorl.plans.table import Table

NOTES, EVENT, NEXT_EVENT = "notes", "event", "next event"


@readers.add("music")
class MusicReader(Reader):
    """Reads pieces as one chord or event a step, whose truth is the one of the step after it.

    Args:
        music: encodes moments.
        condition: name of the label that stands beside every step; None where there is none.
        beside: encodes the label, or None.
        table: how tables of paths are read.
    """

    outputs: Notes | Vocabulary

    def __init__(self, *, music: MusicCodec, condition: str | None, beside: TableCodec | None, table: Table) -> None:
        self.music, self.condition, self.table = music, condition, table
        self.past = StepColumns(music, beside)
        self.outputs = Notes(music) if music.is_roll else Vocabulary(music)
        self.horizon = 1
        self.names = self.outputs.names if isinstance(self.outputs, Notes) else (NEXT_EVENT,)

    def read(self, source: object, *, known: object = None, targets: bool = False) -> list[Sequence]:
        refuse_known(known)
        found = scores(source, self.music, self.condition, self.table)
        if not targets:
            self._check_range(found)
        return [self.encode(one, ends=targets) for one in found]

    def _check_range(self, found: List[Score]) -> None:
        """Raises DataError for a beginning with notes out of the range, as a stream does: what follows is of others."""
        for score in found:
            if score.left_out:
                plan = self.music.plan
                raise DataError(
                    f"piece {score.name}: notes are from {plan.lowest} to {plan.highest} (`lowest`, `highest`), but "
                    f"{plural(score.left_out, 'note')} of it {'is' if score.left_out == 1 else 'are'} out of that "
                    "range. Leave them out, or fit a model of a wider range."
                )

    def encode(self, score: Score, *, ends: bool = True) -> Sequence:
        """Encodes a piece; of events, its end is one, too.

        A piece without an end is one that goes on: notes that sound where it stops sound on. Of a roll that has nothing
        to go on from it is one silent step.
        """
        rows = self.music.encode(score.moments[: len(score.moments) - (0 if ends else score.closing)])
        if self.music.is_roll:
            rows = rows if len(rows) or ends else self.music.encode([()])
        elif ends:
            rows = np.concatenate([rows, column([END])])
        past = self.past.rows(rows, self._label(score))
        targets = past[:, : len(self.names)]
        return Sequence(key=score.name, past=past, time=np.arange(len(past), dtype=np.int64), targets=targets)

    def _label(self, score: Score) -> np.ndarray:
        """What stands beside each step of a piece, (1, D)."""
        codec = self.past.beside
        if codec is None:
            return np.empty((1, 0), np.float32)
        if score.label is None:
            raise DataError(
                f"this model reads a label, '{self.condition}', beside a piece, but piece {score.name} has none. Give "
                "pairs of pieces and labels, (pieces, labels), or a table with both."
            )
        return codec.encode(label_frame(self.condition or "", [score.label]))

    def piece(self, rows: np.ndarray) -> Piece:
        """The piece of rows (T, D)."""
        width = len(self.music.pitches) if self.music.is_roll else 1
        return piece_of_moments(self.music.decode(rows[:, :width]), self.music.plan)

    def open(self, key: str | None, *, fills_gaps: bool = False) -> RowReader:
        return MusicRows(self.music, self.past)

    def times_after(self, times: np.ndarray) -> np.ndarray | None:
        return None

    def config(self) -> dict[str, object]:
        beside = self.past.beside
        return {
            "condition": self.condition,
            "music": self.music.config(),
            "beside": None if beside is None else beside.config(),
            "table": asdict(self.table),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        return joined({"beside": self.past.beside})

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        plain = configured(config, _Config)
        table = table_of(plain.table)
        parts = split(arrays, () if plain.beside is None else ("beside",))
        music = MusicCodec.restore(plain.music, {})
        beside = None if plain.beside is None else TableCodec.restore(plain.beside, parts["beside"])
        labels = () if beside is None else (*beside.numeric, *beside.categories)
        timed = beside is not None and (beside.calendar, beside.elapsed) != (None, None)
        if timed or labels != (() if plain.condition is None else (plain.condition,)):
            raise ModelFileError("the reader of the model file does not fit its codecs. Save the model again.")
        return cls(music=music, condition=plain.condition, beside=beside, table=table)


class _Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    condition: str | None
    music: dict[str, object]
    beside: dict[str, object] | None
    table: dict[str, object]


def label_frame(name: str, labels: List[str | None]) -> Frame:
    """Labels of pieces as a column."""
    made = np.empty(len(labels), object)
    made[:] = labels
    return Frame({name: made}, "the pieces")


class MusicRows(RowReader):
    """Reads the moments of a piece as they come; the label comes with the first one and holds for all of it.

    Args:
        music: encodes moments.
        past: what a step is.
    """

    def __init__(self, music: MusicCodec, past: StepColumns) -> None:
        self._music, self._past = music, past
        self._column = NOTES if music.is_roll else EVENT
        self._encoder = music.chunks()
        # It is replaced and never changed, so that a mark can hold it.
        self._held: np.ndarray | None = None
        self._count = 0

    def push(self, row: Row, known: object = None) -> list[Inputs]:
        rows = self._encoded([self._moment(row)], row, known)
        return [{"past": rows[n : n + 1]} for n in range(len(rows))]

    def push_rows(self, rows: object, times: object = None, known: object = None) -> Reading:
        if times is not None or isinstance(rows, str | Mapping) or not isinstance(rows, List):
            raise DataError(f"rows of this model are a list of {self._music.kind}, without times. Give such a list.")
        before = self._count
        made = self._encoded([self._moment(row) for row in rows], rows[0] if len(rows) else None, known)
        begun = len(made) - len(rows)  # the code of the begin, before the first row
        steps = np.arange(begun, len(made), dtype=np.int64)
        return Reading({"past": made}, steps, before + steps)

    def _moment(self, row: object) -> Moment:
        moment: object = row
        if isinstance(row, Mapping):
            if self._column not in row:
                raise DataError(
                    f"a row of this model is one of {self._music.kind}, or a record with '{self._column}', but "
                    f"{row!r:.80} came."
                )
            moment = row[self._column]
        return tuple(moment) if isinstance(moment, list | np.ndarray) else moment  # type: ignore[return-value]

    def _encoded(self, moments: list[Moment], first: object, known: object) -> np.ndarray:
        refuse_known(known)
        beside = self._held
        if beside is None and len(moments):
            beside = self._past.of_row(first, self._column, "the first row of a piece")
        if beside is None:
            return np.empty((0, self._past.spec.width), np.float32)
        made = self._past.rows(self._encoder.push(moments), beside)
        self._held = beside
        self._count += len(made)
        return made

    @property
    def time(self) -> np.ndarray:
        return counts.last_time(self._count)

    def mark(self) -> Mark:
        return self._count, self._encoder.read(), self._held

    def back_to(self, mark: Mark) -> None:
        count, encoder, self._held = mark
        assert isinstance(encoder, bytes)
        self._encoder.write(encoder)
        self._count = count or 0

    def read(self) -> bytes:
        held = None if self._held is None else self._held.tobytes()
        return msgspec.msgpack.encode(_Remainder(counts.packed(self._count), self._encoder.read(), held))

    def write(self, remainder: bytes) -> None:
        try:
            plain = msgspec.msgpack.decode(remainder, type=_Remainder)
        except msgspec.DecodeError:
            raise damaged_state() from None
        count, size = counts.unpacked(plain.count), self._past.spec.width - self._music.spec.width
        if plain.held is not None and len(plain.held) != 4 * size:
            raise damaged_state()
        self._encoder.write(plain.encoder)
        held = plain.held
        self._held = None if held is None else np.frombuffer(held, np.float32).reshape(1, size)
        self._count = count


class _Remainder(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    count: bytes
    encoder: bytes
    held: bytes | None
