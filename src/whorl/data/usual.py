"""What is usually written, whatever was read: what naive rivals answer with."""

from collections import Counter
from collections.abc import Sequence as List
from dataclasses import dataclass
from typing import Self

import numpy as np

from whorl.codecs.numeric import require_array
from whorl.data.text_outputs import TextOutputs
from whorl.errors import ModelFileError


@dataclass(frozen=True, kw_only=True)
class Usual:
    """What is usually written.

    Args:
        text: the most frequent one of training.
        counts: how often each token stands in the texts of training, (V,) int64.
    """

    text: str
    counts: np.ndarray

    @classmethod
    def of(cls, texts: List[str], outputs: TextOutputs) -> Self:
        """That of these texts; of equally frequent ones the first in the order of their characters."""
        counts = np.zeros(len(outputs.classes), np.int64)
        for text in texts:
            np.add.at(counts, outputs.text.encode(text)[1:, 0].astype(np.int64), 1)
        frequent = Counter(texts)
        most = max(frequent.values())
        return cls(text=min(text for text, count in frequent.items() if count == most), counts=counts)

    @property
    def log_probabilities(self) -> np.ndarray:
        """Of each token, (V,), one added to its count."""
        counts = self.counts + 1.0
        found: np.ndarray = np.log(counts / counts.sum())
        return found

    @classmethod
    def restore(cls, text: object, arrays: dict[str, np.ndarray], outputs: TextOutputs) -> Self:
        """The way back, of 'counts' among arrays; raises ModelFileError where it does not fit what may be written."""
        counts = require_array(arrays, "counts", np.int64)
        if not isinstance(text, str) or counts.shape != (len(outputs.classes),) or (counts < 0).any():
            raise ModelFileError("the reader of the model file is damaged: what is usually written does not fit.")
        return cls(text=text, counts=counts)
