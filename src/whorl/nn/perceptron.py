"""A multilayer perceptron over the last steps, as a core.

Axes: B batch, T time, D features, H hidden, W rows before the first step.
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


@final
class PerceptronCore(LookingBack):
    """Layers of h = relu(W x + b), the first of which reads the last `window` steps side by side.

    The state is what was read at the last `window` - 1 steps, (B, W, D), zeros before the first one.

    Args:
        input_size: D.
        hidden_size: H.
        num_layers: layers of units.
        window: steps that are read, the present one included.
        dropout: probability of dropping a unit.
    """

    def __init__(
        self, input_size: int, hidden_size: int, *, num_layers: int = 2, window: int = 32, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.dropout = input_size, hidden_size, dropout
        self.first = Lookback(input_size, hidden_size, window)
        self.layers = nn.ModuleList(nn.Linear(hidden_size, hidden_size) for _ in range(num_layers - 1))
        for layer in self.layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def initial_state(self, batch_size: int) -> State:
        """Zeros."""
        return (next(self.parameters()).new_zeros(batch_size, self.first.reach, self.input_size),)

    def ignore_inputs(self, start: int) -> None:
        """Of all steps that are read; see `Core.ignore_inputs`."""
        self.first.ignore_inputs(start)

    def forward(
        self,
        x_BTD: Tensor,
        state: State | None = None,
        *,
        lengths_B: Tensor | None = None,
        resets_BT: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Reads sequences; see `Core.forward`."""
        (before,) = self.initial_state(len(x_BTD)) if state is None else state
        assert isinstance(before, Tensor)
        reading = Reading.of(x_BTD, lengths_B, resets_BT)
        y_BTH, kept = self.first(reading.without_padding(x_BTD), before, reading)
        y_BTH = dropout(torch.relu(y_BTH), self.dropout, self.training)
        for layer in self.layers:
            y_BTH = dropout(torch.relu(layer(y_BTH)), self.dropout, self.training)
        return reading.without_padding(y_BTH), (kept,)

    def emit(self, program: Program, x: Name) -> Name:
        """Adds a window and the layers."""
        return self._emit(program, x, self.first.emit)

    def emit_value(self, program: Program, x: Name) -> Name:
        """Adds the layers over axis -2 of a value."""
        return self._emit(program, x, self.first.emit_value)

    def _emit(self, program: Program, x: Name, first: Callable[[Program, str, Name], Name]) -> Name:
        y = program.add(ops.Activate(x=first(program, "perceptron.0", x), function="relu"))
        for number, layer in enumerate(self.layers, 1):
            assert isinstance(layer, nn.Linear)
            y = program.add(ops.Activate(x=emit_affine(program, f"perceptron.{number}", layer, y), function="relu"))
        return y
