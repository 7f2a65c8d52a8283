"""The contract of what a text is cut into, and its two members without words: characters and bytes."""

import codecs as encodings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from typing import ClassVar, NamedTuple, Self

import numpy as np

from whorl.codecs.category import Categories
from whorl.codecs.codes import MOST_CODES
from whorl.codecs.numeric import require_array
from whorl.errors import ModelFileError

# The codes that every text codec has.
UNKNOWN, BEGIN, END = 0, 1, 2
RESERVED = 3
# What an unknown piece of text, or a byte that is no text, is shown as.
UNKNOWN_TEXT = "\ufffd"


class Open(NamedTuple):
    """What an alphabet remembers between the pieces of a text.

    Args:
        text: the end of the text, whose codes what follows may change.
        left: the code before it.
        quotes: bits of the quotation marks that are open.
    """

    text: str = ""
    left: int = BEGIN
    quotes: int = 0


class Alphabet(ABC):
    """Pieces of text and their codes, from RESERVED on."""

    holds_back: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def fit(cls, texts: Iterable[str], most: int | None, least_count: int) -> Self:
        """Learns the pieces of training texts: the `most` most frequent of those that occur `least_count` times."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of codes, with the reserved ones."""

    @abstractmethod
    def encode(self, text: str, held: Open, *, last: bool) -> tuple[np.ndarray, Open]:
        """Returns the codes (n,) that are certain after `held` and this text, and what is held back then.

        Args:
            text: what came, normalised.
            held: what the call before returned.
            last: the text ends here, so that nothing is held back.
        """

    @abstractmethod
    def decode(self, codes: list[int]) -> str:
        """Returns the text of codes; begin and end are left out."""

    @abstractmethod
    def readable(self) -> list[str]:
        """Returns a name for every code from RESERVED on."""

    def canonical(self, text: str) -> str:
        """Returns the text that `decode` gives back where everything is known."""
        return text

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray]:
        """Returns what was learned; `restore` is the way back."""

    @classmethod
    @abstractmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        """Builds what `arrays` described; raises ModelFileError on any mismatch."""


class Characters(Alphabet):
    """One code for each character."""

    def __init__(self, characters: tuple[str, ...]) -> None:
        self.characters = characters
        order = np.argsort(_points("".join(characters)), kind="stable")
        self._points = _points("".join(characters))[order]
        self._codes = order + RESERVED
        self._texts = [UNKNOWN_TEXT, "", "", *characters]

    @classmethod
    def fit(cls, texts: Iterable[str], most: int | None, least_count: int) -> Self:
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(text)
        return cls(tuple(most_frequent(counts, most, least_count)))

    @property
    def size(self) -> int:
        return RESERVED + len(self.characters)

    def encode(self, text: str, held: Open, *, last: bool) -> tuple[np.ndarray, Open]:
        points = _points(text)
        if not len(self._points):
            return np.zeros(len(points), np.int64), held
        at = np.minimum(np.searchsorted(self._points, points), len(self._points) - 1)
        return np.where(self._points[at] == points, self._codes[at], UNKNOWN), held

    def decode(self, codes: list[int]) -> str:
        texts = self._texts
        return "".join([texts[code] for code in codes])

    def readable(self) -> list[str]:
        return list(self.characters)

    def arrays(self) -> dict[str, np.ndarray]:
        return Categories(self.characters).arrays("vocabulary")

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        characters = restored_texts(arrays)
        if any(len(one) != 1 for one in characters):
            raise ModelFileError("The model file is damaged: a character of a text codec is not one character.")
        return cls(characters)


class Bytes(Alphabet):
    """One code for each byte of UTF-8, so that nothing is unknown."""

    @classmethod
    def fit(cls, texts: Iterable[str], most: int | None, least_count: int) -> Self:
        for _ in texts:  # what is no text is found here
            pass
        return cls()

    @property
    def size(self) -> int:
        return RESERVED + 256

    def encode(self, text: str, held: Open, *, last: bool) -> tuple[np.ndarray, Open]:
        return np.frombuffer(to_bytes(text), np.uint8).astype(np.int64) + RESERVED, held

    def decode(self, codes: list[int]) -> str:
        return from_bytes([_BYTES_OF_CODES[code] for code in codes])

    def readable(self) -> list[str]:
        return [readable_bytes(bytes([byte])) for byte in range(256)]

    def arrays(self) -> dict[str, np.ndarray]:
        return {}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        if arrays:
            raise ModelFileError(f"The model file is damaged: a codec of bytes has the arrays {sorted(arrays)}.")
        return cls()


def most_frequent(counts: Counter[str], most: int | None, least_count: int) -> list[str]:
    """Returns what occurs often enough, the most frequent first, and of equally frequent ones the first in order."""
    kept = [text for text, count in counts.items() if count >= least_count]
    return sorted(kept, key=lambda text: (-counts[text], text))[: MOST_CODES // 2 if most is None else most]


def restored_texts(arrays: dict[str, np.ndarray]) -> tuple[str, ...]:
    """Returns the texts of a vocabulary; raises ModelFileError if `arrays` holds anything else."""
    if set(arrays) != {"vocabulary.bytes", "vocabulary.ends"}:
        raise ModelFileError(f"The text codec of the model file is damaged: its arrays are {sorted(arrays)}.")
    data = require_array(arrays, "vocabulary.bytes", np.uint8)
    return Categories.restore(data, require_array(arrays, "vocabulary.ends", np.int64)).values


def to_bytes(text: str) -> bytes:
    """Returns UTF-8; a lone surrogate, which is no text, becomes the three bytes that it would have."""
    return text.encode("utf-8", "surrogatepass")


# A byte that UTF-8 never has, so that an unknown code is shown as one unknown character.
UNKNOWN_BYTE = b"\xff"
_BYTES_OF_CODES = [UNKNOWN_BYTE, b"", b"", *(bytes([byte]) for byte in range(256))]


def from_bytes(pieces: list[bytes]) -> str:
    """The way back from `to_bytes`; bytes that are no text become UNKNOWN_TEXT."""
    return b"".join(pieces).decode("utf-8", _SURROGATES)


def readable_bytes(piece: bytes) -> str:
    """Returns the text of bytes, or their numbers where they are none, or where nothing would be seen."""
    text = piece.decode("utf-8", "replace")
    if text.isprintable() and UNKNOWN_TEXT not in text:
        return text
    return "".join(chr(byte) if 32 < byte < 127 else f"<{byte:02x}>" for byte in piece)


def _surrogate_or_unknown(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    three = error.object[error.start : error.start + 3]
    if len(three) == 3 and three[0] == 0xED and three[1] >= 0xA0 and 0x80 <= three[2] < 0xC0 and three[1] < 0xC0:
        return three.decode("utf-8", "surrogatepass"), error.start + 3
    return UNKNOWN_TEXT, error.end


# The codec of that name in Python fails at the first byte that is neither text nor a surrogate.
_SURROGATES = "whorl.surrogates"
encodings.register_error(_SURROGATES, _surrogate_or_unknown)


def _points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
