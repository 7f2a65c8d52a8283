"""Plain arrays of numbers: the numeric part of a table, without names."""

from collections.abc import Iterable
from typing import Annotated, Self

import msgspec
import numpy as np

from whorl.codecs.codec import Codec, codecs
from whorl.codecs.numeric import Missing, Numeric, NumericEncoder, fitted_rows
from whorl.codecs.rows import RowScaler
from whorl.errors import DataError, ModelFileError, NotFittedError
from whorl.plans.table import Scaling
from whorl.specs import Fields, Spec


class _Config(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    num_features: int
    scaling: Scaling
    missing: Missing
    clip: Annotated[float, msgspec.Meta(gt=0)] | None = None


@codecs.add("array")
class ArrayCodec(Codec[np.ndarray]):
    """Encodes sequences (T, D) as the fields numeric and missing; D is fixed by `fit`.

    Args:
        scaling: 'standard' (mean, standard deviation), 'robust' (median, interquartile range) or 'none'.
        missing: 'hold' takes the last known value of the sequence and flags it; 'keep' leaves NaN, for targets.
        clip: scaled numbers that are further from 0 are encoded as this far from it; None has no bound.
    """

    def __init__(self, *, scaling: Scaling = "standard", missing: Missing = "hold", clip: float | None = None) -> None:
        self.scaling: Scaling = scaling
        self.missing: Missing = missing
        self.clip = clip
        self._numbers: Numeric | None = None

    def fit(self, sequences: Iterable[np.ndarray]) -> Self:
        made = fitted_rows(sequences)
        widths = {sequence.shape[1:] for sequence in made}
        if len(widths) > 1 or made[0].ndim != 2:
            raise DataError(f"`fit` takes sequences of shape (T, D) with one D, but rows have the shapes {widths}.")
        self._numbers = Numeric.fit(made, self.scaling, self.missing, self._bounds(made[0].shape[1]))
        return self

    def flag_all(self) -> Self:
        """Flags missing values of every column from now on, whether or not training had any."""
        self._numbers = self._fitted.all_flagged()
        return self

    @property
    def spec(self) -> Spec:
        return Fields(self._fitted.fields)

    @property
    def center(self) -> np.ndarray:
        """What is subtracted from each column, shape (D,), float64."""
        return self._fitted.center

    @property
    def scale(self) -> np.ndarray:
        """What each column is divided by, shape (D,), float64."""
        return self._fitted.scale

    def encode(self, values: np.ndarray) -> np.ndarray:
        return self._encode(values, self._fitted.start())[0]

    def decode(self, array: np.ndarray) -> np.ndarray:
        """Returns the user's units, shape (..., D), float64, of (..., D) or of whole encoded rows (..., width)."""
        if array.shape[-1] != len(self.center) and array.shape[-1] != self.spec.width:
            raise DataError(
                f"`decode` takes {len(self.center)} columns, but the array has {array.shape[-1]}. "
                "Decode with the codec that encoded it."
            )
        return self._fitted.decode(array)

    def chunks(self) -> NumericEncoder[np.ndarray]:
        return NumericEncoder(self._encode, self._fitted.start(), self.spec.width)

    def row_scaler(self) -> RowScaler | None:
        """Returns what encodes single rows of numbers; None where missing values are not held."""
        return RowScaler(self._fitted) if self.missing == "hold" else None

    def config(self) -> dict[str, object]:
        return {
            "num_features": len(self._fitted.center),
            "scaling": self.scaling,
            "missing": self.missing,
            "clip": self.clip,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        return self._fitted.arrays()

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        try:
            plain = msgspec.convert(config, _Config)
        except msgspec.ValidationError as error:
            raise ModelFileError(f"The array codec of the model file is damaged: {error}.") from None
        if set(arrays) != {"center", "scale", "flagged"}:
            raise ModelFileError(f"The array codec of the model file is damaged: its arrays are {sorted(arrays)}.")
        codec = cls(scaling=plain.scaling, missing=plain.missing, clip=plain.clip)
        bounds = codec._bounds(plain.num_features)
        codec._numbers = Numeric.restore(arrays, plain.num_features, plain.missing, bounds)
        return codec

    def _bounds(self, num_features: int) -> np.ndarray | None:
        return None if self.clip is None else np.full(num_features, float(self.clip))

    @property
    def _fitted(self) -> Numeric:
        if self._numbers is None:
            raise NotFittedError("This `ArrayCodec` has no statistics yet. Call `fit` with training sequences first.")
        return self._numbers

    def _encode(self, values: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if values.ndim != 2 or values.shape[1] != len(held):
            raise DataError(
                f"An array of shape (T, {len(held)}) is expected, as in training, but {values.shape} came. "
                "Give the features of training, in their order."
            )
        try:
            parts, held = self._fitted.encode(values, held)
        except FloatingPointError as error:
            raise DataError(
                f"Feature {error.args[0]} has a value that is infinite once scaled. Correct it, or rescale the feature."
            ) from None
        return (parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)), held
