"""What one call of a recurrent module consists of: the same description for every backend.

Axes: B batch, T time, D features, H hidden, G stacked gates, L layers times directions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from whorl.errors import ArgumentError

State = tuple[Tensor, ...]


class Weights(NamedTuple):
    """The tensors of one layer in one direction, named as in torch; None where the layer has no such tensor.

    The `norm_*` tensors are the gains of layer normalisation on W x, on U h and on c, and the bias of the one on c.
    """

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None = None
    bias_hh: Tensor | None = None
    weight_hr: Tensor | None = None
    norm_weight_ih: Tensor | None = None
    norm_weight_hh: Tensor | None = None
    norm_weight_c: Tensor | None = None
    norm_bias_c: Tensor | None = None


InputGates = Callable[[Tensor, Weights], Tensor]
"""(x (..., D), weights) -> (..., G): the input product with its bias, for all steps at once."""

Step = Callable[[Tensor, State, Weights, Tensor | None], State]
"""(gates_x (B, G), state, weights, factor of h on its way into U or None) -> the next state."""


# Not frozen, though nobody changes it: that would cost every call of a module 2 us.
@dataclass(kw_only=True, eq=False, slots=True)
class Call:
    """A stack of recurrent layers applied to a batch.

    Args:
        cell: 'rnn_tanh', 'rnn_relu', 'lstm' or 'gru'.
        input_gates: the cell's input product.
        step: the cell's equation.
        x_TBD: the input.
        state: each part (L, B, H): the h, or the h and the c, of each layer and direction.
        weights: of each layer and direction; directions vary fastest.
        lengths_B: real steps of each sequence, on any device; None where all are T.
        resets_TB: True where the state before that step is zero; None where nothing is reset.
        num_layers: layers on top of each other.
        bidirectional: whether each layer reads both ways.
        dropout: probability of dropping an output between layers.
        recurrent_dropout: probability of dropping a unit of h on its way into U, one mask per sequence.
        zoneout: probability that a unit keeps its previous state.
        training: whether dropout and zoneout draw masks.
    """

    cell: str
    input_gates: InputGates
    step: Step
    x_TBD: Tensor
    state: State
    weights: tuple[Weights, ...]
    lengths_B: Tensor | None
    resets_TB: Tensor | None
    num_layers: int
    bidirectional: bool
    dropout: float
    recurrent_dropout: float
    zoneout: float
    training: bool

    @property
    def layer_norm(self) -> bool:
        """Whether the weights hold gains of layer normalisation."""
        return self.weights[0].norm_weight_ih is not None


def check_lengths(lengths_B: Tensor, num_steps: int) -> tuple[int, int]:
    """Returns the shortest and the longest of at least one length; raises ArgumentError beyond 0 to `num_steps`."""
    shortest, longest = (int(bound) for bound in lengths_B.aminmax())
    if shortest < 0 or longest > num_steps:
        raise ArgumentError(
            f"`lengths` must lie within 0 and the {num_steps} steps of the input, but goes from {shortest} to "
            f"{longest}. Correct them or pad the input."
        )
    return shortest, longest
