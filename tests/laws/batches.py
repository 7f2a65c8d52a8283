"""The batches that the laws hold; what changes sequences is told to change nothing, so that rows can be told."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from tests.laws.batch_laws import BatchesSubject

from whorl.data.augmentation import AugmentedBatches
from whorl.data.batches import Batches
from whorl.data.forgetting import ForgettingBatches
from whorl.data.padded import SequenceBatches
from whorl.data.pair_batches import PairBatches
from whorl.data.pairing import WindowBatches
from whorl.data.pieces import PieceBatches
from whorl.data.prefixes import PrefixBatches
from whorl.data.quiet_batches import QuietBatches
from whorl.data.sequences import Sequence
from whorl.data.shuffling import ShuffledBatches, Shuffling
from whorl.data.sound_batches import SoundBatches
from whorl.data.strips import StripBatches
from whorl.data.tied_batches import TiedBatches
from whorl.data.token_strips import TokenStrips
from whorl.data.views import ViewedBatches
from whorl.nn.carried import FLOOR, decay_of
from whorl.plans.changes import Augmentation, Forgetting, SoundChange, Views
from whorl.plans.wiring import EachRow, Sequences, Strips, Windows
from whorl.runtime.kernels import running_statistics
from whorl.specs import Picture, Reals


def window_batches(**options: Any) -> BatchesSubject:
    pairing = Windows(4, 3, options.pop("stride", 1))
    return BatchesSubject(
        new=lambda sequences, spans: WindowBatches(sequences, pairing, 3, spans, **options), least=7, horizon=3
    )


def strip_batches(num_steps: int, **options: Any) -> BatchesSubject:
    pairing = Strips(4, 3)

    def running(targets: np.ndarray) -> np.ndarray:
        return running_statistics(targets, decay_of(pairing.warm_up), FLOOR)

    return BatchesSubject(
        new=lambda sequences, spans: StripBatches(sequences, pairing, 2, num_steps, spans, running, **options),
        least=7,
        horizon=3,
    )


def token_batches(num_steps: int, **options: Any) -> BatchesSubject:
    """The number of a row is its token, and what comes next is the one truth."""
    return BatchesSubject(
        new=lambda sequences, spans: TokenStrips(sequences, spans, 2, num_steps, **options), least=2, horizon=1
    )


def piece_batches(length: int, *, shuffle: bool = True) -> BatchesSubject:
    return BatchesSubject(
        new=lambda sequences, spans: PieceBatches(sequences, EachRow(length), 3, spans, shuffle=shuffle),
        every_step=True,
        covers=not shuffle,
    )


def whole_pieces(sequences: list[Sequence], spans: list[tuple[int, int]]) -> PieceBatches:
    """Whole sequences are held out, and no part of one."""
    return PieceBatches(sequences, EachRow(1, whole=True), 2, [(0, len(one)) for one in sequences])


def sequence_batches(every_step: bool = False, **options: Any) -> BatchesSubject:
    return BatchesSubject(new=lambda sequences, spans: SequenceBatches(sequences, 2, **options), every_step=every_step)


def tied_batches() -> BatchesSubject:
    """Without ties nothing changes places; tests/unit/data/test_tied_batches.py has those that do."""
    return BatchesSubject(new=lambda sequences, spans: TiedBatches(sequences, 2), every_step=True)


def pair_batches(**options: Any) -> BatchesSubject:
    """What is read of a pair is as long as what is written, and its other way round."""
    return BatchesSubject(
        new=lambda sequences, spans: PairBatches(
            [replace(one, source=one.past[::-1].copy()) for one in sequences], 2, **options
        ),
        every_step=True,
    )


def shared_batches(**options: Any) -> BatchesSubject:
    """Two targets behind each other share what is read."""

    def new(sequences: list[Sequence], spans: list[tuple[int, int]]) -> PairBatches:
        sources = [one.past[::-1].copy() for one in sequences]
        shared = [replace(one, source=sources[n - n % 2]) for n, one in enumerate(sequences)]
        return PairBatches(shared, 2, together=2, **options)

    return BatchesSubject(new=new, every_step=True)


def changed(kind: Callable[..., Batches], *options: Any) -> BatchesSubject:
    """Whole sequences that are changed each time anew."""
    return BatchesSubject(new=lambda sequences, spans: kind(SequenceBatches(sequences, 2), *options))


def forgetting() -> BatchesSubject:
    def new(sequences: list[Sequence], spans: list[tuple[int, int]]) -> ForgettingBatches:
        return ForgettingBatches(SequenceBatches(sequences, 2), Forgetting(rate=0.0), Reals(2), sequences)

    return BatchesSubject(new=new)


class Unmoved:
    """Pieces that stay in their key; tests/unit/data/test_transposing.py has those that are moved."""

    def __call__(self, rows: np.ndarray, number: int, *, seed: int, epoch: int) -> np.ndarray:
        return rows.copy()


# tests/unit/data has those that change something, and tests/unit/comparison/test_shuffling.py what changes places.
STILL = Augmentation(warp=0.0, scale=0.0, noise=0.0)
UNCHANGED = SoundChange(speed=0.0, warp=0.0, gain=0.0, tilt=0.0, noise=0.0, masks=0)
IN_PLACE = Shuffling(Sequences(lookahead=1000))
FROM_HERE = Views(mirror=False, shift=0.0)

BATCHES: dict[str, dict[str, Callable[[], BatchesSubject]]] = {
    "window batches": {
        "shuffled": window_batches,
        "in order, every other": lambda: window_batches(shuffle=False, stride=2),
    },
    "strip batches": {
        "shuffled": lambda: strip_batches(3),
        "in order, long steps": lambda: strip_batches(20, shuffle=False),
        "text, shuffled": lambda: token_batches(3),
        "text, in order, long steps": lambda: token_batches(20, shuffle=False),
        "music, shuffled": lambda: token_batches(3, transposing=Unmoved()),
    },
    "piece batches": {
        "shuffled": lambda: piece_batches(4),
        "in order": lambda: piece_batches(3, shuffle=False),
    },
    "sequence batches": {
        "shuffled": sequence_batches,
        "augmented": lambda: changed(AugmentedBatches, STILL, Reals(2)),
        "sounds": lambda: changed(SoundBatches, UNCHANGED),
        "quiet steps": lambda: changed(QuietBatches, 2.0, 5),
        "forgetting": forgetting,
        "prefixes": lambda: changed(PrefixBatches, 0.0),
        "changing places": lambda: changed(ShuffledBatches, IN_PLACE),
        "every step, in order": lambda: sequence_batches(every_step=True, shuffle=False),
        "whole pieces": lambda: BatchesSubject(new=whole_pieces, every_step=True),
        "ties": tied_batches,
        "pairs": pair_batches,
        "pairs, in order": lambda: pair_batches(shuffle=False),
        "pairs that share a source": shared_batches,
        "views": lambda: changed(ViewedBatches, FROM_HERE, Picture(1, 1, 2)),
    },
}
