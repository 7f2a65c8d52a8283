"""What comes next, from symbols read one by one with a state that is carried through the whole of a text.

Axes: B strips, T steps, D columns of a row, E numbers of a symbol's vector, H hidden, V symbols.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from whorl.errors import ArgumentError
from whorl.nn.core import Core, State
from whorl.nn.dropout import dropout
from whorl.nn.emission import numpy
from whorl.nn.inputs import InputColumns
from whorl.nn.network import Network
from whorl.plans.wiring import Autoregressive
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.specs import Fields, Spec, Tokens


class NextToken(Network):
    """Reads a symbol, and what stands beside it, at each step; answers what the next symbol may be.

    Args:
        past: what a row is; its first column is the symbol.
        shape: sizes of the vectors, and whether they answer too.
        core: builds the core for an input size.
        dropout: of the core's output on its way to the last layer.
    """

    def __init__(self, past: Spec, shape: Autoregressive, core: Callable[[int], Core], dropout: float) -> None:
        super().__init__()
        parts = list(past.fields.items()) if isinstance(past, Fields) else [("all", past)]
        if not parts or not isinstance(parts[0][1], Tokens):
            raise ArgumentError(f"`past` begins with a column of symbols, but is {past}.")
        self.num_symbols, self.width = parts[0][1].n, past.width
        self.items = shape.items
        self.first = 0 if shape.items is None else 1  # code 0 is an item that training does not have, and no answer
        beside = Fields(dict(parts[1:]))
        self.beside = InputColumns(beside) if parts[1:] else None
        self.table = nn.Embedding(self.num_symbols, shape.embedding_size)
        self.core = core(shape.embedding_size + (0 if self.beside is None else self.beside.size))
        size = self.core.output_size
        self.narrow = nn.Linear(size, shape.embedding_size, bias=False) if shape.tied else None
        # What stands in the last column of the next step is answered, too: a bin of time, of which code 0 is none.
        self.until: nn.Linear | None = None
        if shape.items is not None and shape.items.until:
            _, last = parts[-1]
            if len(parts) < 2 or not isinstance(last, Tokens):
                raise ArgumentError(f"`past` ends with a column of bins of time, but is {past}.")
            self.until = nn.Linear(size, last.n - 1)
        num_answers = self.num_symbols - self.first
        self.bias = nn.Parameter(torch.zeros(num_answers))
        self.weight = None if shape.tied else nn.Parameter(torch.empty(num_answers, size))
        # Tied vectors are weights of the last layer too, which must not be sure of anything at first.
        nn.init.normal_(self.table.weight, std=0.1 if shape.tied else 0.5)
        if self.weight is not None:
            nn.init.uniform_(self.weight, -(size**-0.5), size**-0.5)
        self.dropout = dropout

    def forward(self, inputs: dict[str, Tensor], state: State | None = None) -> tuple[Tensor, State]:
        """Answers every step: past (B, T, D) -> (B, T, 1, 1, V), and the state after the last one.

        `starts` (B, T), where it is given, is True at the first step of a text, before which there is no state.
        """
        y_BTH, state = self.read(inputs, state)
        return self.logits(self.narrowed(y_BTH))[..., None, None, :], state

    def read(
        self, inputs: dict[str, Tensor], state: State | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """What each step is answered by, (B, T, H), and the state after the last one.

        Args:
            inputs: as of `forward`.
            state: before the first step.
            lengths: (B,), real steps of each sequence; None where all are.
        """
        past = inputs["past"]
        x_BTE = self.table(past[..., 0].long())
        if self.beside is not None:
            x_BTE = torch.cat([x_BTE, self.beside(past[..., 1:])], dim=-1)
        starts = inputs.get("starts")
        resets = None if starts is None else starts.bool()
        y_BTH, state = self.core(x_BTE, state, lengths_B=lengths, resets_BT=resets)
        return dropout(y_BTH, self.dropout, self.training), state

    def narrowed(self, y: Tensor) -> Tensor:
        """What `read` returns as the last layer takes it, (..., H or E)."""
        return y if self.narrow is None else self.narrow(y)

    @property
    def answers(self) -> Tensor:
        """The vector that each answer is scored by, (V, H or E)."""
        return self.table.weight[self.first :] if self.weight is None else self.weight

    def logits(self, y: Tensor) -> Tensor:
        """How probable each answer is, (..., V), by what `narrowed` returns."""
        return functional.linear(y, self.answers, self.bias)

    def emit(self, program: Program) -> Name:
        """Adds the network to a program; its input is one row."""
        row = program.add(ops.Input(out="past", shape=(self.width,)))
        table = program.tensor("table", numpy(self.table.weight))
        code = program.add(ops.Slice(x=row, axis=0, start=0, stop=1))
        x = program.add(ops.Embed(x=code, table=table))
        if self.beside is not None:
            beside = self.beside.emit(program, program.add(ops.Slice(x=row, axis=0, start=1, stop=self.width)))
            x = program.add(ops.Concat(parts=(x, beside), axis=0))
        h = core = self.core.emit(program, x)
        if self.narrow is not None:
            h = program.add(ops.Affine(x=h, weight=program.tensor("narrow", numpy(self.narrow.weight))))
        weight, bias = table, numpy(self.bias)
        if self.weight is not None:
            weight = program.tensor("last.weight", numpy(self.weight))
        elif self.first:  # the table has a row that is no answer
            bias = np.concatenate([np.zeros(self.first, bias.dtype), bias])
        out = program.add(ops.Affine(x=h, weight=weight, bias=program.tensor("last.bias", bias)))
        if self.weight is None and self.first:
            out = program.add(ops.Slice(x=out, axis=0, start=self.first, stop=self.num_symbols))
        if self.items is not None:
            return emit_items(program, code, out, self.items.seen, self._emit_until(program, core))
        program.output = program.add(ops.Reshape(x=out, shape=(1, 1, self.num_symbols)))
        return program.output

    def _emit_until(self, program: Program, core: Name) -> Name | None:
        if self.until is None:
            return None
        weight, bias = numpy(self.until.weight), numpy(self.until.bias)
        return program.add(
            ops.Affine(x=core, weight=program.tensor("until.weight", weight), bias=program.tensor("until.bias", bias))
        )


def emit_items(program: Program, code: Name, scores: Name, seen: int, until: Name | None = None) -> Name:
    """Adds the scores of a catalogue, (V,), as the output.

    Args:
        program: what is added to.
        code: of the item of the step.
        scores: of the catalogue.
        seen: how many codes of the last items stand behind all else.
        until: scores of the bins of the time until the next event, (B,), which stand behind those of the catalogue.
    """
    if until is not None:
        scores = program.add(ops.Concat(parts=(scores, until), axis=0))
    size = program.shapes[scores][0]
    if seen:
        window = program.add(ops.Window(x=code, length=seen))
        window = program.add(ops.Reshape(x=window, shape=(seen,)))
        scores = program.add(ops.Concat(parts=(scores, window), axis=0))
    program.output = program.add(ops.Reshape(x=scores, shape=(1, size + seen)))
    return program.output
