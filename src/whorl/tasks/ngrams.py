"""Interpolated Kneser-Ney n-grams: the classical language model, which any other has to beat."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from whorl.errors import ArgumentError


class KneserNey:
    """n-grams with interpolated modified Kneser-Ney smoothing (Chen & Goodman 1999, eq. 26 and 27).

    The highest order counts occurrences; lower ones count in how many contexts an n-gram was seen. Three discounts an
    order, for n-grams seen once, twice and more often, are estimated from how many were.

    Args:
        order: n, from 1 on.
        num_tokens: V; below the unigrams all tokens are alike.

    Example:
        >>> model = KneserNey(2, num_tokens=3).fit([[0, 1, 0, 1, 2, 0, 1]])
        >>> float(np.exp(-model.nats([0, 1])).round(2)[1]) > 0.5
        True
    """

    def __init__(self, order: int, num_tokens: int) -> None:
        if order < 1 or num_tokens < 1:
            raise ArgumentError(
                f"`order` and `num_tokens` are at least 1, but are {order} and {num_tokens}. Raise them."
            )
        self.order, self.num_tokens = order, num_tokens
        self._counts: list[dict[tuple[int, ...], int]] = []
        self._backing: list[dict[tuple[int, ...], tuple[int, float]]] = []
        self._discounts: list[tuple[float, float, float]] = []

    def fit(self, texts: Sequence[Sequence[int]]) -> "KneserNey":
        """Counts the n-grams of texts, each a sequence of codes."""
        highest: dict[tuple[int, ...], int] = defaultdict(int)
        starts: list[dict[tuple[int, ...], int]] = [defaultdict(int) for _ in range(self.order)]
        for text in texts:
            codes = tuple(int(code) for code in text)
            for at in range(len(codes)):
                first = at - self.order + 1
                if first >= 0:
                    highest[codes[first : at + 1]] += 1
                else:  # at the start of a text there is less to look back on
                    starts[at][codes[: at + 1]] += 1
        counts = [dict(highest)]
        for order in range(self.order - 1, 0, -1):
            lower: dict[tuple[int, ...], int] = defaultdict(int)
            for ngram in counts[0]:
                lower[ngram[1:]] += 1
            for ngram, count in starts[order - 1].items():
                lower[ngram] += count
            counts.insert(0, dict(lower))
        self._counts = counts
        self._discounts = [_discounts(part) for part in counts]
        self._backing = [_backing(part, cut) for part, cut in zip(counts, self._discounts, strict=True)]
        return self

    def nats(self, text: Sequence[int]) -> np.ndarray:
        """Surprise of each token of a text given those before it, (T,)."""
        codes = tuple(int(code) for code in text)
        found = np.empty(len(codes))
        for at in range(len(codes)):
            probability = 1.0 / self.num_tokens
            for order in range(1, min(self.order, at + 1) + 1):
                context = codes[at - order + 1 : at]
                backing = self._backing[order - 1].get(context)
                if backing is None:
                    break  # nor was any longer context seen
                total, held = backing
                count = self._counts[order - 1].get((*context, codes[at]), 0)
                kept = count - self._discounts[order - 1][min(count, 3) - 1] if count else 0.0
                probability = kept / total + held * probability
            found[at] = -np.log(probability)
        return found


def _discounts(counts: dict[tuple[int, ...], int]) -> tuple[float, float, float]:
    """D1, D2 and D3+ of an order (eq. 26); the one discount of all where too few n-grams were seen for three."""
    seen = [0] * 5
    for count in counts.values():
        seen[min(count, 5) - 1] += 1
    n1, n2, n3, n4, _ = seen
    if not (n1 and n2):
        return (0.5, 0.5, 0.5)
    share = n1 / (n1 + 2 * n2)
    if not (n3 and n4):
        return (share, share, share)
    first, second, third = 1 - 2 * share * n2 / n1, 2 - 3 * share * n3 / n2, 3 - 4 * share * n4 / n3
    return (min(max(first, 0.01), 0.99), min(max(second, 0.01), 1.99), min(max(third, 0.01), 2.99))


def _backing(
    counts: dict[tuple[int, ...], int], discounts: tuple[float, float, float]
) -> dict[tuple[int, ...], tuple[int, float]]:
    """For each context how often it was seen, and the weight that was taken off for the lower order."""
    totals: dict[tuple[int, ...], int] = defaultdict(int)
    taken: dict[tuple[int, ...], float] = defaultdict(float)
    for ngram, count in counts.items():
        totals[ngram[:-1]] += count
        taken[ngram[:-1]] += discounts[min(count, 3) - 1]
    return {context: (total, taken[context] / total) for context, total in totals.items()}
