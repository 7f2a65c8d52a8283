"""The gated recurrent unit.

Axes: B batch, H hidden, G stacked gates in the order r, z, n.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from whorl.nn.cells.cell import Cell
from whorl.ops.call import State, Weights


class GRUState(NamedTuple):
    """The state of a `GRUCell`."""

    h: Tensor


class GRUCell(Cell):
    """The gated recurrent unit, as in torch and cuDNN: the reset gate acts after the recurrent product.

        r  = sigmoid(a_r + u_r)
        z  = sigmoid(a_z + u_z)
        n  = tanh(a_n + r * u_n)
        h' = (1 - z) * n + z * h

    References:
        Cho et al. (2014), eq. 5-8, with their z and 1 - z exchanged.
    """

    name = "gru"
    state_type = GRUState

    def step(self, gates_x_BG: Tensor, state: State, weights: Weights, mask_BH: Tensor | None = None) -> GRUState:
        """One step; see `Cell.step`."""
        h_BH = state[0]
        a_r, a_z, a_n = gates_x_BG.chunk(3, -1)
        u_r, u_z, u_n = self.recurrent_gates(h_BH, weights, mask_BH).chunk(3, -1)
        r_BH = torch.sigmoid(a_r + u_r)
        z_BH = torch.sigmoid(a_z + u_z)
        n_BH = torch.tanh(a_n + r_BH * u_n)
        return GRUState(n_BH + z_BH * (h_BH - n_BH))
