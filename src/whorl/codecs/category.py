"""Categories as codes: 0 is unknown or missing, the rest are the values of the training rows in sorted order."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from whorl.errors import ModelFileError

# A number with a point, which may have zeros that say nothing; '01.0' is none, but a name.
_WITH_POINT = re.compile(r"-?(0|[1-9]\d*)\.\d*", re.ASCII)


@dataclass(frozen=True)
class Categories:
    """The values of one column.

    A number that training does not have as it is spelled is the one it is by its shortest spelling: where '1' is known,
    '1.0' is '1', as a number 1.0 is.
    """

    values: tuple[str, ...]
    codes: dict[str | None, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", {value: i + 1 for i, value in enumerate(self.values)})

    @classmethod
    def fit(cls, columns: Iterable[np.ndarray]) -> Self:
        """Learns the values of training rows."""
        seen: set[str] = set()
        for column in columns:
            seen.update(value for value in column.tolist() if value is not None)
        return cls(tuple(sorted(seen)))

    @property
    def size(self) -> int:
        """Number of codes, with the 0 of the unknown."""
        return len(self.values) + 1

    def encode(self, column: np.ndarray) -> np.ndarray:
        """Returns the codes, float32, shape (T, 1): exact up to 2^24, far above any vocabulary of a column."""
        code = self._code
        return np.array([[code(value)] for value in column.tolist()], np.float32).reshape(-1, 1)

    def _code(self, value: str | None) -> int:
        found = self.codes.get(value)
        if found is None and value is not None and _WITH_POINT.fullmatch(value):
            found = self.codes.get(value.rstrip("0").rstrip("."))
        return found or 0

    def unseen(self, column: np.ndarray) -> dict[str, int]:
        """Returns the values that training did not have, and how often each occurs."""
        counts: dict[str, int] = {}
        for value in column.tolist():
            if value is not None and not self._code(value):
                counts[value] = counts.get(value, 0) + 1
        return counts

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Returns the values as utf-8 bytes and the offset at which each ends."""
        encoded = [value.encode("utf-8", "surrogatepass") for value in self.values]
        ends = np.cumsum([len(value) for value in encoded], dtype=np.int64).reshape(-1)
        return {f"{name}.bytes": np.frombuffer(b"".join(encoded), np.uint8), f"{name}.ends": ends.astype(np.int64)}

    @classmethod
    def restore(cls, data: np.ndarray, ends: np.ndarray) -> Self:
        """The way back from `arrays`; raises ModelFileError on any mismatch."""
        starts = np.concatenate([[0], ends])[:-1]
        whole = int(ends[-1]) if len(ends) else 0
        if whole != len(data) or (ends < starts).any():
            raise ModelFileError("The model file is damaged: the offsets of a vocabulary do not fit its bytes.")
        raw = data.tobytes()
        try:
            values = tuple(
                raw[start:end].decode("utf-8", "surrogatepass")
                for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
            )
        except UnicodeDecodeError:
            raise ModelFileError("The model file is damaged: a vocabulary is not UTF-8.") from None
        if len(set(values)) != len(values):
            raise ModelFileError("The model file is damaged: a vocabulary has a value twice.")
        return cls(values)
