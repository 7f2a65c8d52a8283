"""A forecast from a window by a core that cannot begin from a state of its own: all steps from what it said last.

What is read is the same as by `WindowedForecaster`: each target by itself, in segments. The output of the core at the
last segment, and a learned vector of the target, make all steps of the horizon by one affine layer; what is known of a
step adds to it.

Axes: B windows, L context, H horizon, K targets, D columns of a row, F columns known ahead, O outputs of the head.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from whorl.nn.core import Core
from whorl.nn.dropout import dropout
from whorl.nn.emission import emit_affine, emit_last, numpy
from whorl.nn.inputs import InputColumns
from whorl.nn.network import Network
from whorl.nn.segments import Segments
from whorl.plans.wiring import Windows
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.specs import Spec


class DirectForecaster(Network):
    """Reads windows and answers the whole horizon.

    Args:
        past: what a row is; its first `num_targets` columns are the targets.
        ahead: what is known of a row ahead, or None.
        num_targets: K.
        pairing: context and horizon.
        segment: rows of a segment.
        rescale: divide the targets of a window by their spread in it.
        core: builds the core for an input size.
        num_outputs: O.
        dropout: of the core's output on its way to the last layer.
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
        core: Callable[[int], Core],
        num_outputs: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.horizon, self.num_targets, self.num_outputs = pairing.horizon, num_targets, num_outputs
        self.dropout = dropout
        self.covariates = InputColumns(past, skip=num_targets)
        self.segments = Segments(
            self.covariates, num_targets=num_targets, context=pairing.context, segment=segment, rescale=rescale
        )
        self.core = core(self.segments.width)
        self.core.ignore_inputs(segment)
        self.target = nn.Parameter(0.1 * torch.randn(num_targets, self.core.output_size))
        self.last = nn.Linear(self.core.output_size, pairing.horizon * num_outputs)
        nn.init.zeros_(self.last.bias)
        self.future = None if ahead is None else InputColumns(ahead)
        self.last_future = None
        if self.future is not None:
            self.last_future = nn.Linear(self.future.size, num_targets * num_outputs, bias=False)
            nn.init.zeros_(self.last_future.weight)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Answers windows.

        Shape:
            past (B, L, D), future (B, H, F); result (B, H, K, O).
        """
        segments, last_BK1, scale_BK1 = self.segments.read(inputs["past"])
        y, _ = self.core(segments)
        h_BKH = y[:, -1].reshape(-1, *self.target.shape) + self.target
        out: Tensor = self.last(dropout(h_BKH, self.dropout, self.training))
        out = out.reshape(*out.shape[:2], self.horizon, self.num_outputs).transpose(1, 2)
        if self.future is not None and self.last_future is not None:
            known: Tensor = self.last_future(self.future(inputs["future"]))
            out = out + known.reshape(*known.shape[:2], self.num_targets, self.num_outputs)
        if scale_BK1 is not None:
            out = out * scale_BK1[:, None]
        return out + last_BK1[:, None]

    def emit(self, program: Program) -> Name:
        """Adds the network to a program; its inputs are one row, and what is known ahead of it."""
        horizon, num_targets = self.horizon, self.num_targets
        read = self.segments.emit(program)
        y = emit_last(program, self.core.emit_value(program, read.steps))
        own = program.add(ops.Constant(tensor=program.tensor("target", numpy(self.target))))
        out = emit_affine(program, "last", self.last, program.add(ops.Combine(a=y, b=own, function="add")))
        out = program.add(ops.Reshape(x=out, shape=(num_targets, horizon, self.num_outputs)))
        if self.future is not None and self.last_future is not None:
            future = program.add(ops.Input(out="future", shape=(horizon, self.future.num_columns)))
            weight = program.tensor("last_future.weight", numpy(self.last_future.weight))
            known = program.add(ops.Affine(x=self.future.emit(program, future), weight=weight))
            known = program.add(ops.Reshape(x=known, shape=(horizon, num_targets, self.num_outputs)))
            known = program.add(ops.Transpose(x=known, axes=(1, 0, 2)))
            out = program.add(ops.Combine(a=out, b=known, function="add"))
        program.output = self.segments.emit_back(program, out, read)
        return program.output
