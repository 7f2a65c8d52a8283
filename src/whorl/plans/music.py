"""How music is cut into steps. Frozen data, no behaviour."""

from dataclasses import dataclass
from types import UnionType
from typing import Literal

from whorl.errors import ArgumentError, did_you_mean
from whorl.plans.names import check_column

# Steps of a quarter note where nothing says how many: chords change on the beat, and events fall between beats.
_GRID = {"roll": 1, "events": 4}
_STEPS = ("roll", "events")
# Of each number what it is, its least and its most.
_LIMITS: dict[str, tuple[type[int] | UnionType, int, int]] = {
    "grid": (int, 1, 96),
    "step_ms": (int | float, 1, 10_000),
    "velocities": (int, 1, 127),
    "waits": (int, 1, 1000),
    "tempo": (int | float, 10, 1000),
}
# Numbers of notes that MIDI has.
LOWEST, HIGHEST = 0, 127


@dataclass(frozen=True, kw_only=True)
class Music:
    """Options of pieces of music.

    Args:
        steps: what a step is: 'roll' reads the notes that sound together, a chord, at each step of a grid; 'events'
            reads notes that begin and end, how loud, and how long nothing happens (Oore et al. 2018, section 3).
        grid: steps of a quarter note; None takes 1 for a roll and 4 for events.
        step_ms: milliseconds of a step, in place of `grid`, for what was played without a beat.
        lowest: lowest note, as MIDI counts them: 60 is the C in the middle, 21 the lowest of a piano.
        highest: highest note. Others are left out, and their number is told.
        transpose: semitones down and up that a piece of the training part is moved at most, each time anew, as (-5, 6);
            (0, 0) leaves pieces as they are.
        velocities: how many degrees of loudness events tell apart.
        waits: most steps that one event waits; longer ones are several.
        tempo: quarter notes a minute of chords that came without one, and of what is written.
        column: of the paths of files, in tables; None finds it.
    """

    steps: Literal["roll", "events"] = "roll"
    grid: int | None = None
    step_ms: float | None = None
    lowest: int = 21
    highest: int = 108
    transpose: tuple[int, int] = (-5, 6)
    velocities: int = 8
    waits: int = 32
    tempo: float = 100.0
    column: str | None = None

    def __post_init__(self) -> None:
        if self.steps not in _STEPS:
            raise ArgumentError(
                f"`steps` must be one of {', '.join(_STEPS)}, but is {self.steps!r}."
                f"{did_you_mean(str(self.steps), _STEPS)}"
            )
        for name, (kind, least, most) in _LIMITS.items():
            value: object = getattr(self, name)
            if value is None and name in ("grid", "step_ms"):
                continue
            if not isinstance(value, kind) or isinstance(value, bool) or not least <= value <= most:
                what = "whole number" if kind is int else "number"
                raise ArgumentError(f"`{name}` is a {what} from {least} to {most:,}, but is {value!r}. Change it.")
        if self.grid is not None and self.step_ms is not None:
            raise ArgumentError("`grid` and `step_ms` both say how long a step is. Leave one out.")
        check_column("column", self.column)
        self._check_notes()

    def _check_notes(self) -> None:
        notes = (self.lowest, self.highest)
        if not all(_is_whole(note) and LOWEST <= note <= HIGHEST for note in notes) or notes[0] >= notes[1]:
            raise ArgumentError(
                f"`lowest` and `highest` are two notes from {LOWEST} to {HIGHEST} in rising order, but are {notes}. "
                "A piano has 21 to 108."
            )
        ends: object = self.transpose
        pair = ends if isinstance(ends, tuple | list) else ()
        if tuple(map(_is_whole, pair)) != (True, True) or not -HIGHEST <= pair[0] <= 0 <= pair[1] <= HIGHEST:
            raise ArgumentError(
                f"`transpose` is two whole numbers of semitones, the first at most 0 and the second at least 0, but is "
                f"{ends!r}. Give (0, 0) for none."
            )

    @property
    def steps_of_quarter(self) -> float:
        """Steps of a quarter note, at `tempo` where a step has a length in milliseconds."""
        if self.step_ms is not None:
            return 60_000.0 / (self.tempo * self.step_ms)
        return float(_GRID[self.steps] if self.grid is None else self.grid)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
