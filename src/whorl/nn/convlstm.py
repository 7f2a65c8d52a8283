"""A recurrent layer whose state is a map: what moves over a picture goes from place to place within the state.

Axes: B batch, T time, D features, C channels, Y rows, X columns of a map, G stacked gates.
"""

from typing import Literal, NamedTuple, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from whorl.nn import layout
from whorl.nn.core import Core, State
from whorl.nn.emission import numpy, shared
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.specs import Picture


class MapState(NamedTuple):
    """State of one layer, (B, C, Y, X) each."""

    h: Tensor
    c: Tensor


class ConvLSTMLayer(nn.Module):
    """The weights of one layer; gates stand in the order i, f, g, o.

    i = sigmoid(W_i * x + U_i * h + V_i c + b_i), f likewise, g = tanh(W_g * x + U_g * h + b_g),
    c' = f c + i g, o = sigmoid(W_o * x + U_o * h + V_o c' + b_o), h' = o tanh(c'); * convolves, all else is elementwise
    (Shi et al. 2015, eq. 3).

    Args:
        spec: what is read.
        channels: C of the state.
        kernel_size: pixels of a kernel's side, of W and U alike; odd.
    """

    def __init__(self, spec: Picture, channels: int, kernel_size: int) -> None:
        super().__init__()
        self.spec, self.channels, self.padding = spec, channels, kernel_size // 2
        self.entering = nn.Conv2d(spec.c, 4 * channels, kernel_size, padding=self.padding)
        self.recurring = nn.Conv2d(channels, 4 * channels, kernel_size, padding=self.padding, bias=False)
        # What a gate sees of c at its own place: of i, f and o.
        self.peepholes = nn.Parameter(torch.zeros(3, channels, spec.h, spec.w))
        with torch.no_grad():
            assert self.entering.bias is not None
            self.entering.bias[channels : 2 * channels] += 1.0  # remembers before it has learned to

    def step(self, gates: Tensor, state: MapState) -> MapState:
        """One step from W * x + b, (B, G, Y, X)."""
        i, f, g, o = (gates + self.recurring(state.h)).chunk(4, dim=1)
        i, f = torch.sigmoid(i + self.peepholes[0] * state.c), torch.sigmoid(f + self.peepholes[1] * state.c)
        c = f * state.c + i * torch.tanh(g)
        return MapState(torch.sigmoid(o + self.peepholes[2] * c) * torch.tanh(c), c)


@final
class ConvLSTMCore(Core):
    """Layers of convolutional LSTM cells over time, each of which reads and gives a map of the size of its pictures.

    Strided convolutions before the first layer halve a picture until its longer side is at most `side`.

    The state is one `MapState` for each layer.

    Args:
        spec: what a step is; its numbers are one row, channels first.
        hidden_size: channels of each layer.
        num_layers: layers on top of each other.
        kernel_size: pixels of a kernel's side; odd.
        side: pixels that the longer side of a map has at most.
        places: 'pooled' says the mean and the largest of each channel over the last map, 'kept' all of it.
        dropout: probability of dropping an output between layers.

    References:
        Shi et al. (2015), Convolutional LSTM network: a machine learning approach for precipitation nowcasting.
    """

    def __init__(
        self,
        spec: Picture,
        hidden_size: int,
        *,
        num_layers: int = 1,
        kernel_size: int = 3,
        side: int = 16,
        places: Literal["pooled", "kept"] = "pooled",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.spec, self.hidden_size, self.dropout = spec, hidden_size, float(dropout)
        self.pooled = places == "pooled"
        maps, layers = spec, []
        while max(maps.h, maps.w) > side:
            layers.append(nn.Conv2d(maps.c, hidden_size, 3, stride=2, padding=1))
            maps = Picture(hidden_size, (maps.h + 1) // 2, (maps.w + 1) // 2)
        self.halvings = nn.ModuleList(layers)
        self.map = Picture(hidden_size, maps.h, maps.w)
        self.layers = nn.ModuleList(
            ConvLSTMLayer(self.map if number else maps, hidden_size, kernel_size) for number in range(num_layers)
        )

    @property
    def is_causal(self) -> bool:
        """True."""
        return True

    @property
    def output_size(self) -> int:
        """Numbers of a map, channels first; or two of each channel."""
        return 2 * self.map.c if self.pooled else self.map.width

    def ignore_inputs(self, start: int) -> None:
        """Zeroes the first layer's weights of whole channels from the feature `start` on; a place has no weights."""
        reading = next(layer for layer in self.modules() if isinstance(layer, nn.Conv2d))
        with torch.no_grad():
            reading.weight[:, -(-start // (self.spec.h * self.spec.w)) :] = 0.0

    def initial_state(self, batch_size: int) -> State:
        """Zeros."""
        weight = next(self.parameters())
        zeros = weight.new_zeros(batch_size, self.map.c, self.map.h, self.map.w)
        return tuple(MapState(zeros, zeros) for _ in self.layers)

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
        num_steps, batch_size, _ = x_TBD.shape
        real_TB = None
        if lengths_B is not None:
            real_TB = torch.arange(num_steps, device=x_TBD.device)[:, None] < lengths_B.to(x_TBD.device)
            # A NaN there would survive a multiplication by a zero gradient.
            x_TBD = torch.where(real_TB[..., None], x_TBD, 0.0)
        if resets_BT is not None:
            resets_BT = layout.resets_first(resets_BT, x_TBD, batched=True, batch_first=True).transpose(0, 1)
        maps = x_TBD.reshape(-1, self.spec.c, self.spec.h, self.spec.w)
        for halving in self.halvings:
            maps = torch.relu(halving(maps))
        finals = []
        before = self.initial_state(batch_size) if state is None else state
        for number, (layer, own) in enumerate(zip(self.layers, before, strict=True)):
            assert isinstance(layer, ConvLSTMLayer)
            if number and self.dropout > 0:
                maps = functional.dropout(maps, self.dropout, self.training)
            assert isinstance(own, MapState)
            gates = layer.entering(maps).unflatten(0, (num_steps, batch_size))
            outputs, final = _over_time(layer, gates, own, real_TB, resets_BT)
            finals.append(final)
            maps = outputs.flatten(0, 1)
        if self.pooled:
            maps = torch.cat([maps.mean(dim=(-2, -1)), maps.amax(dim=(-2, -1))], dim=-1)
        return maps.reshape(num_steps, batch_size, self.output_size).transpose(0, 1), tuple(finals)

    def emit(self, program: Program, x: Name) -> Name:
        """Adds convolutions, elementwise functions, and two values for each layer that go back to the next step."""
        maps = self._entered(program, program.add(ops.Reshape(x=x, shape=(self.spec.c, self.spec.h, self.spec.w))))
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, ConvLSTMLayer)
            shape = (self.map.c, self.map.h, self.map.w)
            h, c = (program.add(ops.Previous(out=program.fresh(f"{part}_l{number}"), shape=shape)) for part in "hc")
            new_h, new_c = _emit_step(program, layer, number, maps, h, c)
            program.add(ops.Keep(x=new_c, previous=c))
            maps = program.add(ops.Keep(x=new_h, previous=h))
        return self._said(program, maps)

    def emit_value(self, program: Program, x: Name) -> Name:
        """Adds the core over axis -2 of a value, step after step; see `Core.emit_value`."""
        lead, num_steps, _ = program.shapes[x]
        maps = program.add(ops.Reshape(x=x, shape=(lead, num_steps, self.spec.c, self.spec.h, self.spec.w)))
        maps = self._entered(program, maps)
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, ConvLSTMLayer)
            zeros = program.tensor(program.fresh("before"), numpy(torch.zeros(lead, 1, *layer.peepholes.shape[1:])))
            h = c = program.add(ops.Constant(tensor=zeros))
            outputs = []
            for t in range(num_steps):
                now = program.add(ops.Slice(x=maps, axis=1, start=t, stop=t + 1))
                h, c = _emit_step(program, layer, number, now, h, c)
                outputs.append(h)
            maps = program.add(ops.Concat(parts=tuple(outputs), axis=1))
        return self._said(program, maps)

    def _said(self, program: Program, maps: Name) -> Name:
        """What is said of maps (..., C, Y, X)."""
        lead = program.shapes[maps][:-3]
        if self.pooled:
            flat = program.add(ops.Reshape(x=maps, shape=(*lead, self.map.c, self.map.h * self.map.w)))
            last = len(lead) + 1
            mean = program.add(ops.Reduce(x=flat, axis=last, function="mean"))
            largest = program.add(ops.Reduce(x=flat, axis=last, function="max"))
            maps = program.add(ops.Concat(parts=(mean, largest), axis=last - 1))
        return program.add(ops.Reshape(x=maps, shape=(*lead, self.output_size)))

    def _entered(self, program: Program, maps: Name) -> Name:
        """What the first layer reads."""
        for number, layer in enumerate(self.halvings):
            weight, bias = (
                _tensor(program, f"halving_{number}.{part}", getattr(layer, part)) for part in ("weight", "bias")
            )
            maps = program.add(ops.Convolve(x=maps, weight=weight, bias=bias, stride=2, padding=1))
            maps = program.add(ops.Activate(x=maps, function="relu"))
        return maps


def _over_time(
    layer: ConvLSTMLayer, gates: Tensor, state: MapState, real_TB: Tensor | None, resets_BT: Tensor | None
) -> tuple[Tensor, MapState]:
    """Outputs (T, B, C, Y, X), 0 at padding, and the state after the last real step, of gates (T, B, G, Y, X)."""
    outputs = []
    for t in range(len(gates)):
        real = None if real_TB is None else real_TB[t][:, None, None, None]
        before = state
        if resets_BT is not None:
            reset = resets_BT[:, t, None, None, None]
            # What a sequence of length 0 came with stays, whatever is said of padding.
            reset = reset if real is None else reset & real
            before = MapState(*(torch.where(reset, 0.0, part) for part in state))
        new = layer.step(gates[t], before)
        if real is None:
            state, output = new, new.h
        else:
            state = MapState(*(torch.where(real, one, old) for one, old in zip(new, before, strict=True)))
            output = torch.where(real, new.h, 0.0)
        outputs.append(output)
    empty = gates.new_zeros(0, gates.shape[1], gates.shape[2] // 4, *gates.shape[3:])
    return torch.stack(outputs) if outputs else empty, state


def _emit_step(program: Program, layer: ConvLSTMLayer, number: int, x: Name, h: Name, c: Name) -> tuple[Name, Name]:
    """Adds one step of a layer from maps x, h and c (..., C, Y, X); returns the next h and c."""
    stem, axis, size = f"convlstm_l{number}", len(program.shapes[x]) - 3, layer.channels
    lead = (1,) * axis

    def combined(a: Name, b: Name, function: str) -> Name:
        return program.add(ops.Combine(a=a, b=b, function=function))  # type: ignore[arg-type]

    def peeped(gate: Name, at: int, cell: Name) -> Name:
        tensor = _tensor(
            program, f"{stem}.peephole_{'ifo'[at]}", layer.peepholes[at].reshape(*lead, *layer.peepholes.shape[1:])
        )
        seen = combined(cell, program.add(ops.Constant(tensor=tensor)), "multiply")
        return program.add(ops.Activate(x=combined(gate, seen, "add"), function="sigmoid"))

    weights = [
        _tensor(program, f"{stem}.{name}", value)
        for name, value in (
            ("weight_ih", layer.entering.weight),
            ("bias_ih", layer.entering.bias),
            ("weight_hh", layer.recurring.weight),
        )
    ]
    entering = program.add(ops.Convolve(x=x, weight=weights[0], bias=weights[1], padding=layer.padding))
    gates = combined(entering, program.add(ops.Convolve(x=h, weight=weights[2], padding=layer.padding)), "add")
    i, f, g, o = (program.add(ops.Slice(x=gates, axis=axis, start=at * size, stop=(at + 1) * size)) for at in range(4))
    i, f = peeped(i, 0, c), peeped(f, 1, c)
    written = combined(i, program.add(ops.Activate(x=g, function="tanh")), "multiply")
    new_c = combined(combined(f, c, "multiply"), written, "add")
    shown = program.add(ops.Activate(x=new_c, function="tanh"))
    return combined(peeped(o, 2, new_c), shown, "multiply"), new_c


def _tensor(program: Program, name: str, value: object) -> Name:
    return shared(program, name, numpy(value))
