"""The labels of a task's answers: as numbers from 0 on for networks, and back."""

from collections.abc import Iterable
from typing import Self

import numpy as np

from whorl.codecs.symbols import SymbolsCodec, is_missing
from whorl.data.cells import as_objects
from whorl.data.unitless import Unitless
from whorl.errors import DataError, ModelFileError


class Labels(Unitless):
    """The label of each row as the number of its class; NaN where it is missing or unknown.

    Nothing can be learned of either. But an answer to a label that training does not have is wrong, while one to a
    missing label is neither right nor wrong: `strange` tells them apart.

    Args:
        symbols: the classes, in order; its code 0, the unknown, is none of them.
    """

    def __init__(self, symbols: SymbolsCodec) -> None:
        self.symbols = symbols

    @classmethod
    def fit(cls, columns: Iterable[np.ndarray]) -> Self:
        """Learns the classes of training labels; raises DataError for fewer than two."""
        fitted = cls(SymbolsCodec().fit([whole(column) for column in columns]))
        if len(fitted.classes) < 2:
            raise DataError(
                f"the target has one label only in the training part, {fitted.classes.tolist()[0]!r}, so there is "
                "nothing to tell apart. Bring examples of another class, or change `validation`."
            )
        return fitted

    @property
    def classes(self) -> np.ndarray:
        """The labels, (C,)."""
        return self.symbols.symbols

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Numbers of classes, (T, 1) float32."""
        codes = self.symbols.encode(whole(labels))
        return np.where(codes > 0, codes - 1, np.float32(np.nan)).astype(np.float32)

    def strange(self, labels: np.ndarray) -> np.ndarray | None:
        """The labels as they are, (T,), None where missing; None where training has all of them."""
        found = whole(labels)
        if not self.symbols.unseen(found):
            return None
        return as_objects([None if is_missing(label) else label for label in found.tolist()])

    def decode(self, numbers: np.ndarray) -> np.ndarray:
        """Labels of numbers of classes (..., 1), (...,); None or NaN where the class is unknown."""
        codes = np.where(np.isfinite(numbers), numbers + 1, 0.0)
        found: np.ndarray = self.symbols.decode(codes.reshape(-1, 1)).reshape(numbers.shape[:-1])
        return found

    def config(self) -> dict[str, object]:
        """A JSON description."""
        return self.symbols.config()

    def arrays(self) -> dict[str, np.ndarray]:
        """The classes."""
        return self.symbols.arrays()

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        """The way back; raises ModelFileError on any mismatch."""
        restored = cls(SymbolsCodec.restore(config, arrays))
        if len(restored.classes) < 2:
            raise ModelFileError("The model file is damaged: it answers fewer than two classes.")
        return restored


def whole(column: np.ndarray) -> np.ndarray:
    """A column of numbers as whole numbers, where all are: a table's numbers are real, and labels mostly are not."""
    known = column[np.isfinite(column)] if column.dtype.kind == "f" else column[:0]
    if column.dtype.kind != "f" or not len(known) or (known != np.round(known)).any() or np.abs(known).max() >= 2**53:
        return column
    if len(known) == len(column):
        return column.astype(np.int64)
    made = np.empty(len(column), object)
    made[np.isfinite(column)] = known.astype(np.int64).tolist()
    return made
