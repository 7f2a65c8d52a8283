"""One spelling for texts that mean the same: lower case and Unicode's normal forms, in pieces as in the whole."""

import functools
import re
import unicodedata
from typing import Literal

Form = Literal["NFC", "NFKC"]

# What is held back of a text that comes in pieces is bounded: a run of more combining characters, or a word of more
# characters, is cut there, in pieces and in the whole alike.
LONGEST = 1000


class Normaliser:
    """Lowers a text and brings it to a normal form.

    The final sigma is lowered like every other: which one is final, a later piece would have to say. Lower case comes
    before the normal form, and for NFKC also after it, so that normalising twice changes nothing.

    Args:
        lowercase: whether upper case becomes lower case.
        form: 'NFC' (composed), 'NFKC' (composed, and compatible characters become one, such as the ligature fi), None.
    """

    def __init__(self, *, lowercase: bool, form: Form | None) -> None:
        self.lowercase = lowercase
        self.form: Form | None = form

    def normalised(self, text: str) -> str:
        """Returns the whole text, normalised."""
        return self.ready(text, last=True)[0]

    def ready(self, text: str, *, last: bool) -> tuple[str, str]:
        """Returns what of a text can be normalised already, normalised, and the rest as it came.

        The rest is the last character and what combines with it, at most LONGEST + 1 characters: a later one may too.

        Args:
            text: the rest of before and a new piece.
            last: the text ends here, so that there is no rest.
        """
        if self.form is None:
            return self._lower(text), ""
        made, start = [], 0
        for run in _long_run(self.form).finditer(text):
            made.append(self._whole(text[start : run.end()]))
            start = run.end()
        stop = len(text) if last else self._last_boundary(text, start)
        made.append(self._whole(text[start:stop]))
        return "".join(made), text[stop:]

    def _whole(self, text: str) -> str:
        form = self.form
        assert form is not None
        if not self.lowercase:
            return unicodedata.normalize(form, text)
        # NFKC makes capitals of characters that had no lower case, and lower case may compose where upper did not.
        if form == "NFKC":
            text = unicodedata.normalize(form, text)
        return unicodedata.normalize(form, self._lower(text))

    def _lower(self, text: str) -> str:
        return text.replace("Σ", "σ").lower() if self.lowercase else text

    def _last_boundary(self, text: str, start: int) -> int:
        assert self.form is not None
        continuing, at = _continuing(self.form), len(text) - 1
        while at > start and text[at] in continuing:
            at -= 1
        return max(at, start)


@functools.cache
def _continuing(form: Form) -> frozenset[str]:
    """Characters that a normal form may join to the one before: marks, and the second halves of compositions."""
    seconds = {chr(code) for code in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}  # vowels and finals of Hangul
    for code in range(0xC0, 0x20000):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            seconds.add(chr(int(parts[1], 16)))
    decomposed: Literal["NFD", "NFKD"] = "NFD" if form == "NFC" else "NFKD"
    found = set()
    for code in range(0x300, 0x20000):  # beyond are ideographs, which combine with nothing
        first = unicodedata.normalize(decomposed, chr(code))[0]
        if unicodedata.combining(first) or first in seconds:
            found.add(chr(code))
    return frozenset(found)


@functools.cache
def _long_run(form: Form) -> re.Pattern[str]:
    return re.compile(f"[{character_class(_continuing(form))}]{{{LONGEST}}}")


def character_class(characters: frozenset[str]) -> str:
    """Returns what stands between the brackets of a regular expression for these characters."""
    runs: list[list[int]] = []
    for code in sorted(map(ord, characters)):
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in runs)


@functools.cache
def marks() -> str:
    """The class of characters that belong to the one before: accents, vowel signs, variations, joiners."""
    found = {chr(code) for code in range(0x300, 0x20000) if unicodedata.category(chr(code))[0] == "M"}
    found |= {chr(code) for code in (0x200C, 0x200D, *range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE01F0))}
    return character_class(frozenset(found))
