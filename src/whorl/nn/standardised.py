"""Numbers brought to one scale by what training has seen of them, before a layer that learns from them.

Axes: B batch, T time, H features.
"""

import numpy as np
import torch
from torch import Tensor, nn

from whorl.nn.emission import numpy
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program

# Least weight of a new batch: what was seen a hundred batches ago counts little, as what stands before may learn.
_LEAST = 0.01
# Least standard deviation: a number that hardly ever changes in training tells nothing.
_FLOOR = 1e-3
# Standard deviations beyond which nothing lies. The first steps of a sequence are far from what is seen at its end, a
# mean over all steps by ten or thirty of them, and an answer so far would be sure of what it cannot know.
_MOST = 2.0


class Standardised(nn.Module):
    """y = 2 tanh(z / 2) of z = (x - mean) / std, both of the batches of training so far; in eval mode they stay.

    Nothing of it is learned. Unlike batch normalisation a row is not scaled by those that happen to stand beside it,
    so that a batch may hold a single one.

    Args:
        size: H.
    """

    mean: Tensor
    variance: Tensor
    batches: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("variance", torch.ones(size))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor, real: Tensor | None = None) -> Tensor:
        """Scales (..., H); places (...) that are not real are not counted, and zero."""
        if self.training:
            self._count(x.detach().flatten(0, -2) if real is None else x.detach()[real])
        y = _MOST * torch.tanh((x - self.mean) * (1.0 / (_MOST * self._std())))
        return y if real is None else torch.where(real[..., None], y, 0.0)

    @torch.no_grad()
    def _count(self, rows: Tensor) -> None:
        """Moves mean and variance towards those of a batch (N, H): the first hundred alike, later ones by as much."""
        if not len(rows):
            return
        rows = rows.float()
        self.batches += 1
        share = (1.0 / self.batches).clamp(min=_LEAST)
        apart = rows.mean(dim=0) - self.mean
        self.mean += share * apart
        spread = rows.var(dim=0, correction=0) + (1.0 - share) * apart.square()
        self.variance += share * (spread - self.variance)

    def _std(self) -> Tensor:
        return self.variance.sqrt().clamp(min=_FLOOR)

    def emit(self, program: Program, x: Name) -> Name:
        """Adds the same to a program that has x, (H,)."""

        def constant(name: str, value: np.ndarray) -> Name:
            return program.add(ops.Constant(tensor=program.tensor(program.fresh(name), value)))

        mean, gain = constant("mean", numpy(self.mean)), constant("gain", numpy(1.0 / (_MOST * self._std())))
        apart = program.add(ops.Combine(a=x, b=mean, function="subtract"))
        scaled = program.add(ops.Combine(a=apart, b=gain, function="multiply"))
        bounded = program.add(ops.Activate(x=scaled, function="tanh"))
        most = constant("most", np.full((1,), _MOST, np.float32))
        return program.add(ops.Combine(a=bounded, b=most, function="multiply"))
