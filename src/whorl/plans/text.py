"""How text is cut into tokens. Frozen data, no behaviour."""

from dataclasses import dataclass
from typing import Literal

from whorl.errors import ArgumentError, did_you_mean

_CHOICES: dict[str, tuple[str | None, ...]] = {
    "unit": ("word", "character", "byte", "bpe"),
    "normalize": ("NFC", "NFKC", None),
}


@dataclass(frozen=True, kw_only=True)
class Text:
    """Options of a column of text.

    Args:
        unit: what a token is: 'word', 'character', 'byte', or 'bpe' (byte pairs, which needs the tokenizers library).
        lowercase: reads upper case as lower case.
        normalize: a normal form of Unicode, 'NFC' or 'NFKC'; None leaves characters as they are.
        most: tokens that are known, the most frequent ones; None knows all of training, and 8000 for 'bpe'.
        least_count: a token is known if training has it this often.
    """

    unit: Literal["word", "character", "byte", "bpe"] = "word"
    lowercase: bool = False
    normalize: Literal["NFC", "NFKC"] | None = "NFC"
    most: int | None = None
    least_count: int = 1

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                words = [word for word in known if word is not None]
                raise ArgumentError(
                    f"`{name}` must be one of {', '.join(map(str, known))}, but is {value!r}."
                    f"{did_you_mean(str(value), words)}"
                )
        for name in ("most", "least_count"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
                raise ArgumentError(f"`{name}` is a whole number >= 1, but is {value!r}. Change it.")
