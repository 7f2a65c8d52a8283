"""Where music comes from: files of MIDI and of chords, folders and tables of them, lists, and pieces."""

import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass, replace
from itertools import takewhile
from numbers import Integral
from pathlib import Path

import numpy as np

from whorl.codecs.frame import Frame
from whorl.codecs.music import MusicCodec
from whorl.codecs.notation import Moment, moments_of, piece_of_chords
from whorl.codecs.piece import Piece, require_steps
from whorl.data.midi import MIDI_SUFFIXES, read_midi
from whorl.data.problems import plural
from whorl.data.sources import TABLE_SUFFIXES, read_table
from whorl.data.text_files import PLAIN_SUFFIXES, files_below, is_folder
from whorl.errors import DataError
from whorl.plans.table import Kind, Table

CHORD_SUFFIXES = (".json",)
MUSIC_SUFFIXES = MIDI_SUFFIXES + CHORD_SUFFIXES
_MOST_BYTES = 1 << 26
_TAKES = (
    "Give a file of MIDI, a .json file of chords, a folder or a list of them, a table with a column of their paths, or "
    "pieces as lists"
)


@dataclass(frozen=True, kw_only=True)
class Score:
    """A piece as it came.

    Args:
        name: of its file, or its number.
        moments: chords or events.
        label: what it is called beside them, or None.
        left_out: notes that are out of the range.
        closing: events at the end of `moments` that end notes for no other reason than that the piece ends there.
    """

    name: str
    moments: list[Moment]
    label: str | None = None
    left_out: int = 0
    closing: int = 0

    def length(self) -> int:
        """Number of its moments."""
        return len(self.moments)


def scores(source: object, codec: MusicCodec, condition: str | None, table: Table) -> list[Score]:
    """The pieces of a source.

    Args:
        source: a path of a file of MIDI or of chords, or of a folder of them; a list of paths, of pieces, or of their
            chords or events; a table with a column of paths; or any of the lists with a list of labels, as a pair.
        codec: what moments are.
        condition: column of the label, in tables; in folders it is the name of the one that a file lies in.
        table: how tables are read.

    Raises:
        DataError: there is no piece in it, or one is damaged.
    """
    named: list[tuple[str, object, str | None]]
    if isinstance(source, tuple) and not isinstance(source, Piece) and len(source) == 2 and _is_labels(source):
        whole, labels = source
        found = _of_list(list(whole))
        if len(found) != len(labels):
            raise DataError(
                f"there is one label for each of the {len(found)} pieces, but {len(labels)} came. Add them."
            )
        named = [(name, piece, str(label)) for (name, piece), label in zip(found, labels, strict=True)]
    elif isinstance(source, Piece):
        named = [("0", source, None)]
    elif isinstance(source, str | os.PathLike):
        named = _of_path(Path(source), codec, condition, table)
    elif isinstance(source, list | tuple) and not (source and isinstance(source[0], Mapping)):
        named = [(name, piece, None) for name, piece in _of_list(source)]
    else:
        named = _of_frame(read_table(source, _spelled(codec, condition, table)), Path(), codec, condition)
    if not named:
        raise DataError(f"there is no piece of music in what came. {_TAKES}.")
    return [_score(name, piece, label, codec) for name, piece, label in named]


def is_music(source: object) -> bool:
    """Whether a source is music: pieces, files of MIDI, a list of these, or a folder of them.

    Raises:
        DataError: a folder has files of MIDI, and no fewer of text, so that it may be either.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        suffix = path.suffix.lower()
        if suffix in MIDI_SUFFIXES or (suffix in CHORD_SUFFIXES and _begins_with_chords(path)):
            return True
        if not path.is_dir():
            return False
        return _holds_music(path)
    if isinstance(source, Piece):
        return True
    if not isinstance(source, list | tuple) or not len(source):
        return False
    if isinstance(source, tuple) and len(source) == 2 and _is_labels(source):
        return is_music(source[0])
    return all(
        isinstance(one, Piece)
        or (isinstance(one, str | os.PathLike) and Path(one).suffix.lower() in MIDI_SUFFIXES)
        or (isinstance(one, list) and len(one) > 0 and all(_is_chord(chord) for chord in one))
        for one in source
    )


def _holds_music(folder: Path) -> bool:
    """Whether a folder has files of MIDI; a text about them may lie beside them."""
    endings = Counter(file.suffix.lower() for file in files_below(folder))
    midi, plain = (sum(endings[one] for one in own) for own in (MIDI_SUFFIXES, PLAIN_SUFFIXES))
    if 0 < midi <= plain:
        raise DataError(
            f"`{folder}` has {plural(midi, 'file')} of MIDI and {plural(plain, 'file')} of text, so that it is not "
            "clear which are meant. For the music set tokens=whorl.Music() (--steps roll); for the texts give a folder "
            "without MIDI."
        )
    return midi > 0


def _pieces_below(folder: Path) -> list[Path]:
    """The files of music in a folder and below it: beside those of MIDI, JSON may be about them, and no chords."""
    found = sorted(file for file in files_below(folder) if file.suffix.lower() in MUSIC_SUFFIXES)
    if not any(file.suffix.lower() in MIDI_SUFFIXES for file in found):
        return found
    return [file for file in found if file.suffix.lower() in MIDI_SUFFIXES or _begins_with_chords(file)]


def _begins_with_chords(path: Path) -> bool:
    """Whether a file is a list of lists of numbers, as far as its first bytes tell."""
    try:
        with path.open("rb") as file:
            first = b"".join(file.read(256).split())
    except OSError:
        return False
    return re.match(rb"\[\[+\]*,?\[*\d", first) is not None


def _is_labels(pair: tuple[object, ...]) -> bool:
    """Whether the second of a pair are labels, and not a second piece."""
    whole, labels = pair
    if not isinstance(labels, list | tuple | np.ndarray) or not isinstance(whole, list | tuple) or not len(labels):
        return False
    return all(isinstance(label, str) and not _is_event(label) for label in labels)


def _is_event(text: object) -> bool:
    return isinstance(text, str) and text.split(" ")[0] in ("on", "off", "velocity", "wait")


def _of_path(
    path: Path, codec: MusicCodec, condition: str | None, table: Table
) -> list[tuple[str, object, str | None]]:
    suffix = path.suffix.lower()
    if is_folder(path):
        files = _pieces_below(path)
        if not files:
            raise DataError(
                f"`{path}` has no music: none of its files ends in {', '.join(MUSIC_SUFFIXES)}. Give another folder."
            )
        labels = {file: file.parent.name for file in files}
        return [(name, piece, labels[file]) for file in files for name, piece in _of_file(file)]
    if suffix in TABLE_SUFFIXES and suffix not in CHORD_SUFFIXES:
        frame = read_table(path, _spelled(codec, condition, table))
        return _of_frame(frame, path.parent, codec, condition)
    if suffix not in MUSIC_SUFFIXES:
        raise DataError(f"`{path}` ends in {suffix or 'nothing'}, which is no music that is read. {_TAKES}.")
    return [(name, piece, None) for name, piece in _of_file(path)]


def _spelled(codec: MusicCodec, condition: str | None, table: Table) -> Table:
    """How a table is read whose paths and labels are text, whatever they look like."""
    kinds: dict[str, Kind] = {name: "category" for name in (codec.plan.column, condition) if name is not None}
    return replace(table, kinds={**kinds, **table.kinds})


def _of_frame(
    frame: Frame, folder: Path, codec: MusicCodec, condition: str | None
) -> list[tuple[str, object, str | None]]:
    """Paths in a table are those of files beside it, unless they are whole."""
    column = codec.plan.column or _column_of_paths(frame)
    paths = frame[column]
    labels = [None] * len(frame) if condition is None or condition not in frame.columns else frame[condition].tolist()
    made: list[tuple[str, object, str | None]] = []
    for path, label, row in zip(paths.tolist(), labels, frame.rows.tolist(), strict=True):
        if not isinstance(path, str) or Path(path).suffix.lower() not in MUSIC_SUFFIXES:
            raise DataError(
                f"{frame.origin}: column '{column}', row {row}: a path ends in {', '.join(MUSIC_SUFFIXES)}, but "
                f"{path!r:.60} came. Correct it."
            )
        made += [(name, piece, label) for name, piece in _of_file(folder / path)]
    return made


def _column_of_paths(frame: Frame) -> str:
    def paths(column: np.ndarray) -> bool:
        cells = column.tolist()
        return column.dtype == object and all(str(cell).lower().endswith(MUSIC_SUFFIXES) for cell in cells)

    found = [name for name, column in frame.columns.items() if paths(column)]
    if len(found) != 1:
        which = " and ".join(map(repr, found)) or "none"
        raise DataError(
            f"{frame.origin}: one column has the paths of files of music, but {which} of its columns "
            f"{', '.join(map(repr, list(frame.columns)[:20]))} do. Name it as `column` of whorl.Music."
        )
    return found[0]


def _of_file(path: Path) -> list[tuple[str, object]]:
    if path.suffix.lower() in MIDI_SUFFIXES:
        return [(path.name, path)]
    found = _of_list(_json(path))
    return [(path.name if len(found) == 1 else f"{path.name} {name}", piece) for name, piece in found]


def _json(path: Path) -> list[object]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"`{path}` has more than {_MOST_BYTES:,} bytes. Give its pieces in several files.")
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"`{path}` cannot be read ({error.strerror}). Give a file of chords.") from None
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"`{path}` is not JSON ({error!s:.80}). Write a list of pieces, each a list of chords."
        ) from None
    if isinstance(found, dict):
        names = ", ".join(map(repr, list(found)[:5]))
        raise DataError(
            f"`{path}` has several parts ({names}), but one list of pieces is read. Write each part into a file."
        )
    if not isinstance(found, list) or not found:
        raise DataError(f"`{path}` has no list of pieces. Write one, each a list of chords such as [60, 64, 67].")
    return found


def _of_list(source: List[object]) -> list[tuple[str, object]]:
    """Pieces of a list; a list of chords or of events is one piece."""
    if source and (all(_is_event(one) for one in source) or all(_is_chord(one) for one in source)):
        # Nothing but empty lists are pieces of nothing as well as silent chords: one piece is what it says.
        return [("0", list(source))]
    return [(str(n), one) for n, one in enumerate(source)]


def _is_chord(value: object) -> bool:
    if not isinstance(value, list | tuple | np.ndarray) or isinstance(value, Piece):
        return False
    return all(isinstance(note, Integral) and not isinstance(note, bool) for note in value)


def _score(name: str, piece: object, label: str | None, codec: MusicCodec) -> Score:
    """Moments of what came, in the codec's terms."""
    if isinstance(piece, str | os.PathLike):
        path = Path(piece)
        if path.suffix.lower() not in MIDI_SUFFIXES:
            raise DataError(f"`{path}` is no file of MIDI: its name ends in {path.suffix!r}. {_TAKES}.")
        name, piece = path.name, read_midi(path, codec.plan)
    if isinstance(piece, Piece):
        left_out = sum(note not in codec.pitches for note in piece.pitch.tolist())
        made = moments_of(piece, codec.plan)
        return Score(name=name, moments=made, label=label, left_out=left_out, closing=_closing(made))
    if not isinstance(piece, list | tuple):
        raise DataError(f"piece {name} is a {type(piece).__name__}, which is no music. {_TAKES}.")
    require_steps(len(piece), f"piece {name}")
    odd = [one for one in piece if not _is_chord(one)]
    if not odd:
        return _of_chords(name, piece, label, codec)
    if codec.is_roll:
        raise DataError(f"piece {name} is no list of {codec.kind}, but has {odd[0]!r:.60}. Change it.")
    moments: list[Moment] = [one if isinstance(one, str) else repr(one) for one in piece]
    codec.rows(moments)
    return Score(name=name, moments=moments, label=label)


def _of_chords(name: str, chords: List[object], label: str | None, codec: MusicCodec) -> Score:
    """Chords as they are of a roll, or as the events of notes that sound as long as chords have them."""
    plain: list[Moment] = []
    left_out = 0
    for step, chord in enumerate(chords):
        notes = sorted({int(note) for note in chord})  # type: ignore[attr-defined]
        if notes and not (notes[0] >= 0 and notes[-1] <= 127):
            raise DataError(f"piece {name}, step {step}: notes are numbers from 0 to 127, but {notes!r:.60} came.")
        kept = tuple(note for note in notes if note in codec.pitches)
        left_out += len(notes) - len(kept)
        plain.append(kept)
    moments = plain if codec.is_roll else moments_of(piece_of_chords(plain, codec.plan), codec.plan)
    return Score(name=name, moments=moments, label=label, left_out=left_out, closing=_closing(moments))


def _closing(moments: List[Moment]) -> int:
    """Events at the end that end notes; none of a roll."""
    ends = (isinstance(one, str) and one.startswith("off ") for one in reversed(moments))
    return sum(1 for _ in takewhile(bool, ends))
