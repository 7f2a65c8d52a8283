"""What sounds next in a roll: for each note of the range whether it does."""

import numpy as np

from whorl.codecs.music import MusicCodec, note_name
from whorl.data.unitless import NamedUnitless


class Notes(NamedUnitless):
    """The notes of a roll as answers, each of which sounds, 1, or not, 0.

    Args:
        codec: of the roll.
    """

    def __init__(self, codec: MusicCodec) -> None:
        self.names = tuple(map(note_name, codec.pitches))
        self.classes = np.array(list(codec.pitches), object)

    def decode(self, numbers: np.ndarray) -> np.ndarray:
        """Zeros and ones (n, K) of those of steps (n, 1, K); NaN where nothing is known."""
        return np.asarray(numbers, np.float64).reshape(len(numbers), len(self.names))
