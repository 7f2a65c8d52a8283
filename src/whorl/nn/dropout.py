"""Dropout whose mask costs less than what it is applied to."""

from torch import Tensor
from torch.nn import functional

from whorl.ops import masks


def dropout(x: Tensor, probability: float, training: bool) -> Tensor:
    """Zeroes numbers at random and scales the others, so that the mean stays.

    On a CPU the probability is rounded to a multiple of 2^-16 and the scale is that of the rounded one.

    Args:
        x: any tensor.
        probability: of zeroing a number, in [0, 1).
        training: False returns `x`.
    """
    kept = masks.STEPS - round(probability * masks.STEPS)
    if not training or x.device.type != "cpu" or not 0 < kept < masks.STEPS:
        return functional.dropout(x, probability, training)
    return x * masks.below(x.shape, kept).to(x.dtype).mul_(masks.STEPS / kept)
