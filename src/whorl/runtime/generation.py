"""Texts that go on: prompts are read, and tokens follow as a decoding chooses them."""

from collections.abc import Sequence as List
from typing import TYPE_CHECKING

import numpy as np

from whorl.codecs.alphabet import BEGIN, END, UNKNOWN
from whorl.data.corpus_reader import CorpusReader
from whorl.data.music_reader import MusicReader
from whorl.data.sequences import Sequence
from whorl.errors import ArgumentError
from whorl.plans.decoding import DRAWN, Decoding, check_decoding
from whorl.runtime.composing import composed
from whorl.runtime.prediction import Prediction
from whorl.runtime.primers import index_of, tokens_after

if TYPE_CHECKING:
    from whorl.runtime.model import Model

# Tokens of an answer where nothing says how many.
MAX_LENGTH = 200


def continued(model: "Model", prompts: object, decoding: Decoding | None) -> Prediction:
    """Continues texts, or pieces of music.

    Args:
        model: a language model, or one of music.
        prompts: beginnings of texts or pieces, as its reader takes them.
        decoding: how tokens are chosen; None draws them at a temperature of 0.8.

    Returns:
        One text for each prompt: what follows it; of music pieces, see `whorl.runtime.composing`. `score` is the
        log-probability of what follows.
    """
    found = model.reader.read(prompts)
    chosen = DRAWN if decoding is None else check_decoding(decoding)
    return composed(model, found, chosen) if isinstance(model.reader, MusicReader) else go_on(model, found, chosen)


def go_on(model: "Model", sequences: List[Sequence], decoding: Decoding) -> Prediction:
    """The same of encoded texts."""
    reader = model.reader
    if not isinstance(reader, CorpusReader):
        raise ArgumentError("`decoding` continues texts, but this model reads none. Leave it out.")
    found = tokens_after(
        model.engine,
        sequences,
        decoding,
        end=END if reader.ends else None,
        banned=(UNKNOWN, BEGIN) if reader.ends else (UNKNOWN, BEGIN, END),
        limit=MAX_LENGTH,
    )
    texts = [_following(reader, one.past[:, 0], made.tokens) for one, made in zip(sequences, found, strict=True)]
    scores = np.array([float(made.log_probs.sum()) for made in found])
    return Prediction(value=texts, index=index_of(sequences), names=("text",), score=scores)


def _following(reader: CorpusReader, prompt: np.ndarray, tokens: np.ndarray) -> str:
    """The text of tokens behind a prompt: words know from those before them whether a space stands between."""
    before = reader.text(prompt)
    whole = reader.text(np.concatenate([prompt.astype(np.int64), tokens]))
    return whole[len(before) :] if whole.startswith(before) else reader.text(tokens)
