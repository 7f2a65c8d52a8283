"""Labels of anomalies as users write them: 0 and 1, no and yes, or the name of what is normal."""

import numpy as np

from whorl.errors import DataError

_WORDS = {
    **dict.fromkeys(("0", "0.0", "false", "no", "normal"), 0.0),
    **dict.fromkeys(("1", "1.0", "true", "yes", "anomaly", "anomalous", "abnormal"), 1.0),
}


def marks(cells: np.ndarray, normal: str | None, where: str) -> np.ndarray:
    """Whether each row is an anomaly: 1.0, 0.0, or NaN where nobody says.

    Args:
        cells: (N,) numbers, booleans or text.
        normal: what normal rows are labelled with; everything else is an anomaly. None knows 0 and 1, and the words
            false and true, no and yes, normal and anomaly.
        where: what holds the labels, for messages.

    Raises:
        DataError: a label is none of these.
    """
    found = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells.tolist()):
        if cell is None or cell != cell or cell == "":
            continue
        word = _spelled(cell)
        if normal is not None:
            found[row] = float(word != _spelled_text(normal))
        elif word.lower() in _WORDS:
            found[row] = _WORDS[word.lower()]
        else:
            raise DataError(
                f"{where} says of row {row} that it is {word[:40]!r}, but labels of anomalies are 0 and 1. Write them "
                "so, or say with `normal` which label means that nothing is wrong."
            )
    return found


def check_normal(cells: np.ndarray, normal: str | None, where: str) -> None:
    """Raises DataError where the labels of all the data say something and none of them is `normal`; see `marks`."""
    found = marks(cells, normal, where)
    if normal is not None and np.isfinite(found).any() and not (found == 0.0).any():
        raise DataError(f"{where} has no row that is labelled {normal!r}, as `normal` says. Name a label that it has.")


def _spelled(cell: object) -> str:
    if isinstance(cell, bool | np.bool_):
        return "1" if cell else "0"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return _spelled_text(str(cell))


def _spelled_text(text: str) -> str:
    """Text as numbers are spelled, where it is one: '1.0' is '1'."""
    text = text.strip()
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else text
