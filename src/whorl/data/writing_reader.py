"""What readers share whose models read something whole and write a text for it."""

from abc import abstractmethod
from collections.abc import Sequence as List
from typing import ClassVar

import numpy as np

from whorl.codecs.text import TextCodec
from whorl.data.reader import Reader
from whorl.data.sequences import Sequence
from whorl.data.text_outputs import TextOutputs
from whorl.plans.table import Table
from whorl.specs import Spec

# Steps of a source; what attention looks back at is kept for each of them.
MOST_STEPS = 4096


class WritingReader(Reader):
    """Reads sources, and the texts that are to be written for them.

    Args:
        columns: of the source and of the target.
        outputs: encodes targets, with begin and end, and decodes what is written.
        longest: most steps that are read, and most tokens that are written, the end counted as one.
        table: how files are read.
    """

    outputs: TextOutputs
    # Whether texts describe what is read, so that another source is what a model can be mistaken about.
    describes: ClassVar[bool] = False

    def __init__(self, *, columns: tuple[str, str], outputs: TextOutputs, longest: int, table: Table) -> None:
        self.columns, self.outputs, self.longest, self.table = columns, outputs, longest, table
        self.horizon = 0
        self.names = (columns[1],)

    @property
    def past(self) -> TextCodec:
        """What was written so far."""
        return self.outputs.text

    @property
    def classes(self) -> np.ndarray:
        """The tokens that may be written."""
        return self.outputs.classes

    @property
    @abstractmethod
    def source_spec(self) -> Spec:
        """What a step of a source is."""

    @abstractmethod
    def rivals(self, sequences: List[Sequence]) -> dict[str, list[str]]:
        """What each of the naive rivals answers to these sources."""

    def token_rivals(self) -> dict[str, np.ndarray]:
        """Log-probability of each token, (V,), by naive rivals that write no text."""
        return {}

    def written(self, text: str | None) -> tuple[np.ndarray, np.ndarray | None]:
        """What was written before each step of a text, (T, 1), and what is written there; a lone begin without one."""
        if text is None:
            return np.full((1, 1), self.outputs.begin, np.float32), None
        codes = cut(self.outputs.text.encode(text), self.longest + 1)
        return codes[:-1], codes[1:]

    def most_tokens(self, num_read: int) -> int:
        """Most tokens that are written for a source of so many steps."""
        return self.longest

    def text_of(self, codes: np.ndarray) -> str:
        """The text of tokens (T,) that were written."""
        return self.outputs.text.decode(codes).strip()

    def times_after(self, times: np.ndarray) -> np.ndarray | None:
        return None


def cut(codes: np.ndarray, longest: int) -> np.ndarray:
    """The first codes; the last of them is the end."""
    return codes if len(codes) <= longest else np.concatenate([codes[: longest - 1], codes[-1:]])
