"""The contract of a cell: the equation of one step. It knows nothing of sequences.

Axes: B batch, D features, H hidden, G stacked gates.
"""

from abc import ABC, abstractmethod
from typing import Self

from torch import Tensor
from torch.nn import functional

from whorl.cells import CELLS, CellName
from whorl.ops.call import State, Weights


class Cell(ABC):
    """The equation of one step of a recurrent network.

    The products with the weights, with layer normalisation (Ba et al. 2016, eq. 20) where the weights have gains, are

        a = LN(W_ih x; norm_weight_ih) + b_ih
        u = LN(W_hh (m * h); norm_weight_hh) + b_hh

    and each cell says what its gates do with a and u. LN normalises all gates of a product together; the paper gives
    each product a bias of its own, which b_ih and b_hh are. Without gains LN is the identity. m is the mask of
    recurrent dropout.
    """

    name: CellName
    state_type: type[State]

    @classmethod
    def of(cls, name: CellName) -> Self:
        """The cell of that name, for a class that has the equations of several."""
        return cls()

    @property
    def num_gates(self) -> int:
        """Parts of H rows that the weights of a product are stacked of."""
        return CELLS[self.name].num_gates

    @property
    def has_memory(self) -> bool:
        """Whether the state holds a c beside the h."""
        return CELLS[self.name].has_c

    def input_gates(self, x: Tensor, weights: Weights) -> Tensor:
        """The input product a with its bias, for any number of steps at once.

        Shape:
            x (..., D); result (..., G).
        """
        if weights.norm_weight_ih is None:
            return functional.linear(x, weights.weight_ih, weights.bias_ih)
        product = functional.linear(x, weights.weight_ih)
        return functional.layer_norm(product, product.shape[-1:], weights.norm_weight_ih, weights.bias_ih)

    def recurrent_gates(self, h_BH: Tensor, weights: Weights, mask_BH: Tensor | None) -> Tensor:
        """The recurrent product u with its bias."""
        if mask_BH is not None:
            h_BH = h_BH * mask_BH
        if weights.norm_weight_hh is None:
            return functional.linear(h_BH, weights.weight_hh, weights.bias_hh)
        product_BG = functional.linear(h_BH, weights.weight_hh)
        return functional.layer_norm(product_BG, product_BG.shape[-1:], weights.norm_weight_hh, weights.bias_hh)

    @abstractmethod
    def step(self, gates_x_BG: Tensor, state: State, weights: Weights, mask_BH: Tensor | None = None) -> State:
        """One step.

        Args:
            gates_x_BG: the input product a of this step.
            state: h, or h and c, each (B, H).
            weights: of the layer.
            mask_BH: factor of h on its way into the recurrent product; None for 1.

        Returns:
            The next state, of type `state_type`; its first part is the output.
        """
