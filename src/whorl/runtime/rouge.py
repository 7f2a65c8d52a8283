"""The words that ROUGE compares: those of rouge-score where texts are ASCII, and like them in every other script."""

import functools
import re
import unicodedata

from whorl.codecs.normalisation import marks
from whorl.codecs.words import IDEOGRAPHS


class RougeWords:
    """Splits a text into its words, for rouge-score; with that library's own rule only a to z and digits are words.

    Words are in lower case and end at what is no letter, digit or accent; in scripts that put no space between words
    each character is one. ASCII words are cut to their stems (Porter 1980), words of other letters stay whole.
    """

    def __init__(self) -> None:
        from rouge_score.tokenizers import DefaultTokenizer

        self._ascii = DefaultTokenizer(use_stemmer=True)

    def tokenize(self, text: str) -> list[str]:
        """The words of a text."""
        if text.isascii():
            return list(self._ascii.tokenize(text))
        words = _pattern().findall(unicodedata.normalize("NFC", text.lower()))
        return [part for word in words for part in (self._ascii.tokenize(word) if word.isascii() else [word])]


@functools.cache
def _pattern() -> re.Pattern[str]:
    letter, mark = rf"[^\W_{IDEOGRAPHS}]", f"[{marks()}]"
    return re.compile(rf"(?=\w)[{IDEOGRAPHS}]{mark}*|{letter}(?:{letter}|{mark})*")
