"""What a source looks like at a glance, for the naive rival that writes the text of the one that looks most alike."""

from collections.abc import Sequence as List
from typing import Self

import numpy as np

from whorl.codecs.numeric import require_array
from whorl.data.pair_memory import MOST_PAIRS, packed, unpacked
from whorl.errors import ModelFileError
from whorl.specs import Picture, Spec

# Places along a side of a picture that a glance tells apart.
_SIDE = 8


def glance(steps: np.ndarray, spec: Spec) -> np.ndarray:
    """The mean over the steps of a source (S, C), (D,) float32; of pictures also over the pixels of 8 x 8 places."""
    mean = steps.mean(axis=0, dtype=np.float64)
    if isinstance(spec, Picture):
        mean = mean.reshape(spec.c, spec.h, spec.w)
        for axis in (1, 2):
            places = np.array_split(mean, min(_SIDE, mean.shape[axis]), axis=axis)
            mean = np.stack([place.mean(axis=axis) for place in places], axis=axis)
    found: np.ndarray = mean.ravel().astype(np.float32)
    return found


def size_of(spec: Spec) -> int:
    """D."""
    return spec.c * min(_SIDE, spec.h) * min(_SIDE, spec.w) if isinstance(spec, Picture) else spec.width


class Glances:
    """Glances at sources of training, and a text of each.

    Args:
        vectors: (N, D) float32.
        texts: N of them.
    """

    def __init__(self, vectors: np.ndarray, texts: List[str]) -> None:
        self._vectors, self._texts = vectors, tuple(texts)

    @classmethod
    def of(cls, given: List[tuple[np.ndarray, str]]) -> Self:
        """Keeps some of them, taken evenly."""
        chosen = np.unique(np.linspace(0, len(given) - 1, min(len(given), MOST_PAIRS)).astype(np.int64)).tolist()
        return cls(np.stack([given[n][0] for n in chosen]), [given[n][1] for n in chosen])

    def nearest(self, vector: np.ndarray) -> str:
        """The text of the source whose glance is nearest to this one; the first of several."""
        return self._texts[int(np.square(self._vectors - vector).sum(axis=1).argmin())]

    def arrays(self) -> dict[str, np.ndarray]:
        """The glances, and the texts."""
        return {"vectors": self._vectors.ravel(), **packed("texts", self._texts)}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray], size: int) -> Self:
        """The way back, of glances (size,); raises ModelFileError on any mismatch."""
        texts = unpacked("texts", arrays)
        vectors = require_array(arrays, "vectors", np.float32, len(texts) * size)
        if not texts or len(arrays) != 3 or not np.isfinite(vectors).all():
            raise ModelFileError("The model file is damaged: its glances at sources do not fit their texts.")
        return cls(vectors.reshape(len(texts), size), texts)
