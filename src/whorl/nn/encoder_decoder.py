"""A sequence or a picture is read whole, and symbols are written, each step looking back at what was read.

Axes: B sequences, T steps that are written, S steps that are read, E width of a symbol, H hidden, D width of what the
encoder says of a step, V symbols that may be written, C columns of a step, P sources, N sequences or fewer.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from whorl.nn.attention import Attention
from whorl.nn.core import State
from whorl.nn.cores import AnyCore
from whorl.nn.emission import emit_affine, emit_ends, numpy
from whorl.nn.network import Network
from whorl.nn.sources import Cells, Symbols, sources
from whorl.plans.wiring import EncoderDecoder
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.specs import Spec

# What the decoder is told once: how many steps were read, what the encoder says of each, its keys, and where its own
# layers begin.
LENGTH, MEMORY, KEYS, LOWER, UPPER = "length", "memory", "keys", "lower", "upper"


class EncoderDecoderNetwork(Network):
    """Two layers that write, with attention between them, over a core that reads.

    The lower layer reads the symbols written so far, attention takes what it says for the query, and the upper layer
    reads both: the conditional decoder of Firat & Cho (Sennrich et al. 2017, section 2.1), but for its layers having
    states of their own. So no layer waits for attention, and training runs each over all steps at once. The symbols'
    vectors also weigh the outputs (Press & Wolf 2017).

    With input feeding the lower layer also reads the attentional vector of the step before, what both layers and
    attention said together, or zeros at the first step (Luong et al. 2015, section 3.3). Then training goes step by
    step, and recurrent dropout draws a mask for each.

    Where it waits for some steps of the source only, the layers that write begin with what the encoder says of the last
    of these, and each step looks back at one more (wait-k, Ma et al. 2019, section 3.1); the encoder is causal.

    Args:
        source: what a step that is read is: symbols, numbers, or a picture.
        num_targets: V.
        shape: attention, the width of a symbol, and whether what is read has an order.
        encoder: builds the core that reads for an input size; cells without an order do without.
        layer: builds a layer that writes for an input size.
        dropout: of symbols, of what the encoder says, and on the way to the last layer.
    """

    def __init__(
        self,
        *,
        source: Spec,
        num_targets: int,
        shape: EncoderDecoder,
        encoder: Callable[[int], AnyCore],
        layer: Callable[[int], AnyCore],
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        size = shape.embedding_size
        self.shape = shape
        self.sources, self.targets = sources(source, size, ordered=shape.ordered), Symbols(num_targets, size)
        for part in (self.sources, self.targets):
            if isinstance(part, Symbols):
                part.draw()
        self.encoder = encoder(self.sources.output_size) if shape.ordered else Cells(self.sources.output_size)
        width = self.encoder.output_size
        self.lower = layer(2 * size if shape.input_feeding else size)
        self.attention = Attention(self.lower.output_size, width, shape.attention)
        self.upper = layer(width + self.lower.output_size)
        self.bridge = nn.Linear(width, self.lower.state_size + self.upper.state_size)
        self.blend = nn.Linear(self.upper.output_size + width + size, size)
        self.bias = nn.Parameter(torch.zeros(num_targets))
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: dict[str, Tensor], lengths: Tensor | None = None) -> Tensor:
        """What may be written at each step, given the symbols before it: (B, T, 1, V).

        Args:
            inputs: `source` (P, S, C) and `past` (B, T, 1), codes; `source_length` (P, 1). P is B, unless
                `source_place` (B, 1) says which source each sequence is written for.
            lengths: real steps of `past`, (B,).
        """
        past, read = inputs["past"][..., 0], inputs["source_length"][:, 0].long()
        if lengths is not None:
            past = torch.where(torch.arange(past.shape[1], device=past.device) < lengths[:, None], past, 0.0)
        memory_BSD, start_BS, read = self.read(inputs["source"], read)
        if "source_place" in inputs:
            place = inputs["source_place"][:, 0].long()
            memory_BSD, start_BS, read = memory_BSD[place], start_BS[place], read[place]
        places = torch.arange(memory_BSD.shape[1], device=past.device)
        real_BTS = (places < read[:, None])[:, None]
        if self.shape.wait is not None:
            reach_T1 = torch.arange(past.shape[1], device=past.device)[:, None] + self.shape.wait
            real_BTS = real_BTS & (places < reach_T1)
        codes = past.long()
        if self.training and self.shape.sampling:
            with torch.no_grad():
                written = self.write(codes, memory_BSD, start_BS, real_BTS, lengths).argmax(dim=-1)
            drawn = torch.rand(written[:, :-1].shape, device=codes.device) < self.shape.sampling
            codes = torch.cat([codes[:, :1], torch.where(drawn, written[:, :-1], codes[:, 1:])], dim=1)
        return self.write(codes, memory_BSD, start_BS, real_BTS, lengths)[:, :, None]

    def read(self, source_PSC: Tensor, lengths_P: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the encoder says of each step, (P, S, D), the states that the layers that write begin with, and lengths.

        Of a picture the steps are the cells of its grid.
        """
        real_PS = torch.arange(source_PSC.shape[1], device=source_PSC.device) < lengths_P[:, None]
        x_PSE, lengths_P = self.sources.read(torch.where(real_PS[..., None], source_PSC, 0.0), lengths_P)
        # Between cells and memory there is nothing that dropping could be for: they are dropped once, as memory.
        x_PSE = self.dropout(x_PSE) if self.shape.ordered else x_PSE
        memory_PSD, state = self.encoder(x_PSE, lengths_B=lengths_P)
        last = self.encoder.last_output(memory_PSD, state, lengths_P)
        if self.shape.wait is not None:  # what follows is not known yet where the first symbol is written
            last = memory_PSD[torch.arange(len(memory_PSD)), lengths_P.clamp(max=self.shape.wait) - 1]
        return self.dropout(memory_PSD), torch.tanh(self.bridge(last)), lengths_P

    def write(
        self, past_BT: Tensor, memory_BSD: Tensor, start_BS: Tensor, real_BTS: Tensor, lengths_B: Tensor | None
    ) -> Tensor:
        """What may come after each symbol, (B, T, V), that looks back at what is `real`, (B, T or 1, S)."""
        lower_BS, upper_BS = torch.split(start_BS, [self.lower.state_size, self.upper.state_size], dim=-1)
        states = self.lower.state_of(lower_BS), self.upper.state_of(upper_BS)
        x_BTE = self.dropout(self.targets(past_BT))
        rows = memory_BSD, self.attention.keys(memory_BSD)
        if not self.shape.input_feeding:
            out_BTE, _ = self._attentional(x_BTE, None, states, rows, real_BTS, lengths_B)
        else:
            fed_B1E, said = torch.zeros_like(x_BTE[:, :1]), []
            each_BTS = real_BTS.expand(-1, x_BTE.shape[1], -1)
            for x_B1E, real_B1S in zip(torch.split(x_BTE, 1, dim=1), torch.split(each_BTS, 1, dim=1), strict=True):
                out_B1E, states = self._attentional(x_B1E, fed_B1E, states, rows, real_B1S, None)
                said.append(out_B1E)
                fed_B1E = torch.tanh(out_B1E)
            out_BTE = torch.cat(said, dim=1)
        return nn.functional.linear(self.dropout(out_BTE), self.targets.table.weight, self.bias)

    def _attentional(
        self,
        x_BTE: Tensor,
        fed_BTE: Tensor | None,
        states: tuple[State, State],
        rows: tuple[Tensor, Tensor],
        real_BTS: Tensor,
        lengths_B: Tensor | None,
    ) -> tuple[Tensor, tuple[State, State]]:
        """What weighs the outputs at some steps, (B, T, E), and the states of both layers after them.

        Its tanh is the attentional vector. The outputs do without it: their weights are vectors of symbols, too short
        to tell thousands of them apart by numbers between -1 and 1.

        Args:
            x_BTE: vectors of the symbols that are read.
            fed_BTE: what is read beside them.
            states: of the lower and the upper layer before these steps.
            rows: what attention looks back at, and its keys.
            real_BTS: which of it each step may look at.
            lengths_B: real steps.
        """
        memory_BSD, keys_BSA = rows
        read = x_BTE if fed_BTE is None else torch.cat([x_BTE, fed_BTE], dim=-1)
        h_BTH, lower = self.lower(read, states[0], lengths_B=lengths_B)
        seen_BTD = self.attention(h_BTH, memory_BSD, real_BTS, keys_BSA)
        y_BTH, upper = self.upper(torch.cat([seen_BTD, h_BTH], dim=-1), states[1], lengths_B=lengths_B)
        return self.blend(torch.cat([y_BTH, seen_BTD, x_BTE], dim=-1)), (lower, upper)

    def emit_encoder(self, program: Program) -> Name:
        """Adds the side that reads. What the decoder is told, but the length, stands side by side: what is of each step
        at each step, or, of a picture, what is of each cell of its grid behind each other.
        """
        read = program.add(ops.Input(out="source", shape=(self.sources.num_columns,)))
        x = self.sources.emit(program, read)
        memory = self.encoder.emit(program, x)
        if isinstance(self.encoder, Cells):
            last = self.encoder.emit_mean(program, memory)
        else:
            last = memory if self.encoder.is_causal else emit_ends(program, memory)
        start = emit_affine(program, "bridge", self.bridge, last)
        start = program.add(ops.Activate(x=start, function="tanh"))
        keys = self.attention.emit_keys(program, memory)
        parts = [_flat(program, part) for part in (memory, keys) if part is not None]
        program.output = program.add(ops.Concat(parts=(*parts, start), axis=0))
        return program.output

    def emit(self, program: Program) -> Name:
        """Adds the side that writes, a symbol at a step."""
        width = self.encoder.output_size
        longest = self.sources.num_cells or self.shape.longest

        def told(name: str, *shape: int) -> Name:
            return program.add(ops.Input(out=name, shape=shape, static=True))

        length, memory = told(LENGTH, 1), told(MEMORY, longest, width)
        keys = None if self.attention.key is None else told(KEYS, longest, self.attention.key_size)
        lower, upper = told(LOWER, self.lower.state_size), told(UPPER, self.upper.state_size)
        x = self.targets.emit(program, program.add(ops.Input(out="past", shape=(1,))))
        read, fed = x, None
        if self.shape.input_feeding:
            fed = program.add(ops.Previous(shape=(self.shape.embedding_size,)))
            read = program.add(ops.Concat(parts=(x, fed), axis=0))
        h = self.lower.emit(program, read, [lower])
        reach = length if self.shape.wait is None else self._reach(program, self.shape.wait, length)
        seen = self.attention.emit(program, h, memory, keys, reach)
        y = self.upper.emit(program, program.add(ops.Concat(parts=(seen, h), axis=0)), [upper])
        out = emit_affine(program, "blend", self.blend, program.add(ops.Concat(parts=(y, seen, x), axis=0)))
        if fed is not None:
            program.add(ops.Keep(x=program.add(ops.Activate(x=out, function="tanh")), previous=fed))
        table, bias = program.tensor("past.table", numpy(self.targets.table.weight)), numpy(self.bias)
        out = program.add(ops.Affine(x=out, weight=table, bias=program.tensor("last.bias", bias)))
        program.output = program.add(ops.Reshape(x=out, shape=(1, len(bias))))
        return program.output

    def _reach(self, program: Program, wait: int, length: Name) -> Name:
        """How many steps are known to each that is written: `wait` to the first, but never more than there are."""
        known = program.add(ops.Previous(shape=(1,)))  # steps that were written before
        one = program.add(ops.Constant(tensor=program.tensor("one", numpy(torch.ones(1)))))
        program.add(ops.Keep(x=program.add(ops.Combine(a=known, b=one, function="add")), previous=known))
        first = program.add(ops.Constant(tensor=program.tensor("wait", numpy(torch.tensor([float(wait)])))))
        reach = program.add(ops.Combine(a=known, b=first, function="add"))
        beyond = program.add(ops.Combine(a=reach, b=length, function="subtract"))
        beyond = program.add(ops.Activate(x=beyond, function="relu"))
        return program.add(ops.Combine(a=reach, b=beyond, function="subtract"))


def _flat(program: Program, x: Name) -> Name:
    """A value on one axis."""
    shape = program.shapes[x]
    return x if len(shape) == 1 else program.add(ops.Reshape(x=x, shape=(math.prod(shape),)))
