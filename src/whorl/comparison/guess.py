"""What was guessed of data, and what values look like."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from whorl.data.cells import is_number
from whorl.data.labels import whole

# Words of a cell from which on a column is text rather than a category.
_TEXT_WORDS = 3


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A task, and what it was told by.

    Args:
        task: its word on the command line.
        because: what was seen.
        roles: columns that were found, as fields of the task.
    """

    task: str
    because: str
    roles: Mapping[str, object] = field(default_factory=dict)


def are_labels(values: np.ndarray) -> bool:
    """Whether values are text, or whole numbers that come twice or more on average."""
    if values.dtype.kind == "O":
        present = [value for value in values.tolist() if value is not None]
        return any(isinstance(value, str) and not is_number(value) for value in present) or (
            bool(present) and are_labels(np.array(present, np.float64))
        )
    known = values[np.isfinite(values)]
    return bool(len(known)) and whole(known).dtype.kind == "i" and 2 * len(np.unique(known)) <= len(known)


def is_text(column: np.ndarray) -> bool:
    """Whether the cells of a column are texts, most of which come once."""
    cells = [str(cell) for cell in column.tolist() if cell is not None]
    return 2 * len(set(cells)) > len(cells) > 0 and np.median([len(cell.split()) for cell in cells]) >= _TEXT_WORDS
