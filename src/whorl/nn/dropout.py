"""Dropout whose mask costs less than what it is applied to."""

import torch
from torch import Tensor
from torch.nn import functional

_STEPS = 1 << 16
"""Probabilities are multiples of one over this: a mask takes 16 random bits a number, four of one draw."""


def dropout(x: Tensor, probability: float, training: bool) -> Tensor:
    """Zeroes numbers at random and scales the others, so that the mean stays.

    On a CPU the probability is rounded to a multiple of 2^-16 and the scale is that of the rounded one.

    Args:
        x: any tensor.
        probability: of zeroing a number, in [0, 1).
        training: False returns `x`.
    """
    dropped = round(probability * _STEPS)
    if not training or x.device.type != "cpu" or not 0 < dropped < _STEPS:
        return functional.dropout(x, probability, training)
    bits = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    kept = (bits.view(torch.int16)[: x.numel()] >= dropped - _STEPS // 2).to(x.dtype)
    return x * kept.mul_(_STEPS / (_STEPS - dropped)).view(x.shape)
