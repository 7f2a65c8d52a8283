"""Pieces of last layers that networks share.

Axes: H steps of the horizon, O outputs of the head, D features.
"""

from torch import Tensor, nn


def planes(last: nn.Linear, num_outputs: int) -> tuple[Tensor, Tensor]:
    """Weight and bias of a layer that makes (H, O) numbers, rearranged to make (O, H).

    Losses and sums with a row's last value treat each output by itself; they are several times faster when all steps
    of one output lie side by side than when the few outputs of a step do.
    """
    weight_HOD = last.weight.reshape(-1, num_outputs, last.in_features)
    bias_HO = last.bias.reshape(-1, num_outputs)
    return weight_HOD.transpose(0, 1).flatten(0, 1), bias_HO.transpose(0, 1).flatten()
