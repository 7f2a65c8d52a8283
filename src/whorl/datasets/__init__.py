"""Data that is shipped with whorl, for demos, tutorials and tests. What each is and whose, stands in NAME.md beside it.

A data set is one file here, of whatever ending, and its note.

Example:
    >>> import whorl.datasets
    >>> print(*whorl.datasets.names())
    beijing_air chorales grid_lips grid_speech japanese_vowels nyc_taxi shakespeare shiller turbofan
    >>> whorl.datasets.load("beijing_air")["time"][0]
    '2010-01-01 00:00'
"""

import csv
import json
from pathlib import Path

from whorl.errors import ArgumentError, did_you_mean

_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Returns the names of the shipped data sets."""
    return sorted(_files())


def path(name: str) -> Path:
    """Returns the path of a shipped data set, to give to `fit` or to read.

    Args:
        name: one of `names()`.

    Raises:
        ArgumentError: no data set has that name.
    """
    known = _files()
    if name not in known:
        raise ArgumentError(f"`{name}` must be one of {', '.join(sorted(known))}.{did_you_mean(name, known)}")
    return known[name]


def load(name: str) -> dict[str, list[str]]:
    """Returns a shipped table as columns of text, ready for `fit`; an empty cell is a missing value.

    Args:
        name: one of `names()`, of a CSV file.

    Raises:
        ArgumentError: no data set has that name, or it is no table.
    """
    source = path(name)
    if source.suffix != ".csv":
        raise ArgumentError(
            f"`{name}` must be a table, but is the file `{source.name}`. Read what path({name!r}) names."
        )
    with open(source, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return {column: list(cells) for column, cells in zip(header, zip(*rows, strict=True), strict=True)}


def chorales() -> dict[str, list[list[list[int]]]]:
    """Returns the shipped chorales: part -> pieces -> chords -> notes, as MIDI counts them, one chord a quarter note.

    Example:
        >>> chorales()["test"][0][:2]
        [[72, 76, 79, 84], [72, 76, 79, 84]]
    """
    found = json.loads(path("chorales").read_text(encoding="utf-8"))
    notes = {letter: note for note, letter in enumerate(found["alphabet"], start=found["lowest"])}
    return {
        part: [
            [[notes[letter] for letter in chord if letter in notes] for chord in text.split()] for text in found[part]
        ]
        for part in ("train", "valid", "test")
    }


def _files() -> dict[str, Path]:
    """The file of each data set."""
    return {
        file.stem: file for file in _FOLDER.iterdir() if file.is_file() and file.suffix not in (".md", ".py", ".pyc")
    }
