"""Data that is shipped with whorl, for demos, tutorials and tests. What each is and whose, stands in NAME.md beside it.

Example:
    >>> import whorl.datasets
    >>> whorl.datasets.names()
    ['beijing_air']
    >>> whorl.datasets.load("beijing_air")["time"][0]
    '2010-01-01 00:00'
"""

import csv
from pathlib import Path

from whorl.errors import ArgumentError, did_you_mean

_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Returns the names of the shipped data sets."""
    return sorted(file.stem for file in _FOLDER.glob("*.csv"))


def path(name: str) -> Path:
    """Returns the path of a shipped data set, a CSV file with a header.

    Args:
        name: one of `names()`.

    Raises:
        ArgumentError: no data set has that name.
    """
    known = names()
    if name not in known:
        raise ArgumentError(f"`{name}` must be one of {', '.join(known)}.{did_you_mean(name, known)}")
    return _FOLDER / f"{name}.csv"


def load(name: str) -> dict[str, list[str]]:
    """Returns a shipped data set as columns of text, ready for `fit`; an empty cell is a missing value.

    Args:
        name: one of `names()`.
    """
    with open(path(name), newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return {column: list(cells) for column, cells in zip(header, zip(*rows, strict=True), strict=True)}
