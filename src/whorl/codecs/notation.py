"""A piece of music as what comes one after the other in it, chords or events, and back."""

from collections.abc import Iterable
from collections.abc import Sequence as List

from whorl.codecs.piece import LOUD, Note, Piece, gridded, piece_of
from whorl.plans.music import Music

# Chords, (60, 64, 67), or events, 'on 60'.
Chord = tuple[int, ...]
Moment = Chord | str


def moments_of(piece: Piece, plan: Music) -> list[Moment]:
    """A piece, whose steps are those of the plan, as chords or events; notes out of the range are left out.

    Raises:
        DataError: the notes are no notes, or the piece is too long.
    """
    notes = [note for note in gridded(piece) if plan.lowest <= note.pitch <= plan.highest]
    if plan.steps == "events":
        return list(_events(notes, round(piece.length), plan))
    # A note lasts a step at least, and may so end after the piece.
    length = max([round(piece.length), *(note.end for note in notes)])
    chords: list[set[int]] = [set() for _ in range(length)]
    for note in notes:
        for step in range(note.start, note.end):
            chords[step].add(note.pitch)
    return [tuple(sorted(chord)) for chord in chords]


def _events(notes: List[Note], length: int, plan: Music) -> Iterable[str]:
    degrees = plan.velocities
    begins = [(note.start, 1, note.pitch, (note.velocity - 1) * degrees // 127) for note in notes]
    ends = [(note.end, 0, note.pitch, 0) for note in notes]
    now, loud = 0, None
    for time, is_begin, pitch, degree in sorted(begins + ends):
        yield from _waits(time - now, plan.waits)
        now = time
        if is_begin and degrees > 1 and degree != loud:
            loud = degree
            yield f"velocity {degree}"
        yield f"{'on' if is_begin else 'off'} {pitch}"
    yield from _waits(length - now, plan.waits)


def _waits(steps: int, most: int) -> Iterable[str]:
    while steps > 0:
        yield f"wait {min(steps, most)}"
        steps -= most


def piece_of_moments(moments: List[Moment], plan: Music) -> Piece:
    """Moments as a piece; a note that nothing ends lasts to its end, and the end of one that does not sound is none."""
    if plan.steps == "roll":
        return piece_of_chords(moments, plan)
    return _piece(*_played(moments, plan), plan)


def piece_of_chords(chords: List[Moment], plan: Music) -> Piece:
    """Chords, one a step, as a piece of notes that sound as long as chords have them."""
    notes: list[Note] = []
    since: dict[int, int] = {}
    for step, chord in enumerate([*chords, ()]):
        assert not isinstance(chord, str)
        ended = [pitch for pitch in since if pitch not in chord]
        notes += [Note(since.pop(pitch), step, pitch, LOUD) for pitch in ended]
        for pitch in chord:
            since.setdefault(pitch, step)
    return _piece(notes, len(chords), plan)


def _played(words: List[Moment], plan: Music) -> tuple[list[Note], int]:
    """The notes of events, and how long they take."""
    sounding: dict[int, tuple[int, int]] = {}
    notes: list[Note] = []
    now, loud = 0, LOUD
    for word in words:
        kind, _, number = str(word).partition(" ")
        value = int(number)
        if kind == "wait":
            now += value
        elif kind == "velocity":  # the middle of a degree
            loud = 1 + int((value + 0.5) * 127 / plan.velocities)
        elif value in sounding:  # it ends, or is struck again
            start, velocity = sounding.pop(value)
            if now > start:
                notes.append(Note(start, now, value, velocity))
        if kind == "on":
            sounding[value] = (now, loud)
    last = max([now, *(start + 1 for start, _ in sounding.values())])
    notes += [Note(start, last, pitch, velocity) for pitch, (start, velocity) in sounding.items()]
    return notes, last


def _piece(notes: list[Note], length: int, plan: Music) -> Piece:
    return piece_of(notes, plan.steps_of_quarter, plan.tempo, length)
