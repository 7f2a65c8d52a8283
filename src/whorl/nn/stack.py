"""What `RNN`, `LSTM` and `GRU` share: parameters under torch's names, and the way from a user's call to a backend.

Axes: B batch, T time, D features, H hidden, L layers times directions.
"""

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from whorl.errors import ArgumentError
from whorl.nn import layout
from whorl.nn.cells.cell import Cell
from whorl.nn.layout import Sequences
from whorl.ops import dispatch, fused
from whorl.ops.call import Call, State, Weights


class RecurrentStack(nn.Module, ABC):
    """Layers of one cell over time, in one direction or both.

    Args:
        cell: the equation of one step.
        input_size: features of a step.
        hidden_size: units of each layer and direction.
        num_layers: layers on top of each other.
        bias: whether the products have biases.
        batch_first: (B, T, D) instead of (T, B, D).
        dropout: probability of dropping an output between layers.
        bidirectional: whether each layer reads both ways.
        proj_size: width that h is projected to; 0 for no projection.
        layer_norm: normalises the products inside the cell.
        recurrent_dropout: probability of dropping a unit of h on its way into the recurrence, one mask per sequence.
        zoneout: probability that a unit keeps its previous state.
        device: of the parameters.
        dtype: of the parameters.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        *,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        proj_size: int,
        layer_norm: bool,
        recurrent_dropout: float,
        zoneout: float,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
    ) -> None:
        super().__init__()
        sizes = {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers}
        switches = {"bias": bias, "batch_first": batch_first, "bidirectional": bidirectional, "layer_norm": layer_norm}
        _check_options(sizes, switches)
        if not 0 <= proj_size < hidden_size:
            raise ArgumentError(
                f"`proj_size` must be within 0 and hidden_size - 1 = {hidden_size - 1}, but is {proj_size!r}. "
                "Use 0 for no projection."
            )
        _check_probabilities(dropout, recurrent_dropout, zoneout, num_layers)
        self.cell = cell
        self.mode = cell.name.upper()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self.layer_norm = layer_norm
        self.recurrent_dropout = float(recurrent_dropout)
        self.zoneout = float(zoneout)
        # For each layer and direction, the parameter's name for each field of `Weights`, None where there is none.
        self._names: list[list[str | None]] = []
        self._register(device, dtype)
        self.flatten_parameters()
        self.reset_parameters()

    @abstractmethod
    def forward(
        self,
        input: Sequences,
        hx: None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        resets: Tensor | None = None,
    ) -> tuple[Sequences, Tensor | tuple[Tensor, Tensor]]:
        """Reads sequences; returns the output of the last layer at each step, and the final state.

        Each member takes a state of its own kind as `hx` too.
        """

    @property
    def num_directions(self) -> int:
        """2 if bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> int:
        """Features of a step of the output."""
        return self.num_directions * (self.proj_size or self.hidden_size)

    @property
    def all_weights(self) -> list[list[nn.Parameter]]:
        """The parameters of each layer and direction, as in torch."""
        return [[getattr(self, name) for name in names if name is not None] for names in self._names]

    def weights(self) -> tuple[Weights, ...]:
        """The tensors of each layer and direction; directions vary fastest."""
        # Straight from the dictionary, since `nn.Module.__getattr__` is slow; a parametrised weight is not in there.
        known = self._parameters
        fields = (
            [known[name] if name in known else name and getattr(self, name) for name in names] for names in self._names
        )
        return tuple(Weights(*tensors) for tensors in fields)  # type: ignore[arg-type]

    def state_shapes(self, batch_size: int) -> list[tuple[int, int, int]]:
        """(L, B, H) of each part of the state."""
        shapes = [(len(self._names), batch_size, self.proj_size or self.hidden_size)]
        if self.cell.has_memory:
            shapes.append((len(self._names), batch_size, self.hidden_size))
        return shapes

    def reset_parameters(self) -> None:
        """Draws weights and biases uniformly within 1 / sqrt(hidden_size), as torch does; gains become 1."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for name, parameter in self.named_parameters():
            if name.startswith("norm_"):
                nn.init.constant_(parameter, 1.0 if name.startswith("norm_weight") else 0.0)
            else:
                nn.init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self) -> None:
        """Moves parameters on a GPU into one block, which cuDNN needs to be fast; on a CPU it does nothing."""
        weights = [getattr(self, name) for names in self._names for name in names[:5] if name is not None]
        if not all(isinstance(weight, Tensor) and weight.is_cuda for weight in weights):
            return
        fused.flatten(
            weights,
            cell=self.cell.name,
            input_size=self.input_size,
            hidden_size=self.hidden_size,
            proj_size=self.proj_size,
            num_layers=self.num_layers,
            bidirectional=self.bidirectional,
        )

    def extra_repr(self) -> str:
        """The sizes, and the options that differ from their defaults."""
        parts = [str(self.input_size), str(self.hidden_size)]
        defaults: dict[str, object] = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0}
        defaults |= {
            "bidirectional": False,
            "proj_size": 0,
            "layer_norm": False,
            "recurrent_dropout": 0.0,
            "zoneout": 0.0,
        }
        parts += [f"{name}={getattr(self, name)}" for name in defaults if getattr(self, name) != defaults[name]]
        return ", ".join(parts)

    def call(
        self,
        input: Tensor | PackedSequence,
        state: State | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        resets: Tensor | None = None,
    ) -> Call:
        """Checks the arguments of `forward` and describes the call that a backend will run."""
        batched = layout.is_batched(input)
        x_TBD, lengths_B = layout.steps_first(input, lengths, self.batch_first)
        weights = self.weights()
        layout.check_features(x_TBD, self.input_size, weights[0].weight_ih)
        if resets is not None:
            resets = layout.resets_first(resets, x_TBD, batched=batched, batch_first=self.batch_first)
        shapes = self.state_shapes(x_TBD.shape[1])
        return Call(
            cell=self.cell.name,
            input_gates=self.cell.input_gates,
            step=self.cell.step,
            x_TBD=x_TBD,
            state=layout.layers_first(state, x_TBD, shapes, batched),
            weights=weights,
            lengths_B=lengths_B,
            resets_TB=resets,
            num_layers=self.num_layers,
            bidirectional=self.bidirectional,
            dropout=self.dropout,
            recurrent_dropout=self.recurrent_dropout,
            zoneout=self.zoneout,
            training=self.training,
        )

    def run(
        self,
        input: Sequences,
        state: State | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        resets: Tensor | None = None,
    ) -> tuple[Sequences, State]:
        """Does what `forward` does, with the state as a tuple of its parts whatever the cell."""
        call = self.call(input, state, lengths=lengths, resets=resets)
        output_TBH, final = dispatch.choose(call).run(call)
        if not layout.is_batched(input):
            final = tuple(part[:, 0] for part in final)
        return layout.like_input(input, output_TBH, self.batch_first), final

    def _register(self, device: torch.device | str | None, dtype: torch.dtype | None) -> None:
        width = self.proj_size or self.hidden_size
        gates = self.cell.num_gates * self.hidden_size
        for layer in range(self.num_layers):
            input_size = self.input_size if layer == 0 else self.output_size
            shapes: dict[str, tuple[int, ...] | None] = {
                "weight_ih": (gates, input_size),
                "weight_hh": (gates, width),
                "bias_ih": (gates,) if self.bias else None,
                "bias_hh": (gates,) if self.bias else None,
                "weight_hr": (self.proj_size, self.hidden_size) if self.proj_size else None,
                "norm_weight_ih": (gates,) if self.layer_norm else None,
                "norm_weight_hh": (gates,) if self.layer_norm else None,
                "norm_weight_c": (self.hidden_size,) if self.layer_norm and self.cell.has_memory else None,
                "norm_bias_c": (self.hidden_size,) if self.layer_norm and self.cell.has_memory and self.bias else None,
            }
            for suffix in ("", "_reverse")[: self.num_directions]:
                names: list[str | None] = []
                for field in Weights._fields:
                    shape, name = shapes[field], f"{field}_l{layer}{suffix}"
                    names.append(None if shape is None else name)
                    if shape is not None:
                        self.register_parameter(name, nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))
                self._names.append(names)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        # Every move to another device tears the block of cuDNN apart.
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.flatten_parameters()
        return self


def _check_options(sizes: Mapping[str, object], switches: Mapping[str, object]) -> None:
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise ArgumentError(f"`{name}` is a whole number >= 1, but is {size!r}. Raise it.")
    for name, switch in switches.items():
        if not isinstance(switch, bool):
            raise ArgumentError(f"`{name}` is True or False, but is {switch!r}. Choose one.")


def _check_probabilities(dropout: object, recurrent_dropout: object, zoneout: object, num_layers: int) -> None:
    # torch allows a dropout of 1, and so does a replacement for it; a state that is always dropped or kept is an error.
    if isinstance(dropout, bool) or not isinstance(dropout, int | float) or not 0.0 <= dropout <= 1.0:
        raise ArgumentError(f"`dropout` is a probability in [0, 1], but is {dropout!r}. Use 0 to switch it off.")
    for name, value in (("recurrent_dropout", recurrent_dropout), ("zoneout", zoneout)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value < 1.0:
            raise ArgumentError(f"`{name}` is a probability in [0, 1), but is {value!r}. Use 0 to switch it off.")
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            f"`dropout` acts between layers, so dropout={dropout} does nothing with num_layers=1", stacklevel=4
        )
