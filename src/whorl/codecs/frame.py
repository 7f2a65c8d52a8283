"""A table in memory: named numpy columns of equal length, and where they came from. No dataframe library needed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from whorl.errors import DataError, did_you_mean


@dataclass(frozen=True)
class Frame:
    """Columns of equal length.

    Args:
        columns: name -> array of shape (rows,): float64 (NaN is missing), datetime64[us] (NaT is missing), or object
            holding `str | None`.
        origin: what error messages call the table: a file name, 'records', 'frame'.
        rows: number of each row as the user counts it (a CSV's first data row is line 2), shape (rows,), int64.
    """

    columns: Mapping[str, np.ndarray]
    origin: str = "data"
    rows: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        if not len(self.rows):
            object.__setattr__(self, "rows", np.arange(len(self), dtype=np.int64))

    def __len__(self) -> int:
        for column in self.columns.values():
            return len(column)
        return 0

    def __getitem__(self, name: str) -> np.ndarray:
        """Returns a column; raises DataError naming the closest column otherwise."""
        if name not in self.columns:
            have = ", ".join(map(repr, list(self.columns)[:20]))
            told = f"its columns are {have}" if have else "it has no columns"
            raise DataError(f"column `{name}` is not in {self.origin}; {told}.{did_you_mean(name, self.columns)}")
        return self.columns[name]

    def take(self, index: np.ndarray | slice) -> "Frame":
        """Returns the chosen rows, with their numbers."""
        return Frame({name: column[index] for name, column in self.columns.items()}, self.origin, self.rows[index])

    def with_columns(self, columns: Mapping[str, np.ndarray]) -> "Frame":
        """Returns a frame with these columns added or replaced."""
        return Frame({**self.columns, **columns}, self.origin, self.rows)
