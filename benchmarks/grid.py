"""The sentences of the corpus GRID: a word of a list at each of six places (Cooke et al. 2006)."""

from collections.abc import Sequence

import whorl


def sentences(texts: Sequence[str]) -> whorl.Beam:
    """A search among the sentences that have at each place a word that one of these texts has there."""
    places = zip(*(text.split() for text in texts), strict=True)
    return whorl.Beam(width=10, grammar=tuple(tuple(sorted(set(words))) for words in places))
