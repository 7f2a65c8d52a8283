"""A forecast from a window: each target by itself, in segments, all steps of the horizon at once.

The targets of a window share one core. Each is taken relative to its last value, cut into segments, and read by the
core one segment a step. From the state at the end every segment of the horizon takes one step of its own, told apart by
a learned vector of its position and of its target; a last layer turns each into its steps. This is the shape of
SegRNN (Lin et al. 2023), here with any recurrent core, covariates and quantiles.

Axes: B windows, L context, H horizon, K targets, S segments of the context, P segments of the horizon, C covariates,
O outputs of the head, G stacked gates.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from whorl.nn.cores import AnyCore
from whorl.nn.dropout import dropout
from whorl.nn.emission import emit_affine, numpy
from whorl.nn.inputs import InputColumns
from whorl.nn.layers import planes
from whorl.nn.network import Network
from whorl.nn.seasonal import SeasonalWay
from whorl.nn.segments import Segments
from whorl.plans.wiring import Windows
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.specs import Spec


class WindowedForecaster(Network):
    """Reads windows and answers the whole horizon.

    Args:
        past: what a row is; its first `num_targets` columns are the targets.
        ahead: what is known of a row ahead, or None.
        num_targets: K.
        pairing: context and horizon.
        segment: rows of a segment.
        rescale: divide the targets of a window by their spread in it.
        season: rows of a season that the context holds; None has no way around the core for it.
        core: builds the core for an input size.
        num_outputs: O.
        dropout: of the decoded state on its way to the last layer.
    """

    def __init__(
        self,
        *,
        past: Spec,
        ahead: Spec | None,
        num_targets: int,
        pairing: Windows,
        segment: int,
        rescale: bool,
        season: int | None,
        core: Callable[[int], AnyCore],
        num_outputs: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.pairing, self.num_targets, self.num_outputs = pairing, num_targets, num_outputs
        self.answer_segment = min(segment, pairing.horizon)
        self.num_answered = math.ceil(pairing.horizon / self.answer_segment)
        self.covariates = InputColumns(past, skip=num_targets)
        self.segments = Segments(
            self.covariates, num_targets=num_targets, context=pairing.context, segment=segment, rescale=rescale
        )
        self.future = None if ahead is None else InputColumns(ahead)
        self.core = core(self.segments.width)
        self.core.ignore_inputs(segment)
        width, gates = self.core.hidden_size, self.core.num_gates * self.core.hidden_size
        half = width // 2
        self.position = nn.Parameter(torch.randn(self.num_answered, half))
        self.target = nn.Parameter(torch.randn(num_targets, width - half))
        self.decode = nn.Linear(width, gates)
        self.decode_future = None
        if self.future is not None:
            self.decode_future = nn.Linear(self.answer_segment * self.future.size, gates, bias=False)
            nn.init.zeros_(self.decode_future.weight)
        self.season = None
        if season is not None:
            self.season = SeasonalWay(season, num_targets, pairing.horizon)
        self.last = nn.Linear(self.core.output_size, self.answer_segment * num_outputs)
        nn.init.zeros_(self.last.bias)
        self.dropout = dropout

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Answers windows.

        Shape:
            past (B, L, D), future (B, H, F); result (B, H, K, O).
        """
        num_windows = len(inputs["past"])
        segments, last_BK1, scale_BK1 = self.segments.read(inputs["past"])
        _, state = self.core(segments)
        gates = self._position_gates()
        if self.future is not None and self.decode_future is not None:
            rows = self._pad_end(self.future(inputs["future"]))
            pieces = rows.reshape(num_windows, 1, self.num_answered, -1)
            gates = gates + self.decode_future(pieces)
        state = tuple(
            type(layer)(*(part.reshape(num_windows, self.num_targets, 1, -1) for part in layer)) for layer in state
        )
        h_BKPH = dropout(self.core.advance(gates, state), self.dropout, self.training)
        out = functional.linear(h_BKPH.flatten(0, 2), *planes(self.last, self.num_outputs))
        out = out.reshape(num_windows, self.num_targets, self.num_answered, self.num_outputs, self.answer_segment)
        out = out.transpose(2, 3).flatten(3)[..., : self.pairing.horizon]
        last, scale = last_BK1[..., None], None if scale_BK1 is None else scale_BK1[..., None]
        out = out + last if scale is None else torch.addcmul(last, out, scale)
        out = out.permute(0, 3, 1, 2)
        return out if self.season is None else out + self.season.of_windows(inputs["past"])[..., None]

    def _pad_end(self, rows_BHF: Tensor) -> Tensor:
        missing = self.num_answered * self.answer_segment - rows_BHF.shape[1]
        return functional.pad(rows_BHF, (0, 0, 0, missing)) if missing else rows_BHF

    def _position_gates(self) -> Tensor:
        """Input products of the decoding step, (K, P, G): they depend on position and target alone."""
        both = torch.cat(
            [
                self.position[None].expand(self.num_targets, -1, -1),
                self.target[:, None].expand(-1, self.num_answered, -1),
            ],
            dim=-1,
        )
        gates: Tensor = self.decode(both)
        return gates

    def emit(self, program: Program) -> Name:
        """Adds the network to a program; its inputs are one row, and what is known ahead of it."""
        read = self.segments.emit(program)
        states = self.core.emit_states(program, read.steps)
        gates = program.add(ops.Constant(tensor=program.tensor("position_gates", numpy(self._position_gates()))))
        if self.future is not None and self.decode_future is not None:
            gates = self._emit_future(program, gates)
        h = self.core.emit_advance(program, gates, states)
        out = emit_affine(program, "last", self.last, h)
        steps = self.num_answered * self.answer_segment
        out = program.add(ops.Reshape(x=out, shape=(self.num_targets, steps, self.num_outputs)))
        out = program.add(ops.Slice(x=out, axis=1, start=0, stop=self.pairing.horizon))
        program.output = self.segments.emit_back(program, out, read, self.season)
        return program.output

    def _emit_future(self, program: Program, gates: Name) -> Name:
        assert self.future is not None
        assert self.decode_future is not None
        horizon = self.pairing.horizon
        future = program.add(ops.Input(out="future", shape=(horizon, self.future.num_columns)))
        rows = self.future.emit(program, future)
        missing = self.num_answered * self.answer_segment - horizon
        if missing:
            zeros = program.tensor("future_padding", torch.zeros(missing, self.future.size).numpy())
            rows = program.add(ops.Concat(parts=(rows, program.add(ops.Constant(tensor=zeros))), axis=0))
        size = self.answer_segment * self.future.size
        pieces = program.add(ops.Reshape(x=rows, shape=(1, self.num_answered, size)))
        weight = program.tensor("decode_future.weight", numpy(self.decode_future.weight))
        return program.add(ops.Combine(a=gates, b=program.add(ops.Affine(x=pieces, weight=weight)), function="add"))
