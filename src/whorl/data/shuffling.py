"""Sequences whose steps have changed places: all that they say is still there, but not its order.

Axes: B sequences, T steps.
"""

from dataclasses import replace

import numpy as np

from whorl.data.batches import Batch, Batches
from whorl.data.sequences import Sequence
from whorl.plans.wiring import EachRow, Pairing, Sequences, Windows

# Draws of their own: where a step goes must not go with how it was changed.
_OWN = 2


class Shuffling:
    """Which steps of an example may change places, and whether their truths go with them.

    Of a window the last row stays: that it is the last one, each network knows without any memory. Of sequences that
    are answered late only the steps that hold a row move.

    Args:
        pairing: how examples are cut.
    """

    def __init__(self, pairing: Pairing) -> None:
        every_step = isinstance(pairing, EachRow) or (isinstance(pairing, Sequences) and pairing.every_step)
        self.moves_truths = every_step
        self.late = pairing.lookahead if isinstance(pairing, Sequences) else 0
        self.context = pairing.context if isinstance(pairing, Windows) else None

    def orders(self, lengths: np.ndarray, num_steps: int, random: np.random.Generator) -> np.ndarray:
        """A new order of the steps of each sequence, (B, T): the number of the step that comes to each place."""
        step = np.arange(num_steps)
        movable = lengths - self.late if self.context is None else np.full(len(lengths), self.context - 1)
        keys = np.where(step < movable[:, None], random.random((len(lengths), num_steps)), 1.0 + step)
        order: np.ndarray = np.argsort(keys, axis=1, kind="stable")
        return order

    def shuffled(self, one: Sequence, random: np.random.Generator) -> Sequence:
        """A sequence, or the rows of a window and those after it, in a new order."""
        (order,) = self.orders(np.array([len(one)]), len(one), random)
        targets = one.targets
        if self.moves_truths and targets is not None:
            targets = np.concatenate([targets[: self.late], targets[self.late :][order[: len(one) - self.late]]])
        return replace(one, past=one.past[order], targets=targets)


class ShuffledBatches(Batches):
    """Batches whose sequences are each in a new order, drawn anew in each epoch.

    Args:
        batches: of windows or whole sequences.
        shuffling: what moves.
    """

    def __init__(self, batches: Batches, shuffling: Shuffling) -> None:
        self._batches, self._shuffling = batches, shuffling

    def __len__(self) -> int:
        return len(self._batches)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        """Returns batch `index` of that epoch; its orders, too, are a function of the arguments."""
        batch = self._batches.batch(index, seed=seed, epoch=epoch)
        past, targets, late = np.asarray(batch.inputs["past"]), batch.targets, self._shuffling.late
        count, num_steps = past.shape[:2]
        lengths = np.full(count, num_steps) if batch.lengths is None else batch.lengths
        order = self._shuffling.orders(lengths, num_steps, np.random.default_rng([seed, epoch, index, _OWN]))
        if self._shuffling.moves_truths:
            moved = np.take_along_axis(targets[:, late:], order[:, : num_steps - late, None], axis=1)
            targets = np.concatenate([targets[:, :late], moved], axis=1)
        past = np.take_along_axis(past, order[..., None], axis=1)
        return batch._replace(inputs={**batch.inputs, "past": past}, targets=targets)
