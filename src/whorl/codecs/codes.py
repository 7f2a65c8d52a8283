"""Columns of codes: whole numbers that stand for symbols, in float32 like every encoded column."""

from collections.abc import Iterable

import numpy as np

from whorl.errors import DataError

# float32 counts exactly up to here.
MOST_CODES = 2**24


def column(codes: Iterable[int]) -> np.ndarray:
    """Returns codes as an encoded array, float32, shape (T, 1)."""
    return np.array(codes if isinstance(codes, np.ndarray) else list(codes), np.float32).reshape(-1, 1)


def codes_of(array: np.ndarray, size: int) -> np.ndarray:
    """Returns the codes that an encoded array holds, int64, shape (T,).

    Args:
        array: (T, 1) or (T,), of any numeric type.
        size: number of codes; each is in [0, size).

    Raises:
        DataError: the shape is another, or a value is no code.
    """
    values = np.asarray(array)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.dtype.kind not in "fiub":
        raise DataError(
            f"`decode` takes numbers of shape (T, 1) or (T,), but {values.dtype} of shape {np.shape(array)} came. "
            "Decode one column of codes."
        )
    wrong = ~((values >= 0) & (values < size))
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            wrong |= values != np.floor(values)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"`decode` takes whole numbers from 0 to {size - 1}, but row {row} is {values[row]}. "
            "Decode with the codec that encoded it."
        )
    return values.astype(np.int64)
