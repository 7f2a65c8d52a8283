"""Texts that codecs of text are tried on."""

import numpy as np

from whorl.codecs.text import TextCodec, Unit

UNITS: tuple[Unit, ...] = ("word", "character", "byte", "bpe")
PROSE = (
    "He said: \"It's 3.14, isn't it?\" (Nobody knew.)\n\nThe well-known dogs' tails... and 1,000 more!!!\n"
    "„Äpfel“ — naïve café; 'quoted' words / slashes: a_b, 50% of $20.\n漢字かな。שלום עולם 😀😀 👨‍👩‍👧 नमस्ते\n"
)
AWKWARD = [
    "",
    " ",
    "\n",
    "\r",
    "a",
    "\0",
    "\ud800",
    "\udfff",
    "\ud83d\ude00",
    "😀",
    "\u202eabc",
    "e\u0301",
    "\u0301",
    "\u200d",
    "'",
    "''",
    "n't",
    "\u2028",
    "\r\r\n",
    " \t ",
    "don't can’t DON'T",
    "ﬁ ½ Ⅷ ²",
    "\ufffd",
]


def in_pieces(codec: TextCodec, text: str, length: int) -> np.ndarray:
    encoder = codec.chunks()
    made = [encoder.push(text[start : start + length]) for start in range(0, len(text), length)]
    return np.concatenate([*made, encoder.flush()])
