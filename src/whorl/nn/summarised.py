"""One answer for a sequence, from the state at its end; while a sequence still comes, from the state so far.

Axes: B sequences, T steps, D columns, K outputs, O numbers for each output.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from whorl.nn.inputs import InputColumns, numpy
from whorl.nn.network import Network
from whorl.nn.recurrent import RecurrentCore
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.specs import Spec


class SequenceRegressor(Network):
    """A core and a last layer on its last output (both directions' last outputs where it reads both ways).

    Args:
        past: what a row is.
        core: builds the core for an input size.
        num_targets: K.
        num_outputs: O.
        every_step: answer at each step instead of at the last one.
        dropout: on the way to the last layer.
    """

    def __init__(
        self,
        *,
        past: Spec,
        core: Callable[[int], RecurrentCore],
        num_targets: int,
        num_outputs: int,
        every_step: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.columns = InputColumns(past)
        self.core = core(self.columns.size)
        self.last = nn.Linear(self.core.output_size, num_targets * num_outputs)
        self.dropout = nn.Dropout(dropout)
        self.num_targets, self.num_outputs, self.every_step = num_targets, num_outputs, every_step

    def forward(self, inputs: dict[str, Tensor], lengths: Tensor | None = None) -> Tensor:
        """Answers sequences: past (B, T, D) -> (B, K, O), or (B, T, K, O) at every step."""
        past = inputs["past"]
        if lengths is not None:
            # Padding may hold anything; symbols must be looked up somewhere.
            real = torch.arange(past.shape[1], device=past.device) < lengths[:, None]
            past = torch.where(real[..., None], past, 0.0)
        y_BTH, state = self.core(self.columns(past), lengths_B=lengths)
        if not self.every_step:
            y_BTH = torch.cat([layer[0] for layer in state[-self.core.num_directions :]], dim=-1)
        out: Tensor = self.last(self.dropout(y_BTH))
        return out.reshape(*out.shape[:-1], self.num_targets, self.num_outputs)

    def emit(self, program: Program) -> Name:
        """Adds the network to a program; its answers at each step are those of the sequence so far."""
        row = program.add(ops.Input(out="past", shape=(self.columns.num_columns,)))
        h = self.core.emit(program, self.columns.emit(program, row))
        if not self.core.is_causal and not self.every_step:
            half = program.shapes[h][0] // 2
            forward = program.add(ops.Slice(x=h, axis=0, start=0, stop=half))
            backward = program.add(ops.First(x=program.add(ops.Slice(x=h, axis=0, start=half, stop=2 * half))))
            h = program.add(ops.Concat(parts=(forward, backward), axis=0))
        weight = program.tensor("last.weight", numpy(self.last.weight))
        out = program.add(ops.Affine(x=h, weight=weight, bias=program.tensor("last.bias", numpy(self.last.bias))))
        program.output = program.add(ops.Reshape(x=out, shape=(self.num_targets, self.num_outputs)))
        return program.output
