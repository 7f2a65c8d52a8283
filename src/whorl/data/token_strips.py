"""Batches of running text or music: strips side by side, read from start to end with the state carried."""

from collections.abc import Sequence as List

import numpy as np

from whorl.data.batches import Batch, Batches
from whorl.data.sequences import Sequence
from whorl.data.transposing import Transposing
from whorl.errors import DataError

# Tokens that are read before a part that is scored, and tokens that are scored at most where `fit` ends.
_BEFORE = 10_000
_SCORED = 1 << 20


class TokenStrips(Batches):
    """The documents one after the other, cut into `batch_size` strips of one length, `num_steps` tokens at a time.

    Every batch but an epoch's first carries on. The state starts afresh where a document does. Where the strips are
    cut moves from epoch to epoch, so that each token is learned from with a long past sooner or later.

    Args:
        sequences: encoded documents; what comes next are as many first columns of a row as it has targets: its token,
            or its flags.
        spans: for each document the first and the last (exclusive) token that is read; truths are among them too.
        batch_size: most strips side by side; there are fewer where they would be shorter than two batches.
        num_steps: tokens between truncations of the gradient.
        most: number of tokens that an epoch reads at most, from the start; None reads all.
        shuffle: False cuts at the same places in every epoch.
        transposing: moves pieces of music, by their number among the sequences; None leaves rows as they are.
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
        transposing: Transposing | None = None,
    ) -> None:
        pairs = enumerate(zip(sequences, spans, strict=True))
        numbered = [(n, one, first, last) for n, (one, (first, last)) in pairs if last > first]
        kept = [(one, first, last) for _, one, first, last in numbered]
        self._numbers, self._transposing = [n for n, *_ in numbered], transposing
        self._num_truths = sequences[0].row_targets.shape[1] if len(sequences) else 1
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
        key = (seed, epoch)
        parts = [self._read(strip * self._length + start, count, shift, key) for strip in range(self.batch_size)]
        inputs = {"past": np.stack([part[0] for part in parts]), "starts": np.stack([part[2] for part in parts])}
        if not inputs["starts"].any():
            del inputs["starts"]  # nothing to reset, and a recurrence without resets is faster
        return Batch(
            inputs,
            np.stack([part[1] for part in parts])[:, :, None],
            np.ones(self.batch_size, np.float32),
            carries=index > 0,
            description=f"{self.batch_size} strips of text from token {(start + shift) % self.count}",
        )

    def _read(self, at: int, count: int, shift: int, key: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows (count, D), what comes after them (count, K) and where documents start, from `at` of the moved text."""
        past = np.zeros((count, self._documents[0].past.shape[1]), np.float32)
        targets, starts = np.full((count, self._num_truths), np.nan, np.float32), np.zeros(count, bool)
        done, real = 0, max(0, min(count, self.count - at))  # the last strip may be shorter
        while done < real:
            place = (at + done + shift) % self.count
            n = int(np.searchsorted(self._starts, place, side="right")) - 1
            inside = place - int(self._starts[n])
            first = int(self._firsts[n]) + inside
            stop = min(first + real - done, int(self._lasts[n]))
            rows = self._documents[n].past[first : min(stop + 1, int(self._lasts[n]))]
            if self._transposing is not None:
                rows = self._transposing(rows, self._numbers[n], seed=key[0], epoch=key[1])
            past[done : done + stop - first] = rows[: stop - first]
            after = rows[1:, : self._num_truths]
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
