"""What stood a season before each step of the horizon, on a way of its own around the core.

A core that has read a window knows much of it and nothing exactly. Where a week is like the one before, the rows of
that week are the better half of a forecast, and a core of some hundred units cannot hand on so many numbers.

Axes: B windows, L rows of one, D columns of a row, H horizon, K targets.
"""

import torch
from torch import Tensor, nn

from whorl.data.pairing import a_season_before
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
        season: rows of it.
        num_targets: K; the first columns of a row.
        horizon: H.
    """

    def __init__(self, season: int, num_targets: int, horizon: int) -> None:
        super().__init__()
        self.season, self.num_targets = season, num_targets
        self.rows = a_season_before(season, horizon)
        self.share = nn.Parameter(torch.zeros(horizon, num_targets))

    def forward(self, before_HK: Tensor, last_K: Tensor) -> Tensor:
        """What is added to a forecast, (..., H, K).

        Args:
            before_HK: targets a season before, (..., H, K).
            last_K: their last values, (..., 1, K).
        """
        made: Tensor = PACE * self.share * (before_HK - last_K)
        return made

    def of_windows(self, past_BLD: Tensor) -> Tensor:
        """The same of windows (B, L, D) that hold a season."""
        targets_BLK = past_BLD[..., : self.num_targets]
        made: Tensor = self(targets_BLK[:, self.rows - 1], targets_BLK[:, -1:])
        return made

    def emit(self, program: Program, window: Name) -> Name:
        """Adds the same of a window (L, D), as (H, K, 1)."""
        length = program.shapes[window][0]
        targets = program.add(ops.Slice(x=window, axis=1, start=0, stop=self.num_targets))
        indices = tuple((length - 1 + self.rows).tolist())
        before = program.add(ops.Take(x=targets, axis=0, indices=indices))
        last = program.add(ops.Slice(x=targets, axis=0, start=length - 1, stop=length))
        apart = program.add(ops.Combine(a=before, b=last, function="subtract"))
        share = program.add(ops.Constant(tensor=program.tensor("season.share", numpy(PACE * self.share))))
        made = program.add(ops.Combine(a=apart, b=share, function="multiply"))
        return program.add(ops.Reshape(x=made, shape=(*program.shapes[made], 1)))
