"""RNN, LSTM and GRU as a core.

Axes: B batch, T time, D features, H hidden, L layers times directions.
"""

from collections.abc import Sequence
from typing import Literal, final

import msgspec
import torch
from torch import Tensor

from whorl.cells import RECURRENT_RECIPES, RecipeName, cell_name
from whorl.errors import ArgumentError, did_you_mean
from whorl.nn import cells
from whorl.nn.core import Core, State
from whorl.nn.emission import numpy, shared
from whorl.nn.init import recurrent_
from whorl.nn.layout import Sequences
from whorl.nn.stack import RecurrentStack
from whorl.ops.call import State as Parts
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program


@final
class CellLayers(RecurrentStack):
    """Layers of any cell. `RNN`, `LSTM` and `GRU` are such layers with the constructors of torch's."""

    def forward(
        self,
        input: Sequences,
        hx: Parts | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        resets: Tensor | None = None,
    ) -> tuple[Sequences, Tensor | tuple[Tensor, Tensor]]:
        """Reads sequences; as `whorl.nn.RNN.forward`, or as `whorl.nn.LSTM.forward` where the state has a c."""
        output, (h, *c) = self.run(input, hx, lengths=lengths, resets=resets)
        return output, (h, c[0]) if c else h

    def extra_repr(self) -> str:
        """The cell, its sizes, and the options that differ from their defaults."""
        return f"{self.cell.name}, {super().extra_repr()}"


@final
class RecurrentCore(Core):
    """Layers of RNN, LSTM or GRU cells over time.

    The state is one `ElmanState(h)`, `GRUState(h)` or `LSTMState(h, c)`, each part (B, H), for each layer and
    direction; directions vary fastest.

    Args:
        cell: 'rnn', 'lstm' or 'gru'.
        input_size: features of a step.
        hidden_size: units of each layer and direction.
        num_layers: layers on top of each other.
        bidirectional: whether each layer reads both ways.
        dropout: probability of dropping an output between layers.
        recurrent_dropout: probability of dropping a unit of h on its way into the recurrence, one mask per sequence.
        zoneout: probability that a unit keeps its previous state.
        layer_norm: normalises the products inside the cell.
        nonlinearity: 'tanh' or 'relu', for the 'rnn' cell.
        forget_bias: initial bias of the LSTM's forget gate.
        chrono: longest dependency expected, in steps, for chrono initialisation; see `whorl.nn.init.chrono_`.
    """

    def __init__(
        self,
        cell: RecipeName,
        input_size: int,
        hidden_size: int,
        *,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        layer_norm: bool = False,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        forget_bias: float = 1.0,
        chrono: int | None = None,
    ) -> None:
        super().__init__()
        if cell not in RECURRENT_RECIPES:
            known = ", ".join(RECURRENT_RECIPES)
            advice = did_you_mean(str(cell), RECURRENT_RECIPES)
            raise ArgumentError(f"`cell` must be one of {known}, but is {cell!r}.{advice} Others are a LinearCore's.")
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"`nonlinearity` must be 'tanh' or 'relu', but is {nonlinearity!r}. Choose one.")
        self.stack = CellLayers(
            cells.make(cell_name(cell, nonlinearity)),
            input_size,
            hidden_size,
            num_layers=num_layers,
            bias=True,
            batch_first=True,
            proj_size=0,
            device=None,
            dtype=None,
            dropout=dropout,
            bidirectional=bidirectional,
            layer_norm=layer_norm,
            recurrent_dropout=recurrent_dropout,
            zoneout=zoneout,
        )
        recurrent_(self.stack, forget_bias=forget_bias, chrono=chrono)

    @property
    def is_causal(self) -> bool:
        """False where the core reads both ways."""
        return not self.stack.bidirectional

    @property
    def output_size(self) -> int:
        """`hidden_size`, twice where the core reads both ways."""
        return self.stack.output_size

    @property
    def hidden_size(self) -> int:
        """Units of each layer and direction."""
        return self.stack.hidden_size

    @property
    def num_gates(self) -> int:
        """Gates of the cell."""
        return self.stack.cell.num_gates

    @property
    def num_directions(self) -> int:
        """2 where the core reads both ways, else 1."""
        return self.stack.num_directions

    def ignore_inputs(self, start: int) -> None:
        """Zeroes the first layer's weights of the features from `start` on; see `Core.ignore_inputs`."""
        if self.is_frozen:
            return
        with torch.no_grad():
            for weights in self.stack.weights()[: self.num_directions]:
                weights.weight_ih[:, start:] = 0.0

    def initial_state(self, batch_size: int) -> State:
        """Zeros."""
        shapes = self.stack.state_shapes(batch_size)
        return self._layers(tuple(next(self.parameters()).new_zeros(shape) for shape in shapes))

    def forward(
        self,
        x_BTD: Tensor,
        state: State | None = None,
        *,
        lengths_B: Tensor | None = None,
        resets_BT: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Reads sequences; see `Core.forward`."""
        parts = None if state is None else tuple(torch.stack(part) for part in zip(*state, strict=True))
        y_BTH, final = self.stack.run(x_BTD, parts, lengths=lengths_B, resets=resets_BT)
        return y_BTH, self._layers(final)

    def last_output(self, y_BTH: Tensor, state: State, lengths_B: Tensor | None = None) -> Tensor:
        """What the last layer ends with; both ways, what each direction ends with."""
        return torch.cat([layer[0] for layer in state[-self.num_directions :]], dim=-1)  # type: ignore[misc]

    def advance(self, gates: Tensor, state: State) -> Tensor:
        """One step of all layers from given input products, without zoneout and dropout.

        Args:
            gates: of the first layer, with any leading axes.
            state: of each layer; its leading axes stretch against those of `gates`, so that many steps that start
                from one state share its recurrent product.

        Returns:
            The output of the last layer, with the stretched leading axes.
        """
        self._check_one_way("take single steps")
        cell, weights = self.stack.cell, self.stack.weights()
        output = gates
        for layer, (own, part) in enumerate(zip(weights, state, strict=True)):
            entering = gates if layer == 0 else cell.input_gates(output, own)
            output = cell.step(entering, part, own)[0]  # type: ignore[arg-type]
        return output

    @property
    def state_size(self) -> int:
        """Numbers of the state of one layer and direction: h, and c beside it where there is one."""
        return sum(shape[-1] for shape in self.stack.state_shapes(1))

    def state_of(self, flat_BS: Tensor) -> State:
        """A state from its numbers (B, L * state_size), as `Recurrent` lays it out: h and c of one layer side by side.

        Shape:
            L is the number of layers and directions.
        """
        sizes = [shape[-1] for shape in self.stack.state_shapes(1)]
        layers = torch.split(flat_BS, self.state_size, dim=-1)
        return tuple(tuple.__new__(self.stack.cell.state_type, torch.split(layer, sizes, dim=-1)) for layer in layers)

    def emit(self, program: Program, x: Name, initial: Sequence[Name] = ()) -> Name:
        """Adds one operation for each layer and direction; zoneout becomes its expectation.

        Args:
            program: what is added to.
            x: what is read at each step.
            initial: static inputs with the state that each layer and direction starts from; none starts from zero.
        """
        return self._emit(program, x, "stream", initial)[0]

    def emit_value(self, program: Program, x: Name) -> Name:
        """Adds one operation for each layer and direction, over axis -2 of a value."""
        return self._emit(program, x, "value")[0]

    def emit_states(self, program: Program, x: Name) -> list[Name]:
        """Adds the core over axis -2 of a value (..., S, D); returns the final state of each layer."""
        self._check_one_way("continue from its state")
        return self._emit(program, x, "value")[1]

    def emit_advance(self, program: Program, gates: Name, states: list[Name]) -> Name:
        """Adds what `advance` does: gates (K, P, G) and states (K, H) give (K, P, H)."""
        stack, h = self.stack, gates
        for layer, (own, state) in enumerate(zip(self._named_weights(program), states, strict=True)):
            if layer:
                bias = None if stack.layer_norm else own.get("bias_ih")
                gates = program.add(ops.Affine(x=h, weight=own["weight_ih"], bias=bias))
                if stack.layer_norm:
                    gates = program.add(ops.Normalise(x=gates, gain=own["norm_weight_ih"], bias=own["bias_ih"]))
            norms: tuple[Name, ...] = ()
            if stack.layer_norm:
                norms = (own["norm_weight_hh"], own["bias_hh"])
                norms += (own["norm_weight_c"], own["norm_bias_c"]) if stack.cell.has_memory else ()
            lead, size = program.shapes[state]
            state = program.add(ops.Reshape(x=state, shape=(lead, 1, size)))
            step = program.add(
                ops.Step(
                    gates=gates,
                    state=state,
                    cell=stack.cell.name,
                    weight_hh=own["weight_hh"],
                    bias_hh=None if stack.layer_norm else own.get("bias_hh"),
                    layer_norm=norms,
                )
            )
            h = program.add(ops.Slice(x=step, axis=2, start=0, stop=stack.hidden_size))
        return h

    def _check_one_way(self, what: str) -> None:
        if self.stack.bidirectional:
            raise ArgumentError(f"`bidirectional` is True, but only a core that reads one way can {what}. Use False.")

    def _named_weights(self, program: Program) -> list[dict[str, Name]]:
        """The tensors of each layer and direction, put into a program under one name however often they are used."""
        suffixes = ["", "_reverse"][: self.stack.num_directions]
        places = [f"{self.stack.cell.name}_l{n}{s}" for n in range(self.stack.num_layers) for s in suffixes]
        return [
            {
                field: shared(program, f"{place}.{field}", numpy(tensor))
                for field, tensor in weights._asdict().items()
                if tensor is not None
            }
            for place, weights in zip(places, self.stack.weights(), strict=True)
        ]

    def _emit(
        self, program: Program, x: Name, over: Literal["stream", "value"], initial: Sequence[Name] = ()
    ) -> tuple[Name, list[Name]]:
        """Outputs of the last layer, and for `over="value"` the final state of each layer and direction."""
        stack = self.stack
        finals: list[Name] = []
        named = iter(self._named_weights(program))
        for layer in range(stack.num_layers):
            outputs = []
            for reverse in (False, True)[: stack.num_directions]:
                out = program.fresh(f"{stack.cell.name}_l{layer}{'_reverse' if reverse else ''}")
                op = _operation(next(named), out, x, stack, reverse)
                if initial:
                    op = msgspec.structs.replace(op, initial=initial[len(finals)])
                if over == "value":
                    op = msgspec.structs.replace(op, over=over, final=program.fresh(f"{out}_final"))
                outputs.append(program.add(op))
                finals.append(op.final or "")
            x = outputs[0]
            if len(outputs) > 1:
                axis = len(program.shapes[x]) - 1
                both = program.fresh(f"{stack.cell.name}_l{layer}_both")
                x = program.add(ops.Concat(out=both, parts=tuple(outputs), axis=axis))
        return x, finals

    def _layers(self, parts_LBH: tuple[Tensor, ...]) -> State:
        """The state of all layers, cut into one for each layer and direction."""
        return tuple(tuple.__new__(self.stack.cell.state_type, layer) for layer in zip(*parts_LBH, strict=True))


def _operation(names: dict[str, Name], out: Name, x: Name, stack: RecurrentStack, reverse: bool) -> ops.Recurrent:
    """One layer and direction, its tensors already in the program."""
    norms: tuple[Name, ...] = ()
    if stack.layer_norm:
        # The biases of the products are those of layer normalisation; see `Cell`.
        names = dict(names)
        norms = (names["norm_weight_ih"], names.pop("bias_ih"), names["norm_weight_hh"], names.pop("bias_hh"))
        if stack.cell.has_memory:
            norms += (names["norm_weight_c"], names["norm_bias_c"])
    return ops.Recurrent(
        out=out,
        x=x,
        cell=stack.cell.name,
        over="stream",
        weight_ih=names["weight_ih"],
        weight_hh=names["weight_hh"],
        bias_ih=names.get("bias_ih"),
        bias_hh=names.get("bias_hh"),
        weight_hr=names.get("weight_hr"),
        layer_norm=norms,
        zoneout=stack.zoneout,
        reverse=reverse,
    )
