"""The tokens that a next step is answered with, under names that tell them apart."""

from collections import Counter

import numpy as np

from whorl.codecs.music import MusicCodec
from whorl.codecs.text import TextCodec
from whorl.data.unitless import Unitless


class Vocabulary(Unitless):
    """Codes of a codec of texts, or of events of music, as answers.

    Args:
        codec: a fitted one.
    """

    def __init__(self, codec: TextCodec | MusicCodec) -> None:
        names = list(codec.vocabulary)
        many = {name for name, count in Counter(names).items() if count > 1}
        # Byte pairs that are no text are shown as numbers, which could be the text of another token.
        names = [f"{name}#{code}" if name in many else name for code, name in enumerate(names)]
        self.classes = np.array(names, object)
        self._codes: dict[str, int] | None = None

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Names (n,) of codes (n, 1, 1); None where a code is NaN."""
        flat = np.asarray(codes).reshape(len(codes))
        found: np.ndarray = self.classes[np.where(np.isfinite(flat), flat, 0).astype(np.int64)]
        found[~np.isfinite(flat)] = None
        return found

    def codes(self, names: np.ndarray) -> np.ndarray:
        """Codes (n,) of names; -1 where it is None."""
        if self._codes is None:
            self._codes = {name: code for code, name in enumerate(self.classes.tolist())}
        return np.array([self._codes.get(name, -1) for name in names.tolist()], np.int64)
