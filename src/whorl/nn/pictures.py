"""A picture as a vector, or as a grid of them: a compact convolutional network that trains on a CPU.

Axes: ... any leading axes, C channels, Y rows, X columns, S places of a grid, D features.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from whorl.nn.emission import numpy
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.specs import Picture

# Channels of the first layer and at most, and pixels of a kernel's side.
_FIRST, _MOST, _KERNEL = 16, 64, 3


class PictureEncoder(nn.Module):
    """Layers that halve a picture until its longer side is at most `side`, and a linear one behind them.

    A layer is relu(norm(W * x)): kernels of 3 x 3 pixels, two apart, twice as many as in the layer before;
    the norm is layer norm (Ba et al. 2016, eq. 3) over the channels of each pixel, so that what is said of a picture
    depends on that picture alone.

    Args:
        spec: what a picture is.
        size: D.
        side: pixels that the longer side of the last layer has at most.
        channels: kernels of the first layer, and most of any.
        norm: 'layer', or 'batch' (Ioffe & Szegedy 2015), over all pictures that are learned from together, which
            becomes a part of the weights.
        grid: gives the features of each of S places, row by row from the top left, and not one vector.

    Shape:
        (..., C * Y * X), channels first -> (..., D), or (..., S, D) with `grid`.

    Example:
        >>> encoder = PictureEncoder(Picture(3, 64, 48), size=32, side=8, grid=True)
        >>> encoder.places, encoder(torch.zeros(2, 3 * 64 * 48)).shape
        ((8, 6), torch.Size([2, 48, 32]))
    """

    def __init__(
        self,
        spec: Picture,
        size: int = 64,
        *,
        side: int = 4,
        grid: bool = False,
        channels: tuple[int, int] = (_FIRST, _MOST),
        norm: Literal["layer", "batch"] = "layer",
    ) -> None:
        super().__init__()
        self.spec, self.grid, self.output_size = spec, grid, size
        height, width, sizes = spec.h, spec.w, [spec.c]
        while len(sizes) == 1 or max(height, width) > side:
            height, width = (height + 1) // 2, (width + 1) // 2
            sizes.append(min(channels[0] * 2 ** (len(sizes) - 1), channels[1]))
        self.places = (height, width)
        # The norm takes away what is the same for all channels, and has a bias of its own for each.
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, _KERNEL, stride=2, padding=_KERNEL // 2) for before, after in pairwise(sizes)
        )
        over: Callable[[int], nn.Module] = nn.LayerNorm if norm == "layer" else nn.BatchNorm2d
        self.norms = nn.ModuleList(over(count) for count in sizes[1:])
        self.last = nn.Linear(sizes[-1] * (1 if grid else height * width), size)

    def forward(self, x: Tensor) -> Tensor:
        """Features of pictures."""
        y = x.reshape(-1, self.spec.c, self.spec.h, self.spec.w)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            y = layer(y)
            y = torch.relu(over_batch(norm, y) if isinstance(norm, nn.BatchNorm2d) else _over_channels(norm, y))
        lead = (*x.shape[:-1], y.shape[-2] * y.shape[-1]) if self.grid else x.shape[:-1]
        features: Tensor = self.last(y.movedim(-3, -1).reshape(*lead, self.last.in_features))
        return features

    def emit(self, program: Program, x: Name) -> Name:
        """Adds the same to a program that reads `x`, whose last axis holds the pixels."""
        lead = program.shapes[x][:-1]
        before, (c, y, x_) = tuple(range(len(lead))), range(len(lead), len(lead) + 3)
        stem = program.fresh("picture")
        pixels = maps = program.add(ops.Reshape(out=stem, x=x, shape=(*lead, self.spec.c, self.spec.h, self.spec.w)))
        for number, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            name = f"{stem}.{number}"
            weight, bias = folded(program, name, layer, norm)
            maps = program.add(ops.Convolve(x=maps, weight=weight, bias=bias, stride=2, padding=_KERNEL // 2))
            pixels = program.add(ops.Transpose(x=maps, axes=(*before, y, x_, c)))
            if isinstance(norm, nn.LayerNorm):
                gain, shift = _tensors(program, f"{name}.norm", norm)
                pixels = program.add(ops.Normalise(x=pixels, gain=gain, bias=shift, eps=norm.eps))
            pixels = program.add(ops.Activate(x=pixels, function="relu"))
            maps = program.add(ops.Transpose(x=pixels, axes=(*before, x_, c, y)))  # the channels go back to the front
        shape = (self.places[0] * self.places[1],) if self.grid else ()
        features = program.add(ops.Reshape(x=pixels, shape=(*lead, *shape, self.last.in_features)))
        weight, bias = _tensors(program, f"{stem}.last", self.last)
        return program.add(ops.Affine(x=features, weight=weight, bias=bias))


def _over_channels(norm: nn.Module, y: Tensor) -> Tensor:
    made: Tensor = norm(y.movedim(-3, -1)).movedim(-1, -3)
    return made


def over_batch(norm: nn.BatchNorm1d | nn.BatchNorm2d, y: Tensor) -> Tensor:
    """Batch norm, (N, C, ...). What is alone in a batch has no spread: what is known of others stands in for it."""
    if norm.training and y[:, 0].numel() <= 1:
        return functional.batch_norm(y, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
    made: Tensor = norm(y)
    return made


def folded(program: Program, name: str, layer: nn.Module, norm: nn.Module) -> tuple[Name, Name]:
    """Weight and bias of a layer, and of the batch norm behind it where that is one."""
    if not isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
        return _tensors(program, name, layer)
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    assert layer.bias is not None
    assert norm.running_var is not None
    assert norm.running_mean is not None
    factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight = numpy(layer.weight * factor.reshape(-1, *[1] * (layer.weight.ndim - 1)))
    bias = numpy((layer.bias - norm.running_mean) * factor + norm.bias)
    return program.tensor(f"{name}.weight", weight), program.tensor(f"{name}.bias", bias)


def _tensors(program: Program, name: str, layer: nn.Module) -> tuple[Name, Name]:
    """Weight and bias of a layer."""
    weight, bias = (program.tensor(f"{name}.{part}", numpy(getattr(layer, part))) for part in ("weight", "bias"))
    return weight, bias
