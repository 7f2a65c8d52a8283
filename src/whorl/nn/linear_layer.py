"""One layer of a recurrence that is linear in its state, in one direction: its weights, and what of it stands beside
the recurrence.

Axes: B batch, T time, D features, H hidden, G stacked gates, S numbers of a state.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from whorl.cells import LINEAR_CELLS, LinearName
from whorl.ops import linear

# Moduli of lambda at first: uniform over the area of the unit disk but its rim, where memory would be endless.
_LARGEST_MODULUS = 0.999


class LinearState(NamedTuple):
    """The state of a minGRU or minLSTM layer."""

    h: Tensor


class LRUState(NamedTuple):
    """The state of an LRU layer: the two parts of a complex h."""

    real: Tensor
    imaginary: Tensor


class LinearLayer(nn.Module):
    """The weights of one layer and direction, and the products before and behind its recurrence.

    minGRU has gates z, c, minLSTM i, f, c, each W x + b; their output is h. Weights are uniform at first as Glorot &
    Bengio (2010), eq. 16, have them, biases zero, but for that of a minLSTM's forget gate, which is 1 as an LSTM's.

    An LRU reads gamma B x into a complex h and has y = Re(C h) + D x, without biases: `weight_ih` holds the real and
    the imaginary part of B and then D, `weight_ho` the real part of C and, negated, the imaginary one. What it says is
    y * sigmoid(W y + b), a gated linear unit (Dauphin et al. 2017), whose weights are `weight_glu` and `bias_glu`: a
    stack of recurrences that are linear in what they read would be linear, too, and Orvieto et al. (2023), figure 1,
    put what is not behind each. With lambda = exp(-exp(nu) + i exp(theta)), nu, theta, the logarithm of gamma, B and C
    start as Orvieto et al. (2023), section 3.3 to 3.4 and appendix A, have them; gamma = sqrt(1 - |lambda|^2) then
    keeps the size of h that of what it reads.

    Args:
        cell: 'mingru', 'minlstm' or 'lru'.
        input_size: D.
        hidden_size: H.
    """

    def __init__(self, cell: LinearName, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.cell: LinearName = cell
        self.input_size, self.hidden_size = input_size, hidden_size
        num_rows = LINEAR_CELLS[cell].num_gates * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(num_rows, input_size))
        if cell == "lru":
            self.register_parameter("bias_ih", None)
            self.weight_ho = nn.Parameter(torch.empty(hidden_size, 2 * hidden_size))
            self.weight_glu = nn.Parameter(torch.empty(hidden_size, hidden_size))
            self.bias_glu = nn.Parameter(torch.empty(hidden_size))
            self.nu, self.theta, self.gamma = (nn.Parameter(torch.empty(hidden_size)) for _ in range(3))
        else:
            self.bias_ih = nn.Parameter(torch.empty(num_rows))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draws the first weights."""
        size = self.hidden_size
        if self.cell != "lru":
            for gate in self.weight_ih.chunk(LINEAR_CELLS[self.cell].num_gates):
                nn.init.xavier_uniform_(gate)
            nn.init.zeros_(self.bias_ih)
            if self.cell == "minlstm":
                self.bias_ih[size : 2 * size] = 1.0
            return
        nn.init.normal_(self.weight_ih[: 2 * size], std=math.sqrt(0.5 / self.input_size))
        nn.init.xavier_uniform_(self.weight_ih[2 * size :])
        nn.init.normal_(self.weight_ho, std=math.sqrt(1.0 / size))
        nn.init.xavier_uniform_(self.weight_glu)
        nn.init.zeros_(self.bias_glu)
        modulus = (_LARGEST_MODULUS * torch.rand(size).sqrt()).clamp(min=1e-3)
        self.nu.copy_(torch.log(-torch.log(modulus)))
        self.theta.copy_(torch.log((2.0 * math.pi * torch.rand(size)).clamp(min=1e-4)))
        self.gamma.copy_(0.5 * torch.log1p(-modulus.square()))

    @property
    def state_type(self) -> type[LinearState] | type[LRUState]:
        """What the state of this layer is handed over as."""
        return LRUState if self.cell == "lru" else LinearState

    def product(self) -> tuple[Tensor, Tensor | None]:
        """Weight and bias of the input product; of an LRU the weight with gamma in it."""
        if self.cell != "lru":
            return self.weight_ih, self.bias_ih
        b_re, b_im, d = self.weight_ih.chunk(3)
        gamma_H1 = self.gamma.exp()[:, None]
        return torch.cat([gamma_H1 * b_re, gamma_H1 * b_im, d]), None

    def decay(self) -> Tensor | None:
        """Lambda of an LRU, its real parts before its imaginary ones, (S,); None for others."""
        if self.cell != "lru":
            return None
        modulus, angle = torch.exp(-self.nu.exp()), self.theta.exp()
        return torch.cat([modulus * angle.cos(), modulus * angle.sin()])

    def gates(self, x: Tensor) -> Tensor:
        """Input products of all steps, (..., D) -> (..., G)."""
        weight, bias = self.product()
        if x.dim() == 3 and not x.is_contiguous() and x.transpose(0, 1).is_contiguous():
            return functional.linear(x.transpose(0, 1), weight, bias).transpose(0, 1)  # as it lies in memory
        return functional.linear(x, weight, bias)

    def split(self, gates: Tensor) -> tuple[Tensor, Tensor | None]:
        """What the recurrence reads of the input products, and what passes it by, (..., H); None but for an LRU."""
        if self.cell != "lru":
            return gates, None
        added, passed = torch.split(gates, [2 * self.hidden_size, self.hidden_size], dim=-1)
        return added, passed

    def step(self, gates: Tensor, state: Tensor) -> Tensor:
        """The state (..., S) after one step from what `split` gives; both stretch against each other."""
        a, b = linear.terms(self.cell, gates, self.decay())
        return linear.product(self.cell, a, state) + b

    def output(self, h: Tensor, passed: Tensor | None) -> Tensor:
        """What the layer says, (..., H), of its states (..., S) and what passes them by."""
        if passed is None:
            return h
        y = functional.linear(h, self.weight_ho) + passed
        return y * torch.sigmoid(functional.linear(y, self.weight_glu, self.bias_glu))
