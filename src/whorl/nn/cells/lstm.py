"""The long short-term memory.

Axes: B batch, H hidden, G stacked gates in the order i, f, g, o.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from whorl.nn.cells.cell import Cell
from whorl.ops.call import State, Weights


class LSTMState(NamedTuple):
    """The state of an `LSTMCell`; with a projection, h is narrower than c."""

    h: Tensor
    c: Tensor


class LSTMCell(Cell):
    """The LSTM with forget gate.

        i, f, o = sigmoid(a + u) of these gates,  g = tanh(a_g + u_g)
        c' = f * c + i * g
        h' = o * tanh(LN(c'; norm_weight_c, norm_bias_c))
        h' = W_hr h'                                           with a projection

    References:
        Hochreiter & Schmidhuber (1997); Gers et al. (2000) for the forget gate; Sak et al. (2014), eq. 5-6 for the
        projection; Ba et al. (2016), eq. 20-22 for LN.
    """

    name = "lstm"
    state_type = LSTMState

    def step(self, gates_x_BG: Tensor, state: State, weights: Weights, mask_BH: Tensor | None = None) -> LSTMState:
        """One step; see `Cell.step`."""
        h_BH, c_BH = state
        i_BH, f_BH, g_BH, o_BH = (gates_x_BG + self.recurrent_gates(h_BH, weights, mask_BH)).chunk(4, -1)
        c_BH = torch.sigmoid(f_BH) * c_BH + torch.sigmoid(i_BH) * torch.tanh(g_BH)
        shown_BH = c_BH
        if weights.norm_weight_c is not None:
            shown_BH = functional.layer_norm(c_BH, c_BH.shape[-1:], weights.norm_weight_c, weights.norm_bias_c)
        h_BH = torch.sigmoid(o_BH) * torch.tanh(shown_BH)
        if weights.weight_hr is not None:
            h_BH = functional.linear(h_BH, weights.weight_hr)
        return LSTMState(h_BH, c_BH)
