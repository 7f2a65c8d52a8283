"""The batch contract: what a training step reads. Pure numpy, cut in bulk; the order is a function of its arguments."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, TypeVar

import numpy as np

Order = TypeVar("Order")


class Batch(NamedTuple):
    """One step's examples.

    Shape:
        inputs: name -> (B, T, ...), float32.
        targets: (B, ...), float32; NaN marks an unknown truth and is not learned from.
        weights: (B,), float32: how much each example counts.
        lengths: (B,), int64, real steps of each example, or None when all are whole.
        carries: True when the example goes on where the same row of the batch before it ended.
        description: where the examples come from, for messages ("series 'a', rows 17 to 184").
    """

    inputs: Mapping[str, np.ndarray]
    targets: np.ndarray
    weights: np.ndarray
    lengths: np.ndarray | None = None
    carries: bool = False
    description: str = ""


class Batches(ABC):
    """All the examples of one part of the data, as a list of batches for each epoch."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of batches in an epoch."""

    @abstractmethod
    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        """Returns batch `index` of that epoch: the same arguments, the same batch, whatever was asked before."""


class Orders(Generic[Order]):
    """The order of the examples of an epoch, made once for all of its batches.

    Args:
        make: the order by seed and epoch.
    """

    def __init__(self, make: Callable[[int, int], Order]) -> None:
        self._make = make
        self._last: tuple[tuple[int, int], Order] | None = None

    def __call__(self, seed: int, epoch: int) -> Order:
        """That of an epoch; the last one is kept."""
        if self._last is None or self._last[0] != (seed, epoch):
            self._last = (seed, epoch), self._make(seed, epoch)
        return self._last[1]
