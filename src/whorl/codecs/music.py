"""Music as numbers: chords as columns of zeros and ones, or events as codes."""

from collections.abc import Iterable
from collections.abc import Sequence as List
from dataclasses import asdict
from typing import Self

import msgspec
import numpy as np

from whorl.codecs.codec import Codec, Encoder, codecs
from whorl.codecs.codes import codes_of, column
from whorl.codecs.notation import Moment
from whorl.errors import ArgumentError, DataError, ModelFileError, did_you_mean
from whorl.plans.music import Music
from whorl.specs import Flags, Spec, Tokens

BEGIN, END = 0, 1
_RESERVED = ("begin", "end")
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def note_name(pitch: int) -> str:
    """The name of a note, whose C in the middle is C4."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


@codecs.add("music")
class MusicCodec(Codec[List[Moment]]):
    """Encodes pieces, moment by moment; nothing is learned.

    Of a roll a moment is a chord, the notes that sound at a step, and its row has a 1 for each of them. It says which
    notes sound and not whether they are held or struck again; what comes back is held.

    Of events a moment is a word: 'on 60' and 'off 60' begin and end a note, 'velocity 3' says how loud those after it
    are, 'wait 4' lets so many steps pass (Oore et al. 2018, section 3). A piece begins with a code of its own. At one
    time notes end before others begin, the lower ones first.

    Args:
        plan: what a step is, and which notes there are.
    """

    def __init__(self, plan: Music) -> None:
        self.plan = plan
        self.pitches = range(plan.lowest, plan.highest + 1)
        self.is_roll = plan.steps == "roll"
        degrees = range(plan.velocities) if plan.velocities > 1 else ()
        self.vocabulary: tuple[str, ...] = (
            *_RESERVED,
            *(f"on {pitch}" for pitch in self.pitches),
            *(f"off {pitch}" for pitch in self.pitches),
            *(f"velocity {degree}" for degree in degrees),
            *(f"wait {count}" for count in range(1, plan.waits + 1)),
        )
        self._codes = {word: code for code, word in enumerate(self.vocabulary)}
        # Steps that each event waits, (V,).
        self.waits = np.array([int(word[5:]) if word.startswith("wait ") else 0 for word in self.vocabulary], np.int64)

    def fit(self, sequences: Iterable[List[Moment]]) -> Self:
        return self

    @property
    def spec(self) -> Spec:
        return Flags(len(self.pitches)) if self.is_roll else Tokens(len(self.vocabulary))

    def encode(self, values: List[Moment]) -> np.ndarray:
        return self.chunks().push(values)

    def rows(self, moments: List[Moment]) -> np.ndarray:
        """Rows of moments, (n, width); raises DataError for what is none of this codec."""
        if not isinstance(moments, list | tuple):
            raise DataError(f"a piece is a list of {self.kind}, but {moments!r:.60} came. Put them into a list.")
        if not self.is_roll:
            return column([self._code(moment, n) for n, moment in enumerate(moments)])
        made = np.zeros((len(moments), len(self.pitches)), np.float32)
        for n, moment in enumerate(moments):
            made[n, [note - self.plan.lowest for note in self._notes(moment, n)]] = 1.0
        return made

    @property
    def kind(self) -> str:
        """What moments are, as a user calls them."""
        return "chords such as [60, 64, 67]" if self.is_roll else "events such as 'on 60'"

    def _notes(self, chord: object, number: int) -> list[int]:
        if not isinstance(chord, list | tuple | np.ndarray):
            raise DataError(f"a step of a roll is the list of its notes, but step {number} is {chord!r:.60}.")
        for note in chord:
            if not isinstance(note, int | np.integer) or note is True or note is False or note not in self.pitches:
                raise DataError(
                    f"notes are whole numbers from {self.plan.lowest} to {self.plan.highest} (`lowest`, `highest`), "
                    f"but step {number} has {note!r:.40}. Leave it out, or fit a model of a wider range."
                )
        return [int(note) for note in chord]

    def _code(self, event: object, number: int) -> int:
        code = self._codes.get(event) if isinstance(event, str) else None
        if code is None or code < len(_RESERVED):
            close = did_you_mean(str(event)[:40], self.vocabulary[len(_RESERVED) :])
            raise DataError(
                f"event {number} is {event!r:.60}, but events of this model are 'on N' and 'off N' with notes from "
                f"{self.plan.lowest} to {self.plan.highest}, 'velocity V' and 'wait W'.{close}"
            )
        return code

    def decode(self, array: np.ndarray) -> list[Moment]:
        """Moments of rows; the codes of begin and end are left out."""
        if not self.is_roll:
            codes = codes_of(array, len(self.vocabulary)).tolist()
            return [self.vocabulary[code] for code in codes if code >= len(_RESERVED)]
        values = np.asarray(array)
        if values.ndim != 2 or values.shape[1] != len(self.pitches):
            raise DataError(f"`decode` takes (T, {len(self.pitches)}) zeros and ones, but {values.shape} came.")
        return [tuple((np.flatnonzero(row > 0.5) + self.plan.lowest).tolist()) for row in values]

    def chunks(self) -> "MusicEncoder":
        return MusicEncoder(self)

    def transposed(self, rows: np.ndarray, by: int) -> np.ndarray:
        """Rows of the same music so many semitones higher; no note may leave the range."""
        if by == 0:
            return rows
        size = len(self.pitches)
        made = rows.copy()
        if self.is_roll:
            made[:, :size] = np.roll(rows[:, :size], by, axis=1)
            return made
        codes = made[:, 0]
        codes[(codes >= len(_RESERVED)) & (codes < len(_RESERVED) + 2 * size)] += by
        return made

    def range_of(self, rows: np.ndarray) -> tuple[int, int]:
        """The lowest and the highest note of rows, counted from the lowest there is; (0, n - 1) where none sounds."""
        size = len(self.pitches)
        if self.is_roll:
            held = np.flatnonzero((rows[:, :size] > 0).any(axis=0))
        else:
            codes = rows[:, 0].astype(np.int64) - len(_RESERVED)
            held = np.unique(codes[(codes >= 0) & (codes < 2 * size)] % size)
        return (int(held.min()), int(held.max())) if len(held) else (0, size - 1)

    def config(self) -> dict[str, object]:
        return {**asdict(self.plan), "transpose": list(self.plan.transpose)}

    def arrays(self) -> dict[str, np.ndarray]:
        return {}

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        try:
            codec = cls(msgspec.convert(config, Music))
        except (msgspec.ValidationError, ArgumentError) as error:
            raise ModelFileError(f"The music codec of the model file is damaged: {error}") from None
        if arrays or set(config) != set(codec.config()):
            raise ModelFileError(f"The music codec of the model file is damaged: it has {sorted(config)}.")
        return codec


class MusicEncoder(Encoder[List[Moment]]):
    """Encodes the moments of one piece as they come; all that is remembered is whether one came.

    Args:
        codec: whose codes they are.
    """

    def __init__(self, codec: MusicCodec) -> None:
        self._codec, self._begun = codec, codec.is_roll

    def push(self, piece: List[Moment]) -> np.ndarray:
        rows = self._codec.rows(piece)
        begin = column([] if self._begun else [BEGIN])
        self._begun = True
        return rows if self._codec.is_roll else np.concatenate([begin, rows])

    def flush(self) -> np.ndarray:
        return self._codec.rows([]) if self._begun else self.push([])

    def read(self) -> bytes:
        return bytes([self._begun])

    def write(self, remainder: bytes) -> None:
        if remainder not in (b"\x00", b"\x01") or (self._codec.is_roll and remainder == b"\x00"):
            raise ModelFileError("The state of a music codec is damaged, or belongs to another model.")
        self._begun = remainder == b"\x01"
