"""Features that another encoder found: the cells of a grid, or the steps of a sequence."""

from collections.abc import Iterable
from typing import Self

import numpy as np

from whorl.codecs.array import ArrayCodec
from whorl.codecs.codec import Codec, Encoder, codecs
from whorl.errors import DataError, ModelFileError, NotFittedError
from whorl.specs import Reals, Spec


@codecs.add("features")
class FeaturesCodec(Codec[np.ndarray]):
    """Encodes features (S, D), or those of a grid (Y, X, D) row by row from the top left; each is scaled by training.

    D is fixed by `fit`. Nothing may be missing: features are what another encoder found.
    """

    def __init__(self) -> None:
        self._numbers: ArrayCodec | None = None

    def fit(self, sequences: Iterable[np.ndarray]) -> Self:
        cells = [cells_of(one) for one in sequences]
        widths = sorted({one.shape[1] for one in cells})
        if len(widths) > 1:
            raise DataError(f"features have as many numbers in each source, but there are {widths}. Use one encoder.")
        self._numbers = ArrayCodec().fit(cells)
        return self

    @property
    def _fitted(self) -> ArrayCodec:
        if self._numbers is None:
            raise NotFittedError("This `FeaturesCodec` has no statistics yet. Call `fit` with training features first.")
        return self._numbers

    @property
    def size(self) -> int:
        """D."""
        return len(self._fitted.center)

    @property
    def spec(self) -> Spec:
        return Reals(self.size)

    def encode(self, values: np.ndarray) -> np.ndarray:
        cells = cells_of(values)
        if cells.shape[1] != self.size:
            raise DataError(
                f"features have {self.size} numbers in training, but {cells.shape[1]} came. Use the same encoder."
            )
        return self._fitted.encode(cells)

    def decode(self, array: np.ndarray) -> np.ndarray:
        """Returns features (S, D) as they came, float64."""
        return self._fitted.decode(array)

    def chunks(self) -> Encoder[np.ndarray]:
        return _Pieces(self)

    def config(self) -> dict[str, object]:
        # Before it is fitted there is nothing to say: no option is a user's.
        return {} if self._numbers is None else self._numbers.config()

    def arrays(self) -> dict[str, np.ndarray]:
        return self._fitted.arrays()

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        codec = cls()
        codec._numbers = ArrayCodec.restore(config, arrays)
        if codec._numbers.config() != {**ArrayCodec().fit([np.zeros((1, 1))]).config(), "num_features": codec.size}:
            raise ModelFileError("The features codec of the model file is damaged: its numbers are read otherwise.")
        return codec


class _Pieces(Encoder[np.ndarray]):
    """Each piece is a step (D,), or several. Nothing is remembered."""

    def __init__(self, codec: FeaturesCodec) -> None:
        self._codec = codec

    def push(self, piece: np.ndarray) -> np.ndarray:
        try:
            given = np.asarray(piece)
        except ValueError:
            raise DataError(
                f"a step of features is {self._codec.size} numbers, but {piece!r:.60} came. Push such steps."
            ) from None
        if given.ndim == 2 and not len(given):
            return self.flush()
        return self._codec.encode(given[None] if given.ndim == 1 else given)

    def flush(self) -> np.ndarray:
        return np.empty((0, self._codec.size), np.float32)

    def read(self) -> bytes:
        return b""

    def write(self, remainder: bytes) -> None:
        if remainder:
            raise ModelFileError("The state of a codec is damaged: features leave nothing behind.")


def cells_of(array: object) -> np.ndarray:
    """The features of a source as its cells or steps, (S, D) float64.

    Raises:
        DataError: it is no such array, or holds what is no finite number.
    """
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub" or array.ndim not in (2, 3):
        came = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else f"{array!r:.60}"
        raise DataError(f"features are numbers (S, D) or (Y, X, D), but {came} came. Reshape them.")
    if not array.shape[-1]:
        raise DataError(f"features have at least one number a cell, but the shape {array.shape} came. Bring some.")
    cells = np.asarray(array, np.float64).reshape(-1, array.shape[-1])
    beyond = ~(np.abs(cells) <= np.finfo(np.float32).max)  # NaN is not within either
    if beyond.any():
        raise DataError(
            "features are finite numbers within 3.4e38, the range of 32-bit floats, but "
            f"{cells[beyond][0]} came. Replace them."
        )
    return cells
