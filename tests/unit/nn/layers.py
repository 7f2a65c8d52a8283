"""Small layers, what they read, and what comes of it.

Axes: B batch, T time, D features.
"""

import torch
from torch import Tensor

import whorl.nn

KINDS = [whorl.nn.RNN, whorl.nn.GRU, whorl.nn.LSTM]


def layer_of(kind=whorl.nn.GRU, **options) -> whorl.nn.GRU:
    torch.manual_seed(0)
    return kind(3, 5, **options)


def x_of(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*(shape or (6, 4, 3)), generator=torch.Generator().manual_seed(1)).to(dtype)


def values_and_gradients(run, layer, x, **arguments):
    x = x.clone().requires_grad_()
    torch.manual_seed(5)
    output, state = run(x, **arguments)
    parts = state if isinstance(state, tuple) else (state,)
    loss = output.square().sum() + sum(part.sin().sum() for part in parts)
    return [output, *parts, *torch.autograd.grad(loss, [x, *layer.parameters()])]
