"""What a column is, by its cells: its kind, and whether a model should leave it alone."""

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.cells import has_decimal_comma, is_number
from whorl.data.problems import from_folder
from whorl.data.timestamps import looks_like_time
from whorl.plans.table import Kind

_MOST_CATEGORIES = 1000


def guess_kind(column: np.ndarray) -> Kind:
    """Returns 'numeric', 'time' or 'category'. Text that is a number nine times in ten is 'numeric'.

    Numbers with a decimal comma are, too: that they cannot be read is said then, and they are not taken for names.
    """
    if column.dtype.kind == "M":
        return "time"
    if column.dtype.kind == "f":
        return "numeric"
    cells = column.tolist()
    if looks_like_time(cells):
        return "time"
    present = [cell for cell in cells if cell is not None]
    numbers = sum(is_number(cell) or has_decimal_comma(cell) for cell in present[:1000])
    return "numeric" if present and numbers >= 0.9 * len(present[:1000]) else "category"


def dismissal(frame: Frame, name: str, kind: Kind, *, named: bool) -> str:
    """Returns why a column without a role is left out, or an empty string. `named` kinds are taken at their word."""
    column = frame[name]
    if kind == "ignore":
        return "as --kinds says"
    if name == "file" and from_folder(frame):
        return "names the file of a row; if each file is a series, say --series file"
    if kind == "time":
        return "another time column"
    if named:
        return ""
    use = f"; use it with --kinds {name}={kind}"
    if kind == "numeric" and column.dtype.kind == "f":
        present = column[~np.isnan(column)]
        if not len(present):
            return "no values"
        if len(column) > 1 and (present == present[0]).all() and len(present) == len(column):
            return f"constant{use}"
        if len(column) > 2 and len(present) == len(column) and (np.diff(column) == 1.0).all():
            return f"counts the rows{use}"
        return ""
    words = [cell for cell in column.tolist() if cell is not None]
    distinct = len(set(words))
    if not words:
        return "no values"
    if kind == "numeric":
        return ""
    if distinct == 1 and len(words) == len(column) > 1:
        return f"constant{use}"
    if distinct > 2 and distinct > 0.5 * len(words):
        return f"a different value on nearly every row{use}"
    return f"text with {distinct} different values{use}" if distinct > _MOST_CATEGORIES else ""
