"""Starting values for recurrent layers.

Axes: H hidden, G stacked gates.
"""

import torch
from torch import Tensor, nn

from whorl.cells import CELLS
from whorl.errors import ArgumentError
from whorl.nn.stack import RecurrentStack


@torch.no_grad()
def recurrent_(stack: RecurrentStack, *, forget_bias: float = 1.0, chrono: int | None = None) -> None:
    """Initialises recurrent layers in place.

    Of each gate apart: recurrent weights orthogonal (Saxe et al. 2014), input weights and projections uniform as Glorot
    & Bengio (2010), eq. 16. Biases are zero, gains one, except for

    - an LSTM's forget gate, whose bias_ih is `forget_bias`; bias_hh, which adds to it, stays zero;
    - chrono initialisation, which replaces it.

    Args:
        stack: an `RNN`, `LSTM` or `GRU`.
        forget_bias: of the LSTM's forget gate (Jozefowicz et al. 2015, section 2.2).
        chrono: longest dependency expected, in steps; see `chrono_`.

    Raises:
        ArgumentError: `chrono` with a cell without gates, or below 3.
    """
    num_gates = stack.cell.num_gates
    for name, parameter in stack.named_parameters():
        if name.startswith("norm_weight"):
            nn.init.ones_(parameter)
        elif name.startswith(("bias", "norm_bias")):
            nn.init.zeros_(parameter)
        elif name.startswith("weight_hr"):
            nn.init.xavier_uniform_(parameter)
        else:
            for gate in parameter.chunk(num_gates):
                fill = nn.init.orthogonal_ if name.startswith("weight_hh") else nn.init.xavier_uniform_
                fill(gate)
    if chrono is not None:
        chrono_(stack, chrono)
        return
    cell = CELLS[stack.cell.name]
    # What is not kept is written where no gate says what is: there a bias would keep new values out.
    if cell.keep_gate is not None and cell.write_gate is not None:
        for bias_G in _input_biases(stack):
            bias_G.chunk(num_gates)[cell.keep_gate].fill_(forget_bias)


@torch.no_grad()
def chrono_(stack: RecurrentStack, longest: int) -> None:
    """Draws gate biases so that the memory of units lasts from 1 to about `longest` steps.

    LSTM: b_f = log(u), b_i = -b_f. GRU: b_z = log(u), since z is the share that is kept. u ~ Uniform(1, longest - 1).

    Args:
        stack: an `LSTM` or `GRU` with biases.
        longest: longest dependency expected, in steps, at least 3.

    References:
        Tallec & Ollivier (2018), Can recurrent neural networks warp time?, eq. 16.
    """
    cell = CELLS[stack.cell.name]
    if cell.keep_gate is None:
        gated = " or ".join(repr(name) for name, one in CELLS.items() if one.keep_gate is not None)
        raise ArgumentError(
            f"`chrono` sets the biases of gates, but the cell is {stack.cell.name!r}. Use {gated}, or None."
        )
    if longest < 3:
        raise ArgumentError(f"`chrono` is a number of steps >= 3, but is {longest!r}. Use None to switch it off.")
    for bias_G in _input_biases(stack):
        gates = bias_G.chunk(cell.num_gates)
        kept = torch.empty_like(gates[cell.keep_gate]).uniform_(1.0, longest - 1.0).log()
        gates[cell.keep_gate].copy_(kept)
        if cell.write_gate is not None:
            gates[cell.write_gate].copy_(-kept)


def _input_biases(stack: RecurrentStack) -> list[Tensor]:
    return [parameter for name, parameter in stack.named_parameters() if name.startswith("bias_ih")]
