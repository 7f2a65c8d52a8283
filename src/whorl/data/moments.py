"""What comes next in a piece of music, under names that tell notes and events apart."""

import numpy as np

from whorl.codecs.music import MusicCodec, note_name
from whorl.data.unitless import Unitless


class Moments(Unitless):
    """What comes next in a piece: of a roll whether each note sounds, of events which one it is.

    Args:
        codec: whose moments they are.
    """

    def __init__(self, codec: MusicCodec) -> None:
        self._codec = codec
        self.names = tuple(map(note_name, codec.pitches)) if codec.is_roll else ("next event",)
        self.classes = np.array(list(codec.pitches) if codec.is_roll else codec.words, object)

    @property
    def scale(self) -> np.ndarray:
        """Ones, (K,)."""
        return np.ones(len(self.names))

    @property
    def center(self) -> np.ndarray:
        """Zeros, (K,)."""
        return np.zeros(len(self.names))

    def decode(self, numbers: np.ndarray) -> np.ndarray:
        """Of numbers (n, 1, K): zeros and ones (n, K) of a roll, else codes (n,); NaN where nothing is known."""
        flat = np.asarray(numbers, np.float64).reshape(len(numbers), -1)
        return flat if self._codec.is_roll else flat[:, 0]
