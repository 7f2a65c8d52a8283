"""Numbers as networks like them: scaled by training statistics, missing values held and flagged."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal, Self, TypeVar

import numpy as np

from whorl.codecs.codec import Encoder
from whorl.errors import DataError, ModelFileError
from whorl.plans.table import Scaling
from whorl.specs import Flags, Reals, Spec

Missing = Literal["hold", "keep"]
# The network computes in 32 bits: a larger value would be infinite there.
LARGEST = float(np.finfo(np.float32).max)
V = TypeVar("V")


@dataclass(frozen=True)
class Numeric:
    """Scales n columns, and says what becomes of their missing values.

    Shape:
        center, scale: (n,), float64; a value x becomes (x - center) / scale.
        flagged: (n,), bool: the columns that had missing values in training, and so have a flag.
        clip: (n,), float64: no scaled value is encoded as further from 0 than this.
    """

    center: np.ndarray
    scale: np.ndarray
    flagged: np.ndarray
    missing: Missing = "hold"
    clip: np.ndarray | None = None

    @classmethod
    def fit(
        cls, sequences: Sequence[np.ndarray], scaling: Scaling, missing: Missing, clip: np.ndarray | None = None
    ) -> Self:
        """Learns from arrays (T, n); missing values do not count, and a constant column has scale 1."""
        rows = np.concatenate(sequences)
        absent = np.isnan(rows)
        center, scale = np.zeros(rows.shape[1]), np.ones(rows.shape[1])
        for i in range(rows.shape[1]):
            known = rows[~absent[:, i], i]
            if scaling != "none" and len(known):
                center[i], scale[i] = _robust(known) if scaling == "robust" else _standard(known)
        flagged = absent.any(axis=0) & (missing == "hold")
        return cls(center, scale, flagged, missing, clip)

    def all_flagged(self) -> "Numeric":
        """The same with a flag for each column."""
        return replace(self, flagged=np.ones(len(self.center), bool))

    @property
    def fields(self) -> dict[str, Spec]:
        """The fields of the encoded columns, empty ones left out."""
        fields: dict[str, Spec] = {"numeric": Reals(len(self.center)), "missing": Flags(int(self.flagged.sum()))}
        return {name: spec for name, spec in fields.items() if spec.width}

    def start(self) -> np.ndarray:
        """What is held before the first value: the training centre, which is 0 once scaled."""
        return np.zeros(len(self.center))

    def encode(self, values: np.ndarray, held: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Encodes (T, n) values after rows that left `held`; returns the columns of `fields`, and what is held then.

        Raises:
            FloatingPointError: for a value that is infinite once scaled.
        """
        with np.errstate(over="ignore"):  # what overflows is refused below
            scaled = ((values - self.center) / self.scale).astype(np.float32)
        finite = np.isfinite(scaled)
        if self.clip is not None and not np.isinf(scaled).any():
            bound = self.clip.astype(np.float32)
            scaled = np.clip(scaled, -bound, bound)
        if finite.all():
            flags = [np.zeros((len(scaled), int(self.flagged.sum())), np.float32)] if self.flagged.any() else []
            return [scaled, *flags], (scaled[-1].astype(np.float64) if len(scaled) else held)
        if np.isinf(scaled).any():
            raise FloatingPointError(int(np.flatnonzero(np.isinf(scaled).any(axis=0))[0]))
        if self.missing == "keep":
            return [scaled], held
        flags = [(~finite[:, self.flagged]).astype(np.float32)] if self.flagged.any() else []
        filled = hold_last(scaled, finite, held.astype(np.float32))
        return [filled, *flags], filled[-1].astype(np.float64)

    def decode(self, array: np.ndarray) -> np.ndarray:
        """Returns values in the user's units, float64, of an array (..., n) or one whose first n columns are these."""
        values: np.ndarray = array[..., : len(self.center)].astype(np.float64)
        values *= self.scale
        values += self.center
        return values

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the statistics; `restore` is the way back."""
        return {"center": self.center, "scale": self.scale, "flagged": self.flagged}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray], n: int, missing: Missing, clip: np.ndarray | None = None) -> Self:
        """Builds what `arrays` described; raises ModelFileError on any mismatch."""
        own = {name: array for name, array in arrays.items() if name in ("center", "scale")}
        center, scale = center_and_scale(own, n)
        return cls(center, scale, require_array(arrays, "flagged", np.bool_, n), missing, clip)


def center_and_scale(arrays: dict[str, np.ndarray], n: int, least: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """What is subtracted from n numbers, and what they are divided by: all that a codec keeps in a model file.

    Args:
        arrays: of the file.
        n: numbers.
        least: what a deviation is at least, where it is kept from being smaller.

    Raises:
        ModelFileError: they are none of such a codec.
    """
    if set(arrays) != {"center", "scale"}:
        raise ModelFileError(
            f"The model file is damaged: a codec has the arrays {sorted(arrays)}, not `center` and `scale`."
        )
    center, scale = (require_array(arrays, name, np.float64, n) for name in ("center", "scale"))
    if not (np.isfinite(center) & np.isfinite(scale) & (scale > 0) & (scale >= least)).all():
        raise ModelFileError(
            "The model file is damaged: `center` and `scale` are finite, and `scale` is "
            f"{'above 0' if not least else f'at least {least:g}'}."
        )
    return center, scale


def hold_last(values: np.ndarray, known: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Returns (T, n) values in which an unknown one is the last known of its column, or `before` (n,)."""
    at = np.where(known, np.arange(1, len(values) + 1)[:, None], 0)
    at = np.maximum.accumulate(at, axis=0)
    padded = np.concatenate([before[None], values])
    return np.take_along_axis(padded, at, axis=0)


def require_array(
    arrays: dict[str, np.ndarray], name: str, kind: type[np.generic], size: int | None = None
) -> np.ndarray:
    """Returns a one-dimensional array of a model file; raises ModelFileError if it is not of that type and size."""
    array = arrays.get(name)
    if array is None or array.dtype != kind or array.ndim != 1 or (size is not None and len(array) != size):
        found = "missing" if array is None else f"{array.dtype} of shape {array.shape}"
        raise ModelFileError(
            f"The model file is damaged: `{name}` of a codec must be {np.dtype(kind)} of shape "
            f"({'any' if size is None else size},), but is {found}."
        )
    return array


class NumericEncoder(Encoder[V], Generic[V]):
    """Encodes pieces; what it remembers between them is the last known value of each column.

    Attributes:
        held: (n,), these values, scaled, and after them what else a codec remembers, where NaN is nothing yet. It is
            replaced and never changed, so that the one before can be put back.
    """

    def __init__(
        self, encode: Callable[[V, np.ndarray], tuple[np.ndarray, np.ndarray]], start: np.ndarray, width: int
    ) -> None:
        self._encode = encode
        self._may_be_nan = np.isnan(start)
        self.held = start
        self._width = width

    def push(self, piece: V) -> np.ndarray:
        rows, self.held = self._encode(piece, self.held)
        return rows

    def flush(self) -> np.ndarray:
        return np.empty((0, self._width), np.float32)

    def read(self) -> bytes:
        return self.held.astype(np.float64).tobytes()

    def write(self, remainder: bytes) -> None:
        if len(remainder) != 8 * len(self.held):
            raise ModelFileError(
                f"The state of a codec has {8 * len(self.held)} bytes, but {len(remainder)} came. "
                "It belongs to another model."
            )
        held = np.frombuffer(remainder, np.float64)
        if not (np.isfinite(held) | (np.isnan(held) & self._may_be_nan)).all():
            raise ModelFileError("The state of a codec is damaged: it holds a value that is not finite.")
        self.held = held.copy()


def fitted_rows(sequences: Iterable[np.ndarray], names: Sequence[str] = ()) -> list[np.ndarray]:
    """Returns the sequences; raises DataError when there is no row to learn from, or one out of range.

    The squares of larger numbers than 32 bits hold soon leave the range of 64, and statistics with them.
    """
    made = list(sequences)
    if not sum(map(len, made)):
        raise DataError(
            "`fit` needs at least one training row, but got none. Give longer series, or a smaller validation part."
        )
    for sequence in made:
        beyond = np.argwhere(np.abs(sequence) > LARGEST)
        if len(beyond):
            at = tuple(beyond[0].tolist())
            column = f"column '{names[at[-1]]}' of " if names else ""
            raise DataError(
                f"`fit` takes finite numbers within 3.4e38, the range of 32-bit floats, but {column}a training row has "
                f"{float(sequence[at])!r}. Rescale the column, or write NaN where a value is missing."
            )
    return made


def _standard(known: np.ndarray) -> tuple[float, float]:
    center = float(known.mean())
    spread = float(known.std())
    # The deviation of a constant is rounding, not scale.
    return center, spread if spread > 1e-12 * max(abs(center), 1e-300) else 1.0


def _robust(known: np.ndarray) -> tuple[float, float]:
    low, middle, high = (float(value) for value in np.percentile(known, [25, 50, 75]))
    spread = high - low
    # More than half of the values are equal: the deviation says more than an interquartile range of 0.
    return middle, spread if spread > 1e-12 * max(abs(middle), 1e-300) else _standard(known)[1]
