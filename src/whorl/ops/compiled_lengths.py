"""Lengths under torch.compile: while a graph is captured nobody knows them, so an operator checks them when it runs.

Axes: B batch.
"""

import torch
from torch import Tensor

from whorl.ops.call import check_lengths


# It returns what the layer goes on with, so that a graph cannot leave it out. It reads numbers on the host, which a
# captured CUDA graph cannot.
@torch.library.custom_op("whorl::checked_lengths", mutates_args=(), tags=(torch.Tag.cudagraph_unsafe,))
def checked(lengths_B: Tensor, num_steps: int) -> Tensor:
    """Returns at least one length as int64; raises ArgumentError beyond 0 to `num_steps`."""
    check_lengths(lengths_B, num_steps)
    return lengths_B.to(torch.int64, copy=True)


@checked.register_fake
def _(lengths_B: Tensor, _num_steps: int) -> Tensor:
    return torch.empty_like(lengths_B, dtype=torch.int64)
