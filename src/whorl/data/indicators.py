"""Several labels at once: for each of them whether an example has it, 1 or 0."""

from typing import Self

import msgspec
import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.labels import Labels
from whorl.data.problems import name_rows
from whorl.data.unitless import NamedUnitless
from whorl.errors import DataError, ModelFileError

_RULE = "a label is 1 where an example has it, 0 where not, and empty (NaN, None) where nobody knows"


class Indicators(NamedUnitless):
    """Which labels an example has, one column each; NaN where it is not known.

    Args:
        names: the labels, at least two, in the order of the columns.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    @property
    def classes(self) -> np.ndarray:
        """The labels, (C,)."""
        made = np.empty(len(self.names), object)
        made[:] = self.names
        return made

    def checked(self, frame: Frame) -> Frame:
        """A table as it was read, with the columns of labels as numbers where it has them.

        Raises:
            DataError: a cell is neither 0 nor 1 nor empty; the message names column and rows.
        """
        made = {}
        for name in self.names:
            if name not in frame.columns:
                continue
            cells = frame[name]
            values, wrong = _numbers(cells)
            if wrong.any():
                at = np.flatnonzero(wrong)
                raise DataError(
                    f"{frame.origin}: column '{name}', {name_rows(frame, at)}: {_RULE}, but "
                    f"{_spelled(cells[at[0]])} came. Write 1 and 0; for "
                    "one label of several kinds name one column as `target`."
                )
            made[name] = values
        return frame.with_columns(made)

    def encode(self, frame: Frame) -> np.ndarray:
        """Zeros and ones of the columns of a checked table, (T, C) float32."""
        return np.stack([np.asarray(frame[name], np.float32) for name in self.names], axis=1)

    def encode_array(self, y: object, origin: str) -> np.ndarray:
        """Zeros and ones of an array (N, C), float32; raises DataError for what is something else."""
        count = len(self.names)
        if not isinstance(y, np.ndarray) or y.ndim != 2 or y.shape[1] != count:
            came = f"the shape {y.shape}" if isinstance(y, np.ndarray) else "an array for each"
            raise DataError(
                f"{origin}: `y` must have {count} columns of 0 and 1, one for each of {', '.join(self.names)}, "
                f"but has {came}. Give (N, {count}) numbers."
            )
        values, wrong = _numbers(y.ravel())
        if wrong.any():
            row, column = divmod(int(np.argmax(wrong)), count)
            raise DataError(
                f"{origin}: `y`, column '{self.names[column]}', row {row}: {_RULE}, but "
                f"{_spelled(y[row, column])} came. Write 1 and 0."
            )
        return values.reshape(y.shape).astype(np.float32)

    def decode(self, numbers: np.ndarray) -> np.ndarray:
        """Zeros and ones as they are, (..., C) float64."""
        return numbers.astype(np.float64)

    def config(self) -> dict[str, object]:
        """A JSON description."""
        return {"names": list(self.names)}

    def arrays(self) -> dict[str, np.ndarray]:
        """Nothing is learned."""
        return {}

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        """The way back; raises ModelFileError on any mismatch."""
        try:
            names = msgspec.convert(config, _Config).names
        except msgspec.ValidationError as error:
            raise ModelFileError(f"The labels of the model file are damaged: {error}") from None
        if arrays or len(names) < 2 or len(set(names)) != len(names):
            raise ModelFileError(f"The labels of the model file are damaged: {names} with {sorted(arrays)}.")
        return cls(names)


class _Config(msgspec.Struct, forbid_unknown_fields=True):
    names: tuple[str, ...]


def restore_labels(config: dict[str, object], arrays: dict[str, np.ndarray]) -> Labels | Indicators:
    """The labels, one for each example or several, that a model file describes."""
    return (Indicators if "names" in config else Labels).restore(config, arrays)


def num_labels(data: object) -> int | None:
    """C of data (X, y) where y is (N, C) with C > 1; None for other data, and where y may have one label a step."""
    if not isinstance(data, tuple) or len(data) != 2 or isinstance(data[1], str):
        return None
    x, y = data
    count = num_columns(y)
    return count if count > 1 and tuple(getattr(x, "shape", ())[1:2]) != (count,) else None


def num_columns(y: object) -> int:
    """C of answers (N, C), labels or numbers, by the first of them where they are a list; 1 of all others."""
    first = y[0] if isinstance(y, list) and y else None
    if isinstance(first, list | tuple):
        return len(first)
    if isinstance(first, np.ndarray):
        return len(first) if first.ndim == 1 else 1
    shape = tuple(getattr(y, "shape", ()))
    return int(shape[1]) if len(shape) == 2 else 1


def _numbers(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cells as numbers, (T,) float64, and which of them are something else than 0, 1 and missing."""
    if cells.dtype.kind in "fiub":
        values = cells.astype(np.float64)
    elif cells.dtype.kind == "O":
        values = np.array([_number(cell) for cell in cells.tolist()])
    else:
        values = np.where(np.isnat(cells), np.nan, 2.0) if cells.dtype.kind == "M" else np.full(len(cells), 2.0)
    return values, ~(np.isnan(values) | (values == 0.0) | (values == 1.0))


def _spelled(cell: object) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell)[:40]


def _number(cell: object) -> float:
    """A cell as a number: NaN where it is missing, 2 where it is none."""
    if cell is None or cell == "" or cell != cell:
        return np.nan
    return {"0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0}.get(str(cell).strip(), 2.0)
