"""Drop-in replacements of `torch.nn.RNN`, `LSTM` and `GRU`.

Axes: B batch, T time, D features, H hidden, L layers times directions.
"""

from collections.abc import Sequence
from typing import Literal, final

import torch
from torch import Tensor

from whorl.errors import ArgumentError
from whorl.nn.cells.elman import ElmanCell
from whorl.nn.cells.gru import GRUCell
from whorl.nn.cells.lstm import LSTMCell
from whorl.nn.layout import Sequences
from whorl.nn.stack import RecurrentStack


@final
class RNN(RecurrentStack):
    """Layers of `ElmanCell`: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu.

    Constructor, parameters, state_dict, results and PackedSequence in and out are those of `torch.nn.RNN`; the
    keyword-only options are in addition.

    Args:
        input_size: features of a step.
        hidden_size: units of each layer and direction.
        num_layers: layers on top of each other.
        nonlinearity: 'tanh' or 'relu'.
        bias: whether the products have biases.
        batch_first: (B, T, D) instead of (T, B, D); the state keeps its batch in the second axis.
        dropout: probability of dropping an output between layers.
        bidirectional: whether each layer reads both ways.
        device: of the parameters.
        dtype: of the parameters.
        layer_norm: normalises the products inside the cell (Ba et al. 2016, eq. 20-22).
        recurrent_dropout: probability of dropping a unit of h on its way into the recurrence, with one mask per
            sequence, layer and direction (Gal & Ghahramani 2016, eq. 7).
        zoneout: probability that a unit keeps its previous state; the expectation in evaluation (Krueger et al. 2017).

    Example:
        >>> layer = RNN(3, 5, batch_first=True)
        >>> output, h = layer(torch.zeros(2, 7, 3), lengths=[7, 4])
        >>> output.shape, h.shape
        (torch.Size([2, 7, 5]), torch.Size([1, 2, 5]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"`nonlinearity` must be 'tanh' or 'relu', but is {nonlinearity!r}. Choose one.")
        super().__init__(
            ElmanCell(nonlinearity),
            input_size,
            hidden_size,
            num_layers=num_layers,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            proj_size=0,
            layer_norm=layer_norm,
            recurrent_dropout=recurrent_dropout,
            zoneout=zoneout,
            device=device,
            dtype=dtype,
        )
        self.nonlinearity = nonlinearity

    def forward(
        self,
        input: Sequences,
        hx: Tensor | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        resets: Tensor | None = None,
    ) -> tuple[Sequences, Tensor]:
        """Reads sequences.

        Args:
            input: the sequences.
            hx: the initial h; zero if None.
            lengths: real steps of each sequence, zero allowed; what stands after them is ignored and its output is 0.
            resets: True where the state before that step is zero. Read backwards, the state is zeroed between that
                step and the one before it.

        Shape:
            input (T, B, D), (B, T, D) with batch_first, or (T, D); or a PackedSequence. hx (L, B, H), or (L, H) for a
            single sequence. lengths (B,). resets: the leading axes of the input.

        Returns:
            The output in the layout of the input, and the h after the last real step in the layout of hx.
        """
        output, (h,) = self.run(input, None if hx is None else (hx,), lengths=lengths, resets=resets)
        return output, h


@final
class GRU(RecurrentStack):
    """Layers of `GRUCell`, whose equation is that of torch.

    Constructor, parameters, state_dict, results and PackedSequence in and out are those of `torch.nn.GRU`; the
    keyword-only options are in addition.

    Args:
        input_size: features of a step.
        hidden_size: units of each layer and direction.
        num_layers: layers on top of each other.
        bias: whether the products have biases.
        batch_first: (B, T, D) instead of (T, B, D); the state keeps its batch in the second axis.
        dropout: probability of dropping an output between layers.
        bidirectional: whether each layer reads both ways.
        device: of the parameters.
        dtype: of the parameters.
        layer_norm: as in `RNN`.
        recurrent_dropout: as in `RNN`.
        zoneout: as in `RNN`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
    ) -> None:
        super().__init__(
            GRUCell(),
            input_size,
            hidden_size,
            num_layers=num_layers,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            proj_size=0,
            layer_norm=layer_norm,
            recurrent_dropout=recurrent_dropout,
            zoneout=zoneout,
            device=device,
            dtype=dtype,
        )

    def forward(
        self,
        input: Sequences,
        hx: Tensor | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        resets: Tensor | None = None,
    ) -> tuple[Sequences, Tensor]:
        """Reads sequences; arguments, shapes and results are those of `RNN.forward`."""
        output, (h,) = self.run(input, None if hx is None else (hx,), lengths=lengths, resets=resets)
        return output, h


@final
class LSTM(RecurrentStack):
    """Layers of `LSTMCell`, whose equation is that of torch.

    Constructor, parameters, state_dict, results and PackedSequence in and out are those of `torch.nn.LSTM`; the
    keyword-only options are in addition.

    Args:
        input_size: features of a step.
        hidden_size: units of each layer and direction.
        num_layers: layers on top of each other.
        bias: whether the products have biases.
        batch_first: (B, T, D) instead of (T, B, D); the state keeps its batch in the second axis.
        dropout: probability of dropping an output between layers.
        bidirectional: whether each layer reads both ways.
        proj_size: width that h is projected to; 0 for no projection.
        device: of the parameters.
        dtype: of the parameters.
        layer_norm: as in `RNN`, and on c on its way to h.
        recurrent_dropout: as in `RNN`; c is never dropped.
        zoneout: as in `RNN`, for h and c alike, each with masks of its own.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
    ) -> None:
        super().__init__(
            LSTMCell(),
            input_size,
            hidden_size,
            num_layers=num_layers,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            proj_size=proj_size,
            layer_norm=layer_norm,
            recurrent_dropout=recurrent_dropout,
            zoneout=zoneout,
            device=device,
            dtype=dtype,
        )

    def forward(
        self,
        input: Sequences,
        hx: tuple[Tensor, Tensor] | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        resets: Tensor | None = None,
    ) -> tuple[Sequences, tuple[Tensor, Tensor]]:
        """Reads sequences; as `RNN.forward`, but hx and the final state are the pair (h, c).

        Shape:
            With a projection h is (L, B, proj_size), and c (L, B, H).
        """
        output, (h, c) = self.run(input, hx, lengths=lengths, resets=resets)
        return output, (h, c)
