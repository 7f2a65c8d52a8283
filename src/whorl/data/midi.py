"""Files of MIDI: their notes on a grid of steps, and back."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from whorl.codecs.piece import Piece, gridded, require_steps
from whorl.errors import DataError, MissingExtraError
from whorl.plans.music import Music

if TYPE_CHECKING:
    from mido import Message, MidiFile

MIDI_SUFFIXES = (".mid", ".midi")
# Hours of piano are not larger, and a message becomes an object of some hundred bytes.
_MOST_BYTES = 1 << 20
_DRUMS = 9  # the channel whose notes are no pitches (General MIDI 1, 1991)
# Ticks of a quarter note in what is written, and most that a file can say.
_TICKS, _MOST_TICKS = 480, 32_767
_DEFAULT_TEMPO = 500_000  # microseconds of a quarter note where a file says nothing


def read_midi(path: str | Path, plan: Music) -> Piece:
    """The notes of a file, of all its tracks and channels but that of the drums, in steps of the plan.

    The tracks of a file of type 0 or 1 sound together, those of type 2 one after the other. With `step_ms` times follow
    the changes of tempo; steps of a quarter note are the same at any tempo.

    Raises:
        DataError: the file is damaged, too large, or its notes are too far apart.
        MissingExtraError: mido is not installed.
    """
    path = Path(path)
    file = _parsed(path)
    if file.ticks_per_beat <= 0:
        raise DataError(
            f"`{path}` counts frames of a film (SMPTE) and not parts of a quarter note, which are not read. Save it "
            "with ticks of a quarter note."
        )
    struck: list[tuple[float, int, int, int]] = []
    tempo, begin = _DEFAULT_TEMPO, 0.0
    for tracks in [[track] for track in file.tracks] if file.type == 2 else [list(file.tracks)]:
        clock, now = _Clock(file.ticks_per_beat, plan), begin
        for tick, message in _in_order(tracks):
            now = begin + clock.at(tick)
            require_steps(now, f"`{path}`")
            if message.type == "set_tempo":
                tempo = message.tempo if not struck else tempo
                clock.changes(tick, message.tempo)
            elif message.type in ("note_on", "note_off") and message.channel != _DRUMS:
                velocity = message.velocity if message.type == "note_on" else 0
                struck.append((now, message.channel, message.note, velocity))
        begin = now
    return _piece(struck, begin, plan, 60e6 / max(1, tempo))


class _Clock:
    """Steps since the beginning of tracks that sound together.

    Args:
        ticks: of a quarter note.
        plan: how long a step is.
    """

    def __init__(self, ticks: int, plan: Music) -> None:
        self._ticks, self._plan, self._tempo = ticks, plan, _DEFAULT_TEMPO
        self._tick, self._steps = 0, 0.0

    def at(self, tick: int) -> float:
        """Steps at a tick, which is none before the last change."""
        quarters = (tick - self._tick) / self._ticks
        if self._plan.step_ms is None:
            return self._steps + quarters * self._plan.steps_of_quarter
        return self._steps + quarters * self._tempo / 1000.0 / self._plan.step_ms

    def changes(self, tick: int, tempo: int) -> None:
        """From a tick on a quarter note takes so many microseconds."""
        self._steps, self._tick, self._tempo = self.at(tick), tick, tempo


def _parsed(path: Path) -> "MidiFile":
    try:
        from mido import MidiFile
    except ImportError:
        raise MissingExtraError("mido", "music", "to read and write MIDI") from None
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= _MOST_BYTES else b""
    except OSError as error:
        raise DataError(f"`{path}` cannot be read ({error.strerror}). Give a file of MIDI.") from None
    if size > _MOST_BYTES:
        raise DataError(f"`{path}` has {size:,} bytes, but a file of MIDI has at most {_MOST_BYTES:,}. Cut the piece.")
    try:
        return MidiFile(file=io.BytesIO(data), clip=True)
    # What a damaged file makes of the parser: it checks little, and fails where it happens to.
    except (OSError, EOFError, ValueError, LookupError, TypeError, ArithmeticError, AttributeError) as error:
        told = str(error) or "it ends in the middle of a message"
        raise DataError(f"`{path}` is no file of MIDI, or is damaged ({told:.100}). Save it again.") from None


def _in_order(tracks: list[list["Message"]]) -> Iterator[tuple[int, "Message"]]:
    """The messages of tracks that sound together, with their ticks; of one tick those of the first track first."""
    timed: list[tuple[int, int, Message]] = []
    for number, track in enumerate(tracks):
        tick = 0
        for message in track:
            tick += int(message.time)
            timed.append((tick, number, message))
    timed.sort(key=lambda item: item[:2])
    return ((tick, message) for tick, _, message in timed)


def _piece(struck: list[tuple[float, int, int, int]], length: float, plan: Music, tempo: float) -> Piece:
    """Pairs keys that are struck (time, channel, note, velocity) with those that are let go, velocity 0."""
    sounding: dict[tuple[int, int], tuple[float, int]] = {}
    notes: list[tuple[float, float, int, int]] = []
    for time, channel, note, velocity in struck:
        begun = sounding.pop((channel, note), None)
        if begun is not None:
            notes.append((begun[0], time, note, begun[1]))
        if velocity:
            sounding[channel, note] = (time, velocity)
    notes += [(start, length, note, velocity) for (_, note), (start, velocity) in sounding.items()]
    notes.sort(key=lambda note: (note[0], note[2]))
    start, end, pitch, velocities = np.array(notes, np.float64).reshape(-1, 4).T
    # At a length in milliseconds steps have one, whatever the tempo was.
    tempo = plan.tempo if plan.step_ms is not None else min(1000.0, max(10.0, tempo))
    whole = (pitch.astype(np.int64), velocities.astype(np.int64))
    return Piece(start, end, *whole, plan.steps_of_quarter, tempo, float(length))


def midi_bytes(piece: Piece) -> bytes:
    """A piece as a file of MIDI: one track, type 0.

    Raises:
        MissingExtraError: mido is not installed.
    """
    try:
        from mido import Message, MetaMessage, MidiFile, MidiTrack
    except ImportError:
        raise MissingExtraError("mido", "music", "to read and write MIDI") from None
    notes = gridded(piece)
    # Some ticks a step at least, lest two steps become one.
    quarter = min(_MOST_TICKS, max(_TICKS, 8 * int(np.ceil(piece.grid))))
    ticks = quarter / piece.grid
    begins = [(round(note.start * ticks), 1, note.pitch, note.velocity) for note in notes]
    ends = [(round(note.end * ticks), 0, note.pitch, 0) for note in notes]
    track = MidiTrack([MetaMessage("set_tempo", tempo=round(60e6 / piece.tempo))])
    now = 0
    for time, is_begin, pitch, velocity in sorted(begins + ends):
        kind = "note_on" if is_begin else "note_off"
        track.append(Message(kind, note=pitch, velocity=velocity, time=time - now))
        now = time
    track.append(MetaMessage("end_of_track", time=max(0, round(piece.length * ticks) - now)))
    made = io.BytesIO()
    MidiFile(type=0, ticks_per_beat=quarter, tracks=[track]).save(file=made)
    return made.getvalue()
