"""Causal convolutions: what stands before a core to read short patterns.

Axes: B batch, T time, D features, C channels.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from whorl.nn.emission import numpy
from whorl.plans.wiring import Convolution
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program


class CausalConvolution(nn.Module):
    """Layers of y_t = relu(norm(b + sum_j W_j x_{t-j})): no output depends on a later step, and zeros stand before the
    first one.

    The norm is that of Ioffe & Szegedy 2015 over all real steps of a batch; in eval mode it is a part of the weights.

    Args:
        num_features: D.
        plan: channels, kernel and layers.
    """

    def __init__(self, num_features: int, plan: Convolution) -> None:
        super().__init__()
        sizes = [num_features, *(plan.channels for _ in range(plan.num_layers))]
        self.kernel_size, self.output_size = plan.kernel_size, sizes[-1]
        # The norm takes every constant away and has a bias of its own.
        self.layers = nn.ModuleList(nn.Conv1d(size, plan.channels, plan.kernel_size, bias=False) for size in sizes[:-1])
        self.norms = nn.ModuleList(nn.BatchNorm1d(plan.channels) for _ in self.layers)

    def forward(self, x_BTD: Tensor, real_BT: Tensor | None = None) -> Tensor:
        """Reads sequences; steps that are not real are zero, in the input and in the output."""
        y_BTC = x_BTD
        for layer, norm in zip(self.layers, self.norms, strict=True):
            y_BTC = layer(pad(y_BTC.transpose(1, 2), (self.kernel_size - 1, 0))).transpose(1, 2)
            if real_BT is None:
                y_BTC = norm(y_BTC.flatten(0, 1)).reshape(y_BTC.shape)
            else:
                y_BTC = torch.zeros_like(y_BTC).masked_scatter(real_BT[..., None], norm(y_BTC[real_BT]))
            y_BTC = torch.relu(y_BTC)
        return y_BTC

    def emit(self, program: Program, x: Name) -> Name:
        """Adds the layers to a program that reads `x`, the features of one step."""
        for number, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            assert isinstance(layer, nn.Conv1d)
            assert isinstance(norm, nn.BatchNorm1d)
            assert norm.running_var is not None
            assert norm.running_mean is not None
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            # A window holds the oldest step first, as the kernel does.
            weight = (layer.weight * gain[:, None, None]).transpose(1, 2).flatten(1)
            bias = norm.bias - norm.running_mean * gain
            window = program.add(ops.Window(x=x, length=self.kernel_size))
            flat = program.add(ops.Reshape(x=window, shape=(weight.shape[1],)))
            product = program.add(
                ops.Affine(
                    x=flat,
                    weight=program.tensor(f"convolution.{number}.weight", numpy(weight)),
                    bias=program.tensor(f"convolution.{number}.bias", numpy(bias)),
                )
            )
            x = program.add(ops.Activate(x=product, function="relu"))
        return x
