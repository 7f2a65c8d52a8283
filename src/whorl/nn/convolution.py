"""Causal convolutions: what stands before a core to read short patterns.

Axes: B batch, T time, D features, C channels.
"""

import msgspec
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from whorl.nn.emission import numpy
from whorl.plans.wiring import Convolution
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program

# Steps that a layer reads where nobody says how many, and the share of the longest sequence that they are at most.
_LEAST, _MOST, _SHARE = 3, 7, 8


def within(plan: Convolution, longest: int | None) -> Convolution:
    """The plan for sequences of up to so many steps; None is any number.

    Its kernel is as large as it says, and its growth the largest up to its own with which the last layer reaches no
    further back than that.
    """
    size = plan.kernel_size or (_MOST if longest is None else min(max(longest // _SHARE, _LEAST), _MOST))
    growth = plan.growth
    while longest is not None and growth > 1 and (size - 1) * growth ** (plan.num_layers - 1) > longest:
        growth -= 1
    return msgspec.structs.replace(plan, kernel_size=size, growth=growth)


class CausalConvolution(nn.Module):
    """Layers of y_t = relu(norm(b + sum_j W_j x_{t-dj})): no output depends on a later step, and zeros stand before the
    first one. d is the layer's dilation (van den Oord et al. 2016).

    The norm is that of Ioffe & Szegedy 2015 over all real steps of a batch; in eval mode it is a part of the weights.

    Args:
        num_features: D.
        plan: channels, kernel, which is known, layers and how their dilations grow.
    """

    def __init__(self, num_features: int, plan: Convolution) -> None:
        super().__init__()
        sizes = [num_features, *(plan.channels for _ in range(plan.num_layers))]
        assert plan.kernel_size is not None
        self.kernel_size, self.output_size = plan.kernel_size, sizes[-1]
        self.dilations = [plan.growth**number for number in range(plan.num_layers)]
        # The norm takes every constant away and has a bias of its own.
        self.layers = nn.ModuleList(
            nn.Conv1d(size, plan.channels, plan.kernel_size, dilation=dilation, bias=False)
            for size, dilation in zip(sizes[:-1], self.dilations, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(plan.channels) for _ in self.layers)

    def forward(self, x_BTD: Tensor, real_BT: Tensor | None = None) -> Tensor:
        """Reads sequences; steps that are not real are zero, in the input and in the output."""
        y_BTC = x_BTD
        for layer, norm, dilation in zip(self.layers, self.norms, self.dilations, strict=True):
            before = (self.kernel_size - 1) * dilation
            y_BTC = layer(pad(y_BTC.transpose(1, 2), (before, 0))).transpose(1, 2)
            if real_BT is None:
                y_BTC = norm(y_BTC.flatten(0, 1)).reshape(y_BTC.shape)
            else:
                y_BTC = torch.zeros_like(y_BTC).masked_scatter(real_BT[..., None], norm(y_BTC[real_BT]))
            y_BTC = torch.relu(y_BTC)
        return y_BTC

    def emit(self, program: Program, x: Name, name: str = "convolution") -> Name:
        """Adds the layers to a program that reads `x`, the features of one step; `name` is that of its tensors."""
        for number, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            assert isinstance(layer, nn.Conv1d)
            assert isinstance(norm, nn.BatchNorm1d)
            assert norm.running_var is not None
            assert norm.running_mean is not None
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            # A window holds the oldest step first, as the kernel does.
            weight = (layer.weight * gain[:, None, None]).transpose(1, 2).flatten(1)
            bias = norm.bias - norm.running_mean * gain
            dilation = self.dilations[number]
            window = program.add(ops.Window(x=x, length=(self.kernel_size - 1) * dilation + 1))
            if dilation > 1:
                read = tuple(range(0, self.kernel_size * dilation, dilation))
                window = program.add(ops.Take(x=window, axis=0, indices=read))
            flat = program.add(ops.Reshape(x=window, shape=(weight.shape[1],)))
            product = program.add(
                ops.Affine(
                    x=flat,
                    weight=program.tensor(f"{name}.{number}.weight", numpy(weight)),
                    bias=program.tensor(f"{name}.{number}.bias", numpy(bias)),
                )
            )
            x = program.add(ops.Activate(x=product, function="relu"))
        return x
