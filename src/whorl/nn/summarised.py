"""One answer for a sequence, from the outputs of a core pooled over time; while it still comes, from those so far.

Axes: B sequences, T steps, D columns, K outputs, O numbers for each output.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from whorl.nn.convolution import CausalConvolution
from whorl.nn.core import Core
from whorl.nn.emission import emit_affine, emit_ends, numpy
from whorl.nn.inputs import InputColumns
from whorl.nn.network import Network
from whorl.nn.pooling import Pool
from whorl.nn.standardised import Standardised
from whorl.plans.wiring import Convolution, ManyToMany, ManyToOne
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.specs import Spec


class SequenceNetwork(Network):
    """Answers whole sequences, once or at every step.

    Args:
        past: what a row is.
        shape: once, from the outputs of the core pooled in the ways that it names, or at every step.
        convolution: what stands before the core, if anything does.
        core: builds the core for an input size.
        num_targets: K.
        num_outputs: O.
        dropout: on the way to the last layer.
        chained: whether it is learned, too, how classes follow each other.
    """

    def __init__(
        self,
        *,
        past: Spec,
        shape: ManyToOne | ManyToMany,
        convolution: Convolution | None,
        core: Callable[[int], Core],
        num_targets: int,
        num_outputs: int,
        dropout: float = 0.0,
        chained: bool = False,
    ) -> None:
        super().__init__()
        wanted = shape.embedding_size if isinstance(shape, ManyToOne) else None
        self.columns = InputColumns(past, embedding_size=wanted)
        for table in self.columns.tables:
            # Of length one on average: longer ones would be told apart by chance, and hardly be changed by training.
            nn.init.normal_(table.weight, std=table.embedding_dim**-0.5)  # type: ignore[arg-type,operator]
        self.input_dropout = shape.input_dropout
        self.convolution = None if convolution is None else CausalConvolution(self.columns.size, convolution)
        read = self.columns.size if self.convolution is None else self.convolution.output_size
        self.core = core(read)
        self.pool = Pool(self.core.output_size, shape.pooling) if isinstance(shape, ManyToOne) else None
        size = self.core.output_size if self.pool is None else self.pool.output_size
        # A core that learns nothing does not learn either how large what it says should be.
        self.scaled = Standardised(size) if self.core.is_frozen else None
        ways = tuple(way for way in shape.pooling if way != "last") if isinstance(shape, ManyToOne) else ()
        self.beside = Pool(read, ways) if isinstance(shape, ManyToOne) and shape.beside and ways else None
        size += 0 if self.beside is None else self.beside.output_size
        behind = shape.behind if isinstance(shape, ManyToMany) else None
        self.behind = None if behind is None else CausalConvolution(size, behind)
        size = size if self.behind is None else self.behind.output_size
        self.last = nn.Linear(size, num_targets * num_outputs)
        self.dropout = nn.Dropout(dropout)
        self.num_targets, self.num_outputs = num_targets, num_outputs
        self.chain = nn.Parameter(torch.zeros(num_outputs + 1, num_outputs + 1)) if chained else None

    def learned(self) -> dict[str, np.ndarray]:
        return {} if self.chain is None else {"chain": numpy(self.chain)}

    def forward(self, inputs: dict[str, Tensor], lengths: Tensor | None = None) -> Tensor:
        """Answers sequences: past (B, T, D) -> (B, K, O), or (B, T, K, O) at every step."""
        past, real = inputs["past"], None
        if lengths is not None:
            # Padding may hold anything; symbols must be looked up somewhere.
            real = torch.arange(past.shape[1], device=past.device) < lengths[:, None]
            past = torch.where(real[..., None], past, 0.0)
        x_BTD = self.columns(past)
        if self.convolution is not None:
            x_BTD = self.convolution(x_BTD, real)
        x_BTD = self._dropped(x_BTD)
        y_BTH, state = self.core(x_BTD, lengths_B=lengths)
        if self.pool is not None:
            y_BTH = self.pool(y_BTH, self.core.last_output(y_BTH, state, lengths), real)
        if self.scaled is not None:
            y_BTH = self.scaled(y_BTH, real if self.pool is None else None)
        if self.beside is not None:
            unused_BD = x_BTD.new_zeros(len(x_BTD), x_BTD.shape[-1])  # no way of `beside` is 'last'
            y_BTH = torch.cat([y_BTH, self.beside(x_BTD, unused_BD, real)], dim=-1)
        if self.behind is not None:
            y_BTH = self.behind(self.dropout(y_BTH), real)
        out: Tensor = self.last(self.dropout(y_BTH))
        return out.reshape(*out.shape[:-1], self.num_targets, self.num_outputs)

    def _dropped(self, x_BTD: Tensor) -> Tensor:
        """Some of what is read as zeros; numbers of rows stay, since a zero among them is a value and no gap."""
        dropped_BTD = functional.dropout(x_BTD, self.input_dropout, self.training)
        if dropped_BTD is x_BTD or self.convolution is not None or not self.columns.has_reals:
            return dropped_BTD
        kept = len(self.columns.numbers)
        return torch.cat([x_BTD[..., :kept], dropped_BTD[..., kept:]], dim=-1)

    def emit(self, program: Program) -> Name:
        """Adds the network to a program; its answers at each step are those of the sequence so far."""
        x = self.columns.emit(program, program.add(ops.Input(out="past", shape=(self.columns.num_columns,))))
        if self.convolution is not None:
            x = self.convolution.emit(program, x)
        h = self.core.emit(program, x)
        if self.pool is not None:
            h = self.pool.emit(program, h, h if self.core.is_causal else emit_ends(program, h))
        if self.scaled is not None:
            h = self.scaled.emit(program, h)
        if self.beside is not None:
            h = program.add(ops.Concat(parts=(h, self.beside.emit(program, x, x)), axis=0))
        if self.behind is not None:
            h = self.behind.emit(program, h, "behind")
        out = emit_affine(program, "last", self.last, h)
        program.output = program.add(ops.Reshape(x=out, shape=(self.num_targets, self.num_outputs)))
        return program.output
