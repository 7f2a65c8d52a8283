"""The simple recurrent network of Elman.

Axes: B batch, H hidden, G stacked gates.
"""

from typing import Literal, NamedTuple, Self

import torch
from torch import Tensor

from whorl.cells import CellName
from whorl.nn.cells.cell import Cell
from whorl.ops.call import State, Weights


class ElmanState(NamedTuple):
    """The state of an `ElmanCell`."""

    h: Tensor


class ElmanCell(Cell):
    """h' = f(a + u), with f = tanh or relu.

    Args:
        nonlinearity: 'tanh' or 'relu'.

    References:
        Elman (1990), Finding structure in time.
    """

    state_type = ElmanState

    def __init__(self, nonlinearity: Literal["tanh", "relu"] = "tanh") -> None:
        self.name = "rnn_tanh" if nonlinearity == "tanh" else "rnn_relu"

    @classmethod
    def of(cls, name: CellName) -> Self:
        """The cell whose nonlinearity is in its name."""
        return cls("tanh" if name == "rnn_tanh" else "relu")

    def step(self, gates_x_BG: Tensor, state: State, weights: Weights, mask_BH: Tensor | None = None) -> ElmanState:
        """One step; see `Cell.step`."""
        total_BH = gates_x_BG + self.recurrent_gates(state[0], weights, mask_BH)
        return ElmanState(torch.tanh(total_BH) if self.name == "rnn_tanh" else torch.relu(total_BH))
