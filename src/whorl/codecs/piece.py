"""A piece of music as its notes, whatever it is cut into."""

from typing import NamedTuple

import numpy as np

from whorl.errors import DataError

# How loud a note is where nothing says so, and steps that a piece may have: 36 hours of quarter notes at 60 a minute.
LOUD = 80
MOST_STEPS = 1 << 17


class Piece(NamedTuple):
    """Notes in the order of their starts, and how long a step is.

    Shape:
        start: (N,) float64, when each note begins, in steps.
        end: (N,) float64, when it ends.
        pitch: (N,) int64, as MIDI counts notes: 60 is the C in the middle.
        velocity: (N,) int64, how hard a key is struck, from 1 to 127.
        grid: steps of a quarter note.
        tempo: quarter notes a minute.
        length: steps of the whole piece, silence at its end included.
    """

    start: np.ndarray
    end: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    grid: float
    tempo: float
    length: float

    @property
    def num_notes(self) -> int:
        """N."""
        return len(self.pitch)

    @property
    def seconds(self) -> float:
        """Seconds of the whole piece."""
        return self.length * self.step_seconds

    @property
    def step_seconds(self) -> float:
        """Seconds of a step."""
        return 60.0 / (self.tempo * self.grid)


class Note(NamedTuple):
    """A note on the grid."""

    start: int
    end: int
    pitch: int
    velocity: int


def piece_of(notes: list[Note], grid: float, tempo: float, length: float) -> Piece:
    """A piece of notes on a grid."""
    start, end, pitch, velocity = np.array(_in_order(notes), np.int64).reshape(-1, 4).T
    return Piece(start.astype(np.float64), end.astype(np.float64), pitch, velocity, grid, tempo, float(length))


def _in_order(notes: list[Note]) -> list[Note]:
    return sorted(notes, key=lambda note: (note.start, note.pitch))


def gridded(piece: Piece) -> list[Note]:
    """The notes of a piece on its grid, in the order of start and pitch.

    A note lasts a step at least. Where one is struck again while it sounds, the first one ends there; of two that begin
    together the longer one stays.

    Raises:
        DataError: the notes are no notes, or the piece is too long.
    """
    _check(piece)
    start = np.floor(piece.start + 0.5).astype(np.int64)
    end = np.maximum(np.floor(piece.end + 0.5).astype(np.int64), start + 1)
    order = np.lexsort((end, start, piece.pitch))
    made: list[Note] = []
    columns = (start, end, piece.pitch, piece.velocity)
    for note in zip(*(column[order].tolist() for column in columns), strict=True):
        last = made[-1] if made else None
        if last is not None and last.pitch == note[2] and note[0] < last.end:
            if note[0] == last.start:
                made[-1] = Note(last.start, note[1], last.pitch, max(last.velocity, note[3]))
                continue
            made[-1] = last._replace(end=note[0])
        made.append(Note(*note))
    return _in_order(made)


def _check(piece: Piece) -> None:
    columns = piece[:4]
    sizes = {np.shape(column) for column in columns}
    if len(sizes) != 1 or len(next(iter(sizes))) != 1:
        raise DataError(
            f"the arrays of a piece have one length (N,), but {sorted(sizes)} came. Give each note all four."
        )
    times = np.concatenate([np.asarray(column, np.float64) for column in piece[:2]])
    if not np.isfinite(times).all() or (times < 0).any() or (np.asarray(piece.end) < np.asarray(piece.start)).any():
        raise DataError("the notes of a piece begin at 0 or later and end after they begin, but not all do. Mend them.")
    require_steps(max(float(times.max(initial=0.0)), float(piece.length)), "notes")
    for name, column, least in (("pitch", piece.pitch, 0), ("velocity", piece.velocity, 1)):
        values = np.asarray(column)
        if len(values) and (values.dtype.kind not in "iu" or values.min() < least or values.max() > 127):
            raise DataError(f"`{name}` of a piece is whole numbers from {least} to 127, but not here. Change it.")


def require_steps(length: float, what: str) -> None:
    """Raises DataError where a piece has more steps than one may have."""
    if not 0 <= length <= MOST_STEPS:
        raise DataError(
            f"{what}: a piece has at most {MOST_STEPS:,} steps, but this one has {length:,.0f}. Cut it, or take longer "
            "steps (`grid`, `step_ms`)."
        )
