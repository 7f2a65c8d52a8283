"""Batches of running text: strips side by side, read from their start to their end with the state carried."""

from collections.abc import Sequence as List

import numpy as np

from whorl.data.batches import Batch, Batches
from whorl.data.sequences import Sequence
from whorl.errors import DataError

# Tokens that are read before a part that is scored, and tokens that are scored at most where `fit` ends.
_BEFORE = 10_000
_SCORED = 1 << 20


class TokenStrips(Batches):
    """The documents one after the other, cut into `batch_size` strips of one length, `num_steps` tokens at a time.

    Every batch but an epoch's first carries on. The state starts afresh where a document does. Where the strips are
    cut moves from epoch to epoch, so that each token is learned from with a long past sooner or later.

    Args:
        sequences: encoded documents; the first column of a row is its token.
        spans: for each document the first and the last (exclusive) token that is read; truths are among them too.
        batch_size: most strips side by side; there are fewer where they would be shorter than two batches.
        num_steps: tokens between truncations of the gradient.
        most: number of tokens that an epoch reads at most, from the start; None reads all.
        shuffle: False cuts at the same places in every epoch.
    """

    def __init__(
        self,
        sequences: List[Sequence],
        spans: List[tuple[int, int]],
        batch_size: int,
        num_steps: int,
        *,
        most: int | None = None,
        shuffle: bool = True,
    ) -> None:
        kept = [(one, first, last) for one, (first, last) in zip(sequences, spans, strict=True) if last > first]
        self.shuffle = shuffle
        self._documents = [one for one, _, _ in kept]
        self._firsts = np.array([first for _, first, _ in kept], np.int64)
        self._lasts = np.array([last for _, _, last in kept], np.int64)
        self._starts = np.cumsum([0, *(self._lasts - self._firsts)])
        self.count = int(self._starts[-1])
        if self.count - len(kept) < 1:
            raise DataError(
                "a part of the text has no token that follows another one, so there is nothing to learn or to score. "
                "Bring more text, or change `validation`."
            )
        read = self.count if most is None else min(most, self.count)
        self.batch_size = max(1, min(batch_size, read // (2 * num_steps)))
        self._length = -(-read // self.batch_size)
        self.num_steps = min(num_steps, self._length)

    def __len__(self) -> int:
        return -(-self._length // self.num_steps)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        shift = int(np.random.default_rng([seed, epoch]).integers(self.count)) if self.shuffle else 0
        start = index * self.num_steps
        count = min(self.num_steps, self._length - start)
        parts = [self._read(strip * self._length + start, count, shift) for strip in range(self.batch_size)]
        inputs = {"past": np.stack([part[0] for part in parts]), "starts": np.stack([part[2] for part in parts])}
        if not inputs["starts"].any():
            del inputs["starts"]  # nothing to reset, and a recurrence without resets is faster
        return Batch(
            inputs,
            np.stack([part[1] for part in parts])[..., None, None],
            np.ones(self.batch_size, np.float32),
            carries=index > 0,
            description=f"{self.batch_size} strips of text from token {(start + shift) % self.count}",
        )

    def _read(self, at: int, count: int, shift: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows (count, D), the tokens after them and where documents start, from place `at` of the shifted text."""
        past = np.zeros((count, self._documents[0].past.shape[1]), np.float32)
        targets, starts = np.full(count, np.nan, np.float32), np.zeros(count, bool)
        done, real = 0, max(0, min(count, self.count - at))  # the last strip may be shorter
        while done < real:
            place = (at + done + shift) % self.count
            n = int(np.searchsorted(self._starts, place, side="right")) - 1
            inside = place - int(self._starts[n])
            first = int(self._firsts[n]) + inside
            stop = min(first + real - done, int(self._lasts[n]))
            rows = self._documents[n].past
            past[done : done + stop - first] = rows[first:stop]
            after = rows[first + 1 : min(stop + 1, int(self._lasts[n])), 0]
            targets[done : done + len(after)] = after
            starts[done] = inside == 0
            done += stop - first
        return past, targets, starts


def held_out_text(sequences: List[Sequence], cuts: List[int]) -> tuple[list[Sequence], list[np.ndarray]]:
    """The parts of texts that were held out, with what stands before them, and the steps that are scored.

    The state is carried into a part from so many tokens before it as no network remembers: to read a long text from its
    start would take longer than to score it. Of very long parts the beginning is scored.

    Args:
        sequences: encoded texts.
        cuts: for each its first token that was held out.
    """
    parts, steps, left = [], [], _SCORED
    for one, cut in zip(sequences, cuts, strict=True):
        start, last = max(0, cut - _BEFORE), min(len(one), cut + left)
        if last - max(1, cut) < 1:
            continue
        left -= last - cut
        parts.append(one.part(start, last))
        steps.append(np.arange(max(0, cut - 1), last - 1) - start)
    return parts, steps
