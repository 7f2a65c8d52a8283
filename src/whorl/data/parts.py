"""What a reader has learned, as arrays: those of its parts side by side, under names that say whose they are."""

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np

from whorl.errors import ModelFileError


class Learned(Protocol):
    """What has learned arrays: a codec, labels, a memory."""

    def arrays(self) -> dict[str, np.ndarray]:
        """What was learned."""


def joined(parts: Mapping[str, Learned | None]) -> dict[str, np.ndarray]:
    """The arrays of all parts, as 'part/name'; None has none."""
    return {
        f"{part}/{name}": array
        for part, learned in parts.items()
        if learned is not None
        for name, array in learned.arrays().items()
    }


def split(arrays: Mapping[str, np.ndarray], parts: Iterable[str]) -> dict[str, dict[str, np.ndarray]]:
    """The way back: the arrays of each part, under the names that it gave; ModelFileError for those of another."""
    own: dict[str, dict[str, np.ndarray]] = {part: {} for part in parts}
    for name, array in arrays.items():
        part, _, rest = name.partition("/")
        if part not in own:
            raise ModelFileError(f"the reader of the model file has an unknown array '{name}'. Save it again.")
        own[part][rest] = array
    return own
