"""minGRU, minLSTM and LRU as a core: recurrences that are linear in their state, and so trained by a scan.

Axes: B batch, T time, D features, H hidden, G stacked gates, S numbers of a state, L layers times directions.
"""

from collections.abc import Sequence
from typing import Literal, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from whorl.cells import LINEAR_CELLS, LinearName
from whorl.errors import ArgumentError, did_you_mean
from whorl.nn import layout
from whorl.nn.core import Core, State
from whorl.nn.emission import emit_last
from whorl.nn.linear_emission import emit_layer
from whorl.nn.linear_layer import LinearLayer
from whorl.ops import linear_dispatch
from whorl.ops.linear import LinearPass
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program


@final
class LinearCore(Core):
    """Layers of minGRU, minLSTM or LRU cells over time.

    Gates see the input and not the state, so that training needs no loop over matrix products: one product for all
    steps, and a scan. The gates of a second layer see, by what they read, the steps before (Feng et al. 2024). An LRU
    is linear in its input as well, so that a gated linear unit stands behind each of its layers.

    The state is one `LinearState(h)` or `LRUState(real, imaginary)`, each part (B, H), for each layer and direction;
    directions vary fastest.

    Args:
        cell: 'mingru', 'minlstm' or 'lru'.
        input_size: features of a step.
        hidden_size: units of each layer and direction; of an LRU complex ones, and as many outputs.
        num_layers: layers on top of each other.
        bidirectional: whether each layer reads both ways.
        dropout: probability of dropping an output between layers.

    References:
        Feng et al. (2024), Were RNNs all we needed?, section 3; Orvieto et al. (2023), Resurrecting recurrent neural
        networks for long sequences, section 3.
    """

    def __init__(
        self,
        cell: LinearName,
        input_size: int,
        hidden_size: int,
        *,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if cell not in LINEAR_CELLS:
            known = tuple(LINEAR_CELLS)
            advice = did_you_mean(str(cell), known)
            raise ArgumentError(
                f"`cell` must be one of {', '.join(known)}, but is {cell!r}.{advice} Others are a RecurrentCore's."
            )
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
            if isinstance(size, bool) or size < 1:
                raise ArgumentError(f"`{name}` is a whole number >= 1, but is {size!r}. Raise it.")
        if isinstance(dropout, bool) or not 0.0 <= dropout <= 1.0:
            raise ArgumentError(f"`dropout` is a probability in [0, 1], but is {dropout!r}. Use 0 to switch it off.")
        self.cell: LinearName = cell
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.dropout, self.bidirectional = float(dropout), bool(bidirectional)
        self.layers = nn.ModuleList(
            LinearLayer(cell, input_size if layer == 0 else self.output_size, hidden_size)
            for layer in range(num_layers)
            for _ in range(self.num_directions)
        )

    @property
    def is_causal(self) -> bool:
        """False where the core reads both ways."""
        return not self.bidirectional

    @property
    def output_size(self) -> int:
        """`hidden_size`, twice where the core reads both ways."""
        return self.num_directions * self.hidden_size

    @property
    def num_gates(self) -> int:
        """Gates of the cell."""
        return LINEAR_CELLS[self.cell].num_gates

    @property
    def num_directions(self) -> int:
        """2 where the core reads both ways, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def state_size(self) -> int:
        """Numbers of the state of one layer and direction."""
        return LINEAR_CELLS[self.cell].state_parts * self.hidden_size

    def ignore_inputs(self, start: int) -> None:
        """Zeroes the first layer's weights of the features from `start` on; see `RecurrentCore.ignore_inputs`."""
        if self.is_frozen:
            return
        with torch.no_grad():
            for layer in self._of(0):
                layer.weight_ih[:, start:] = 0.0

    def initial_state(self, batch_size: int) -> State:
        """Zeros."""
        weight = next(self.parameters())
        return self._states([weight.new_zeros(batch_size, self.state_size) for _ in self.layers])

    def state_of(self, flat_BS: Tensor) -> State:
        """A state from its numbers (B, L * state_size), as a program lays it out: layer by layer."""
        return self._states(torch.split(flat_BS, self.state_size, dim=-1))

    def forward(
        self,
        x_BTD: Tensor,
        state: State | None = None,
        *,
        lengths_B: Tensor | None = None,
        resets_BT: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Reads sequences; see `Core.forward`."""
        x_TBD, lengths_B = layout.steps_first(x_BTD, lengths_B, batch_first=True)
        layout.check_features(x_TBD, self.input_size, self._of(0)[0].weight_ih)
        if resets_BT is not None:
            resets_BT = layout.resets_first(resets_BT, x_TBD, batched=True, batch_first=True).transpose(0, 1)
        real_BT1 = None
        if lengths_B is not None:
            steps = torch.arange(x_BTD.shape[1], device=x_BTD.device)
            real_BT1 = (steps < lengths_B.to(x_BTD.device)[:, None])[..., None]
            # A NaN there would survive a multiplication by a zero gradient.
            x_BTD = torch.where(real_BT1, x_BTD, 0.0)
        before = self._flat(self.initial_state(len(x_BTD)) if state is None else state)
        finals: list[Tensor] = []
        for number in range(self.num_layers):
            outputs = []
            for reverse, layer in enumerate(self._of(number)):
                gates_BTG, passed_BTH = layer.split(layer.gates(x_BTD))
                start_BS = before[len(finals)]
                call = LinearPass(
                    self.cell, gates_BTG, layer.decay(), start_BS, lengths_B, resets_BT, bool(reverse), owned=True
                )
                h_BTS, final_BS = linear_dispatch.run(call)
                finals.append(final_BS)
                y_BTH = layer.output(h_BTS, passed_BTH)
                # What passes the state by is there at padding, too.
                padded = real_BT1 is not None and passed_BTH is not None
                outputs.append(torch.where(real_BT1, y_BTH, 0.0) if padded else y_BTH)  # type: ignore[arg-type]
            x_BTD = outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1)
            if number < self.num_layers - 1 and self.dropout > 0:
                x_BTD = functional.dropout(x_BTD, self.dropout, self.training)
        return x_BTD, self._states(finals)

    def last_output(self, y_BTH: Tensor, state: State, lengths_B: Tensor | None = None) -> Tensor:
        """The last output of each direction, (B, output_size); see `Core.last_output`. Zeros where nothing is read.

        Of an LRU the state says less than the output, so that it is looked up in the outputs.
        """
        if self.is_causal or not y_BTH.shape[1]:
            return super().last_output(y_BTH, state, lengths_B)
        forward_BTH, backward_BTH = y_BTH.chunk(2, -1)
        return torch.cat([super().last_output(forward_BTH, state, lengths_B), backward_BTH[:, 0]], -1)

    def advance(self, gates: Tensor, state: State) -> Tensor:
        """One step of all layers from given input products, without dropout; see `RecurrentCore.advance`."""
        self._check_one_way("take single steps")
        output = gates
        for number, part in enumerate(self._flat(state)):
            layer = self._of(number)[0]
            entering, passed = layer.split(gates if number == 0 else layer.gates(output))
            output = layer.output(layer.step(entering, part), passed)
        return output

    def emit(self, program: Program, x: Name, initial: Sequence[Name] = ()) -> Name:
        """Adds products, elementwise functions, and a scan for each layer and direction.

        Args:
            program: what is added to.
            x: what is read at each step.
            initial: static inputs with the state that each layer and direction starts from; none starts from zero.
        """
        return self._emit(program, x, "stream", list(initial))[0]

    def emit_value(self, program: Program, x: Name) -> Name:
        """Adds the core over axis -2 of a value; see `Core.emit_value`."""
        return self._emit(program, x, "value", [])[0]

    def emit_states(self, program: Program, x: Name) -> list[Name]:
        """Adds the core over axis -2 of a value (..., S, D); returns the final state of each layer."""
        self._check_one_way("continue from its state")
        return self._emit(program, x, "value", [])[1]

    def emit_advance(self, program: Program, gates: Name, states: list[Name]) -> Name:
        """Adds what `advance` does: gates (K, P, G) and states (K, S) give (K, P, H)."""
        lead, positions, size = program.shapes[gates]
        gates = program.add(ops.Reshape(x=gates, shape=(lead, positions, 1, size)))
        starts = []
        for state in states:
            each = program.add(ops.Reshape(x=state, shape=(lead, 1, self.state_size)))
            starts.append(program.add(ops.Repeat(x=each, axis=1, count=positions)))
        return emit_last(program, self._emit(program, gates, "value", starts, entered=True)[0])

    def _emit(
        self, program: Program, x: Name, over: Literal["stream", "value"], initial: list[Name], entered: bool = False
    ) -> tuple[Name, list[Name]]:
        """The output of the last layer, and for `over="value"` the final state of each; `entered`: x are products."""
        finals: list[Name] = []
        for number in range(self.num_layers):
            outputs = []
            for reverse, layer in enumerate(self._of(number)):
                assert isinstance(layer, LinearLayer)
                name = f"{self.cell}_l{number}{'_reverse' if reverse else ''}"
                start = initial[number * self.num_directions + reverse] if initial else None
                passed = entered and number == 0
                y, h = emit_layer(program, layer, x, name, over, bool(reverse), start, entered=passed)
                outputs.append(y)
                finals.append(emit_last(program, h) if over == "value" else "")
            x = outputs[0]
            if len(outputs) > 1:
                x = program.add(ops.Concat(parts=tuple(outputs), axis=len(program.shapes[x]) - 1))
        return x, finals

    def _check_one_way(self, what: str) -> None:
        if self.bidirectional:
            raise ArgumentError(f"`bidirectional` is True, but only a core that reads one way can {what}. Use False.")

    def _of(self, number: int) -> list[LinearLayer]:
        """The directions of a layer."""
        first = number * self.num_directions
        return list(self.layers[first : first + self.num_directions])  # type: ignore[arg-type]

    def _flat(self, state: State) -> list[Tensor]:
        """The state of each layer and direction, its parts side by side."""
        parts = [[part for part in layer if isinstance(part, Tensor)] for layer in state]
        return [layer[0] if len(layer) == 1 else torch.cat(layer, -1) for layer in parts]

    def _states(self, flat: Sequence[Tensor]) -> State:
        kind = self._of(0)[0].state_type
        return tuple(tuple.__new__(kind, torch.split(part, self.hidden_size, dim=-1)) for part in flat)
