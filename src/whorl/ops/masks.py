"""Masks of dropout and zoneout, which are as large as what they are applied to and must cost less."""

from collections.abc import Sequence

import torch
from torch import Tensor

STEPS = 1 << 16
"""On a CPU probabilities are multiples of one over this: a mask takes 16 random bits a number, four of one draw."""


def draw(like: Tensor, shape: Sequence[int], probability: float) -> Tensor:
    """Ones with a probability, elsewhere zeros.

    Args:
        like: tensor whose device and dtype the mask has.
        shape: of the mask.
        probability: in [0, 1]; see `STEPS`. Never rounded to 0 or 1.

    Returns:
        The mask, of the given shape.
    """
    if not like.is_cpu:
        return like.new_empty(shape).bernoulli_(probability)
    if probability in (0.0, 1.0):
        return like.new_full(shape, probability)
    mask = below(shape, min(max(round(probability * STEPS), 1), STEPS - 1))
    return mask.to(like.dtype)


def below(shape: Sequence[int], limit: int) -> Tensor:
    """True where a random whole number from 0 to 2^16 - 1 is below the limit, on a CPU."""
    size = torch.Size(shape).numel()
    bits = torch.randint(-(2**63), 2**63 - 1, (-(-size // 4),), device="cpu")
    return (bits.view(torch.int16)[:size] < limit - STEPS // 2).view(shape)
