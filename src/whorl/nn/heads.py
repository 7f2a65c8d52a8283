"""The learning side of an answer: how many numbers the last layer makes of an output, and how wrong they are.

Axes: N examples (and steps), K outputs, O numbers for each output.
"""

from typing import NamedTuple, assert_never

import torch
from torch import Tensor

from whorl.plans.wiring import Head, Point, Quantiles


class LossSum(NamedTuple):
    """Sum of weighted losses of all known targets, and the sum of their weights."""

    total: Tensor
    weight: Tensor


def num_outputs(head: Head) -> int:
    """O: numbers that the last layer makes for each output."""
    match head:
        case Point():
            return 1
        case Quantiles(levels=levels):
            return 1 + len(levels)
        case _:
            assert_never(head)


def loss(head: Head, outputs: Tensor, targets: Tensor, weights: Tensor) -> LossSum:
    """Compares outputs with targets.

    A point learns by its squared or absolute error. With quantiles, the point learns by its absolute error and the
    quantiles by twice the pinball loss (Koenker & Bassett 1978), averaged over the levels: both are of one size.

    Args:
        head: what the outputs mean.
        outputs: (B, ..., K, O).
        targets: (B, ..., K); NaN is unknown and counts for nothing.
        weights: (B,).
    """
    known = torch.isfinite(targets)
    truth = torch.where(known, targets, 0.0)
    error = truth - outputs[..., 0]
    match head:
        case Point(loss="mse"):
            cost = error.square()
        case Point():
            cost = error.abs()
        case Quantiles(levels=levels):
            level = outputs.new_tensor(levels)
            below = truth[..., None] - outputs[..., 1:]
            cost = error.abs() + 2.0 * torch.maximum(level * below, (level - 1.0) * below).mean(-1)
        case _:
            assert_never(head)
    weight = weights.reshape(-1, *(1 for _ in targets.shape[1:])) * known
    return LossSum((cost * weight).sum(), weight.sum())
