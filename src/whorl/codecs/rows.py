"""One row of plain numbers to an encoded row: what `Numeric.encode` gives, without a dozen calls of numpy for it."""

import math
from collections.abc import Iterable

import numpy as np

from whorl.codecs.elapsed import Elapsed
from whorl.codecs.numeric import LARGEST, Numeric

# Numbers whose float() is what an array of float64 would hold; bool and Decimal take the general way.
_NUMBERS = frozenset({int, np.float64, np.float32, np.int64, np.int32})


class RowScaler:
    """Encodes single rows with prepared constants. Python's floats follow the same IEEE arithmetic as numpy's.

    Args:
        numbers: statistics; missing values are held.
        ago: tells how long ago things happened, or None.
    """

    def __init__(self, numbers: Numeric, ago: Elapsed | None = None) -> None:
        self.width = len(numbers.center)
        self._ago = ago
        bound = np.full(self.width, np.inf) if numbers.clip is None else numbers.clip
        self._statistics = list(zip(numbers.center.tolist(), numbers.scale.tolist(), bound.tolist(), strict=True))
        self._flagged = np.flatnonzero(numbers.flagged).tolist()
        self._no_flags = [0.0] * len(self._flagged)

    def encode(
        self, values: Iterable[object], held: np.ndarray, *, missing: bool, time: int = 0
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Returns the encoded row (1, width + ...) and what is held then; None for values that need a judgement.

        Args:
            values: `width` values, None or NaN where one is missing.
            held: (width,), what stands for a missing value, and what else the codec holds.
            missing: whether values may be missing.
            time: when the row happens, for codecs that tell how long ago things happened.
        """
        row: list[float] = []
        absent: list[int] = []
        for value, (center, scale, bound) in zip(values, self._statistics, strict=True):
            if type(value) is not float:
                if type(value) in _NUMBERS:
                    try:
                        value = float(value)  # type: ignore[arg-type]
                    except OverflowError:
                        return None
                elif value is not None:
                    return None
            if value is None or value != value:
                if not missing:
                    return None
                absent.append(len(row))
                row.append(float(held[len(row)]))
                continue
            scaled = (value - center) / scale
            if not (-LARGEST <= value <= LARGEST and -LARGEST <= scaled <= LARGEST):  # the general way decides
                return None
            row.append(scaled if -bound <= scaled <= bound else math.copysign(bound, scaled))
        if self._flagged:
            row += [float(column in absent) for column in self._flagged] if absent else self._no_flags
        encoded = np.array([row], np.float32)
        if self._ago is None:
            return encoded, encoded[0, : self.width]
        observed = np.array([[column not in absent for column in self._flagged]], bool)
        features, last = self._ago.encode(np.array([time], np.float64), observed, held[self.width :])
        return (
            np.concatenate([encoded, features], axis=1),
            np.concatenate([encoded[0, : self.width].astype(np.float64), last]),
        )
