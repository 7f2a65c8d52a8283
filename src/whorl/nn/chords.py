"""What sounds next, from chords read one by one with a state that is carried through the whole of a piece.

Axes: B strips, T steps, D columns of a row, E numbers of a flag's vector, H hidden, K flags.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from whorl.errors import ArgumentError
from whorl.nn.core import Core, State
from whorl.nn.dropout import dropout
from whorl.nn.emission import emit_affine, numpy
from whorl.nn.inputs import InputColumns
from whorl.nn.network import Network
from whorl.plans.wiring import Autoregressive
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.specs import Fields, Flags, Spec


class NextFlags(Network):
    """Reads flags, and what stands beside them, at each step; answers how probable each of the next ones is.

    Each is told from the steps so far alone, whatever the others of its own step are (the recurrent network of
    Boulanger-Lewandowski et al. 2012, section 2, without a model of what sounds together).

    A step is read as the sum of the learned vectors of its flags. Read as they are, the few flags that are up would say
    next to nothing beside the state: a layer's weights are drawn for inputs of order one.

    Args:
        past: what a row is; its first columns are the flags.
        shape: says how many numbers the vector of a flag has.
        core: builds the core for an input size.
        dropout: of the core's output on its way to the last layer.
    """

    def __init__(self, past: Spec, shape: Autoregressive, core: Callable[[int], Core], dropout: float) -> None:
        super().__init__()
        parts = list(past.fields.items()) if isinstance(past, Fields) else [("all", past)]
        if not parts or not isinstance(parts[0][1], Flags):
            raise ArgumentError(f"`past` begins with flags, but is {past}.")
        self.num_flags, self.width = parts[0][1].n, past.width
        self.beside = InputColumns(Fields(dict(parts[1:]))) if parts[1:] else None
        self.table = nn.Linear(self.num_flags, shape.embedding_size, bias=False)
        nn.init.normal_(self.table.weight, std=0.5)
        self.core = core(shape.embedding_size + (0 if self.beside is None else self.beside.size))
        self.last = nn.Linear(self.core.output_size, self.num_flags)
        self.dropout = dropout

    def forward(self, inputs: dict[str, Tensor], state: State | None = None) -> tuple[Tensor, State]:
        """Answers every step: past (B, T, D) -> logits (B, T, 1, K, 1), and the state after the last one.

        `starts` (B, T), where it is given, is True at the first step of a piece, before which there is no state.
        """
        past = inputs["past"]
        x_BTE = self.table(past[..., : self.num_flags])
        if self.beside is not None:
            x_BTE = torch.cat([x_BTE, self.beside(past[..., self.num_flags :])], dim=-1)
        starts = inputs.get("starts")
        y_BTH, state = self.core(x_BTE, state, resets_BT=None if starts is None else starts.bool())
        logits: Tensor = self.last(dropout(y_BTH, self.dropout, self.training))
        return logits[..., None, :, None], state

    def emit(self, program: Program) -> Name:
        """Adds the network to a program; its input is one row."""
        row = program.add(ops.Input(out="past", shape=(self.width,)))
        flags = program.add(ops.Slice(x=row, axis=0, start=0, stop=self.num_flags))
        x = program.add(ops.Affine(x=flags, weight=program.tensor("table", numpy(self.table.weight))))
        if self.beside is not None:
            rest = program.add(ops.Slice(x=row, axis=0, start=self.num_flags, stop=self.width))
            x = program.add(ops.Concat(parts=(x, self.beside.emit(program, rest)), axis=0))
        out = emit_affine(program, "last", self.last, self.core.emit(program, x))
        program.output = program.add(ops.Reshape(x=out, shape=(1, self.num_flags, 1)))
        return program.output
