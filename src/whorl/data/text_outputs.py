"""Texts that are written token by token: what their tokens are, and the way back to the text."""

import numpy as np

from whorl.codecs.alphabet import BEGIN, END
from whorl.codecs.text import TextCodec
from whorl.data.unitless import Unitless


class TextOutputs(Unitless):
    """A codec of text on the answering side.

    Args:
        text: encodes a text with its end.
    """

    begin, end = BEGIN, END

    def __init__(self, text: TextCodec) -> None:
        self.text = text

    @property
    def classes(self) -> np.ndarray:
        """A readable name of each token, (V,)."""
        names = self.text.vocabulary
        made = np.empty(len(names), object)
        made[:] = names
        return made

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Names of tokens (..., 1), (...,); None where there is none."""
        known = np.isfinite(codes[..., 0])
        names = self.classes[np.where(known, codes[..., 0], 0).astype(np.int64)]
        names[~known] = None
        return names

    def config(self) -> dict[str, object]:
        """A JSON description."""
        return self.text.config()

    def arrays(self) -> dict[str, np.ndarray]:
        """The tokens."""
        return self.text.arrays()
