"""Interpolated Kneser-Ney n-grams: the classical language model, which any other has to beat."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np

from whorl.errors import ArgumentError, ModelFileError

_MOST_TOKENS = 1 << 24


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
        return self._counted(counts)

    def _counted(self, counts: list[dict[tuple[int, ...], int]]) -> "KneserNey":
        # In one order, so that what is restored adds up to the same bits.
        self._counts = counts = [dict(sorted(part.items())) for part in counts]
        self._discounts = [_discounts(part) for part in counts]
        self._backing = [_backing(part, cut) for part, cut in zip(counts, self._discounts, strict=True)]
        return self

    def nats(self, text: Sequence[int]) -> np.ndarray:
        """Surprise of each token of a text given those before it, (T,)."""
        codes = tuple(int(code) for code in text)
        return np.array(
            [self.next_nats(codes[max(0, at - self.order + 1) : at], code) for at, code in enumerate(codes)]
        )

    def next_nats(self, before: tuple[int, ...], code: int) -> float:
        """Surprise of one token after others, of which at most the last `order` - 1 count."""
        probability = 1.0 / self.num_tokens
        for order in range(1, min(self.order, len(before) + 1) + 1):
            context = before[len(before) - order + 1 :]
            backing = self._backing[order - 1].get(context)
            if backing is None:
                break  # nor was any longer context seen
            total, held = backing
            count = self._counts[order - 1].get((*context, code), 0)
            kept = count - self._discounts[order - 1][min(count, 3) - 1] if count else 0.0
            probability = kept / total + held * probability
        return -math.log(probability)

    def arrays(self) -> dict[str, np.ndarray]:
        """What was counted: of each order n the n-grams and how often each came, (N, n + 1)."""
        tables = {
            f"order{n}": np.array([(*ngram, count) for ngram, count in part.items()], np.int64).reshape(-1, n + 1)
            for n, part in enumerate(self._counts, start=1)
        }
        return {"num_tokens": np.array([self.num_tokens], np.int64), **tables}

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Builds the model that `arrays` describes; raises ModelFileError where they describe none."""
        tables = [arrays.get(f"order{n}") for n in range(1, len(arrays))]
        size = arrays.get("num_tokens")
        sound = size is not None and size.shape == (1,) and size.dtype == np.int64 and 0 < size[0] <= _MOST_TOKENS
        for n, table in enumerate(tables, start=1):
            sound = sound and table is not None and table.dtype == np.int64 and table.shape[1:] == (n + 1,)
        if not sound or not tables or size is None:
            raise ModelFileError("the n-grams of the model file are damaged. Save the model again.")
        model = cls(len(tables), int(size[0]))
        counts = []
        for table in tables:
            assert table is not None
            if len(table) and (table[:, -1].min() < 1 or table.min() < 0 or table[:, :-1].max() >= model.num_tokens):
                raise ModelFileError("the n-grams of the model file are damaged. Save the model again.")
            counts.append({tuple(row[:-1]): row[-1] for row in table.tolist()})
        model._counted(counts)
        return model


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
