"""A temporal convolutional network as a core.

Axes: B batch, T time, D features, H channels, W rows before the first step.
"""

from collections.abc import Callable
from typing import final

import torch
from torch import Tensor, nn

from whorl.nn.core import State
from whorl.nn.dropout import dropout
from whorl.nn.emission import emit_affine
from whorl.nn.lookback import Lookback, LookingBack, Reading
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program


class Block(nn.Module):
    """y = relu(x + F(x)), where F is two causal convolutions, each with a relu (Bai et al. 2018, eq. 8 and figure 1b).

    Where x is of another width, an affine layer brings it to that of y.

    Args:
        num_features: D.
        num_channels: H.
        kernel_size: steps that a convolution reads.
        dilation: how far they lie apart.
        probability: of dropping an output of a convolution.
    """

    def __init__(
        self, num_features: int, num_channels: int, kernel_size: int, dilation: int, probability: float
    ) -> None:
        super().__init__()
        self.first = Lookback(num_features, num_channels, kernel_size, dilation)
        self.second = Lookback(num_channels, num_channels, kernel_size, dilation)
        self.around = None if num_features == num_channels else nn.Linear(num_features, num_channels)
        self.probability = probability

    def forward(self, x_BTD: Tensor, state: State, reading: Reading) -> tuple[Tensor, State]:
        """The outputs (B, T, H), and what each convolution will look back at."""
        first, second = state
        h, first = self.first(x_BTD, first, reading)
        h = dropout(torch.relu(h), self.probability, self.training)
        y, second = self.second(h, second, reading)
        y = dropout(torch.relu(y), self.probability, self.training)
        return torch.relu(y + (x_BTD if self.around is None else self.around(x_BTD))), (first, second)

    def ignore_inputs(self, start: int) -> None:
        """Zeroes the weights of the features from `start` on."""
        self.first.ignore_inputs(start)
        if self.around is not None:
            with torch.no_grad():
                self.around.weight[:, start:] = 0.0

    def emit(self, program: Program, name: str, x: Name, convolve: Callable[[Lookback, str, Name], Name]) -> Name:
        """Adds the block to a program whose convolutions `convolve` adds."""
        y = x
        for part, layer in (("first", self.first), ("second", self.second)):
            y = program.add(ops.Activate(x=convolve(layer, f"{name}.{part}", y), function="relu"))
        if self.around is not None:
            x = emit_affine(program, f"{name}.around", self.around, x)
        return program.add(ops.Activate(x=program.add(ops.Combine(a=y, b=x, function="add")), function="relu"))


@final
class ConvolutionCore(LookingBack):
    """Blocks of causal convolutions with residual ways around them, each block's dilation twice that of the one before.

    The state is, for each block, what its two convolutions look back at, ((B, W, D), (B, W, H)) with W the kernel size
    less one times the dilation; zeros before the first step.

    Args:
        input_size: D.
        hidden_size: H.
        num_layers: blocks.
        kernel_size: steps that a convolution reads.
        dropout: probability of dropping an output of a convolution.
    """

    def __init__(
        self, input_size: int, hidden_size: int, *, num_layers: int = 4, kernel_size: int = 3, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        sizes = [input_size, *[hidden_size] * (num_layers - 1)]
        self.blocks = nn.ModuleList(
            Block(size, hidden_size, kernel_size, 2**number, dropout) for number, size in enumerate(sizes)
        )

    @property
    def reach(self) -> int:
        """Steps before a step that its output depends on."""
        return sum(block.first.reach + block.second.reach for block in self._blocks())

    def initial_state(self, batch_size: int) -> State:
        """Zeros."""
        new = next(self.parameters()).new_zeros
        return tuple(
            tuple(new(batch_size, layer.reach, layer.num_features) for layer in (block.first, block.second))
            for block in self._blocks()
        )

    def ignore_inputs(self, start: int) -> None:
        """Of the first block; see `Core.ignore_inputs`."""
        self._blocks()[0].ignore_inputs(start)

    def forward(
        self,
        x_BTD: Tensor,
        state: State | None = None,
        *,
        lengths_B: Tensor | None = None,
        resets_BT: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Reads sequences; see `Core.forward`."""
        reading = Reading.of(x_BTD, lengths_B, resets_BT)
        before = self.initial_state(len(x_BTD)) if state is None else state
        y, after = reading.without_padding(x_BTD), []
        for block, own in zip(self.blocks, before, strict=True):
            y, kept = block(y, own, reading)
            after.append(kept)
        return reading.without_padding(y), tuple(after)

    def emit(self, program: Program, x: Name) -> Name:
        """Adds a window for each convolution."""
        return self._emit(program, x, lambda layer, name, x: layer.emit(program, name, x))

    def emit_value(self, program: Program, x: Name) -> Name:
        """Adds the blocks over axis -2 of a value."""
        return self._emit(program, x, lambda layer, name, x: layer.emit_value(program, name, x))

    def _emit(self, program: Program, x: Name, convolve: Callable[[Lookback, str, Name], Name]) -> Name:
        for number, block in enumerate(self._blocks()):
            x = block.emit(program, f"convolution_l{number}", x, convolve)
        return x

    def _blocks(self) -> list[Block]:
        return [block for block in self.blocks if isinstance(block, Block)]
