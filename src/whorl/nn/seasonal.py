"""What stood a season before each step of the horizon, on a way of its own around the core.

A core that has read a window knows much of it and nothing exactly. Where a week is like the one before, the rows of
that week are the better half of a forecast, and a core of some hundred units cannot hand on so many numbers.

Axes: B windows, L context, D columns of a row, H horizon, K targets.
"""

import torch
from torch import Tensor, nn

from whorl.nn.emission import numpy
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program

# What is learned changes by about the learning rate at each step of training, and shares go up to 1: so many times as
# fast they get there while the core learns what it can do better. Decision 29 has what was tried.
PACE = 5.0


class SeasonalWay(nn.Module):
    """A learned share of how far each target stood from its last value a season before, for each step of the horizon.

    Shares begin with zero, so that nothing comes this way where nothing is won by it.

    Args:
        season: rows of it, at most `context`.
        num_targets: K; the first columns of a row.
        context: L.
        horizon: H.
    """

    def __init__(self, season: int, num_targets: int, context: int, horizon: int) -> None:
        super().__init__()
        self.num_targets, self.context = num_targets, context
        # Of what lies more than a season ahead, the last season that is known.
        self.rows = [context - season + step % season for step in range(horizon)]
        self.share = nn.Parameter(torch.zeros(horizon, num_targets))

    def forward(self, past_BLD: Tensor) -> Tensor:
        """What is added to a forecast, (B, H, K)."""
        targets_BLK = past_BLD[..., : self.num_targets]
        made: Tensor = PACE * self.share * (targets_BLK[:, self.rows] - targets_BLK[:, -1:])
        return made

    def emit(self, program: Program, window: Name) -> Name:
        """Adds the same of a window (L, D), as (H, K, 1)."""
        targets = program.add(ops.Slice(x=window, axis=1, start=0, stop=self.num_targets))
        before = program.add(ops.Take(x=targets, axis=0, indices=tuple(self.rows)))
        last = program.add(ops.Slice(x=targets, axis=0, start=self.context - 1, stop=self.context))
        apart = program.add(ops.Combine(a=before, b=last, function="subtract"))
        share = program.add(ops.Constant(tensor=program.tensor("season.share", numpy(PACE * self.share))))
        made = program.add(ops.Combine(a=apart, b=share, function="multiply"))
        return program.add(ops.Reshape(x=made, shape=(*program.shapes[made], 1)))
