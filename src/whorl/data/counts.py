"""How many rows a row reader has read, where rows have no other time than their number."""

import numpy as np

from whorl.data.reader import before_first_row, damaged_state

# Rows that a stream may have counted: the places of the next ones are whole numbers of 64 bits, too.
_MOST_ROWS = 1 << 62


def packed(count: int) -> bytes:
    """The count as bytes, as many for any number of rows."""
    return count.to_bytes(8, "little")


def unpacked(given: bytes) -> int:
    """The way back; ModelFileError for what no reader counts."""
    count = int.from_bytes(given, "little")
    if len(given) != 8 or count > _MOST_ROWS:
        raise damaged_state()
    return count


def last_time(count: int) -> np.ndarray:
    """The time of the last of so many rows; DataError before the first."""
    if not count:
        raise before_first_row()
    return np.asarray(count - 1, np.int64)
